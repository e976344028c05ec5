"""Power density of stretches of samples: by Welch's method or with several tapers, as linear numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from seriesview.steps.pieces import Rows

_VALUES_AT_ONCE = 2**19


@dataclass(frozen=True)
class Estimate:
    """How the power density of `window` samples is estimated: the mean over its stretches of `length` samples.

    Stretches begin every `length - length // 2` samples; the mean is taken out of each, and `tapers` are DPSS ones of
    time-half-bandwidth (tapers + 1) / 2, or 0 for one Hann window. Bins are the frequencies k rate / length from
    `low` to `high` (Hz), both included.
    """

    rate: float
    window: int
    length: int
    low: float
    high: float
    tapers: int = 0

    @cached_property
    def bins(self) -> NDArray[np.intp]:
        """Numbers of the bins; rounding of their frequencies leaves none out."""
        resolution = self.rate / self.length
        first, last = np.ceil(self.low / resolution - 1e-9), np.floor(self.high / resolution + 1e-9)
        return np.arange(int(first), min(int(last), self.length // 2) + 1)

    @property
    def frequencies(self) -> Rows:
        """Of the bins, in Hz."""
        return self.bins.astype(np.float64) * (self.rate / self.length)

    @cached_property
    def _windows(self) -> Rows:
        """What stretches are multiplied with, (tapers, length), so that squares are a one-sided density."""
        from scipy.signal import windows

        if self.tapers:
            found = windows.dpss(self.length, (self.tapers + 1) / 2, self.tapers)
        else:
            found = windows.hann(self.length, sym=False)[np.newaxis]
        scale = 2 / (self.rate * len(found) * len(self._starts))
        result: Rows = found * np.sqrt(scale / np.square(found).sum(axis=1, keepdims=True))
        return result

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        return np.arange(0, self.window - self.length + 1, self.length - self.length // 2)

    def density(self, samples: Rows, step: int) -> Rows:
        """Densities (m, bins), unit squared a Hz, of the m windows that begin every `step` in samples (n,).

        A window in which a sample is NaN is NaN.
        """
        windows = sliding_window_view(samples, self.window)[::step]
        found = np.zeros((len(windows), len(self.bins)))
        at_once = max(1, _VALUES_AT_ONCE // self.length)
        for first in range(0, len(windows), at_once):
            part = slice(first, first + at_once)
            for start in self._starts:
                self._add(windows[part, start : start + self.length], found[part])
        return found

    def _add(self, stretches: Rows, found: Rows) -> None:
        """Add the density of stretches (m, length) to what was found (m, bins)."""
        from scipy import fft

        centred = stretches - stretches.mean(axis=1, keepdims=True)
        for taper in self._windows:
            spectrum = fft.rfft(centred * taper, axis=1)[:, self.bins]
            power = np.square(spectrum.real) + np.square(spectrum.imag)
            # What has no twin among negative frequencies counts once.
            is_single = (self.bins == 0) | (2 * self.bins == self.length)
            found += np.where(is_single, power / 2, power)
