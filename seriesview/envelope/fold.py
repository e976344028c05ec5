"""Reducing groups of neighbouring rows, as fast as numpy goes: the kernel below levels, merging and columns.

numpy is fast on long contiguous runs and slow on many short ones, and a group of rows is short. So a tile of
groups is first copied into a buffer where the n-th rows of all groups lie side by side; reducing that over
its first axis runs along the whole tile at once. Tiles stay in a core's second-level cache.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.envelope.buffers import work_buffer

TILE_BYTES = 1 << 18
_UNIT_BYTES = 16


@dataclass(frozen=True)
class Reduction:
    """`ufunc` (minimum, fmax, ...) over each group of a fold, into contiguous `out` (groups, C)."""

    ufunc: np.ufunc
    out: NDArray[Any]


class GroupFold:
    """Reduces groups of `factor` neighbouring rows of `row_length` values; owns its work buffers.

    `contiguous` promises that the rows given lie behind one another in memory; otherwise only each row does.
    """

    def __init__(
        self, dtype: np.dtype[np.generic], row_length: int, factor: int, contiguous: bool = True
    ) -> None:
        self._dtype, self._row_length, self._factor = dtype, row_length, factor
        row_bytes = dtype.itemsize * row_length
        self._unit_rows = 1
        # Copying units of 16 bytes and more costs a fraction of copying single small values.
        while (
            contiguous and self._unit_rows * row_bytes < _UNIT_BYTES and factor % (2 * self._unit_rows) == 0
        ):
            self._unit_rows *= 2
        self._tile = TILE_BYTES // (factor * row_bytes)
        if self._tile > 0 and factor > 1:
            self._stack = work_buffer(self._tile * factor * row_length, dtype)
            self._partial = work_buffer(self._tile * self._unit_rows * row_length, dtype)
            self._second = work_buffer(self._partial.size, dtype)

    def run(self, rows: NDArray[Any], *reductions: Reduction) -> None:
        """Reduce `rows` (groups * factor, C) with each of the reductions."""
        groups = len(rows) // self._factor
        if self._tile == 0 or self._factor == 1:
            grouped = rows.reshape(groups, self._factor, self._row_length)
            for reduction in reductions:
                reduction.ufunc.reduce(grouped, axis=1, out=reduction.out)
            return
        for first in range(0, groups, self._tile):
            last = min(first + self._tile, groups)
            tile = rows[first * self._factor : last * self._factor]
            self._run_tile(tile, last - first, [Reduction(r.ufunc, r.out[first:last]) for r in reductions])

    def _run_tile(self, rows: NDArray[Any], groups: int, reductions: list[Reduction]) -> None:
        units = self._factor // self._unit_rows
        stack = self._stacked(rows, groups, units, self._unit_rows, self._stack)
        for reduction in reductions:
            flat = reduction.out.reshape(-1)
            if self._unit_rows == 1:
                reduction.ufunc.reduce(stack, axis=0, out=flat)
                continue
            partial = self._partial[: groups * self._unit_rows * self._row_length]
            reduction.ufunc.reduce(stack, axis=0, out=partial)
            rest = partial.reshape(groups * self._unit_rows, self._row_length)
            second = self._stacked(rest, groups, self._unit_rows, 1, self._second)
            reduction.ufunc.reduce(second, axis=0, out=flat)

    def _stacked(
        self, rows: NDArray[Any], groups: int, units: int, unit_rows: int, buffer: NDArray[Any]
    ) -> NDArray[Any]:
        """The rows (groups * units * unit_rows, C) copied as (units, groups * unit_rows * C)."""
        unit_length = unit_rows * self._row_length
        unit = np.dtype((np.void, unit_length * self._dtype.itemsize))
        if unit_rows > 1:
            rows = rows.reshape(groups * units, unit_length)
        stack = buffer[: units * groups * unit_length].reshape(units, groups * unit_length)
        target = buffer[: units * groups * unit_length].view(unit).reshape(units, groups)
        np.copyto(target, rows.view(unit).reshape(groups, units).T)
        return stack
