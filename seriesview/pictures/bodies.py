"""The drawing inside the frame, one function for each kind of series."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from seriesview.pictures import words
from seriesview.pictures.axis import TimeAxis
from seriesview.pictures.canvas import SMALL_SIZE, Box, Canvas, shorten
from seriesview.pictures.colors import (
    BAND_COLORS,
    CUT,
    FRAME,
    GRID,
    INK,
    SERIES_COLORS,
    SOFT_INK,
    Color,
    color_of_group,
    heat,
)
from seriesview.pictures.scales import apart, common_scale, limits, typical_of, usual_most
from seriesview.pictures.traces import read_envelope, read_rms
from seriesview.series.manifest import ChannelInfo
from seriesview.series.series import Series

FEW_CHANNELS = 4
MAX_TRACES = 64

_LABEL_GAP = 8
_LABEL_HEIGHT = 13
_MARK_HEIGHT = 3
_USUAL_RMS = 6.0

Floats = npt.NDArray[np.float64]


def draw_traces(
    canvas: Canvas,
    box: Box,
    series: Series,
    axis: TimeAxis,
    channels: Sequence[ChannelInfo],
    gains: Mapping[str, float] | None = None,
) -> None:
    """Envelopes of the channels, one below the other.

    A few channels each have an axis of their own; more share one scale, those of each type and unit, times its gain;
    where there is one, a bar at the right shows it.
    """
    envelope = read_envelope(series, axis, [channel.id for channel in channels])
    colors = color_of_group([channel.group for channel in channels])
    rows = row_boxes(box, len(channels))
    middle, typical = typical_of(series, channels)
    if len(channels) <= FEW_CHANNELS:
        for number, (row, channel) in enumerate(zip(rows, channels, strict=True)):
            inner = Box(box.left, row.top + 5, box.right, row.bottom - 5)
            low, high = limits(envelope[:, :, number], middle[number], typical[number])
            unit = channel.unit or series.manifest.unit
            _draw_own_axis(canvas, inner, envelope[:, :, number], (low, high), channel, unit, colors[number])
            if number:
                canvas.fill(Box(box.left, row.top, box.right, row.top + 1), FRAME)
        return
    kinds = [(channel.type, channel.unit) for channel in channels]
    pixels = np.ones(len(channels))
    for kind in set(kinds):
        members = [number for number, each in enumerate(kinds) if each == kind]
        centers, reach = common_scale(envelope[:, :, members], middle[members], typical[members])
        middle[members] = centers
        pixels[members] = 0.5 * rows[0].height / reach * (gains or {}).get(kind[0] or "", 1.0)
    for number, row in enumerate(rows):
        center = (row.top + row.bottom - 1) / 2
        low = center - (envelope[:, 0, number] - middle[number]) * pixels[number]
        high = center - (envelope[:, 1, number] - middle[number]) * pixels[number]
        margin = row.height
        inner = Box(box.left, max(box.top, row.top - margin), box.right, min(box.bottom, row.bottom + margin))
        canvas.columns(inner, low, high, colors[number])
        mark_cuts(canvas, inner, low, high, is_inside=True)
    row_labels(canvas, rows, [channel.label or channel.id for channel in channels], colors)
    if len(set(kinds)) == 1:
        _scale_bar(canvas, box, float(pixels[0]), channels[0].unit or series.manifest.unit)


def draw_rms(
    canvas: Canvas, box: Box, series: Series, axis: TimeAxis, channels: Sequence[ChannelInfo]
) -> None:
    """An image of the RMS, one row a channel, with a colour bar at the right."""
    rms = read_rms(series, axis, [channel.id for channel in channels])
    known = rms[np.isfinite(rms)]
    low, high = _rms_limits(rms, known)
    canvas.image(box, heat(rms.T, low, high))
    _color_bar(canvas, box, low, high, channels[0].unit or series.manifest.unit)
    if box.height // len(channels) >= _LABEL_HEIGHT or len(channels) > MAX_TRACES:
        colors: list[Color] = [INK] * len(channels)
        row_labels(canvas, row_boxes(box, len(channels)), [c.label or c.id for c in channels], colors)


def _rms_limits(rms: Floats, known: Floats) -> tuple[float, float]:
    """Percentiles 1 and 99 of all (columns, C), but not far above what most channels have."""
    if not known.size:
        return 0.0, 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        of_channels = np.nanmedian(np.where(np.isfinite(rms), rms, np.nan), axis=0)
    usual = float(np.nanmedian(of_channels))
    low, high = float(np.percentile(known, 1)), float(np.percentile(known, 99))
    high = min(high, _USUAL_RMS * usual) if usual > 0 else high
    return apart(min(low, high), high)


def draw_density(
    canvas: Canvas,
    box: Box,
    series: Series,
    axis: TimeAxis,
    channels: Sequence[ChannelInfo],
    bin_centers: Sequence[float] | None = None,
) -> None:
    """An image of a probability: one row a channel, the first one at the bottom; a column shows its highest.

    Powers, whose columns are means, are drawn in dB.
    `bin_centers` are the values at the bins of all channels of the series, those that are not drawn too.
    """
    envelope = read_envelope(series, axis, [channel.id for channel in channels])[:, 1]
    low, unit = 0.0, series.manifest.unit
    if series.manifest.has_means:
        with np.errstate(divide="ignore", invalid="ignore"):
            envelope = 10 * np.log10(envelope)
        known = envelope[np.isfinite(envelope)]
        low, high = apart(*np.percentile(known, [1, 99.5])) if known.size else (0.0, 1.0)
        unit = f"dB re {channels[0].unit or unit}" if channels else "dB"
    else:
        known = envelope[np.isfinite(envelope)]
        high = usual_most(known, *typical_of(series, channels), 99.5)
        high = high or float(known.max(initial=1.0)) or 1.0
    canvas.image(box, heat(envelope.T[::-1], low, high))
    _color_bar(canvas, box, low, high, unit)
    centers: list[float] = list(range(len(channels)))
    if bin_centers is None:
        bin_centers = (series.manifest.spectrogram or {}).get("frequencies")
    if bin_centers is not None and len(bin_centers) == len(series.channels) and len(channels) > 1:
        of_channel = {
            channel.id: center for channel, center in zip(series.channels, bin_centers, strict=True)
        }
        centers = [of_channel[channel.id] for channel in channels]
    places = np.arange(len(centers)) + 0.5
    rising = list(np.argsort(centers))
    for value in words.ticks(min(centers), max(centers), max(2, box.height // 40)):
        place = float(np.interp(value, np.array(centers)[rising], places[rising])) / len(centers)
        y = round(box.bottom - place * box.height)
        canvas.fill(Box(box.left - 5, y, box.left - 1, y + 1), FRAME)
        canvas.text(box.left - _LABEL_GAP, y, words.number(value), color=SOFT_INK, anchor="rm")


def draw_bands(
    canvas: Canvas,
    box: Box,
    series: Series,
    axis: TimeAxis,
    _: Sequence[ChannelInfo] = (),
    lanes: Sequence[str] = (),
) -> None:
    """Intervals as bands, one row a label, those of `lanes` first, each named where its name fits."""
    times, labels = series.intervals()
    names = list(dict.fromkeys([*lanes, *labels])) or [""]
    rows = row_boxes(box, len(names))
    where = {name: number for number, name in enumerate(names)}
    shared = _shared_words(names)
    for (start, end), label in zip(times, labels, strict=True):
        left = max(box.left, box.left + round(axis.position(float(start))))
        right = min(box.right, max(box.left + round(axis.position(float(end))), left + 1))
        if right <= left or end < axis.start or start > axis.end:
            continue
        row = rows[where[label]]
        inset = 3 if row.height >= 12 else 0
        band = Box(left, row.top + inset, right, row.bottom - inset)
        canvas.fill(band, BAND_COLORS[where[label] % len(BAND_COLORS)])
        canvas.fill(Box(band.left, band.top, band.left + 1, band.bottom), SOFT_INK)
        name = shorten(label[shared:], band.width - 8)
        if name and row.height >= 16:
            canvas.text((band.left + band.right) // 2, (band.top + band.bottom) // 2, name, anchor="mm")
    row_labels(canvas, rows, [name[shared:] for name in names], [INK] * len(names))


def _shared_words(names: Sequence[str]) -> int:
    """Length of the words that all names begin with, such as `Sleep stage `, which tell nothing apart."""
    first, *others = names
    end = first.rfind(" ") + 1 if others else 0
    while end and not all(name.startswith(first[:end]) for name in others):
        end = first.rfind(" ", 0, end - 1) + 1
    return end


def _draw_own_axis(
    canvas: Canvas,
    box: Box,
    envelope: Floats,
    limits_shown: tuple[float, float],
    channel: ChannelInfo,
    unit: str,
    color: Color,
) -> None:
    low, high = limits_shown
    pixels = (box.height - 1) / (high - low)
    value_axis(canvas, box, low, high)
    rows = box.bottom - 1 - (envelope - low) * pixels
    canvas.columns(box, rows[:, 0], rows[:, 1], color)
    is_cut = mark_cuts(canvas, box, rows[:, 0], rows[:, 1])
    label = channel.label or channel.id
    canvas.text(box.right + _LABEL_GAP, box.top + 6, shorten(label, 84), color=color, anchor="lt")
    canvas.text(box.right + _LABEL_GAP, box.top + 22, shorten(unit, 84), color=SOFT_INK, anchor="lt")
    if is_cut:
        canvas.text(box.right + _LABEL_GAP, box.top + 38, "cut off", color=CUT, anchor="lt")


def mark_cuts(canvas: Canvas, box: Box, low: Floats, high: Floats, *, is_inside: bool = False) -> bool:
    """Marks beside the box, or just inside, where what reaches from row `low` to `high` leaves it; whether it does."""
    with np.errstate(invalid="ignore"):
        above = np.fmin(low, high) < box.top - 0.5
        below = np.fmax(low, high) >= box.bottom - 0.5
    height = 1 if is_inside else _MARK_HEIGHT
    for is_cut, top in (
        (above, box.top if is_inside else box.top - height),
        (below, box.bottom - height if is_inside else box.bottom),
    ):
        canvas.pixels[top : top + height, box.left + np.flatnonzero(is_cut)] = CUT
    return bool(above.any() or below.any())


def value_axis(canvas: Canvas, box: Box, low: float, high: float) -> None:
    """Lines across the box and labels at its left, at round values between `low` (bottom) and `high` (top)."""
    pixels = (box.height - 1) / (high - low)
    values = words.ticks(low, high, max(4, min(6, box.height // 36)))
    digits = _digits_apart(values)
    for value in values:
        y = round(box.bottom - 1 - (value - low) * pixels)
        canvas.fill(Box(box.left, y, box.right, y + 1), GRID)
        canvas.text(box.left - _LABEL_GAP, y, words.number(value, digits), color=SOFT_INK, anchor="rm")


def _digits_apart(values: Sequence[float]) -> int:
    """How many significant digits tell the values of an axis apart."""
    return next((n for n in range(4, 16) if len({words.number(v, n) for v in values}) == len(values)), 16)


def row_boxes(box: Box, count: int) -> list[Box]:
    """A box divided into `count` rows, one below the other."""
    edges = [box.top + round(number * box.height / count) for number in range(count + 1)]
    return [Box(box.left, top, box.right, bottom) for top, bottom in pairwise(edges)]


def row_labels(canvas: Canvas, rows: Sequence[Box], labels: Sequence[str], colors: Sequence[Color]) -> None:
    """The names of rows at their left, as many of them as there is room for."""
    every = max(1, -(-_LABEL_HEIGHT * len(rows) // max(1, rows[-1].bottom - rows[0].top)))
    for number in range(0, len(rows), every):
        row = rows[number]
        label = shorten(labels[number], row.left - _LABEL_GAP - 4)
        y = (row.top + row.bottom) // 2
        canvas.text(row.left - _LABEL_GAP, y, label, color=colors[number], anchor="rm")


def _scale_bar(canvas: Canvas, box: Box, pixels: float, unit: str) -> None:
    value = words.nice_step(26 / pixels, 1)
    length = max(1, min(round(value * pixels), box.height - 14))
    bottom = box.bottom - 8
    x = box.right + 14
    canvas.fill(Box(x, bottom - length, x + 3, bottom), INK)
    amount, shown_unit = words.quantity(value, unit)
    canvas.text(x + 9, bottom - length // 2, shorten(f"{amount} {shown_unit}", 74), anchor="lm")


def _color_bar(canvas: Canvas, box: Box, low: float, high: float, unit: str) -> None:
    bar = Box(box.right + 14, box.top, box.right + 26, box.bottom)
    canvas.image(bar, heat(np.linspace(high, low, max(bar.height, 2))[:, None], low, high))
    top, shown_unit = words.quantity(high, unit)
    canvas.text(bar.right + 5, bar.top, top, color=SOFT_INK, anchor="lt")
    canvas.text(bar.right + 5, bar.top + 16, shorten(shown_unit, 62), color=SOFT_INK, anchor="lt")
    if bar.height > 60:
        bottom, other_unit = words.quantity(low, unit)
        text = bottom if other_unit == shown_unit or low == 0 else f"{bottom} {other_unit}"
        canvas.text(bar.right + 5, bar.bottom - SMALL_SIZE, text, color=SOFT_INK, anchor="lt")


def series_color(number: int) -> Color:
    """The colour of the channel at `number`, in turn."""
    return SERIES_COLORS[number % len(SERIES_COLORS)]
