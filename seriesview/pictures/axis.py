"""The time axis of a picture: whole pixel columns, each a whole number of samples where samples have a rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seriesview.series.series import Series

_LEAST_BINS = 8
_LEAST_SAMPLES = 8


@dataclass(frozen=True)
class TimeAxis:
    """`columns` columns of `seconds_per_column` from `start`.

    `samples_per_column` is the whole number of samples in a column of a sampled series. It is 0 where columns
    are stretches of time alone: without a rate, and so close up that every sample in sight can be read.
    """

    start: float
    seconds_per_column: float
    columns: int
    samples_per_column: int = 0

    @property
    def end(self) -> float:
        """The time at the right edge."""
        return self.start + self.seconds_per_column * self.columns

    def position(self, time: float) -> float:
        """Where a time lies, in columns from the left edge."""
        return (time - self.start) / self.seconds_per_column

    def column_of(self, times: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """The column that each time lies in; the axis' end lies in the last one."""
        found = np.floor((times - self.start) / self.seconds_per_column).astype(np.int64)
        return np.where((found == self.columns) & (times <= self.end), self.columns - 1, found)


def extent(series: Series) -> tuple[float, float]:
    """First and last time of a series in seconds, at least a moment apart."""
    segments = [segment for segment in series.segments if segment.num_samples]
    if not segments:
        return 0.0, 1.0
    start = min(segment.start_time for segment in segments)
    end = max(segment.end_time for segment in segments)
    return (start, end) if end > start else (start, start + 1e-3)


def make_axis(series: Series, start: float, end: float, columns: int) -> TimeAxis:
    """The axis that shows [start, end] in at most `columns` columns.

    With a whole number of samples a column it begins on the grid of the first segment in sight, less than one
    column before `start`, and needs at least 8/9 of the columns; else it has all of them.
    """
    rate = series.manifest.sampling_frequency
    least = (end - start) * (rate or 0.0) / columns
    if not _has_grid(series) or (series.has_samples and least < _LEAST_SAMPLES):
        return TimeAxis(start, (end - start) / columns, columns)
    assert rate is not None
    samples = samples_per_column(series, least)
    seconds = samples / rate
    anchor = next((segment.start_time for segment in series.segments if segment.end_time > start), start)
    first = start if anchor > start else anchor + math.floor((start - anchor) / seconds + 1e-6) * seconds
    needed = math.ceil((end - first) / seconds - 1e-6)
    return TimeAxis(first, seconds, max(1, min(needed, columns)), samples)


def samples_per_column(series: Series, least: float) -> int:
    """The smallest convenient number of samples a column that is at least `least`.

    Whole bins of a level that has at least 8 bins a column, or of the finest one where there are no raw
    samples; else any whole number, for which raw samples are read.
    """
    factors = sorted(level.factor for level in series.manifest.levels)
    fitting = [factor for factor in factors if factor * _LEAST_BINS <= least]
    if not fitting and not series.has_samples:
        fitting = factors[:1]
    grain = fitting[-1] if fitting else 1
    return max(1, math.ceil(least / grain - 1e-9)) * grain


def _has_grid(series: Series) -> bool:
    manifest = series.manifest
    return manifest.sampling_frequency is not None and manifest.events is None and manifest.intervals is None


def covered(series: Series, axis: TimeAxis) -> npt.NDArray[np.bool_]:
    """(columns,) whether any segment lies in a column: the others are gaps."""
    edges = np.zeros(axis.columns + 1, dtype=np.int64)
    for segment in series.segments:
        if segment.num_samples:
            first = math.floor(axis.position(segment.start_time) + 1e-6)
            last = max(math.ceil(axis.position(segment.end_time) - 1e-6), first + 1)
            low, high = max(first, 0), min(last, axis.columns)
            if low < high:
                edges[low] += 1
                edges[high] -= 1
    return np.cumsum(edges)[:-1] > 0
