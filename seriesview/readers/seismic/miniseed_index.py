"""Where the samples of each channel of a MiniSEED file lie: one pass over its record headers, block by block.

Records are grouped into blocks of about a mebibyte. Of each block and channel the stretches of samples are kept, so the
index stays small and samples are unpacked a block at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.adapters.foreign import library
from seriesview.readers.extras import imported
from seriesview.readers.protocol import Decision

BLOCK_BYTES = 1 << 20
_MOST_RECORD_BYTES = 1 << 24
_STEP = 64
_PROBLEMS = {"?": "its records do not say how samples are encoded (no blockette 1000)"}
_DTYPES = {"i": "int32", "f": "float32", "d": "float64"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples [skip, skip + count) of a stretch (by number) of its channel in a block of the file; nanoseconds."""

    offset: int
    num_bytes: int
    number: int
    skip: int
    count: int
    start: int
    end: int
    """When the sample after the last one would come, by the header of the last record."""


@dataclass
class Trace:
    """A channel at one rate: its pieces, and the segments [start in nanoseconds, samples] that they make."""

    source: str
    rate: float
    dtype: str
    pieces: list[Piece] = field(default_factory=list)
    segments: list[tuple[int, int]] = field(default_factory=list)
    num_overlaps: int = 0

    @property
    def name(self) -> str:
        """network.station.location.channel."""
        _, _, name = self.source.partition(":")
        network, station, location, *channel = (*name.split("_"), "", "", "")[:6]
        return ".".join([network, station, location, "".join(channel)])


@dataclass(frozen=True)
class Index:
    """All channels of a file in the order in which they come, and what is to be said of it."""

    traces: tuple[Trace, ...]
    problems: tuple[tuple[str, str], ...]
    """Channels that cannot be shown, and why."""
    notes: tuple[Decision, ...]


def index_of(path: Path) -> Index:
    """The index of a file; kept while the file stays as it is. Raises ReaderError."""
    status = path.stat()
    return _index(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4)
def _index(path: Path, size: int, modified: int) -> Index:
    pymseed = imported("pymseed", extra="seismic", file=path)
    traces: dict[tuple[str, float, str], Trace] = {}
    problems: dict[str, str] = {}
    notes: list[Decision] = []
    offset = left_out = 0
    with path.open("rb") as file, library("pymseed", path, notes):
        while offset < size:
            file.seek(offset)
            block = file.read(BLOCK_BYTES)
            found, used = _stretches(pymseed, block)
            if used == 0 and len(block) == BLOCK_BYTES and is_record(block):
                found, used = _stretches(pymseed, block + file.read(_MOST_RECORD_BYTES))
            if used == 0:
                skipped = _next_record(block)
                left_out += skipped
                offset += skipped
                continue
            for source, number, segment, kind in found:
                rate = round(float(segment.samprate), 9)
                if kind not in _DTYPES or rate <= 0:
                    problems[source] = _PROBLEMS.get(kind, "texts, no samples")
                elif segment.samplecnt > 0:
                    trace = traces.setdefault((source, rate, kind), Trace(source, rate, _DTYPES[kind]))
                    count, start = int(segment.samplecnt), int(segment.starttime)
                    end = int(segment.endtime) + round(1e9 / rate)
                    trace.pieces.append(Piece(offset, used, number, 0, count, start, end))
            offset += used
    if left_out:
        notes.append(
            Decision(f"{left_out} bytes of {size} are no data records (headers, or damaged), and left out")
        )
    for trace in traces.values():
        _join(trace)
    return Index(tuple(traces.values()), tuple(problems.items()), tuple(notes))


def _stretches(pymseed: Any, block: bytes) -> tuple[list[tuple[str, int, Any, str]], int]:
    """Channel, number, stretch and type of samples of each stretch in a block, and how many bytes are whole records."""
    first = next(iter(pymseed.MS3Record.from_buffer(block)), None) if _has_record(pymseed, block) else None
    if first is None:
        return [], 0
    whole = len(block) // int(first.reclen) * int(first.reclen)
    try:
        listed = pymseed.MS3TraceList.from_buffer(block[:whole], record_list=True)
        records = sum(len(segment.recordlist or ()) for trace in listed for segment in trace)
        is_regular = records * int(first.reclen) == whole
    except pymseed.MiniSEEDError:
        is_regular = False
    if not is_regular:
        # Records of different lengths, some without samples, or something else between them.
        whole = _whole_records(pymseed, block)
        listed = pymseed.MS3TraceList.from_buffer(block[:whole], record_list=True)
    found = []
    for trace in listed:
        for number, segment in enumerate(trace):
            found.append((str(trace.sourceid), number, segment, _kind(segment)))
    return found, whole


