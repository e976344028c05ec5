"""Events counted in time bins."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.envelope.bins import MAX_UNREDUCED
from seriesview.errors import BuildError

COUNT_RATIO = 4
"""Ratio of the bin widths of neighbouring count levels."""


def count_bin_widths(duration: float, num_events: int, num_channels: int) -> tuple[float, ...]:
    """The bin widths of the count levels of `duration` seconds of events, in seconds, ascending.

    Powers of 4 of a second: the finest is the smallest with at most half as many counts (bins * channels) as
    events, at least 2**-20 s; the coarsest the first with at most 1024 bins. None for at most 1024 events.
    """
    if num_events <= MAX_UNREDUCED or duration <= 0:
        return ()
    width = 2.0**-20
    while num_count_bins(duration, width) * max(1, num_channels) * 2 > num_events:
        width *= COUNT_RATIO
    widths = [width]
    while num_count_bins(duration, widths[-1]) > MAX_UNREDUCED:
        widths.append(widths[-1] * COUNT_RATIO)
    return tuple(widths)


def num_count_bins(duration: float, bin_seconds: float) -> int:
    """Half-open time bins that hold every event from 0 to `duration` seconds, both included."""
    return int(duration // bin_seconds) + 1


def count_level(
    times: NDArray[np.float64],
    channels: NDArray[Any],
    num_channels: int,
    start: float,
    bin_seconds: float,
    num_bins: int,
) -> NDArray[np.uint32]:
    """Events in each half-open bin [start + b * bin_seconds, start + (b + 1) * bin_seconds): uint32 (bins, C).

    The bin of an event is floor((time - start) / bin_seconds) in float64, which for widths that are powers of
    two nests exactly; events outside the bins are not counted. Raises BuildError for a channel out of range.
    """
    index = np.floor((times - start) / bin_seconds)
    inside = (index >= 0) & (index < num_bins)
    return _count(index[inside].astype(np.int64), channels[inside], num_bins, num_channels)


def merge_counts(counts: NDArray[np.uint32], ratio: int = COUNT_RATIO) -> NDArray[np.uint32]:
    """Counts (bins, C) of `ratio` neighbouring bins together: (ceil(bins / ratio), C), the last may be short."""
    if len(counts) == 0:
        return counts
    return np.add.reduceat(counts, np.arange(0, len(counts), ratio), axis=0, dtype=np.uint32)


def _count(
    index: NDArray[np.int64], channels: NDArray[Any], num_bins: int, num_channels: int
) -> NDArray[np.uint32]:
    """How often each pair (index, channel) occurs: uint32 (bins, C)."""
    if len(channels) and not 0 <= int(channels.min()) <= int(channels.max()) < num_channels:
        raise BuildError(
            f"an event's channel is outside the {num_channels} channels: check the events' channels"
        )
    cells = np.bincount(index * num_channels + channels.astype(np.int64), minlength=num_bins * num_channels)
    return cells.astype(np.uint32).reshape(num_bins, num_channels)
