"""Finite filters over rows, by Fourier transform, continued at both ends as scipy's sosfiltfilt does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.pieces import Rows


def continued(rows: Rows, by: int) -> Rows:
    """Rows (C, n) with `by` samples more at both ends: the others turned about the end, the last again beyond them."""
    turned = min(by, rows.shape[1] - 1)
    found = np.empty((len(rows), rows.shape[1] + 2 * by))
    found[:, by : by + rows.shape[1]] = rows
    left, right = found[:, by - turned : by], found[:, by + rows.shape[1] :][:, :turned]
    np.subtract(2 * rows[:, :1], rows[:, turned:0:-1], out=left)
    np.subtract(2 * rows[:, -1:], rows[:, -2 : -2 - turned : -1], out=right)
    found[:, : by - turned] = found[:, by - turned : by - turned + 1]
    found[:, by + rows.shape[1] + turned :] = found[:, by + rows.shape[1] + turned - 1 :][:, :1]
    return found


def convolved(rows: Rows, kernel: NDArray[np.float64]) -> Rows:
    """Rows (C, n) with a kernel of 2 m + 1 numbers, the middle one at lag 0: (C, n), continued at both ends."""
    from scipy import fft

    reach = len(kernel) // 2
    padded = continued(rows, reach)
    length = fft.next_fast_len(padded.shape[1] + 2 * reach, real=True)
    spectrum = fft.rfft(padded, length, axis=1) * fft.rfft(kernel, length)
    found: Rows = fft.irfft(spectrum, length, axis=1)[:, 2 * reach : 2 * reach + rows.shape[1]]
    return found
