"""Chunks of an array on another machine, fetched whole into the memory that tensorstore reads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from seriesview.readers.zarr.store import Node, Store

_COMING_BYTES = 32 << 20
_HELD_BYTES = 32 << 20
MOST_AT_ONCE = 8
"""Chunks on their way."""
# What packing may add to a chunk: headers of compressors, indices and checksums of shards.
_MORE_BYTES = 1 << 20


class FarChunks:
    """The chunks that are needed now, and some of the next ones on their way; safe from any thread.

    `memory` is tensorstore's, with the array's metadata in it. A chunk that its server does not have is none there
    either, and so holds fill values.
    """

    def __init__(self, store: Store, node: Node, memory: Any) -> None:
        self._store, self._path, self._memory = store, node.path, memory
        self._most_bytes = node.chunk_bytes + node.chunk_bytes // 8 + _MORE_BYTES
        self._at_once = max(1, min(MOST_AT_ONCE, _COMING_BYTES // max(1, node.chunk_bytes)))
        self._coming: dict[str, Future[bytes | None]] = {}
        self._held: OrderedDict[str, int] = OrderedDict()
        self._threads = ThreadPoolExecutor(self._at_once, thread_name_prefix="fetch")
        self.lock = threading.Lock()
        """Of who brings a chunk, for as long as it reads it."""

    def bring(self, key: str, following: Sequence[str]) -> None:
        """Have a chunk in memory, and ask for some of those that are likely next. Raises ReaderError."""
        wanted = [each for each in (key, *following) if each not in self._held][: self._at_once]
        for each in self._coming.keys() - set(wanted):
            self._coming.pop(each).cancel()
        for each in wanted:
            if each not in self._coming:
                self._coming[each] = self._threads.submit(self._fetch, each)
        if key in self._held:
            self._held.move_to_end(key)
            return
        content = self._coming.pop(key).result()
        size = len(content or b"")
        while self._held and sum(self._held.values()) + size > _HELD_BYTES:
            self._memory.write(self._held.popitem(last=False)[0], None).result()
        if content is not None:
            self._memory.write(key, content).result()
        self._held[key] = size

    def has(self, key: str) -> bool:
        """Whether a chunk is there. Raises ReaderError."""
        return (self._store.root / f"{self._path}/{key}".lstrip("/")).exists()

    def _fetch(self, key: str) -> bytes | None:
        return self._store.read(f"{self._path}/{key}".lstrip("/"), self._most_bytes)

    def close(self) -> None:
        """Fetch no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
