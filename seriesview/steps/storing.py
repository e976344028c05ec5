"""How the outputs of steps are stored: as the source's integers where that can be, else as floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.envelope.missing import Missing, MissingValues
from seriesview.steps.pieces import Rows
from seriesview.steps.traits import Channel, SourceTraits

_VALUES_AT_ONCE = 2**17


@dataclass(frozen=True)
class Counted:
    """Stored values (n, C), and how many of them did not fit, or were what stands for no value and moved by one."""

    values: NDArray[Any]
    clipped: int = 0
    moved: int = 0


@dataclass(frozen=True)
class Storing:
    """What turns rows into stored values of a dtype; `shifts` (C,) is added to integers before they are rounded."""

    dtype: np.dtype[Any]
    shifts: Rows
    fills: tuple[int | None, ...]

    def __call__(self, rows: Rows) -> Counted:
        """Rows (C, n) as stored values (n, C), C order; rows may be overwritten."""
        values = np.empty(rows.shape[::-1], self.dtype)
        clipped = moved = 0
        at_once = max(1, _VALUES_AT_ONCE // len(rows))
        for start in range(0, rows.shape[1], at_once):
            part = slice(start, start + at_once)
            if self.dtype.kind == "f":
                values[part] = rows[:, part].T
            else:
                counts = self._integers(rows[:, part], values[part])
                clipped, moved = clipped + counts[0], moved + counts[1]
        return Counted(values, clipped, moved)

    def _integers(self, rows: Rows, values: NDArray[Any]) -> tuple[int, int]:
        """Fill in values (n, C) out of rows (C, n): how many were clipped, and how many moved."""
        if self.shifts.any():
            rows += self.shifts[:, np.newaxis]
        masks = {place: np.isnan(rows[place]) for place, fill in enumerate(self.fills) if fill is not None}
        for place, mask in masks.items():
            rows[place, mask] = 0.0
        np.rint(rows, out=rows)
        limits = np.iinfo(self.dtype)
        # The highest 64-bit integers are no doubles.
        high = float(limits.max) if limits.max < 2**53 else float(np.nextafter(float(limits.max), 0))
        clipped = 0
        if rows.min() < limits.min or rows.max() > high:
            clipped = int(np.count_nonzero((rows < limits.min) | (rows > high)))
            np.clip(rows, limits.min, high, out=rows)
        values[...] = rows.astype(self.dtype).T
        moved = 0
        for place, mask in masks.items():
            fill = self.fills[place]
            assert fill is not None
            meets = (values[:, place] == fill) & ~mask
            moved += int(np.count_nonzero(meets))
            values[meets, place] = fill + 1 if fill < limits.max else fill - 1
            values[mask, place] = fill
        return clipped, moved


def output_of(source: SourceTraits, rate: float, channels: Sequence[Channel]) -> tuple[SourceTraits, Storing]:
    """The traits of the series that is made, and what turns rows into its stored values."""
    dtype = _dtype(source.dtype, all(channel.keeps_steps for channel in channels))
    shifts = np.zeros(len(channels))
    missing: list[Missing | None] = [None] * len(channels)
    if dtype.kind != "f":
        middle = 0.0 if dtype.kind == "i" else 2.0 ** (8 * dtype.itemsize - 1)
        shifts[:] = [middle if channel.is_centred else 0.0 for channel in channels]
        fills = [_fill(channel, dtype) for channel in channels]
        missing = [None if fill is None else Missing((fill,)) for fill in fills]
    else:
        fills = [None] * len(channels)
    output = SourceTraits(
        rate,
        dtype,
        tuple(channel.label for channel in channels),
        tuple(channel.scale for channel in channels),
        tuple(
            channel.offset - float(shift) * channel.scale
            for channel, shift in zip(channels, shifts, strict=True)
        ),
        tuple(channel.unit for channel in channels),
        tuple(channel.type for channel in channels),
        tuple(channel.group for channel in channels),
        tuple(missing),
        frozenset(place for place, channel in enumerate(channels) if channel.is_bad),
        _shifts_of(channels),
    )
    return output, Storing(dtype, shifts, tuple(fills))


def rows_of(values: NDArray[Any], missing: MissingValues | None) -> Rows:
    """Stored values (n, C) as rows (C, n) of float64; what is missing or not finite is NaN."""
    rows = np.empty(values.shape[::-1])
    rows[...] = values.T
    if missing is not None:
        rows[missing.mask(values).T] = np.nan
    if values.dtype.kind == "f":
        rows[~np.isfinite(rows)] = np.nan
    return rows


def _dtype(source: np.dtype[Any], keeps_steps: bool) -> np.dtype[Any]:
    if source.kind in "bui" and keeps_steps:
        return np.dtype(np.uint8) if source.kind == "b" else source.newbyteorder("=")
    return np.dtype(np.float64 if source.itemsize == 8 else np.float32)


def _fill(channel: Channel, dtype: np.dtype[Any]) -> int | None:
    if not channel.may_miss:
        return None
    return int((channel.missing or Missing()).fill(dtype))


def _shifts_of(channels: Sequence[Channel]) -> tuple[float, ...] | None:
    shifts = [channel.shift for channel in channels if channel.shift is not None]
    return tuple(shifts) if len(shifts) == len(channels) and shifts else None
