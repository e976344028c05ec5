"""Receiving a file over HTTP: hashed and written in threads as it arrives, whole or not at all."""

import errno
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from seriesview.errors import Code, NodeError
from seriesview.node.block_file import BlockFile
from seriesview.node.node import Node
from seriesview.node.one_thread import OneThread
from seriesview.node.requests import too_large
from seriesview.store.chunks import ChunkHasher, sha1_digest
from seriesview.store.faults import write_fault
from seriesview.store.staging import StagedFile
from seriesview.store.writer import AtomicWriter

_BLOCK_BYTES = 2**20
_SMALL_BYTES = 2**18
_CHECKED_BYTES = 2**26


@dataclass(frozen=True)
class Destination:
    """Where a file that arrives shall lie."""

    writer: AtomicWriter
    path: Callable[[str], Path]
    """SHA-1 -> final name."""
    sha1: str | None = None
    """What the bytes must hash to, where that is known."""
    size: int | None = None
    """How many bytes there must be, where that is known."""
    is_immutable: bool = True
    """Whether a file that is there with the same size is the same file."""
    is_quick: bool = False
    """Whether a small file may be written without a thread: it does not wait for the disk."""
    with_manifest: bool = False
    """Whether the chunk manifest of a large file is wanted."""


@dataclass(frozen=True)
class ReceivedFile:
    """A file that was received, and its bytes are on disk."""

    sha1: str
    size: int
    manifest_sha1: str | None


class WrongContentError(NodeError):
    """The bytes that arrived are not those that were announced."""

    code: Code = "artifact-damaged"


async def receive_file(request: Request, destination: Destination) -> ReceivedFile:
    """Store the body of a request; its bytes are on disk on return, its name is so a moment later.

    Raises HTTPException (400, 408, 413), StoreError, WrongContentError; nothing is left behind then.
    """
    node: Node = request.app.state.node
    announced = _announced_size(request, destination)
    limit = node.limits.file_bytes if destination.size is None else destination.size
    if announced is not None:
        if announced > limit:
            raise too_large(limit)
        check_free(destination.writer.directory, announced, node.limits.free_bytes)
    receipt = _Receipt(destination, announced, node.limits.free_bytes)
    is_short = destination.is_quick and limit <= _SMALL_BYTES
    # Two, so that a large file is hashed and written at the same time.
    writing, hashing = OneThread(node.short_calls if is_short else node.threads), OneThread(node.threads)
    pieces: list[bytes] = []
    waiting = size = 0
    try:
        try:
            async for piece in request.stream():
                pieces.append(piece)
                waiting += len(piece)
                size += len(piece)
                if size > limit:
                    raise too_large(limit)
                is_busy = hashing.is_busy or writing.is_busy
                if size < _SMALL_BYTES or (is_busy and waiting < _BLOCK_BYTES):
                    continue
                await hashing.result()
                await writing.result()
                hashing.start(receipt.hash, pieces)
                writing.start(receipt.write, pieces)
                pieces, waiting = [], 0
        except ClientDisconnect:
            raise HTTPException(400, "the client went away") from None
        if announced is not None and size != announced:
            raise WrongContentError(f"{size} bytes arrived, {announced} were announced")
        await hashing.result()
        await writing.result()
        writing.start(receipt.finish, pieces)
        received: ReceivedFile = await writing.result()
        node.names.soon()
        return received
    finally:
        await hashing.rest()
        await writing.rest()
        receipt.discard()


def check_free(directory: Path, size: int, reserve: int) -> None:
    """Raise StoreError where `size` more bytes would leave less than `reserve`, or than 2 %, free."""
    try:
        status = os.statvfs(directory)
    except OSError as error:
        raise write_fault(directory, error) from error
    reserve = min(reserve, status.f_blocks * status.f_frsize // 50)
    if status.f_bavail * status.f_frsize < size + reserve:
        raise write_fault(directory, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


class _Receipt:
    """A file while it is received; its methods are called in some thread, one after the other but for `hash`."""

    def __init__(self, destination: Destination, announced: int | None, reserve: int) -> None:
        self._destination = destination
        self._directory = destination.writer.directory
        self._reserve = reserve
        self._stack = ExitStack()
        self._staged: StagedFile | None = None
        self._hasher = ChunkHasher(announced if destination.with_manifest else 0)
        self._blocks: BlockFile | None = None
        self._checked = 0

    def hash(self, pieces: list[bytes]) -> None:
        """Hash what arrived; may run beside `write`."""
        for piece in pieces:
            self._hasher.add(memoryview(piece))

    def write(self, pieces: list[bytes]) -> None:
        """Write what arrived; raises StoreError."""
        if self._blocks is None:
            self._blocks = BlockFile(self._stage())
        try:
            for piece in pieces:
                self._blocks.add(piece)
            if self._blocks.size - self._checked >= _CHECKED_BYTES:
                self._checked = self._blocks.size
                check_free(self._directory, _CHECKED_BYTES, self._reserve)
        except OSError as error:
            raise write_fault(self._directory, error) from error

    def finish(self, pieces: list[bytes]) -> ReceivedFile:
        """Take the last bytes, give the file its name and sync it; raises StoreError, WrongContentError."""
        self.hash(pieces)
        destination = self._destination
        sha1, size = self._hasher.sha1(), self._hasher.size
        if destination.sha1 not in (None, sha1):
            raise WrongContentError(f"the bytes that arrived have SHA-1 {sha1}, not {destination.sha1}")
        path = destination.path(sha1)
        try:
            if not (destination.is_immutable and _has_size(path, size)):
                staged = self._stage()
                if self._blocks is None:
                    for piece in pieces:
                        staged.write(memoryview(piece))
                else:
                    self.write(pieces)
                    self._blocks.finish()
                destination.writer.publish(staged, path)
        except OSError as error:
            raise write_fault(self._directory, error) from error
        self.discard()
        manifest = self._hasher.chunk_manifest()
        manifest_sha1 = None
        if manifest is not None:
            manifest_sha1 = sha1_digest(memoryview(manifest)).hex()
            destination.writer.put(memoryview(manifest), manifest_sha1)
        return ReceivedFile(sha1, size, manifest_sha1)

    def discard(self) -> None:
        """Remove what was not published."""
        self._stack.close()
        self._staged = self._blocks = None

    def _stage(self) -> StagedFile:
        if self._staged is None:
            self._staged = self._stack.enter_context(self._destination.writer.stage())
        return self._staged


def _announced_size(request: Request, destination: Destination) -> int | None:
    if destination.size is not None:
        return destination.size
    declared = request.headers.get("content-length")
    if declared is None or "transfer-encoding" in request.headers:
        return None
    return int(declared)


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False
