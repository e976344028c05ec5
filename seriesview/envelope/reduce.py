"""Samples into the finest level, and levels into coarser ones, a block at a time.

A bin at factor k covers the closed interval of samples [b*k, (b+1)*k]. NaN is ignored, a bin with nothing
else is NaN; stored are 0.0 for -0.0 and one NaN for every NaN, so that equal input gives equal bytes.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seriesview.envelope.bins import RATIO, as_rows, sample_dtype
from seriesview.envelope.carry import Carry
from seriesview.envelope.fold import GroupFold, Reduction
from seriesview.errors import BuildError


def extremes(dtype: np.dtype[np.generic]) -> tuple[np.ufunc, np.ufunc]:
    """The ufuncs for low and high: those that ignore NaN for floats."""
    return (np.fmin, np.fmax) if dtype.kind == "f" else (np.minimum, np.maximum)


def normalise(envelope: NDArray[Any]) -> None:
    """Turn -0.0 into 0.0 and every NaN into the canonical one, in place."""
    if envelope.dtype.kind == "f":
        np.add(envelope, 0, out=envelope)
        missing = np.isnan(envelope)
        if missing.any():
            envelope[missing] = np.nan


class _Envelope:
    """What both reducers share: low and high rows of groups, in buffers that grow to the largest block."""

    def __init__(self, dtype: DTypeLike, num_channels: int, factor: int) -> None:
        if factor < 2 or num_channels < 1:
            raise BuildError(
                f"factor {factor} and {num_channels} channels make no level: 2 and 1 are the least"
            )
        self.dtype = sample_dtype(dtype)
        # numpy has no vectorised float16 extremes; float32 holds every float16 exactly.
        self._work_dtype = np.dtype(np.float32) if self.dtype == np.dtype(np.float16) else self.dtype
        self._num_channels, self._factor = num_channels, factor
        self._lower, self._upper = extremes(self._work_dtype)
        self._buffers = np.empty((2, 0, num_channels), self._work_dtype)

    def _room(self, groups: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Buffers (groups, C) for the low and the high rows."""
        if self._buffers.shape[1] < groups:
            self._buffers = np.empty((2, groups, self._num_channels), self._work_dtype)
        return self._buffers[0, :groups], self._buffers[1, :groups]

    def _empty(self, bins: int) -> NDArray[Any]:
        return np.empty((bins, 2, self._num_channels), self._work_dtype)

    def _stored(self, envelope: NDArray[Any]) -> NDArray[Any]:
        """The envelope as levels hold it; normalised in place."""
        with np.errstate(invalid="ignore"):
            normalise(envelope)
        return envelope.astype(self.dtype, copy=False)


