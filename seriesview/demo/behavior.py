"""What the animal of the generated session does: laps on a track, then sleep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seriesview.demo.filters import moving_mean
from seriesview.errors import SeriesviewError

SAMPLING_FREQUENCY = 30000.0
POSITION_FREQUENCY = 30.0
TRACK_LENGTH = 200.0
MIN_SECONDS = 5.0
MAX_SECONDS = 600.0

_LAP_SECONDS = 5.2
_PAUSE_SECONDS = 1.6
_ARM = 70.0
_HOME = 8.0


@dataclass(frozen=True)
class Interval:
    """A labelled stretch [start, end) of the session, in seconds."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Session:
    """The session's clock and its parts.

    `gap` (first, last) is the half-open range of sample numbers that were not recorded; `num_samples` counts
    them too. Times are sample numbers over SAMPLING_FREQUENCY.
    """

    seed: int
    num_samples: int
    gap: tuple[int, int]
    laps: tuple[Interval, ...]
    epochs: tuple[Interval, ...]
    states: tuple[Interval, ...]

    @property
    def seconds(self) -> float:
        """The length of the session, the gap included."""
        return self.num_samples / SAMPLING_FREQUENCY

    @property
    def runs(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The two half-open ranges of sample numbers that were recorded."""
        return (0, self.gap[0]), (self.gap[1], self.num_samples)

    @property
    def num_recorded(self) -> int:
        """How many samples were recorded."""
        return self.num_samples - (self.gap[1] - self.gap[0])

    def generator(self, part: str) -> np.random.Generator:
        """Random numbers for one part of the session, the same for the same seed."""
        return np.random.default_rng([self.seed, *part.encode()])

    def in_state(self, times: npt.NDArray[np.float64], label: str) -> npt.NDArray[np.bool_]:
        """Which of the times (n,) lie in a state of that label."""
        inside = np.zeros(times.shape, dtype=bool)
        for state in self.states:
            if state.label == label:
                inside |= (times >= state.start) & (times < state.end)
        return inside


def plan_session(seconds: float, seed: int) -> Session:
    """The course of a session of `seconds`; raises SeriesviewError outside MIN_SECONDS..MAX_SECONDS."""
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise SeriesviewError(
            f"demo session: seconds must be from {MIN_SECONDS:g} to {MAX_SECONDS:g}, not {seconds!r}"
        )
    if seed < 0:
        raise SeriesviewError(f"demo session: the seed must not be negative, it is {seed}")
    num_samples = round(seconds * SAMPLING_FREQUENCY)
    first_missing = round(0.44 * seconds * SAMPLING_FREQUENCY)
    num_missing = round(min(3.7, 0.06 * seconds) * SAMPLING_FREQUENCY)
    wake = round(0.64 * seconds, 1)
    deep = round(0.86 * seconds, 1)
    return Session(
        seed=seed,
        num_samples=num_samples,
        gap=(first_missing, first_missing + num_missing),
        laps=_laps(wake),
        epochs=(Interval(0.0, wake, "track"), Interval(wake, seconds, "home cage")),
        states=(
            Interval(0.0, wake, "wake"),
            Interval(wake, deep, "NREM"),
            Interval(deep, seconds, "REM"),
        ),
    )


def track_position(session: Session, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Where on the track (n,), in cm from its start, the animal is at the times."""
    position = np.full(times.shape, _HOME)
    for number, lap in enumerate(session.laps):
        u = np.clip((times - lap.start) / (lap.end - lap.start), 0.0, 1.0)
        path = u * u * u * (10.0 + u * (6.0 * u - 15.0))
        outbound = number % 2 == 0
        travelled = path if outbound else 1.0 - path
        here = times >= lap.start
        position[here] = _HOME + (TRACK_LENGTH - 2 * _HOME) * travelled[here]
    return position


def running_speed(session: Session, times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The speed along the track (n,), in cm/s."""
    step = 0.02
    ahead = track_position(session, times + step)
    behind = track_position(session, times - step)
    return np.minimum(np.abs(ahead - behind) / (2 * step), 120.0)


def camera_track(session: Session) -> npt.NDArray[np.float64]:
    """What the camera saw: (n, 2) x and y in cm at POSITION_FREQUENCY; NaN where it lost the animal."""
    times = np.arange(int(session.seconds * POSITION_FREQUENCY)) / POSITION_FREQUENCY
    position = track_position(session, times)
    x = np.interp(position, [0.0, _ARM, TRACK_LENGTH - _ARM, TRACK_LENGTH], [20.0, 20.0, 80.0, 80.0])
    y = np.interp(position, [0.0, _ARM, TRACK_LENGTH - _ARM, TRACK_LENGTH], [15.0, 85.0, 85.0, 15.0])
    generator = session.generator("camera")
    asleep = times >= session.epochs[1].start
    sway = np.cumsum(generator.normal(0.0, 0.35, (times.size, 2)), axis=0)
    sway -= np.stack([moving_mean(sway[:, axis], 61) for axis in (0, 1)], axis=1)
    track = np.stack([x, y], axis=1) + np.where(asleep[:, None], 0.15, 1.0) * sway
    track += generator.normal(0.0, 0.12, track.shape)
    lost = round(0.3 * times.size)
    track[lost : lost + round(0.012 * times.size)] = np.nan
    return track


def _laps(wake: float) -> tuple[Interval, ...]:
    laps: list[Interval] = []
    start = 1.2
    while start + _LAP_SECONDS < wake or not laps:
        end = round(min(start + _LAP_SECONDS, wake), 3)
        laps.append(Interval(round(start, 3), end, "outbound" if len(laps) % 2 == 0 else "inbound"))
        start = end + _PAUSE_SECONDS
    return tuple(laps)
