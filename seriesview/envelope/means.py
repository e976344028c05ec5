"""Levels of means: what is summed up of densities, whose lows and highs say nothing of power over a longer time.

Bins are of intervals between samples, each of which has the value of the sample that it begins with: a segment's last
sample begins none, and counts where it is the only one. A bin (2, C) is the mean of its samples that are not NaN, and
their number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seriesview.envelope.bins import as_rows, sample_dtype
from seriesview.errors import BuildError


def _checked(dtype: DTypeLike, factor: int) -> np.dtype[Any]:
    found = sample_dtype(dtype)
    if factor < 2 or found.kind != "f":
        raise BuildError(f"there are no means of {factor} samples of {found}: 2 and floats are the least")
    return found


class MeanReducer:
    """Reduces a segment's samples, block by block, to bins of means; then is ready for the next."""

    def __init__(self, dtype: DTypeLike, num_channels: int, factor: int) -> None:
        self._dtype, self._factor = _checked(dtype, factor), factor
        self._rest = np.empty((0, num_channels), self._dtype)
        self._any_bins = False

    def add(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Take samples (n, C), any n; return the bins (bins, 2, C) that they complete."""
        rows = np.concatenate([self._rest, as_rows(samples, self._dtype, self._rest.shape[1:])])
        # The last one so far may be the segment's.
        count = max(len(rows) - 1, 0) // self._factor
        self._any_bins |= count > 0
        self._rest = rows[count * self._factor :]
        groups = rows[: count * self._factor].reshape(count, self._factor, *rows.shape[1:])
        return _stored(*sums(groups), self._dtype)

    def finish(self) -> NDArray[Any]:
        """End the segment; return its last bin (1, 2, C), or none."""
        rest = self._rest if len(self._rest) == 1 and not self._any_bins else self._rest[:-1]
        found = _stored(*sums(rest[np.newaxis][: min(1, len(rest))]), self._dtype)
        self._rest, self._any_bins = self._rest[:0], False
        return found


class MeanMerger:
    """Merges a segment's bins of means, block by block, into those of `ratio` neighbours."""

    def __init__(self, dtype: DTypeLike, num_channels: int, ratio: int) -> None:
        self._dtype, self._ratio = _checked(dtype, ratio), ratio
        self._rest = np.empty((0, 2, num_channels), self._dtype)

    def add(self, bins: NDArray[Any]) -> NDArray[Any]:
        """Take bins (n, 2, C), any n; return the merged bins that they complete."""
        rows = np.concatenate([self._rest, as_rows(bins, self._dtype, self._rest.shape[1:])])
        count = len(rows) // self._ratio
        self._rest = rows[count * self._ratio :]
        groups = rows[: count * self._ratio].reshape(count, self._ratio, *rows.shape[1:])
        return _stored(*sums_of_bins(groups), self._dtype)

    def finish(self) -> NDArray[Any]:
        """End the segment; return its last merged bin (1, 2, C), or none."""
        found = _stored(*sums_of_bins(self._rest[np.newaxis][: min(1, len(self._rest))]), self._dtype)
        self._rest = self._rest[:0]
        return found


def sums(groups: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number (m, C) of the samples of groups (m, n, C) that are not NaN, added up in their order."""
    is_there = ~np.isnan(groups)
    total = np.add.reduce(np.where(is_there, groups, 0), axis=1, dtype=np.float64)
    return total, is_there.sum(axis=1, dtype=np.float64)


def sums_of_bins(groups: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number (m, C) of the samples in groups of bins (m, n, 2, C)."""
    means, counts = groups[:, :, 0].astype(np.float64), groups[:, :, 1].astype(np.float64)
    total = np.add.reduce(np.where(counts > 0, means, 0.0) * counts, axis=1)
    return total, np.add.reduce(counts, axis=1)


def means(total: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over numbers, NaN where there is nothing, and 0.0 for -0.0."""
    with np.errstate(invalid="ignore"):
        found = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return found + 0.0


def _stored(total: NDArray[np.float64], counts: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Bins (m, 2, C) as levels hold them."""
    with np.errstate(over="ignore"):
        return np.stack([means(total, counts), counts], axis=1).astype(dtype)
