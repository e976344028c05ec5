"""Lowest and highest values of spans of samples, from stored levels and raw samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seriesview.envelope.bins import num_bins
from seriesview.envelope.columns import columns_from_bins, columns_from_samples
from seriesview.envelope.missing import MissingValues
from seriesview.envelope.missing_reduce import level_merger, level_reducer
from seriesview.errors import FormatError, RequestError
from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.manifest import LevelInfo, SeriesManifest
from seriesview.series.missing import missing_values
from seriesview.series.samples import SampleSource, read_each
from seriesview.series.segment_files import Selection, width

if TYPE_CHECKING:
    from seriesview.store import Store

BLOCK_BYTES = 512 * 1024
THREADED_BLOCK_BYTES = 2 * 2**20
"""Two threads hand the interpreter to each other: fewer, longer calls wait less."""

WORTH_A_THREAD_BYTES = 4 * 2**20
"""Of samples that one of two threads reduces."""


class Level:
    """One stored level, addressed by segment and bin."""

    def __init__(self, store: Store, info: LevelInfo, lengths: Sequence[int], cache: PartCache) -> None:
        self.factor = info.factor
        self._array = ArrayReader(store, info.array, cache)
        self.first_rows = [0, *accumulate(num_bins(length, info.factor) for length in lengths)]
        if self.first_rows[-1] != len(self._array):
            raise FormatError(
                f"level {info.factor}: {len(self._array)} bins, the segments have {self.first_rows[-1]}"
            )

    def num_bins(self, segment: int) -> int:
        """Bins of one segment."""
        first, last = self.first_rows[segment : segment + 2]
        return last - first

    def read(self, segment: int, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Bins [first, last) of a segment (n, 2, C), for the chosen channels."""
        row = self.first_rows[segment]
        return self.read_rows(row + first, row + last, channels)

    def read_rows(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Bins [first, last) of all segments' bins in a row (n, 2, C), for the chosen channels."""
        return self._array.read(first, last)[:, :, channels]

    def spans(self, segment: int, first: int, last: int, channels: Selection) -> Iterator[npt.NDArray[Any]]:
        """Bins [first, last) of a segment (n, 2, C), part by part, without copying neighbouring channels."""
        row = self.first_rows[segment]
        for _, bins in self._array.spans(row + first, row + last):
            yield bins[:, :, channels]


class Pyramid:
    """All levels of a series, and its raw samples where they can be read."""

    def __init__(
        self, store: Store, manifest: SeriesManifest, samples: SampleSource | None, cache: PartCache
    ) -> None:
        self.lengths = [segment.num_samples for segment in manifest.segments]
        self.first_samples = [0, *accumulate(self.lengths)]
        self.dtype = np.dtype(manifest.dtype)
        self.num_channels = manifest.num_channels
        self.missing = missing_values(
            manifest.dtype, manifest.missing, (channel.missing for channel in manifest.channels)
        )
        self.has_means = manifest.has_means
        self.samples = samples
        self.cache = cache
        ordered = sorted(manifest.levels, key=lambda level: level.factor)
        self.levels = [Level(store, level, self.lengths, cache) for level in ordered]

    def missing_of(self, channels: Selection) -> MissingValues | None:
        """The missing values of the chosen channels, None where the series has none."""
        return None if self.missing is None else self.missing.select(channels)

    def level_for(self, first_sample: int, samples_per_column: int) -> Level | None:
        """The coarsest level on whose bins all columns begin and end, or None."""
        fitting = (
            x for x in reversed(self.levels) if not (samples_per_column % x.factor or first_sample % x.factor)
        )
        return next(fitting, None)

    def read_samples(self, segment: int, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Raw samples [first, last) of a segment (n, C); raises RequestError where there are none."""
        begin = self.first_samples[segment]
        return self._source().read(begin + first, begin + last, channels)

    def read_each(
        self, segment: int, firsts: Sequence[int], count: int, channels: Selection
    ) -> npt.NDArray[Any]:
        """`count` raw samples of a segment from each of `firsts` on (blocks, count, C), as `read_samples`."""
        begin = self.first_samples[segment]
        return read_each(self._source(), [begin + first for first in firsts], count, channels)

    def _source(self) -> SampleSource:
        if self.samples is None:
            raise RequestError(
                "this series was stored without raw samples: ask for whole bins of a level", code="no-samples"
            )
        return self.samples

    def from_level(
        self,
        level: Level,
        segment: int,
        first_bin: int,
        bins_per_column: int,
        columns: int,
        channels: Selection,
    ) -> npt.NDArray[Any]:
        """Columns (columns, 2, C) of whole bins; the last is shorter where the segment ends in it."""
        last_bin = min(first_bin + columns * bins_per_column, level.num_bins(segment))
        if bins_per_column == 1:
            return self._native(level.read(segment, first_bin, last_bin, channels))
        merger = level_merger(self.dtype, width(channels), bins_per_column, self.missing_of(channels))
        pieces = [merger.add(bins) for bins in level.spans(segment, first_bin, last_bin, channels)]
        return _joined([*pieces, merger.finish()])

    def from_samples(
        self, segment: int, first_sample: int, samples_per_column: int, columns: int, channels: Selection
    ) -> npt.NDArray[Any]:
        """Columns (columns, 2, C) computed from raw samples; the second half in another thread where they are many."""
        last = min(first_sample + columns * samples_per_column, self.lengths[segment] - 1)
        columns = max(-(-(last - first_sample) // samples_per_column), 1)
        middle = first_sample + columns // 2 * samples_per_column
        reduce = partial(self._reduce_samples, segment, samples_per_column, channels)
        second_bytes = (last - middle) * self.num_channels * self.dtype.itemsize
        if columns < 2 or second_bytes < WORTH_A_THREAD_BYTES:
            return _joined(reduce(BLOCK_BYTES, first_sample, last))
        reduce = partial(reduce, THREADED_BLOCK_BYTES)
        with ThreadPoolExecutor(1, "window") as executor:
            # Whoever counts what is read knows for whom by the context.
            second = executor.submit(copy_context().run, reduce, middle, last)
            pieces = reduce(first_sample, middle)
            pieces += second.result()
        return _joined(pieces)

    def _reduce_samples(
        self,
        segment: int,
        samples_per_column: int,
        channels: Selection,
        block_bytes: int,
        first: int,
        last: int,
    ) -> list[npt.NDArray[Any]]:
        """Columns (n, 2, C), in pieces, of the closed span [first, last] of a segment's samples."""
        missing = self.missing_of(channels)
        reducer = level_reducer(self.dtype, width(channels), samples_per_column, missing)
        row_bytes = width(channels) * self.dtype.itemsize
        step = max(block_bytes // (row_bytes * samples_per_column), 1) * samples_per_column
        pieces = [
            reducer.add(self.read_samples(segment, begin, min(begin + step, last + 1), channels))
            for begin in range(first, last + 1, step)
        ]
        return [*pieces, reducer.finish()]

    def hull(self, segment: int, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Lowest and highest value (2, C) of the closed span [first, last] of a segment's samples."""
        pieces: list[npt.NDArray[Any]] = []
        # Means do not tell the range of what they are of.
        coarsest = -1 if self.has_means else len(self.levels) - 1
        self._collect(segment, first, last, coarsest, channels, pieces)
        found = np.stack(pieces)
        return self._native(columns_from_bins(found, len(found), self.missing_of(channels))[0])

    def _collect(
        self,
        segment: int,
        first: int,
        last: int,
        finest_unused: int,
        channels: Selection,
        into: list[npt.NDArray[Any]],
    ) -> None:
        """Hulls (2, C) that make up [first, last]: the coarsest whole bins inside, then finer at both ends."""
        end, missing = self.lengths[segment] - 1, self.missing_of(channels)
        for number in range(finest_unused, -1, -1):
            level = self.levels[number]
            low = -(-first // level.factor)
            high = level.num_bins(segment) if last == end else last // level.factor
            if low < high:
                for bins in level.spans(segment, low, high, channels):
                    into.append(columns_from_bins(bins, len(bins), missing)[0])
                if first < low * level.factor:
                    self._collect(segment, first, low * level.factor, number - 1, channels, into)
                if (reached := min(high * level.factor, end)) < last:
                    self._collect(segment, reached, last, number - 1, channels, into)
                return
        rows = max(BLOCK_BYTES // (width(channels) * self.dtype.itemsize), 1)
        for begin in range(first, last + 1, rows):
            samples = self.read_samples(segment, begin, min(begin + rows, last + 1), channels)
            into.append(columns_from_samples(samples, max(len(samples), 2), missing)[0])

    def _native(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The array in the host's byte order and memory of its own, so that callers may write into it."""
        copy = not (array.flags.owndata and array.flags.writeable)
        return array.astype(self.dtype, copy=copy)


def _joined(pieces: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    filled = [piece for piece in pieces if len(piece)]
    return filled[0] if len(filled) == 1 else np.concatenate(filled)
