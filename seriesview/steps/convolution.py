"""Finite filters over rows, by Fourier transform, continued at both ends as scipy's sosfiltfilt does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.pieces import Rows


def continued(rows: Rows, by: int) -> Rows:
    """Rows (C, n) with `by` samples more at both ends: the others turned about the end, the last again beyond them."""
    turned = min(by, rows.shape[1] - 1)
    left = 2 * rows[:, :1] - rows[:, turned:0:-1]
    right = 2 * rows[:, -1:] - rows[:, -2 : -2 - turned : -1]
    found = np.concatenate([left, rows, right], axis=1)
    return np.pad(found, ((0, 0), (by - turned, by - turned)), mode="edge")


def convolved(rows: Rows, kernel: NDArray[np.float64]) -> Rows:
    """Rows (C, n) with a kernel of 2 m + 1 numbers, the middle one at lag 0: (C, n), continued at both ends."""
    from scipy import fft

    reach = len(kernel) // 2
    padded = continued(rows, reach)
    length = fft.next_fast_len(padded.shape[1] + 2 * reach, real=True)
    spectrum = fft.rfft(padded, length, axis=1) * fft.rfft(kernel, length)
    found: Rows = fft.irfft(spectrum, length, axis=1)[:, 2 * reach : 2 * reach + rows.shape[1]]
    return found