class LevelReducer(_Envelope):
    """Reduces a segment's samples, block by block, to closed bins of `factor`; then is ready for the next."""

    def __init__(self, dtype: DTypeLike, num_channels: int, factor: int) -> None:
        super().__init__(dtype, num_channels, factor)
        self._fold = GroupFold(self._work_dtype, num_channels, factor)
        self._carry = Carry(self._work_dtype, (num_channels,), factor)
        # Low and high (2, C) of a bin that lacks only its closing sample, the first of the next bin.
        self._open: NDArray[Any] | None = None
        self._any_bins = False
        self._last = self._room(0)

    def add(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Take samples (n, C), any n; return the bins (bins, 2, C) that they complete, in the same dtype."""
        samples = as_rows(samples, self.dtype, (self._num_channels,))
        with np.errstate(invalid="ignore"):
            return self._stored(self._reduce(samples.astype(self._work_dtype, copy=False)))

    def _reduce(self, samples: NDArray[Any]) -> NDArray[Any]:
        if len(samples) == 0:
            self._last = self._room(0)
            return self._empty(0)
        cut = self._carry.cut(samples)
        leads = int(self._open is not None or cut.lead is not None)
        low, high = self._last = self._room(leads + (cut.last - cut.first) // self._factor)
        if self._open is not None:
            low[0], high[0] = self._open
            self._open = None
        elif cut.lead is not None:
            self._fold.run(cut.lead, Reduction(self._lower, low[:1]), Reduction(self._upper, high[:1]))
        rest = samples[cut.last :]
        # The first rows from cut.first on; each closes the bin before it.
        firsts = np.empty((len(low) - leads + min(1, len(rest)), self._num_channels), self._work_dtype)
        self._fold.run(
            samples[cut.first : cut.last],
            Reduction(self._lower, low[leads:]),
            Reduction(self._upper, high[leads:]),
            first_rows=firsts[: len(low) - leads],
        )
        firsts[len(low) - leads :] = rest[:1]
        self._carry.keep(rest)

        closing = firsts[1 - leads :]
        closed = min(len(low), len(closing))
        envelope = self._empty(closed)
        self._lower(low[:closed], closing[:closed], out=envelope[:, 0])
        self._upper(high[:closed], closing[:closed], out=envelope[:, 1])
        if closed < len(low):
            self._open = np.stack([low[-1], high[-1]])
        self._any_bins |= closed > 0
        return envelope

    def integer_limits(self) -> tuple[int, int] | None:
        """The lowest and highest of the integers that the last add() took (and of a few before them).

        None for floats and when the block filled no bin.
        """
        low, high = self._last
        if self.dtype.kind == "f" or len(low) == 0:
            return None
        rest = self._carry.rows
        lowest, highest = low.min(), high.max()
        return int(rest.min(initial=lowest)), int(rest.max(initial=highest))

    def finish(self) -> NDArray[Any]:
        """End the segment; return its last bin (1, 2, C), or (0, 2, C) when add() has returned it."""
        rest = self._carry.rows
        if self._open is not None:
            envelope = self._open[np.newaxis]
        elif len(rest) > 1 or (len(rest) == 1 and not self._any_bins):
            envelope = self._empty(1)
            with np.errstate(invalid="ignore"):
                self._lower.reduce(rest, axis=0, out=envelope[0, 0])
                self._upper.reduce(rest, axis=0, out=envelope[0, 1])
        else:
            envelope = self._empty(0)
        self._carry.clear()
        self._open, self._any_bins = None, False
        return self._stored(envelope)


class LevelMerger(_Envelope):
    """Merges a segment's bins, block by block, into bins of `ratio` neighbours; then is ready for the next.

    Exact: ceil((n-1)/k) bins nest in ceil((n-1)/(ratio*k)), and closed neighbours unite to closed bins.
    """

    def __init__(self, dtype: DTypeLike, num_channels: int, ratio: int = RATIO) -> None:
        super().__init__(dtype, num_channels, ratio)
        self._fold = GroupFold(self._work_dtype, num_channels, ratio, contiguous=False)
        self._carry = Carry(self._work_dtype, (2, num_channels), ratio)

    def add(self, bins: NDArray[Any]) -> NDArray[Any]:
        """Take bins (n, 2, C), any n; return the merged bins (bins, 2, C) that they complete."""
        bins = as_rows(bins, self.dtype, (2, self._num_channels)).astype(self._work_dtype, copy=False)
        cut = self._carry.cut(bins)
        leads = int(cut.lead is not None)
        low, high = self._room(leads + (cut.last - cut.first) // self._factor)
        if cut.lead is not None:
            self._merge(cut.lead, low[:1], high[:1])
        self._merge(bins[cut.first : cut.last], low[leads:], high[leads:])
        self._carry.keep(bins[cut.last :])
        return self._stored(np.stack([low, high], axis=1))

    def _merge(self, bins: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> None:
        if len(bins):
            self._fold.run(bins[:, 0], Reduction(self._lower, low))
            self._fold.run(bins[:, 1], Reduction(self._upper, high))

    def finish(self) -> NDArray[Any]:
        """End the segment; return its last merged bin (1, 2, C), or (0, 2, C) when add() has returned it."""
        rest = self._carry.rows
        envelope = self._empty(min(1, len(rest)))
        if len(rest):
            self._lower.reduce(rest[:, 0], axis=0, out=envelope[0, 0])
            self._upper.reduce(rest[:, 1], axis=0, out=envelope[0, 1])
        self._carry.clear()
        return self._stored(envelope)
