"""The series manifest: frozen dataclasses, their JSON, and the checks that make a manifest safe to read.

docs/format.md is the normative description; every form of manifest that was ever released parses here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from seriesview.envelope.missing import Missing
from seriesview.envelope.moments import moments_dtype
from seriesview.errors import FormatError
from seriesview.series.array_info import (
    DTYPES,
    ArrayInfo,
    ChunkedLink,
    ContiguousLink,
    LinkInfo,
    parse_array,
    parse_link,
)
from seriesview.series.fields import Fields
from seriesview.series.missing import missing_to_json, only_missing_value, parse_missing
from seriesview.terms import is_workspace

__all__ = [
    "SERIES_FORMAT",
    "ArrayInfo",
    "ChannelInfo",
    "ChunkedLink",
    "ContiguousLink",
    "CountsInfo",
    "EventsInfo",
    "IntervalsInfo",
    "LevelInfo",
    "LinkInfo",
    "Missing",
    "MomentsInfo",
    "SegmentInfo",
    "SeriesManifest",
    "SeriesType",
    "parse_segment",
    "parse_series_manifest",
]

SERIES_FORMAT = "seriesview-series/1"
SeriesType = Literal["continuous", "discrete", "event", "interval"]
SERIES_TYPES: tuple[SeriesType, ...] = ("continuous", "discrete", "event", "interval")


@dataclass(frozen=True)
class ChannelInfo:
    """One channel of a series, its `type` as in BIDS; unit, scale and offset that are None are the series'."""

    id: str
    label: str
    unit: str | None = None
    scale: float | None = None
    offset: float | None = None
    group: str | None = None
    x: float | None = None
    y: float | None = None
    missing: Missing | None = None
    typical: tuple[float | int, ...] | None = None
    type: str | None = None
    bad: bool = False

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: None is left out."""
        found = {key: value for key, value in vars(self).items() if value is not None and value is not False}
        if self.missing is not None:
            found["missing"] = missing_to_json(self.missing)
        if self.typical is not None:
            found["typical"] = list(self.typical)
        return found


@dataclass(frozen=True)
class SegmentInfo:
    """A stretch without a gap: seconds [start_time, end_time), samples, lowest and highest stored value.

    The `_uri` and `_dtype` fields are set for series made with `SVSeries`, whose segments are files.
    """

    start_time: float
    end_time: float
    num_samples: int
    min_value: float | int | None = None
    max_value: float | int | None = None
    timestamps_uri: str | None = None
    timestamps_dtype: str | None = None
    values_uri: str | None = None
    values_dtype: str | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: min and max are null where there are none, the optional keys are left out."""
        required = ("start_time", "end_time", "num_samples", "min_value", "max_value")
        return {key: value for key, value in vars(self).items() if key in required or value is not None}


@dataclass(frozen=True)
class LevelInfo:
    """All bins of one factor: rows (bins, 2, C); where irregular, the times of their first samples."""

    factor: int
    array: ArrayInfo
    times: ArrayInfo | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: the array's keys beside the factor."""
        times = {} if self.times is None else {"times": self.times.to_json_dict()}
        return {"factor": self.factor, **self.array.to_json_dict(), **times}


@dataclass(frozen=True)
class MomentsInfo:
    """Moments (bins, 3, C) over half-open bins of `factor` samples."""

    factor: int
    array: ArrayInfo

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: the array's keys beside the factor."""
        return {"factor": self.factor, **self.array.to_json_dict()}


