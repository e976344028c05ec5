"""`SVSeries`: a series made in Python from timestamps and values, segment by segment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from seriesview.errors import FormatError
from seriesview.series.arguments import seconds, shown
from seriesview.series.default_store import default_store, default_store_to_write
from seriesview.series.manifest import (
    ChannelInfo,
    LevelInfo,
    SeriesManifest,
    SeriesType,
    parse_series_manifest,
)
from seriesview.series.showing import Figure, figure
from seriesview.series.svseries_arguments import (
    cut,
    in_time_order,
    sample_times,
    sample_values,
    sampling_rate,
)
from seriesview.series.svseries_levels import store_levels
from seriesview.series.svseries_segment import SVSeriesSegment

_TYPES = tuple(name for name in get_args(SeriesType) if name != "interval")
_MOST_EXACT = 2**53


class SVSeries:
    """Segments of samples at explicit timestamps; `to_uri` stores it, and `open_series` opens it too.

    `sampling_frequency` is for information: the timestamps say where the samples are.
    """

    def __init__(self, *, type: SeriesType, sampling_frequency: float | None) -> None:
        if type not in _TYPES:
            raise FormatError(f"series type {type!r}: one of {', '.join(_TYPES)} is expected")
        self._type: SeriesType = type
        self._sampling_frequency = sampling_rate(sampling_frequency)
        self._segments: list[SVSeriesSegment] = []
        self._levels: tuple[LevelInfo, ...] | None = None

    @property
    def type(self) -> SeriesType:
        """continuous, discrete or event."""
        return self._type

    @property
    def sampling_frequency(self) -> float | None:
        """Samples a second, None where there is no such rate."""
        return self._sampling_frequency

    @property
    def segments(self) -> tuple[SVSeriesSegment, ...]:
        """The segments, in the order in which they were added."""
        return tuple(self._segments)

    def add_segment(self, segment: SVSeriesSegment) -> None:
        """Add a segment at the end; raises FormatError where its samples have another number of values."""
        if not isinstance(segment, SVSeriesSegment):
            raise FormatError(
                f"a segment is expected, found {shown(segment)}; add_numpy_segment() takes arrays"
            )
        if self._segments and segment.num_channels != self._segments[0].num_channels:
            raise FormatError(
                f"a segment of {segment.num_channels or 1} values a sample in a series of "
                f"{self._segments[0].num_channels or 1}"
            )
        self._segments.append(segment)
        self._levels = None

    def add_numpy_segment(
        self, *, start_time: float, end_time: float, timestamps: npt.ArrayLike, values: npt.ArrayLike
    ) -> None:
        """Store timestamps (n,) and values (n,) or (n, C), and add them as a segment."""
        self.add_segment(
            SVSeriesSegment.from_numpy(
                start_time=start_time, end_time=end_time, timestamps=timestamps, values=values
            )
        )

    def get_samples(
        self, start: float | None = None, end: float | None = None
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Timestamps (n,) and values (n,) or (n, C) with start <= t < end; None leaves an end open."""
        first = -math.inf if start is None else seconds("start", start)
        last = math.inf if end is None else seconds("end", end)
        timestamps, values = [], []
        for segment in self._segments:
            if segment.num_samples and first <= segment.end_time and last > segment.start_time:
                times, rows = segment.get_samples()
                inside = (first <= times) & (times < last)
                timestamps.append(times[inside])
                values.append(rows[inside])
        if not timestamps:
            width = self._segments[0].num_channels if self._segments else None
            return np.empty(0), np.empty((0,) if width is None else (0, width), self._dtype())
        return np.concatenate(timestamps), np.concatenate(values)

    def to_manifest(self) -> SeriesManifest:
        """The series manifest, of segments that are files of their own; levels of a large series are stored."""
        width = (self._segments[0].num_channels if self._segments else None) or 1
        manifest = SeriesManifest(
            type=self._type,
            dtype=self._dtype(),
            channels=tuple(ChannelInfo(id=str(i), label=str(i)) for i in range(width)),
            segments=tuple(segment.info for segment in self._segments),
            sampling_frequency=self._sampling_frequency,
        )
        if self._levels is None:
            self._levels = store_levels(default_store_to_write(), manifest)
        return replace(manifest, levels=self._levels)

    def to_dict(self) -> dict[str, Any]:
        """The series manifest as JSON."""
        return self.to_manifest().to_json_dict()

    def to_uri(self) -> str:
        """Store the manifest; the samples are in the store already."""
        return default_store_to_write().put_json(self.to_dict(), name="series.json")

    def figurl(self) -> Figure:
        """The series as a figure, whose `url()` is a link to it."""
        return figure(data=self.to_dict(), store=default_store(), label=f"{self.type} series")

    def _repr_html_(self) -> str:
        return self.figurl()._repr_html_()

    @staticmethod
    def from_dict(d: Mapping[str, Any]) -> SVSeries:
        """A series out of its manifest, also the original package's; raises FormatError."""
        manifest = parse_series_manifest(d)
        width = manifest.num_channels if manifest.num_channels > 1 else None
        series = SVSeries(type=manifest.type, sampling_frequency=manifest.sampling_frequency)
        for segment in manifest.segments:
            series.add_segment(SVSeriesSegment.from_dict(segment.to_json_dict(), width))
        if manifest.levels:
            series._levels = manifest.levels
        return series

    @staticmethod
    def from_uri(uri: str) -> SVSeries:
        """A series out of the store; raises FormatError and MissingArtifactError."""
        return SVSeries.from_dict(default_store().get_json(uri))

    @staticmethod
    def from_numpy(
        *,
        type: SeriesType,
        sampling_frequency: float | None,
        start_time: float,
        end_time: float,
        segment_duration: float,
        timestamps: npt.ArrayLike,
        values: npt.ArrayLike,
    ) -> SVSeries:
        """Store the samples with start_time <= t < end_time, in segments of `segment_duration` seconds.

        The last segment may be shorter, and segments may be empty; an infinite duration is one segment.
        Warns where no sample lies there; raises FormatError, RequestError.
        """
        times = sample_times(timestamps)
        times, rows = in_time_order(times, sample_values(values, len(times)))
        series = SVSeries(type=type, sampling_frequency=sampling_frequency)
        for start, end, first, last in cut(start_time, end_time, segment_duration, times):
            series.add_numpy_segment(
                start_time=start, end_time=end, timestamps=times[first:last], values=rows[first:last]
            )
        return series

    def _dtype(self) -> str:
        """The dtype that holds the values of every segment; FormatError where none holds them exactly."""
        dtypes = {segment.values_dtype for segment in self._segments}
        if not dtypes:
            return "float64"
        common = np.result_type(*(np.dtype(name) for name in dtypes))
        for segment in self._segments:
            extremes = (segment.min_value or 0, segment.max_value or 0)
            if (
                common.kind == "f"
                and np.dtype(segment.values_dtype).kind in "iu"
                and max(map(abs, extremes)) > _MOST_EXACT
            ):
                raise FormatError(
                    f"segments of {', '.join(sorted(dtypes))}: no dtype holds the values of all of them; "
                    "give them one dtype"
                )
        return common.name
