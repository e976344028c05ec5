"""Columns that begin and end between the bins of every level: whole bins inside, and the few samples at their edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.envelope.columns import hull_of_groups, unite_hulls
from seriesview.series.hulls import Level, Pyramid
from seriesview.series.segment_files import Selection, width

Integers = npt.NDArray[np.int64]

_READ_BYTES = 32 * 1024
"""What a read of few samples costs beside its bytes."""
_BLOCK_BYTES = 8 * 2**20
_COLUMN_BYTES = 32 * 2**20
"""Of one column that is put together in memory."""


def cheapest_level(pyramid: Pyramid, samples_per_column: int) -> Level | None:
    """The level whose whole bins, with the samples at the edges of columns, are least to read.

    None where all samples are less, or no level's bins of a column fit in memory.
    """
    row_bytes = pyramid.num_channels * pyramid.dtype.itemsize
    least, chosen = samples_per_column * row_bytes, None
    for level in pyramid.levels:
        # Of bins two rows; of an edge the samples of a bin before it, and behind it.
        rows = 2 * (samples_per_column // level.factor) + 2 * level.factor
        cost = rows * row_bytes + _READ_BYTES
        fits = samples_per_column >= 2 * level.factor and rows * row_bytes <= _COLUMN_BYTES
        if fits and cost < least:
            least, chosen = cost, level
    return chosen


def columns_between_bins(
    pyramid: Pyramid,
    level: Level,
    segment: int,
    first_sample: int,
    samples_per_column: int,
    columns: int,
    channels: Selection,
) -> npt.NDArray[Any]:
    """Columns (columns, 2, C) of closed spans of at least two bins each; the last ends with the segment at the latest.

    Samples are read where an edge lies within a bin alone. Raises RequestError where there are none.
    """
    end = pyramid.lengths[segment] - 1
    whole = min(columns, (end - first_sample) // samples_per_column)
    edges = first_sample + samples_per_column * np.arange(whole + 1, dtype=np.int64)
    rows = 2 * (samples_per_column // level.factor + 1) + 2 * level.factor
    step = max(_BLOCK_BYTES // (rows * width(channels) * pyramid.dtype.itemsize), 1)
    pieces = [
        _united(pyramid, level, segment, edges[begin : begin + step + 1], channels)
        for begin in range(0, whole, step)
    ]
    if whole < columns:
        pieces.append(pyramid.hull(segment, int(edges[-1]), end, channels)[np.newaxis])
    return np.concatenate(pieces).astype(pyramid.dtype, copy=False)


def _united(
    pyramid: Pyramid, level: Level, segment: int, edges: Integers, channels: Selection
) -> npt.NDArray[Any]:
    """Columns (n, 2, C) between edges (n + 1,)."""
    missing = pyramid.missing_of(channels)
    low, high = -(-edges[:-1] // level.factor), edges[1:] // level.factor
    # As many of each column: to meet a bin, or a sample, twice changes nothing.
    most = int((high - low).max())
    places = np.minimum(low[:, np.newaxis] + np.arange(most), high[:, np.newaxis] - 1)
    first, last = int(low[0]), int(high[-1])
    hulls = [hull_of_groups(level.read(segment, first, last, channels)[places - first], missing)]
    if (edges % level.factor).any():
        samples = _around_edges(pyramid, level.factor, segment, edges, channels)
        hulls.append(hull_of_groups(samples[:-1, level.factor - 1 :], missing))
        hulls.append(hull_of_groups(samples[1:, : level.factor], missing))
    hull = unite_hulls(*hulls)
    return hull if missing is None else missing.closed(hull)


def _around_edges(
    pyramid: Pyramid, factor: int, segment: int, edges: Integers, channels: Selection
) -> npt.NDArray[Any]:
    """For each edge 2 * factor - 1 samples, its own in the middle; those that no column needs may be any of them."""
    count, length = 2 * factor - 1, pyramid.lengths[segment]
    # At the segment's ends as many samples that are in it, moved to their places.
    starts = np.clip(edges - factor + 1, 0, length - count)
    samples = pyramid.read_each(segment, starts.tolist(), count, channels)
    for number in np.flatnonzero(starts != edges - factor + 1).tolist():
        places = np.arange(count) + int(edges[number] - factor + 1 - starts[number])
        samples[number] = samples[number, np.clip(places, 0, count - 1)]
    return samples
