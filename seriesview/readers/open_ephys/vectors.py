"""Numbers of one dimension in .npy files, read in parts."""

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
