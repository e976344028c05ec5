"""Decoded columns, block by block: in memory while they are few, else in a temporary file without a name."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.layout.scratch import Scratch

_MEMORY_BYTES = 1 << 23

Arrays = tuple[npt.NDArray[Any], ...]


class ColumnStore:
    """Columns, each of no, one or several arrays (n,) a block, of dtypes that may change from block to block."""

    def __init__(self) -> None:
        self.num_rows = 0
        self._firsts: list[int] = []
        # Of each block: where it begins, and each column's dtypes.
        self._blocks: list[tuple[int, list[tuple[np.dtype[Any], ...]]]] = []
        self._size = 0
        self._scratch = Scratch(_MEMORY_BYTES)
        self._last: tuple[int, list[Arrays]] | None = None

    def append(self, num_rows: int, columns: Sequence[Arrays]) -> None:
        """Add a block of rows."""
        self._firsts.append(self.num_rows)
        dtypes = [tuple(array.dtype for array in arrays) for arrays in columns]
        if self._blocks and self._blocks[-1][1] == dtypes:
            dtypes = self._blocks[-1][1]
        self._blocks.append((self._size, dtypes))
        for array in (array for arrays in columns for array in arrays):
            self._scratch.write(np.ascontiguousarray(array).view(np.uint8).data, self._size)
            self._size += array.nbytes
        self.num_rows += num_rows

    def read(self, column: int, first_row: int, last_row: int) -> list[tuple[int, Arrays]]:
        """The arrays of a column that hold the rows [first_row, last_row), each piece with its first row."""
        pieces = []
        index = max(0, bisect.bisect_right(self._firsts, first_row) - 1)
        while index < len(self._firsts) and self._firsts[index] < last_row:
            begin = self._firsts[index]
            inside = slice(max(0, first_row - begin), last_row - begin)
            arrays = self._block(index)[column]
            pieces.append((max(begin, first_row), tuple(array[inside] for array in arrays)))
            index += 1
        return pieces

    def _block(self, index: int) -> list[Arrays]:
        if self._last is not None and self._last[0] == index:
            return self._last[1]
        offset, dtypes = self._blocks[index]
        end = self._blocks[index + 1][0] if index + 1 < len(self._blocks) else self._size
        data = np.empty(end - offset, np.uint8)
        self._scratch.read_into(data, offset)
        last = self._firsts[index + 1] if index + 1 < len(self._firsts) else self.num_rows
        count = last - self._firsts[index]
        columns, at = [], 0
        for column in dtypes:
            arrays = []
            for dtype in column:
                arrays.append(np.frombuffer(data, dtype, count, at))
                at += count * dtype.itemsize
            columns.append(tuple(arrays))
        self._last = (index, columns)
        return columns

    def close(self) -> None:
        """Let go of the columns."""
        self._last = None
        self._scratch.close()
