"""Arrays and manifests as JSON values that figurl decodes: no NaN outside arrays, no dtype that it does not know."""

from __future__ import annotations

import binascii
import json
import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import FormatError, TaskError
from seriesview.series.series import Series

_SENT_AS = {
    "float32": "float32",
    "float64": "float64",
    "int16": "int16",
    "int32": "int32",
    "uint8": "uint8",
    "int8": "int16",
    "uint16": "int32",
    "uint32": "float64",
    "int64": "float64",
    "uint64": "float64",
    "float16": "float32",
}

_EXACT = 2**53
_WIDE_BYTES = 8
_MAX_DEPTH = 32
_NOTHING = zlib.compress(b"")


def sent_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """The little-endian dtype in which an array of `dtype` is sent; every value keeps its number."""
    return np.dtype(_SENT_AS[np.dtype(dtype).newbyteorder("=").name]).newbyteorder("<")


def encode_stored(
    series: Series,
    stored: npt.NDArray[Any],
    channels: Sequence[str] | None = None,
    *,
    halves: bool = False,
) -> dict[str, Any]:
    """Stored values (..., C) of a series as `encode_array`: missing ones are the numbers that they are.

    64-bit integers are sent as doubles, which do not hold every number: missing ones among them are NaN. Or in
    `halves`, int32 (..., C, 2), the lower one first, which hold them all.
    """
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize < _WIDE_BYTES:
        return encode_array(stored)
    if halves:
        little = np.ascontiguousarray(stored, stored.dtype.newbyteorder("<"))
        return encode_array(little.view("<i4").reshape(*stored.shape, 2))
    missing = series.is_missing(stored, channels)
    if not missing.any():
        return encode_array(stored)
    doubles = _converted(np.where(missing, stored.dtype.type(0), stored))
    doubles[missing] = np.nan
    return encode_array(doubles)


def encode_array(array: npt.NDArray[Any]) -> dict[str, Any]:
    """`{_type: 'ndarray', shape, dtype, data_b64}`; TaskError for integers that a double does not hold.

    An array without elements has `data_gzip_b64`, a zlib stream, since readers refuse an empty `data_b64`.
    """
    sent = np.ascontiguousarray(_converted(array))
    key, data = ("data_b64", sent.data) if sent.size else ("data_gzip_b64", memoryview(_NOTHING))
    return {
        "_type": "ndarray",
        "shape": list(array.shape),
        "dtype": sent.dtype.name,
        key: str(binascii.b2a_base64(data, newline=False), "ascii"),
    }


def _converted(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    dtype = sent_dtype(array.dtype)
    if array.dtype.kind in "iu" and array.dtype.itemsize == _WIDE_BYTES and not _fits_doubles(array):
        raise TaskError(
            f"integers from {array.min()} to {array.max()} cannot be sent exactly, as doubles; "
            "read the series in Python, with seriesview.open_series()"
        )
    return array.astype(dtype, copy=False)


def _fits_doubles(array: npt.NDArray[Any]) -> bool:
    """Whether a double holds each of 64-bit integers: those of at most 53 significant bits."""
    beyond = array > _EXACT
    if array.dtype.kind == "i":
        beyond |= array < -_EXACT
    large = array[beyond]
    # Unsigned negation is modulo 2**64, so that the lowest integer has its magnitude too.
    magnitude = large.astype(np.uint64)
    magnitude = np.where(large < 0, ~magnitude + np.uint64(1), magnitude)
    lowest_bit = magnitude & (~magnitude + np.uint64(1))
    return bool((magnitude // lowest_bit <= np.uint64(_EXACT)).all())


def encode_document(document: Any, what: str) -> Any:
    """A manifest as it is stored; FormatError where it is nested deep.

    Numbers that are not finite are null, and integers of `missing` that no double holds are texts: whoever parses
    JSON to doubles compares 64-bit samples with them.
    """
    return _document(document, what, _MAX_DEPTH)


def _document(value: Any, what: str, depth: int) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise FormatError(f"{what}: objects within objects, more than {_MAX_DEPTH} deep, are no manifest")
    if isinstance(value, dict):
        return {
            key: _document(_exact_texts(item) if key == "missing" else item, what, depth - 1)
            for key, item in value.items()
        }
    return [_document(item, what, depth - 1) for item in value]


def _exact_texts(missing: Any) -> Any:
    """What a manifest says is missing, with texts in place of integers beyond 2^53."""
    if isinstance(missing, dict):
        return {key: _exact_texts(item) for key, item in missing.items()}
    if isinstance(missing, list):
        return [_exact_texts(item) if isinstance(item, int) else item for item in missing]
    return str(missing) if isinstance(missing, int) and abs(missing) > _EXACT else missing


def result_bytes(value: Any) -> bytes:
    """The JSON of a result: compact, ASCII, without NaN."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
