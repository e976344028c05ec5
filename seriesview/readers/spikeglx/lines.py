"""The lines of SpikeGLX's digital words (NI and OneBox inputs, the sync word of probes), and when they change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from seriesview.layout.sample_file import SampleFile
from seriesview.readers.spikeglx.meta import Meta, parse_ranges
from seriesview.readers.spikeglx.recording import layout_of
from seriesview.readers.spikeglx.saved import SavedChannel
from seriesview.readers.spikeglx.streams import Stream

_BLOCK_BYTES = 4 << 20
_WORD_BITS = 16
# The sync wave's bit in a probe's SY word; the others tell of faults. In phase 3A all are inputs.
_SYNC_BIT = 6
_OBX_LINES = 12


@dataclass(frozen=True)
class Line:
    """One bit of one saved word."""

    label: str
    word: int
    bit: int


@dataclass(frozen=True)
class Edges:
    """All changes of a line within a segment: sample numbers (n,) of the first sample after each, and its level there.

    A line that is high in the first sample has an edge there, at 0.
    """

    samples: npt.NDArray[np.int64]
    is_high: npt.NDArray[np.bool_]


def digital_lines(meta: Meta, words: tuple[SavedChannel, ...]) -> list[Line]:
    """The lines that were recorded in the digital words of a stream, named XD0, XD1, ... as the card counts them."""
    if meta.type == "imec":
        return []
    acquired = _lines_of_cards(meta) if meta.type == "nidq" else range(_OBX_LINES)
    position = {channel.number: index for index, channel in enumerate(words)}
    wanted = [line for line in acquired if line // _WORD_BITS in position]
    if not wanted:
        wanted = [number * _WORD_BITS + bit for number in position for bit in range(_WORD_BITS)]
    return [Line(f"XD{line}", position[line // _WORD_BITS], line % _WORD_BITS) for line in wanted]


def _lines_of_cards(meta: Meta) -> list[int]:
    """Lines of the first card, then those of a second one behind the first one's bytes."""
    found: list[int] = []
    start = 0
    for card in ("1", "2"):
        listed = parse_ranges(meta.get(f"niXDChans{card}") or "")
        found.extend(start + line for line in listed or [])
        bytes_used = meta.get(f"niXDBytes{card}") or "0"
        start += (
            8 * int(bytes_used)
            if bytes_used.isascii() and bytes_used.isdecimal() and len(bytes_used) < 4
            else 0
        )
    return sorted(set(found))


def sync_lines(meta: Meta, words: tuple[SavedChannel, ...]) -> list[Line]:
    """The sync wave in each sync word."""
    if meta.get("imProbeOpt") is not None:
        return [Line(f"SY{bit}", 0, bit) for bit in range(_WORD_BITS)]
    if len(words) == 1:
        return [Line("sync", 0, _SYNC_BIT)]
    return [Line(f"sync {channel.label}", index, _SYNC_BIT) for index, channel in enumerate(words)]


class LineScan:
    """Finds the edges of some lines in one pass over a stream's files, in constant memory beside the edges."""

    def __init__(self, stream: Stream, words: tuple[SavedChannel, ...], lines: list[Line]) -> None:
        self._stream, self._words, self._lines = stream, words, lines

    @cached_property
    def edges(self) -> list[list[Edges]]:
        """Of each segment, of each line; samples are counted from the segment's start."""
        layout = layout_of(self._stream, self._words[0].position, len(self._words))
        with SampleFile(layout) as samples:
            first, found = 0, []
            for segment in self._stream.segments:
                found.append(self._segment_edges(samples, first, segment.num_samples))
                first += segment.num_samples
        return found

    def _segment_edges(self, samples: SampleFile, first: int, count: int) -> list[Edges]:
        numbers: list[list[npt.NDArray[np.int64]]] = [[] for _ in self._lines]
        levels: list[list[npt.NDArray[np.bool_]]] = [[] for _ in self._lines]
        wanted = np.zeros(len(self._words), np.uint16)
        for line in self._lines:
            wanted[line.word] |= np.uint16(1 << line.bit)
        # Taken for low before the first sample, so that a line that is high from there on is known.
        last = np.zeros(len(self._words), np.uint16)
        for begin, block in self._blocks(samples, first, count):
            before = np.concatenate([last[None], block[:-1]])
            changed = (block ^ before) & wanted
            rows = np.flatnonzero(changed.any(axis=1))
            toggled, values = changed[rows], block[rows]
            for index, line in enumerate(self._lines):
                hits = (toggled[:, line.word] >> line.bit) & 1 != 0
                if hits.any():
                    numbers[index].append(begin + rows[hits])
                    levels[index].append((values[hits, line.word] >> line.bit) & 1 != 0)
            last = block[-1].copy()
        return [
            Edges(
                np.concatenate([np.empty(0, np.int64), *numbers[index]]),
                np.concatenate([np.empty(0, np.bool_), *levels[index]]),
            )
            for index in range(len(self._lines))
        ]

    def _blocks(
        self, samples: SampleFile, first: int, count: int
    ) -> Iterator[tuple[int, npt.NDArray[np.uint16]]]:
        rows = max(1, _BLOCK_BYTES // self._stream.first.row_bytes)
        for begin in range(0, count, rows):
            end = min(begin + rows, count)
            yield begin, samples.read(first + begin, first + end).view(np.uint16)
