"""Pictures of traces drawn from every raw sample, one after the other. Nothing here is the package's code.

A column of the picture is a closed stretch of time. All rows between the highest and the lowest point that the
polyline through the samples has in it get the trace's colour. A sample that is NaN is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ImageColor

Floats = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


def round_half_up(value: Floats) -> Floats:
    return np.floor(value + 0.5)


def rows_of(stored: Floats, scale: float, offset: float, lane: Mapping[str, Any]) -> Floats:
    """The row of each stored value; NaN where there is none."""
    physical = stored * scale + offset
    place = lane["center"] - (physical + lane["offset"] - lane["baseline"]) * lane["pixelsPerUnit"]
    return round_half_up(place)


def polyline_points(samples: Floats, column: int, samples_per_column: int, columns_per_sample: int) -> Floats:
    """Stored values of the polyline's corners and ends within a segment's column, NaN left out."""
    last = len(samples) - 1
    if columns_per_sample == 1:
        first = column * samples_per_column
        if column < 0 or (first >= last and column > 0):
            return samples[:0]
        inside = samples[first : min(first + samples_per_column, last) + 1]
        return inside[~np.isnan(inside)]
    sample, part = divmod(column, columns_per_sample)
    if column < 0 or sample > last or (sample == last and column > 0):
        return samples[:0]
    points = []
    for edge in (part, part + 1):
        if edge == 0:
            points.append(float(samples[sample]))
        elif sample < last:
            if edge == columns_per_sample:
                points.append(float(samples[sample + 1]))
            else:
                share = edge / columns_per_sample
                here, there = float(samples[sample]), float(samples[sample + 1])
                points.append(here + (there - here) * share)
    return np.array([point for point in points if not np.isnan(point)])


def regular_spans(
    samples: Floats, first_column: int, frame: Mapping[str, int]
) -> Iterator[tuple[int, Floats]]:
    """(column of the picture, stored values in it) of a segment (n,) that begins at absolute `first_column`."""
    for column in range(frame["columns"]):
        absolute = frame["leftColumn"] + column
        points = polyline_points(
            samples, absolute - first_column, frame["samplesPerColumn"], frame["columnsPerSample"]
        )
        if len(points):
            yield column, points


def irregular_spans(samples: Floats, times: Floats, edges: Floats) -> Iterator[tuple[int, Floats]]:
    """The same of samples (n,) at times (n,); column i is the closed stretch of time [edges[i], edges[i + 1]]."""
    for column, (begin, end) in enumerate(pairwise(edges)):
        inside = samples[(times >= begin) & (times <= end)]
        points = inside[~np.isnan(inside)]
        if len(points):
            yield column, points


def draw_spans(
    picture: Picture,
    spans: Iterator[tuple[int, Floats]],
    scale: float,
    offset: float,
    lane: Mapping[str, Any],
) -> None:
    """Draw a channel's columns into a picture (height, width, 4)."""
    color = (*ImageColor.getrgb(lane["color"])[:3], 255)
    for column, points in spans:
        rows = rows_of(points, scale, offset, lane)
        top, bottom = max(rows.min(), 0.0), min(rows.max(), float(len(picture) - 1))
        if top <= bottom:
            picture[int(top) : int(bottom) + 1, column] = color


def first_columns(
    starts: Sequence[float], reference_start: float, ticks_per_second: float, frame: Mapping[str, int]
) -> list[int]:
    """Absolute columns at which segments begin: the whole columns nearest to their starts (seconds)."""
    columns_per_tick = frame["columnsPerSample"] / frame["samplesPerColumn"]
    return [
        int(np.floor((start - reference_start) * ticks_per_second * columns_per_tick + 0.5))
        for start in starts
    ]
