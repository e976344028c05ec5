"""The drawing inside the frame for events and for samples at times of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seriesview.pictures import words
from seriesview.pictures.axis import TimeAxis
from seriesview.pictures.bodies import mark_cuts, row_boxes, row_labels, series_color, value_axis
from seriesview.pictures.canvas import Box, Canvas, shorten
from seriesview.pictures.colors import CUT, FRAME, INK, SERIES_COLORS, SOFT_INK, color_of_group, heat
from seriesview.pictures.scales import limits_of_all, typical_of
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import ChannelInfo, CountsInfo
from seriesview.series.series import Series

MAX_POINTS = 100_000
RATE_HEIGHT = 44

_MARK = 0.55
_DOT = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))

Floats = npt.NDArray[np.float64]


def draw_scatter(
    canvas: Canvas,
    box: Box,
    series: Series,
    axis: TimeAxis,
    channels: Sequence[ChannelInfo],
    y: str | None = None,
    color: str | None = None,
) -> None:
    """A dot for each sample; where there are too many, the range of the values in each column.

    With the channels `y` and `color` a dot is as high as the first says and coloured by the second.
    """
    colored = _named(series, color)
    if y is not None or color is not None:
        channels = [_named(series, y) or series.channels[0], *([colored] if colored is not None else [])]
    ids = [channel.id for channel in channels]
    points = series.points(axis.start, axis.end, MAX_POINTS, ids) if _few(series, axis) else None
    is_cut = False
    if points is not None and points.times is not None and points.values is not None:
        values = series.to_physical(points.values, ids)
        if colored is not None:
            _colored_dots(canvas, box, series, axis, channels, points.times, values)
            return
        low, high = _limits(values, *typical_of(series, channels))
        value_axis(canvas, box, low, high)
        for number in range(len(channels)):
            is_cut |= _dots(canvas, box, axis, points.times, values[:, number], (low, high), number)
    else:
        columns = series.time_window(axis.start, axis.end, axis.columns, ids)
        assert columns.envelope is not None
        assert columns.counts is not None
        envelope = series.to_physical(columns.envelope, ids)
        envelope[columns.counts == 0] = np.nan
        # Of many dots in a column no colour is known.
        channels, envelope = (
            (channels[:1], envelope[:, :, :1]) if colored is not None else (channels, envelope)
        )
        low, high = _limits(envelope, *typical_of(series, channels))
        value_axis(canvas, box, low, high)
        pixels = (box.height - 1) / (high - low)
        for number in range(len(channels)):
            rows = box.bottom - 1 - (envelope[:, :, number] - low) * pixels
            canvas.columns(box, rows[:, 0], rows[:, 1], series_color(number))
            is_cut |= mark_cuts(canvas, box, rows[:, 0], rows[:, 1])
    for number, channel in enumerate(channels[:12] if len(channels) > 1 else ()):
        label = shorten(channel.label or channel.id, 84)
        canvas.text(box.right + 8, box.top + 24 + 16 * number, label, color=series_color(number))
    if is_cut:
        canvas.text(box.right + 8, box.bottom - 16, "cut off", color=CUT)
    canvas.text(
        box.right + 8, box.top + 4, shorten(channels[0].unit or series.manifest.unit, 84), color=SOFT_INK
    )


def _named(series: Series, name: str | None) -> ChannelInfo | None:
    """The channel of an id, else of a label; None where none is called so."""
    found = [channel for channel in series.channels if channel.id == name]
    return next(iter([*found, *(channel for channel in series.channels if channel.label == name)]), None)


def _colored_dots(
    canvas: Canvas,
    box: Box,
    series: Series,
    axis: TimeAxis,
    channels: Sequence[ChannelInfo],
    times: Floats,
    values: Floats,
) -> None:
    """Dots as high as the first of two channels (n, 2), coloured by the second: the highest over the others."""
    middle, typical = typical_of(series, channels)
    low, high = _limits(values[:, :1], middle[:1], typical[:1])
    value_axis(canvas, box, low, high)
    order = np.argsort(values[:, 1], kind="stable")
    known = order[np.isfinite(values[order]).all(axis=1)]
    x = np.floor((times[known] - axis.start) / axis.seconds_per_column).astype(np.int64)
    y = np.rint((box.height - 1) * (1.0 - (values[known, 0] - low) / (high - low))).astype(np.int64)
    inside = (x >= 0) & (x < box.width) & (y >= 0) & (y < box.height)
    ends = np.percentile(values[known, 1], (1, 99)) if len(known) else np.zeros(2)
    colors = heat(values[known, 1][inside], float(ends[0]), float(ends[1]))
    canvas.pixels[box.top + y[inside], box.left + x[inside]] = colors
    unit = channels[0].unit or series.manifest.unit
    canvas.text(box.right + 8, box.top + 4, shorten(unit, 84), color=SOFT_INK)
    said = (f"colour: {channels[1].label}", f"{words.number(ends[0], 3)} to {words.number(ends[1], 3)}")
    for line, text in enumerate(said):
        canvas.text(box.right + 8, box.top + 28 + 16 * line, shorten(text, 84), color=SOFT_INK)


def draw_raster(
    canvas: Canvas, box: Box, series: Series, axis: TimeAxis, channels: Sequence[ChannelInfo]
) -> None:
    """A row for each channel with a mark in each column that has events, darker for more of them.

    The bars at the right are the mean rates of the channels, the strip at the bottom the rate of all together.
    """
    counts = event_counts(series, axis, [channel.id for channel in channels])
    raster = Box(box.left, box.top, box.right, box.bottom - RATE_HEIGHT - 6)
    rows = row_boxes(raster, len(channels))
    colors = color_of_group([channel.group for channel in channels])
    rates = counts.sum(axis=0) / (axis.seconds_per_column * axis.columns)
    top_rate = float(rates.max(initial=0.0)) or 1.0
    for number, row in enumerate(rows):
        opacity = 1.0 - (1.0 - _MARK) ** counts[:, number].astype(np.float64)
        inset = 1 if row.height >= 5 else 0
        area = Box(box.left, row.top + inset, box.right, max(row.bottom - inset, row.top + 1))
        canvas.blend(area, np.broadcast_to(opacity, (area.height, box.width)), colors[number])
        length = round(52 * rates[number] / top_rate)
        canvas.fill(Box(box.right + 8, area.top, box.right + 8 + length, area.bottom), colors[number])
    row_labels(canvas, rows, [channel.label or channel.id for channel in channels], colors)
    canvas.text(box.right + 8, box.top - 16, f"to {words.number(top_rate, 3)} Hz", color=SOFT_INK)
    _rate_strip(
        canvas, Box(box.left, box.bottom - RATE_HEIGHT, box.right, box.bottom), axis, counts.sum(axis=1)
    )


def event_counts(series: Series, axis: TimeAxis, channels: Sequence[str]) -> npt.NDArray[np.float64]:
    """(columns, C) events in each column; where there are many, by the bins of a count level."""
    level = _count_level(series, axis)
    if level is None:
        few = series.manifest.num_samples <= MAX_POINTS
        points = series.points(axis.start, axis.end, MAX_POINTS if few else axis.columns, list(channels))
        if points.counts is not None:
            return points.counts.astype(np.float64)
        counts = np.zeros((axis.columns, len(channels)))
        where = {channel.id: number for number, channel in enumerate(series.channels)}
        to_row = np.full(len(series.channels), -1)
        to_row[[where[channel] for channel in channels]] = np.arange(len(channels))
        assert points.times is not None
        assert points.channels is not None
        columns, chosen = axis.column_of(points.times), to_row[points.channels]
        inside = (columns >= 0) & (columns < axis.columns) & (chosen >= 0)
        np.add.at(counts, (columns[inside], chosen[inside]), 1.0)
        return counts
    return _from_level(series, level, axis, channels)


def _count_level(series: Series, axis: TimeAxis) -> CountsInfo | None:
    """The coarsest count level with bins no wider than a quarter of a column; None where events are few."""
    if series.manifest.num_samples <= MAX_POINTS:
        return None
    fitting = [level for level in series.manifest.counts if 4 * level.bin_seconds <= axis.seconds_per_column]
    return max(fitting, key=lambda level: level.bin_seconds, default=None)


def _from_level(series: Series, level: CountsInfo, axis: TimeAxis, channels: Sequence[str]) -> Floats:
    reader = ArrayReader(series.store, level.array)
    where = {channel.id: number for number, channel in enumerate(series.channels)}
    wanted = [where[channel] for channel in channels]
    counts = np.zeros((axis.columns, len(channels)))
    first = max(0, int((axis.start - level.start_time) // level.bin_seconds))
    last = min(len(reader), int((axis.end - level.start_time) // level.bin_seconds) + 1)
    for begin in range(first, last, 65536):
        rows = reader.read(begin, min(begin + 65536, last))[:, wanted]
        middle = np.arange(begin, begin + len(rows), dtype=np.float64) + 0.5
        centers = np.asarray(level.start_time + middle * level.bin_seconds, dtype=np.float64)
        columns = axis.column_of(centers)
        inside = (columns >= 0) & (columns < axis.columns)
        np.add.at(counts, columns[inside], rows[inside])
    return counts


def _few(series: Series, axis: TimeAxis) -> bool:
    """Whether the samples in sight may be few enough to be drawn one by one."""
    spans = [
        segment.num_samples
        * (min(axis.end, segment.end_time) - max(axis.start, segment.start_time))
        / max(segment.end_time - segment.start_time, 1e-9)
        for segment in series.segments
        if segment.end_time >= axis.start and segment.start_time <= axis.end
    ]
    return series.has_samples and sum(spans) <= MAX_POINTS


def _dots(
    canvas: Canvas,
    box: Box,
    axis: TimeAxis,
    times: Floats,
    values: Floats,
    limits: tuple[float, float],
    number: int,
) -> bool:
    """Dots of a channel; whether some lie outside, where marks stand."""
    low, high = limits
    known = np.isfinite(values)
    x = np.floor((times[known] - axis.start) / axis.seconds_per_column).astype(np.int64)
    place = (box.height - 1) * (1.0 - (values[known] - low) / (high - low))
    y = np.rint(np.clip(place, -9.0, box.height + 9.0)).astype(np.int64)
    for outside, top in ((y < 0, box.top - 3), (y >= box.height, box.bottom)):
        canvas.pixels[top : top + 3, box.left + x[outside & (x >= 0) & (x < box.width)]] = CUT
    is_cut = bool(((y < 0) | (y >= box.height)).any())
    weight = np.zeros((box.height, box.width))
    for down, right in _DOT:
        rows, columns = y + down, x + right
        inside = (rows >= 0) & (rows < box.height) & (columns >= 0) & (columns < box.width)
        np.add.at(weight, (rows[inside], columns[inside]), 1.0)
    canvas.blend(box, 1.0 - 0.45**weight, series_color(number))
    return is_cut


def _limits(values: Floats, middle: Floats, typical: Floats) -> tuple[float, float]:
    low, high = limits_of_all(values, middle, typical)
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def _rate_strip(canvas: Canvas, box: Box, axis: TimeAxis, counts: Floats) -> None:
    """The rate of all events as a filled curve over bins of a few columns."""
    per_bin = max(1, axis.columns // 240)
    edges = np.arange(0, axis.columns, per_bin)
    widths = np.diff(np.append(edges, axis.columns))
    rates = np.add.reduceat(counts, edges) / (widths * axis.seconds_per_column)
    top = float(rates.max(initial=0.0)) or 1.0
    canvas.fill(Box(box.left, box.top - 3, box.right, box.top - 2), FRAME)
    heights = np.repeat(rates, widths) / top * (box.height - 4)
    bottom = np.full(axis.columns, box.bottom - 1.0)
    canvas.columns(box, bottom, bottom - np.where(heights > 0, heights, np.nan), SERIES_COLORS[6])
    canvas.text(box.left - 8, box.top + 4, words.number(top, 3), color=SOFT_INK, anchor="rm")
    canvas.text(box.left - 8, box.top + 20, "events/s", color=SOFT_INK, anchor="rm")
    canvas.text(box.left - 8, box.bottom - 5, "0", color=INK, anchor="rm")
