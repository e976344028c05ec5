"""The series manifest: frozen dataclasses, their JSON, and the checks that make a manifest safe to read.

docs/format.md is the normative description; every form of manifest that was ever released parses here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import FailFast, Field, ValidationError

from seriesview.documents.checking import adapter, checked
from seriesview.documents.expectations import Flag, Instance, Number, OneOf, Words
from seriesview.documents.problems import shown
from seriesview.envelope.missing import Missing
from seriesview.envelope.moments import moments_dtype
from seriesview.errors import FormatError
from seriesview.series.array_info import BESIDE, DTYPES, ArrayInfo, Beside, Dtype, Rows, unlike
from seriesview.series.derivation import (
    Coefficients,
    ComputedValues,
    SourceSeries,
    StepDocument,
    derived_to_json,
)
from seriesview.series.fields import (
    Ascending,
    AtLeastOne,
    AtLeastTwo,
    Count,
    FiniteNumber,
    Positive,
    RangeEnd,
    Text,
    Uri,
)
from seriesview.series.links import (
    ChunkedLink,
    ContiguousLink,
    Linked,
    LinkInfo,
    Values,
    placed,
    values_to_json,
)
from seriesview.series.missing import MissingForm, held, missing_to_json, only_missing_value
from seriesview.store.reading import bounded_json, parse_json
from seriesview.terms import SERIES_TYPES, SeriesType, is_workspace

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


Times = Annotated[ArrayInfo, Rows("float64", ())]
Indices = Annotated[ArrayInfo, Rows("uint32", ())]


@dataclass(frozen=True)
class ChannelInfo:
    """One channel of a series, its `type` as in BIDS; unit, scale and offset that are None are the series'."""

    id: Text
    label: Annotated[str, Words(), Field(default_factory=lambda keys: keys.get("id", ""))]
    unit: Text | None = None
    scale: FiniteNumber | None = None
    offset: FiniteNumber | None = None
    group: Text | None = None
    x: FiniteNumber | None = None
    y: FiniteNumber | None = None
    missing: Annotated[Missing, MissingForm()] | None = None
    typical: Annotated[tuple[FiniteNumber, FiniteNumber, FiniteNumber], Ascending("three")] | None = None
    limits: Annotated[tuple[FiniteNumber, FiniteNumber], Ascending("two")] | None = None
    clipped: Annotated[float, Number(least=0, most=1)] | None = None
    type: Text | None = None
    bad: Annotated[bool, Flag()] = False
    best_channel: Text | None = None
    """Of events: id, else label, of the channel of a series below them on which they are largest."""
    sample_shift: FiniteNumber | None = None
    """How much later than the sample's time it was taken, in samples: where one converter serves several channels."""

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: None is left out."""
        found = {key: value for key, value in vars(self).items() if value is not None and value is not False}
        if self.missing is not None:
            found["missing"] = missing_to_json(self.missing)
        if self.typical is not None:
            found["typical"] = list(self.typical)
        if self.limits is not None:
            found["limits"] = list(self.limits)
        return found


@dataclass(frozen=True)
class SegmentInfo:
    """A stretch without a gap: seconds [start_time, end_time), samples, lowest and highest stored value.

    The `_uri` and `_dtype` fields are set for series made with `SVSeries`, whose segments are files.
    """

    start_time: FiniteNumber
    end_time: FiniteNumber
    num_samples: Count
    min_value: Annotated[float | int | None, RangeEnd()] = None
    max_value: Annotated[float | int | None, RangeEnd()] = None
    timestamps_uri: Uri | None = None
    timestamps_dtype: Annotated[str, OneOf("float32", "float64")] | None = None
    values_uri: Uri | None = None
    values_dtype: Dtype | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: min and max are null where there are none, the optional keys are left out."""
        required = ("start_time", "end_time", "num_samples", "min_value", "max_value")
        return {key: value for key, value in vars(self).items() if key in required or value is not None}


@dataclass(frozen=True)
class LevelInfo:
    """All bins of one factor: rows (bins, 2, C); where irregular, the times of their first samples."""

    factor: AtLeastTwo
    array: Annotated[ArrayInfo, Rows(num_axes=3, may_be_means=True), BESIDE]
    times: Times | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: the array's keys beside the factor."""
        times = {} if self.times is None else {"times": self.times.to_json_dict()}
        return {"factor": self.factor, **self.array.to_json_dict(), **times}


@dataclass(frozen=True)
class MomentsInfo:
    """Moments (bins, 3, C) over half-open bins of `factor` samples."""

    factor: AtLeastTwo
    array: Annotated[ArrayInfo, Rows(num_axes=3), BESIDE]

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: the array's keys beside the factor."""
        return {"factor": self.factor, **self.array.to_json_dict()}


