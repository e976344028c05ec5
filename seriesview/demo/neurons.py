"""The probe and the neurons of the generated session: where they are, when and how they fire."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seriesview.demo.behavior import SAMPLING_FREQUENCY, TRACK_LENGTH, Session, running_speed, track_position

NUM_SHANKS = 4
CHANNELS_A_SHANK = 8
NUM_CHANNELS = NUM_SHANKS * CHANNELS_A_SHANK
NUM_UNITS = 25
THETA_FREQUENCY = 8.1
WAVEFORM_BEFORE = 24
WAVEFORM_SAMPLES = 72

_NUM_PYRAMIDAL = 20
_GRID = 0.001
_REFRACTORY = 0.0022


@dataclass(frozen=True)
class Unit:
    """A neuron. `template` (WAVEFORM_SAMPLES, CHANNELS_A_SHANK) float32 is its spike on its shank (uV)."""

    kind: str
    shank: int
    peak_channel: int
    peak_amplitude: float
    field_center: float
    field_width: float
    peak_rate: float
    resting_rate: float
    theta_phase: float
    template: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Spikes:
    """All spikes in order of time.

    `samples` (n,) int64 are the sample numbers of the troughs, `units` (n,) the units' numbers, `scale` (n,)
    the size of each spike relative to its unit's template.
    """

    samples: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]
    scale: npt.NDArray[np.float64]


def electrode_positions() -> npt.NDArray[np.float64]:
    """(NUM_CHANNELS, 2) x and y in um: four shanks 200 um apart, two staggered columns on each."""
    channel = np.arange(NUM_CHANNELS)
    shank, site = np.divmod(channel, CHANNELS_A_SHANK)
    return np.stack([shank * 200.0 + np.where(site % 2, 20.0, 0.0), 20.0 * site], axis=1)


def make_units(session: Session) -> tuple[Unit, ...]:
    """The neurons: place cells whose fields cover the track, and a few interneurons."""
    generator = session.generator("units")
    positions = electrode_positions()
    units = []
    for number in range(NUM_UNITS):
        pyramidal = number < _NUM_PYRAMIDAL
        shank = number % NUM_SHANKS
        soma = np.array(
            [
                shank * 200.0 + generator.uniform(-6.0, 26.0),
                generator.uniform(5.0, 20.0 * CHANNELS_A_SHANK - 25.0),
            ]
        )
        amplitude = generator.uniform(90.0, 260.0) if pyramidal else generator.uniform(60.0, 130.0)
        sites = positions[shank * CHANNELS_A_SHANK : (shank + 1) * CHANNELS_A_SHANK]
        distance = np.sqrt(((sites - soma) ** 2).sum(axis=1))
        template = _template(amplitude, distance - distance.min(), narrow=not pyramidal)
        peak = int(np.argmin(template.min(axis=0)))
        center = (number + 0.5) / _NUM_PYRAMIDAL * TRACK_LENGTH + generator.uniform(-3.0, 3.0)
        units.append(
            Unit(
                kind="pyramidal" if pyramidal else "interneuron",
                shank=shank,
                peak_channel=shank * CHANNELS_A_SHANK + peak,
                peak_amplitude=float(-template.min()),
                field_center=float(center) if pyramidal else TRACK_LENGTH / 2,
                field_width=float(generator.uniform(11.0, 17.0)) if pyramidal else 4 * TRACK_LENGTH,
                peak_rate=float(
                    generator.uniform(22.0, 38.0) if pyramidal else generator.uniform(16.0, 26.0)
                ),
                resting_rate=float(
                    generator.uniform(0.15, 0.5) if pyramidal else generator.uniform(6.0, 9.0)
                ),
                theta_phase=float(generator.uniform(-0.6, 0.6) if pyramidal else generator.uniform(2.2, 3.4)),
                template=template,
            )
        )
    return tuple(units)


def firing_rates(unit: Unit, position: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The rate in Hz at positions (n,) in cm while the animal runs."""
    distance = (position - unit.field_center) / unit.field_width
    return unit.resting_rate + unit.peak_rate * np.exp(-0.5 * distance * distance)


