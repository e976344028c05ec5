"""Finite filters over rows, by Fourier transform, continued at both ends as scipy's sosfiltfilt does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.pieces import Rows

_MOST_SPECTRA = 8


class SymmetricKernel:
    """A finite filter that is the same to both sides: `half` has its numbers from lag 0 on."""

    def __init__(self, half: NDArray[np.float64]) -> None:
        self._half = half
        self._spectra: dict[int, NDArray[np.float64]] = {}

    def convolved(self, rows: Rows) -> Rows:
        """Rows (C, n) with it; as far from their ends as it reaches, what comes of the samples beyond is undefined."""
        from scipy import fft

        length = fft.next_fast_len(rows.shape[1], real=True)
        spectra = fft.rfft(rows, length, axis=1)
        spectra *= self._spectrum(length)
        found: Rows = fft.irfft(spectra, length, axis=1, overwrite_x=True)[:, : rows.shape[1]]
        return found

    def _spectrum(self, length: int) -> NDArray[np.float64]:
        """Its transform at a length, which has no imaginary part: kept, since blocks have few lengths."""
        from scipy import fft

        found = self._spectra.get(length)
        if found is None:
            around = np.zeros(length)
            around[: len(self._half)] = self._half
            around[length - len(self._half) + 1 :] = self._half[:0:-1]
            if len(self._spectra) >= _MOST_SPECTRA:
                self._spectra.clear()
            found = self._spectra[length] = fft.rfft(around).real
        return found


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
