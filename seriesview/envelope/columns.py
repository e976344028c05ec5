"""Samples and bins into the columns of a screen: the range of the polyline over each pixel column."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.envelope.bins import as_rows, sample_dtype
from seriesview.envelope.missing import MissingValues
from seriesview.envelope.missing_reduce import level_merger, level_reducer
from seriesview.envelope.reduce import extremes, normalise
from seriesview.errors import RequestError


def columns_from_samples(
    samples: NDArray[Any], samples_per_column: int, missing: MissingValues | None = None
) -> NDArray[Any]:
    """Columns (columns, 2, C), in the samples' dtype, of closed intervals of samples (n, C).

    Column c covers samples c * samples_per_column to (c + 1) * samples_per_column, both included; the last one
    ends with the samples. Raises RequestError for fewer than 2 samples a column.
    """
    if samples_per_column < 2:
        raise RequestError(f"{samples_per_column} samples a column make no columns: ask for at least 2")
    if len(samples) == 0:
        return np.empty((0, 2, samples.shape[1]), sample_dtype(samples.dtype))
    reducer = level_reducer(samples.dtype, samples.shape[1], samples_per_column, missing)
    return np.concatenate([reducer.add(samples), reducer.finish()])


def columns_from_bins(
    bins: NDArray[Any], bins_per_column: int, missing: MissingValues | None = None
) -> NDArray[Any]:
    """Columns (columns, 2, C) that each unite `bins_per_column` neighbours of bins (n, 2, C); the last may be short.

    Equal to columns_from_samples over factor * bins_per_column. Raises RequestError for less than 1.
    """
    if bins_per_column < 1:
        raise RequestError(f"{bins_per_column} bins a column make no columns: ask for at least 1")
    if bins_per_column == 1:
        return bins
    merger = level_merger(bins.dtype, bins.shape[2], bins_per_column, missing)
    return np.concatenate([merger.add(bins), merger.finish()])


def split_spans(spans: NDArray[np.int64], factor: int) -> tuple[NDArray[np.int64], ...]:
    """Spans of samples (columns, 2) as spans of samples before, of whole bins, and of samples behind, half-open.

    A bin is whole in a span when its closing sample is in it too; without whole bins all samples come before.
    """
    first, last = spans[:, 0], np.maximum(spans[:, 0], spans[:, 1])
    first_bin, last_bin = -(-first // factor), (last - 1) // factor
    whole = last_bin > first_bin
    first_bin, last_bin = np.where(whole, first_bin, 0), np.where(whole, last_bin, 0)
    before = np.stack([first, np.where(whole, first_bin * factor, last)], axis=1)
    behind = np.stack([np.where(whole, last_bin * factor, last), last], axis=1)
    return before, np.stack([first_bin, last_bin], axis=1), behind


def hull_of_spans(
    rows: NDArray[Any], spans: NDArray[np.int64], missing: MissingValues | None = None
) -> NDArray[Any]:
    """The hull (columns, 2, C) of each half-open span (columns, 2) of samples (n, C) or of bins (n, 2, C).

    A span that is empty, or has only missing values, gives (NaN, NaN) for floats, and for integers, which have no
    NaN, the empty range: the dtype's highest value as low, its lowest as high.
    """
    dtype = sample_dtype(rows.dtype)
    rows = as_rows(rows, dtype, rows.shape[1:])
    if rows.ndim == 3:
        rows = rows if missing is None else missing.opened(rows)
        low_rows, high_rows = rows[:, 0], rows[:, 1]
    else:
        low_rows, high_rows = (rows, rows) if missing is None else missing.lows_and_highs(rows)
    hull = empty_hull(len(spans), rows.shape[-1], dtype)
    filled = spans[:, 1] > spans[:, 0]
    if filled.any():
        lower, upper = extremes(dtype)
        with np.errstate(invalid="ignore"):
            hull[filled, 0] = _reduce_spans(lower, low_rows, spans[filled])
            hull[filled, 1] = _reduce_spans(upper, high_rows, spans[filled])
            normalise(hull)
    return hull


def hull_of_groups(rows: NDArray[Any], missing: MissingValues | None = None) -> NDArray[Any]:
    """The hull (groups, 2, C) of each group of samples (groups, n, C) or of bins (groups, n, 2, C), n at least 1.

    A group with only missing values gives what hull_of_spans() gives.
    """
    dtype = sample_dtype(rows.dtype)
    rows = as_rows(rows, dtype, rows.shape[1:])
    if rows.ndim == 4:
        flat = rows.reshape(-1, *rows.shape[2:])
        rows = rows if missing is None else missing.opened(flat).reshape(rows.shape)
        low_rows, high_rows = rows[:, :, 0], rows[:, :, 1]
    else:
        low_rows, high_rows = (rows, rows) if missing is None else missing.lows_and_highs(rows)
    lower, upper = extremes(dtype)
    with np.errstate(invalid="ignore"):
        hull = np.stack([_halved(lower, low_rows), _halved(upper, high_rows)], axis=1)
        normalise(hull)
    return hull


def _halved(ufunc: np.ufunc, rows: NDArray[Any]) -> NDArray[Any]:
    """`ufunc`, which may meet a row twice, over each group of rows (groups, n, C): (groups, C)."""
    while (count := rows.shape[1]) > 1:
        half = (count + 1) // 2
        # Runs along whole halves, where reducing would run along single rows.
        rows = ufunc(rows[:, :half], rows[:, count - half :])
    return rows[:, 0]


def empty_hull(columns: int, num_channels: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Columns (columns, 2, C) that hold nothing: the neutral element of unite_hulls()."""
    hull = np.empty((columns, 2, num_channels), dtype)
    if dtype.kind == "f":
        hull[:] = np.nan
    else:
        limits = np.iinfo(dtype)
        hull[:, 0], hull[:, 1] = limits.max, limits.min
    return hull


def unite_hulls(*hulls: NDArray[Any]) -> NDArray[Any]:
    """The hull (columns, 2, C) of several, column by column."""
    lower, upper = extremes(hulls[0].dtype)
    stacked = np.stack(hulls)
    return np.stack([lower.reduce(stacked[:, :, 0], axis=0), upper.reduce(stacked[:, :, 1], axis=0)], axis=1)


def _reduce_spans(ufunc: np.ufunc, rows: NDArray[Any], spans: NDArray[np.int64]) -> NDArray[Any]:
    """`ufunc` over each non-empty span of rows (n, C): (columns, C)."""
    start, stop = int(spans[:, 0].min()), int(spans[:, 1].max())
    # reduceat takes every second stretch; an end behind the last row needs a row to point at.
    padded = np.concatenate([rows[start:stop], rows[stop - 1 : stop]])
    return np.asarray(ufunc.reduceat(padded, (spans - start).ravel(), axis=0)[::2])
