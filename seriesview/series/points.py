"""Points: events and samples at times of their own, as they are where they fit, else binned by time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.envelope.columns import empty_hull, hull_of_spans
from seriesview.errors import IntegrityError, RequestError
from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.hulls import Pyramid
from seriesview.series.segment_files import Selection, width
from seriesview.series.span_hulls import hulls
from seriesview.series.times import Floats, SegmentTimes

_SPAN_BYTES = 128
_COUNT_BYTES = 8
MAX_RESULT_BYTES = 1 << 30

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Points:
    """What lies in the closed span of time that was asked for: `times` or, where they are too many, `edges`.

    `times` (n,) seconds, with `values` (n, C) of samples or `channels` (n,) indices of events. Or `edges`
    (bins + 1,) with `counts` of each closed bin, (bins,) of samples or (bins, C) of events, and for samples
    `envelope` (bins, 2, C); in a bin without samples it is meaningless: NaN where the dtype has it, what a bin with
    nothing else holds where the series has missing values, else 0.
    """

    times: Floats | None = None
    values: npt.NDArray[Any] | None = None
    channels: npt.NDArray[np.uint32] | None = None
    edges: Floats | None = None
    counts: Counts | None = None
    envelope: npt.NDArray[Any] | None = None


MAX_BINS = 1 << 22
"""More bins than any screen has columns; what they hold would not fit into memory."""


@dataclass(frozen=True)
class TimeBins:
    """`count` equal bins between two finite times in seconds; `name` is what people called their number."""

    start: float
    end: float
    count: int
    name: str = "max_points"

    def __post_init__(self) -> None:
        if not self.start < self.end or not np.isfinite(self.end - self.start):
            raise RequestError(
                f"start_time {self.start} and end_time {self.end}: two times, the first one earlier"
            )
        if self.count < 1:
            raise RequestError(f"{self.name} {self.count}: at least 1")

    @property
    def whole(self) -> Floats:
        """The two edges (2,) of all bins together."""
        return np.array([self.start, self.end])

    def edges(self, bin_bytes: int) -> Floats:
        """Edges (count + 1,). Raises RequestError where the bins, of so many bytes each, would be too much."""
        most = max(min(MAX_BINS, MAX_RESULT_BYTES // max(bin_bytes, 1)), 1)
        if self.count > most:
            raise RequestError(
                f"{self.name} {self.count}: there is more in this time than that; ask for at most {most}"
                if self.name == "max_points"
                else f"{self.name} {self.count}: at most {most} can be asked for",
                code="too-large",
            )
        edges = self.start + (self.end - self.start) * (
            np.arange(self.count + 1, dtype=np.int64) / self.count
        )
        edges[-1] = self.end
        return edges


def sample_points(
    pyramid: Pyramid, times: Sequence[SegmentTimes], bins: TimeBins, max_points: int, channels: Selection
) -> Points:
    """The samples of all bins, or where they are more than `max_points` the envelope of those in each closed bin.

    Without raw samples a bin's envelope covers every bin of the finest level that has one of its samples.
    """
    if max_points > 0 and pyramid.samples is not None:
        whole = [(each.segment, *each.spans[0].tolist()) for each in _spans(times, bins.whole, pyramid.cache)]
        if sum(stop - first for _, first, stop in whole) <= max_points:
            nothing = np.empty((0, width(channels)), pyramid.dtype)
            found = [pyramid.read_samples(n, a, b, channels) for n, a, b in whole]
            return Points(
                times=np.concatenate([np.empty(0), *(times[n].read(a, b) for n, a, b in whole)]),
                values=np.concatenate([nothing, *found]),
            )
    edges = bins.edges(2 * width(channels) * pyramid.dtype.itemsize)
    pieces = list(_spans(times, edges, pyramid.cache))
    missing = pyramid.missing_of(channels)
    envelope = empty_hull(len(edges) - 1, width(channels), pyramid.dtype)
    counts = np.zeros(len(envelope), np.int64)
    if pieces:
        segments = np.repeat([each.segment for each in pieces], [len(each.spans) for each in pieces])
        numbers = np.concatenate([each.first_bin + np.arange(len(each.spans)) for each in pieces])
        spans = np.concatenate([each.spans for each in pieces])
        order = np.flatnonzero(spans[:, 0] < spans[:, 1])
        order = order[np.argsort(numbers[order], kind="stable")]
        np.add.at(counts, numbers[order], spans[order, 1] - spans[order, 0])
        hulls_of_spans = hulls(pyramid, segments[order], spans[order], channels)
        of_bin = np.searchsorted(numbers[order], np.arange(len(envelope) + 1))
        envelope = hull_of_spans(hulls_of_spans, np.stack([of_bin[:-1], of_bin[1:]], axis=1), missing)
    if missing is not None:
        missing.closed(envelope)
    elif pyramid.dtype.kind != "f":
        envelope[counts == 0] = 0
    return Points(edges=edges, counts=counts, envelope=envelope)


@dataclass(frozen=True)
class _SegmentSpans:
    """Samples of a segment in each bin from `first_bin` on, half-open `spans` (bins, 2)."""

    segment: int
    first_bin: int
    spans: npt.NDArray[np.int64]


def _spans(times: Sequence[SegmentTimes], edges: Floats, cache: PartCache) -> Iterator[_SegmentSpans]:
    """The samples of each segment that has some between the edges."""
    reach = np.array([each.reach() or (np.nan, np.nan) for each in times]).reshape(-1, 2)
    numbers = np.flatnonzero((reach[:, 1] >= edges[0]) & (reach[:, 0] <= edges[-1]))
    first_time, last_time = reach[numbers].T
    first_bins = np.searchsorted(edges[1:], first_time, "left")
    stop_bins = np.maximum(np.searchsorted(edges[:-1], last_time, "right"), first_bins + 1)
    in_one_bin = (
        (stop_bins == first_bins + 1)
        & (edges[first_bins] <= first_time)
        & (last_time <= edges[first_bins + 1])
    )
    # Segments that overlap in time may have as many spans as segments times bins.
    cache.will_read(_SPAN_BYTES * int((stop_bins - first_bins).sum()), at_once=True)
    for number, first, stop, is_whole in zip(numbers, first_bins, stop_bins, in_one_bin, strict=True):
        each = times[int(number)]
        if is_whole:
            spans = np.array([[0, len(each)]])
        else:
            start = each.count_before(edges[first:stop], False)
            end = each.count_before(edges[first + 1 : stop + 1], True)
            spans = np.stack([start, np.maximum(start, end)], axis=1)
        if spans[0, 0] < spans[-1, 1]:
            yield _SegmentSpans(int(number), int(first), spans)


def event_points(
    times: SegmentTimes,
    channels: ArrayReader,
    num_channels: int,
    bins: TimeBins,
    wanted: npt.NDArray[np.intp],
) -> Points:
    """Events of the `wanted` channels, or where there are more than bins in all, counts in each closed bin."""
    first = int(times.count_before(bins.whole[:1], False)[0])
    last = max(int(times.count_before(bins.whole[1:], True)[0]), first)
    if last - first <= bins.count:
        found = channels.read(first, last)
        _check_channels(found, num_channels)
        kept = np.isin(found, wanted)
        return Points(times=times.read(first, last)[kept], channels=found[kept].astype(np.uint32))
    edges = bins.edges(_COUNT_BYTES * len(wanted))
    start = times.count_before(edges[:-1], False)
    stop = np.maximum(times.count_before(edges[1:], True), start)
    return Points(edges=edges, counts=_count(channels, num_channels, start, stop, wanted))


def _count(
    channels: ArrayReader, num_channels: int, start: Counts, stop: Counts, wanted: npt.NDArray[np.intp]
) -> Counts:
    """Events (bins, C) whose index is in [start, stop) of each bin."""
    width = len(wanted)
    column_of = np.full(num_channels, -1, np.int64)
    column_of[wanted] = np.arange(width)
    borders = np.unique(np.concatenate([start, stop]))
    # Row b: events between borders b - 1 and b.
    counts = np.zeros((len(borders), width), np.int64)
    for row, rows in channels.spans(int(borders[0]), int(borders[-1])):
        _check_channels(rows, num_channels)
        channel = column_of[rows]
        first, last = np.searchsorted(borders, [row, row + len(rows) - 1], "right")
        lengths = np.diff(np.clip(borders[first - 1 : last + 1] - row, 0, len(rows)))
        flat = np.repeat(np.arange(len(lengths)), lengths) * width + channel
        found = np.bincount(flat[channel >= 0], minlength=len(lengths) * width)
        counts[first : last + 1] += found.reshape(-1, width)
    np.cumsum(counts, axis=0, out=counts)
    return counts[np.searchsorted(borders, stop)] - counts[np.searchsorted(borders, start)]


def _check_channels(rows: npt.NDArray[np.uint32], num_channels: int) -> None:
    """Raise IntegrityError where an event is of a channel that the series does not have."""
    if len(rows) and int(rows.max()) >= num_channels:
        raise IntegrityError(f"an event of channel {rows.max()}, the series has {num_channels}; build again")
