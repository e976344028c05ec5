"""Bringing a file into the storage directory from a bucket, from its chunks, or out of a larger file."""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.errors import IntegrityError, NodeError, SeriesviewError
from seriesview.node.buckets import Buckets
from seriesview.node.file_keys import FileKey
from seriesview.node.names import is_sha1
from seriesview.store.chunks import ChunkHasher
from seriesview.store.faults import read_fault
from seriesview.store.links import read_link
from seriesview.store.paths import CHUNK_BYTES, artifact_path, open_parent
from seriesview.store.reading import open_regular
from seriesview.store.writer import AtomicWriter

_BLOCK_BYTES = 2**20
_LARGEST_MANIFEST = 2**26


class Progress:
    """How far a load is; written by its thread, read by the event loop."""

    def __init__(self) -> None:
        self.loaded = 0
        self.total = 0
        self.stop = threading.Event()


@dataclass(frozen=True)
class Piece:
    """Bytes [start, end) of a file."""

    path: Path
    start: int
    end: int


def local_file(directory: Path, sha1: str) -> Path | None:
    """Return the file with a hash's bytes, stored or linked; None where there is none or it changed."""
    stored = artifact_path(directory, sha1)
    try:
        with suppress(FileNotFoundError), open_parent(directory, stored) as folder:
            if folder.find(stored.name) is not None:
                return stored
        link = read_link(directory, sha1)
        return None if link is None else link.check()
    except (SeriesviewError, OSError):
        return None


def fetch(
    directory: Path,
    writer: AtomicWriter,
    buckets: Buckets,
    key: FileKey,
    channel: str | None,
    progress: Progress,
) -> Path | None:
    """Return the local file of a key, brought from the bucket of `channel` if need be; None: it is nowhere.

    What is brought is checked by SHA-1. Raises IntegrityError, StoreError.
    """
    path = local_file(directory, key.sha1)
    if path is not None:
        return path
    pieces = _find(directory, buckets, key.sha1, channel)
    if pieces is None and key.chunk_of is not None:
        piece = key.chunk_of
        parent, start, end = piece.file_key.sha1, piece.start_byte, piece.end_byte
        whole = _find(directory, buckets, parent, channel)
        if whole is not None and end <= whole[0].end:
            pieces = [Piece(whole[0].path, start, end)]
    if pieces is None and key.manifest_sha1 is not None:
        manifest = fetch(directory, writer, buckets, FileKey(sha1=key.manifest_sha1), channel, progress)
        if manifest is not None:
            pieces = _find_chunks(directory, buckets, key.sha1, manifest, channel)
    if pieces is None:
        return None
    return copy_pieces(pieces, key.sha1, writer, artifact_path(directory, key.sha1), progress)


def _find(directory: Path, buckets: Buckets, sha1: str, channel: str | None) -> list[Piece] | None:
    """Return where the whole of a file lies, here or in a bucket."""
    path = local_file(directory, sha1)
    if path is None and channel is not None:
        path = buckets.location(buckets.file_path(channel, sha1))
    try:
        return None if path is None else [Piece(path, 0, path.stat().st_size)]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise read_fault(path or "", error) from error


def _find_chunks(
    directory: Path, buckets: Buckets, sha1: str, manifest_path: Path, channel: str | None
) -> list[Piece] | None:
    """Return where the chunks of a file lie, None where one is missing; raises IntegrityError."""
    pieces: list[Piece] = []
    for chunk_sha1, size in _read_manifest(manifest_path, sha1):
        found = _find(directory, buckets, chunk_sha1, channel)
        if found is None:
            return None
        if found[0].end != size:
            raise IntegrityError(f"chunk {chunk_sha1} has {found[0].end} bytes, its manifest says {size}")
        pieces += found
    return pieces


def _read_manifest(path: Path, sha1: str) -> list[tuple[str, int]]:
    """Return (hash, size) of the chunks that a chunk manifest lists; raises IntegrityError."""
    try:
        if path.stat().st_size > _LARGEST_MANIFEST:
            raise ValueError("it is too large")
        with open(open_regular(path), "rb") as file:  # noqa: PTH123
            manifest: Any = json.loads(file.read(_LARGEST_MANIFEST))
        if manifest["sha1"] != sha1:
            raise ValueError("it is that of another file")
        chunks = [(chunk["start"], chunk["end"], chunk["sha1"]) for chunk in manifest["chunks"]]
    except OSError as error:
        raise read_fault(path, error) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(f"{path.name} is not the chunk manifest of {sha1}: {error}") from error
    position = 0
    for start, end, chunk_sha1 in chunks:
        if type(end) is not int or start != position or not start < end <= start + CHUNK_BYTES:
            raise IntegrityError(f"{path.name} is not a chunk manifest: its chunks do not follow one another")
        if not is_sha1(chunk_sha1):
            raise IntegrityError(f"{path.name} is not a chunk manifest: a hash in it is none")
        position = end
    return [(chunk_sha1, end - start) for start, end, chunk_sha1 in chunks]


def copy_pieces(
    pieces: list[Piece], sha1: str, writer: AtomicWriter, target: Path, progress: Progress
) -> Path:
    """Write the bytes of `pieces`, one after the other, to `target`, when they hash to `sha1`."""
    progress.total += sum(piece.end - piece.start for piece in pieces)
    hasher = ChunkHasher(0)
    with writer.stage() as staged:
        for block in itertools.chain.from_iterable(map(_read, pieces)):
            if progress.stop.is_set():
                raise NodeError("the client went away")
            view = memoryview(block)
            hasher.add(view)
            staged.write(view)
            progress.loaded += len(view)
        if hasher.sha1() != sha1:
            raise IntegrityError(
                f"what is there for {sha1} hashes to {hasher.sha1()}; delete it or upload it again"
            )
        writer.publish(staged, target)
    writer.flush()
    return target


def _read(piece: Piece) -> Iterator[bytes]:
    try:
        with open(open_regular(piece.path), "rb") as file:  # noqa: PTH123
            file.seek(piece.start)
            left = piece.end - piece.start
            while left > 0:
                block = file.read(min(_BLOCK_BYTES, left))
                if not block:
                    raise IntegrityError(f"{piece.path.name} ended early")
                left -= len(block)
                yield block
    except OSError as error:
        raise read_fault(piece.path.name, error) from error
