"""One segment of an `SVSeries`: explicit timestamps and values, each a file in the store."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import FormatError
from seriesview.series.default_store import default_store, default_store_to_write
from seriesview.series.manifest import SegmentInfo, parse_segment
from seriesview.series.segment_files import load_timestamps, load_values
from seriesview.series.svseries_arguments import (
    in_time_order,
    sample_times,
    sample_values,
    segment_span,
)


class SVSeriesSegment:
    """Samples at explicit timestamps within [start_time, end_time); without samples min and max are None.

    A sample is one value, or a row of C values. Columns (n, 1) are taken for (n,), and samples out of order
    are sorted by time, those of one time staying in their order.
    """

    def __init__(
        self,
        *,
        start_time: float,
        end_time: float,
        num_samples: int,
        min_value: float | int | None,
        max_value: float | int | None,
        timestamps_dtype: str,
        timestamps_uri: str,
        values_dtype: str,
        values_uri: str,
        num_channels: int | None = None,
    ) -> None:
        self.info = SegmentInfo(
            start_time=float(start_time),
            end_time=float(end_time),
            num_samples=int(num_samples),
            min_value=_plain(min_value),
            max_value=_plain(max_value),
            timestamps_uri=timestamps_uri,
            timestamps_dtype=timestamps_dtype,
            values_uri=values_uri,
            values_dtype=values_dtype,
        )
        self._num_channels = num_channels
        self._timestamps: npt.NDArray[Any] | None = None
        self._values: npt.NDArray[Any] | None = None

    @property
    def start_time(self) -> float:
        """Seconds; the segment begins here."""
        return self.info.start_time

    @property
    def end_time(self) -> float:
        """Seconds; the segment ends before this."""
        return self.info.end_time

    @property
    def num_samples(self) -> int:
        """How many samples the segment has."""
        return self.info.num_samples

    @property
    def min_value(self) -> float | int | None:
        """The lowest value, NaN ignored; None where there is none that is finite."""
        return self.info.min_value

    @property
    def max_value(self) -> float | int | None:
        """The highest value, NaN ignored; None where there is none that is finite."""
        return self.info.max_value

    @property
    def values_dtype(self) -> str:
        """Dtype of the values."""
        assert self.info.values_dtype is not None
        return self.info.values_dtype

    @property
    def num_channels(self) -> int | None:
        """Values a sample; None for a flat list of values, one a sample."""
        return self._num_channels

    def get_samples(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Timestamps (n,) and values (n,), or (n, C) where a sample has several values."""
        if self._timestamps is None or self._values is None:
            store = default_store()
            self._timestamps = load_timestamps(store, self.info)
            values = load_values(store, self.info, self._num_channels or 1)
            self._values = values[:, 0] if self._num_channels is None else values
        return self._timestamps, self._values

    def to_dict(self) -> dict[str, Any]:
        """The segment as in a series manifest, with `num_channels` where a sample has several values."""
        several = {} if self._num_channels is None else {"num_channels": self._num_channels}
        return {**self.info.to_json_dict(), **several}

    def to_uri(self) -> str:
        """Store the segment's description; its samples are in the store already."""
        return default_store_to_write().put_json(self.to_dict(), name="segment.json")

    @staticmethod
    def from_dict(d: Mapping[str, Any], num_channels: int | None = None) -> SVSeriesSegment:
        """A segment out of its description, `num_channels` where that has none; raises FormatError."""
        info = parse_segment(d, "segment")
        if info.timestamps_uri is None:
            raise FormatError("segment: no timestamps_uri and values_uri; open its series with open_series()")
        return SVSeriesSegment(**vars(info), num_channels=d.get("num_channels", num_channels))

    @staticmethod
    def from_uri(uri: str) -> SVSeriesSegment:
        """A segment out of the store; raises FormatError and MissingArtifactError."""
        return SVSeriesSegment.from_dict(default_store().get_json(uri))

    @staticmethod
    def from_numpy(
        *, start_time: float, end_time: float, timestamps: npt.ArrayLike, values: npt.ArrayLike
    ) -> SVSeriesSegment:
        """Store timestamps (n,) or (n, 1), seconds, and values (n,), (n, 1) or (n, C); raises FormatError."""
        start, end = segment_span(start_time, end_time)
        times = sample_times(timestamps)
        times, rows = in_time_order(times, sample_values(values, len(times)))
        if len(times) and (times[0] < start or times[-1] > end):
            raise FormatError(
                f"timestamps from {times[0]} to {times[-1]} in a segment from {start} to {end} seconds: "
                "leave out the samples outside, or give times around them"
            )
        finite = rows[np.isfinite(rows)]
        store = default_store_to_write()
        return SVSeriesSegment(
            start_time=start,
            end_time=end,
            num_samples=len(times),
            min_value=finite.min().item() if finite.size else None,
            max_value=finite.max().item() if finite.size else None,
            timestamps_dtype=times.dtype.name,
            timestamps_uri=store.put_bytes(
                times.astype(times.dtype.newbyteorder("<")), name="timestamps.dat"
            ),
            values_dtype=rows.dtype.name,
            values_uri=store.put_bytes(_little(rows), name="values.dat"),
            num_channels=rows.shape[1] if rows.ndim == 2 else None,
        )


def _little(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))


def _plain(value: float | int | None) -> float | int | None:
    """A finite Python number, or None."""
    if value is None:
        return None
    number = value.item() if isinstance(value, np.generic) else value
    return number if math.isfinite(number) else None
