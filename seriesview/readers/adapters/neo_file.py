"""A recording that neo has opened: its streams, units and events as datasets, on one time axis.

neo's terms: a block is a recording, a segment a stretch of it, a stream a group of channels with one rate.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.adapters import neo_corrections as corrections
from seriesview.readers.adapters.foreign import library
from seriesview.readers.adapters.neo_formats import NeoFormat, files_beside
from seriesview.readers.extras import imported
from seriesview.readers.protocol import Decision, Role

_MOST_SEGMENTS = 1 << 17
_SPIKES_FROM_HZ = 5000


@dataclass(frozen=True)
class Stretch:
    """Samples of one segment of neo's: from `first` on, and the time of the first one in seconds."""

    segment: int
    first: int
    num_samples: int
    start_time: float


@dataclass(frozen=True)
class NeoDataset:
    """One dataset: `streams` of signals, or the index of a channel of events; units are all of a block."""

    name: str
    kind: Literal["signals", "units", "events"]
    block: int
    role: Role
    streams: tuple[int, ...] = ()
    channel: int = 0


@dataclass
class NeoFile:
    """neo's raw reader of a path, after its header was read."""

    path: Path
    format: NeoFormat
    raw: Any
    notes: list[Decision] = field(default_factory=list)
    is_alone: bool = False
    """Whether other files of its recording were not read."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were read beside `path`."""
        return () if self.is_alone else files_beside(self.path, self.format)

    @property
    def header(self) -> dict[str, Any]:
        """What neo read of the header."""
        header: dict[str, Any] = self.raw.header
        return header

    def close(self) -> None:
        """Let go of an HDF5 file that the raw reader keeps open; others close theirs when they go."""
        held: Any = getattr(self.raw, "file", None)
        if held is not None and hasattr(held, "close"):
            held.close()

    def channels_of(self, stream: int) -> Any:
        """neo's records of the channels of a stream: name, id, units, gain, offset, ..."""
        channels = self.header["signal_channels"]
        return channels[channels["stream_id"] == self.header["signal_streams"][stream]["id"]]

    def rate_of(self, stream: int) -> float:
        """Sampling frequency in Hz; a whole number where it is one but for the last digits."""
        rate = float(self.channels_of(stream)["sampling_rate"][0])
        rate = corrections.rate_of(self, rate)
        if not (math.isfinite(rate) and rate > 0):
            raise ReaderError(f"a sampling frequency of {rate} Hz", file=self.path)
        return float(round(rate)) if abs(rate - round(rate)) < 1e-9 * rate else rate

    def stretches(self, block: int, stream: int) -> tuple[Stretch, ...]:
        """Where the samples of a stream stand in time, in order of time; without overlaps."""
        known = corrections.stretches_of(self, block, stream)
        if known is None:
            known = [
                (
                    number,
                    0,
                    int(self.raw.get_signal_size(block, number, stream)),
                    float(self.raw.get_signal_t_start(block, number, stream)) + shift,
                )
                for number, shift in enumerate(self.shifts[block])
            ]
        found = sorted((Stretch(*each) for each in known if each[2] > 0), key=lambda each: each.start_time)
        if not all(math.isfinite(each.start_time) for each in found):
            raise ReaderError("a segment begins at no finite time", file=self.path)
        return tuple(found)

    @cached_property
    def shifts(self) -> list[list[float]]:
        """Of each block: by how many seconds each segment is moved, so that none lies over another."""
        return [self._shifts(block) for block in range(self.header["nb_block"])]

    def _shifts(self, block: int) -> list[float]:
        count = int(self.header["nb_segment"][block])
        if count > _MOST_SEGMENTS:
            raise ReaderError(f"{count} segments, more than can be shown", file=self.path)
        spans = [
            (float(self.raw.segment_t_start(block, each)), float(self.raw.segment_t_stop(block, each)))
            for each in range(count)
        ]
        order = sorted(range(count), key=lambda each: spans[each])
        # Ends are rounded: half a sample of the slowest usual rates is no overlap.
        if all(spans[a][1] <= spans[b][0] + 5e-4 for a, b in itertools.pairwise(order)):
            return [0.0] * count
        self.notes.append(
            Decision(
                "its segments have no times that tell them apart; they are laid one after another",
                is_guess=True,
            )
        )
        shifts, end = [], spans[0][0]
        for start, stop in spans:
            shifts.append(end - start)
            end += max(0.0, stop - start)
        return shifts

    def session_start(self, block: int) -> str | None:
        """When the recording began; local time where the format does not say that it is another."""
        try:
            annotations = self.raw.raw_annotations["blocks"][block]
            found = annotations.get("rec_datetime")
            if found is None and annotations.get("segments"):
                found = annotations["segments"][0].get("rec_datetime")
        except (KeyError, IndexError, AttributeError, TypeError):
            found = None
        found = corrections.start_of(self) if found is None else found
        if not isinstance(found, datetime):
            return None
        if not 1900 < found.year < 2200:
            self.notes.append(Decision(f"the year {found.year} in its header is left out"))
            return None
        if self.format.rawio in corrections.IN_UTC and found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return corrections.whole_milliseconds(found).isoformat()

    @cached_property
    def datasets(self) -> list[NeoDataset]:
        """Everything in the file that can be shown, in the order in which people look at it."""
        found: list[NeoDataset] = []
        blocks = int(self.header["nb_block"])
        for block in range(blocks):
            before = f"block {block + 1}/" if blocks > 1 else ""
            found += self._signals(block, before)
            if self.counts("spike", block):
                found.append(NeoDataset(f"{before}units", "units", block, "units"))
            for channel, events in enumerate(self.counts("event", block)):
                if events:
                    name = str(self.header["event_channels"][channel]["name"]) or str(channel)
                    found.append(
                        NeoDataset(f"{before}events/{name}", "events", block, "markers", channel=channel)
                    )
        order = ("spike-band", "lfp", "eeg", "analog", "ttl", "units", "markers")
        found.sort(key=lambda each: (each.block, order.index(each.role)))
        return _with_unique_names(found)

    def _signals(self, block: int, before: str) -> list[NeoDataset]:
        streams = self.header["signal_streams"]
        groups: dict[Any, list[int]] = {}
        is_single = len(streams) > 1 and all(len(self.channels_of(each)) == 1 for each in range(len(streams)))
        for stream in range(len(streams)):
            stretches = self.stretches(block, stream)
            channels = self.channels_of(stream)
            if not stretches or len(channels) == 0:
                continue
            # Formats with a stream for each channel: what has the same times is one series.
            same = (self.rate_of(stream), str(channels["dtype"][0]), stretches)
            groups.setdefault(same if is_single else stream, []).append(stream)
        found = []
        for members in groups.values():
            names = [str(streams[each]["name"]) or str(streams[each]["id"]) for each in members]
            name = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
            role = self._role(names[0], members[0])
            found.append(NeoDataset(f"{before}{name}", "signals", block, role, tuple(members)))
        return found

    def _role(self, name: str, stream: int) -> Role:
        words = name.lower()
        if any(word in words for word in ("digital", "ttl", "sync")) or words in ("din", "dout", "di", "do"):
            return "ttl"
        if any(
            word in words for word in ("adc", "aux", "analog in", "supply", "stim", "dac", "dc amplifier")
        ):
            return "analog"
        if self.format.kind != "electrodes":
            return "eeg" if self.format.kind == "eeg" else "analog"
        return "spike-band" if self.rate_of(stream) >= _SPIKES_FROM_HZ else "lfp"

    def counts(self, kind: str, block: int) -> list[int]:
        """How many spikes or events each channel has in a block; empty where no channel has any."""
        count = self.raw.event_count if kind == "event" else partial(corrections.spike_count, self)
        segments = range(int(self.header["nb_segment"][block]))
        counts = [
            sum(int(count(block, segment, channel)) for segment in segments)
            for channel in range(len(self.header[f"{kind}_channels"]))
        ]
        return counts if any(counts) else []


