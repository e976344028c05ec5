"""The decoded position of the generated session: where the spikes say that the animal is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seriesview.demo.behavior import SAMPLING_FREQUENCY, TRACK_LENGTH, Session
from seriesview.demo.neurons import Spikes, Unit, firing_rates

DECODING_FREQUENCY = 50.0
NUM_BINS = 40

_WINDOW = 0.25


def bin_centers() -> npt.NDArray[np.float64]:
    """(NUM_BINS,) positions in cm along the track at the centres of the bins."""
    return np.asarray((np.arange(NUM_BINS) + 0.5) * (TRACK_LENGTH / NUM_BINS), dtype=np.float64)


def decode(session: Session, units: tuple[Unit, ...], spikes: Spikes) -> npt.NDArray[np.float32]:
    """(n, NUM_BINS) probability of each position at DECODING_FREQUENCY, rows summing to 1; NaN in the gap.

    Poisson firing at the units' place fields, a flat prior, spikes counted in a sliding window.
    """
    times = np.arange(int(session.seconds * DECODING_FREQUENCY)) / DECODING_FREQUENCY
    rates = np.stack([firing_rates(unit, bin_centers()) for unit in units])
    counts = np.empty((times.size, len(units)))
    spike_times = spikes.samples / SAMPLING_FREQUENCY
    for number in range(len(units)):
        own = spike_times[spikes.units == number]
        counts[:, number] = np.searchsorted(own, times + _WINDOW / 2) - np.searchsorted(
            own, times - _WINDOW / 2
        )
    logarithm = counts @ np.log(rates) - _WINDOW * rates.sum(axis=0)
    logarithm -= logarithm.max(axis=1, keepdims=True)
    probability = np.exp(0.6 * logarithm)
    probability /= probability.sum(axis=1, keepdims=True)
    missing = (times >= session.gap[0] / SAMPLING_FREQUENCY) & (times < session.gap[1] / SAMPLING_FREQUENCY)
    probability[missing] = np.nan
    return np.asarray(probability, dtype=np.float32)
