"""Stored values that stand for no value: treated as NaN is, while samples keep their dtype.

Integers have no NaN. A low over missing samples is taken over the dtype's highest value in their place, a high over
its lowest, so that a bin with nothing else comes out with its low above its high; such a bin is stored as `fill`.
Of floats missing samples become NaN, and so does a bin with nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seriesview.envelope.bins import sample_dtype

_FEW_CHANNELS = 16


@dataclass(frozen=True)
class Missing:
    """Stored values of a channel that stand for none: the listed ones, those below `below` and above `above`.

    All are numbers that the samples' dtype holds.
    """

    values: tuple[int | float, ...] = ()
    below: int | float | None = None
    above: int | float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no value is missing."""
        return not self.values and self.below is None and self.above is None

    def fill(self, dtype: DTypeLike) -> int | float:
        """What a bin with nothing else holds: NaN for floats, the first value, or the dtype's end out of range."""
        native = np.dtype(dtype)
        if native.kind == "f":
            return np.nan
        if self.values:
            return self.values[0]
        limits = np.iinfo(native)
        return int(limits.max) if self.below is None and self.above is not None else int(limits.min)


class MissingValues:
    """Which stored values are missing in each of C channels; None stands for a channel without any."""

    def __init__(self, dtype: DTypeLike, channels: Sequence[Missing | None]) -> None:
        self.dtype = sample_dtype(dtype)
        found = [Missing() if missing is None else missing for missing in channels]
        most = max((len(missing.values) for missing in found), default=0)
        self._values = np.zeros((most, len(found)), self.dtype)
        self._is_listed = np.zeros((most, len(found)), bool)
        for place, missing in enumerate(found):
            count = len(missing.values)
            self._values[:count, place] = np.array(missing.values, self.dtype)
            self._is_listed[:count, place] = True
        limits = _limits(self.dtype)
        self._below = _ends([missing.below for missing in found], limits[0], self.dtype)
        self._above = _ends([missing.above for missing in found], limits[1], self.dtype)
        self.fill = np.array([missing.fill(self.dtype) for missing in found], self.dtype)
        self._uniform = found[0] if len(set(found)) == 1 else None

    def select(self, channels: slice | NDArray[np.intp]) -> MissingValues:
        """Those of some channels."""
        chosen = MissingValues.__new__(MissingValues)
        chosen.dtype, chosen._uniform = self.dtype, self._uniform
        chosen._values, chosen._is_listed = self._values[:, channels], self._is_listed[:, channels]
        chosen._below = None if self._below is None else self._below[channels]
        chosen._above = None if self._above is None else self._above[channels]
        chosen.fill = self.fill[channels]
        return chosen

    def mask(self, rows: NDArray[Any]) -> NDArray[np.bool_]:
        """Where rows (..., C) hold a missing value; NaN is not looked for."""
        found = np.zeros(rows.shape, bool)
        if self._uniform is not None:
            # Comparing with single numbers runs along all rows, whatever their length.
            self._mark(rows, found, 0)
        elif rows.shape[-1] <= _FEW_CHANNELS:
            for channel in range(rows.shape[-1]):
                self._mark(rows[..., channel], found[..., channel], channel)
        else:
            for values, is_listed in zip(self._values, self._is_listed, strict=True):
                found |= (rows == values) & is_listed
            if self._below is not None:
                found |= rows < self._below
            if self._above is not None:
                found |= rows > self._above
        return found

    def _mark(self, rows: NDArray[Any], found: NDArray[np.bool_], channel: int) -> None:
        """Mark what is missing in rows that are all of one channel, or of channels that are alike."""
        if not self.fill.size:
            return
        for value in self._values[self._is_listed[:, channel], channel]:
            found |= rows == value
        if self._below is not None:
            found |= rows < self._below[channel]
        if self._above is not None:
            found |= rows > self._above[channel]

    def lows_and_highs(self, samples: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Samples (..., C) for lows and for highs, in which missing ones count for nothing; the same for floats."""
        mask = self.mask(samples)
        if self.dtype.kind == "f":
            marked = np.where(mask, self.dtype.type(np.nan), samples)
            return marked, marked
        lowest, highest = _limits(self.dtype)
        return np.where(mask, highest, samples), np.where(mask, lowest, samples)

    def opened(self, bins: NDArray[Any]) -> NDArray[Any]:
        """Bins (n, 2, C) in which those with nothing have their low above their high; floats as they are."""
        if self.dtype.kind == "f":
            return bins
        low, high = self.lows_and_highs(bins)
        return np.stack([low[:, 0], high[:, 1]], axis=1)

    def closed(self, bins: NDArray[Any]) -> NDArray[Any]:
        """Bins (..., 2, C) in which those with their low above their high hold `fill`; in place."""
        if self.dtype.kind != "f":
            is_empty = bins[..., 0, :] > bins[..., 1, :]
            if is_empty.any():
                np.copyto(bins, self.fill, where=is_empty[..., np.newaxis, :])
        return bins

    def as_floats(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Rows (..., C) as float64, NaN in place of missing values."""
        found = rows.astype(np.float64)
        found[self.mask(rows)] = np.nan
        return found


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Lowest and highest value of a dtype."""
    if dtype.kind == "f":
        return dtype.type(-np.inf), dtype.type(np.inf)
    limits = np.iinfo(dtype)
    return dtype.type(limits.min), dtype.type(limits.max)


def _ends(ends: Sequence[int | float | None], otherwise: Any, dtype: np.dtype[Any]) -> NDArray[Any] | None:
    """One end of each channel's range (C,), or None where no channel has one."""
    if all(end is None for end in ends):
        return None
    return np.array([otherwise if end is None else end for end in ends], dtype)
