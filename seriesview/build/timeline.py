"""From timestamps to segments, and to a rate where the timestamps are regular. Numbers only, read in blocks.

**Jumps.** A segment ends where the next timestamp is more than `max_gap_seconds` later. Where that is not
configured, the timestamps decide:

1. even with 5 median intervals as the limit: that is it (jitter of up to half a sample is no jump), unless 2.
   fits at least twice as well where this deviates by more than a quarter of a sample (one sample in all is missing),
   or by more than may be;
2. else even with 1.5 median intervals as the limit, and at most one jump in 100 samples: that is it
   (one missing sample is a jump);
3. else a jump is longer than 10 times the 99th percentile of the intervals.

Intervals of 0 (repeated timestamps) count in none of these figures. Median and percentile are taken from at
most 131072 intervals, spread evenly over the recording.

**Even** means: with one rate for all segments, and a start for each, no timestamp is further than half a sample from
its place. **Regular** means: nor further than `max_time_shift`; only then the rate takes the place of the
timestamps, else the samples keep their times. The rate is the least-squares slope over all segments, rounded to the
fewest digits that lie within three standard errors of it. A segment starts at its first timestamp, or midway between
its extreme deviations where others would be moved too far from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from seriesview.errors import BuildError

Floats = npt.NDArray[np.float64]
Blocks = Callable[[], Iterable[Floats]]

_MAX_INTERVALS = 1 << 17
_JITTER_LIMIT = 5.0
_MISSING_SAMPLE_LIMIT = 1.5
_IRREGULAR_LIMIT = 10.0
_SAMPLES_PER_JUMP = 100
_DOUBTFUL_DEVIATION = 0.25

# Seconds by which a rate may move a sample.
MAX_TIME_SHIFT = 1e-3


@dataclass(frozen=True)
class SegmentTimes:
    """One segment: its samples and its times in seconds.

    `end_time` is start_time + num_samples / sampling_frequency, or the last timestamp where there is no rate.
    """

    start_time: float
    end_time: float
    first_sample: int
    num_samples: int


@dataclass(frozen=True)
class Timeline:
    """The segments of a series; `sampling_frequency` is None where samples keep their own timestamps.

    `largest_deviation`: seconds between a timestamp and the place that the rate gives it; 0 without a rate.
    `near_rate` and `near_deviation` tell of even timestamps that a rate would have moved by more than it may.
    """

    sampling_frequency: float | None
    segments: tuple[SegmentTimes, ...]
    largest_deviation: float
    near_rate: float | None = None
    near_deviation: float = 0.0

    def in_words(self) -> str | None:
        """How far a rate is from the timestamps; None where they are exactly those of one, or far from any."""
        if self.largest_deviation:
            return (
                f"timestamps are regular within {self.largest_deviation:.3g} s at {self.sampling_frequency:.10g} Hz: "
                "kept as a rate"
            )
        if self.near_rate is None:
            return None
        # Rounded up, so that it is enough.
        enough = float(f"{self.near_deviation * 1.05:.2g}")
        return (
            f"timestamps are regular at {self.near_rate:.10g} Hz within {self.near_deviation:.3g} s only: kept as they "
            f"are (`max_time_shift: {enough:g}` makes them a rate)"
        )


def analyse_timestamps(
    blocks: Blocks,
    max_gap_seconds: float | None = None,
    given_rate: float | None = None,
    max_time_shift: float = MAX_TIME_SHIFT,
) -> Timeline:
    """Segments and, where regular, the rate of timestamps (seconds, float64, in order).

    `blocks` is called once a pass (three to ten passes) and yields the same arrays (n,) each time. With
    `given_rate` only that rate is tried. Raises BuildError for no timestamps at all, and for timestamps that
    are not finite or go back, with the sample's index.
    """
    intervals = _typical_intervals(blocks)
    even, limit = _even(blocks, intervals, max_gap_seconds, given_rate, max_time_shift)
    if even is None:
        return _irregular(blocks, limit)
    # The last place of the times themselves is no shift.
    furthest = max(abs(even.segments[0].start_time), abs(even.segments[-1].end_time))
    if even.largest_deviation <= max_time_shift + 4 * math.ulp(furthest):
        return even
    return replace(
        _irregular(blocks, limit),
        near_rate=even.sampling_frequency,
        near_deviation=even.largest_deviation,
    )


def _even(
    blocks: Blocks,
    intervals: _Intervals | None,
    max_gap_seconds: float | None,
    given_rate: float | None,
    max_time_shift: float,
) -> tuple[Timeline | None, float]:
    """The even timeline, None where there is none, and how long an interval is a jump."""
    if max_gap_seconds is not None:
        return _regular(blocks, max_gap_seconds, intervals, given_rate, max_time_shift), max_gap_seconds
    if intervals is None:
        return _regular(blocks, math.inf, None, given_rate, max_time_shift), math.inf
    limit = _JITTER_LIMIT * intervals.median
    timeline = _regular(blocks, limit, intervals, given_rate, max_time_shift)
    doubtful = min(_DOUBTFUL_DEVIATION * intervals.median, max_time_shift)
    if (timeline is None or timeline.largest_deviation > doubtful) and intervals.mostly_even:
        shorter = _MISSING_SAMPLE_LIMIT * intervals.median
        cut = _regular(blocks, shorter, intervals, given_rate, max_time_shift, _SAMPLES_PER_JUMP)
        if timeline is None or (cut is not None and 2 * cut.largest_deviation <= timeline.largest_deviation):
            timeline, limit = cut, shorter
    return timeline, limit if timeline is not None else _IRREGULAR_LIMIT * intervals.percentile_99


@dataclass(frozen=True)
class _Intervals:
    """Figures of the intervals longer than 0, in seconds."""

    median: float
    percentile_99: float
    mostly_even: bool


def _typical_intervals(blocks: Blocks) -> _Intervals | None:
    """Figures of the intervals; None where no two timestamps differ. Checks every timestamp."""
    kept = _SpreadSample()
    previous = np.empty(0)
    index = 0
    for block in blocks():
        _check(block, previous, index)
        steps = np.diff(block, prepend=previous)
        kept.add(steps[steps > 0])
        previous, index = (block[-1:].copy() if len(block) else previous), index + len(block)
    if index == 0:
        raise BuildError("timestamps: there are none; the dataset holds no samples")
    intervals = kept.values()
    if len(intervals) == 0:
        return None
    median = float(np.median(intervals))
    even = (intervals > 0.5 * median) & (intervals < _MISSING_SAMPLE_LIMIT * median)
    return _Intervals(
        median, float(np.percentile(intervals, 99)), bool(even.mean() > 1 - 2 / _SAMPLES_PER_JUMP)
    )


def _check(block: Floats, previous: Floats, index: int) -> None:
    finite = np.isfinite(block)
    if not finite.all():
        at = int(np.argmin(finite))
        raise BuildError(
            f"timestamps: sample {index + at} has the time {block[at]}; every sample needs a finite one"
        )
    back = np.diff(block, prepend=previous) < 0
    if back.any():
        at = int(np.argmax(back)) + (len(previous) == 0)
        before = block[at - 1] if at else previous[0]
        raise BuildError(
            f"timestamps: they go back at sample {index + at}: {float(block[at])!r} s after {float(before)!r} s; "
            "sort the recording by time"
        )


class _SpreadSample:
    """At most 131072 of any number of values, evenly spread: every k-th, k doubling as they come."""

    def __init__(self) -> None:
        self._pieces: list[Floats] = []
        self._count = 0
        self._stride = 1
        self._skip = 0

    def add(self, values: Floats) -> None:
        taken = values[self._skip :: self._stride]
        self._skip = (self._skip - len(values)) % self._stride
        self._pieces.append(taken.copy())
        self._count += len(taken)
        while self._count > _MAX_INTERVALS:
            merged = self.values()
            self._pieces = [merged[::2].copy()]
            if len(merged) % 2:
                self._skip += self._stride
            self._stride *= 2
            self._count = len(self._pieces[0])

    def values(self) -> Floats:
        return np.concatenate(self._pieces) if self._pieces else np.empty(0)


@dataclass(frozen=True)
class _Piece:
    """Timestamps of one block that belong to one segment; `first` counts from the segment's first sample."""

    times: Floats
    first: int


