"""Hashing local files that are linked or stored by path."""

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import NodeError
from seriesview.store.chunks import ChunkHasher, sha1_digest
from seriesview.store.paths import artifact_path
from seriesview.store.reading import blocks_of, open_regular
from seriesview.store.writer import AtomicWriter


@dataclass(frozen=True)
class HashedFile:
    """A local file's hash, and what it looked like then."""

    sha1: str
    size: int
    mtime: float
    chunk_manifest: bytes | None

    @property
    def manifest_sha1(self) -> str | None:
        """The hash of the chunk manifest, where there is one."""
        return None if self.chunk_manifest is None else sha1_digest(memoryview(self.chunk_manifest)).hex()


def hash_local_file(
    path: Path, copy_to: AtomicWriter | None, stop: threading.Event, check: Callable[[int], None]
) -> HashedFile:
    """Hash the file at `path`; with `copy_to` store it, and with or without store its chunk manifest.

    `check` raises where the file, once it is open, is not to be read. Raises StoreError, also where the file changes
    meanwhile, and NodeError once `stop` is set.
    """
    hasher = ChunkHasher()
    with ExitStack() as stack:
        staged = stack.enter_context(copy_to.stage()) if copy_to else None
        descriptor = open_regular(path)
        stack.callback(os.close, descriptor)
        check(descriptor)
        mtime = os.fstat(descriptor).st_mtime
        for block in blocks_of(descriptor, path):
            if stop.is_set():
                raise NodeError(f"{path} was not read to its end: the client went away")
            hasher.add(block)
            if staged is not None:
                staged.write(block)
        hashed = HashedFile(hasher.sha1(), hasher.size, mtime, hasher.chunk_manifest())
        if copy_to and staged and not copy_to.holds(hashed.sha1, hashed.size):
            copy_to.publish(staged, artifact_path(copy_to.directory, hashed.sha1))
    return hashed
