"""Spectrograms are scipy's, window by window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from step_oracles import computed, pieces, recording, source_traits, spans_of

from seriesview.envelope.missing import Missing
from seriesview.errors import SeriesviewError
from seriesview.steps.spectrogram import plan_spectrogram
from seriesview.steps.spectrogram_keys import parse_spectrogram


def planned(traits, **keys):
    return plan_spectrogram(parse_spectrogram(keys), traits)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([0.5, 0.401, 2.0]),
    st.sampled_from([0.1, 0.5, 0.003]),
    st.sampled_from([None, 0.2, 0.301]),
    st.integers(1, 5000),
    st.integers(0, 2**32),
)
def test_welchs_method_is_scipys_in_every_window(window, step, segment, samples, seed):
    rng = np.random.default_rng(seed)
    values = recording(rng, samples, 3)
    length, hop = round(window * 1000), round(step * 1000)
    nperseg = length if segment is None else round(segment * 1000)
    traits = source_traits(3, offsets=(9.0,) * 3)
    plan = planned(
        traits,
        window=window,
        step=step,
        range=[0, 500],
        channel="c1",
        **({"segment": segment} if segment else {}),
    )
    windows = range(0, samples - length + 1, hop)
    assert plan.outputs_of(samples) == len(windows)
    physical = values[:, 1] * 0.5 + 9
    whole = np.zeros((len(windows), nperseg // 2 + 1))
    for row, start in enumerate(windows):
        frequencies, whole[row] = signal.welch(physical[start : start + length], 1000, nperseg=nperseg)
        np.testing.assert_allclose(plan.frequencies, frequencies, rtol=1e-12)
    for start, end in spans_of(rng, plan, samples) if len(windows) else ():
        found = computed(plan, values, start, end)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, whole[start:end], rtol=1e-5, atol=1e-7 * whole.max())


def test_tapers_are_averaged_over_and_keep_the_power():
    rng = np.random.default_rng(0)
    values = recording(rng, 3000, 2, "float64")
    plan = planned(
        source_traits(2, dtype="float64"),
        window=1,
        step=0.25,
        range=[2.5, 100],
        method="multitaper",
        tapers=5,
        channel="c0",
    )
    assert plan.frequencies == tuple(float(frequency) for frequency in range(3, 101))
    tapers = signal.windows.dpss(1000, 3, 5)
    stretch = values[500:1500, 0] * 0.5
    each = [
        signal.periodogram(stretch - stretch.mean(), 1000, taper, detrend=False)[1][3:101] for taper in tapers
    ]
    np.testing.assert_allclose(computed(plan, values, 2, 3)[0], np.mean(each, axis=0), rtol=1e-6)


def test_power_is_averaged_over_the_channels_that_count_and_have_it():
    rng = np.random.default_rng(1)
    values = recording(rng, 2000, 5)
    values[300:310, 0] = -1
    values[1000:1100, 1] = -1
    types = ("EEG", "EEG", "EEG", "REF", "TRIG")
    traits = source_traits(5, types=types, bad=frozenset({2}), missing=(Missing((-1,)),) * 5)
    plan = planned(traits, window=0.5, step=0.5, range=[1, 50])
    assert (plan.places, plan.left_out) == ((0, 1), (2, 3, 4))
    physical = np.where(values == -1, np.nan, values * 0.5)[:, :2]
    filled = np.stack([pieces(physical[:, channel], 10)[0] for channel in range(2)], axis=1)
    whole = [
        signal.welch(filled[start : start + 500], 1000, nperseg=500, axis=0)[1][1:26]
        for start in range(0, 2000, 500)
    ]
    found = computed(plan, values, 0, 4)
    np.testing.assert_allclose(found[[0, 1, 3]], np.mean([whole[0], whole[1], whole[3]], axis=2), rtol=1e-5)
    np.testing.assert_allclose(found[2], whole[2][:, 0], rtol=1e-5)


def test_a_window_without_samples_is_missing_and_times_are_the_windows_middles():
    values = np.full((100, 1), np.nan, np.float32)
    plan = planned(source_traits(1, 100.0, "float32"), window=0.5, step=0.1, range=[1, 50])
    assert np.isnan(computed(plan, values, 0, 6)).all()
    assert plan.outputs_of(49) == 0
    assert plan.delay == pytest.approx(0.2)
    assert (plan.output.sampling_frequency, plan.output.units[0], plan.output.labels[0]) == (
        10.0,
        "uV^2/Hz",
        "2 Hz",
    )


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "spectrogram: window is missing"),
        ({"range": [40, 1]}, "range: the lower frequency comes first"),
        ({"range": [1, 600]}, "600 Hz is above half of the 1000 samples a second; set at most 500"),
        ({"step": 0.0015}, "0.0015 s are no whole number of samples at 1000.0 Hz; write 0.002"),
        ({"window": 0.002}, "2 samples are too few"),
        ({"range": [1, 1.5]}, "0 bins of 2 Hz lie in it"),
        ({"channel": "c7"}, "spectrogram.channel: there is no channel 'c7'"),
        ({"channel": "c0", "average": ["c1"]}, "channel and average do not go together"),
        ({"method": "wavelet"}, "spectrogram.method: expected one of welch, multitaper, found 'wavelet'"),
        ({"tapers": 3}, "tapers: is for method: multitaper"),
        ({"average": ["c0", "c1"]}, "channels in mV and in uV cannot be averaged"),
    ],
)
def test_spectrograms_that_cannot_be_are_refused(keys, words):
    given = {"step": 0.1, "range": [1, 40], **keys}
    if keys:
        given = {"window": 0.5, **given}
    if "average" not in keys:
        given = {"channel": "c0", **given}
    with pytest.raises(SeriesviewError) as caught:
        planned(source_traits(2, units=("uV", "mV")), **given)
    assert words in str(caught.value)
