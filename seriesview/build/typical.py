"""What is typical of each channel: percentiles of its stored values at some samples, evenly over the whole series, and
how many of these are clipped.

docs/format.md says which samples these are and how the percentiles are taken; they are the same whatever the number
of jobs, and after a build was taken up again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.build.blocks import ReadInto
from seriesview.envelope.missing import MissingValues
from seriesview.readers.protocol import Channel

MOST_SAMPLES = 65536
LEAST_SAMPLES = 1024
MOST_VALUES = 1 << 23
"""Of all channels together, so that memory is bounded."""

PERCENTS = (1, 50, 99)
_SCATTER = 40503
_READ_BYTES = 8 << 20
_GAP_BYTES = 32 << 10

Typical = tuple[int | float, ...]


def grid_rows(num_samples: int, num_channels: int) -> npt.NDArray[np.int64]:
    """The samples that are looked at, ascending, counted over all segments.

    They are one in each of n equal stretches, at a place that changes from stretch to stretch: at equal distances a
    periodic signal would show one phase alone.
    """
    count = min(num_samples, MOST_SAMPLES, max(LEAST_SAMPLES, MOST_VALUES // max(num_channels, 1)))
    # Python's integers: products of samples and stretches may be beyond 64 bits in steps of numpy's.
    edges = np.array([number * num_samples // max(count, 1) for number in range(count + 1)], np.int64)
    number = np.arange(count, dtype=np.int64)
    place = (number * _SCATTER) % MOST_SAMPLES
    return edges[:-1] + place * np.diff(edges) // MOST_SAMPLES


class TypicalSamples:
    """Collects samples [first, last) of the grid, as blocks of samples go by; what did not is read at the end."""

    def __init__(
        self,
        dtype: np.dtype[Any],
        num_channels: int,
        num_samples: int,
        stretch: tuple[int, int] | None = None,
    ) -> None:
        rows = grid_rows(num_samples, num_channels)
        first, last = (0, num_samples) if stretch is None else stretch
        self._rows = rows[np.searchsorted(rows, first) : np.searchsorted(rows, last)]
        self._is_there = np.zeros(len(self._rows), bool)
        self.samples = np.zeros((len(self._rows), num_channels), dtype)

    def take(self, first_row: int, block: npt.NDArray[Any]) -> None:
        """Take what is wanted of a block of samples (n, C) that begins at a row of the series."""
        low, high = np.searchsorted(self._rows, [first_row, first_row + len(block)])
        if low < high:
            self.samples[low:high] = block[self._rows[low:high] - first_row]
            self._is_there[low:high] = True

    def complete(self, read_into: ReadInto, dtype: np.dtype[Any], preferred_rows: int, num_rows: int) -> None:
        """Read the samples that did not go by, in runs of the recording's own rows; it has `num_rows`."""
        row_bytes = dtype.itemsize * max(self.samples.shape[1], 1)
        unit = preferred_rows if preferred_rows * row_bytes <= _READ_BYTES else 1
        longest = max(_READ_BYTES // row_bytes, unit)
        buffer = np.empty((min(longest, num_rows), self.samples.shape[1]), dtype)
        for first, last in self._runs(unit, longest, _GAP_BYTES // row_bytes):
            rows = buffer[: min(last, num_rows) - first]
            read_into(first, rows)
            self.take(first, rows)

    def _runs(self, unit: int, longest: int, gap: int) -> Iterator[tuple[int, int]]:
        """Runs of rows, of so many at most, that hold the samples which are not there: of units of rows that are no
        further than `gap` rows apart, as a read of its own takes longer than reading these."""
        firsts = (np.unique(self._rows[~self._is_there] // unit) * unit).tolist()
        run: tuple[int, int] | None = None
        for first in firsts:
            last = first + unit
            if run is not None and first - run[1] <= gap and last - run[0] <= longest:
                run = run[0], last
                continue
            if run is not None:
                yield run
            run = first, last
        if run is not None:
            yield run


def typical_of(samples: npt.NDArray[Any], missing: MissingValues | None) -> list[Typical | None]:
    """Percentiles 1, 50 and 99 of each channel's stored values, samples (n, C); None without any.

    Missing values and those that are not finite are left out. Of m values in order, percentile q is number
    (q * (m - 1) + 50) div 100.
    """
    is_there = _is_there(samples, missing)
    found: list[Typical | None] = []
    for channel in range(samples.shape[1]):
        values = samples[is_there[:, channel], channel]
        if not len(values):
            found.append(None)
            continue
        places = [(percent * (len(values) - 1) + 50) // 100 for percent in PERCENTS]
        values.partition(places)
        # 0 for -0.0.
        found.append(tuple((values[places] + values.dtype.type(0)).tolist()))
    return found


def clipped_of(
    samples: npt.NDArray[Any], missing: MissingValues | None, channels: Sequence[Channel]
) -> list[float | None]:
    """Which fraction of each channel's samples (n, C) are at its converter's limits or beyond; None without any."""
    is_there = _is_there(samples, missing)
    found: list[float | None] = []
    for number, channel in enumerate(channels):
        values = samples[is_there[:, number], number]
        if channel.limits is None or not len(values):
            found.append(None)
            continue
        low, high = channel.limits
        found.append(int(np.count_nonzero((values <= low) | (values >= high))) / len(values))
    return found


def _is_there(samples: npt.NDArray[Any], missing: MissingValues | None) -> npt.NDArray[np.bool_]:
    is_there = np.isfinite(samples) if samples.dtype.kind == "f" else np.ones(samples.shape, bool)
    return is_there if missing is None else is_there & ~missing.mask(samples)
