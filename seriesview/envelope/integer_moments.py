"""Counts, sums and sums of squares of small integers: exact, along whichever path the values' range allows.

Every path gives the same integers. Sums run in the narrowest type that cannot overflow, because a narrow sum
moves fewer bytes; values far from zero are first moved there, which is undone in the sums.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.envelope.buffers import work_buffer

_TILE_VALUES = 1 << 17
_LANE_VALUES = 256
_WORTHWHILE_RUN = 8


class IntegerFold:
    """Moments of bins of `factor` rows of `num_channels` 8- or 16-bit integers; owns its work buffers."""

    def __init__(self, dtype: np.dtype[np.generic], num_channels: int, factor: int) -> None:
        self._num_channels, self._factor = num_channels, factor
        self._piece = factor
        while self._piece % 2 == 0 and self._piece * num_channels > _TILE_VALUES:
            self._piece //= 2
        self._tile = max(1, _TILE_VALUES // (self._piece * num_channels))
        values = self._tile * self._piece * num_channels
        self._moved = work_buffer(values, dtype)
        self._wide = work_buffer(values, np.int32)

    def run(self, samples: NDArray[Any], out: NDArray[Any]) -> None:
        """The moments of samples (bins * factor, C), contiguous, into int64 `out` (bins, 3, C)."""
        per_bin = self._factor // self._piece
        pieces = samples.reshape(-1, self._piece, self._num_channels)
        sums = np.empty((len(pieces), 2, self._num_channels), np.int64)
        for first in range(0, len(pieces), self._tile):
            last = first + self._tile
            self._run_tile(pieces[first:last], sums[first:last])
        out[:, 0] = self._factor
        np.add.reduce(sums.reshape(len(out), per_bin, 2, self._num_channels), axis=1, out=out[:, 1:])

    def run_short(self, samples: NDArray[Any], out: NDArray[Any]) -> None:
        """The moments of one bin of fewer samples (n, C), into `out` (1, 3, C)."""
        wide = samples.astype(np.int64)
        out[0] = np.stack(
            [np.full(self._num_channels, len(wide)), wide.sum(axis=0), (wide * wide).sum(axis=0)]
        )

    def _run_tile(self, tile: NDArray[Any], out: NDArray[Any]) -> None:
        """Sums and sums of squares (pieces, 2, C) of a tile (pieces, rows, C)."""
        lowest, highest = int(tile.min()), int(tile.max())
        bound, middle = max(-lowest, highest), (lowest + highest + 1) // 2
        if 2 * (highest - middle) < bound and 2 * (middle - lowest) < bound:
            bound = max(highest - middle, middle - lowest)
            tile = self._move(tile, middle)
        else:
            middle = 0
        total, squares = out[:, 0], out[:, 1]
        wide = self._wide[: tile.size].reshape(tile.shape)
        narrow_total = _run_length(bound, _limit(tile.dtype)) >= _WORTHWHILE_RUN
        narrow_squares = tile.itemsize == 2 and _run_length(bound * bound, 0xFFFF) >= _WORTHWHILE_RUN
        if not (narrow_total and narrow_squares):
            np.copyto(wide, tile)
        addends = tile if narrow_total else wide
        _sum_runs(addends, _run_length(bound, _limit(addends.dtype)), total)
        factors = tile.view(np.uint16) if narrow_squares else wide.view(np.uint32)
        _sum_square_runs(factors, _run_length(bound * bound, _limit(factors.dtype)), squares)
        if middle:
            rows = tile.shape[1]
            squares += 2 * middle * total + middle * middle * rows
            total += middle * rows

    def _move(self, tile: NDArray[Any], middle: int) -> NDArray[Any]:
        """The tile less `middle`, as signed integers of the same width."""
        signed = np.dtype(f"i{tile.itemsize}")
        moved = self._moved[: tile.size].reshape(tile.shape)
        np.subtract(tile, tile.dtype.type(middle), out=moved)
        return moved.view(signed)


def _limit(dtype: np.dtype[np.generic]) -> int:
    return (1 << (8 * dtype.itemsize - (dtype.kind == "i"))) - 1


def _run_length(bound: int, limit: int) -> int:
    """How many values of at most `bound` can be summed within `limit`."""
    return limit // max(1, bound)


def _lanes(tile: NDArray[Any], run: int) -> NDArray[Any]:
    """The tile (pieces, rows, C) as (pieces, at most `run`, lane), to be summed along the lanes."""
    pieces, rows, num_channels = tile.shape
    lane_rows = rows
    while lane_rows % 2 == 0 and 2 * rows <= lane_rows * run and lane_rows * num_channels > _LANE_VALUES:
        lane_rows //= 2
    return tile.reshape(pieces, rows // lane_rows, lane_rows * num_channels)


def _sum_runs(tile: NDArray[Any], run: int, out: NDArray[Any]) -> None:
    """Sums over the rows of each piece (pieces, rows, C), `run` of which fit in the tile's dtype."""
    lanes = np.add.reduce(_lanes(tile, run), axis=1, dtype=tile.dtype)
    np.add.reduce(lanes.reshape(len(tile), -1, tile.shape[2]), axis=1, dtype=np.int64, out=out)


def _sum_square_runs(tile: NDArray[Any], run: int, out: NDArray[Any]) -> None:
    """Sums of squares likewise; a square and the sum of `run` squares are right modulo the dtype's range."""
    values = _lanes(tile, run)
    lanes = np.einsum("prl,prl->pl", values, values, dtype=tile.dtype)
    np.add.reduce(lanes.reshape(len(tile), -1, tile.shape[2]), axis=1, dtype=np.int64, out=out)
