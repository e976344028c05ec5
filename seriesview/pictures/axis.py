"""The time axis of a picture: whole pixel columns, each a whole number of samples where samples have a rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seriesview.series.series import Series

_WIDE_COLUMN_BINS = 8


@dataclass(frozen=True)
class TimeAxis:
    """`columns` columns of `seconds_per_column` from `start`.

    For a sampled series a column is `samples_per_column` samples or, closer than that, a sample is
    `columns_per_sample` columns; the other one of the two is 1. Both are 0 where there is no rate.
    """

    start: float
    seconds_per_column: float
    columns: int
    samples_per_column: int = 0
    columns_per_sample: int = 0

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

    It begins on the grid of the first segment in sight, less than one column before `start`. Coarse columns are
    whole bins of a level, so that only levels are read.
    """
    rate = series.manifest.sampling_frequency
    if rate is None or series.manifest.events is not None or series.manifest.intervals is not None:
        return TimeAxis(start, (end - start) / columns, columns)
    samples = samples_per_column(series, max((end - start) * rate / columns, 1e-9))
    parts = 1
    if samples == 1 and series.has_samples:
        parts = max(1, math.floor(columns / max((end - start) * rate, 1e-9)))
        parts = min(parts, columns)
    seconds = samples / (rate * parts)
    anchor = next((s.start_time for s in series.segments if s.end_time > start), start)
    first = (
        anchor + math.floor(max(start - anchor, 0.0) / seconds + 1e-6) * seconds if anchor <= start else start
    )
    needed = math.ceil((end - first) / seconds - 1e-6)
    return TimeAxis(first, seconds, max(1, min(needed, columns + 1)), samples, parts)


def samples_per_column(series: Series, least: float) -> int:
    """The smallest convenient number of samples a column that is at least `least`.

    Whole bins where a level has at least 4 bins a column (or where there are no raw samples), so that a column
    is at most a quarter wider than asked for.
    """
    factors = sorted(level.factor for level in series.manifest.levels)
    for bins in (_WIDE_COLUMN_BINS, 4):
        fitting = [factor for factor in factors if factor * bins <= least]
        if fitting:
            return math.ceil(least / fitting[-1] - 1e-9) * fitting[-1]
    if series.has_samples or not factors:
        return max(1, math.ceil(least - 1e-9))
    return max(1, math.ceil(least / factors[0] - 1e-9)) * factors[0]


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
