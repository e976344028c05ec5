"""Where samples of TDMS files lie, which npTDMS does not tell: by their segments' lead-ins and metadata.

After NI, "TDMS File Format Internal Structure" (versions 4712 and 4713). Whatever is not plain is left to npTDMS.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.layout.layouts import ContiguousLayout, FilesLayout, RecordsLayout

_LEAD_IN_BYTES = 28
_METADATA, _NEW_LIST, _RAW_DATA, _INTERLEAVED, _BIG_ENDIAN, _DAQMX = (1 << bit for bit in (1, 2, 3, 5, 6, 7))
_UNKNOWN_LENGTH = 0xFFFFFFFFFFFFFFFF
_NO_DATA, _AS_BEFORE, _OF_NUMBERS, _OF_TEXTS = 0xFFFFFFFF, 0, 20, 28
_VOID, _TEXT = 0, 0x20
_DTYPES = {1: "i1", 2: "i2", 3: "i4", 4: "i8", 5: "u1", 6: "u2", 7: "u4", 8: "u8", 9: "f4", 10: "f8"}
_DTYPES |= {0x19: "f4", 0x1A: "f8"}
_VALUE_BYTES = {kind: int(dtype[1]) for kind, dtype in _DTYPES.items()}
_VALUE_BYTES |= {0x21: 1, 0x44: 16, 0x08000C: 8, 0x10000D: 16}

_MOST_SEGMENTS = 1 << 17
_MOST_METADATA_BYTES = 16 << 20
_MOST_PIECES = 1000

PlainLayout = ContiguousLayout | RecordsLayout | FilesLayout
_Piece = ContiguousLayout | RecordsLayout


class _NotPlainError(Exception):
    """The file is for npTDMS."""


@dataclass(frozen=True)
class _Values:
    """What an object has in a chunk: `count` values of a type of TDMS in `num_bytes` bytes."""

    kind: int
    count: int
    num_bytes: int


@dataclass(frozen=True)
class _Chunk:
    """How the raw data of a segment repeat: bytes of a chunk, and the wanted channels' values in it.

    `offsets` are bytes from the beginning of a chunk, interleaved: of a row. No samples: it has none of the channels.
    """

    num_bytes: int
    dtype: np.dtype[Any]
    num_samples: int
    offsets: tuple[int, ...]
    is_interleaved: bool
    has_texts: bool


@dataclass(frozen=True)
class _Segment:
    """Bytes [first, last) of raw data; `is_cut` where the file ends before the segment does, or may do so."""

    flags: int
    metadata: bytes | None
    first: int
    last: int
    is_cut: bool

    @property
    def byte_order(self) -> str:
        """Of its numbers, as numpy and struct write it."""
        return ">" if self.flags & _BIG_ENDIAN else "<"


def layout_of(path: Path, names: Sequence[str], dtype: np.dtype[Any], num_samples: int) -> PlainLayout | None:
    """Where `num_samples` values of each of the channels (by their paths in the file) lie; None where not plainly."""
    try:
        pieces = _pieces(path, [name.encode() for name in names])
    except (_NotPlainError, struct.error, OSError):
        return None
    # What an index beside the file says, which npTDMS reads, must be what the file says.
    if not pieces or sum(piece.num_samples for piece in pieces) != num_samples:
        return None
    if any(piece.dtype != pieces[0].dtype for piece in pieces) or pieces[0].dtype.newbyteorder("=") != dtype:
        return None
    return pieces[0] if len(pieces) == 1 else FilesLayout(tuple(pieces))


def _pieces(path: Path, names: Sequence[bytes]) -> list[_Piece]:
    found: list[_Piece] = []
    objects = _Objects()
    before: tuple[int, bytes | None] | None = None
    for segment in _segments(path):
        # The same words about the same objects change nothing.
        if (segment.flags, segment.metadata) != before:
            objects.update(segment)
            chunk = objects.chunk(segment, names)
            before = segment.flags, segment.metadata
        if segment.first == segment.last:
            continue
        if not segment.flags & _RAW_DATA or chunk.num_bytes == 0:
            raise _NotPlainError
        piece = _piece(path, segment, chunk)
        if piece is None:
            continue
        joined = _joined(found[-1], piece) if found else None
        if joined is not None:
            found[-1] = joined
        else:
            found.append(piece)
        if len(found) > _MOST_PIECES:
            raise _NotPlainError
    return found


def _segments(path: Path) -> Iterator[_Segment]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        position = 0
        for _ in range(_MOST_SEGMENTS):
            file.seek(position)
            lead_in = file.read(_LEAD_IN_BYTES)
            if len(lead_in) < _LEAD_IN_BYTES:
                return
            tag, flags = struct.unpack_from("<4sI", lead_in)
            if tag != b"TDSm" or flags & _DAQMX:
                raise _NotPlainError
            order = ">" if flags & _BIG_ENDIAN else "<"
            length, metadata_bytes = struct.unpack_from(f"{order}QQ", lead_in, 12)
            position += _LEAD_IN_BYTES
            first, last = position + metadata_bytes, position + length
            is_cut = length == _UNKNOWN_LENGTH or last > size
            if is_cut:
                last = size
                if first > last:
                    return
            if first > last or metadata_bytes > _MOST_METADATA_BYTES:
                raise _NotPlainError
            metadata = file.read(metadata_bytes) if flags & _METADATA else None
            yield _Segment(flags, metadata, first, last, is_cut)
            position = last
    raise _NotPlainError


class _Objects:
    """The objects of a segment, in their order, and what each had in the last segment that said so."""

    def __init__(self) -> None:
        self._listed: dict[bytes, bool] = {}
        self._known: dict[bytes, _Values] = {}

    def update(self, segment: _Segment) -> None:
        """Take over what a segment says of its objects. Raises _NotPlainError and struct.error."""
        words, order = segment.metadata, segment.byte_order
        if words is None:
            return
        if segment.flags & _NEW_LIST:
            self._listed = {}
        (num_objects,), position = struct.unpack_from(f"{order}I", words), 4
        named = set()
        for _ in range(num_objects):
            (length,) = struct.unpack_from(f"{order}I", words, position)
            name = words[position + 4 : position + 4 + length]
            position += 4 + length
            if name in named:
                raise _NotPlainError
            named.add(name)
            (index,) = struct.unpack_from(f"{order}I", words, position)
            position += 4
            if index in (_OF_NUMBERS, _OF_TEXTS):
                self._known[name] = _values(words, position, order, index)
                position += index - 4
            elif index not in (_NO_DATA, _AS_BEFORE) or (index == _AS_BEFORE and name not in self._known):
                raise _NotPlainError
            self._listed[name] = index != _NO_DATA
            position = _behind_properties(words, position, order)
        if position > len(words):
            raise _NotPlainError

    def chunk(self, segment: _Segment, names: Sequence[bytes]) -> _Chunk:
        """What a chunk of the segment holds of the named channels. Raises _NotPlainError."""
        is_interleaved = bool(segment.flags & _INTERLEAVED)
        places: dict[bytes, int] = {}
        position = num_bytes = 0
        counts, kinds = set(), set()
        for name, has_data in self._listed.items():
            if has_data:
                values = self._known[name]
                places[name] = position
                counts.add(values.count)
                kinds.add(values.kind)
                num_bytes += values.num_bytes
                position += _VALUE_BYTES.get(values.kind, 0) if is_interleaved else values.num_bytes
        if is_interleaved and (len(counts) > 1 or kinds & {_TEXT, _VOID}):
            raise _NotPlainError
        wanted = [self._known[name] for name in names if name in places]
        if not wanted or all(values.count == 0 for values in wanted):
            return _Chunk(num_bytes, np.dtype("u1"), 0, (), is_interleaved, _TEXT in kinds)
        if len(wanted) != len(names) or len(set(wanted)) > 1 or wanted[0].kind not in _DTYPES:
            raise _NotPlainError
        dtype = np.dtype(segment.byte_order + _DTYPES[wanted[0].kind])
        offsets = tuple(places[name] for name in names)
        return _Chunk(num_bytes, dtype, wanted[0].count, offsets, is_interleaved, _TEXT in kinds)


def _values(words: bytes, position: int, order: str, index: int) -> _Values:
    kind, dimension, count = struct.unpack_from(f"{order}IIQ", words, position)
    if dimension != 1 or (kind == _TEXT) != (index == _OF_TEXTS):
        raise _NotPlainError
    if kind == _TEXT:
        return _Values(kind, count, struct.unpack_from(f"{order}Q", words, position + 16)[0])
    if kind not in _VALUE_BYTES and (kind != _VOID or count):
        raise _NotPlainError
    return _Values(kind, count, count * _VALUE_BYTES.get(kind, 0))


def _behind_properties(words: bytes, position: int, order: str) -> int:
    (num_properties,) = struct.unpack_from(f"{order}I", words, position)
    position += 4
    for _ in range(num_properties):
        (length,) = struct.unpack_from(f"{order}I", words, position)
        position += 4 + length
        (kind,) = struct.unpack_from(f"{order}I", words, position)
        position += 4
        if kind == _TEXT:
            position += 4 + struct.unpack_from(f"{order}I", words, position)[0]
        elif kind in _VALUE_BYTES:
            position += _VALUE_BYTES[kind]
        else:
            raise _NotPlainError
    return position


def _piece(path: Path, segment: _Segment, chunk: _Chunk) -> _Piece | None:
    """Samples of the channels in a segment; None where there are none."""
    num_chunks, rest = divmod(segment.last - segment.first, chunk.num_bytes)
    # Of a whole segment the last chunk may be a shorter one, whose channels lie elsewhere.
    if rest and (not segment.is_cut or chunk.has_texts):
        raise _NotPlainError
    if chunk.num_samples == 0:
        return None
    itemsize = chunk.dtype.itemsize
    if not chunk.is_interleaved:
        left = (rest - max(chunk.offsets)) // itemsize
        num_samples = num_chunks * chunk.num_samples + min(max(left, 0), chunk.num_samples)
        stride, per_record = chunk.num_bytes, chunk.num_samples
    else:
        stride, per_record = chunk.num_bytes // chunk.num_samples, 1
        num_samples = (segment.last - segment.first) // stride
    if num_samples == 0:
        return None
    steps = {after - before for before, after in zip(chunk.offsets, chunk.offsets[1:], strict=False)}
    if chunk.is_interleaved and len(steps) <= 1 and min(steps, default=itemsize) >= itemsize:
        return ContiguousLayout(
            path=path,
            dtype=chunk.dtype,
            num_samples=num_samples,
            num_channels=len(chunk.offsets),
            offset=segment.first + chunk.offsets[0],
            row_stride=stride,
            channel_stride=min(steps, default=itemsize),
        )
    return RecordsLayout(path, chunk.dtype, num_samples, segment.first, stride, per_record, chunk.offsets)


def _joined(last: _Piece, piece: _Piece) -> RecordsLayout | None:
    """Two pieces as one, where their records follow each other at one distance: of segments of one length."""
    if not (isinstance(last, RecordsLayout) and isinstance(piece, RecordsLayout)):
        return None
    per_record = last.samples_per_record
    alike = replace(piece, num_samples=last.num_samples, offset=last.offset, record_stride=last.record_stride)
    if alike != last or last.num_samples % per_record:
        return None
    before, after = last.num_samples // per_record, -(-piece.num_samples // per_record)
    stride = last.record_stride
    if before == 1:
        stride = piece.record_stride if after > 1 else piece.offset - last.offset
    if piece.offset != last.offset + before * stride or (after > 1 and piece.record_stride != stride):
        return None
    return replace(last, num_samples=last.num_samples + piece.num_samples, record_stride=stride)
