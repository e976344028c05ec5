"""Resampling and shifts within a sample, by windows and as a whole."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from step_oracles import computed, pieces, recording, source_traits, spans_of

from seriesview.envelope.missing import Missing
from seriesview.steps.documents import parse_steps
from seriesview.steps.planning import plan_steps

RATES = [500.0, 125.0, 1000 / 24, 400.0, 1500.0, 300.0, 1000 * 16 / 15]


def continued(samples, by):
    """Samples (n,) turned about both ends as far as there are any, the last again beyond."""
    turned = [2 * samples[0] - samples[min(k, len(samples) - 1)] for k in range(by, 0, -1)]
    behind = [2 * samples[-1] - samples[max(len(samples) - 1 - k, 0)] for k in range(1, by + 1)]
    return np.array([*turned, *samples, *behind])


def resampled(values, ratio):
    """Every output by its sum over the inputs, each piece by itself."""
    up, down = ratio.numerator, ratio.denominator
    reach = 33 * max(up, down)
    kernel = signal.firwin(2 * reach + 1, 0.9 / max(up, down), window=("kaiser", 10.06)) * up
    by = -(-reach // up)
    most_bridged = max(1, int(min(0.01, 0.5 / (min(1, ratio) * 500)) * 1000))
    outputs = (len(values) - 1) * up // down + 1
    found = np.full((outputs, values.shape[1]), np.nan)
    for channel in range(values.shape[1]):
        filled, parts = pieces(values[:, channel], most_bridged)
        for start, end in parts:
            padded = continued(filled[start:end], by)
            at = (np.arange(len(padded)) - by + start) * up
            for output in range(outputs):
                if start * up <= output * down <= (end - 1) * up:
                    lags = output * down - at
                    inside = np.abs(lags) <= reach
                    found[output, channel] = kernel[lags[inside] + reach] @ padded[inside]
        for output in range(outputs):
            nearest = int(Fraction(output * down, up) + Fraction(1, 2))
            if np.isnan(values[min(nearest, len(values) - 1), channel]):
                found[output, channel] = np.nan
    return found


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(RATES), st.integers(1, 1500), st.booleans(), st.integers(0, 2**32))
def test_any_span_of_another_rate_is_the_sum_over_the_whole_segment(rate, samples, has_gaps, seed):
    rng = np.random.default_rng(seed)
    values = recording(rng, samples, 2, "float64")
    for length in (1, 3, 40) if has_gaps else ():
        start = int(rng.integers(-length, samples))
        values[max(0, start) : start + length, 0] = np.nan
    plan = plan_steps(parse_steps([{"resample": rate}]), source_traits(2, dtype="float64"))
    assert plan.output.sampling_frequency == pytest.approx(rate, rel=1e-15)
    whole = resampled(values, Fraction(rate / 1000).limit_denominator(100))
    assert plan.outputs_of(samples) == len(whole)
    for start, end in spans_of(rng, plan, samples):
        found = computed(plan, values, start, end)
        np.testing.assert_allclose(
            found, whole[start:end], rtol=0, atol=1e-6 * np.ptp(np.nan_to_num(values)) + 1e-9
        )


def test_nothing_folds_back_and_what_passes_keeps_its_height():
    time = np.arange(60_000) / 30_000
    values = np.stack([np.sin(2 * np.pi * f * time) for f in (100, 490, 640, 1000, 5000)], axis=1)
    plan = plan_steps(parse_steps([{"resample": 1250}]), source_traits(5, 30_000.0, "float64"))
    found = plan.compute(values, 0, 60_000, 0, 2500)[100:-100]
    heights = np.abs(found).max(axis=0)
    np.testing.assert_allclose(heights[:2], 1, atol=2e-3)
    assert heights[2:].max() < 1e-4
    np.testing.assert_allclose(found[:, 0], values[::24, 0][100:-100], atol=1e-4)


def test_lines_keep_their_levels_at_another_rate():
    values = np.stack([np.arange(100), np.arange(100) // 7 % 2 * 64], axis=1).astype(np.int16)
    plan = plan_steps(parse_steps([{"resample": 250}]), source_traits(2, types=(None, "TRIG")))
    np.testing.assert_array_equal(computed(plan, values, 3, 20)[:, 1], values[::4, 1][3:20])


def test_steps_after_one_another_are_the_whole_segments_too():
    rng = np.random.default_rng(5)
    values = recording(rng, 40_000, 3, "float64")
    steps = [{"highpass": 20, "order": 2}, {"resample": 250}, {"lowpass": 60}, {"reference": "median"}]
    plan = plan_steps(parse_steps(steps), source_traits(3, dtype="float64"))
    high = signal.butter(2, 20, "highpass", fs=1000, output="sos")
    low = signal.butter(5, 60, "lowpass", fs=250, output="sos")
    kernel = signal.firwin(2 * 33 * 4 + 1, 0.9 / 4, window=("kaiser", 10.06))
    whole = signal.sosfiltfilt(high, values, axis=0)
    padded = np.stack([continued(whole[:, channel], 132) for channel in range(3)], axis=1)
    whole = signal.sosfiltfilt(
        low, signal.fftconvolve(padded, kernel[:, np.newaxis], "valid", axes=0)[::4], axis=0
    )
    whole -= np.median(whole, axis=1, keepdims=True)
    assert plan.outputs_of(40_000) == len(whole) == 10_000
    for start, end in spans_of(rng, plan, 40_000, 8):
        np.testing.assert_allclose(computed(plan, values, start, end), whole[start:end], rtol=0, atol=1e-4)


def test_channels_taken_some_at_a_time_are_the_same(monkeypatch):
    rng = np.random.default_rng(6)
    values = recording(rng, 5000, 7)
    values[1000:1300, 4] = -5
    traits = source_traits(
        7,
        types=("EEG", "TRIG", "EEG", "EOG", "EEG", "EEG", "TRIG"),
        sample_shifts=(0.0, 0.0, 0.5, 0.25, 0.5, 0.0, 0.0),
        missing=(None,) * 4 + (Missing((-5,)),) + (None,) * 2,
    )
    steps = [
        {"phase_shift": True},
        {"highpass": 5, "types": ["EEG"]},
        {"resample": 250},
        {"reference": "mean"},
    ]
    plan = plan_steps(parse_steps([*steps, {"lowpass": 40, "channels": ["c3"]}]), traits)
    at_once = computed(plan, values, 100, 900)
    monkeypatch.setattr("seriesview.steps.plan._VALUES_AT_ONCE", 12_000)
    np.testing.assert_array_equal(computed(plan, values, 100, 900), at_once)


@pytest.mark.parametrize("shift", [0.0, 1 / 13, 0.5, 12 / 13])
def test_channels_that_were_digitized_later_are_moved_back(shift):
    """Below 0.9 of half the rate; times of samples are those of the first channel."""
    index = np.arange(4000)
    frequencies = np.array([0.01, 0.1, 0.3, 0.44])
    first, later = (
        np.cos(2 * np.pi * np.outer(index + moved, frequencies)).sum(axis=1) for moved in (0, shift)
    )
    traits = source_traits(2, dtype="float64", sample_shifts=(0.0, shift))
    plan = plan_steps(parse_steps([{"phase_shift": True}]), traits)
    found = plan.compute(np.stack([first, later], axis=1), 0, 4000, 0, 4000)
    np.testing.assert_array_equal(found[:, 0], first)
    np.testing.assert_allclose(found[60:-60, 1], first[60:-60], atol=2e-4)
    assert plan.output.sample_shifts == (0.0, 0.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**32))
def test_any_span_of_shifted_channels_is_the_whole_segments(samples, seed):
    rng = np.random.default_rng(seed)
    values = recording(rng, samples, 3, "float64")
    values[rng.random(samples) < 0.01, 1] = np.nan
    traits = source_traits(3, dtype="float64", sample_shifts=(0.0, 0.25, 0.5))
    plan = plan_steps(parse_steps([{"phase_shift": True}]), traits)
    whole = plan.compute(values, 0, samples, 0, samples)
    lags = np.arange(-48, 49) - 0.5
    kernel = np.sinc(lags) * np.i0(10 * np.sqrt(np.maximum(0, 1 - (lags / 49) ** 2)))
    last = np.convolve(continued(values[:, 2], 48), kernel / kernel.sum(), "valid")
    np.testing.assert_allclose(whole[:, 2], last, rtol=0, atol=1e-8)
    for start, end in spans_of(rng, plan, samples):
        np.testing.assert_allclose(computed(plan, values, start, end), whole[start:end], rtol=0, atol=1e-8)
