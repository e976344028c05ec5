"""Filters by windows are what scipy makes of the whole segment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from step_oracles import both_ways, computed, filtered, one_way, recording, source_traits, spans_of

from seriesview.envelope.missing import Missing
from seriesview.errors import SeriesviewError
from seriesview.steps.documents import parse_steps
from seriesview.steps.planning import plan_steps

FILTERS = st.one_of(
    st.builds(
        lambda kind, edge, order, phase: {kind: edge, "order": order, "phase": phase},
        st.sampled_from(["highpass", "lowpass"]),
        st.sampled_from([5, 40, 330.5]),
        st.integers(1, 6),
        st.sampled_from(["zero", "causal"]),
    ),
    st.builds(
        lambda low, high, order: {"bandpass": [low, high], "order": order},
        st.sampled_from([10, 30.5]),
        st.sampled_from([60, 300, 499]),
        st.integers(1, 5),
    ),
    st.builds(
        lambda harmonics, q: {"notch": 50, "harmonics": harmonics, "q": q}, st.integers(1, 12), st.just(5)
    ),
)


def expected(step, values, rate=1000.0):
    """What scipy makes of the whole segment."""
    name = next(iter(step))
    if name == "notch":
        multiples = [50 * number for number in range(1, step["harmonics"] + 1) if 50 * number < rate / 2]
        sos = np.array([np.concatenate(signal.iirnotch(each, step["q"], fs=rate)) for each in multiples])
    else:
        sos = signal.butter(step["order"], step[name], name, fs=rate, output="sos")
    edge = step[name][0] if name == "bandpass" else step[name]
    return filtered(values, sos, rate, edge, one_way if step.get("phase") == "causal" else both_ways)


def with_gaps(rng, values):
    """The values with runs of NaN: single samples, a few, and long ones, at ends too."""
    for channel in range(values.shape[1]):
        for length in rng.choice([1, 4, 9, 14, 300], rng.integers(0, 5)):
            start = int(rng.integers(-length, len(values)))
            values[max(0, start) : start + length, channel] = np.nan
    return values


@settings(max_examples=60, deadline=None)
@given(FILTERS, st.integers(1, 9000), st.integers(0, 2**32))
def test_any_span_is_what_the_whole_segment_gives(step, samples, seed):
    rng = np.random.default_rng(seed)
    values = with_gaps(rng, recording(rng, samples, 2, "float64"))
    plan = plan_steps(parse_steps([step]), source_traits(2, dtype="float64"))
    whole = expected(step, values)
    span = max(1.0, np.ptp(np.nan_to_num(values)))
    for start, end in spans_of(rng, plan, samples):
        found = computed(plan, values, start, end)
        np.testing.assert_allclose(found, whole[start:end], rtol=0, atol=1e-6 * span)


@settings(max_examples=40, deadline=None)
@given(FILTERS, st.integers(1, 9000), st.sampled_from(["int16", "uint16", "int32"]), st.integers(0, 2**32))
def test_integers_are_the_whole_segments_but_for_ties(step, samples, dtype, seed):
    rng = np.random.default_rng(seed)
    values = recording(rng, samples, 3, dtype)
    source = source_traits(3, dtype=dtype, offsets=(7.0,) * 3)
    plan = plan_steps(parse_steps([step]), source)
    assert plan.output.dtype == dtype
    removes_mean = next(iter(step)) in ("highpass", "bandpass")
    physical = expected(step, values.astype(np.float64)) * 0.5 + (0.0 if removes_mean else 7.0)
    limits = np.iinfo(dtype)
    stored = np.clip((physical - plan.output.offsets[0]) / 0.5, limits.min, limits.max)
    for start, end in spans_of(rng, plan, samples):
        found = computed(plan, values, start, end).astype(np.float64)
        assert np.abs(found - stored[start:end]).max() < 0.502


@pytest.mark.parametrize("rate", [1000.0, 30_000.0])
@pytest.mark.parametrize("edge", [0.5, 1.0, 300.0])
def test_the_margin_is_where_the_response_has_died(rate, edge):
    plan = plan_steps(parse_steps([{"highpass": edge}]), source_traits(1, rate, "float64"))
    sos = signal.butter(5, edge, "highpass", fs=rate, output="sos")
    impulse = np.zeros(4 * plan.margin + 1)
    impulse[2 * plan.margin] = 1
    response = np.abs(signal.sosfilt(sos, signal.sosfilt(sos, impulse)[::-1])[: 2 * plan.margin][::-1])
    left = response[::-1].cumsum()[::-1]
    bridged = max(1, int(min(0.01, 0.5 / edge) * rate))
    assert left[plan.margin - bridged] < 1e-8 < left[int(0.8 * (plan.margin - bridged))]


def test_sections_that_are_known_are_taken_and_looked_at_once_more():
    steps = parse_steps([{"lowpass": 100}])
    first = plan_steps(steps, source_traits())
    assert plan_steps(steps, source_traits(), first.coefficients).coefficients == first.coefficients
    sections = np.array(first.coefficients[0]["sos"])
    grows, is_another = sections.copy(), sections.copy()
    grows[0, 5] = 1.01
    is_another[0, :3] *= 1.1
    for wrong in (grows, is_another):
        with pytest.raises(SeriesviewError, match="is not stable at 1000 samples a second; lower `order`"):
            plan_steps(steps, source_traits(), [{"sos": wrong.tolist()}])


def test_what_the_source_lacks_is_missing_and_nothing_else_means_it():
    rng = np.random.default_rng(0)
    values = recording(rng, 3000, 2)
    values[1000:1004] = -32768
    values[2000:2400, 0] = 9
    traits = source_traits(2, missing=(Missing((-32768, 9)), Missing((0,))))
    plan = plan_steps(parse_steps([{"highpass": 40}]), traits)
    assert plan.output.missing == (Missing((-32768,)), Missing((0,)))
    found = plan.compute_counted(values, 0, 3000, 0, 3000)
    missing = (values[:, 0] == -32768) | (values[:, 0] == 9)
    np.testing.assert_array_equal(found.values[:, 0] == -32768, missing)
    physical = values.astype(np.float64)
    physical[values[:, 1] == 0, 1] = np.nan
    whole = np.rint(expected({"highpass": 40, "order": 5}, physical)[:, 1])
    assert found.moved == np.count_nonzero(whole == 0) > 3
    np.testing.assert_array_equal(
        found.values[:, 1], np.where(np.isnan(whole), 0, np.where(whole == 0, 1, whole))
    )


def test_what_does_not_fit_is_clipped_and_counted():
    values = np.where(np.arange(4000) % 40 < 20, 32767, -32768).astype(np.int16)[:, np.newaxis]
    plan = plan_steps(parse_steps([{"lowpass": 200}]), source_traits(1))
    whole = np.rint(expected({"lowpass": 200, "order": 5}, values.astype(np.float64)))
    found = plan.compute_counted(values, 0, 4000, 0, 4000)
    assert found.clipped == np.count_nonzero((whole > 32767) | (whole < -32768)) > 100
    np.testing.assert_array_equal(found.values, np.clip(whole, -32768, 32767))
