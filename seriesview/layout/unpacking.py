"""Undoing the filters of stored chunks: inflating, and putting shuffled bytes back together."""

from __future__ import annotations

import sys
import zlib
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from seriesview.errors import IntegrityError
from seriesview.layout.byte_file import Bytes

# The package's own types call it an instance.
_ISAL_ERROR = cast("type[Exception]", isal_zlib.error)


def inflate(stored: Bytes, num_bytes: int, where: str) -> Bytes:
    """The uint8 (num_bytes,) that a zlib stream holds. Raises IntegrityError for anything else."""
    unpacked: bytes
    try:
        unpacked = isal_zlib.decompress(stored.data, bufsize=num_bytes)
    except _ISAL_ERROR:
        # isal is stricter than the library that HDF5 writes with; that one has the last word.
        try:
            unpacked = zlib.decompress(stored.data, bufsize=num_bytes)
        except zlib.error as error:
            raise IntegrityError(
                f"{where}: its {len(stored)} bytes cannot be inflated ({error}); the file was changed or damaged"
            ) from error
    if len(unpacked) != num_bytes:
        raise IntegrityError(
            f"{where}: holds {len(unpacked)} bytes, not {num_bytes}; the file was changed or damaged"
        )
    return np.frombuffer(unpacked, np.uint8)


def unshuffle_into(out: npt.NDArray[Any], planes: Bytes, is_native: bool) -> None:
    """Fill `out` (rows, columns), of any strides, from its values' bytes (itemsize, rows, columns).

    Plane b holds byte b of every value, as the file counts them; `is_native`: memory counts them alike.
    """
    if not is_native:
        planes = planes[::-1]
    if out.dtype.itemsize == 2:
        low, high = planes if sys.byteorder == "little" else planes[::-1]
        # Shifting is vectorized, assigning every second byte is not.
        words = out.view(np.uint16)
        np.left_shift(high, 8, out=words, dtype=np.uint16)
        np.bitwise_or(words, low, out=words)
        return
    values = out.view(np.uint8).reshape(*out.shape, -1) if out.flags.c_contiguous else _bytes_of(out)
    for index, plane in enumerate(planes):
        values[..., index] = plane


def _bytes_of(values: npt.NDArray[Any]) -> Bytes:
    """View of the bytes (rows, columns, itemsize) of an array of any strides."""
    return np.lib.stride_tricks.as_strided(
        values.view(np.uint8), (*values.shape, values.dtype.itemsize), (*values.strides, 1)
    )
