"""Events and intervals that a reader holds whole: far fewer than samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Channel, ReadOptions, Recording

_MOST_CHANNELS = 1 << 20
_MOST_KINDS = 64

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.uint32]


class EventRecording(Recording):
    """Events, sorted by time: times float64 (events,), channel indices uint32 (events,).

    `ids` of the channels are 0, 1, ... where none are given.
    """

    def __init__(
        self,
        path: Path,
        times: Floats,
        channels: Indices,
        labels: Sequence[str],
        options: ReadOptions,
        ids: Sequence[str] | None = None,
    ) -> None:
        if not np.isfinite(times).all():
            raise ReaderError(f"event {int(np.argmin(np.isfinite(times)))} has no finite time", file=path)
        if options.channel_labels is not None:
            if len(options.channel_labels) < len(labels):
                raise ReaderError(
                    f"channel_labels: {len(options.channel_labels)} given, "
                    f"but the events have {len(labels)} channels",
                    file=path,
                )
            labels = options.channel_labels
        order = np.lexsort((channels, times))
        self.type = "event"
        self.path = path
        self.dtype = np.dtype(np.float64)
        self.sampling_frequency = None
        self.num_samples = len(times)
        ids = [str(index) for index in range(len(labels))] if ids is None else ids
        self.channels = tuple(Channel(name, label) for name, label in zip(ids, labels, strict=True))
        self.session_start = options.session_start
        self._times = times[order]
        self._channel_indices = channels[order]

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Events have no samples. Raises ReaderError."""
        raise ReaderError("events have no samples to read", file=self.path)

    def events(self) -> tuple[Floats, Indices]:
        """Sorted times (events,) and the index of each into `channels`."""
        return self._times, self._channel_indices


class IntervalRecording(Recording):
    """Intervals, sorted by start: float64 (n, 2), label indices uint32 (n,), labels."""

    def __init__(self, path: Path, bounds: Floats, labels: Sequence[str], options: ReadOptions) -> None:
        finite = np.isfinite(bounds).all(axis=1)
        if not finite.all():
            raise ReaderError(f"interval {int(np.argmin(finite))} has no finite start and end", file=path)
        reversed_ = bounds[:, 1] < bounds[:, 0]
        if reversed_.any():
            first = int(np.argmax(reversed_))
            raise ReaderError(
                f"interval {first} ends at {bounds[first, 1]} s, before its start ({bounds[first, 0]} s)",
                file=path,
            )
        order = np.lexsort((bounds[:, 1], bounds[:, 0]))
        unique = sorted(set(labels))
        index_of = {label: index for index, label in enumerate(unique)}
        indices = np.fromiter((index_of[label] for label in labels), np.uint32, len(labels))
        self.type = "interval"
        self.path = path
        self.dtype = np.dtype(np.float64)
        self.sampling_frequency = None
        self.num_samples = len(bounds)
        self.channels = ()
        self.session_start = options.session_start
        self._bounds = bounds[order]
        self._indices = indices[order]
        self._labels = unique

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Intervals have no samples. Raises ReaderError."""
        raise ReaderError("intervals have no samples to read", file=self.path)

    def intervals(self) -> tuple[Floats, Indices, Sequence[str]]:
        """Start and end times (n, 2), sorted by start, the index of each one's label, and the labels."""
        return self._bounds, self._indices, self._labels


def are_kinds(labels: Iterable[str]) -> bool:
    """Whether labels of instants are kinds of events that come again; more of them are texts of their own."""
    return len(set(labels)) <= _MOST_KINDS


def labelled_events(
    path: Path,
    times: Floats,
    labels: Sequence[str],
    options: ReadOptions,
    order: Callable[[Sequence[str]], list[str]] = lambda labels: sorted(set(labels)),
) -> EventRecording:
    """Events at times (n,), a channel for each of the labels (n,), in alphabetical or another `order`."""
    kinds = order(labels)
    index_of = {label: index for index, label in enumerate(kinds)}
    indices = np.fromiter((index_of[label] for label in labels), np.uint32, len(labels))
    return EventRecording(path, times, indices, kinds, options)


def as_they_come(labels: Sequence[str]) -> list[str]:
    """Each label once, in the order in which they come first."""
    return list(dict.fromkeys(labels))


def events_from_array(path: Path, values: Floats, options: ReadOptions) -> EventRecording:
    """Events of an array (n, 1) of times, or (n, 2) of times and channel indices. Raises ReaderError."""
    if values.shape[1] > 2:
        raise ReaderError(
            f"type: events need an array (n,) of times, or (n, 2) of times and channels, "
            f"but this one has {values.shape[1]} columns",
            file=path,
        )
    indices = values[:, 1] if values.shape[1] == 2 else np.zeros(len(values))
    if not ((indices >= 0) & (indices == np.floor(indices)) & (indices < _MOST_CHANNELS)).all():
        raise ReaderError(
            f"the second column of events must hold channel indices, 0 to {_MOST_CHANNELS - 1}", file=path
        )
    labels = [str(index) for index in range(int(indices.max(initial=0)) + 1)]
    return EventRecording(path, values[:, 0], indices.astype(np.uint32), labels, options)


def intervals_from_array(path: Path, values: Floats, label: str, options: ReadOptions) -> IntervalRecording:
    """Intervals of an array (n, 2) of starts and ends, all with one label. Raises ReaderError."""
    if values.shape[1] != 2:
        raise ReaderError(
            f"type: intervals need an array (n, 2) of starts and ends, but this one is {values.shape}",
            file=path,
        )
    return IntervalRecording(path, values, [label] * len(values), options)
