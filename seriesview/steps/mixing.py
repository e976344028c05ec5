"""Channels that are sums of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.pieces import Rows


@dataclass(frozen=True)
class Mixing:
    """Rows made of others: of each the places and weights of its channels, added up in their order."""

    terms: tuple[tuple[tuple[int, float], ...], ...]

    def __call__(self, rows: Rows) -> Rows:
        """The new rows; NaN wherever one of those with a weight is."""
        found = np.zeros((len(self.terms), rows.shape[1]))
        for row, terms in zip(found, self.terms, strict=True):
            for place, weight in terms:
                row += rows[place] * weight
        return found


@dataclass(frozen=True)
class Physical:
    """The rows at `places` as physical values: times `scales` (C,), plus `offsets` (C,)."""

    places: NDArray[np.intp]
    scales: Rows
    offsets: Rows

    def __call__(self, rows: Rows) -> Rows:
        """The rows, these in their unit."""
        rows[self.places] = rows[self.places] * self.scales[:, np.newaxis] + self.offsets[:, np.newaxis]
        return rows


@dataclass(frozen=True)
class Unsigned:
    """The rows at `places` without sign, after `zeros` (C,) was added: what physical 0 is away from stored 0."""

    places: NDArray[np.intp]
    zeros: Rows

    def __call__(self, rows: Rows) -> Rows:
        """The rows, these without sign."""
        rows[self.places] = np.abs(rows[self.places] + self.zeros[:, np.newaxis])
        return rows
