"""Statistics of a span: moments of the bins inside it, raw samples at its ends, extremes from the levels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seriesview.envelope.missing_reduce import moment_reducer
from seriesview.envelope.moments import combine_moments, num_moment_bins, statistics
from seriesview.errors import FormatError, RequestError
from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.hulls import Pyramid
from seriesview.series.manifest import MomentsInfo
from seriesview.series.segment_files import Selection

if TYPE_CHECKING:
    from seriesview.store import Store

LEAF_SAMPLES = 1024
BLOCK_BYTES = 512 * 1024


class Moments:
    """The moments of one factor, addressed by segment and half-open bin."""

    def __init__(self, store: Store, info: MomentsInfo, lengths: Sequence[int], cache: PartCache) -> None:
        self.factor = info.factor
        self._array = ArrayReader(store, info.array, cache)
        self._first_rows = [0, *accumulate(num_moment_bins(length, info.factor) for length in lengths)]
        if self._first_rows[-1] != len(self._array):
            raise FormatError(
                f"moments {info.factor}: {len(self._array)} bins, the segments have {self._first_rows[-1]}"
            )

    def num_bins(self, segment: int) -> int:
        """Bins of one segment."""
        first, last = self._first_rows[segment : segment + 2]
        return last - first

    def read(self, segment: int, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Bins [first, last) of a segment (n, 3, C), for the chosen channels."""
        row = self._first_rows[segment]
        return self._array.read(row + first, row + last)[:, :, channels]


def span_moments(
    pyramid: Pyramid, moments: Sequence[Moments], segment: int, first: int, last: int, channels: Selection
) -> npt.NDArray[Any]:
    """Moments (3, C) of samples [first, last), from `moments`, fine to coarse; raises RequestError."""
    if pyramid.samples is None:
        _check_whole_bins(moments, first, last, last == pyramid.lengths[segment])
    pieces: list[npt.NDArray[Any]] = []
    _collect(pyramid, moments, segment, first, last, channels, pieces)
    return combine_moments(np.concatenate(pieces))


def span_statistics(
    pyramid: Pyramid, moments: Sequence[Moments], segment: int, first: int, last: int, channels: Selection
) -> dict[str, npt.NDArray[Any]]:
    """count, mean, rms, std, min and max (C,) of samples [first, last]; raises RequestError.

    Without raw samples min and max are those of the whole bins of the finest level that the span reaches, so
    they also cover sample last + 1, which closed bins share with their neighbours. Where all samples are missing
    min and max are what a bin with nothing else holds.
    """
    length = pyramid.lengths[segment]
    if not 0 <= first <= last < length:
        raise RequestError(f"samples {first} to {last} are not in segment {segment} of {length} samples")
    found = statistics(span_moments(pyramid, moments, segment, first, last + 1, channels))
    if pyramid.samples is None and pyramid.levels:
        first, last = _whole_bins(pyramid, segment, first, last)
    hull = pyramid.hull(segment, first, last, channels)
    return {**found, "min": hull[0], "max": hull[1]}


def _collect(
    pyramid: Pyramid,
    moments: Sequence[Moments],
    segment: int,
    first: int,
    last: int,
    channels: Selection,
    into: list[npt.NDArray[Any]],
) -> None:
    """Moments of pieces, in order of time, that make up [first, last)."""
    if first == last:
        return
    if not moments:
        _from_samples(pyramid, segment, first, last, channels, into)
        return
    level, finer = moments[-1], moments[:-1]
    low = -(-first // level.factor)
    high = level.num_bins(segment) if last == pyramid.lengths[segment] else last // level.factor
    if low >= high:
        _collect(pyramid, finer, segment, first, last, channels, into)
        return
    _collect(pyramid, finer, segment, first, low * level.factor, channels, into)
    into.append(level.read(segment, low, high, channels))
    reached = min(high * level.factor, last)
    _collect(pyramid, finer, segment, reached, last, channels, into)


def _from_samples(
    pyramid: Pyramid, segment: int, first: int, last: int, channels: Selection, into: list[npt.NDArray[Any]]
) -> None:
    leaf_bytes = LEAF_SAMPLES * pyramid.num_channels * pyramid.dtype.itemsize
    step = max(BLOCK_BYTES // leaf_bytes, 1) * LEAF_SAMPLES
    missing = pyramid.missing_of(channels)
    for begin in range(first, last, step):
        block = pyramid.read_samples(segment, begin, min(begin + step, last), channels)
        reducer = moment_reducer(pyramid.dtype, block.shape[1], LEAF_SAMPLES, missing)
        into.append(reducer.add(block))
        into.append(reducer.finish())


def _whole_bins(pyramid: Pyramid, segment: int, first: int, last: int) -> tuple[int, int]:
    """First and last sample of the closed bins of the finest level that hold samples [first, last + 1]."""
    level, end = pyramid.levels[0], pyramid.lengths[segment] - 1
    low = min(first // level.factor, level.num_bins(segment) - 1)
    high = max(-(-min(last + 1, end) // level.factor), low + 1)
    return low * level.factor, min(high * level.factor, end)


def _check_whole_bins(moments: Sequence[Moments], first: int, last: int, is_at_end: bool) -> None:
    """Raise RequestError where [first, last) is not made of whole bins of the finest moments."""
    if not moments:
        raise RequestError(
            "this series was stored without raw samples and without moments: no statistics", code="no-samples"
        )
    factor = moments[0].factor
    if first % factor or (last % factor and not is_at_end):
        raise RequestError(
            f"this series was stored without raw samples: samples {first} to {last - 1} are no whole bins of "
            f"moments; begin at a multiple of {factor} and end one before another, or with the segment",
            code="no-samples",
        )
