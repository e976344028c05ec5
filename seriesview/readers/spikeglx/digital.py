"""The digital lines of a SpikeGLX stream as events (their edges) or intervals (while they are high)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Channel, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate
from seriesview.readers.spikeglx.lines import Line, LineScan
from seriesview.readers.spikeglx.recording import session_start
from seriesview.readers.spikeglx.saved import SavedChannel
from seriesview.readers.spikeglx.streams import Stream

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.uint32]
OFF = " off"


class _LinesRecording(Recording):
    """What events and intervals of lines have in common; all samples are read when the first edge is asked for."""

    def __init__(
        self,
        path: Path,
        stream: Stream,
        words: tuple[SavedChannel, ...],
        lines: list[Line],
        options: ReadOptions,
    ) -> None:
        self.path = path
        self.source = stream.first.path
        self.dtype = np.dtype(np.float64)
        self.sampling_frequency = None
        self.session_start, said = session_start(stream.first)
        self.session_start = options.session_start or self.session_start
        self.files = (*stream.metas, *(piece.file.path for piece in stream.pieces))
        self.decisions = (*said, *stream.decisions)
        self.clock = stream.clock
        self._stream = stream
        self._lines = lines
        self._rate = checked_rate(options.sampling_frequency, path) or stream.rate
        self._scan = LineScan(stream, words, lines)
        last = stream.segments[-1]
        self.span = (0.0, last.start_time + last.num_samples / self._rate)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Events and intervals have no samples. Raises ReaderError."""
        raise ReaderError(f"{self.type}s have no samples to read", file=self.path)


class LineEvents(_LinesRecording):
    """Edges: a channel for the rising ones of each line, and one behind it for the falling ones.

    A line that is high when a segment begins has no edge there: it is not known when it rose.
    """

    def __init__(
        self,
        path: Path,
        stream: Stream,
        words: tuple[SavedChannel, ...],
        lines: list[Line],
        options: ReadOptions,
    ) -> None:
        super().__init__(path, stream, words, lines, options)
        self.type = "event"
        labels: Sequence[str] = [label for line in lines for label in (line.label, line.label + OFF)]
        if options.channel_labels is not None:
            if len(options.channel_labels) != len(labels):
                raise ReaderError(
                    f"channel_labels: {len(options.channel_labels)} given, but the lines have {len(labels)} "
                    "channels: rising and falling edges of each",
                    file=path,
                )
            labels = options.channel_labels
        self.channels = tuple(Channel(str(number), label, type="TRIG") for number, label in enumerate(labels))
        self.decisions = (
            *self.decisions,
            Decision(
                f"rising edges of each line; its falling ones are a channel of their own, {labels[1]} and so on"
            ),
        )

    @property
    def num_samples(self) -> int:  # type: ignore[override]
        """Number of edges; reads all samples."""
        return len(self.events()[0])

    def events(self) -> tuple[Floats, Indices]:
        """Sorted times (events,) and the index of each into `channels`; reads all samples."""
        return self._events

    @cached_property
    def _events(self) -> tuple[Floats, Indices]:
        times: list[Floats] = [np.empty(0)]
        channels: list[Indices] = [np.empty(0, np.uint32)]
        for segment, lines in zip(self._stream.segments, self._scan.edges, strict=True):
            for number, edges in enumerate(lines):
                is_known = edges.samples > 0
                times.append(segment.start_time + edges.samples[is_known] / self._rate)
                channels.append((2 * number + ~edges.is_high[is_known]).astype(np.uint32))
        found, indices = np.concatenate(times), np.concatenate(channels)
        order = np.lexsort((indices, found))
        return found[order], indices[order]


class LineLevels(_LinesRecording):
    """Intervals while a line is high, labelled by the line; cut at the ends of segments."""

    type = "interval"
    channels = ()

    @property
    def num_samples(self) -> int:  # type: ignore[override]
        """Number of intervals; reads all samples."""
        return len(self.intervals()[0])

    def intervals(self) -> tuple[Floats, Indices, Sequence[str]]:
        """Start and end times (n, 2), sorted by start, the index of each one's label, and the labels."""
        return self._intervals

    @cached_property
    def _intervals(self) -> tuple[Floats, Indices, Sequence[str]]:
        bounds: list[Floats] = [np.empty((0, 2))]
        labels: list[Indices] = [np.empty(0, np.uint32)]
        for segment, lines in zip(self._stream.segments, self._scan.edges, strict=True):
            for number, edges in enumerate(lines):
                # Levels alternate, and begin with high.
                ends = np.append(edges.samples[1::2], segment.num_samples)[: len(edges.samples[::2])]
                both = np.stack([edges.samples[::2], ends], axis=1)
                bounds.append(segment.start_time + both / self._rate)
                labels.append(np.full(len(both), number, np.uint32))
        found, indices = np.concatenate(bounds), np.concatenate(labels)
        order = np.lexsort((indices, found[:, 1], found[:, 0]))
        return found[order], indices[order], [line.label for line in self._lines]
