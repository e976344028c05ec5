"""Reading files whole and by byte range, with what a reader wants to know when bytes are missing."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seriesview.errors import IntegrityError, RequestError, StoreError, artifact_damaged
from seriesview.store.chunks import sha1_digest
from seriesview.store.faults import read_fault

MOST_JSON_BYTES = 1 << 28
"""Of a document that is read into memory."""
_MOST_CONTAINERS = 5_000_000
_BLOCK_BYTES = 4 * 2**20

# A pipe in the place of a file would make opening wait for a writer.
_OPENING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def open_regular(path: Path) -> int:
    """Open a regular file that the user named, and return its descriptor; raises StoreError."""
    try:
        descriptor = os.open(path, _OPENING)
    except OSError as error:
        raise read_fault(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreError(f"{path} is not a file; name a file")
    return descriptor


def opened_path(descriptor: int, path: Path) -> Path:
    """Return where an open file really lies; where the system does not say so, where `path` leads to now."""
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return Path(os.path.realpath(path))


def read_blocks(path: Path) -> Iterator[memoryview]:
    """Yield the bytes of a file that the user named, in blocks, each valid until the next.

    Raises StoreError, also where the file changes meanwhile.
    """
    descriptor = open_regular(path)
    try:
        yield from blocks_of(descriptor, path)
    finally:
        os.close(descriptor)


def blocks_of(descriptor: int, path: Path) -> Iterator[memoryview]:
    """Yield an open file's bytes, as `read_blocks`; `path` is for messages."""
    block = memoryview(bytearray(_BLOCK_BYTES))
    before = os.fstat(descriptor)
    while count := _read_block(descriptor, path, block):
        yield block[:count]
    after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise StoreError(f"{path} changed while it was being read; try again when nothing writes to it")


def read_whole(
    descriptor: int, path: Path, sha1: str | None, size: int | None, most_bytes: int | None = None
) -> bytes:
    """Return an open file's bytes, checked by size and SHA-1 where given; `path` is for messages.

    Raises IntegrityError, also where they are more than `most_bytes`, StoreError.
    """
    try:
        found = os.fstat(descriptor).st_size
        if size is not None and found != size:
            raise artifact_damaged(path, f"has {found} bytes, {size} are expected", sha1)
        if most_bytes is not None and found > most_bytes:
            raise artifact_damaged(path, f"has {found} bytes, at most {most_bytes} can be meant", sha1)
        data = _read(descriptor, 0, found)
    except OSError as error:
        raise read_fault(path, error) from error
    if len(data) != found:
        raise artifact_damaged(path, "shrank while it was being read", sha1, advice="try again")
    if sha1 is not None and sha1_digest(memoryview(data)).hex() != sha1:
        raise artifact_damaged(path, f"does not have the bytes of SHA-1 {sha1}", sha1)
    return data


def read_range(descriptor: int, path: Path, start: int, end: int) -> bytes:
    """Return the bytes [start, end) of an open file; raises RequestError, IntegrityError, StoreError."""
    if not 0 <= start <= end:
        raise RequestError(f"bytes {start} to {end} of {path} do not exist: 0 <= start <= end is expected")
    try:
        found = os.fstat(descriptor).st_size
        data = _read(descriptor, start, end - start) if end <= found else b""
    except OSError as error:
        raise read_fault(path, error) from error
    if len(data) != end - start:
        raise IntegrityError(
            f"{path} has {found} bytes, but bytes {start} to {end} were asked for", path=str(path)
        )
    return data


def bounded_json(data: bytes) -> bytes:
    """Return a JSON document that takes no gigabytes of memory, else ValueError: an empty list takes eighty bytes."""
    if data.count(b"[") + data.count(b"{") > _MOST_CONTAINERS:
        raise ValueError(f"it has more than {_MOST_CONTAINERS} lists and objects")
    return data


def parse_json(data: bytes) -> Any:
    """Return what a JSON document says; ValueError where it is none, or would take gigabytes of memory."""
    try:
        return json.loads(bounded_json(data))
    except RecursionError:
        raise ValueError("its lists and objects lie too deep in each other") from None


def _read(descriptor: int, start: int, size: int) -> bytes:
    data = os.pread(descriptor, size, start)
    if len(data) == size:
        return data
    pieces = [data]
    position = len(data)
    while position < size and (piece := os.pread(descriptor, size - position, start + position)):
        pieces.append(piece)
        position += len(piece)
    return b"".join(pieces)


def _read_block(descriptor: int, path: Path, block: memoryview) -> int:
    try:
        return os.readv(descriptor, [block])
    except OSError as error:
        raise read_fault(path, error) from error