@dataclass(frozen=True)
class CountsInfo:
    """Events in each time bin [start_time + b*bin_seconds, + (b+1)*bin_seconds): uint32 (bins, C)."""

    bin_seconds: float
    start_time: float
    array: ArrayInfo

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: the array's keys beside the bins'."""
        return {"bin_seconds": self.bin_seconds, "start_time": self.start_time, **self.array.to_json_dict()}


@dataclass(frozen=True)
class EventsInfo:
    """Events: `times` float64 (events,), sorted, and `channels` uint32 (events,) into the channel list."""

    times: ArrayInfo
    channels: ArrayInfo

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return {"times": self.times.to_json_dict(), "channels": self.channels.to_json_dict()}


@dataclass(frozen=True)
class IntervalsInfo:
    """Intervals: `times` float64 (n, 2), sorted by start, `label_indices` uint32 (n,) into `labels`."""

    times: ArrayInfo
    label_indices: ArrayInfo
    labels: tuple[str, ...]

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return {
            "times": self.times.to_json_dict(),
            "label_indices": self.label_indices.to_json_dict(),
            "labels": list(self.labels),
        }


@dataclass(frozen=True)
class SeriesManifest:
    """One series: physical value = stored value * scale + offset, of the channel where it has its own."""

    type: SeriesType
    dtype: str
    channels: tuple[ChannelInfo, ...]
    segments: tuple[SegmentInfo, ...]
    sampling_frequency: float | None
    label: str = ""
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    session_start: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    values: ArrayInfo | LinkInfo | None = None
    timestamps: ArrayInfo | None = None
    levels: tuple[LevelInfo, ...] = ()
    moments: tuple[MomentsInfo, ...] = ()
    counts: tuple[CountsInfo, ...] = ()
    events: EventsInfo | None = None
    intervals: IntervalsInfo | None = None
    missing: Missing | None = None
    format: str = SERIES_FORMAT

    @property
    def num_channels(self) -> int:
        """How many channels the series has."""
        return len(self.channels)

    @property
    def num_samples(self) -> int:
        """Samples (events, intervals) of all segments."""
        return sum(segment.num_samples for segment in self.segments)

    def to_json_dict(self) -> dict[str, Any]:
        """What is stored: JSON types, no NaN or infinity; `events` and `intervals` only where they are."""
        values = self.values
        result: dict[str, Any] = {
            "format": self.format,
            "type": self.type,
            "label": self.label,
            "unit": self.unit,
            "scale": self.scale,
            "offset": self.offset,
            "dtype": self.dtype,
            "sampling_frequency": self.sampling_frequency,
            "channels": [channel.to_json_dict() for channel in self.channels],
            "session_start": self.session_start,
            "options": dict(self.options),
            "segments": [segment.to_json_dict() for segment in self.segments],
            "values": {"link": values.to_json_dict()}
            if isinstance(values, ContiguousLink | ChunkedLink)
            else (None if values is None else values.to_json_dict()),
            "timestamps": None if self.timestamps is None else self.timestamps.to_json_dict(),
            "levels": [level.to_json_dict() for level in self.levels],
            "moments": [moments.to_json_dict() for moments in self.moments],
            "counts": [counts.to_json_dict() for counts in self.counts],
        }
        if self.events is not None:
            result["events"] = self.events.to_json_dict()
        if self.intervals is not None:
            result["intervals"] = self.intervals.to_json_dict()
        if self.missing is not None:
            result["missing"] = missing_to_json(self.missing)
            if (only := only_missing_value(self.missing)) is not None:
                result["missing_value"] = only
        return result


def parse_series_manifest(value: Any) -> SeriesManifest:
    """A series manifest out of JSON, in this form or the original package's; raises FormatError."""
    top = Fields(value, "series manifest")
    form = top.text("format", SERIES_FORMAT)
    if is_workspace(value):
        raise FormatError("this is a workspace, not a series; `seriesview info` lists its series")
    if form != SERIES_FORMAT:
        raise FormatError(
            f"series manifest: format {form!r} is not known here, {SERIES_FORMAT} is; update seriesview"
        )
    segments = tuple(
        parse_segment(item, f"{top.at('segments')}[{i}]") for i, item in enumerate(top.items("segments"))
    )
    dtype = top.dtype("dtype", DTYPES, next((s.values_dtype for s in segments if s.values_dtype), "float64"))
    channels = tuple(
        _channel(item, f"{top.at('channels')}[{i}]", dtype)
        for i, item in enumerate(top.items("channels", [{"id": "0", "label": ""}]))
    )
    if len({channel.id for channel in channels}) != len(channels):
        raise FormatError(f"{top.at('channels')}: two channels have the same id")
    num_channels, num_samples = len(channels), sum(segment.num_samples for segment in segments)
    return SeriesManifest(
        type=top.one_of("type", SERIES_TYPES),
        dtype=dtype,
        channels=channels,
        segments=segments,
        sampling_frequency=top.positive("sampling_frequency") if top.has("sampling_frequency") else None,
        label=top.text("label", ""),
        unit=top.text("unit", ""),
        scale=top.number("scale", 1.0),
        offset=top.number("offset", 0.0),
        session_start=top.optional_text("session_start"),
        options=Fields(top.get("options") or {}, top.at("options")).raw(),
        values=_values(top, dtype, num_samples, num_channels),
        timestamps=parse_array(top.get("timestamps"), top.at("timestamps"), "float64", ())
        if top.has("timestamps")
        else None,
        levels=tuple(
            _level(item, f"{top.at('levels')}[{i}]", dtype, num_channels)
            for i, item in enumerate(top.items("levels", []))
        ),
        moments=tuple(
            _moments(item, f"{top.at('moments')}[{i}]", dtype, num_channels)
            for i, item in enumerate(top.items("moments", []))
        ),
        counts=tuple(
            _counts(item, f"{top.at('counts')}[{i}]", num_channels)
            for i, item in enumerate(top.items("counts", []))
        ),
        events=_events(top.get("events"), top.at("events")) if top.has("events") else None,
        intervals=_intervals(top.get("intervals"), top.at("intervals")) if top.has("intervals") else None,
        missing=parse_missing(top.get("missing"), top.at("missing"), dtype),
        format=form,
    )


