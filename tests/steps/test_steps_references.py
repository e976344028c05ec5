"""References and montages are what numpy makes of the channels that count."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from step_oracles import computed, recording, source_traits, spans_of

from seriesview.envelope.missing import Missing
from seriesview.errors import SeriesviewError
from seriesview.steps.documents import parse_steps
from seriesview.steps.montages import finder
from seriesview.steps.planning import plan_steps


def nan_reduced(name, values):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return getattr(np, f"nan{name}")(values, axis=1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["mean", "median"]),
    st.integers(2, 9),
    st.integers(1, 9000),
    st.sampled_from(["int16", "uint8", "float32"]),
    st.integers(0, 2**32),
)
def test_a_reference_is_that_of_the_channels_that_have_a_value(how, channels, samples, dtype, seed):
    rng = np.random.default_rng(seed)
    values = recording(rng, samples, channels, dtype)
    traits = source_traits(channels, dtype=dtype)
    if dtype == "float32":
        values[rng.random(values.shape) < 0.3] = np.nan
    plan = plan_steps(parse_steps([{"reference": how}]), traits)
    physical = values.astype(np.float64) * 0.5
    whole = physical - nan_reduced(how, physical)
    for start, end in spans_of(rng, plan, samples):
        found = computed(plan, values, start, end) * 0.5 + plan.output.offsets[0]
        atol = 1e-3 if dtype == "float32" else 0.25 + 1e-9
        if dtype == "uint8":
            low, high = plan.output.offsets[0], 127 * 0.5
            np.testing.assert_allclose(found, np.clip(whole[start:end], low, high), rtol=0, atol=atol)
        else:
            np.testing.assert_allclose(found, whole[start:end], rtol=0, atol=atol)


def test_halves_of_integers_round_to_even_whatever_the_scale():
    values = np.array([[0, 1], [0, 3], [0, 5], [2, 1]], np.int16)
    plan = plan_steps(parse_steps([{"reference": "median"}]), source_traits(2, scales=(0.195, 0.195)))
    found = plan.compute(values, 0, 4, 0, 4)
    assert found.tolist() == [[0, 0], [-2, 2], [-2, 2], [0, 0]]


def test_bad_channels_reference_sites_and_other_signals_do_not_count():
    rng = np.random.default_rng(1)
    values = recording(rng, 100, 6, "float64")
    types = ("EEG", "EEG", "EEG", "REF", "EOG", "TRIG")
    traits = source_traits(6, dtype="float64", types=types, bad=frozenset({1}), scales=(1.0,) * 6)
    plan = plan_steps(parse_steps([{"reference": "mean"}]), traits)
    whole = values.copy()
    whole[:, :4] -= values[:, [0, 2]].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(plan.compute(values, 0, 100, 0, 100), whole, rtol=1e-12)
    assert plan.left_out == (1, 3, 5)
    assert plan.output.bad == {1}


def test_each_group_has_its_own_reference_and_what_is_in_none_passes():
    rng = np.random.default_rng(2)
    values = recording(rng, 100, 6)
    traits = source_traits(6, groups=("a", "b", "a", None, "b", "a"))
    plan = plan_steps(parse_steps([{"reference": "median", "within": "shank"}]), traits)
    assert plan.steps == ({"reference": "median", "within": "group"},)
    whole = values.astype(np.float64)
    for group in ([0, 2, 5], [1, 4]):
        whole[:, group] -= np.median(whole[:, group], axis=1, keepdims=True)
    np.testing.assert_array_equal(plan.compute(values, 0, 100, 0, 100), np.rint(whole))


def test_named_channels_are_a_reference_in_physical_values_where_scales_differ():
    rng = np.random.default_rng(3)
    values = recording(rng, 100, 3)
    traits = source_traits(
        3, labels=("EEG Cz-Ref", "A1", "a2"), scales=(0.5, 0.25, 0.5), offsets=(1.0, 2.0, 3.0)
    )
    plan = plan_steps(parse_steps([{"reference": ["M1", "M2"]}]), traits)
    physical = values * np.array([0.5, 0.25, 0.5]) + [1.0, 2.0, 3.0]
    whole = physical - physical[:, 1:].mean(axis=1, keepdims=True)
    assert (plan.output.dtype, plan.output.scales, plan.output.offsets) == (
        np.float32,
        (1.0,) * 3,
        (0.0,) * 3,
    )
    np.testing.assert_allclose(plan.compute(values, 0, 100, 0, 100), whole, atol=1e-3)


def test_a_channel_without_missing_values_gets_one_where_its_reference_has_none():
    values = np.array([[5, 1], [6, -1], [7, 2]], np.int16)
    traits = source_traits(2, missing=(None, Missing((-1,))))
    plan = plan_steps(parse_steps([{"reference": ["c1"]}]), traits)
    assert plan.output.missing == (Missing((-32768,)), Missing((-1,)))
    assert plan.compute(values, 0, 3, 0, 3).tolist() == [[4, 0], [-32768, -1], [5, 0]]


def test_a_montage_makes_rows_of_channels_under_any_of_their_names():
    rng = np.random.default_rng(4)
    values = recording(rng, 200, 5)
    labels = ("EEG Fp1-Ref", "EEG T3-Ref", "EEG A1-Ref", "EEG A2-Ref", "Status")
    traits = source_traits(5, labels=labels, offsets=(2.0,) * 5, bad=frozenset({1}))
    rows = [["fp1", "T7"], ["Fp1", ["M1", "M2"]], {"half": {"T3": 0.5}}, [{"Fz": ["fp1", "A1"]}]]
    plan = plan_steps(parse_steps([{"montage": rows}]), traits)
    physical = values * 0.5 + 2.0
    whole = np.stack(
        [
            physical[:, 0] - physical[:, 1],
            physical[:, 0] - (physical[:, 2] + physical[:, 3]) / 2,
            physical[:, 1] / 2,
            physical[:, 0] - physical[:, 2],
        ],
        axis=1,
    )
    found = plan.compute(values, 0, 200, 0, 200)
    assert found.dtype == np.float32
    assert plan.output.labels == ("fp1-T7", "Fp1-(M1+M2)/2", "half", "Fz")
    assert (plan.sources, plan.output.bad) == ((None, None, 1, None), {0, 2})
    np.testing.assert_allclose(found * 0.5 + plan.output.offsets, whole, atol=1e-3)
    again = plan_steps(parse_steps(list(plan.steps)), traits)
    assert (again.steps, again.output) == (plan.steps, plan.output)


def test_a_montage_of_some_types_leaves_the_others_behind_its_rows():
    traits = source_traits(3, types=("EEG", "EMG", "EEG"))
    plan = plan_steps(parse_steps([{"montage": [["c0", "c2"]], "types": ["eeg"]}]), traits)
    assert (plan.output.labels, plan.output.types) == (("c0-c2", "c1"), ("EEG", "EMG"))
    assert plan.compute(np.array([[5, 6, 3]], np.int16), 0, 1, 0, 1).tolist() == [[2, 6]]


def test_a_choice_of_channels_stays_as_it_is_stored():
    traits = source_traits(3, missing=(None, None, Missing((9,))))
    plan = plan_steps(parse_steps([{"montage": ["c2", "c0"]}]), traits)
    assert (plan.output.dtype, plan.output.missing, plan.sources) == ("int16", (Missing((9,)), None), (2, 0))
    assert plan.compute(np.array([[5, 6, 9]], np.int16), 0, 1, 0, 1).tolist() == [[9, 5]]


def test_the_absolute_value_is_that_of_what_is_measured():
    traits = source_traits(2, scales=(-0.5, 2.0), offsets=(10.0, 0.0))
    plan = plan_steps(parse_steps([{"absolute": True}]), traits)
    values = np.array([[30, -4], [-6, 5], [20, -32768]], np.int16)
    found = plan.compute_counted(values, 0, 3, 0, 3)
    assert (found.values * plan.output.scales).tolist() == [[5, 8], [13, 10], [0, 65534]]
    assert found.clipped == 1


@pytest.mark.parametrize(
    ("name", "labels", "place"),
    [
        ("Fp1", ["EEG FP1-REF"], 0),
        ("T3", ["T7"], 0),
        ("m2", ["A1", "EEG A2-LE"], 1),
        ("T7", ["T3", "T7"], 1),
        ("t7", ["T3", "T7"], None),
        ("C3-M2", ["C3", "C3-A2"], None),
        ("Cz", ["EOG"], None),
    ],
)
def test_names_of_channels_match_in_the_ways_that_they_are_written(name, labels, place):
    assert finder(labels)(name) == place


@pytest.mark.parametrize(
    ("step", "traits", "words"),
    [
        (
            {"highpass": 500},
            {},
            "steps[0]: highpass: 500 Hz is not below half of the 1000 samples a second; set",
        ),
        ({"bandpass": [10, 700]}, {}, "700 Hz is not below half"),
        ({"notch": 800}, {}, "notch: 800 Hz is not below"),
        ({"highpass": 1e-8, "order": 1}, {}, "rings for"),
        ({"montage": [["c0", "c7"]]}, {}, "montage: c0-c7: there is no channel 'c7'"),
        ({"montage": [["c0", "C0"]]}, {}, "two of its names mean the same channel"),
        ({"montage": ["c0", {"c0": "c1"}]}, {}, "c0 is the label of two rows"),
        ({"reference": ["c9"]}, {}, "there is no channel 'c9'"),
        ({"reference": "mean"}, {"types": ("EMG",) * 4}, "there is no channel to take the mean of"),
        (
            {"reference": "median"},
            {"bad": frozenset({0, 1, 2})},
            "there is one channel to take the median of",
        ),
        ({"reference": "mean", "within": "group"}, {}, "no channel is known to belong to a group"),
        (
            {"reference": "mean"},
            {"units": ("uV", "uV", "mV", "uV")},
            "channels in mV and in uV cannot be referenced",
        ),
        ({"highpass": 1, "types": ["EOG"]}, {"types": ("EEG",) * 4}, "no channel is of type EOG (EEG)"),
        ({"highpass": 1, "channels": ["x"]}, {}, "channels: there is no channel 'x'"),
        ({"phase_shift": True}, {}, "does not say when within a sample"),
        ({"resample": 1000}, {}, "it has 1000 samples a second already"),
        ({"resample": 1e-320}, {}, "write 0.01, which is 1/100000 of it"),
        ({"absolute": True}, {"scales": (1, 0, 1, 1)}, "absolute: a channel has the scale 0"),
        ({"resample": 333}, {"rate": 1000.0763}, "is no simple ratio of 1000.0763 Hz; write 333.35"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(step, traits, words):
    with pytest.raises(SeriesviewError) as caught:
        plan_steps(parse_steps([step]), source_traits(4, **traits))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("high", "steps: expected a list, found 'high'"),
        ([{}], "steps[0]: a step is one of highpass, lowpass,"),
        ([{"highpass": 1, "lowpass": 9}], "highpass and lowpass are several"),
        ([{"hipass": 1}], "steps[0]: unknown key hipass (did you mean highpass?)"),
        ([{"highpass": -1}], "steps[0].highpass: expected a number above 0, found -1"),
        (
            [{"highpass": 1, "q": 30}],
            "q means nothing for highpass, which takes order, phase, types, channels",
        ),
        ([{"bandpass": [300, 30]}], "the lower frequency comes first"),
        ([{"bandpass": 300}], "steps[0].bandpass: expected two frequencies in Hz, [LOW, HIGH]"),
        ([{"notch": 50}, {"reference": "medain"}], "did you mean median?"),
        ([{"montage": [["A", "B", "C"]]}], "montage[0]: expected [A, B], [A, [B, C]]"),
        ([{"montage": [["A", "A"]]}], "add up to 0"),
        ([{"absolute": False}], "leave the step out in place of false"),
    ],
)
def test_steps_that_are_not_understood_are_refused_with_their_place(steps, words):
    with pytest.raises(SeriesviewError) as caught:
        parse_steps(steps)
    assert words in str(caught.value)
