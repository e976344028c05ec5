"""Event and interval series: few numbers, sorted, and counts that stand for many events at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from seriesview.envelope.counts import (
    COUNT_RATIO,
    count_bin_widths,
    count_level,
    merge_counts,
    num_count_bins,
)
from seriesview.errors import ReaderError
from seriesview.readers.protocol import Recording
from seriesview.series.arrays import ArrayWriter
from seriesview.series.manifest import ArrayInfo, CountsInfo, EventsInfo, IntervalsInfo, SegmentInfo
from seriesview.store import Store


def event_fields(recording: Recording, store: Store) -> dict[str, Any]:
    """Times, channels and count levels of an event series, as the fields of its manifest."""
    times, channels = recording.events()
    if not np.isfinite(times).all():
        raise ReaderError("event times must be finite numbers; some are not", file=recording.path)
    segments = (_segment(times, times),) if len(times) else ()
    return {
        "dtype": "float64",
        "segments": segments,
        "events": EventsInfo(_store_array(times, store), _store_array(channels.astype(np.uint32), store)),
        "counts": _count_levels(times, channels, recording.num_channels, store),
    }


def _count_levels(
    times: np.ndarray[Any, Any], channels: np.ndarray[Any, Any], num_channels: int, store: Store
) -> tuple[CountsInfo, ...]:
    """Events counted in bins from the first event on, each level's four times as wide as the one before."""
    if not len(times):
        return ()
    start, duration = float(times[0]), float(times[-1] - times[0])
    levels: list[CountsInfo] = []
    counts = np.empty((0, num_channels), np.uint32)
    for width in count_bin_widths(duration, len(times), num_channels):
        if levels:
            counts = merge_counts(counts, COUNT_RATIO)
        else:
            counts = count_level(times, channels, num_channels, start, width, num_count_bins(duration, width))
        levels.append(CountsInfo(width, start, _store_array(counts, store)))
    return tuple(levels)


def interval_fields(recording: Recording, store: Store) -> dict[str, Any]:
    """Times and labels of an interval series, as the fields of its manifest."""
    times, label_indices, labels = recording.intervals()
    if not np.isfinite(times).all():
        raise ReaderError(
            "starts and ends of intervals must be finite numbers; some are not", file=recording.path
        )
    backwards = np.flatnonzero(times[:, 1] < times[:, 0])
    if len(backwards):
        start, end = times[backwards[0]]
        raise ReaderError(f"an interval ends ({end} s) before it starts ({start} s)", file=recording.path)
    segments = (_segment(times[:, 0], times[:, 1]),) if len(times) else ()
    return {
        "dtype": "float64",
        "segments": segments,
        "intervals": IntervalsInfo(
            _store_array(times, store), _store_array(label_indices.astype(np.uint32), store), tuple(labels)
        ),
    }


def _segment(starts: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]) -> SegmentInfo:
    return SegmentInfo(float(starts.min()), float(ends.max()), len(starts))


def _store_array(array: np.ndarray[Any, Any], store: Store) -> ArrayInfo:
    with ArrayWriter(store, array.dtype, array.shape[1:]) as writer:
        writer.append(array)
        return writer.finish()
