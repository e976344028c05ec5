"""Pictures of one series as PNG: the whole of it, or a stretch of time."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seriesview.errors import RequestError
from seriesview.pictures import words
from seriesview.pictures.axis import TimeAxis, covered, extent, make_axis
from seriesview.pictures.bodies import draw_rms
from seriesview.pictures.canvas import TEXT_SIZE, TITLE_SIZE, Box, Canvas, shorten, text_width
from seriesview.pictures.colors import CUT, FRAME, GAP, INK, SOFT_INK
from seriesview.pictures.facts import facts
from seriesview.pictures.panel_bodies import STRIP_GAP, Body, body_of
from seriesview.series.manifest import ChannelInfo
from seriesview.series.series import Series
from seriesview.terms import CHANNEL_TYPES_IN_ORDER

DEFAULT_WIDTH = 1280
MIN_WIDTH, MAX_WIDTH = 320, 8192
MIN_HEIGHT, MAX_HEIGHT = 160, 8192

_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 100, 76, 40


def overview(
    series: Series,
    *,
    name: str | None = None,
    panel: str | None = None,
    data: Mapping[str, Any] | None = None,
    width: int = DEFAULT_WIDTH,
) -> bytes:
    """A PNG of the whole series, as high as its channels need.

    `name` is the title of a series without a label. `panel` is the type of the panel that shows the series, and
    `data` holds what that type needs beside the series, such as `bin_centers`. Without one, a series whose unit is
    `probability` is drawn as the image of one.
    """
    body = body_of(series, panel, data)
    start, end = extent(series)
    channels = _in_order(series, body)
    height, strip = body.height(series, max(1, len(channels))), body.strip(len(channels))
    axis = make_axis(series, start, end, width - _LEFT - _RIGHT)
    size = (width, height + _TOP + _BOTTOM)
    return _draw(series, axis, _drawn(channels, body), size, strip, name, body)


def failed_overview(name: str, reason: str, width: int = DEFAULT_WIDTH) -> bytes:
    """A PNG in place of an overview that could not be drawn: which one, and why."""
    canvas = Canvas(width, _TOP + 120)
    canvas.text(16, 12, shorten(name, width - 32, TITLE_SIZE), TITLE_SIZE, INK)
    canvas.text(16, 42, "this picture could not be drawn", TEXT_SIZE, CUT)
    lines = textwrap.wrap(reason, 150)
    for number, line in enumerate(lines[:6]):
        canvas.text(16, _TOP + 18 * number, shorten(line, width - 32, TEXT_SIZE), TEXT_SIZE, SOFT_INK)
    return canvas.png()


def plot(
    series: Series,
    start: float | None = None,
    end: float | None = None,
    width: int = DEFAULT_WIDTH,
    height: int = 720,
    *,
    channels: Sequence[str] | None = None,
    name: str | None = None,
    panel: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> bytes:
    """A PNG, `width` x `height`, of the series from `start` to `end` in seconds; None is where the series ends.

    Each pixel column is one vertical line from the lowest to the highest point of the trace in it. `channels`
    are ids. Raises RequestError for times, sizes or channels that there are not.
    """
    if not (MIN_WIDTH <= width <= MAX_WIDTH and MIN_HEIGHT <= height <= MAX_HEIGHT):
        limits = f"{MIN_WIDTH} x {MIN_HEIGHT} to {MAX_WIDTH} x {MAX_HEIGHT}"
        raise RequestError(f"a picture of {width} x {height} pixels cannot be drawn; from {limits} it can")
    first, last = extent(series)
    begin = first if start is None else start
    finish = last if end is None else end
    if not begin < finish:
        raise RequestError(f"start {begin:g} s and end {finish:g} s: the start must be before the end")
    if finish < first or begin > last:
        raise RequestError(
            f"nothing from {begin:g} s to {finish:g} s: the series goes from {first:g} s to {last:g} s"
        )
    body = body_of(series, panel, data)
    chosen = _in_order(series, body) if channels is None else _choose(series, channels)
    axis = make_axis(series, begin, finish, width - _LEFT - _RIGHT)
    return _draw(series, axis, _drawn(chosen, body), (width, height), 0, name, body)


def _draw(
    series: Series,
    axis: TimeAxis,
    channels: list[ChannelInfo],
    size: tuple[int, int],
    strip: int,
    name: str | None,
    body: Body,
) -> bytes:
    """The whole picture: title, drawing, a strip of the RMS where `strip` rows are kept for it, time axis."""
    width, height = size
    canvas = Canvas(width, height)
    right = _LEFT + axis.columns
    bottom = height - _BOTTOM
    box = Box(_LEFT, _TOP, right, bottom - strip - (STRIP_GAP if strip else 0))
    _title(canvas, series, axis, name, len(channels), body.most_channels)
    if series.manifest.num_samples == 0:
        canvas.frame(box, FRAME)
        canvas.text(
            (box.left + box.right) // 2,
            (box.top + box.bottom) // 2,
            "nothing in it",
            TITLE_SIZE,
            SOFT_INK,
            "mm",
        )
        return canvas.png()
    if series.manifest.type in ("continuous", "discrete"):
        _shade_gaps(canvas, box, series, axis)
    canvas.frame(box, FRAME)
    with np.errstate(all="ignore"):
        body.draw(canvas, box, series, axis, channels)
    if strip:
        lower = Box(_LEFT, bottom - strip, right, bottom)
        canvas.text(_LEFT, lower.top - 6, "RMS of each channel", color=SOFT_INK, anchor="ls")
        canvas.frame(lower, FRAME)
        draw_rms(canvas, lower, series, axis, channels)
    _time_axis(canvas, Box(_LEFT, _TOP, right, bottom), axis)
    return canvas.png()


def _drawn(channels: list[ChannelInfo], body: Body) -> list[ChannelInfo]:
    """Those of very many channels that are drawn: evenly chosen, as many as can be told apart."""
    most = body.most_channels
    if len(channels) <= most:
        return channels
    return [channels[number * len(channels) // most] for number in range(most)]


def _title(canvas: Canvas, series: Series, axis: TimeAxis, name: str | None, drawn: int, most: int) -> None:
    width = canvas.pixels.shape[1]
    scale = f"{words.duration(axis.seconds_per_column)} a column"
    if axis.samples_per_column:
        scale += f", {words.count(axis.samples_per_column, 'sample')}"
    room = width - 48 - text_width(scale)
    canvas.text(16, 12, shorten(series.manifest.label or name or "series", room, TITLE_SIZE), TITLE_SIZE, INK)
    canvas.text(width - 16, 18, scale, color=SOFT_INK, anchor="rt")
    text = facts(series)
    if drawn == most and drawn < len(series.channels):
        text += f"   {drawn} of them drawn"
    canvas.text(16, 42, shorten(text, width - 32, TEXT_SIZE), TEXT_SIZE, SOFT_INK)


def _shade_gaps(canvas: Canvas, box: Box, series: Series, axis: TimeAxis) -> None:
    inside = covered(series, axis)
    canvas.pixels[box.top : box.bottom, box.left : box.right][:, ~inside] = GAP


def _time_axis(canvas: Canvas, box: Box, axis: TimeAxis) -> None:
    places, labels = words.time_ticks(axis.start, axis.end, max(2, box.width // 110))
    widest = max((text_width(label) for label in labels), default=0)
    if widest * len(labels) > 0.7 * box.width:
        places, labels = words.time_ticks(axis.start, axis.end, max(2, box.width // (2 * widest)))
    for place, label in zip(places, labels, strict=True):
        x = box.left + min(round(axis.position(place)), box.width - 1)
        canvas.fill(Box(x, box.bottom + 1, x + 1, box.bottom + 6), SOFT_INK)
        canvas.text(x, box.bottom + 10, label, color=SOFT_INK, anchor="mt")


def _in_order(series: Series, body: Body) -> list[ChannelInfo]:
    """All channels from the top of the picture down: a probe's tip, from which y is upwards, is at the bottom."""
    if body.order == "stored":
        return list(series.channels)
    if body.order == "type":
        ranks = {kind: rank for rank, kind in enumerate(CHANNEL_TYPES_IN_ORDER)}
        return sorted(series.channels, key=lambda channel: ranks.get(channel.type or "", len(ranks)))

    def place(channel: ChannelInfo) -> tuple[list[tuple[int, str]], float, float]:
        words_and_numbers = re.findall(r"(\d+)|(\D+)", channel.group or "")
        group = [(int(number or 0), text.casefold()) for number, text in words_and_numbers]
        return group, math.inf if channel.y is None else -channel.y, channel.x or 0.0

    return sorted(series.channels, key=place)


def _choose(series: Series, channels: Sequence[str]) -> list[ChannelInfo]:
    by_id = {channel.id: channel for channel in series.channels}
    for channel in channels:
        if channel not in by_id:
            raise RequestError(f"no channel {channel!r}; the series has {', '.join(list(by_id)[:10])}")
    return [by_id[channel] for channel in channels]