def open_neo(path: Path, found: NeoFormat) -> NeoFile:
    """Let neo read the header of a file or folder. Raises ReaderError."""
    corrections.check(path, found)
    module = imported("neo.rawio", extra="neo", file=path)
    kind = getattr(module, found.rawio, None)
    if kind is None:
        kind = imported(f"neo.rawio.{found.rawio.lower()}", extra="neo", file=path).__dict__[found.rawio]
    kind = corrections.raw_reader(kind, found)
    asked = [found.arguments(path), *found.narrower(path)]
    for number, arguments in enumerate(asked):
        notes: list[Decision] = []
        try:
            with library("neo", path, notes):
                raw = kind(**arguments)
                raw.parse_header()
                corrections.after_header(raw, found)
        except ReaderError as error:
            if number == 0:
                first = error
            continue
        if number > 0:
            others = ", ".join(sorted(each.name for each in files_beside(path, found)))
            notes.append(
                Decision(
                    f"{path.name} is read without other files of its recording ({others}; they may be opened by name): "
                    f"{first.reason}",
                    is_warning=True,
                )
            )
        return NeoFile(path, found, raw, notes, is_alone=number > 0)
    raise first


def _with_unique_names(found: list[NeoDataset]) -> list[NeoDataset]:
    counts = Counter(each.name for each in found)
    taken: Counter[str] = Counter()
    named = []
    for each in found:
        taken[each.name] += 1
        name = each.name if counts[each.name] == 1 else f"{each.name} ({taken[each.name]})"
        named.append(NeoDataset(name, each.kind, each.block, each.role, each.streams, each.channel))
    return named


def numbers(values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Times that neo rescaled, as float64 (n,)."""
    return np.asarray(values, np.float64).reshape(-1)
