"""The .npy arrays of a phy folder, mapped into memory and read in blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.npy_arrays import read_header

BLOCK_SPIKES = 1 << 18
_MOST_DIMENSIONS = 3


def mapped(path: Path) -> npt.NDArray[Any] | None:
    """An array of numbers, not read yet; None where there is no such file. Raises ReaderError."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            header = read_header(file, (str(path),))
        shape = header.shape
        if any(type(length) is not int or length < 0 for length in shape) or len(shape) > _MOST_DIMENSIONS:
            raise ReaderError(f"an array of shape {str(shape)[:60]} is not expected here", file=path)
        if header.dtype.kind not in "iuf" or header.dtype.hasobject:
            raise ReaderError(f"numbers are expected, not {str(header.dtype)[:60]}", file=path)
        needed = header.data_offset + math.prod(shape) * header.dtype.itemsize
        if path.stat().st_size < needed:
            raise ReaderError(
                f"cut short: {needed - path.stat().st_size} bytes are missing at its end", file=path
            )
        if math.prod(shape) == 0:
            return np.empty(shape, header.dtype)
        order = "F" if header.fortran_order else "C"
        return np.memmap(path, header.dtype, "r", header.data_offset, shape, order)  # type: ignore[call-overload,no-any-return]
    except (OSError, ValueError, OverflowError) as error:
        raise ReaderError(f"cannot be read: {error}", file=path) from error


def mapped_vector(path: Path) -> npt.NDArray[Any] | None:
    """An array (n,), or (n, 1) or (1, n), as (n,). Raises ReaderError."""
    array = mapped(path)
    if array is None:
        return None
    if array.size != max(array.shape, default=1):
        raise ReaderError(f"one number a row is expected, not shape {array.shape}", file=path)
    return array.reshape(-1)


def blocks(count: int) -> Iterator[slice]:
    """The spikes, so many at a time."""
    for first in range(0, count, BLOCK_SPIKES):
        yield slice(first, min(first + BLOCK_SPIKES, count))
