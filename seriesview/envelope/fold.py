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
_LEAST_GROUPS = 8
_WIDE_VALUES = 256
_LONG_ROW_BYTES = 1536
_LONG_INTEGER_ROW_BYTES = 768


def _is_quick_as_it_is(dtype: np.dtype[Any], row_bytes: int, factor: int) -> bool:
    """Whether rows are so long that stacking them costs more than numpy's price for each row."""
    if row_bytes >= _LONG_ROW_BYTES:
        return True
    return dtype.kind in "iu" and factor >= 16 and row_bytes >= _LONG_INTEGER_ROW_BYTES


@dataclass(frozen=True, slots=True)
class Reduction:
    """`ufunc` (minimum, fmax, ...) over each group of a fold, into contiguous `out` (groups, C)."""

    ufunc: np.ufunc
    out: NDArray[Any]


class _Stack:
    """A buffer where the n-th units of all groups lie side by side: `values` (units, groups * unit_length)."""

    def __init__(self, buffer: NDArray[Any], groups: int, units: int, unit_length: int) -> None:
        self._unit = np.dtype((np.void, unit_length * buffer.dtype.itemsize))
        self._shape = (groups, units)
        flat = buffer[: groups * units * unit_length]
        self.values = flat.reshape(units, groups * unit_length)
        self._target = flat.view(self._unit).reshape(units, groups).T

    def fill(self, rows: NDArray[Any]) -> None:
        """Copy `rows` (groups * units, unit_length) here, each row contiguous."""
        np.copyto(self._target, rows.view(self._unit).reshape(self._shape))


class _Tile:
    """The buffers of a GroupFold arranged for one number of groups."""

    def __init__(self, fold: "GroupFold", groups: int) -> None:
        units, unit_length = fold.factor // fold.unit_rows, fold.unit_rows * fold.row_length
        self._stack = _Stack(fold.stack, groups, units, unit_length)
        self._rows = (groups * units, unit_length)
        self._firsts = self._stack.values[0].reshape(groups, unit_length)[:, : fold.row_length]
        self._partial = fold.partial[: groups * unit_length] if fold.unit_rows > 1 else None
        if self._partial is not None:
            self._partial_rows = self._partial.reshape(groups * fold.unit_rows, fold.row_length)
            self._second = _Stack(fold.second, groups, fold.unit_rows, fold.row_length)

    def run(self, rows: NDArray[Any], reductions: list[Reduction], first_rows: NDArray[Any] | None) -> None:
        """Reduce the tile's rows (groups * factor, C)."""
        self._stack.fill(rows if self._partial is None else rows.reshape(self._rows))
        if first_rows is not None:
            first_rows[:] = self._firsts
        for reduction in reductions:
            flat = reduction.out.reshape(-1)
            if self._partial is None:
                reduction.ufunc.reduce(self._stack.values, axis=0, out=flat)
            else:
                reduction.ufunc.reduce(self._stack.values, axis=0, out=self._partial)
                self._second.fill(self._partial_rows)
                reduction.ufunc.reduce(self._second.values, axis=0, out=flat)


class GroupFold:
    """Reduces groups of `factor` neighbouring rows of `row_length` values; owns its work buffers.

    `contiguous` promises that the rows given lie behind one another in memory; otherwise only each row does.
    """

    def __init__(self, dtype: np.dtype[Any], row_length: int, factor: int, contiguous: bool = True) -> None:
        self.row_length, self.factor, self.unit_rows = row_length, factor, 1
        row_bytes = dtype.itemsize * row_length
        # Copying units of 16 bytes and more costs a fraction of copying single small values.
        while contiguous and self.unit_rows * row_bytes < _UNIT_BYTES and factor % (2 * self.unit_rows) == 0:
            self.unit_rows *= 2
        self._groups = TILE_BYTES // (factor * row_bytes) if factor > 1 else 0
        self._wide_rows = max(_WIDE_VALUES // row_length, 1) if contiguous else 1
        if self._groups < _LEAST_GROUPS and factor > _LEAST_GROUPS * self._wide_rows:
            self._groups = 0
        if _is_quick_as_it_is(dtype, row_bytes, factor):
            self._groups = 0
        if self._groups:
            self.stack = work_buffer(self._groups * factor * row_length, dtype)
            self.partial = work_buffer(self._groups * self.unit_rows * row_length, dtype)
            self.second = work_buffer(self.partial.size, dtype)
            self._full = _Tile(self, self._groups)

    def run(self, rows: NDArray[Any], *reductions: Reduction, first_rows: NDArray[Any] | None = None) -> None:
        """Reduce `rows` (groups * factor, C) with each of the reductions.

        `first_rows` (groups, C), where given, receives each group's first row while it is in the cache.
        """
        groups = len(rows) // self.factor
        if not self._groups:
            self._run_plainly(rows.reshape(groups, self.factor, self.row_length), reductions, first_rows)
            return
        for first in range(0, groups, self._groups):
            last = min(first + self._groups, groups)
            tile = self._full if last - first == self._groups else _Tile(self, last - first)
            tile.run(
                rows[first * self.factor : last * self.factor],
                [Reduction(reduction.ufunc, reduction.out[first:last]) for reduction in reductions],
                None if first_rows is None else first_rows[first:last],
            )

    def _run_plainly(
        self, rows: NDArray[Any], reductions: tuple[Reduction, ...], first_rows: NDArray[Any] | None
    ) -> None:
        """The same for groups (groups, factor, C) that are too large to stack, and long enough not to need it.

        Several rows are taken for one wide row, since numpy is slow on narrow ones.
        """
        groups, count, wide_values = (
            len(rows),
            self.factor // self._wide_rows,
            self._wide_rows * self.row_length,
        )
        for reduction in reductions:
            if self._wide_rows == 1 or count < 2:
                reduction.ufunc.reduce(rows, axis=1, out=reduction.out)
                continue
            whole = rows[:, : count * self._wide_rows].reshape(groups, count, wide_values)
            wide = reduction.ufunc.reduce(whole, axis=1).reshape(groups, self._wide_rows, self.row_length)
            rest = rows[:, count * self._wide_rows :]
            reduction.ufunc.reduce(np.concatenate([wide, rest], axis=1), axis=1, out=reduction.out)
        if first_rows is not None:
            first_rows[:] = rows[:, 0]