def _pieces(blocks: Blocks, max_gap: float) -> Iterator[_Piece]:
    previous = np.empty(0)
    first = 0
    for block in blocks():
        if len(block) == 0:
            continue
        steps = np.diff(block, prepend=previous)
        ends = np.flatnonzero(steps > max_gap) + (len(previous) == 0)
        begin = 0
        for end in [*ends.tolist(), len(block)]:
            if end > begin:
                yield _Piece(block[begin:end], first)
                first += end - begin
            if end < len(block):
                first = 0
            begin = end
        previous = block[-1:].copy()


class _Slope:
    """Least-squares slope of time over sample index, common to all segments, taken block by block."""

    def __init__(self, period: float) -> None:
        self.num_segments = 0
        self.num_samples = 0
        self.longest_step = 0.0
        self.is_uneven = False
        self._period = period
        self._sxx = self._sxy = self._syy = 0.0
        self._count = 0
        self._mean_x = self._mean_y = 0.0
        self._start = 0.0
        self._last = 0.0

    def add(self, piece: _Piece) -> None:
        if piece.first == 0:
            self.num_segments += 1
            self._count = 0
            self._start = self._last = float(piece.times[0])
        n = len(piece.times)
        self.num_samples += n
        longest = float(np.diff(piece.times, prepend=self._last).max())
        self.longest_step = max(self.longest_step, longest)
        if n > 2:
            # Within half a sample of a line n timestamps span at least n - 2 samples, neighbours at most two.
            sample = (piece.times[-1] - piece.times[0]) / (n - 2)
            self.is_uneven |= longest > 2.001 * sample + 16 * math.ulp(float(piece.times[-1]))
        self._last = float(piece.times[-1])
        # Deviations from a first guess are small, so that their squares keep their digits.
        x = np.arange(piece.first, piece.first + n, dtype=np.float64)
        y = (piece.times - self._start) - x * self._period
        mean_x, mean_y = float(x.mean()), float(y.mean())
        dx, dy = x - mean_x, y - mean_y
        weight = self._count * n / (self._count + n)
        step_x, step_y = mean_x - self._mean_x, mean_y - self._mean_y
        self._sxx += float(dx @ dx) + weight * step_x * step_x
        self._sxy += float(dx @ dy) + weight * step_x * step_y
        self._syy += float(dy @ dy) + weight * step_y * step_y
        self._count += n
        share = n / self._count
        self._mean_x = mean_x if self._count == n else self._mean_x + share * step_x
        self._mean_y = mean_y if self._count == n else self._mean_y + share * step_y

    def rate(self) -> float | None:
        if self._sxx == 0:
            return None
        correction = self._sxy / self._sxx
        period = self._period + correction
        if period <= 0:
            return None
        residual = max(0.0, self._syy - correction * self._sxy)
        error = math.sqrt(residual / max(1, self.num_samples - self.num_segments - 1) / self._sxx)
        tolerance = 3 * error + 4 * np.finfo(np.float64).eps * period
        for digits in range(1, 17):
            rounded = float(f"{1 / period:.{digits}g}")
            if abs(1 / rounded - period) <= tolerance:
                return rounded
        return 1 / period


