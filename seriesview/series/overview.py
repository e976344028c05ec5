"""The overview: the RMS of every channel over a whole segment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seriesview.envelope.moments import rms_of
from seriesview.errors import RequestError
from seriesview.series.hulls import Pyramid
from seriesview.series.segment_files import Selection, width
from seriesview.series.statistics import Moments

BLOCK_VALUES = 1 << 19

Floats = npt.NDArray[np.float64]


def overview_rms(
    pyramid: Pyramid, moments: Sequence[Moments], segment: int, columns: int, channels: Selection
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Sample edges (n + 1,) of at most `columns` stretches and the RMS (n, C) of the samples in each.

    Stretches are whole bins of the coarsest moments that have enough of them; without moments, raw samples.
    """
    length = pyramid.lengths[segment]
    if columns < 1 or not length:
        raise RequestError(f"{columns} columns of a segment of {length} samples: both must be at least 1")
    fitting = [m for m in reversed(moments) if m.num_bins(segment) >= columns]
    level = fitting[0] if fitting else moments[0] if moments and pyramid.samples is None else None
    unit, total = (1, length) if level is None else (level.factor, level.num_bins(segment))
    columns = min(columns, total)
    edges = np.arange(columns + 1, dtype=np.int64) * total // columns
    count, rms = (np.zeros((columns, width(channels))) for _ in range(2))
    step = max(1, BLOCK_VALUES // max(1, width(channels)))
    for begin in range(0, total, step):
        end = min(begin + step, total)
        if level is None:
            counts, values = _of_samples(pyramid, segment, begin, end, channels)
        else:
            bins = level.read(segment, begin, end, channels)
            counts, values = bins[:, 0].astype(np.float64), rms_of(bins)
        first, last = np.searchsorted(edges, begin, "right") - 1, np.searchsorted(edges, end)
        starts = np.maximum(edges[first:last], begin) - begin
        _unite(count[first:last], rms[first:last], *_reduced(counts, values, starts))
    return np.minimum(edges * unit, length), np.where(count > 0, rms, np.nan)


def _of_samples(
    pyramid: Pyramid, segment: int, first: int, last: int, channels: Selection
) -> tuple[Floats, Floats]:
    """Whether each sample in [first, last) counts (n, C), and how large it is."""
    samples = pyramid.read_samples(segment, first, last, channels)
    missing = pyramid.missing_of(channels)
    values = np.abs(samples.astype(np.float64) if missing is None else missing.as_floats(samples))
    return np.isfinite(values).astype(np.float64), values


def _reduced(counts: Floats, values: Floats, starts: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Count and RMS (stretches, C) of rows (n, C) that stand for `counts` samples each with the RMS `values`."""
    values = np.where(counts > 0, values, 0.0)
    # A power of two, by which nothing is rounded, and squares neither overflow nor vanish.
    most = np.where(np.isfinite(values), values, 0.0).max(axis=0)
    scale = np.exp2(np.floor(np.log2(np.maximum(most, np.finfo(np.float64).tiny))))
    values /= scale
    values *= values
    values *= counts
    count = np.add.reduceat(counts, starts)
    return count, scale * np.sqrt(np.add.reduceat(values, starts) / np.maximum(count, 1.0))


def _unite(count: Floats, rms: Floats, more: Floats, more_rms: Floats) -> None:
    """Put the count and RMS of further samples to those of stretches, in place."""
    total = np.maximum(count + more, 1.0)
    np.hypot(rms * np.sqrt(count / total), more_rms * np.sqrt(more / total), out=rms)
    count += more
