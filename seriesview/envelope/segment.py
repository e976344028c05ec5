"""One pass over a segment's samples for everything that is stored of them."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seriesview.envelope.bins import sample_dtype
from seriesview.envelope.means import MeanReducer
from seriesview.envelope.missing import MissingValues
from seriesview.envelope.missing_reduce import BinReducer, level_reducer, moment_reducer
from seriesview.envelope.moments import MOMENTS_FACTOR, MomentReducer
from seriesview.envelope.reduce import LevelReducer

_SLAB_BYTES = 1 << 22


class SegmentReducer:
    """Feeds reducers to levels and to moments slab by slab, so that the second finds the samples in the cache."""

    def __init__(
        self,
        dtype: DTypeLike,
        num_channels: int,
        base: int,
        moments: bool = True,
        moments_factor: int = MOMENTS_FACTOR,
        missing: MissingValues | None = None,
        *,
        of_means: bool = False,
    ) -> None:
        """`of_means`: bins hold means of floats, not lows and highs."""
        samples = sample_dtype(dtype)
        self._levels: BinReducer = (
            MeanReducer(samples, num_channels, base)
            if of_means
            else level_reducer(samples, num_channels, base, missing)
        )
        self._moments = moment_reducer(samples, num_channels, moments_factor, missing) if moments else None
        row_bytes = samples.itemsize * num_channels
        step = max(base, moments_factor)
        self._slab_rows = max(1, _SLAB_BYTES // (row_bytes * step)) * step

    def add(self, samples: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Take samples (n, C), any n; return the bins (bins, 2, C) and moments (bins, 3, C) they complete."""
        bins, moments = [], []
        for first in range(0, max(1, len(samples)), self._slab_rows):
            slab = samples[first : first + self._slab_rows]
            _bring_into_cache(slab)
            bins.append(self._levels.add(slab))
            if isinstance(self._moments, MomentReducer) and isinstance(self._levels, LevelReducer):
                moments.append(self._moments.add(slab, self._levels.integer_limits()))
            elif self._moments is not None:
                moments.append(self._moments.add(slab))
        return _joined(bins), _joined(moments) if moments else None

    def finish(self) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """End the segment; return the bins and moments, at most one of each, that add() has not returned."""
        return self._levels.finish(), self._moments.finish() if self._moments is not None else None


def _joined(pieces: list[NDArray[Any]]) -> NDArray[Any]:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _bring_into_cache(samples: NDArray[Any]) -> None:
    """Read samples once in memory order, which the processor foresees; the passes that follow jump in them."""
    if samples.size and samples.flags.c_contiguous:
        samples.reshape(-1).view(np.uint8).max()