def _regular(
    blocks: Blocks,
    max_gap: float,
    intervals: _Intervals | None,
    given_rate: float | None,
    max_time_shift: float,
    samples_per_jump: int | None = None,
) -> Timeline | None:
    """The even timeline with jumps longer than `max_gap`; None where the timestamps are not even."""
    if given_rate is None and intervals is None:
        return None
    rate = given_rate
    if rate is None:
        slope = _Slope(intervals.median if intervals else 0.0)
        for piece in _pieces(blocks, max_gap):
            slope.add(piece)
            if slope.is_uneven:
                return None
        if samples_per_jump is not None and slope.num_segments - 1 > slope.num_samples / samples_per_jump:
            return None
        rate = slope.rate()
        # Two neighbours, each at most half a sample from its place, are at most two samples apart.
        if rate is None or slope.longest_step * rate > 2.001:
            return None
    return _placed(blocks, max_gap, rate, max_time_shift)


def _placed(blocks: Blocks, max_gap: float, rate: float, max_time_shift: float) -> Timeline | None:
    segments: list[SegmentTimes] = []
    largest = 0.0
    first_sample = 0
    fit: _Fit | None = None
    for piece in _pieces(blocks, max_gap):
        if piece.first == 0:
            if fit is not None:
                segments.append(fit.segment(first_sample))
                largest = max(largest, fit.deviation())
                first_sample += fit.num_samples
            fit = _Fit(float(piece.times[0]), rate, max_time_shift)
        assert fit is not None
        fit.add(piece)
        if not fit.within_half_a_sample():
            return None
    assert fit is not None
    segments.append(fit.segment(first_sample))
    return Timeline(rate, tuple(segments), max(largest, fit.deviation()))


class _Fit:
    """How far the timestamps of one segment are from a line of known rate."""

    def __init__(self, first_time: float, rate: float, max_time_shift: float) -> None:
        self.num_samples = 0
        self._first_time = first_time
        self._rate = rate
        self._lowest = self._highest = 0.0
        # The last place of the times themselves is no deviation.
        self._half = 0.5 / rate + 2 * math.ulp(first_time)
        self._allowed = min(self._half, max_time_shift + 2 * math.ulp(first_time))

    def add(self, piece: _Piece) -> None:
        places = np.arange(piece.first, piece.first + len(piece.times)) / self._rate
        deviations = (piece.times - self._first_time) - places
        self._lowest = min(self._lowest, float(deviations.min()))
        self._highest = max(self._highest, float(deviations.max()))
        self.num_samples += len(piece.times)

    def within_half_a_sample(self) -> bool:
        return self._highest - self._lowest <= 2 * self._half

    def _shift(self) -> float:
        if max(-self._lowest, self._highest) <= self._allowed:
            return 0.0
        return (self._lowest + self._highest) / 2

    def deviation(self) -> float:
        return max(self._highest - self._shift(), self._shift() - self._lowest)

    def segment(self, first_sample: int) -> SegmentTimes:
        start = self._first_time + self._shift()
        return SegmentTimes(start, start + self.num_samples / self._rate, first_sample, self.num_samples)


def _irregular(blocks: Blocks, max_gap: float) -> Timeline:
    segments: list[SegmentTimes] = []
    for piece in _pieces(blocks, max_gap):
        last = float(piece.times[-1])
        if piece.first == 0:
            first_sample = segments[-1].first_sample + segments[-1].num_samples if segments else 0
            segments.append(SegmentTimes(float(piece.times[0]), last, first_sample, len(piece.times)))
        else:
            open_ = segments.pop()
            num_samples = open_.num_samples + len(piece.times)
            segments.append(SegmentTimes(open_.start_time, last, open_.first_sample, num_samples))
    return Timeline(None, tuple(segments), 0.0)
