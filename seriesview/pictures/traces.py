"""What a picture shows of sampled series: the envelope of each pixel column, read in bounded blocks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.pictures.axis import TimeAxis
from seriesview.series.series import Series

_BLOCK_BYTES = 8 * 1024 * 1024

Floats = npt.NDArray[np.float64]


def read_envelope(series: Series, axis: TimeAxis, channels: list[str]) -> Floats:
    """(columns, 2, C) lowest and highest physical value of each column; NaN where there is none."""
    out = np.full((axis.columns, 2, len(channels)), np.nan)
    if series.manifest.sampling_frequency is None:
        _read_by_time(series, axis, channels, out)
        return out
    read = _read_bins if axis.samples_per_column else _read_samples
    for number, segment in enumerate(series.segments):
        if segment.num_samples:
            read(series, axis, channels, number, out)
    return out


def read_rms(series: Series, axis: TimeAxis, channels: list[str]) -> Floats:
    """(columns, C) root mean square, in physical units without the offset, from stored moments where there are."""
    out = np.full((axis.columns, len(channels)), np.nan)
    chosen = [channel for channel in series.channels if channel.id in set(channels)]
    scale = np.array([series.manifest.scale if c.scale is None else c.scale for c in chosen])
    for number, segment in enumerate(series.segments):
        if segment.num_samples == 0:
            continue
        width = min(
            max(1, round((segment.end_time - segment.start_time) / axis.seconds_per_column)), axis.columns
        )
        edges, rms = series.overview_rms(number, width, channels)
        span = segment.end_time - segment.start_time
        times = segment.start_time + edges / segment.num_samples * span
        places = np.rint((times - axis.start) / axis.seconds_per_column).astype(np.int64)
        first, last = np.clip([places[0], max(places[-1], places[-2] + 1)], 0, axis.columns)
        shown = np.searchsorted(places[:-1], np.arange(first, last), "right") - 1
        out[first:last] = rms[shown] * np.abs(scale)
    return out


def _read_by_time(series: Series, axis: TimeAxis, channels: list[str], out: Floats) -> None:
    points = series.time_window(axis.start, axis.end, axis.columns, channels)
    assert points.envelope is not None
    assert points.counts is not None
    found = points.counts > 0
    out[found] = _physical(series, points.envelope[found], channels)


def _read_bins(series: Series, axis: TimeAxis, channels: list[str], number: int, out: Floats) -> None:
    """Columns of whole samples, from the nearest whole column on; two segments in one column both show."""
    segment = series.segments[number]
    place = axis.position(segment.start_time)
    first = axis.columns - 1 if axis.columns - 1 < place < axis.columns else round(place)
    samples = axis.samples_per_column
    steps = max(1, math.ceil((segment.num_samples - 1) / samples))
    low, high = max(0, -first), min(steps, axis.columns - first)
    per_block = max(1, _BLOCK_BYTES // _bytes_a_column(series, axis))
    for begin in range(low, high, per_block):
        stored = series.window(number, begin * samples, samples, min(per_block, high - begin), channels)
        _unite(out, first + begin, _physical(series, stored, channels))


def _read_samples(series: Series, axis: TimeAxis, channels: list[str], number: int, out: Floats) -> None:
    """Columns of any width, close up: the straight lines between samples, cut at the columns' edges."""
    segment = series.segments[number]
    rate = series.manifest.sampling_frequency
    assert rate is not None
    end = segment.num_samples - 1
    edges = (axis.start - segment.start_time + np.arange(axis.columns + 1) * axis.seconds_per_column) * rate
    seen = np.flatnonzero((edges[1:] >= 0) & (edges[:-1] <= end))
    if seen.size == 0:
        return
    edges = np.clip(edges[seen[0] : seen[-1] + 2], 0, end)
    per_block = max(1, _BLOCK_BYTES // (16 * 8 * series.manifest.num_channels))
    for begin in range(0, seen.size, per_block):
        part = edges[begin : begin + per_block + 1]
        first, last = math.floor(part[0]), math.ceil(part[-1]) + 1
        values = series.to_physical(series.values(number, first, last, channels), channels)
        _unite(out, int(seen[0]) + begin, polyline_hull(values, part - first))


def polyline_hull(values: Floats, edges: Floats) -> Floats:
    """(columns, 2, C) lowest and highest point of the polyline through `values` (n, C) between `edges`.

    `edges` (columns + 1,) rise from 0 to n - 1, in samples. NaN interrupts the polyline.
    """
    whole = np.floor(edges).astype(np.int64)
    ahead = np.minimum(whole + 1, len(values) - 1)
    share = (edges - whole)[:, None]
    with np.errstate(invalid="ignore"):
        cut = np.where(share > 0, (1 - share) * values[whole] + share * values[ahead], values[whole])
    low, high = np.fmin(cut[:-1], cut[1:]), np.fmax(cut[:-1], cut[1:])
    first, last = np.ceil(edges[:-1]).astype(np.int64), whole[1:]
    for step in range(int((last - first).max(initial=-1)) + 1):
        inner = first + step <= last
        found = values[(first + step)[inner]]
        low[inner] = np.fmin(low[inner], found)
        high[inner] = np.fmax(high[inner], found)
    return np.stack([low, high], axis=1)


def _unite(out: Floats, first: int, found: Floats) -> None:
    target = out[first : first + len(found)]
    np.fmin(target[:, 0], found[:, 0], out=target[:, 0])
    np.fmax(target[:, 1], found[:, 1], out=target[:, 1])


def _bytes_a_column(series: Series, axis: TimeAxis) -> int:
    factor = series.factor_used(0, axis.samples_per_column) if axis.samples_per_column > 1 else 1
    bins = max(1, axis.samples_per_column // factor)
    return bins * 2 * series.manifest.num_channels * np.dtype(series.manifest.dtype).itemsize


def _physical(series: Series, stored: npt.NDArray[Any], channels: list[str]) -> Floats:
    values = series.to_physical(stored, channels)
    return np.stack([np.minimum(values[:, 0], values[:, 1]), np.maximum(values[:, 0], values[:, 1])], axis=1)
