"""The overview: the RMS of every channel over a whole segment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from seriesview.envelope.moments import combine_moments, rms_of
from seriesview.errors import RequestError
from seriesview.series.hulls import Pyramid
from seriesview.series.segment_files import Selection
from seriesview.series.statistics import Moments, span_moments


def overview_rms(
    pyramid: Pyramid, moments: Sequence[Moments], segment: int, columns: int, channels: Selection
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Sample edges (n + 1,) of at most `columns` stretches and the RMS (n, C) of the samples in each.

    Stretches are whole bins of the coarsest moments that have enough of them; without moments, raw samples.
    """
    length = pyramid.lengths[segment]
    if columns < 1 or not length:
        raise RequestError(f"{columns} columns of a segment of {length} samples: both must be at least 1")
    fitting = [m for m in reversed(moments) if m.num_bins(segment) >= columns]
    level = fitting[0] if fitting else moments[0] if moments and pyramid.samples is None else None
    unit, count = (1, length) if level is None else (level.factor, level.num_bins(segment))
    columns = min(columns, count)
    edges = np.arange(columns + 1, dtype=np.int64) * count // columns
    rows = []
    for first, last in pairwise(edges):
        if level is not None:
            found = combine_moments(level.read(segment, int(first), int(last), channels))
        else:
            found = span_moments(pyramid, [], segment, int(first), int(last), channels)
        rows.append(rms_of(found))
    return np.minimum(edges * unit, length), np.stack(rows)
