"""Windows: what a screen of columns shows of one segment."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import RequestError
from seriesview.series.between_bins import cheapest_level, columns_between_bins
from seriesview.series.hulls import Level, Pyramid
from seriesview.series.mean_columns import mean_columns
from seriesview.series.segment_files import Selection

MAX_BINS_PER_COLUMN = 64
DIRECT_VALUES_PER_COLUMN = 65536


def num_columns(num_samples: int, first_sample: int, samples_per_column: int, columns: int) -> int:
    """How many of `columns` from `first_sample` on begin within a segment of `num_samples`, at least 1."""
    remaining = -(-(num_samples - 1 - first_sample) // samples_per_column)
    return min(columns, max(remaining, 1))


def check_window(
    pyramid: Pyramid, segment: int, first_sample: int, samples_per_column: int, columns: int
) -> None:
    """Raise RequestError where the segment has no such window, or only raw samples that are not there do."""
    check_segment(pyramid, segment)
    length = pyramid.lengths[segment]
    if not 0 <= first_sample < length:
        raise RequestError(
            f"first_sample {first_sample} is not in segment {segment}, which has {length} samples"
        )
    if samples_per_column < 2:
        raise RequestError(
            f"samples_per_column {samples_per_column}: at least 2 (values() gives single samples)"
        )
    if columns < 1:
        raise RequestError(f"columns {columns}: at least 1")
    if pyramid.samples is None and _level(pyramid, segment, first_sample, samples_per_column) is None:
        raise RequestError(_nearest(pyramid, segment, first_sample, samples_per_column), code="no-samples")


def check_segment(pyramid: Pyramid, segment: int) -> None:
    """Raise RequestError where there is no such segment."""
    if not 0 <= segment < len(pyramid.lengths):
        raise RequestError(
            f"segment {segment}: the series has {len(pyramid.lengths)} segments, counted from 0"
        )


def factor_used(pyramid: Pyramid, first_sample: int, samples_per_column: int) -> int:
    """Factor of the level that the window is read from, 1 where raw samples are needed."""
    level = pyramid.level_for(first_sample, samples_per_column)
    return 1 if level is None else level.factor


def read_window(
    pyramid: Pyramid,
    segment: int,
    first_sample: int,
    samples_per_column: int,
    columns: int,
    channels: Selection,
) -> npt.NDArray[Any]:
    """Envelope (columns, 2, C) of closed columns; raises RequestError."""
    check_window(pyramid, segment, first_sample, samples_per_column, columns)
    length = pyramid.lengths[segment]
    columns = num_columns(length, first_sample, samples_per_column, columns)
    if pyramid.has_means:
        edges = [min(first_sample + i * samples_per_column, length - 1) for i in range(columns + 1)]
        return mean_columns(pyramid, segment, edges, channels)
    level = _level(pyramid, segment, first_sample, samples_per_column)
    if level is not None and samples_per_column // level.factor <= MAX_BINS_PER_COLUMN:
        first_bin, per_column = first_sample // level.factor, samples_per_column // level.factor
        return pyramid.from_level(level, segment, first_bin, per_column, columns, channels)
    if level is None:
        between = cheapest_level(pyramid, samples_per_column)
        if between is not None:
            return columns_between_bins(
                pyramid, between, segment, first_sample, samples_per_column, columns, channels
            )
        # Samples are read with all their channels, so that few chosen ones cost as much.
        if samples_per_column * pyramid.num_channels <= DIRECT_VALUES_PER_COLUMN:
            return pyramid.from_samples(segment, first_sample, samples_per_column, columns, channels)
    edges = [min(first_sample + i * samples_per_column, length - 1) for i in range(columns + 1)]
    hulls = [pyramid.hull(segment, a, b, channels) for a, b in pairwise(edges)]
    return np.stack(hulls)


def _level(pyramid: Pyramid, segment: int, first_sample: int, samples_per_column: int) -> Level | None:
    """The level to read from, or None; no bin begins at a segment's last sample, except in one of one sample."""
    if 0 < first_sample == pyramid.lengths[segment] - 1:
        return None
    return pyramid.level_for(first_sample, samples_per_column)


def _nearest(pyramid: Pyramid, segment: int, first_sample: int, samples_per_column: int) -> str:
    if not pyramid.levels:
        return "this series was stored without raw samples and is too short for levels: nothing can be read"
    factor = pyramid.levels[0].factor
    first = min(round(first_sample / factor), pyramid.levels[0].num_bins(segment) - 1) * factor
    column = max(round(samples_per_column / factor), 1) * factor
    return (
        f"this series was stored without raw samples: only whole bins of {factor} samples can be asked for; "
        f"the nearest window has first_sample {first} and samples_per_column {column}"
    )
