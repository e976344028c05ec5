"""Events of a recording: edges of TTL lines, messages, and spikes that were detected while it was recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.open_ephys.clock import ClockFiles, Line, StreamClock, clock_files
from seriesview.readers.open_ephys.contents import Content, Opened
from seriesview.readers.open_ephys.continuous import clock_of
from seriesview.readers.open_ephys.structure import Electrode, EventFolder
from seriesview.readers.open_ephys.vectors import Vector, open_vector
from seriesview.readers.open_ephys.wall_clock import acquisition_start
from seriesview.readers.protocol import Decision, ReadOptions, Recording

# Held in memory.
_MOST_BYTES = 1 << 30
_MOST_LINE = 1 << 15
NO_END = "(no end)"

Floats = npt.NDArray[np.float64]


def count_events(content: Content) -> int:
    """How many there are, by what the files hold. Raises ReaderError."""
    total = 0
    for opened, event in content.events:
        files = clock_files(opened.folder.path / "events" / event.folder, opened.structure)
        total += min((each.count for each in (files.numbers, files.seconds) if each is not None), default=0)
    for opened, electrode in content.electrodes:
        numbers = _spike_files(opened, electrode).numbers
        total += numbers.count if numbers is not None else 0
    return total


def open_events(path: Path, content: Content, options: ReadOptions) -> Recording:
    """Events on the clock of the stream that they belong to; lines as intervals, if asked for. Raises ReaderError."""
    levels = options.type == "interval" and content.role == "ttl"
    if options.type not in (None, "event") and not levels:
        raise ReaderError(f"type: these are events, not {options.type}", file=path)
    gathered = _Gathered(content)
    for opened, event in content.events:
        gathered.add_events(opened, event)
    for opened, electrode in content.electrodes:
        gathered.add_spikes(opened, electrode)
    edges = gathered.recording(path, options)
    recording: Recording = _levels(edges, options) if levels else edges
    recording.label = content.label
    return recording


def _levels(edges: EventRecording, options: ReadOptions) -> IntervalRecording:
    """Intervals while a line is high, labelled by the line; one that never falls has no length, and says so.

    A line that falls first was high before, and nobody knows since when: that is left out.
    """
    times, which = edges.events()
    begun: dict[int, float] = {}
    found: list[tuple[float, float, int, str]] = []
    unknown = 0
    for time, channel in zip(times.tolist(), which.tolist(), strict=True):
        state = int(edges.channels[channel].id)
        if state > 0:
            begun.setdefault(state, time)
        elif (start := begun.pop(-state, None)) is not None:
            found.append((start, time, -state, ""))
        else:
            unknown += 1
    found.extend((start, start, line, NO_END) for line, start in begun.items())
    bounds = np.array([each[:2] for each in found], np.float64).reshape(-1, 2)
    labels = [f"line {line}{' ' if words else ''}{words}" for _, _, line, words in found]
    recording = IntervalRecording(edges.path, bounds, labels, options)
    said = (
        [Decision(f"{unknown} falling edges without a rising one before them are left out")]
        if unknown
        else []
    )
    recording.decisions, recording.files = tuple(said), edges.files
    recording.session_start = edges.session_start
    return recording


class _Gathered:
    """Times and channels of events, recording by recording."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._clocks: dict[str, StreamClock] = {}
        self._times: list[Floats] = []
        self._keys: list[npt.NDArray[Any]] = []
        self._labels: dict[Any, str] = {}
        self._said: list[Decision] = []
        self._files: list[Path] = []

    def add_events(self, opened: Opened, event: EventFolder) -> None:
        folder = opened.folder.path / "events" / event.folder
        if not folder.is_dir():
            self._said.append(
                Decision(f"events/{event.folder} of {opened.folder.path.name} is not there", True)
            )
            return
        files = clock_files(folder, opened.structure)
        name = "text.npy" if event.kind == "text" else "states.npy"
        if not (folder / name).is_file() and event.kind == "ttl":
            name = "channel_states.npy"
        values = open_vector(folder / name)
        count = self._common(files, values)
        times = self._event_times(
            opened, event.stream, event.folder.partition("/")[0], event.rate, files, count
        )
        keys = _read(values, count)
        if event.kind == "text":
            keys = np.array([_text(each) for each in keys.tolist()], dtype=object)
            self._labels.update((each, each) for each in dict.fromkeys(keys.tolist()))
        else:
            if keys.dtype.kind not in "iu":
                raise ReaderError(f"{keys.dtype}, no states of lines", file=values.path)
            keys = keys.astype(np.int64)
            lines = np.unique(np.abs(keys))
            if len(lines) and (lines[0] < 1 or lines[-1] > _MOST_LINE):
                raise ReaderError("states of lines that there cannot be", file=values.path)
            for line in lines.tolist():
                self._labels[line], self._labels[-line] = f"line {line}", f"line {line} off"
        self._add(times, keys, (*files.paths, values.path))

    def add_spikes(self, opened: Opened, electrode: Electrode) -> None:
        files = _spike_files(opened, electrode)
        folder = opened.folder.path / "spikes" / electrode.folder
        clusters = next(
            (folder / name for name in ("clusters.npy", "spike_clusters.npy") if (folder / name).is_file()),
            None,
        )
        values = open_vector(clusters) if clusters is not None else None
        count = self._common(files, values)
        source = electrode.folder.partition("/")[0]
        times = self._event_times(opened, electrode.stream, source, electrode.rate, files, count)
        numbers = np.zeros(count, np.int64) if values is None else _read(values, count).astype(np.int64)
        keys = np.empty(count, object)
        kinds, which = np.unique(numbers, return_inverse=True)
        for at, kind in enumerate(kinds.tolist()):
            keys[which == at] = key = f"{electrode.name} #{kind}" if kind else electrode.name
            self._labels[key] = key
        self._add(times, keys, (*files.paths, *([clusters] if clusters else [])))

    def recording(self, path: Path, options: ReadOptions) -> EventRecording:
        times = np.concatenate([np.empty(0), *self._times])
        used = list(dict.fromkeys(key for keys in self._keys for key in keys.tolist()))
        if self._content.role == "ttl":
            # Rising and falling edges of a line stand together, lines in their order.
            used.sort(key=lambda key: (abs(key), -key))
        index = {key: at for at, key in enumerate(used)}
        which = np.fromiter(
            (index[key] for keys in self._keys for key in keys.tolist()), np.uint32, len(times)
        )
        labels = [self._labels[key] for key in used]
        is_ttl = self._content.role == "ttl"
        ids = [str(key) for key in used] if is_ttl else None
        opened = self._content.opened[0]
        recording = EventRecording(path, times, which, labels, options, ids)
        if is_ttl:
            recording.channels = tuple(replace(channel, type="TRIG") for channel in recording.channels)
            self._said.append(
                Decision("rising edges of each line; its falling ones are a channel of their own")
            )
        recording.decisions = tuple(dict.fromkeys(self._said))
        found = [opened.folder.settings, *(each.description for each in self._content.opened), *self._files]
        recording.files = tuple(each for each in dict.fromkeys(found) if each.is_file())
        if options.session_start is None:
            recording.session_start = acquisition_start(self._content.anchor)
        return recording

    def _add(self, times: Floats, keys: npt.NDArray[Any], files: Iterable[Path]) -> None:
        self._times.append(times)
        self._keys.append(keys)
        self._files.extend(files)

    def _common(self, files: ClockFiles, values: Vector | None) -> int:
        """As many events as all files hold; said where they differ."""
        vectors = [each for each in (files.numbers, files.seconds, values) if each is not None]
        if files.numbers is None and files.seconds is None:
            raise ReaderError(
                "events without times: neither sample_numbers.npy nor timestamps.npy", code=None
            )
        count = min(each.count for each in vectors)
        if any(each.count != count for each in vectors):
            names = ", ".join(f"{each.count} in {each.path.name}" for each in vectors)
            self._said.append(
                Decision(f"files of events are not equally long ({names}): {count} are read", True)
            )
        return count

    def _event_times(
        self, opened: Opened, stream: str, source: str, rate: float, files: ClockFiles, count: int
    ) -> Floats:
        numbers = None if files.numbers is None else _read(files.numbers, count)
        seconds = None if files.seconds is None else _read(files.seconds, count).astype(np.float64)
        clock = self._clock(opened, stream, source, rate)
        if numbers is None and (clock is None or not clock.synchronized):
            assert seconds is not None
            return seconds
        if clock is None:
            if rate <= 0:
                raise ReaderError(f"events of {source} belong to no stream, and their rate is not known")
            self._said.append(Decision(f"events of {source} belong to no stream: {rate:g} Hz", is_guess=True))
            clock = StreamClock(Line(rate), (), seconds is not None and bool((seconds >= 0).all()), ())
        return clock.event_times(numbers, seconds)

    def _clock(self, opened: Opened, stream: str, source: str, rate: float) -> StreamClock | None:
        """That of the stream whose folder they share, else of its name, else of its rate, else of the only one."""
        pieces = [each for each in self._content.siblings if each.opened.folder == opened.folder]
        for fits in (
            [each for each in pieces if each.stream.folder == source],
            [each for each in pieces if stream and each.stream.name == stream],
            [each for each in pieces if each.stream.rate == rate],
        ):
            if fits:
                return self._over_all(fits[0].stream.folder)
        return None

    def _over_all(self, folder: str) -> StreamClock:
        """The clock of a stream over all recordings, so that events lie on the one of its samples."""
        if folder not in self._clocks:
            same = [each for each in self._content.siblings if each.stream.folder == folder]
            self._clocks[folder] = clock_of(same)
        return self._clocks[folder]


def _spike_files(opened: Opened, electrode: Electrode) -> ClockFiles:
    folder = opened.folder.path / "spikes" / electrode.folder
    old = folder / "spike_times.npy"
    if old.is_file():
        return ClockFiles(open_vector(old), None, ())
    return clock_files(folder, opened.structure)


def _read(vector: Vector, count: int) -> npt.NDArray[Any]:
    if count * vector.dtype.itemsize > _MOST_BYTES:
        raise ReaderError(f"{count} events, too many to be held in memory", file=vector.path)
    return vector.read(0, count)


def _text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return " ".join(text.split("\0")[0].split()) or "(no text)"