@dataclass(frozen=True)
class CountsInfo:
    """Events in each time bin [start_time + b*bin_seconds, + (b+1)*bin_seconds): uint32 (bins, C)."""

    bin_seconds: Positive
    start_time: FiniteNumber
    array: Annotated[ArrayInfo, Rows("uint32", num_axes=2), BESIDE]

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form: the array's keys beside the bins'."""
        return {"bin_seconds": self.bin_seconds, "start_time": self.start_time, **self.array.to_json_dict()}


@dataclass(frozen=True)
class EventsInfo:
    """Events: `times` float64 (events,), sorted, and `channels` uint32 (events,) into the channel list."""

    times: Times
    channels: Indices

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return {"times": self.times.to_json_dict(), "channels": self.channels.to_json_dict()}


@dataclass(frozen=True)
class IntervalsInfo:
    """Intervals: `times` float64 (n, 2), sorted by start, `label_indices` uint32 (n,) into `labels`."""

    times: Annotated[ArrayInfo, Rows("float64", (2,))]
    label_indices: Indices
    labels: Annotated[tuple[Text, ...], FailFast()]

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return {
            "times": self.times.to_json_dict(),
            "label_indices": self.label_indices.to_json_dict(),
            "labels": list(self.labels),
        }


@dataclass(frozen=True)
class SeriesManifest:
    """One series: physical value = stored value * scale + offset, of the channel where it has its own.

    A derived one has a `source`, its key is `from`, and with it `steps` to `spectrogram`.
    """

    type: Annotated[SeriesType, OneOf(*SERIES_TYPES)]
    dtype: Annotated[str, OneOf(*DTYPES), Field(default_factory=str)]
    channels: Annotated[
        tuple[ChannelInfo, ...], FailFast(), Field(default_factory=lambda: (ChannelInfo("0", ""),))
    ]
    segments: Annotated[tuple[SegmentInfo, ...], FailFast()]
    sampling_frequency: Annotated[Positive | None, Field(default=None)]
    label: Text = ""
    unit: Text = ""
    scale: FiniteNumber = 1.0
    offset: FiniteNumber = 0.0
    session_start: Text | None = None
    options: Annotated[Mapping[str, Any], Instance(dict, "an object")] = field(default_factory=dict)
    values: Annotated[Values, Linked()] | None = None
    timestamps: Times | None = None
    levels: tuple[Annotated[LevelInfo, Beside()], ...] = ()
    moments: tuple[Annotated[MomentsInfo, Beside()], ...] = ()
    counts: tuple[Annotated[CountsInfo, Beside()], ...] = ()
    events: EventsInfo | None = None
    intervals: IntervalsInfo | None = None
    missing: Annotated[Missing, MissingForm()] | None = None
    notes: tuple[Text, ...] = ()
    source: Annotated[SourceSeries | None, Field(alias="from")] = None
    steps: tuple[StepDocument, ...] | None = None
    margin: Count | None = None
    block_samples: AtLeastOne | None = None
    coefficients: Coefficients | None = None
    left_out_channels: tuple[Text, ...] = ()
    spectrogram: StepDocument | None = None
    format: Annotated[str, OneOf(SERIES_FORMAT)] = SERIES_FORMAT

    @property
    def num_channels(self) -> int:
        """How many channels the series has."""
        return len(self.channels)

    @property
    def has_means(self) -> bool:
        """Whether columns are means of their samples, not the range of them."""
        arrays = [level.array for level in self.levels]
        if isinstance(self.values, ArrayInfo):
            arrays.append(self.values)
        return any(array.kind == "means" for array in arrays)

    @property
    def num_samples(self) -> int:
        """Samples (events, intervals) of all segments."""
        return sum(segment.num_samples for segment in self.segments)

    def to_json_dict(self) -> dict[str, Any]:
        """What is stored: JSON types, no NaN or infinity; `events`, `intervals` and `notes` only where they are."""
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
            "values": values_to_json(self.values),
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
        if self.notes:
            result["notes"] = list(self.notes)
        if self.steps is not None:
            result |= derived_to_json(self.source, self.steps, vars(self))
        return result


def parse_series_manifest(value: Any) -> SeriesManifest:
    """A series manifest out of JSON, in this form or the original package's; raises FormatError."""
    where = "series manifest"
    form = value.get("format", SERIES_FORMAT) if isinstance(value, dict) else SERIES_FORMAT
    if is_workspace(value):
        raise FormatError("this is a workspace, not a series; `seriesview info` lists its series")
    if isinstance(form, str) and form != SERIES_FORMAT:
        raise FormatError(
            f"{where}: format {shown(form)} is not known here, {SERIES_FORMAT} is; update seriesview"
        )
    return _settled(checked(SeriesManifest, value, where, whole=where))


