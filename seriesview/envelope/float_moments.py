"""Counts, means and sums of squared deviations in float64, by elementwise operations in a fixed order.

The order is docs/format.md's: nothing depends on block sizes, vector widths or how numpy sums.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.envelope.buffers import work_buffer

_TILE_VALUES = 1 << 16
_SHORT_ROWS = 64
_BUFFER_VALUES = 256


class FloatFold:
    """Moments of bins of `factor` rows of `num_channels` numbers; owns its work buffers."""

    def __init__(self, num_channels: int, factor: int) -> None:
        self._num_channels, self._factor = num_channels, factor
        self._padded = 1 << (factor - 1).bit_length()
        self._channels = max(1, min(num_channels, _TILE_VALUES // self._padded))
        self._bins = max(1, _TILE_VALUES // (self._padded * self._channels))
        values = self._bins * self._padded * self._channels
        self._values, self._half = work_buffer(values, float), work_buffer(values // 2, float)
        self._columns = work_buffer(self._bins * self._channels * min(self._padded, _SHORT_ROWS), float)

    def run(self, samples: NDArray[Any], out: NDArray[Any], limits: tuple[Any, Any] | None = None) -> None:
        """The moments of samples (bins * factor, C) into float64 `out` (bins, 3, C), whatever their limits."""
        self._run(samples.reshape(-1, self._factor, self._num_channels), out)

    def run_short(self, samples: NDArray[Any], out: NDArray[Any]) -> None:
        """The moments of one bin of fewer samples (n, C), into `out` (1, 3, C)."""
        self._run(samples[np.newaxis], out)

    def _run(self, samples: NDArray[Any], out: NDArray[Any]) -> None:
        with np.errstate(all="ignore"):
            # Within errstate, this ends with it. A larger buffer makes numpy copy strided operands into it.
            np.setbufsize(_BUFFER_VALUES)
            for channel in range(0, self._num_channels, self._channels):
                channels = slice(channel, channel + self._channels)
                for first in range(0, len(samples), self._bins):
                    bins = slice(first, first + self._bins)
                    self._run_tile(samples[bins, :, channels], out[bins, :, channels])

    def _run_tile(self, tile: NDArray[Any], out: NDArray[Any]) -> None:
        """The moments (bins, 3, c) of a tile (bins, rows, c), rows <= factor."""
        bins, rows, num_channels = tile.shape
        values = self._values[: bins * self._padded * num_channels].reshape(bins, self._padded, num_channels)
        values[:, :rows] = tile
        if rows < self._padded:
            values[:, rows:] = 0.0
        count, mean, squares = out[:, 0], out[:, 1], out[:, 2]
        count[:] = rows
        self._fold(values, mean)
        absent = None
        if not np.isfinite(mean).all():
            absent = ~np.isfinite(values)
            values[absent] = 0.0
            count -= np.add.reduce(absent, axis=1, dtype=np.int64)
            self._fold(values, mean)
        np.divide(mean, np.maximum(count, 1.0), out=mean)
        np.add(mean, 0.0, out=mean)
        self._subtract(values, mean)
        if rows < self._padded:
            values[:, rows:] = 0.0
        if absent is not None:
            values[absent] = 0.0
        np.multiply(values, values, out=values)
        self._fold(values, squares)

    def _subtract(self, values: NDArray[Any], mean: NDArray[Any]) -> None:
        bins, rows, num_channels = values.shape
        if num_channels == 1:
            np.subtract(values, mean[:, np.newaxis], out=values)
            return
        repeats = min(rows, _SHORT_ROWS)
        long = values.reshape(bins, rows // repeats, repeats * num_channels)
        np.subtract(long, np.tile(mean, repeats)[:, np.newaxis], out=long)

    def _fold(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """fold() of each bin and channel of `values` (bins, P, c), P a power of two, into `out` (bins, c)."""
        bins, rows, num_channels = values.shape
        half = self._half[: bins * (rows // 2) * num_channels].reshape(bins, rows // 2, num_channels)
        source = values
        while rows > _SHORT_ROWS:
            rows //= 2
            np.add(source[:, :rows], source[:, rows : 2 * rows], out=half[:, :rows])
            source = half
        columns = self._columns[: rows * bins * num_channels].reshape(rows, bins, num_channels)
        np.copyto(columns, source[:, :rows].swapaxes(0, 1))
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
