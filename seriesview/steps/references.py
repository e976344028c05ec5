"""References: what channels are measured against, their mean or median, or some of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.pieces import Rows

_VALUES_AT_ONCE = 2**17
_SORTED_AT_ONCE = 2**14


@dataclass(frozen=True)
class Referencing:
    """Subtracts from the rows at `places` the mean or median of those at `of`."""

    places: NDArray[np.intp]
    of: NDArray[np.intp]
    is_median: bool
    may_miss: bool

    def __call__(self, rows: Rows) -> Rows:
        """The rows, these with their reference subtracted; in place."""
        of_samples = medians if self.is_median else means
        at_once = max(1, _VALUES_AT_ONCE // len(rows))
        for start in range(0, rows.shape[1], at_once):
            part = rows[:, start : start + at_once]
            reference = of_samples(part[self.of], self.may_miss)
            if len(self.places) == len(rows):
                part -= reference
            else:
                part[self.places] -= reference
        return rows


def means(rows: Rows, may_miss: bool) -> Rows:
    """The mean (n,) of rows (C, n) without NaN, added up from the first to the last; NaN where there is nothing."""
    if not may_miss:
        total: Rows = np.add.reduce(rows, axis=0)
        return total / len(rows)
    is_there = ~np.isnan(rows)
    with np.errstate(invalid="ignore"):
        found: Rows = np.add.reduce(np.where(is_there, rows, 0.0), axis=0) / is_there.sum(axis=0)
    return found


def medians(rows: Rows, may_miss: bool) -> Rows:
    """The median (n,) of rows (C, n) without NaN: of an even number the mean of the two in the middle; else NaN."""
    if not may_miss:
        return _middle(rows)
    samples = np.ascontiguousarray(rows.T)
    missing = np.isnan(samples)
    has_gaps = missing.any(axis=1)
    found = np.empty(len(samples))
    found[~has_gaps] = _middle(samples[~has_gaps].T)
    # NaN come last when sorted: the middle is that of the others.
    ordered = np.sort(samples[has_gaps], axis=1)
    counts = samples.shape[1] - missing[has_gaps].sum(axis=1)
    each = np.arange(len(ordered))
    low, high = ordered[each, np.maximum(counts - 1, 0) // 2], ordered[each, counts // 2 % samples.shape[1]]
    found[has_gaps] = np.where(counts > 0, (low + high) / 2, np.nan)
    return found


def _middle(rows: Rows) -> Rows:
    """The median (n,) of rows (C, n), sorted in the processor's cache: numpy's sort of few numbers is faster than its
    partition.
    """
    count, num_samples = rows.shape
    found = np.empty(num_samples)
    at_once = max(16, _SORTED_AT_ONCE // count)
    for start in range(0, num_samples, at_once):
        samples = np.ascontiguousarray(rows[:, start : start + at_once].T)
        samples.sort(axis=1)
        found[start : start + at_once] = (samples[:, (count - 1) // 2] + samples[:, count // 2]) / 2
    return found
