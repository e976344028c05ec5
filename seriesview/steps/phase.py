"""Channels that one converter digitizes after one another, moved to the instant of the first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.convolution import convolved
from seriesview.steps.pieces import Rows, in_pieces
from seriesview.steps.stages import Places, among

REACH = 48
"""Samples of the kernel to each side."""
BETA = 10.0
"""Of its Kaiser window."""


def delay_kernel(samples: float) -> NDArray[np.float64]:
    """The kernel (2 REACH + 1,) that delays by a fraction of a sample: a windowed sinc whose sum is 1."""
    lags = np.arange(-REACH, REACH + 1) - samples
    window = np.i0(BETA * np.sqrt(np.maximum(0, 1 - (lags / (REACH + 1)) ** 2)))
    found: NDArray[np.float64] = np.sinc(lags) * window
    found /= found.sum()
    return found


@dataclass(frozen=True)
class Shifting:
    """Delays each row at `places` by its samples of `shifts`, so that what came later stands where it was."""

    places: Places
    shifts: tuple[float, ...]
    most_bridged: int
    may_miss: bool

    def __call__(self, rows: Rows) -> Rows:
        """The rows, these delayed."""
        for shift in sorted(set(self.shifts) - {0.0}):
            alike = self.places[np.array(self.shifts) == shift]
            process = partial(convolved, kernel=delay_kernel(shift))
            in_pieces(rows, alike, process, process, self.most_bridged, self.may_miss)
        return rows

    def only(self, chosen: Places) -> Shifting:
        """The same of some of the rows."""
        shifts = dict(zip(self.places.tolist(), self.shifts, strict=True))
        places = among(self.places, chosen)
        return replace(self, places=places, shifts=tuple(shifts[chosen[place]] for place in places))
