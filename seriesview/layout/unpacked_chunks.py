"""Inflated chunks that are kept for the next request: in memory, or in a scratch file where one row is too large."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol

import numpy as np

from seriesview.layout.byte_file import Bytes
from seriesview.layout.scratch import Scratch


class UnpackedChunk(Protocol):
    """The bytes of one chunk with nothing but the shuffle left to undo."""

    def planes(self, count: int, first: int, last: int) -> Bytes:
        """Bytes (count, last - first): the ranges [first, last) of `count` equal pieces of the chunk."""
        ...


class ChunkInMemory:
    """A chunk whose bytes are held."""

    def __init__(self, data: Bytes) -> None:
        self._data = data

    def planes(self, count: int, first: int, last: int) -> Bytes:
        """Bytes (count, last - first): the ranges [first, last) of `count` equal pieces of the chunk."""
        return self._data.reshape(count, -1)[:, first:last]


class ChunkInScratch:
    """A chunk whose bytes lie in a scratch file; its place is free again when nobody holds the chunk."""

    def __init__(self, scratch: Scratch, position: int, num_bytes: int, free: list[int]) -> None:
        self._scratch = scratch
        self._position = position
        self._num_bytes = num_bytes
        self._free = free

    def planes(self, count: int, first: int, last: int) -> Bytes:
        """Bytes (count, last - first): the ranges [first, last) of `count` equal pieces of the chunk."""
        out = np.empty((count, last - first), np.uint8)
        for index, plane in enumerate(out):
            self._scratch.read_into(plane, self._position + index * (self._num_bytes // count) + first)
        return out

    def __del__(self) -> None:
        self._free.append(self._position)


class ChunkCache(Protocol):
    """Keeps some unpacked chunks by their index in the table; safe from any thread."""

    def get(self, index: int) -> UnpackedChunk | None:
        """The chunk, if it is kept."""
        ...

    def keep(self, index: int, data: Bytes) -> None:
        """Keep the chunk; the ones used longest ago make room."""
        ...

    def drop(self, index: int) -> None:
        """Keep the chunk no longer."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class MemoryCache:
    """Chunks of at most `max_bytes` together, and one in any case."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._chunks: OrderedDict[int, Bytes] = OrderedDict()
        self._num_bytes = 0
        self._lock = threading.Lock()

    def get(self, index: int) -> UnpackedChunk | None:
        """The chunk, if it is kept."""
        with self._lock:
            data = self._chunks.get(index)
            if data is None:
                return None
            self._chunks.move_to_end(index)
            return ChunkInMemory(data)

    def keep(self, index: int, data: Bytes) -> None:
        """Keep the chunk; the ones used longest ago make room."""
        with self._lock:
            self._remove(index)
            while self._chunks and self._num_bytes + data.nbytes > self._max_bytes:
                self._remove(next(iter(self._chunks)))
            self._chunks[index] = data
            self._num_bytes += data.nbytes

    def drop(self, index: int) -> None:
        """Keep the chunk no longer."""
        with self._lock:
            self._remove(index)

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._chunks.clear()
            self._num_bytes = 0

    def _remove(self, index: int) -> None:
        data = self._chunks.pop(index, None)
        if data is not None:
            self._num_bytes -= data.nbytes


class ScratchCache:
    """At most `num_chunks` chunks of `chunk_bytes` in a temporary file, made when it is needed."""

    def __init__(self, num_chunks: int, chunk_bytes: int) -> None:
        self._num_chunks = num_chunks
        self._chunk_bytes = chunk_bytes
        self._chunks: OrderedDict[int, ChunkInScratch] = OrderedDict()
        self._scratch = Scratch()
        self._free: list[int] = []
        self._end = 0
        self._lock = threading.Lock()

    def get(self, index: int) -> UnpackedChunk | None:
        """The chunk, if it is kept."""
        with self._lock:
            if index in self._chunks:
                self._chunks.move_to_end(index)
            return self._chunks.get(index)

    def keep(self, index: int, data: Bytes) -> None:
        """Keep the chunk; the ones used longest ago make room. Raises OSError where the scratch file cannot grow."""
        with self._lock:
            self._chunks.pop(index, None)
            while len(self._chunks) >= self._num_chunks:
                self._chunks.popitem(last=False)
            if self._free:
                position = self._free.pop()
            else:
                position, self._end = self._end, self._end + self._chunk_bytes
        self._scratch.write(data.data, position)
        with self._lock:
            self._chunks[index] = ChunkInScratch(self._scratch, position, self._chunk_bytes, self._free)

    def drop(self, index: int) -> None:
        """Keep the chunk no longer."""
        with self._lock:
            self._chunks.pop(index, None)

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._chunks.clear()
            self._scratch.close()
