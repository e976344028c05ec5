"""Moments: what mean, RMS and standard deviation of any span come from, in half-open bins of samples.

Of 8- and 16-bit integers they are int64 (count, sum, sum of squares), exact. Of all other samples they are
float64 (count, mean, M2), M2 being the sum of squared deviations from the mean; each operation named here is
one IEEE 754 double operation, rounded to nearest even, with nothing fused:

- A bin's samples are converted to double and padded to the next power of two P >= factor with absent values.
  Samples that are not finite are absent too. count is the number of values present.
- fold(v) of P values: with R = min(16, P) and h = P/R, w[i] = v[i] + v[i + h] + v[i + 2h] + ... + v[i + (R-1)h],
  added in this order, for i < h. Then h = h/2, and w[i] = w[i] + w[i + h] for i < h; again with h/2 and so on,
  until only w[0] is left.
- mean = fold(values, absent ones as 0.0) / count + 0.0, and M2 = fold(d * d, absent ones as 0.0) with
  d = value - mean. Without any value present all three are 0.0.
- Combining a and b: n = na + nb, d = mb - ma, mean = ma + d * (nb / n) and
  M2 = (M2a + M2b) + (d * d) * (na * (nb / n)); if either count is 0 the result is the other one, unchanged.
- Combining a row of bins: neighbours (0, 1), (2, 3), ... in pairs, an odd last one as it is, over and over until
  one is left. A coarser bin combines its `ratio` finer bins in this way.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seriesview.envelope.bins import RATIO, as_rows, sample_dtype
from seriesview.envelope.carry import Carry
from seriesview.envelope.float_moments import FloatFold, combine_pairs
from seriesview.envelope.integer_moments import IntegerFold
from seriesview.errors import BuildError

MOMENTS_FACTOR = 1024
"""Samples in a bin of the finest moments."""


def moments_dtype(dtype: DTypeLike) -> np.dtype[np.generic]:
    """int64 for samples of 8- and 16-bit integers (bool too), float64 for all others."""
    samples = sample_dtype(dtype)
    return np.dtype(np.int64 if samples.kind in "iu" and samples.itemsize <= 2 else np.float64)


def num_moment_bins(num_samples: int, factor: int) -> int:
    """Half-open bins of a segment: ceil(num_samples / factor)."""
    return -(-num_samples // factor)


class MomentReducer:
    """Reduces a segment's samples, block by block, to moments of half-open bins; then is ready for the next."""

    def __init__(self, dtype: DTypeLike, num_channels: int, factor: int = MOMENTS_FACTOR) -> None:
        if factor < 1 or num_channels < 1:
            raise BuildError(f"factor {factor} and {num_channels} channels make no moments: 1 is the least")
        self.dtype, self.moments_dtype = sample_dtype(dtype), moments_dtype(dtype)
        self._num_channels, self._factor = num_channels, factor
        self._carry = Carry(self.dtype, (num_channels,), factor)
        self._fold: IntegerFold | FloatFold
        if self.moments_dtype == np.dtype(np.int64):
            self._fold = IntegerFold(self.dtype, num_channels, factor)
        else:
            self._fold = FloatFold(num_channels, factor)

    def add(self, samples: NDArray[Any], limits: tuple[Any, Any] | None = None) -> NDArray[Any]:
        """Take samples (n, C), any n; return the moments (bins, 3, C) of the bins that they complete.

        `limits`, a lower and an upper limit of the samples, where known, save a look for them.
        """
        samples = as_rows(samples, self.dtype, (self._num_channels,))
        cut = self._carry.cut(samples)
        leads = int(cut.lead is not None)
        moments = self._empty(leads + (cut.last - cut.first) // self._factor)
        if cut.lead is not None:
            self._fold.run(cut.lead, moments[:1])
        self._fold.run(samples[cut.first : cut.last], moments[leads:], limits)
        self._carry.keep(samples[cut.last :])
        return moments

    def finish(self) -> NDArray[Any]:
        """End the segment; return the moments (1, 3, C) of its last, shorter bin, or (0, 3, C)."""
        rest = self._carry.rows
        moments = self._empty(min(1, len(rest)))
        if len(rest):
            self._fold.run_short(rest, moments)
        self._carry.clear()
        return moments

    def _empty(self, bins: int) -> NDArray[Any]:
        return np.empty((bins, 3, self._num_channels), self.moments_dtype)


class MomentMerger:
    """Merges a segment's moments, block by block, over `ratio` neighbours; then is ready for the next.

    `dtype` is the samples' dtype. The int64 sums of a bin of up to 2**31 samples cannot overflow.
    """

    def __init__(self, dtype: DTypeLike, num_channels: int, ratio: int = RATIO) -> None:
        if ratio < 2 or num_channels < 1:
            raise BuildError(
                f"ratio {ratio} and {num_channels} channels merge nothing: 2 and 1 are the least"
            )
        self.moments_dtype = moments_dtype(dtype)
        self._shape, self._ratio = (3, num_channels), ratio
        self._carry = Carry(self.moments_dtype, self._shape, ratio)

    def add(self, bins: NDArray[Any]) -> NDArray[Any]:
        """Take moments (n, 3, C), any n; return the merged moments (bins, 3, C) that they complete."""
        bins = as_rows(bins, self.moments_dtype, self._shape)
        cut = self._carry.cut(bins)
        whole = bins[cut.first : cut.last]
        if cut.lead is not None:
            whole = np.concatenate([cut.lead, whole])
        merged = _combined(whole.reshape(-1, self._ratio, *self._shape))
        self._carry.keep(bins[cut.last :])
        return merged

    def finish(self) -> NDArray[Any]:
        """End the segment; return its last merged bin (1, 3, C), or (0, 3, C) when add() has returned it."""
        rest = self._carry.rows
        merged = _combined(rest[np.newaxis]) if len(rest) else rest.copy()
        self._carry.clear()
        return merged


def combine_moments(bins: NDArray[Any]) -> NDArray[Any]:
    """The moments (3, C) of all of `bins` (n, 3, C) together; zeros for none.

    int64 sums that do not fit come as an array of Python integers (dtype object).
    """
    if len(bins) == 0:
        return np.zeros(bins.shape[1:], bins.dtype)
    if bins.dtype.kind == "i":
        # As doubles sums are right to far less than the half that is kept free.
        if np.abs(bins.astype(np.float64)).sum(axis=0).max(initial=0.0) < 2.0**62:
            return np.asarray(bins.sum(axis=0))
        high, low = (bins >> 32).sum(axis=0), (bins & 0xFFFFFFFF).sum(axis=0)
        total = (high.astype(object) << 32) + low.astype(object)
        fits = all(-(2**63) <= value < 2**63 for value in total.ravel())
        return np.asarray(total.astype(bins.dtype) if fits else total)
    combined: NDArray[Any] = _combined(bins[np.newaxis])[0]
    return combined


def statistics(moments: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Count (int64), mean, rms and std (float64, over count; NaN where nothing was counted), each (C,).

    `moments` (3, C) are int64, Python integers or float64, and the results in the samples' unscaled numbers.
    """
    if moments.dtype.kind == "f":
        count, mean, squares = moments
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            variance = squares / count
            missing = np.where(count > 0, 0.0, np.nan)
            rms = np.hypot(mean, np.sqrt(variance))
            rows = np.stack([mean + missing, rms + missing, np.sqrt(variance) + missing])
    else:
        rows = np.array([_integer_statistics(*map(int, channel)) for channel in moments.T]).reshape(-1, 3).T
    return {"count": moments[0].astype(np.int64), "mean": rows[0], "rms": rows[1], "std": rows[2]}


def rms_of(moments: NDArray[Any]) -> NDArray[np.float64]:
    """The RMS alone (..., C) of moments (..., 3, C), unscaled; NaN where nothing was counted."""
    count = moments[..., 0, :].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        squares = moments[..., 2, :].astype(np.float64) / count
        found = (
            np.sqrt(squares) if moments.dtype.kind != "f" else np.hypot(moments[..., 1, :], np.sqrt(squares))
        )
    return np.where(count > 0, found, np.nan)


def _integer_statistics(count: int, total: int, squares: int) -> tuple[float, float, float]:
    """Mean, rms, std; the difference that std needs is taken in integers, where nothing cancels."""
    if count == 0:
        return np.nan, np.nan, np.nan
    spread = (count * squares - total * total) / (count * count)
    return total / count, float(np.sqrt(squares / count)), float(np.sqrt(spread))


def _combined(groups: NDArray[Any]) -> NDArray[Any]:
    """Groups of moments (groups, n >= 1, 3, C) combined to (groups, 3, C)."""
    if groups.dtype.kind == "i":
        return np.asarray(np.add.reduce(groups, axis=1))
    while (count := groups.shape[1]) > 1:
        paired = combine_pairs(groups[:, 0 : count - 1 : 2], groups[:, 1::2])
        groups = np.concatenate([paired, groups[:, count - count % 2 :]], axis=1)
    return groups[:, 0]
