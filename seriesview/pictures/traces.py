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
    if axis.samples_per_column == 0:
        _read_by_time(series, axis, channels, out)
    else:
        for number in range(len(series.segments)):
            _read_segment(series, axis, channels, number, out)
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
        for low, high, row in zip(places[:-1], places[1:], rms, strict=True):
            out[max(low, 0) : max(high, low + 1, 0)] = row * np.abs(scale)
    return out


def _read_by_time(series: Series, axis: TimeAxis, channels: list[str], out: Floats) -> None:
    points = series.time_window(axis.start, axis.end, axis.columns, channels)
    assert points.envelope is not None
    assert points.counts is not None
    found = points.counts > 0
    out[found] = _physical(series, points.envelope[found], channels)


def _read_segment(series: Series, axis: TimeAxis, channels: list[str], number: int, out: Floats) -> None:
    """Put the columns of one segment where they belong; where two segments share a column it shows both."""
    segment = series.segments[number]
    first = round(axis.position(segment.start_time))
    samples, parts = axis.samples_per_column, axis.columns_per_sample
    steps = max(1, math.ceil((segment.num_samples - 1) * parts / samples)) if segment.num_samples else 0
    low, high = max(0, -first), min(steps, axis.columns - first)
    if low >= high:
        return
    per_block = max(1, _BLOCK_BYTES // max(1, _bytes_a_column(series, axis)))
    for begin in range(low, high, per_block):
        end = min(begin + per_block, high)
        if samples > 1:
            stored = series.window(number, begin * samples, samples, end - begin, channels)
            found = _physical(series, stored, channels)
        else:
            found = _between_samples(series, number, begin, end, parts, channels)
        target = out[first + begin : first + begin + len(found)]
        np.fmin(target[:, 0], found[:, 0], out=target[:, 0])
        np.fmax(target[:, 1], found[:, 1], out=target[:, 1])


def _between_samples(
    series: Series, number: int, begin: int, end: int, parts: int, channels: list[str]
) -> Floats:
    """Columns [begin, end) where a sample is `parts` columns: the straight line between neighbours."""
    last = series.segments[number].num_samples
    before = begin // parts
    after = min(-(-end // parts) + 1, last)
    values = series.to_physical(series.values(number, before, after, channels), channels)
    edges = np.arange(begin, end + 1) / parts - before
    whole = np.minimum(np.floor(edges).astype(np.int64), len(values) - 1)
    ahead = np.minimum(whole + 1, len(values) - 1)
    share = (edges - whole)[:, None]
    between = np.where(share > 0, values[whole] + share * (values[ahead] - values[whole]), values[whole])
    left, right = between[:-1], between[1:]
    return np.stack([np.fmin(left, right), np.fmax(left, right)], axis=1)


def _bytes_a_column(series: Series, axis: TimeAxis) -> int:
    factor = series.factor_used(0, axis.samples_per_column) if axis.samples_per_column > 1 else 1
    bins = max(1, axis.samples_per_column // max(1, factor))
    return bins * 2 * series.manifest.num_channels * np.dtype(series.manifest.dtype).itemsize


def _physical(series: Series, stored: npt.NDArray[Any], channels: list[str]) -> Floats:
    values = series.to_physical(stored, channels)
    return np.stack([np.minimum(values[:, 0], values[:, 1]), np.maximum(values[:, 0], values[:, 1])], axis=1)
