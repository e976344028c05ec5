"""How pictures draw each type of panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from seriesview.pictures.axis import TimeAxis
from seriesview.pictures.bodies import (
    FEW_CHANNELS,
    MAX_TRACES,
    draw_bands,
    draw_density,
    draw_rms,
    draw_traces,
)
from seriesview.pictures.canvas import Box, Canvas
from seriesview.pictures.point_bodies import RATE_HEIGHT, draw_raster, draw_scatter
from seriesview.series.manifest import ChannelInfo
from seriesview.series.series import Series
from seriesview.workspace.panels import (
    CONTINUOUS_TRACES,
    EVENT_AMPLITUDES,
    INTERVAL_LANES,
    PANEL_TYPES,
    POSITION,
    PROBABILITY_DENSITY,
    RASTER_PLOT,
    PanelType,
    default_type,
)

MOST_ROWS = 400
STRIP_GAP = 30


@dataclass(frozen=True)
class Body:
    """The drawing inside the frame."""

    draw: Callable[..., None]
    """Takes canvas, box, series, axis and channels; by name, what the data of a panel hold beside its series."""
    height: Callable[[Series, int], int]
    """Rows that so many channels need."""
    strip: Callable[[int], int] = lambda _: 0
    """Rows of them for a strip of the RMS below; 0: there is none."""
    most_channels: int = MOST_ROWS
    """Of more channels so many are drawn, evenly chosen."""
    order: str = "stored"
    """In which order channels are drawn from the top: `stored`, by group and `depth`, or by `type`."""


def body_of(series: Series, panel: str | None, data: Mapping[str, Any] | None = None) -> Body:
    """How a series is drawn in a panel of the type of that name, whose data are `data`.

    Where there is no such type, or it cannot draw the series, the series is drawn as suits it.
    """
    series_type = series.manifest.type
    if panel is None and series.manifest.unit.lower() == "probability":
        panel = PROBABILITY_DENSITY.name
    named = PANEL_TYPES.get(panel or "")
    shown_as = series_type if series.manifest.spectrogram is None else "spectrogram"
    panel_type = named if named and series_type in named.series_types else default_type(shown_as)
    if panel_type is None:
        return _BANDS
    body = _BODIES.get((panel_type, series_type)) or _BODIES[panel_type, None]
    more = {key: value for key, value in (data or {}).items() if key in panel_type.data_keys}
    body = replace(body, order=more.pop("order", body.order))
    return replace(body, draw=partial(body.draw, **more)) if more else body


def _draw_traces(
    canvas: Canvas,
    box: Box,
    series: Series,
    axis: TimeAxis,
    channels: Sequence[ChannelInfo],
    mode: str | None = None,
    gains: Mapping[str, float] | None = None,
    channels_per_screen: int | None = None,
    over: Sequence[str] | None = None,
    mains: float | None = None,
) -> None:
    """Traces in stacked lanes, or the image of their RMS; a picture of all channels has no screens.

    Events over traces are too close at this zoom, and nothing is filtered.
    """
    if len(channels) > MAX_TRACES or (mode == "image" and len(channels) > FEW_CHANNELS):
        draw_rms(canvas, box, series, axis, channels)
    else:
        draw_traces(canvas, box, series, axis, channels, gains or {})


def _draw_raster(
    canvas: Canvas,
    box: Box,
    series: Series,
    axis: TimeAxis,
    channels: Sequence[ChannelInfo],
    lines: bool = False,
) -> None:
    """Rows of marks: a picture of one series has no other panels for `lines`."""
    draw_raster(canvas, box, series, axis, channels)


def _traces_height(_: Series, count: int) -> int:
    if count > MAX_TRACES:
        return max(400, min(800, 2 * count))
    if count <= FEW_CHANNELS:
        return 110 * count + (70 if count == 1 else 0)
    return max(300, min(820, 20 * count)) + _traces_strip(count) + STRIP_GAP


def _traces_strip(count: int) -> int:
    return max(40, min(160, 3 * count)) if FEW_CHANNELS < count <= MAX_TRACES else 0


def _raster_height(_: Series, count: int) -> int:
    return max(80, min(900, (14 if count <= 40 else 6) * count)) + RATE_HEIGHT + 6


def _bands_height(series: Series, _: int) -> int:
    intervals = series.manifest.intervals
    return max(60, min(640, 30 * max(1, len(intervals.labels) if intervals else 0)))


_TRACES = Body(_draw_traces, _traces_height, _traces_strip, order="depth")
_SCATTER = Body(draw_scatter, lambda _, count: 300, most_channels=MAX_TRACES)
_BANDS = Body(draw_bands, _bands_height)
# By type of panel and, where it draws one type of series another way, that.
_BODIES: dict[tuple[PanelType, str | None], Body] = {
    (CONTINUOUS_TRACES, None): _TRACES,
    (EVENT_AMPLITUDES, None): _SCATTER,
    (RASTER_PLOT, None): Body(_draw_raster, _raster_height, order="depth"),
    (POSITION, "continuous"): _TRACES,
    (POSITION, "discrete"): _SCATTER,
    (PROBABILITY_DENSITY, None): Body(draw_density, lambda _, count: max(160, min(400, 6 * count))),
    (INTERVAL_LANES, None): _BANDS,
}
