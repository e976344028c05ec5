"""The task that reads a stretch of time: events, and samples at times of their own."""

from __future__ import annotations

from typing import Any

from seriesview.errors import RequestError, TaskError
from seriesview.series.points import Points
from seriesview.series.series import Series
from seriesview.tasks.arguments import PointsArguments
from seriesview.tasks.context import TaskContext
from seriesview.tasks.encoding import encode_array, encode_stored, sent_dtype
from seriesview.tasks.limits import TaskLimits

_NUMBER_BYTES = 8


def get_points(context: TaskContext, asked: PointsArguments) -> dict[str, Any]:
    """What has start_time <= time <= end_time: `times` with `values` or `channels` where they are few.

    Else `edges` (max_points + 1,) of equal bins, `counts` in each (for events of each channel), and for
    samples their `envelope` (max_points, 2, channels).
    """
    if asked.start_time >= asked.end_time:
        raise TaskError(f"start_time {asked.start_time} is not before end_time {asked.end_time}")
    with context.series(asked.series_uri) as series:
        _check(series, asked.max_points, context.limits)
        points = series.points(asked.start_time, asked.end_time, asked.max_points)
        return _encoded(series, points, asked.halves)


def _check(series: Series, max_points: int, limits: TaskLimits) -> None:
    """Raise RequestError for a series without points, TaskError where as many could not be sent."""
    if series.manifest.intervals is not None:
        raise RequestError(
            "this series holds intervals: read their arrays, which the manifest names, by get_array"
        )
    if not series.channels:
        raise RequestError("this series has no channels")
    if series.manifest.events is not None:
        point_bytes = _NUMBER_BYTES * (1 + len(series.channels))
    else:
        point_bytes = 2 * _NUMBER_BYTES + 2 * len(series.channels) * sent_dtype(series.dtype).itemsize
    most = limits.max_result_bytes // point_bytes
    if max_points > most:
        raise TaskError(
            f"max_points {max_points}: at most {most} of {len(series.channels)} channels are sent",
            code="too-large",
        )


def _encoded(series: Series, points: Points, halves: bool) -> dict[str, Any]:
    return {
        name: encode_stored(series, array, halves=halves)
        if name in ("values", "envelope")
        else encode_array(array)
        for name, array in vars(points).items()
        if array is not None
    }
