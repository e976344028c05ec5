"""Samples -> rows of every array: the finest level and moments from samples, the coarser ones from those."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from seriesview.build.blocks import Block
from seriesview.build.grid import RowGrid
from seriesview.envelope.means import MeanMerger
from seriesview.envelope.missing import MissingValues
from seriesview.envelope.missing_reduce import level_merger
from seriesview.envelope.moments import MOMENTS_FACTOR, MomentMerger
from seriesview.envelope.segment import SegmentReducer
from seriesview.series.arrays import ArrayWriter

_MERGED_BYTES = 4 << 20


class Target:
    """Rows [first_row, end_row) of an array, on their way to a writer whose row 0 is `first_row`.

    `first_row` is the first row of a pack. Rows that come early (known ones, a neighbour shard's) are dropped.
    """

    def __init__(self, grid: RowGrid, writer: ArrayWriter, first_row: int, end_row: int) -> None:
        self.grid = grid
        self.writer = writer
        self._first_row = first_row
        self._end_row = end_row
        writer.seek(writer.first_row)

    @property
    def next_row(self) -> int:
        """The row of the array that is wanted next."""
        return min(self._first_row + self.writer.num_rows, self._end_row)

    @property
    def end_row(self) -> int:
        """Where the wanted rows end."""
        return self._end_row

    @property
    def is_complete(self) -> bool:
        """Whether no more rows are wanted."""
        return self.next_row >= self._end_row

    def put(self, row: int, rows: npt.NDArray[Any]) -> None:
        """Take the wanted ones among rows that begin at `row` of the array."""
        wanted = rows[max(self.next_row - row, 0) : max(self._end_row - row, 0)]
        if len(wanted):
            self.writer.append(wanted)


class Merger(Protocol):
    """Merges neighbouring bins of one segment: levels or moments."""

    def add(self, rows: npt.NDArray[Any], /) -> npt.NDArray[Any]:
        """Merged bins that are complete now."""
        ...

    def finish(self) -> npt.NDArray[Any]:
        """The rest: no bin, or the segment's last."""
        ...


class MergeChain:
    """The coarser arrays of a series, each merged from the one before, segment by segment.

    Rows are merged some MiB at a time: the coarsest levels get few rows a block, and each call has its price.
    """

    def __init__(
        self,
        new_merger: Callable[[], Merger],
        writers: Sequence[ArrayWriter],
        on_top: Callable[[npt.NDArray[Any]], None] | None = None,
    ) -> None:
        self._new_merger = new_merger
        self._writers = writers
        self._on_top = on_top
        self._mergers = [new_merger() for _ in writers]
        self._waiting: list[npt.NDArray[Any]] = []
        self._waiting_bytes = 0

    def add(self, rows: npt.NDArray[Any]) -> None:
        """Take the next finest rows of the segment, which the caller leaves as they are."""
        self._waiting.append(rows)
        self._waiting_bytes += rows.nbytes
        if self._waiting_bytes >= _MERGED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Merge the rows that wait."""
        if not self._waiting:
            return
        rows = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        self._waiting.clear()
        self._waiting_bytes = 0
        for merger, writer in zip(self._mergers, self._writers, strict=True):
            rows = merger.add(rows)
            writer.append(rows)
        self._top(rows)

    def end_segment(self) -> None:
        """Complete the last bins; the next rows belong to the next segment."""
        self.flush()
        rows: npt.NDArray[Any] | None = None
        for merger, writer in zip(self._mergers, self._writers, strict=True):
            pieces = [] if rows is None else [merger.add(rows)]
            rows = np.concatenate([*pieces, merger.finish()])
            writer.append(rows)
        if rows is not None:
            self._top(rows)
        self._mergers = [self._new_merger() for _ in self._writers]

    def _top(self, rows: npt.NDArray[Any]) -> None:
        if self._on_top is not None and len(rows):
            self._on_top(rows)


class SegmentRanges:
    """Lowest and highest stored value of each segment, over all channels, NaN and missing values left out."""

    def __init__(self, missing: MissingValues | None = None) -> None:
        self._missing = missing
        self._ranges: list[tuple[Any, Any] | None] = [None]

    def add(self, bins: npt.NDArray[Any]) -> None:
        """Take bins (n, 2, C) of the current segment."""
        if self._missing is not None:
            bins = self._missing.opened(bins)
        low, high = np.fmin.reduce(bins[:, 0], axis=None), np.fmax.reduce(bins[:, 1], axis=None)
        if not low <= high:
            return
        known = self._ranges[-1]
        self._ranges[-1] = (low, high) if known is None else (min(known[0], low), max(known[1], high))

    def end_segment(self) -> None:
        """The next bins belong to the next segment."""
        self._ranges.append(None)

    def of_segment(self, segment: int) -> tuple[float | int | None, float | int | None]:
        """Its lowest and highest value as Python numbers; None where it has none or where they are infinite."""
        found = self._ranges[segment]
        if found is None:
            return None, None
        low, high = (value.item() for value in found)
        return (low if np.isfinite(low) else None), (high if np.isfinite(high) else None)


class Coarsening:
    """What is made from finest rows alone: coarser levels and moments, and the range of each segment."""

    def __init__(
        self,
        dtype: np.dtype[Any],
        num_channels: int,
        ratio: int,
        level_writers: Sequence[ArrayWriter],
        moments_writers: Sequence[ArrayWriter],
        missing: MissingValues | None = None,
        *,
        of_means: bool = False,
    ) -> None:
        """`of_means`: bins of levels hold means, which do not tell the range of a segment."""
        self.ranges = SegmentRanges(missing)

        def merger() -> Merger:
            if of_means:
                return MeanMerger(dtype, num_channels, ratio)
            return level_merger(dtype, num_channels, ratio, missing)

        self._levels = MergeChain(merger, level_writers, None if of_means else self.ranges.add)
        self._moments = MergeChain(lambda: MomentMerger(dtype, num_channels), moments_writers)

    def add_bins(self, bins: npt.NDArray[Any]) -> None:
        """Take the next bins (n, 2, C) of the base factor."""
        if len(bins):
            self._levels.add(bins)

    def add_moments(self, moments: npt.NDArray[Any]) -> None:
        """Take the next moments (n, 3, C) of factor 1024."""
        if len(moments):
            self._moments.add(moments)

    def flush(self) -> None:
        """Make whatever can be made of the rows that came."""
        self._levels.flush()
        self._moments.flush()

    def end_bins(self) -> None:
        """All bins of the segment were given."""
        self._levels.end_segment()
        self.ranges.end_segment()

    def end_moments(self) -> None:
        """All moments of the segment were given."""
        self._moments.end_segment()


def feed_rows(
    grid: RowGrid,
    parts: Iterable[npt.NDArray[Any]],
    end_row: int,
    take: Callable[[npt.NDArray[Any]], None],
    end_segment: Callable[[], None],
) -> None:
    """Hand the rows [0, end_row) of a stored array to `take`, saying where segments that lie wholly in them end."""
    row = 0
    segment = 0
    for part in parts:
        rows = part[: end_row - row]
        while len(rows):
            segment_end = grid.first_row(segment) + grid.rows_of_segment(segment)
            piece, rows = rows[: segment_end - row], rows[segment_end - row :]
            take(piece)
            row += len(piece)
            if row == segment_end:
                end_segment()
                segment += 1


class SampleReduction:
    """Turns blocks of samples, in order, into rows of values, finest level and finest moments."""

    def __init__(
        self,
        dtype: np.dtype[Any],
        num_channels: int,
        base: int,
        level_grid: RowGrid,
        moments_grid: RowGrid,
        targets: Sequence[Target | None],
        coarsening: Coarsening | None,
        missing: MissingValues | None = None,
        *,
        of_means: bool = False,
    ) -> None:
        self._reducer = SegmentReducer(dtype, num_channels, base, missing=missing, of_means=of_means)
        self._base = base
        self._level_grid = level_grid
        self._moments_grid = moments_grid
        self._level, self._moments, self._values = targets
        self._coarsening = coarsening
        self._level_row = 0
        self._moments_row = 0

    def add(self, block: Block, first_sample: int) -> None:
        """Take the next block; `first_sample` is its first sample in the series."""
        if block.begins_stretch:
            self._reducer.finish()
            self._level_row = self._level_grid.first_row(block.segment) + block.first // self._base
            self._moments_row = self._moments_grid.first_row(block.segment) + block.first // MOMENTS_FACTOR
        if self._values is not None:
            self._values.put(first_sample, block.samples)
        self._take(*self._reducer.add(block.samples))

    def end_segment(self) -> None:
        """The last block was the segment's last."""
        self._take(*self._reducer.finish())
        if self._coarsening is not None:
            self._coarsening.end_bins()
            self._coarsening.end_moments()

    def _take(self, bins: npt.NDArray[Any], moments: npt.NDArray[Any] | None) -> None:
        assert moments is not None
        if self._level is not None:
            self._level.put(self._level_row, bins)
        if self._moments is not None:
            self._moments.put(self._moments_row, moments)
        self._level_row += len(bins)
        self._moments_row += len(moments)
        if self._coarsening is not None:
            self._coarsening.add_bins(bins)
            self._coarsening.add_moments(moments)
