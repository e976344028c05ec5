"""Samples in chunks: each read whole, inflated once, its bytes put in place straight in the caller's block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import IntegrityError
from seriesview.layout.byte_file import ByteFile
from seriesview.layout.layouts import ChunkedLayout
from seriesview.layout.runs import Run
from seriesview.layout.unpacked_chunks import (
    ChunkCache,
    ChunkInMemory,
    MemoryCache,
    ScratchCache,
    UnpackedChunk,
)
from seriesview.layout.unpacking import Workspace, inflate_into, put_columns, unshuffle_into

_CACHE_BYTES = 32 << 20
_LARGE_ROW_BYTES = 64 << 20


@dataclass(frozen=True)
class _Piece:
    """Columns [first_column, ...) of a chunk go to `out` (rows, columns)."""

    first_column: int
    out: npt.NDArray[Any]


@dataclass(frozen=True)
class _Share:
    """What a request needs of one chunk: its rows [first_row, last_row); `is_left`: rows after these remain."""

    index: int
    first_row: int
    last_row: int
    is_left: bool
    pieces: list[_Piece]


class ChunkedSamples:
    """Reads samples of a chunked layout with `threads` threads, the caller's included.

    A pass over all samples inflates every chunk once, whatever the size of the blocks: a chunk that reaches
    beyond a block is kept. What is kept fits in 32 MiB or one row of chunks, and goes to a scratch file where
    a row of chunks is larger than 64 MiB.
    """

    def __init__(self, layout: ChunkedLayout, file: ByteFile, threads: int = 1) -> None:
        self._layout = layout
        self._file = file
        self._threads = threads
        # Starts its threads when they are needed.
        self._pool = ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="unpack")
        self._idle: list[Workspace] = []
        self._num_columns = -(-layout.num_channels // layout.chunk_shape[1])
        self._chunk_bytes = layout.chunk_shape[0] * layout.chunk_shape[1] * layout.dtype.itemsize
        row_bytes = self._num_columns * self._chunk_bytes
        self._cache: ChunkCache
        if row_bytes > _LARGE_ROW_BYTES and self._num_columns > 1:
            self._cache = ScratchCache(self._num_columns, self._chunk_bytes)
        else:
            self._cache = MemoryCache(max(_CACHE_BYTES, row_bytes))

    def read_into(
        self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run], keep: bool = False
    ) -> None:
        """Fill `out` (n, chosen channels) of native byte order; `keep` the chunks for more requests like this.

        Raises IntegrityError for a file that is cut short and for chunks that do not unpack.
        """
        shares = list(self._shares(first_sample, out, runs))
        # Bytes that only have to be read are read as fast by one thread.
        is_copy = not self._layout.filters and self._num_columns == 1
        workers = 0 if is_copy else min(self._threads, len(shares)) - 1
        waiting = iter(shares)

        def work() -> None:
            workspace = self._workspace()
            for share in waiting:
                self._fill(share, keep, workspace)
            if len(self._idle) < self._threads:
                self._idle.append(workspace)

        helpers = [self._pool.submit(work) for _ in range(workers)]
        try:
            work()
        finally:
            # One that has not begun would find nothing left to do.
            begun = [helper for helper in helpers if not helper.cancel()]
            wait(begun)
        for helper in begun:
            helper.result()

    def close(self) -> None:
        """Let go of kept chunks and threads."""
        self._pool.shutdown()
        self._cache.close()
        self._idle.clear()

    def _workspace(self) -> Workspace:
        try:
            return self._idle.pop()
        except IndexError:
            return Workspace()

    def _shares(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run]) -> Iterator[_Share]:
        chunk_rows, chunk_columns = self._layout.chunk_shape
        last_sample = first_sample + len(out)
        columns = sorted(
            {c for run in runs for c in range(run.first // chunk_columns, -(-run.last // chunk_columns))}
        )
        for chunk_row in range(first_sample // chunk_rows, -(-last_sample // chunk_rows)):
            start = chunk_row * chunk_rows
            first, last = max(first_sample, start), min(last_sample, start + chunk_rows)
            is_left = last < min(start + chunk_rows, self._layout.num_samples)
            rows = out[first - first_sample : last - first_sample]
            for column in columns:
                left = column * chunk_columns
                parts = (run.within(left, left + chunk_columns) for run in runs)
                pieces = [
                    _Piece(part.first - left, rows[:, part.out : part.out + part.length])
                    for part in parts
                    if part is not None
                ]
                index = chunk_row * self._num_columns + column
                yield _Share(index, first - start, last - start, is_left, pieces)

    def _fill(self, share: _Share, keep: bool, workspace: Workspace) -> None:
        position, size = (int(number) for number in self._layout.chunks[share.index])
        if size == 0:
            for piece in share.pieces:
                piece.out[...] = self._layout.fill_value
        elif not self._layout.filters:
            self._fill_from_file(share, position, workspace)
        else:
            self._fill_from_chunk(share, self._unpacked(share, position, size, keep, workspace), workspace)

    def _fill_from_file(self, share: _Share, position: int, workspace: Workspace) -> None:
        """Chunks without filters are read by byte range, straight into place where it is one range."""
        columns = self._layout.chunk_shape[1]
        row_bytes = columns * self._layout.dtype.itemsize
        position += share.first_row * row_bytes
        piece = share.pieces[0]
        is_whole = len(share.pieces) == 1 and piece.out.shape[1] == columns
        if is_whole and piece.out.flags.c_contiguous:
            self._file.read_into(piece.out.reshape(-1).view(np.uint8), position)
            if not self._layout.dtype.isnative:
                piece.out.byteswap(inplace=True)
            return
        data = workspace.take("stored", (share.last_row - share.first_row) * row_bytes)
        self._file.read_into(data, position)
        self._place_values(share, data)

    def _unpacked(
        self, share: _Share, position: int, size: int, keep: bool, workspace: Workspace
    ) -> UnpackedChunk:
        kept = self._cache.get(share.index)
        if kept is not None:
            if not keep and not share.is_left:
                self._cache.drop(share.index)
            return kept
        is_kept = keep or share.is_left
        data = (
            np.empty(self._chunk_bytes, np.uint8) if is_kept else workspace.take("chunk", self._chunk_bytes)
        )
        where = (str(self._file.path), f"chunk {share.index} at byte {position}")
        if "deflate" in self._layout.filters:
            stored = workspace.take("stored", size)
            self._file.read_into(stored, position)
            inflate_into(data, stored, where)
        elif size == self._chunk_bytes:
            self._file.read_into(data, position)
        else:
            raise IntegrityError(
                f"holds {size} bytes, not {self._chunk_bytes}; the file was changed or damaged", file=where
            )
        if is_kept:
            self._cache.keep(share.index, data)
        return ChunkInMemory(data)

    def _fill_from_chunk(self, share: _Share, chunk: UnpackedChunk, workspace: Workspace) -> None:
        columns = self._layout.chunk_shape[1]
        itemsize = self._layout.dtype.itemsize
        first, last = share.first_row * columns, share.last_row * columns
        if "shuffle" not in self._layout.filters or itemsize == 1:
            self._place_values(share, chunk.planes(1, first * itemsize, last * itemsize))
            return
        planes = chunk.planes(itemsize, first, last).reshape(itemsize, -1, columns)
        for piece in share.pieces:
            chosen = planes[:, :, piece.first_column : piece.first_column + piece.out.shape[1]]
            unshuffle_into(piece.out, chosen, self._layout.dtype.isnative, workspace)

    def _place_values(self, share: _Share, data: npt.NDArray[np.uint8]) -> None:
        values = data.reshape(-1).view(self._layout.dtype).reshape(-1, self._layout.chunk_shape[1])
        for piece in share.pieces:
            put_columns(piece.out, values[:, piece.first_column : piece.first_column + piece.out.shape[1]])
