"""Undoing the filters of stored chunks: inflating, and putting shuffled bytes back together."""

from __future__ import annotations

import math
import sys
import threading
import zlib
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from isal import igzip_lib

from seriesview.errors import IntegrityError
from seriesview.layout.byte_file import Bytes

# The package's own types call it an instance.
_ISAL_ERROR = cast("type[Exception]", igzip_lib.error)
# Below what malloc maps anew each time, which costs more than inflating.
_PIECE_BYTES = 1 << 16
_REUSED_BYTES = 4 << 20
_STAGE_BYTES = 1 << 20
_LINE_BYTES = 64
# Shorter rows than a line of the cache are put together first and stored in one piece each.
_NARROW_BYTES = _LINE_BYTES
# Rows of up to so many bytes are copied faster as one item each.
_ONE_PIECE_BYTES = 256
_FEW_CHANNELS = 8
"""So few are put in place one by one: numpy goes through rows, and takes a while for each."""
# A cache of first level: sets, and lines in each.
_SETS, _WAYS = 64, 8
_SPREAD_BYTES = 1 << 19


class Workspace:
    """Memory of one thread at work, used again for each chunk; chunks of more than 4 MiB get their own."""

    def __init__(self) -> None:
        self._held: dict[str, Bytes] = {}

    def take(self, purpose: str, num_bytes: int) -> Bytes:
        """Bytes uint8 (num_bytes,) of any content, until the next call of the same purpose."""
        if num_bytes > _REUSED_BYTES:
            return np.empty(num_bytes, np.uint8)
        held = self._held.get(purpose)
        if held is None or len(held) < num_bytes:
            held = self._held[purpose] = np.empty(num_bytes, np.uint8)
        return held[:num_bytes]


_of_thread = threading.local()


def thread_workspace() -> Workspace:
    """This thread's own."""
    held: Workspace | None = getattr(_of_thread, "workspace", None)
    if held is None:
        held = _of_thread.workspace = Workspace()
    return held


def inflate_into(out: Bytes, stored: Bytes, where: tuple[str, ...]) -> None:
    """Fill `out`, uint8 (num_bytes,), with what a zlib stream holds. Raises IntegrityError for anything else."""
    try:
        size = _inflate_by_isal(out, stored)
    except _ISAL_ERROR:
        # isal is stricter than the library that HDF5 writes with; that one has the last word.
        size = _inflate_by_zlib(out, stored, where)
    if size != len(out):
        held = f"more than {len(out)}" if size > len(out) else f"{size}"
        raise IntegrityError(
            f"holds {held} bytes, not {len(out)}; the file was changed or damaged", file=where
        )


def _inflate_by_isal(out: Bytes, stored: Bytes) -> int:
    """How many bytes the stream holds; one more than `out` stands for more."""
    stream = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_ZLIB)
    rest: memoryview | bytes = stored.data
    filled = 0
    while not stream.eof:
        piece = stream.decompress(rest, _PIECE_BYTES)
        rest = b""
        if filled + len(piece) > len(out):
            return len(out) + 1
        if not piece and not stream.eof:
            raise _ISAL_ERROR("it ends too early")
        out[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
        filled += len(piece)
    return filled


def _inflate_by_zlib(out: Bytes, stored: Bytes, where: tuple[str, ...]) -> int:
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(stored.data, len(out) + 1)
        if len(unpacked) <= len(out) and not stream.eof:
            unpacked += stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise IntegrityError(
            f"its {len(stored)} bytes cannot be inflated ({error}); the file was changed or damaged",
            file=where,
        ) from error
    if len(unpacked) <= len(out) and not stream.eof:
        raise IntegrityError(
            f"its {len(stored)} bytes end before what they hold does; the file was changed or damaged",
            file=where,
        )
    fitting = np.frombuffer(unpacked, np.uint8)[: len(out)]
    out[: len(fitting)] = fitting
    return len(unpacked)


def unshuffle_into(out: npt.NDArray[Any], planes: Bytes, is_native: bool, workspace: Workspace) -> None:
    """Fill `out` (rows, columns), its columns neighbours, from its values' bytes (itemsize, rows, columns).

    Plane b holds byte b of every value, as the file counts them; `is_native`: memory counts them alike.
    """
    if not is_native:
        planes = planes[::-1]
    rows, columns = out.shape
    row_bytes = columns * out.dtype.itemsize
    if out.flags.c_contiguous or row_bytes >= _NARROW_BYTES:
        _join_planes(out, planes)
        return
    step = _STAGE_BYTES // row_bytes
    stage = workspace.take("stage", min(step, rows) * row_bytes).view(out.dtype).reshape(-1, columns)
    for first in range(0, rows, step):
        part = out[first : first + step]
        _join_planes(stage[: len(part)], planes[:, first : first + step])
        put_columns(part, stage[: len(part)])


def whole_rows(out: npt.NDArray[Any], values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Both (rows, columns), for copying: narrow rows of one dtype are copied faster in one piece each."""
    row_bytes = out.shape[1] * out.dtype.itemsize
    if out.dtype == values.dtype and out.dtype.itemsize < row_bytes < _ONE_PIECE_BYTES:
        whole_row = np.dtype((np.void, row_bytes))
        return out.view(whole_row), values.view(whole_row)
    return out, values


def put_columns(out: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
    """Copy `values` (rows, columns) to `out`."""
    to, rows = whole_rows(out, values)
    to[...] = rows


def put_turned(out: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
    """Put samples (..., n, channels) in place of which those of one channel are neighbours."""
    channels = out.shape[-1]
    if channels <= _FEW_CHANNELS:
        for channel in range(channels):
            out[..., channel] = values[..., channel]
    elif _is_crowded(values):
        _put_spread(out, values)
    else:
        out[...] = values


def _is_crowded(values: npt.NDArray[Any]) -> bool:
    """Whether channels lie such powers of two apart that a cache has place for few: each would leave it at once."""
    num_bytes, step = values.shape[-2] * values.itemsize, abs(values.strides[-1])
    if step % _LINE_BYTES or not step >= num_bytes >= 4 * _LINE_BYTES:
        return False
    sets = _SETS // math.gcd(step // _LINE_BYTES, _SETS)
    return sets < _SETS and values.shape[-1] > sets * _WAYS


def spread_rows(num_rows: int, num_values: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Rows (num_rows, num_values) that begin in different places of a cache, of any content, until the next call."""
    pitch = (-(-num_values * dtype.itemsize // _LINE_BYTES) | 1) * _LINE_BYTES
    rows = thread_workspace().take("spread", num_rows * pitch).view(dtype)
    return rows.reshape(num_rows, pitch // dtype.itemsize)[:, :num_values]


def _put_spread(out: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
    """Some samples at a time, whose channels are brought to places that do not share lines of a cache."""
    *outer, num_samples, channels = values.shape
    most = max(4 * _LINE_BYTES, _SPREAD_BYTES // (math.prod(outer) * channels)) // values.itemsize
    rows = spread_rows(math.prod(outer) * channels, min(most, num_samples), values.dtype)
    spread = rows.reshape(*outer, channels, -1).swapaxes(-1, -2)
    for first in range(0, num_samples, most):
        part = values[..., first : first + most, :]
        held = spread[..., : part.shape[-2], :]
        held[...] = part
        out[..., first : first + most, :] = held


def _join_planes(out: npt.NDArray[Any], planes: Bytes) -> None:
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