def _values(top: Fields, dtype: str, num_samples: int, num_channels: int) -> ArrayInfo | LinkInfo | None:
    if not top.has("values"):
        return None
    where = top.at("values")
    entry = Fields(top.get("values"), where)
    if entry.has("link"):
        return parse_link(entry.get("link"), entry.at("link"), dtype, num_samples, num_channels)
    if not entry.has("pages"):
        raise FormatError(
            f"{where}: a form that is not known here ({', '.join(entry.raw())}); update seriesview"
        )
    info = parse_array(top.get("values"), where, dtype, (num_channels,), may_leave_out=True)
    if info.shape[0] != num_samples:
        raise FormatError(f"{where}: {info.shape[0]} rows for {num_samples} samples")
    return info


def _channel(value: Any, where: str, dtype: str) -> ChannelInfo:
    entry = Fields(value, where)
    return ChannelInfo(
        id=entry.text("id"),
        label=entry.text("label", entry.text("id")),
        unit=entry.optional_text("unit"),
        scale=entry.optional_number("scale"),
        offset=entry.optional_number("offset"),
        group=entry.optional_text("group"),
        x=entry.optional_number("x"),
        y=entry.optional_number("y"),
        missing=parse_missing(entry.get("missing"), entry.at("missing"), dtype),
        typical=entry.ascending("typical", 3) if entry.has("typical") else None,
        type=entry.optional_text("type"),
        bad=entry.flag("bad"),
    )


def parse_segment(value: Any, where: str) -> SegmentInfo:
    """One segment out of a manifest; raises FormatError."""
    entry = Fields(value, where)
    with_values = entry.has("values_uri")
    return SegmentInfo(
        start_time=entry.number("start_time"),
        end_time=entry.number("end_time"),
        num_samples=entry.integer("num_samples"),
        min_value=_lenient_number(entry, "min_value"),
        max_value=_lenient_number(entry, "max_value"),
        timestamps_uri=entry.uri("timestamps_uri") if with_values else None,
        timestamps_dtype=entry.dtype("timestamps_dtype", ("float32", "float64")) if with_values else None,
        values_uri=entry.uri("values_uri") if with_values else None,
        values_dtype=entry.dtype("values_dtype", DTYPES) if with_values else None,
    )


def _lenient_number(entry: Fields, key: str) -> float | int | None:
    """A number or None; NaN, which the original package wrote into its JSON, is none."""
    value = entry.get(key)
    return None if isinstance(value, float) and not math.isfinite(value) else entry.optional_number(key)


def _level(value: Any, where: str, dtype: str, num_channels: int) -> LevelInfo:
    entry = Fields(value, where)
    return LevelInfo(
        factor=entry.integer("factor", 2),
        array=parse_array(value, where, dtype, (2, num_channels)),
        times=parse_array(entry.get("times"), entry.at("times"), "float64", ())
        if entry.has("times")
        else None,
    )


def _moments(value: Any, where: str, dtype: str, num_channels: int) -> MomentsInfo:
    return MomentsInfo(
        Fields(value, where).integer("factor", 2),
        parse_array(value, where, moments_dtype(dtype).name, (3, num_channels)),
    )


def _counts(value: Any, where: str, num_channels: int) -> CountsInfo:
    entry = Fields(value, where)
    array = parse_array(value, where, "uint32", (num_channels,))
    return CountsInfo(entry.positive("bin_seconds"), entry.number("start_time"), array)


def _events(value: Any, where: str) -> EventsInfo:
    entry = Fields(value, where)
    return EventsInfo(
        times=parse_array(entry.get("times"), entry.at("times"), "float64", ()),
        channels=parse_array(entry.get("channels"), entry.at("channels"), "uint32", ()),
    )


def _intervals(value: Any, where: str) -> IntervalsInfo:
    entry = Fields(value, where)
    return IntervalsInfo(
        times=parse_array(entry.get("times"), entry.at("times"), "float64", (2,)),
        label_indices=parse_array(entry.get("label_indices"), entry.at("label_indices"), "uint32", ()),
        labels=entry.texts("labels"),
    )
