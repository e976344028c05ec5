"""Levels of a large series that was put together in Python, so that a picture does not read all of its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seriesview.envelope.bins import RATIO, level_factors, num_bins
from seriesview.envelope.reduce import LevelMerger, LevelReducer
from seriesview.series.arrays import ArrayWriter, PartCache
from seriesview.series.manifest import LevelInfo, SegmentInfo
from seriesview.series.segment_files import SegmentFiles, load_timestamps

if TYPE_CHECKING:
    from seriesview.series.manifest import SeriesManifest
    from seriesview.store import Store

MOST_VALUES = 2**22
"""Up to so many values, samples times channels, pictures are drawn from the samples."""

_BLOCK_BYTES = 4 * 2**20


def store_levels(store: Store, manifest: SeriesManifest) -> tuple[LevelInfo, ...]:
    """Store the levels of a series whose segments are files, times of their bins included; none for a small one.

    Raises StoreError, IntegrityError.
    """
    lengths = [segment.num_samples for segment in manifest.segments]
    width = manifest.num_channels
    is_large = sum(lengths) * width > MOST_VALUES and manifest.type in ("continuous", "discrete")
    factors = level_factors(lengths, width) if is_large else ()
    if not factors:
        return ()
    dtype = np.dtype(manifest.dtype)
    with ExitStack() as stack:
        writers = [ArrayWriter(store, dtype, (2, width)) for _ in factors]
        times = [ArrayWriter(store, np.float64, ()) for _ in factors]
        for writer in (*writers, *times):
            stack.callback(writer.close)
        reducer = LevelReducer(dtype, width, factors[0])
        mergers = [LevelMerger(dtype, width, RATIO) for _ in factors[1:]]
        files = SegmentFiles(store, manifest, PartCache(0))
        row = 0
        for segment in manifest.segments:
            for bins, is_last in _finest(files, reducer, row, segment.num_samples, dtype, width):
                _append(writers, mergers, bins, is_last)
            _append_times(times, factors, store, segment)
            row += segment.num_samples
        return tuple(
            LevelInfo(factor, writer.finish(), first.finish())
            for factor, writer, first in zip(factors, writers, times, strict=True)
        )


def _finest(
    files: SegmentFiles, reducer: LevelReducer, row: int, length: int, dtype: np.dtype[Any], width: int
) -> Iterator[tuple[npt.NDArray[Any], bool]]:
    """Yield bins of the finest level of one segment, the last with True."""
    step = max(_BLOCK_BYTES // (dtype.itemsize * width), 1)
    for first in range(row, row + length, step):
        yield reducer.add(files.read(first, min(first + step, row + length), slice(0, width))), False
    yield reducer.finish(), True


def _append(
    writers: Sequence[ArrayWriter], mergers: Sequence[LevelMerger], bins: npt.NDArray[Any], is_last: bool
) -> None:
    """Write bins, and of each coarser level those that they complete."""
    writers[0].append(bins)
    for writer, merger in zip(writers[1:], mergers, strict=True):
        bins = merger.add(bins)
        if is_last:
            bins = np.concatenate([bins, merger.finish()])
        writer.append(bins)


def _append_times(
    writers: Sequence[ArrayWriter], factors: Sequence[int], store: Store, segment: SegmentInfo
) -> None:
    times = load_timestamps(store, segment).astype(np.float64, copy=False)
    for writer, factor in zip(writers, factors, strict=True):
        writer.append(times[: num_bins(len(times), factor) * factor : factor])
