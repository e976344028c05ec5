"""Lowest and highest values of many spans of samples at once, from stored levels and raw samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.envelope.columns import empty_hull, hull_of_spans, split_spans, unite_hulls
from seriesview.errors import RequestError
from seriesview.series.hulls import Level, Pyramid
from seriesview.series.mean_columns import mean_columns
from seriesview.series.segment_files import Selection, width

Integers = npt.NDArray[np.int64]
ReadRows = Callable[[int, int], npt.NDArray[Any]]

_BLOCK_BYTES = 16 * 2**20
_GAP_BYTES = 4096


def hulls(pyramid: Pyramid, segments: Integers, spans: Integers, channels: Selection) -> npt.NDArray[Any]:
    """Hull (n, 2, C) of each half-open span (n, 2) of samples of the segment (n,) beside it; none may be empty.

    Without raw samples it is that of every bin of the finest level that has one of the samples. A span with only
    missing values has no hull: of integers its low is above its high, or both are their fill. Where levels hold means,
    low and high are the mean.
    """
    keys = np.column_stack([segments, spans])
    distinct, places = np.unique(keys, axis=0, return_inverse=True)
    segments, spans = distinct[:, 0], distinct[:, 1:]
    if pyramid.has_means:
        each = [
            mean_columns(pyramid, segment, [first, stop], channels)
            for segment, first, stop in distinct.tolist()
        ]
        return np.concatenate(each)[places.reshape(-1)]
    if pyramid.samples is None:
        spans = _widened(pyramid, segments, spans)
    levels = _nested(pyramid.levels)
    costs = _costs(pyramid, levels, spans[:, 1] - spans[:, 0])
    found = np.empty((len(spans), 2, width(channels)), pyramid.dtype)
    for chosen in _blocks(costs):
        if costs[chosen.start] <= _BLOCK_BYTES:
            found[chosen] = _block(pyramid, levels, segments[chosen], spans[chosen], channels)
        else:
            segment, first, stop = (int(n) for n in (segments[chosen.start], *spans[chosen.start]))
            found[chosen] = pyramid.hull(segment, first, stop - 1, channels)
    return found[places.reshape(-1)]


def _widened(pyramid: Pyramid, segments: Integers, spans: Integers) -> Integers:
    """Each span widened to the finest level's bins that have one of its samples, ends of bins included."""
    if not pyramid.levels:
        raise RequestError(
            "this series was stored without raw samples and is too short for levels", code="no-samples"
        )
    finest = pyramid.levels[0]
    bins = np.diff(finest.first_rows)[segments]
    lengths = np.array(pyramid.lengths)[segments]
    first, stop = spans.T
    # No bin begins at a segment's last sample.
    begin = np.minimum(first // finest.factor, bins - 1) * finest.factor
    end = -(-np.maximum(stop - 1, first + 1) // finest.factor) * finest.factor
    return np.stack([begin, np.minimum(end, lengths - 1) + 1], axis=1)


def _nested(levels: list[Level]) -> list[Level]:
    """Levels, fine to coarse, each of whose bins is made of whole bins of the one before."""
    nested: list[Level] = []
    for level in levels:
        if not nested or level.factor % nested[-1].factor == 0:
            nested.append(level)
    return nested


def _costs(pyramid: Pyramid, levels: list[Level], lengths: Integers) -> Integers:
    """Bytes, at most, that are put together for spans of these lengths."""
    factors = [1, *(level.factor for level in levels)]
    rows = np.zeros_like(lengths)
    for factor, coarser in zip(factors, [*factors[1:], None], strict=True):
        inside = -(-lengths // factor)
        ends = inside if coarser is None else np.minimum(inside, 2 * (coarser // factor))
        rows += ends * (1 if factor == 1 else 2)
    return rows * pyramid.num_channels * pyramid.dtype.itemsize


def _blocks(costs: Integers) -> Iterator[slice]:
    """Neighbouring spans that cost at most a block together, or one alone."""
    begin, total = 0, 0
    for number, cost in enumerate(costs.tolist()):
        if number > begin and total + cost > _BLOCK_BYTES:
            yield slice(begin, number)
            begin, total = number, 0
        total += cost
    if begin < len(costs):
        yield slice(begin, len(costs))


def _block(
    pyramid: Pyramid, levels: list[Level], segments: Integers, spans: Integers, channels: Selection
) -> npt.NDArray[Any]:
    """Hulls of a block of spans: raw samples at their ends, then bins, ever coarser ones inside."""
    hull = partial(_hulls_of, pyramid, channels)
    inside, pieces = spans, []
    if pyramid.samples is not None:
        read = partial(pyramid.samples.read, channels=channels)
        first_rows = np.array(pyramid.first_samples)[segments]
        if not levels:
            return hull([spans], first_rows, read)
        before, inside, behind = split_spans(spans, levels[0].factor)
        pieces.append(hull([before, behind], first_rows, read))
    else:
        inside = _bins_of(spans, levels[0].factor)
    for level, coarser in zip(levels, [*levels[1:], None], strict=True):
        read = partial(level.read_rows, channels=channels)
        first_rows = np.array(level.first_rows)[segments]
        groups = [inside]
        if coarser is not None:
            before, inside, behind = _split_bins(inside, coarser.factor // level.factor)
            groups = [before, behind]
        pieces.append(hull(groups, first_rows, read))
    return unite_hulls(*pieces)


def _bins_of(spans: Integers, factor: int) -> Integers:
    """The bins that spans of samples are made of, the last sample of each being the last of its last bin."""
    begin = spans[:, 0] // factor
    end = np.maximum(-(-(spans[:, 1] - 1) // factor), begin + 1)
    return np.stack([begin, end], axis=1)


def _split_bins(bins: Integers, ratio: int) -> tuple[Integers, Integers, Integers]:
    """Spans of bins as bins before, coarser bins that are whole within, and bins behind, all half-open."""
    first, last = bins.T
    low, high = -(-first // ratio), last // ratio
    whole = low < high
    before = np.stack([first, np.where(whole, low * ratio, last)], axis=1)
    behind = np.stack([np.where(whole, high * ratio, last), last], axis=1)
    return before, np.where(whole[:, np.newaxis], np.stack([low, high], axis=1), 0), behind


def _hulls_of(
    pyramid: Pyramid, channels: Selection, groups: list[Integers], first_rows: Integers, read: ReadRows
) -> npt.NDArray[Any]:
    """Hull (n, 2, C) of what the n-th spans of all groups have together; spans may be empty.

    Row 0 of span n is row `first_rows[n]` of what is read, in few runs.
    """
    spans = np.concatenate([group + first_rows[:, np.newaxis] for group in groups])
    filled = spans[:, 0] < spans[:, 1]
    if not filled.any():
        return empty_hull(len(first_rows), width(channels), pyramid.dtype)
    gap = _GAP_BYTES // (pyramid.num_channels * pyramid.dtype.itemsize)
    order = np.argsort(spans[filled, 0], kind="stable")
    starts, stops = spans[filled][order].T
    reached = np.maximum.accumulate(stops)
    begins = np.concatenate([[True], starts[1:] > reached[:-1] + gap])
    firsts, lasts = starts[begins], reached[np.append(begins[1:], True)]
    rows = np.concatenate([read(a, b) for a, b in zip(firsts.tolist(), lasts.tolist(), strict=True)])
    moved = np.cumsum(lasts - firsts) - lasts
    run_of = np.empty(len(order), np.int64)
    run_of[order] = np.cumsum(begins) - 1
    spans[filled] += moved[run_of][:, np.newaxis]
    spans[~filled] = 0
    found = hull_of_spans(rows, spans, pyramid.missing_of(channels))
    return unite_hulls(*np.split(found, len(groups)))
