"""The tasks that read a stretch of one segment: windows and statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import RequestError, TaskError
from seriesview.series.series import Series
from seriesview.tasks.arguments import StatisticsArguments, WindowArguments
from seriesview.tasks.context import TaskContext
from seriesview.tasks.encoding import encode_array, encode_stored, sent_dtype
from seriesview.tasks.limits import TaskLimits


def get_window(context: TaskContext, asked: WindowArguments) -> dict[str, Any]:
    """Envelope of closed columns, as `Series.window`; with one sample a column the samples, one more than columns."""
    with context.series(asked.series_uri) as series:
        found, name, rows = _read(series, asked, context.limits)
        return {**found, name: encode_stored(series, rows, asked.channels, halves=asked.halves)}


def read_window(context: TaskContext, asked: WindowArguments) -> tuple[dict[str, Any], npt.NDArray[Any]]:
    """What get_window gives, its array in the stored dtype, little-endian, beside it: its dtype and shape in its place.

    Missing values are the numbers that they are; `halves` changes nothing.
    """
    with context.series(asked.series_uri) as series:
        found, name, rows = _read(series, asked, context.limits)
    array = np.ascontiguousarray(rows, rows.dtype.newbyteorder("<"))
    return {**found, name: {"dtype": array.dtype.name, "shape": list(array.shape)}}, array


def _read(
    series: Series, asked: WindowArguments, limits: TaskLimits
) -> tuple[dict[str, Any], str, npt.NDArray[Any]]:
    """What is said of a window, and its stored values: `envelope`, or `values` where a column is one sample."""
    segment, first_sample, channels = asked.segment, asked.first_sample, asked.channels
    samples_per_column, columns = asked.samples_per_column, asked.columns
    length = _length(series, segment)
    if first_sample >= length:
        raise RequestError(
            f"first_sample {first_sample} is not in segment {segment}, which has {length} samples"
        )
    columns = min(columns, max(-(-(length - 1 - first_sample) // samples_per_column), 1))
    _check_size(series, columns, samples_per_column, channels, limits)
    if samples_per_column == 1:
        last_sample = min(first_sample + columns, length - 1)
        name, rows = "values", series.values(segment, first_sample, last_sample + 1, channels)
        columns, factor = len(rows) - 1, 1
    else:
        name, rows = (
            "envelope",
            series.window(segment, first_sample, samples_per_column, columns, channels),
        )
        columns, factor = len(rows), _factor_used(series, length, first_sample, samples_per_column)
    said = {"first_sample": first_sample, "samples_per_column": samples_per_column}
    return {**said, "columns": columns, "factor": factor}, name, rows


def get_statistics(context: TaskContext, asked: StatisticsArguments) -> dict[str, Any]:
    """`Series.statistics`: arrays (channels,) of count, mean, rms, std, min and max, both ends included."""
    with context.series(asked.series_uri) as series:
        _length(series, asked.segment)
        found = series.statistics(asked.segment, asked.first_sample, asked.last_sample, asked.channels)
        ends = {
            name: encode_stored(series, found[name], asked.channels, halves=asked.halves)
            for name in ("min", "max")
        }
    return {**{name: encode_array(found[name]) for name in ("count", "mean", "rms", "std")}, **ends}


def _length(series: Series, segment: int) -> int:
    """Samples of a segment; RequestError where there is no such segment, or samples do not lie in it."""
    if series.manifest.events is not None or series.manifest.intervals is not None:
        raise RequestError(f"a series of type {series.type} has no samples; ask for points")
    if not series.channels:
        raise RequestError("this series has no channels")
    if segment >= len(series.segments):
        raise RequestError(
            f"segment {segment}: the series has {len(series.segments)} segments, counted from 0"
        )
    return series.segments[segment].num_samples


def _check_size(
    series: Series, columns: int, samples_per_column: int, channels: list[str] | None, limits: TaskLimits
) -> None:
    width = len(series.channels if channels is None else channels)
    rows = columns + 1 if samples_per_column == 1 else 2 * columns
    num_bytes = rows * width * sent_dtype(series.dtype).itemsize
    if num_bytes > limits.max_result_bytes:
        raise TaskError(
            f"a window of {columns} columns of {width} channels has {num_bytes} bytes, "
            f"at most {limits.max_result_bytes} are sent; ask for fewer columns or channels",
            code="too-large",
        )


def _factor_used(series: Series, length: int, first_sample: int, samples_per_column: int) -> int:
    # No bin begins at the last sample of a segment of several.
    if 0 < first_sample == length - 1:
        return 1
    return series.factor_used(first_sample, samples_per_column)
