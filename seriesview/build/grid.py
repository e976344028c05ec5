"""Where samples, bins and parts lie in a series of several segments."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from seriesview.envelope.bins import num_bins
from seriesview.envelope.moments import num_moment_bins


@dataclass(frozen=True)
class Stretch:
    """Samples [first, last) of one segment, counted from the segment's first sample."""

    segment: int
    first: int
    last: int


class RowGrid:
    """Rows of one array over the segments of a series; the rows of all segments follow one another."""

    def __init__(
        self, segment_lengths: Sequence[int], factor: int, rows_of: Callable[[int, int], int]
    ) -> None:
        self.factor = factor
        self._lengths = segment_lengths
        self._first_rows = [0, *accumulate(rows_of(length, factor) for length in segment_lengths)]

    @property
    def num_rows(self) -> int:
        """Rows in all."""
        return self._first_rows[-1]

    def first_row(self, segment: int) -> int:
        """The segment's first row in the array."""
        return self._first_rows[segment]

    def rows_of_segment(self, segment: int) -> int:
        """How many rows the segment has."""
        return self._first_rows[segment + 1] - self._first_rows[segment]

    def locate(self, row: int) -> tuple[int, int]:
        """Segment of a row, and the row's first sample in it; for num_rows: the end of the last segment."""
        if row >= self.num_rows:
            return len(self._lengths) - 1, self._lengths[-1]
        segment = bisect_right(self._first_rows, row) - 1
        return segment, (row - self._first_rows[segment]) * self.factor


def level_grid(segment_lengths: Sequence[int], factor: int) -> RowGrid:
    """Rows of a level: one a closed bin."""
    return RowGrid(segment_lengths, factor, num_bins)


def moments_grid(segment_lengths: Sequence[int], factor: int) -> RowGrid:
    """Rows of moments: one a half-open bin."""
    return RowGrid(segment_lengths, factor, num_moment_bins)


def values_grid(segment_lengths: Sequence[int]) -> RowGrid:
    """Rows of the values: one a sample."""
    return RowGrid(segment_lengths, 1, lambda length, _: length)


def stretches(
    segment_lengths: Sequence[int], begin: tuple[int, int], end: tuple[int, int], alignment: int
) -> list[Stretch]:
    """The stretches between two (segment, sample) positions.

    Each begins at a multiple of `alignment` samples of its segment, so that every array has a row there, and the
    last reaches `alignment` samples further where the segment has them: closed bins need their neighbour's first.
    """
    found = []
    for segment in range(begin[0], end[0] + 1):
        length = segment_lengths[segment]
        first = begin[1] // alignment * alignment if segment == begin[0] else 0
        last = min(length, -(-end[1] // alignment) * alignment + alignment) if segment == end[0] else length
        if first < last:
            found.append(Stretch(segment, first, last))
    return found
