"""Levels and moments of samples among which some are missing: the reducers of plain samples, told to pass over them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seriesview.envelope.bins import as_rows
from seriesview.envelope.missing import MissingValues
from seriesview.envelope.moments import MOMENTS_FACTOR, MomentReducer, moments_dtype
from seriesview.envelope.reduce import LevelMerger, LevelReducer


class BinReducer(Protocol):
    """Takes rows of one segment block by block, and returns the bins that they complete."""

    def add(self, rows: NDArray[Any], /) -> NDArray[Any]:
        """Take rows; return the bins that are complete now."""
        ...

    def finish(self) -> NDArray[Any]:
        """End the segment; return the rest."""
        ...


def level_reducer(
    dtype: np.dtype[Any], num_channels: int, factor: int, missing: MissingValues | None = None
) -> BinReducer:
    """A reducer of samples to closed bins, which passes over missing ones."""
    if missing is None:
        return LevelReducer(dtype, num_channels, factor)
    return _MissingLevels(dtype, num_channels, factor, missing)


def level_merger(
    dtype: np.dtype[Any], num_channels: int, ratio: int, missing: MissingValues | None = None
) -> BinReducer:
    """A merger of closed bins, which passes over those that hold nothing."""
    if missing is None or missing.dtype.kind == "f":
        return LevelMerger(dtype, num_channels, ratio)
    return _MissingMerger(dtype, num_channels, ratio, missing)


def moment_reducer(
    dtype: np.dtype[Any],
    num_channels: int,
    factor: int = MOMENTS_FACTOR,
    missing: MissingValues | None = None,
) -> BinReducer:
    """A reducer of samples to moments, which does not count missing ones."""
    if missing is None:
        return MomentReducer(dtype, num_channels, factor)
    if moments_dtype(dtype) == np.dtype(np.int64):
        return _MissingIntegerMoments(dtype, num_channels, factor, missing)
    return _MissingFloatMoments(num_channels, factor, missing)


class _MissingLevels:
    """A LevelReducer for lows and, of integers, another for highs."""

    def __init__(self, dtype: np.dtype[Any], num_channels: int, factor: int, missing: MissingValues) -> None:
        self._missing = missing
        self._shape = (num_channels,)
        self._lows = LevelReducer(dtype, num_channels, factor)
        self._highs = LevelReducer(dtype, num_channels, factor) if missing.dtype.kind != "f" else None

    def add(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Take samples (n, C); return bins (bins, 2, C)."""
        low, high = self._missing.lows_and_highs(as_rows(samples, self._missing.dtype, self._shape))
        if self._highs is None:
            return self._lows.add(low)
        return self._joined(self._lows.add(low), self._highs.add(high))

    def finish(self) -> NDArray[Any]:
        """End the segment; return its last bin, or none."""
        if self._highs is None:
            return self._lows.finish()
        return self._joined(self._lows.finish(), self._highs.finish())

    def _joined(self, low: NDArray[Any], high: NDArray[Any]) -> NDArray[Any]:
        low[:, 1] = high[:, 1]
        return self._missing.closed(low)


class _MissingMerger:
    """A LevelMerger of integers' bins, some of which hold nothing."""

    def __init__(self, dtype: np.dtype[Any], num_channels: int, ratio: int, missing: MissingValues) -> None:
        self._missing = missing
        self._merger = LevelMerger(dtype, num_channels, ratio)

    def add(self, bins: NDArray[Any]) -> NDArray[Any]:
        """Take bins (n, 2, C); return merged ones."""
        return self._missing.closed(self._merger.add(self._missing.opened(bins)))

    def finish(self) -> NDArray[Any]:
        """End the segment; return its last merged bin, or none."""
        return self._missing.closed(self._merger.finish())


class _MissingIntegerMoments:
    """Moments of small integers: missing ones are summed as 0, and counted beside, to be taken from the count."""

    def __init__(self, dtype: np.dtype[Any], num_channels: int, factor: int, missing: MissingValues) -> None:
        self._missing = missing
        self._shape = (num_channels,)
        self._moments = MomentReducer(dtype, num_channels, factor)
        self._absent = MomentReducer(np.uint8, num_channels, factor)

    def add(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Take samples (n, C); return moments (bins, 3, C)."""
        samples = as_rows(samples, self._missing.dtype, self._shape)
        mask = self._missing.mask(samples)
        moments = self._moments.add(np.where(mask, samples.dtype.type(0), samples))
        return self._counted(moments, self._absent.add(mask.view(np.uint8), (0, 1)))

    def finish(self) -> NDArray[Any]:
        """End the segment; return the moments of its last bin, or none."""
        return self._counted(self._moments.finish(), self._absent.finish())

    @staticmethod
    def _counted(moments: NDArray[Any], absent: NDArray[Any]) -> NDArray[Any]:
        moments[:, 0] -= absent[:, 1]
        return moments


class _MissingFloatMoments:
    """Moments of all other samples, which are float64 then, NaN in place of missing ones."""

    def __init__(self, num_channels: int, factor: int, missing: MissingValues) -> None:
        self._missing = missing
        self._shape = (num_channels,)
        self._moments = MomentReducer(np.float64, num_channels, factor)

    def add(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Take samples (n, C); return moments (bins, 3, C)."""
        return self._moments.add(self._missing.as_floats(as_rows(samples, self._missing.dtype, self._shape)))

    def finish(self) -> NDArray[Any]:
        """End the segment; return the moments of its last bin, or none."""
        return self._moments.finish()
