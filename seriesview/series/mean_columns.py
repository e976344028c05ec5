"""Columns of series whose levels hold means: one value a column, the mean of its samples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.envelope.means import means, sums, sums_of_bins
from seriesview.series.hulls import Pyramid
from seriesview.series.segment_files import Selection

_BLOCK_BYTES = 8 * 2**20


def mean_columns(
    pyramid: Pyramid, segment: int, edges: Sequence[int], channels: Selection
) -> npt.NDArray[Any]:
    """Columns (n, 2, C) between edges (n + 1,) in samples, half-open, low and high of each being its mean.

    From the coarsest level on whose bins all edges but a segment's end lie, else from raw samples; raises RequestError
    where there are none. A column of no length is its sample, which no bin of several begins with.
    """
    length = pyramid.lengths[segment]
    inner = [edge for edge in edges if edge < length - 1]
    fitting = (level for level in reversed(pyramid.levels) if not any(edge % level.factor for edge in inner))
    level = next(fitting, None) if inner or length == 1 else None
    factor = 1 if level is None else level.factor
    bins = [min(-(-edge // factor), length if level is None else level.num_bins(segment)) for edge in edges]
    row_bytes = pyramid.num_channels * pyramid.dtype.itemsize * (1 if level is None else 2)
    found = []
    for begin, end in pairwise(bins):
        rows = max(1, _BLOCK_BYTES // row_bytes)
        total: Any = 0.0
        count: Any = 0.0
        for first in range(begin, max(end, begin + 1), rows):
            last = min(first + rows, max(end, begin + 1))
            if level is None:
                part = sums(pyramid.read_samples(segment, first, last, channels)[np.newaxis])
            else:
                part = sums_of_bins(level.read(segment, first, last, channels)[np.newaxis])
            total, count = total + part[0], count + part[1]
        found.append(means(total, count)[0])
    each = np.stack(found).astype(pyramid.dtype)
    return np.stack([each, each], axis=1)
