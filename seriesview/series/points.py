"""Points: events and samples at times of their own, as they are where they fit, else binned by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.envelope.columns import columns_from_bins
from seriesview.errors import IntegrityError, RequestError
from seriesview.series.arrays import ArrayReader
from seriesview.series.hulls import Pyramid
from seriesview.series.segment_files import Selection, width
from seriesview.series.times import Floats, SegmentTimes

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Points:
    """What lies in the closed span of time that was asked for: `times` or, where they are too many, `edges`.

    `times` (n,) seconds, with `values` (n, C) of samples or `channels` (n,) indices of events. Or `edges`
    (bins + 1,) with `counts` of each closed bin, (bins,) of samples or (bins, C) of events, and for samples
    `envelope` (bins, 2, C); in a bin without samples it is meaningless, NaN where the dtype has it, else 0.
    """

    times: Floats | None = None
    values: npt.NDArray[Any] | None = None
    channels: npt.NDArray[np.uint32] | None = None
    edges: Floats | None = None
    counts: Counts | None = None
    envelope: npt.NDArray[Any] | None = None


def time_edges(start_time: float, end_time: float, bins: int) -> Floats:
    """Edges (bins + 1,) of equal bins between two times; raises RequestError."""
    if not (np.isfinite(start_time) and np.isfinite(end_time) and start_time < end_time):
        raise RequestError(
            f"start_time {start_time} and end_time {end_time}: two times, the first one earlier"
        )
    if bins < 1:
        raise RequestError(f"max_points {bins}: at least 1")
    edges = start_time + (end_time - start_time) * (np.arange(bins + 1, dtype=np.int64) / bins)
    edges[-1] = end_time
    return edges


def sample_points(
    pyramid: Pyramid, times: Sequence[SegmentTimes], edges: Floats, max_points: int, channels: Selection
) -> Points:
    """Samples with edges[0] <= time <= edges[-1], or the envelope of those in each closed bin.

    Without raw samples a bin's envelope covers every bin of the finest level that has one of its samples.
    """
    before, up_to = edges[:-1], edges[1:]
    ranges = [(each.count_before(before, False), each.count_before(up_to, True)) for each in times]
    total = sum(int(stop[-1] - start[0]) for start, stop in ranges)
    if total <= max_points and pyramid.samples is not None:
        spans = [(number, int(start[0]), int(stop[-1])) for number, (start, stop) in enumerate(ranges)]
        return Points(
            times=np.concatenate([np.empty(0), *(times[n].read(a, b) for n, a, b in spans)]),
            values=np.concatenate([pyramid.read_samples(n, a, b, channels) for n, a, b in spans])
            if spans
            else None,
        )
    counts = sum((stop - start for start, stop in ranges), np.zeros(len(edges) - 1, np.int64))
    envelope = [
        _bin_envelope(pyramid, [(int(start[b]), int(stop[b])) for start, stop in ranges], channels)
        for b in range(len(edges) - 1)
    ]
    return Points(edges=edges, counts=counts, envelope=np.stack(envelope))


def event_points(
    times: SegmentTimes,
    channels: ArrayReader,
    num_channels: int,
    edges: Floats,
    max_points: int,
    wanted: npt.NDArray[np.intp],
) -> Points:
    """Events of the `wanted` channels with edges[0] <= time <= edges[-1], or counts in each closed bin."""
    start, stop = times.count_before(edges[:-1], False), times.count_before(edges[1:], True)
    first, last = int(start[0]), int(stop[-1])
    if last - first <= max_points:
        found = channels.read(first, last)
        kept = np.isin(found, wanted)
        return Points(times=times.read(first, last)[kept], channels=found[kept].astype(np.uint32))
    return Points(edges=edges, counts=_count(channels, num_channels, start, stop, wanted))


def _count(
    channels: ArrayReader, num_channels: int, start: Counts, stop: Counts, wanted: npt.NDArray[np.intp]
) -> Counts:
    """Events (bins, C) whose index is in [start, stop) of each bin."""
    counts = np.zeros((len(start), len(wanted)), np.int64)
    column_of = np.full(num_channels, -1, np.int64)
    column_of[wanted] = np.arange(len(wanted))
    for row, rows in channels.spans(int(start[0]), int(stop[-1])):
        low = np.clip(start - row, 0, len(rows))
        lengths = np.maximum(np.clip(stop - row, 0, len(rows)) - low, 0)
        bins = np.repeat(np.arange(len(start)), lengths)
        offsets = np.arange(len(bins)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        if len(rows) and int(rows.max()) >= num_channels:
            raise IntegrityError(
                f"an event of channel {rows.max()}, the series has {num_channels}; build again"
            )
        channel = column_of[rows[np.repeat(low, lengths) + offsets]]
        kept = channel >= 0
        flat = np.bincount(bins[kept] * len(wanted) + channel[kept], minlength=counts.size)
        counts += flat.reshape(counts.shape)
    return counts


def _bin_envelope(
    pyramid: Pyramid, spans: Sequence[tuple[int, int]], channels: Selection
) -> npt.NDArray[Any]:
    hulls = [_hull(pyramid, number, a, b, channels) for number, (a, b) in enumerate(spans) if a < b]
    if not hulls:
        missing = np.nan if pyramid.dtype.kind == "f" else 0
        return np.full((2, width(channels)), missing, pyramid.dtype)
    return hulls[0] if len(hulls) == 1 else columns_from_bins(np.stack(hulls), len(hulls))[0]


def _hull(pyramid: Pyramid, segment: int, first: int, stop: int, channels: Selection) -> npt.NDArray[Any]:
    if pyramid.samples is None and pyramid.levels:
        finest = pyramid.levels[0]
        # No bin begins at a segment's last sample.
        begin = min(first // finest.factor, finest.num_bins(segment) - 1) * finest.factor
        end = -(-max(stop - 1, first + 1) // finest.factor) * finest.factor
        return pyramid.hull(segment, begin, min(end, pyramid.lengths[segment] - 1), channels)
    return pyramid.hull(segment, first, stop - 1, channels)
