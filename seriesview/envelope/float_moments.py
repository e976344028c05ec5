"""Counts, means and sums of squared deviations in float64, by elementwise operations in a fixed order.

The order is docs/format.md's: nothing depends on block sizes, vector widths or how numpy sums.
"""

import functools
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.envelope.buffers import work_buffer

_TILE_VALUES = 1 << 17
_STRIPES = 16


class FloatFold:
    """Moments of bins of `factor` rows of `num_channels` numbers; owns its work buffers.

    A tile's values lie as (stripes, bins, lanes, channels), the n-th sample of a bin in stripe n // lanes, so
    that adding stripes runs along the whole tile at once.
    """

    def __init__(self, num_channels: int, factor: int) -> None:
        self._num_channels, self._factor = num_channels, factor
        self._padded = 1 << (factor - 1).bit_length()
        self._stripes = min(_STRIPES, self._padded)
        self._lanes = self._padded // self._stripes
        self._channels = max(1, min(num_channels, _TILE_VALUES // self._padded))
        self._bins = max(1, _TILE_VALUES // (self._padded * self._channels))
        values = self._bins * self._padded * self._channels
        self._values = work_buffer(values, float)
        self._sums, self._columns, self._means = (
            work_buffer(values // self._stripes, float) for _ in range(3)
        )

    def run(self, samples: NDArray[Any], out: NDArray[Any], limits: tuple[Any, Any] | None = None) -> None:
        """The moments of samples (bins * factor, C) into float64 `out` (bins, 3, C), whatever their limits."""
        self._run(samples.reshape(-1, self._factor, self._num_channels), out)

    def run_short(self, samples: NDArray[Any], out: NDArray[Any]) -> None:
        """The moments of one bin of fewer samples (n, C), into `out` (1, 3, C)."""
        padded = np.zeros((1, self._factor, self._num_channels))
        padded[0, : len(samples)] = samples
        self._run(padded, out, rows=len(samples))

    def _run(self, samples: NDArray[Any], out: NDArray[Any], rows: int | None = None) -> None:
        with np.errstate(all="ignore"):
            for channel in range(0, self._num_channels, self._channels):
                channels = slice(channel, channel + self._channels)
                for first in range(0, len(samples), self._bins):
                    bins = slice(first, first + self._bins)
                    self._run_tile(samples[bins, :, channels], out[bins, :, channels], rows or self._factor)

    def _run_tile(self, tile: NDArray[Any], out: NDArray[Any], rows: int) -> None:
        """The moments (bins, 3, c) of a tile (bins, factor, c), of which the first `rows` of a bin are present."""
        bins, _, num_channels = tile.shape
        lanes = bins * self._lanes * num_channels
        values = self._values[: self._stripes * lanes].reshape(self._stripes, lanes)
        arranged = values.reshape(self._stripes, bins, self._lanes, num_channels)
        self._arrange(tile, arranged)
        count, mean, squares = out[:, 0], out[:, 1], out[:, 2]
        count[:] = rows
        self._fold(values, mean)
        absent = None
        if not np.isfinite(mean).all():
            absent = ~np.isfinite(arranged)
            arranged[absent] = 0.0
            count -= np.add.reduce(absent, axis=(0, 2), dtype=np.int64)
            self._fold(values, mean)
        np.divide(mean, np.maximum(count, 1.0), out=mean)
        np.add(mean, 0.0, out=mean)
        means = self._means[:lanes]
        np.copyto(means.reshape(bins, self._lanes, num_channels), mean[:, np.newaxis])
        np.subtract(values, means, out=values)
        if rows < self._padded:
            self._clear_from(rows, arranged)
        if absent is not None:
            arranged[absent] = 0.0
        np.multiply(values, values, out=values)
        self._fold(values, squares)

    def _arrange(self, tile: NDArray[Any], arranged: NDArray[Any]) -> None:
        """Copy a tile (bins, factor, c) to (stripes, bins, lanes, c), zeros behind its rows."""
        bins, rows, num_channels = tile.shape
        whole = rows // self._lanes
        by_bin = arranged.swapaxes(0, 1)
        stripes = tile[:, : whole * self._lanes].reshape(bins, whole, self._lanes, num_channels)
        np.copyto(by_bin[:, :whole], stripes)
        if whole < self._stripes:
            rest = rows - whole * self._lanes
            arranged[whole, :, :rest] = tile[:, whole * self._lanes :]
            self._clear_from(rows, arranged)

    def _clear_from(self, row: int, arranged: NDArray[Any]) -> None:
        """Put zeros at the rows of each bin from `row` on."""
        stripe, lane = divmod(row, self._lanes)
        if lane:
            arranged[stripe, :, lane:] = 0.0
            stripe += 1
        arranged[stripe:] = 0.0

    def _fold(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """fold() of each bin and channel of `values` (stripes, bins * lanes * c) into `out` (bins, c)."""
        bins, num_channels = out.shape
        sums = self._sums[: values.shape[1]]
        if len(sums) > 1:
            np.add.reduce(values, axis=0, out=sums)
        else:
            # numpy adds a single column in an order of its own.
            sums[0] = functools.reduce(operator.add, values[:, 0])
        rows = self._lanes
        columns = self._columns[: values.shape[1]].reshape(rows, bins, num_channels)
        np.copyto(columns, sums.reshape(bins, rows, num_channels).swapaxes(0, 1))
        while rows > 1:
            rows //= 2
            np.add(columns[:rows], columns[rows : 2 * rows], out=columns[:rows])
        out[:] = columns[0]


def combine_pairs(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Moments of left and right together, both float64 (..., 3, C); an empty side leaves the other as is."""
    count, other = left[..., 0, :], right[..., 0, :]
    with np.errstate(all="ignore"):
        total = count + other
        share = other / total
        distance = right[..., 1, :] - left[..., 1, :]
        mean = left[..., 1, :] + distance * share
        squares = (left[..., 2, :] + right[..., 2, :]) + (distance * distance) * (count * share)
    combined = np.stack([total, mean, squares], axis=-2)
    combined = np.where(other[..., np.newaxis, :] == 0, left, combined)
    return np.where(count[..., np.newaxis, :] == 0, right, combined)
