"""Counts, sums and sums of squares of small integers: exact, along whichever path the values' range allows.

Every path gives the same integers. Sums run in the narrowest type that cannot overflow, because a narrow sum
moves fewer bytes; values far from zero are first moved there, which is undone in the sums.
"""

from dataclasses import dataclass
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

    def run(self, samples: NDArray[Any], out: NDArray[Any], limits: tuple[int, int] | None = None) -> None:
        """The moments of samples (bins * factor, C), contiguous, into int64 `out` (bins, 3, C).

        `limits`, where known, are a lower and an upper limit of the samples.
        """
        if len(out) == 0:
            return
        pieces = samples.reshape(-1, self._piece, self._num_channels)
        path = _Path.choose(samples.dtype, limits or (int(samples.min()), int(samples.max())))
        totals = _Runs(len(pieces), self._piece, self._num_channels, path.total_dtype, path.bound)
        squares = _Runs(len(pieces), self._piece, self._num_channels, path.square_dtype, path.bound**2)
        total_at_once = path.middle == 0 and not path.wide_total
        if total_at_once:
            totals.add(pieces, 0)
        step = self._tile if path.middle or path.wide_total or path.wide_squares else len(pieces)
        for first in range(0, len(pieces), step):
            tile = pieces[first : first + step]
            if path.middle:
                tile = self._move(tile, path.middle)
            wide = self._wide[: tile.size].reshape(tile.shape) if step == self._tile else tile
            if path.wide_total or path.wide_squares:
                np.copyto(wide, tile)
            if not total_at_once:
                totals.add(wide if path.wide_total else tile, first)
            squares.add_squares(wide if path.wide_squares else tile, first)
        self._write(totals.result(), squares.result(), path.middle, out)

    def _write(
        self, total: NDArray[np.int64], squares: NDArray[np.int64], middle: int, out: NDArray[Any]
    ) -> None:
        """Join the pieces' sums (pieces, C) of samples less `middle` to moments (bins, 3, C)."""
        shape = (len(out), self._factor // self._piece, self._num_channels)
        out[:, 0] = self._factor
        np.add.reduce(total.reshape(shape), axis=1, out=out[:, 1])
        np.add.reduce(squares.reshape(shape), axis=1, out=out[:, 2])
        if middle:
            out[:, 2] += 2 * middle * out[:, 1] + middle * middle * self._factor
            out[:, 1] += middle * self._factor

    def run_short(self, samples: NDArray[Any], out: NDArray[Any]) -> None:
        """The moments of one bin of fewer samples (n, C), into `out` (1, 3, C)."""
        wide = samples.astype(np.int64)
        out[0] = np.stack(
            [np.full(self._num_channels, len(wide)), wide.sum(axis=0), (wide * wide).sum(axis=0)]
        )

    def _move(self, tile: NDArray[Any], middle: int) -> NDArray[Any]:
        """The tile less `middle`, as signed integers of the same width."""
        signed = np.dtype(f"i{tile.itemsize}")
        moved = self._moved[: tile.size].reshape(tile.shape)
        np.subtract(tile, tile.dtype.type(middle), out=moved)
        return moved.view(signed)


@dataclass(frozen=True)
class _Path:
    """How a block is summed: less `middle`, after which no value is larger than `bound`, in which dtypes."""

    middle: int
    bound: int
    total_dtype: np.dtype[Any]
    square_dtype: np.dtype[Any]
    wide_total: bool
    wide_squares: bool

    @classmethod
    def choose(cls, dtype: np.dtype[Any], limits: tuple[int, int]) -> "_Path":
        """The cheapest path for samples of `dtype` within `limits`."""
        lowest, highest = limits
        middle, bound = 0, max(-lowest, highest)
        centre = (lowest + highest + 1) // 2
        if 2 * max(highest - centre, centre - lowest) < bound:
            middle, bound = centre, max(highest - centre, centre - lowest)
            dtype = np.dtype(f"i{dtype.itemsize}")
        wide_total = _run_length(bound, dtype) < _WORTHWHILE_RUN
        wide_squares = dtype.itemsize == 1 or _run_length(bound**2, np.dtype(np.uint16)) < _WORTHWHILE_RUN
        return cls(
            middle,
            bound,
            np.dtype(np.int32) if wide_total else dtype,
            np.dtype(np.uint32 if wide_squares else np.uint16),
            wide_total,
            wide_squares,
        )


class _Runs:
    """Sums over the rows of pieces (rows, C), first in runs that fit in `dtype`, then in int64."""

    def __init__(self, pieces: int, rows: int, num_channels: int, dtype: np.dtype[Any], bound: int) -> None:
        run, lane_rows = _run_length(bound, dtype), rows
        while lane_rows % 2 == 0 and 2 * rows <= lane_rows * run and lane_rows * num_channels > _LANE_VALUES:
            lane_rows //= 2
        self._shape = (rows // lane_rows, lane_rows * num_channels)
        self._num_channels = num_channels
        self._sums = np.empty((pieces, self._shape[1]), dtype)

    def add(self, tile: NDArray[Any], first: int) -> None:
        """Sum a tile (pieces, rows, C) whose first piece is number `first`."""
        runs = tile.reshape(-1, *self._shape)
        np.add.reduce(runs, axis=1, dtype=runs.dtype, out=self._sums[first : first + len(runs)])

    def add_squares(self, tile: NDArray[Any], first: int) -> None:
        """Sum its squares; they and their sums are right modulo the unsigned dtype's range."""
        runs = tile.reshape(-1, *self._shape).view(self._sums.dtype)
        np.einsum("prl,prl->pl", runs, runs, out=self._sums[first : first + len(runs)])

    def result(self) -> NDArray[np.int64]:
        """The sums of all pieces (pieces, C)."""
        pieces, values = self._sums.shape
        sums = self._sums
        while values % 2 == 0 and values > max(_LANE_VALUES, self._num_channels):
            values //= 2
        if values % self._num_channels == 0 and values < sums.shape[1]:
            sums = np.add.reduce(sums.reshape(pieces, -1, values), axis=1, dtype=np.int64)
        lanes = sums.reshape(pieces, -1, self._num_channels)
        return np.asarray(np.add.reduce(lanes, axis=1, dtype=np.int64))


def _run_length(bound: int, dtype: np.dtype[Any]) -> int:
    """How many values of at most `bound` can be summed in `dtype`."""
    return int(np.iinfo(dtype).max) // max(1, bound)
