"""Chunks of a RIFF, RIFX, RF64, BW64 or Sony Wave64 file: what they are called, and where they lie.

After Microsoft's "Multimedia Programming Interface and Data Specifications 1.0", EBU Tech 3306 and ITU-R BS.2088
(RF64, BW64), and "Sony Pictures Digital Wave 64".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

_MOST_CHUNKS = 10_000
_W64_RIFF = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_W64_TAIL = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_UNKNOWN_32 = 0xFFFFFFFF


@dataclass(frozen=True)
class Chunk:
    """A chunk: its four letters, and the bytes of its content; `size` is what stands in its head."""

    name: bytes
    offset: int
    size: int


@dataclass(frozen=True)
class Kind:
    """How the chunks of a file are written: `order` is `<` or `>` for struct."""

    order: Literal["<", ">"] = "<"
    is_wave64: bool = False
    is_rf64: bool = False


def kind_of(head: bytes) -> Kind | None:
    """How the file with this beginning (40 bytes) is written; None where it holds no wave."""
    if head[8:12] == b"WAVE" and head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return Kind(">" if head[:4] == b"RIFX" else "<", is_rf64=head[:4] in (b"RF64", b"BW64"))
    if head[:16] == _W64_RIFF and head[24:40] == b"wave" + _W64_TAIL:
        return Kind(is_wave64=True)
    return None


def chunks_of(file: BinaryIO, kind: Kind, file_size: int) -> Iterator[Chunk]:
    """Chunks one after the other, as many as can be found; sizes that only a `ds64` tells are put in."""
    position = 40 if kind.is_wave64 else 12
    large: dict[bytes, int] = {}
    for _ in range(_MOST_CHUNKS):
        chunk = _chunk_at(file, position, kind)
        if chunk is None:
            return
        if chunk.name == b"ds64" and kind.is_rf64:
            large = _large_sizes(file, chunk)
        elif chunk.size == _UNKNOWN_32 and chunk.name in large:
            chunk = Chunk(chunk.name, chunk.offset, large[chunk.name])
        yield chunk
        end = chunk.offset + chunk.size
        # Padded to a whole number of 2 bytes, of 8 in Wave64.
        position = end + (-end % 8 if kind.is_wave64 else chunk.size % 2 and _is_padded(file, end))
        if position >= file_size:
            return


def _chunk_at(file: BinaryIO, position: int, kind: Kind) -> Chunk | None:
    file.seek(position)
    if not kind.is_wave64:
        head = file.read(8)
        if len(head) < 8:
            return None
        name, size = struct.unpack(f"{kind.order}4sI", head)
        return Chunk(name, position + 8, size)
    head = file.read(24)
    if len(head) < 24:
        return None
    size = struct.unpack_from("<Q", head, 16)[0] - 24
    name = head[:4] if head[4:16] in (_W64_TAIL, _W64_RIFF[4:]) else b"????"
    return None if size < 0 else Chunk(name, position + 24, size)


def _is_padded(file: BinaryIO, end: int) -> bool:
    """Whether a zero stands behind a chunk of odd length: some programs leave it out."""
    file.seek(end)
    return file.read(1) in (b"", b"\0")


def _large_sizes(file: BinaryIO, chunk: Chunk) -> dict[bytes, int]:
    """Sizes by the names of chunks, of a `ds64`: that of the data, and a table of others."""
    file.seek(chunk.offset)
    content = file.read(min(chunk.size, 28 + 12 * 1000))
    if len(content) < 24:
        return {}
    sizes = {b"data": struct.unpack_from("<Q", content, 8)[0]}
    for place in range(28, len(content) - 11, 12):
        name, size = struct.unpack_from("<4sQ", content, place)
        sizes.setdefault(name, size)
    return sizes
