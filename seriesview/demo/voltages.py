"""The voltages of the generated session, block by block: field potentials, spikes, noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seriesview.demo.behavior import SAMPLING_FREQUENCY, Session, running_speed
from seriesview.demo.filters import band_noise, moving_mean, pink_noise
from seriesview.demo.neurons import (
    CHANNELS_A_SHANK,
    NUM_CHANNELS,
    NUM_SHANKS,
    THETA_FREQUENCY,
    WAVEFORM_BEFORE,
    WAVEFORM_SAMPLES,
    Spikes,
    Unit,
    ripple_times,
)

MICROVOLTS_A_COUNT = 0.195
LINE_FREQUENCY = 50.0
BAD_CHANNEL = 21

_UPSAMPLING = 24
_FIELD_FREQUENCY = SAMPLING_FREQUENCY / _UPSAMPLING
_MARGIN = 2
_LINE_HARMONICS = ((1, 9.0), (3, 3.5), (5, 1.6), (7, 0.8))


class VoltageSource:
    """The trace of every channel. Blocks must be asked for in order: the noise is one stream."""

    def __init__(self, session: Session, units: tuple[Unit, ...], spikes: Spikes) -> None:
        self._units = units
        self._spikes = spikes
        self._noise = session.generator("noise")
        self._fields = _field_sources(session)
        self._mixing = _field_mixing(session)
        generator = session.generator("line")
        self._line_gain = generator.uniform(0.4, 1.5, NUM_CHANNELS).astype(np.float32)
        self._noise_level = generator.uniform(5.0, 7.5, NUM_CHANNELS).astype(np.float32)
        self._line_gain[BAD_CHANNEL] = 11.0
        self._noise_level[BAD_CHANNEL] = 16.0

    def counts(self, first: int, last: int) -> npt.NDArray[np.int16]:
        """Samples [first, last) as (n, NUM_CHANNELS) counts of MICROVOLTS_A_COUNT."""
        trace = self._field(first, last)
        self._add_noise(trace)
        self._add_line(trace, first)
        self._add_spikes(trace, first, last)
        trace *= np.float32(1.0 / MICROVOLTS_A_COUNT)
        np.rint(trace, out=trace)
        np.clip(trace, -32768, 32767, out=trace)
        return trace.astype(np.int16)

    def _field(self, first: int, last: int) -> npt.NDArray[np.float32]:
        """Field potentials (n, C): smooth interpolation of the slow sources, mixed into the channels."""
        before = first // _UPSAMPLING
        after = -(-last // _UPSAMPLING)
        slow = self._fields[before + _MARGIN - 1 : after + _MARGIN + 2] @ self._mixing
        count = after - before
        weights = _cubic_weights()
        fine = np.empty((count, _UPSAMPLING, NUM_CHANNELS), dtype=np.float32)
        np.multiply(slow[0:count, None, :], weights[0][None, :, None], out=fine)
        for tap in range(1, 4):
            fine += slow[tap : tap + count, None, :] * weights[tap][None, :, None]
        offset = first - before * _UPSAMPLING
        return fine.reshape(-1, NUM_CHANNELS)[offset : offset + last - first]

    def _add_noise(self, trace: npt.NDArray[np.float32]) -> None:
        noise = self._noise.standard_normal(trace.shape, dtype=np.float32)
        trace += noise * self._noise_level
        trace[:, 1:] += np.float32(2.2) * noise[:, :-1]

    def _add_line(self, trace: npt.NDArray[np.float32], first: int) -> None:
        period = round(SAMPLING_FREQUENCY / LINE_FREQUENCY)
        phase = 2 * np.pi * np.arange(period) / period
        cycle = np.zeros(period)
        for harmonic, amplitude in _LINE_HARMONICS:
            cycle += amplitude * np.sin(harmonic * phase + 0.4 * harmonic)
        number = (first + np.arange(trace.shape[0])) % period
        trace += cycle[number].astype(np.float32)[:, None] * self._line_gain

    def _add_spikes(self, trace: npt.NDArray[np.float32], first: int, last: int) -> None:
        samples = self._spikes.samples
        low = int(np.searchsorted(samples, first - WAVEFORM_SAMPLES + WAVEFORM_BEFORE))
        high = int(np.searchsorted(samples, last + WAVEFORM_BEFORE))
        for index in range(low, high):
            unit = self._units[self._spikes.units[index]]
            start = int(samples[index]) - WAVEFORM_BEFORE - first
            begin, end = max(start, 0), min(start + WAVEFORM_SAMPLES, last - first)
            if begin < end:
                channel = unit.shank * CHANNELS_A_SHANK
                trace[begin:end, channel : channel + CHANNELS_A_SHANK] += (
                    np.float32(self._spikes.scale[index]) * unit.template[begin - start : end - start]
                )


def _cubic_weights() -> npt.NDArray[np.float32]:
    """(4, _UPSAMPLING) weights of the four neighbours of each point between two slow samples."""
    t = np.arange(_UPSAMPLING) / _UPSAMPLING
    weights = [
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]
    return np.array(weights, dtype=np.float32)


def _field_sources(session: Session) -> npt.NDArray[np.float32]:
    """(slow samples with margins, sources): background, of all and of each shank; theta; gamma; sleep."""
    generator = session.generator("field")
    count = -(-session.num_samples // _UPSAMPLING) + 2 * _MARGIN + 2
    times = (np.arange(count) - _MARGIN) / _FIELD_FREQUENCY
    running = np.clip(running_speed(session, times) / 25.0, 0.0, 1.0)
    dreaming = session.in_state(times, "REM")
    asleep = session.in_state(times, "NREM")
    ease = int(0.3 * _FIELD_FREQUENCY)
    theta_amplitude = moving_mean(
        np.where(asleep, 12.0, np.where(dreaming, 125.0, 45.0 + 125.0 * running)), ease
    )
    theta_amplitude *= 1.0 + 0.25 * band_noise(generator, count, _FIELD_FREQUENCY, 0.2, 1.5)
    wander = band_noise(generator, count, _FIELD_FREQUENCY, 0.05, 0.8)
    phase = 2 * np.pi * THETA_FREQUENCY * times + 0.35 * wander
    gamma = band_noise(generator, count, _FIELD_FREQUENCY, 35.0, 95.0) * (1.0 + 0.6 * np.cos(phase - 0.8))
    slow_wave = band_noise(generator, count, _FIELD_FREQUENCY, 0.6, 2.5) * moving_mean(
        np.where(asleep, 170.0, 6.0), 4 * ease
    )
    ripple = np.zeros(count)
    for at in ripple_times(session):
        distance = (times - (at + 0.04)) / 0.02
        near = np.abs(distance) < 4
        burst = np.exp(-0.5 * distance[near] ** 2)
        ripple[near] += burst * (95.0 * np.sin(2 * np.pi * 165.0 * (times[near] - at)) - 150.0 * burst)
    columns = [
        85.0 * pink_noise(generator, count, _FIELD_FREQUENCY),
        *(55.0 * pink_noise(generator, count, _FIELD_FREQUENCY) for _ in range(NUM_SHANKS)),
        theta_amplitude * (np.cos(phase) + 0.18 * np.cos(2 * phase + 0.5)),
        theta_amplitude * np.sin(phase),
        22.0 * gamma,
        slow_wave + ripple,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _field_mixing(session: Session) -> npt.NDArray[np.float32]:
    """(sources, C): how much of each source a channel sees; theta turns its phase along the shank."""
    generator = session.generator("mixing")
    channel = np.arange(NUM_CHANNELS)
    shank, site = np.divmod(channel, CHANNELS_A_SHANK)
    depth = site / (CHANNELS_A_SHANK - 1)
    turn = 0.9 * depth + 0.25 * shank
    rows = [np.ones(NUM_CHANNELS)]
    rows += [(shank == number) * (0.8 + 0.4 * depth) for number in range(NUM_SHANKS)]
    rows += [(0.6 + 0.6 * depth) * np.cos(turn), (0.6 + 0.6 * depth) * np.sin(turn)]
    rows += [0.6 + 0.8 * np.abs(depth - 0.5), 0.5 + 0.9 * np.exp(-0.5 * ((depth - 0.45) / 0.25) ** 2)]
    gains = generator.uniform(0.9, 1.1, (len(rows), NUM_CHANNELS))
    return np.asarray(np.array(rows) * gains, dtype=np.float32)
