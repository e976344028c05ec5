"""A series that was stored: windows, samples and statistics, by segment and sample or by time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seriesview.envelope.ladder import zoom_ladder
from seriesview.errors import RequestError
from seriesview.series.arguments import channel_ids, seconds, shown, whole_number
from seriesview.series.arrays import DEFAULT_CACHE_BYTES, ArrayReader, PartCache
from seriesview.series.default_store import chosen_store
from seriesview.series.fields import result_uri
from seriesview.series.hulls import Pyramid
from seriesview.series.manifest import ChannelInfo, SegmentInfo, SeriesManifest, read_series_manifest
from seriesview.series.overview import overview_rms
from seriesview.series.points import Points, TimeBins, event_points, sample_points
from seriesview.series.samples import open_samples
from seriesview.series.segment_files import Selection
from seriesview.series.showing import Figure, figure
from seriesview.series.statistics import Moments, span_statistics
from seriesview.series.times import Floats, open_times
from seriesview.series.windows import check_segment, factor_used, read_window

if TYPE_CHECKING:
    from seriesview.store import Store


class Series:
    """One stored series; every artifact that it reads is checked by its SHA-1, linked files by size and time.

    Values are stored values: `to_physical` applies scale and offset. Channels are chosen by id, None is all.
    Raises RequestError for what the series does not have, what means nothing, and after `close`, and
    MissingArtifactError for what the store does not have any more. Another process that gets it (pickled) opens
    it again, from the same storage directory.
    """

    def __init__(
        self, manifest: SeriesManifest, store: Store, uri: str | None = None, cache: PartCache | None = None
    ) -> None:
        self.manifest = manifest
        self.store = store
        self.uri = uri
        self._cache = cache if cache is not None else PartCache()
        self._is_closed = False
        self._samples = open_samples(store, manifest, self._cache)
        self._pyramid = Pyramid(store, manifest, self._samples, self._cache)
        self._times = open_times(store, manifest, self._cache)
        lengths = [segment.num_samples for segment in manifest.segments]
        ordered = sorted(manifest.moments, key=lambda moments: moments.factor)
        self._moments = [Moments(store, moments, lengths, self._cache) for moments in ordered]
        self._index = {channel.id: number for number, channel in enumerate(manifest.channels)}

    @property
    def type(self) -> str:
        """continuous, discrete, event or interval."""
        return self.manifest.type

    @property
    def channels(self) -> tuple[ChannelInfo, ...]:
        """The channels, in the order of the last axis of every array."""
        return self.manifest.channels

    @property
    def segments(self) -> tuple[SegmentInfo, ...]:
        """The segments, in order of time."""
        return self.manifest.segments

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the stored samples."""
        return self._pyramid.dtype

    @property
    def has_samples(self) -> bool:
        """Whether the series has raw samples, stored or linked."""
        return self._samples is not None

    def window(
        self,
        segment: int,
        first_sample: int,
        samples_per_column: int,
        columns: int,
        channels: Iterable[str] | None = None,
    ) -> npt.NDArray[Any]:
        """Envelope (columns, 2, C): min and max of samples [first + i*k, first + (i+1)*k], ends included.

        Columns past the segment's end are dropped; the last may be shorter.
        """
        return read_window(
            self._pyramid,
            self._segment(segment),
            whole_number("first_sample", first_sample),
            whole_number("samples_per_column", samples_per_column),
            whole_number("columns", columns),
            self._select(channels),
        )

    def factor_used(self, first_sample: int, samples_per_column: int) -> int:
        """Factor of the coarsest level that such a window is read from; 1 where it takes raw samples."""
        return factor_used(
            self._pyramid,
            whole_number("first_sample", first_sample),
            whole_number("samples_per_column", samples_per_column),
        )

    def zoom_ladder(self, segment: int) -> tuple[int, ...]:
        """The samples a column that a viewer offers for a segment, ascending."""
        segment = self._segment(segment)
        factors = [level.factor for level in self._pyramid.levels]
        return zoom_ladder(factors, self._pyramid.lengths[segment], self.has_samples)

    def values(
        self, segment: int, first_sample: int, last_sample: int, channels: Iterable[str] | None = None
    ) -> npt.NDArray[Any]:
        """Samples [first_sample, last_sample) of a segment (n, C)."""
        rows = self._pyramid.read_samples(
            *self._span(segment, first_sample, last_sample), self._select(channels)
        )
        return np.array(rows, self.dtype, order="C")

    def times(self, segment: int, first_sample: int, last_sample: int) -> Floats:
        """Times in seconds of samples [first_sample, last_sample) of a segment (n,)."""
        segment, first, last = self._span(segment, first_sample, last_sample)
        return np.array(self._times[segment].read(first, last), np.float64)

    def statistics(
        self, segment: int, first_sample: int, last_sample: int, channels: Iterable[str] | None = None
    ) -> dict[str, npt.NDArray[Any]]:
        """count, mean, rms, std, min and max (C,) of samples [first_sample, last_sample], both ends included.

        Non-finite samples are not counted; min and max ignore NaN alone. Without raw samples only whole bins
        of moments can be asked for, and min and max also cover the sample after the last.
        """
        return span_statistics(
            self._pyramid,
            self._moments,
            self._segment(segment),
            whole_number("first_sample", first_sample),
            whole_number("last_sample", last_sample),
            self._select(channels),
        )

    def points(
        self, start_time: float, end_time: float, max_points: int, channels: Iterable[str] | None = None
    ) -> Points:
        """Samples or events with start_time <= time <= end_time; more than `max_points`: binned by time."""
        bins = self._bins(start_time, end_time, "max_points", max_points)
        if self.manifest.events is not None:
            wanted = np.array([self._index[c.id] for c in self._chosen(channels)], np.intp)
            reader = ArrayReader(self.store, self.manifest.events.channels, self._cache)
            if not self._times:
                return Points(times=np.empty(0), channels=np.empty(0, np.uint32))
            return event_points(self._times[0], reader, len(self._index), bins, wanted)
        if self.manifest.intervals is not None:
            raise RequestError("this series holds intervals: use intervals()")
        return sample_points(self._pyramid, self._times, bins, bins.count, self._select(channels))

    def time_window(
        self, start_time: float, end_time: float, columns: int, channels: Iterable[str] | None = None
    ) -> Points:
        """Envelope of equal columns of time: of the samples at t0 <= t <= t1 in each; `Points` with edges."""
        if self.manifest.events is not None or self.manifest.intervals is not None:
            raise RequestError(f"a series of type {self.type} has no values: use points() or intervals()")
        bins = self._bins(start_time, end_time, "columns", columns)
        return sample_points(self._pyramid, self._times, bins, -1, self._select(channels))

    def intervals(self) -> tuple[Floats, list[str]]:
        """Start and end times (n, 2) in seconds, sorted by start, and the label of each."""
        self._check_open()
        info = self.manifest.intervals
        if info is None:
            raise RequestError(f"a series of type {self.type} has no intervals")
        times = ArrayReader(self.store, info.times, self._cache)
        indices = ArrayReader(self.store, info.label_indices, self._cache)
        labels = [info.labels[index] for index in indices.read(0, len(indices))]
        return np.array(times.read(0, len(times)), np.float64), labels

    def overview_rms(
        self, segment: int, columns: int, channels: Iterable[str] | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Sample edges (n + 1,) and the RMS (n, C) of stored values between them, n at most `columns`."""
        segment, count = self._segment(segment), whole_number("columns", columns)
        return overview_rms(self._pyramid, self._moments, segment, count, self._select(channels))

    def is_missing(
        self, stored: npt.NDArray[Any], channels: Iterable[str] | None = None
    ) -> npt.NDArray[np.bool_]:
        """Where stored values (..., C) stand for no value: what the manifest says is missing, and NaN."""
        nothing = np.isnan(stored) if stored.dtype.kind == "f" else np.zeros(stored.shape, bool)
        missing = self._pyramid.missing_of(self._select(channels))
        return nothing if missing is None else nothing | missing.mask(stored)

    def to_physical(
        self, stored: npt.NDArray[Any], channels: Iterable[str] | None = None
    ) -> npt.NDArray[np.float64]:
        """stored * scale + offset (..., C), each channel's own where it has them; NaN where a value is missing."""
        ids = channel_ids(channels)
        chosen = self._chosen(ids)
        scale = [self.manifest.scale if c.scale is None else c.scale for c in chosen]
        offset = [self.manifest.offset if c.offset is None else c.offset for c in chosen]
        stored = np.asarray(stored)
        if stored.ndim == 0 or stored.shape[-1] != len(chosen):
            raise RequestError(
                f"values of shape {stored.shape} for {len(chosen)} channels: the last axis is theirs"
            )
        missing = self._pyramid.missing_of(self._select(ids))
        numbers = stored.astype(np.float64) if missing is None else missing.as_floats(stored)
        physical: npt.NDArray[np.float64] = numbers * np.array(scale) + np.array(offset)
        return physical

    def figurl(self) -> Figure:
        """The series as a figure, whose `url()` is a link to it."""
        label = self.manifest.label or "series"
        return figure(data=self.manifest.to_json_dict(), store=self.store, label=label, uri=self.uri)

    def _repr_html_(self) -> str:
        return self.figurl()._repr_html_()

    def close(self) -> None:
        """Let go of open files; nothing can be read any more."""
        self._is_closed = True
        if self._samples is not None:
            self._samples.close()

    def __enter__(self) -> Series:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Series, (self.manifest, self.store, self.uri, self._cache)

    def _check_open(self) -> None:
        """Raise RequestError where the series was closed."""
        if self._is_closed:
            raise RequestError("this series was closed; open it again to read from it")

    def _segment(self, segment: int) -> int:
        """The number of a segment that the open series has."""
        self._check_open()
        number = whole_number("segment", segment)
        check_segment(self._pyramid, number)
        return number

    def _span(self, segment: int, first: int, last: int) -> tuple[int, int, int]:
        """A segment and samples [first, last) that it has."""
        segment = self._segment(segment)
        first, last = whole_number("first_sample", first), whole_number("last_sample", last)
        length = self._pyramid.lengths[segment]
        if not 0 <= first <= last <= length:
            raise RequestError(f"samples {first} to {last} are not in segment {segment} of {length} samples")
        return segment, first, last

    def _bins(self, start_time: float, end_time: float, name: str, count: int) -> TimeBins:
        self._check_open()
        start, end = seconds("start_time", start_time), seconds("end_time", end_time)
        return TimeBins(start, end, whole_number(name, count), name)

    def _chosen(self, channels: Iterable[str] | None) -> list[ChannelInfo]:
        ids = channel_ids(channels)
        if ids is None:
            return list(self.manifest.channels)
        for channel in ids:
            if channel not in self._index:
                some = ", ".join(list(self._index)[:10]) + (", ..." if len(self._index) > 10 else "")
                raise RequestError(f"no channel {shown(channel)}; the series has {some}")
        return [self.manifest.channels[self._index[channel]] for channel in ids]

    def _select(self, channels: Iterable[str] | None) -> Selection:
        """The chosen channels as a slice where they are neighbours, else as indices."""
        if channels is None:
            return slice(0, self.manifest.num_channels)
        indices = [self._index[channel.id] for channel in self._chosen(channels)]
        if indices and indices == list(range(indices[0], indices[0] + len(indices))):
            return slice(indices[0], indices[-1] + 1)
        return np.array(indices, np.intp)


def open_series(
    uri: str | Path, store: Store | str | Path | None = None, *, cache_bytes: int = DEFAULT_CACHE_BYTES
) -> Series:
    """Open a series by its manifest's URI or its `results/series/NAME.json`. Raises FormatError, StoreError.

    `store` is one that was opened, or a kachery storage directory; the default one where it is None.
    """
    opened = chosen_store(store)
    place = result_uri(uri, "results/series/NAME.json")
    return Series(opened.get_parsed(place, read_series_manifest), opened, place, PartCache(cache_bytes))
