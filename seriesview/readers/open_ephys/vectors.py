"""Numbers of one dimension in .npy files, read in parts; and where sample numbers jump."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.npy_arrays import read_header

_BLOCK = 1 << 16
_MOST_STRETCHES = 100_000


@dataclass(frozen=True)
class Vector:
    """Values of a .npy file: as many as the file holds, `counted` is what its header says.

    The program that writes it counts now and then only: after a crash there are more values than the header says.
    """

    path: Path
    dtype: np.dtype[Any]
    offset: int
    count: int
    counted: int

    def read(self, first: int, last: int) -> npt.NDArray[Any]:
        """Values [first, last)."""
        if last <= first:
            return np.empty(0, self.dtype)
        offset = self.offset + first * self.dtype.itemsize
        values = np.fromfile(self.path, self.dtype, last - first, offset=offset)
        if len(values) < last - first:
            raise ReaderError("became shorter while it was read", file=self.path)
        return values

    def take(self, rows: Sequence[int]) -> npt.NDArray[Any]:
        """Values of some rows, in their order; a small file is read once."""
        if self.count <= _BLOCK:
            return self.read(0, self.count)[list(rows)]
        return np.array([self.at(row) for row in rows], self.dtype)

    def at(self, index: int) -> Any:
        """One value, as Python has it."""
        return self.read(index, index + 1)[0].item()


def open_vector(path: Path) -> Vector:
    """The values of a .npy file of one dimension. Raises ReaderError."""
    try:
        with path.open("rb") as file:
            header = read_header(file, (str(path),))
        size = path.stat().st_size
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
    shape = header.shape[:-1] if len(header.shape) == 2 and header.shape[-1] == 1 else header.shape
    if len(shape) != 1 or header.dtype.kind not in "iufSU" or header.dtype.itemsize == 0:
        raise ReaderError(f"{header.dtype} of {len(header.shape)} dimensions, no list of values", file=path)
    count = max(0, size - header.data_offset) // header.dtype.itemsize
    return Vector(path, header.dtype, header.data_offset, count, shape[0])


@dataclass(frozen=True)
class Stretch:
    """Rows whose sample numbers follow one another."""

    first_row: int
    num_rows: int
    first_number: int


def find_stretches(numbers: Vector, count: int) -> list[Stretch] | None:
    """The stretches of the first `count` sample numbers; None where they repeat, go back or jump too often.

    Numbers grow, so that between two of them nothing is missing where their distance is that of their rows: what is
    whole is not read, and where something is missing halves are looked at until the place is found.
    """
    if count == 0:
        return []
    cuts = [(0, int(numbers.at(0)))]
    todo = [(0, cuts[0][1], count - 1, int(numbers.at(count - 1)))]
    while todo:
        low, low_number, high, high_number = todo.pop()
        missing = (high_number - low_number) - (high - low)
        if missing < 0:
            return None
        if missing == 0:
            continue
        if high - low < _BLOCK:
            block = numbers.read(low, high + 1).astype(np.int64)
            steps = np.diff(block)
            if (steps < 1).any():
                return None
            cuts.extend((low + row + 1, int(block[row + 1])) for row in np.flatnonzero(steps > 1).tolist())
        else:
            middle = (low + high) // 2
            left, right = (int(number) for number in numbers.read(middle, middle + 2).tolist())
            todo.append((middle + 1, right, high, high_number))
            todo.append((low, low_number, middle, left))
            if right <= left:
                return None
            if right > left + 1:
                cuts.append((middle + 1, right))
        if len(cuts) > _MOST_STRETCHES:
            return None
    cuts.sort()
    ends = [row for row, _ in cuts[1:]] + [count]
    return [Stretch(row, end - row, number) for (row, number), end in zip(cuts, ends, strict=True)]