def _kind(segment: Any) -> str:
    try:
        return str(segment.sample_size_type[1])
    except ValueError:
        return "?"


def _next_record(block: bytes) -> int:
    """Where the next data record begins, after the first bytes; the block's length where none does."""
    places = range(_STEP, len(block) - _STEP + 1, _STEP)
    return next((place for place in places if is_record(block[place : place + _STEP])), len(block))


def is_record(head: bytes) -> bool:
    """The fixed header of version 2 (sequence, quality, year, day, hour), or that of version 3."""
    if head[:3] == b"MS\x03":
        return len(head) >= 40 and head[12] < 24 and head[13] < 60
    if len(head) < 48 or head[6:7] not in (b"D", b"R", b"Q", b"M") or head[7] not in (0, 32):
        return False
    if not all(character in b"0123456789 \0" for character in head[:6]):
        return False
    dates = [
        (int.from_bytes(head[20:22], order), int.from_bytes(head[22:24], order))
        for order in ("big", "little")
    ]
    return any(1900 <= year <= 2100 and 1 <= day <= 366 for year, day in dates) and head[24] < 24


def _has_record(pymseed: Any, block: bytes) -> bool:
    try:
        return next(iter(pymseed.MS3Record.from_buffer(block)), None) is not None
    except pymseed.MiniSEEDError:
        return False


def _whole_records(pymseed: Any, block: bytes) -> int:
    used = 0
    try:
        for record in pymseed.MS3Record.from_buffer(block):
            used += int(record.reclen)
    except pymseed.MiniSEEDError:
        pass
    return min(used, len(block))


def _join(trace: Trace) -> None:
    """Order the pieces by time, and make segments of those that follow one another; overlaps are left out once.

    What its record says to follow within half a sample does so; a clock that has moved by a sample since the segment
    began makes a new one.
    """
    period = 1e9 / trace.rate
    kept: list[Piece] = []
    for found in sorted(trace.pieces, key=lambda piece: (piece.start, piece.offset)):
        piece = found
        if not kept:
            trace.segments.append((piece.start, piece.count))
            kept.append(piece)
            continue
        start, count = trace.segments[-1]
        expected = start + count * period
        follows = abs(piece.start - kept[-1].end) <= period / 2
        if not follows and piece.start < expected - period / 2:
            overlap = round((expected - piece.start) / period)
            trace.num_overlaps += 1
            if overlap >= piece.count:
                continue
            piece = replace(
                piece,
                skip=piece.skip + overlap,
                count=piece.count - overlap,
                start=piece.start + round(overlap * period),
            )
        if abs(piece.start - expected) <= (period if follows else period / 2):
            trace.segments[-1] = (start, count + piece.count)
        else:
            trace.segments.append((max(piece.start, round(expected)), piece.count))
        kept.append(piece)
    trace.pieces = kept


def unpacked(path: Path, file: Any, trace: Trace, piece: Piece) -> list[np.ndarray[Any, Any]]:
    """The samples of all stretches of a channel in a piece's block. Raises ReaderError."""
    pymseed = imported("pymseed", extra="seismic", file=path)
    file.seek(piece.offset)
    block = file.read(piece.num_bytes)
    with library("pymseed", path):
        listed = pymseed.MS3TraceList.from_buffer(block, unpack_data=True, sourceid=trace.source)
        found = [np.array(segment.np_datasamples) for each in listed for segment in each]
    if piece.number >= len(found) or len(found[piece.number]) < piece.skip + piece.count:
        raise ReaderError(
            f"{trace.name}: a record between bytes {piece.offset} and {piece.offset + piece.num_bytes} has other "
            "samples than its header says",
            file=path,
        )
    return found