def read_series_manifest(text: bytes) -> SeriesManifest:
    """The same out of a manifest's bytes, in less time; raises FormatError, and ValueError where it is not JSON."""
    try:
        return _settled(adapter(SeriesManifest).validate_json(bounded_json(text)))
    except ValidationError:
        # Said in one place, and what only Python's parser takes is read by it.
        return parse_series_manifest(parse_json(text))


def parse_segment(value: Any, where: str) -> SegmentInfo:
    """One segment out of a manifest; raises FormatError."""
    segment = checked(SegmentInfo, value, where, whole=where)
    _raise_if_any(where, [] if _is_whole(segment) else [_FILES])
    return segment


_FILES = "timestamps_uri, timestamps_dtype, values_uri and values_dtype come together"


def _is_whole(segment: SegmentInfo) -> bool:
    files = (segment.timestamps_uri, segment.timestamps_dtype, segment.values_uri, segment.values_dtype)
    return files.count(None) in (0, 4)


def _settled(manifest: SeriesManifest) -> SeriesManifest:
    """The manifest with what follows from several of its keys; raises FormatError where they contradict one another."""
    typed = (segment.values_dtype for segment in manifest.segments if segment.values_dtype)
    dtype = manifest.dtype or next(typed, "float64")
    wrong = [*_contradictions(manifest, dtype)]
    channels = manifest.channels
    if any(channel.missing is not None for channel in channels):
        channels = tuple(
            replace(channel, missing=_held_at(f"channels[{number}].missing", channel.missing, dtype, wrong))
            for number, channel in enumerate(channels)
        )
    missing, values = _held_at("missing", manifest.missing, dtype, wrong), manifest.values
    if values is not None and not isinstance(values, ArrayInfo | ComputedValues):
        try:
            values = placed(values, dtype, manifest.num_samples, len(channels))
        except FormatError as error:
            wrong.append(f"values: {error.sentence}")
    _raise_if_any("series manifest", wrong)
    return replace(manifest, dtype=dtype, channels=channels, missing=missing, values=values)


def _held_at(where: str, missing: Missing | None, dtype: str, wrong: list[str]) -> Missing | None:
    try:
        return None if missing is None else held(missing, dtype)
    except FormatError as error:
        wrong.append(f"{where}: {error.sentence}")
        return None


def _contradictions(manifest: SeriesManifest, dtype: str) -> Iterator[str]:
    """What does not go together in a manifest of samples of a dtype, a line each, with where it is."""
    num_channels = manifest.num_channels
    if len({channel.id for channel in manifest.channels}) != num_channels:
        yield "channels: two channels have the same id"
    if (number := next((i for i, s in enumerate(manifest.segments) if not _is_whole(s)), None)) is not None:
        yield f"segments[{number}]: {_FILES}"
    if isinstance(manifest.values, ComputedValues) and (manifest.steps is None or not manifest.block_samples):
        yield "values: to be computed by steps, which are missing, or their `block_samples`"
    if isinstance(manifest.values, ArrayInfo):
        yield from (f"values: {problem}" for problem in unlike(manifest.values, dtype, (num_channels,)))
        if manifest.values.shape[0] != manifest.num_samples:
            yield f"values: {manifest.values.shape[0]} rows for {manifest.num_samples} samples"
    if manifest.has_means and not dtype.startswith("float"):
        yield f"levels: kind means of {dtype}: only floats have means"
    if len({level.array.kind for level in manifest.levels}) > 1:
        yield "levels: some are of kind means, and some are not"
    summaries: list[tuple[str, Sequence[LevelInfo | MomentsInfo | CountsInfo], str, tuple[int, ...]]] = [
        ("levels", manifest.levels, dtype, (2, num_channels)),
        ("moments", manifest.moments, moments_dtype(dtype).name, (3, num_channels)),
        ("counts", manifest.counts, "uint32", (num_channels,)),
    ]
    for name, entries, wanted, row_shape in summaries:
        for number, entry in enumerate(entries):
            yield from (f"{name}[{number}]: {problem}" for problem in unlike(entry.array, wanted, row_shape))


def _raise_if_any(where: str, wrong: list[str]) -> None:
    if wrong:
        raise FormatError("; ".join(f"{where}{'.' if ': ' in line else ': '}{line}" for line in wrong[:10]))