def ripple_times(session: Session) -> npt.NDArray[np.float64]:
    """When sharp-wave ripples happen (n,): about one a second of deep sleep."""
    generator = session.generator("ripples")
    times = []
    for state in session.states:
        if state.label == "NREM":
            at = state.start
            while (at := at + 0.25 + generator.exponential(0.7)) < state.end - 0.2:
                times.append(at)
    return np.array(times, dtype=np.float64)


def make_spikes(session: Session, units: tuple[Unit, ...]) -> Spikes:
    """Every spike of the session that lies wholly inside a recorded stretch."""
    generator = session.generator("spikes")
    grid = np.asarray(np.arange(int(session.seconds / _GRID)) * _GRID, dtype=np.float64)
    position = track_position(session, grid)
    running = np.clip(running_speed(session, grid) / 20.0, 0.0, 1.0)
    theta = 2 * np.pi * THETA_FREQUENCY * grid
    asleep = session.in_state(grid, "NREM")
    ripples = ripple_times(session)
    in_ripple = np.zeros(grid.size, dtype=bool)
    for at in ripples:
        in_ripple[int(at / _GRID) : int((at + 0.08) / _GRID)] = True
    samples, labels, scales = [], [], []
    for number, unit in enumerate(units):
        rate = unit.resting_rate + running * (firing_rates(unit, position) - unit.resting_rate)
        rate *= np.where(asleep, 1.0, 1.0 + 0.7 * np.cos(theta - unit.theta_phase))
        rate += np.where(in_ripple, 14.0 if unit.kind == "pyramidal" else 60.0, 0.0)
        fired = np.flatnonzero(generator.random(grid.size) < rate * _GRID)
        times = grid[fired] + generator.random(fired.size) * _GRID
        times = _refractory(times)
        spacing = np.diff(times, prepend=-1.0)
        scale = 1.0 - 0.35 * np.exp(-spacing / 0.012)
        scale *= 1.0 + 0.07 * np.clip(generator.standard_normal(times.size), -3.0, 3.0)
        samples.append(np.rint(times * SAMPLING_FREQUENCY).astype(np.int64))
        labels.append(np.full(times.size, number, dtype=np.int64))
        scales.append(scale)
    all_samples = np.concatenate(samples)
    kept = np.zeros(all_samples.size, dtype=bool)
    for first, last in session.runs:
        kept |= (all_samples >= first + WAVEFORM_BEFORE) & (all_samples < last - WAVEFORM_SAMPLES)
    order = np.argsort(all_samples[kept], kind="stable")
    return Spikes(
        all_samples[kept][order], np.concatenate(labels)[kept][order], np.concatenate(scales)[kept][order]
    )


def _refractory(times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    kept: list[float] = []
    for time in times.tolist():
        if not kept or time - kept[-1] >= _REFRACTORY:
            kept.append(time)
    return np.array(kept, dtype=np.float64)


def _template(
    amplitude: float, distance: npt.NDArray[np.float64], *, narrow: bool
) -> npt.NDArray[np.float32]:
    """A spike on the sites of a shank: later, wider and smaller with the distance (sites,) in um."""
    milliseconds = (np.arange(WAVEFORM_SAMPLES)[:, None] - WAVEFORM_BEFORE) / SAMPLING_FREQUENCY * 1000.0
    t = milliseconds - 0.0009 * distance[None, :]
    width = (0.075 if narrow else 0.12) * (1.0 + distance[None, :] / 250.0)
    after = 0.28 if narrow else 0.55
    shape = (
        0.1 * np.exp(-0.5 * ((t + 0.3) / 0.11) ** 2)
        - np.exp(-0.5 * (t / width) ** 2)
        + (0.45 if narrow else 0.32) * np.exp(-0.5 * ((t - after) / (2.2 * width)) ** 2)
    )
    edges = np.minimum(1.0, np.minimum(np.arange(WAVEFORM_SAMPLES), np.arange(WAVEFORM_SAMPLES)[::-1]) / 8.0)
    waveform = amplitude * np.exp(-distance / 38.0)[None, :] * shape * edges[:, None]
    return np.asarray(waveform, dtype=np.float32)
