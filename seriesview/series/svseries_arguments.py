"""What people pass for a series put together in Python, as numbers; FormatError for what means nothing."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import FormatError, RequestError, one_line
from seriesview.series.arguments import seconds, shown
from seriesview.series.array_info import DTYPES

Array = npt.NDArray[Any]

TIMESTAMP_DTYPES = ("float32", "float64")
MOST_SEGMENTS = 100_000
_MOST_EXACT = 2**53


def sampling_rate(value: object) -> float | None:
    """Samples a second, None where there is no such rate."""
    if value is None:
        return None
    try:
        rate = seconds("sampling_frequency", value)
    except RequestError:
        rate = 0.0
    if rate <= 0:
        raise FormatError(f"sampling_frequency: {shown(value)} is no rate; give samples a second, or None")
    return rate


def sample_times(timestamps: npt.ArrayLike) -> Array:
    """Finite times (n,) in seconds, float32 or float64, of numbers (n,) or (n, 1)."""
    times = _array(timestamps, "timestamps")
    if times.dtype.kind == "O":
        try:
            times = times.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as problem:
            raise FormatError("timestamps are not all numbers: seconds are expected") from problem
    if times.dtype.kind in "mM":
        raise FormatError(
            f"timestamps of dtype {times.dtype}: seconds are expected, "
            "such as (times - times[0]) / np.timedelta64(1, 's')"
        )
    if times.size and times.dtype.kind not in "iuf":
        raise FormatError(f"timestamps of dtype {times.dtype}: numbers of seconds are expected")
    if times.dtype.kind in "iu" and times.size and max(-int(times.min()), int(times.max())) > _MOST_EXACT:
        raise FormatError("timestamps: integers beyond 2**53 are no seconds that can be told apart")
    if times.ndim == 0 or (times.ndim != 1 and times.size != len(times)):
        raise FormatError(f"timestamps of shape {times.shape}: one time a sample is expected")
    times = np.ascontiguousarray(times.reshape(-1))
    if times.dtype.name not in TIMESTAMP_DTYPES:
        times = times.astype(np.float64)
    if not np.isfinite(times).all():
        raise FormatError("timestamps are not finite: leave out the samples that have no time")
    return times


def sample_values(values: npt.ArrayLike, num_samples: int) -> Array:
    """Values (n,), or (n, C) with C > 1; whatever the shape, one value a sample becomes (n,)."""
    rows = _array(values, "values")
    if rows.dtype == np.bool_:
        rows = rows.astype(np.uint8)
    if rows.dtype.name not in DTYPES:
        raise FormatError(f"values of dtype {rows.dtype}: one of {', '.join(DTYPES)} is expected")
    if rows.ndim == 0 or len(rows) != num_samples:
        raise FormatError(f"values of shape {rows.shape} for {num_samples} timestamps")
    width = math.prod(rows.shape[1:])
    if width == 0:
        raise FormatError(f"values of shape {rows.shape}: a sample has at least one value")
    return np.ascontiguousarray(rows.reshape(num_samples) if width == 1 else rows.reshape(num_samples, width))


def in_time_order(times: Array, rows: Array) -> tuple[Array, Array]:
    """Both by time; samples of one time stay in their order."""
    if not (np.diff(times) < 0).any():
        return times, rows
    order = np.argsort(times, kind="stable")
    return times[order], rows[order]


def segment_span(start_time: object, end_time: object) -> tuple[float, float]:
    """Start and end of a segment in seconds."""
    start, end = seconds("start_time", start_time), seconds("end_time", end_time)
    if end < start:
        raise FormatError(f"a segment from {start} to {end} seconds: the end comes before the start")
    return start, end


def cut(
    start_time: object, end_time: object, segment_duration: object, times: Array
) -> Iterator[tuple[float, float, int, int]]:
    """Yield start, end (seconds), first sample and the one after the last of each segment of sorted times."""
    start, end = segment_span(start_time, end_time)
    duration = end - start if segment_duration == math.inf else seconds("segment_duration", segment_duration)
    if end == start:
        return
    if not (math.isfinite(end - start) and duration > 0):
        raise FormatError(f"segments of {duration} seconds from {start} to {end}: not possible")
    if (end - start) / duration > MOST_SEGMENTS:
        raise FormatError(
            f"segments of {duration} seconds from {start} to {end}: more than {MOST_SEGMENTS}; "
            "give a longer segment_duration"
        )
    count = math.ceil((end - start) / duration)
    # Both edges come from the index, so that neighbours share them to the last bit.
    edges = [min(start + number * duration, end) for number in range(count)] + [end]
    with np.errstate(over="ignore"):
        places = np.searchsorted(times, np.asarray(edges, times.dtype)).tolist()
    if len(times) and places[0] == places[-1]:
        warnings.warn(
            f"none of the {len(times)} samples lies in {start} <= t < {end}: "
            f"they are at {times[0]} to {times[-1]} seconds",
            stacklevel=3,
        )
    for number in range(count):
        if edges[number] < edges[number + 1]:
            yield edges[number], edges[number + 1], places[number], places[number + 1]


def _array(given: npt.ArrayLike, name: str) -> Array:
    if np.ma.is_masked(given):
        raise FormatError(
            f"{name} are masked: leave those samples out, or fill them, as values.filled(np.nan) does"
        )
    try:
        return np.asarray(given)
    except (TypeError, ValueError, OverflowError) as problem:
        raise FormatError(f"{name} are no array of numbers: {one_line(problem)}") from problem
