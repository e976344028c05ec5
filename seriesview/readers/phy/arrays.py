"""The .npy arrays of a phy folder, read in blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.npy_arrays import read_header

BLOCK_SPIKES = 1 << 18
_MOST_DIMENSIONS = 3


@dataclass(frozen=True)
class StoredArray:
    """An array of numbers in a file; indexing copies what is asked for, and keeps nothing of the file in memory."""

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    order: Literal["C", "F"]

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        whole: npt.NDArray[Any]
        if self.size == 0:
            return np.array(np.empty(self.shape, self.dtype)[key])
        try:
            whole = np.memmap(self.path, self.dtype, "r", self.offset, self.shape, self.order)
        except (OSError, ValueError) as error:
            raise ReaderError(f"changed while it was read: {error}", file=self.path) from error
        return np.array(whole[key])


def stored_array(path: Path) -> StoredArray | None:
    """An array of numbers, not read yet; None where there is no such file. Raises ReaderError."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            header = read_header(file, (str(path),))
        size = path.stat().st_size
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
    shape = header.shape
    if not 1 <= len(shape) <= _MOST_DIMENSIONS or any(type(each) is not int or each < 0 for each in shape):
        raise ReaderError(f"an array of shape {str(shape)[:60]} is not expected here", file=path)
    if header.dtype.kind not in "iuf":
        raise ReaderError(f"numbers are expected, not {str(header.dtype)[:60]}", file=path)
    missing = header.data_offset + math.prod(shape) * header.dtype.itemsize - size
    if missing > 0:
        raise ReaderError(f"cut short: {missing} bytes are missing at its end", file=path)
    return StoredArray(path, header.dtype, shape, header.data_offset, "F" if header.fortran_order else "C")


def stored_vector(path: Path) -> StoredArray | None:
    """An array (n,), or (n, 1) or (1, n), as (n,). Raises ReaderError."""
    array = stored_array(path)
    if array is None:
        return None
    if array.size != max(array.shape):
        raise ReaderError(f"one number a row is expected, not shape {array.shape}", file=path)
    return replace(array, shape=(array.size,))


def blocks(count: int) -> Iterator[slice]:
    """The spikes, so many at a time."""
    for first in range(0, count, BLOCK_SPIKES):
        yield slice(first, min(first + BLOCK_SPIKES, count))
