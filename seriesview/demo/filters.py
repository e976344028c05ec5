"""Smoothing and coloured noise for the generated session."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


def moving_mean(values: Float64, width: int) -> Float64:
    """(n,) means over `width` neighbours, the ends extended by their own value."""
    padded = np.pad(values, (width // 2, width - width // 2 - 1), mode="edge")
    sums = np.cumsum(np.concatenate(([0.0], padded)))
    return np.asarray((sums[width:] - sums[:-width]) / width, dtype=np.float64)


def pink_noise(generator: np.random.Generator, count: int, sampling_frequency: float) -> Float64:
    """(count,) noise of power 1/f^1.8 above half a hertz, of unit standard deviation."""
    frequency = np.fft.rfftfreq(count, 1.0 / sampling_frequency)
    gain = np.maximum(frequency, 0.5) ** -0.9
    gain[frequency < 0.2] = 0.0
    return _shaped(generator, count, gain)


def band_noise(
    generator: np.random.Generator, count: int, sampling_frequency: float, low: float, high: float
) -> Float64:
    """(count,) noise between two frequencies in Hz, with soft edges, of unit standard deviation."""
    frequency = np.fft.rfftfreq(count, 1.0 / sampling_frequency)
    gain = np.exp(-((np.maximum(low - frequency, 0.0) / (0.25 * low)) ** 2))
    gain *= np.exp(-((np.maximum(frequency - high, 0.0) / (0.25 * high)) ** 2))
    return _shaped(generator, count, gain)


def _shaped(generator: np.random.Generator, count: int, gain: Float64) -> Float64:
    noise = np.fft.irfft(np.fft.rfft(generator.standard_normal(count)) * gain, count)
    return np.asarray(noise / noise.std(), dtype=np.float64)
