"""TDMS files of LabVIEW and DIAdem, through npTDMS: channels of a group that have one clock are one series."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import FilesLayout, RecordsLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.layout.unpacking import put_turned, spread_rows
from seriesview.readers.adapters.foreign import library
from seriesview.readers.adapters.tdms_layout import layout_of
from seriesview.readers.adapters.tdms_scales import Source, source_of
from seriesview.readers.clocks import parse_time_unit
from seriesview.readers.extras import imported
from seriesview.readers.laid_out import LaidOutRecording, Samples
from seriesview.readers.protocol import Candidate, Channel, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import (
    checked_rate,
    describe,
    make_channels,
    required_rate,
    unsupported_reason,
)
from seriesview.readers.tables.names import is_time_name, is_unit_of_time, unit_of_time
from seriesview.terms import FIRST_YEAR, LAST_YEAR

_CLOCK = ("wf_increment", "wf_start_offset", "wf_start_time")
# What seconds of 1998 to 2037 are, by the two clocks that programs of LabVIEW write.
_EPOCHS = (
    (9e8, 2.15e9, datetime(1970, 1, 1, tzinfo=UTC), "seconds since 1970 (UTC)"),
    (2.95e9, 4.2e9, datetime(1904, 1, 1, tzinfo=UTC), "seconds since 1904 (UTC), as LabVIEW counts"),
)
# The beginning of LabVIEW's clock is written where a waveform has no time.
_NO_DATE = np.datetime64("1904-01-02")


@dataclass(frozen=True)
class _Clock:
    """Times are (number - `zero`) * `seconds`, from a moment on where they count from a known one."""

    zero: float
    seconds: float
    session_start: str | None
    words: str


@dataclass(frozen=True)
class _Series:
    """Channels of one group, length, clock and dtype."""

    name: str
    channels: tuple[Any, ...]
    sources: tuple[Source, ...]
    num_samples: int
    times: Any = None
    """A channel with a date, or a number of seconds, for each sample, where there is no rate."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """Those of the first channel, which stand for all as far as the clock goes."""
        found: Mapping[str, Any] = self.channels[0].properties
        return found


class _LibrarySamples:
    """Samples of one series by npTDMS, channel after channel."""

    def __init__(self, series: _Series, path: Path) -> None:
        self._series = series
        self._path = path

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on. Raises ReaderError."""
        rows = spread_rows(out.shape[1], len(out), out.dtype)
        with library("nptdms", self._path):
            for row, channel, source in zip(rows, self._series.channels, self._series.sources, strict=True):
                values = channel.read_data(first_sample, len(out), scaled=source.is_scaled)
                if source.scaler is not None and isinstance(values, dict):
                    values = values[source.scaler]
                if len(values) != len(out):
                    raise ReaderError(
                        f"{channel.name} ends at sample {first_sample + len(values)}; copy the file again",
                        file=self._path,
                    )
                row[:] = values
        put_turned(out, rows.T)

    def close(self) -> None:
        """The file is the recording's, which reads times from it, too."""


class TdmsRecording(LaidOutRecording):
    """Samples of one series: by their layout where they lie plain, else by npTDMS."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: a TDMS file holds continuous series, not {options.type}", file=path)
        self.path = path
        self._file, notes = _opened(path)
        try:
            series = _chosen(_series_of(self._file), options.dataset, path)
            self.type = "continuous"
            self.dtype = series.sources[0].dtype
            self.num_samples = series.num_samples
            labels = [str(channel.name) for channel in series.channels]
            self.channels = tuple(
                Channel(each.id, each.label, _unit(channel.properties), source.scale, source.offset)
                for each, channel, source in zip(
                    make_channels(len(labels), options, path, labels),
                    series.channels,
                    series.sources,
                    strict=True,
                )
            )
            self._set_clock(series, options, notes)
            self._set_samples(series)
        except BaseException:
            self._file.close()
            raise
        index = path.with_name(path.name + "_index")
        self.files = (index,) if index.is_file() else ()
        if any(source.is_scaled for source in series.sources):
            notes.append(Decision("values are scaled by npTDMS, to float64"))
        self.decisions = tuple(notes)
        describe(self, options)

    def _set_samples(self, series: _Series) -> None:
        self._samples: Samples = _LibrarySamples(series, self.path)
        if all(source.is_stored for source in series.sources):
            names = [str(channel.path) for channel in series.channels]
            self.layout = layout_of(self.path, names, series.sources[0].dtype, series.num_samples)
        if self.layout is None:
            return
        self._samples = SampleFile(self.layout)
        piece = self.layout.pieces[0] if isinstance(self.layout, FilesLayout) else self.layout
        if isinstance(piece, RecordsLayout):
            self.preferred_rows = piece.samples_per_record

    def _set_clock(self, series: _Series, options: ReadOptions, notes: list[Decision]) -> None:
        self._dates: Any = None
        self._clock: _Clock | None = None
        rate = checked_rate(options.sampling_frequency, self.path) or rate_of(series.properties)
        offset = series.properties.get("wf_start_offset", 0.0)
        self.start_time = float(offset) if isinstance(offset, int | float) and math.isfinite(offset) else 0.0
        self.session_start = _date(series.properties.get("wf_start_time"))
        if options.timestamps is not None:
            self._dates = _dates_called(series, self._file, options.timestamps, self.path)
        elif rate is None and series.times is not None:
            self._dates = series.times
            notes.append(Decision(f"times are those of channel {series.times.name}"))
        if self._dates is None:
            self.sampling_frequency = rate or required_rate(options, self.path)
            return
        self.sampling_frequency, self.start_time = None, 0.0
        if self._dates.dtype.kind != "M":
            self._clock = _clock_of(self._dates, self.path)
            self.session_start = self._clock.session_start
            if self._clock.words:
                notes.append(Decision(f"times of {self._dates.name} are {self._clock.words}", is_guess=True))
            return
        with library("nptdms", self.path):
            self._zero = self._dates.read_data(0, 1)[0]
        self.session_start = _date(self._zero)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,)."""
        if self._dates is None:
            return super().timestamps(first_sample, last_sample)
        with library("nptdms", self.path):
            dates = self._dates.read_data(first_sample, last_sample - first_sample)
        if self._clock is not None:
            numbers: npt.NDArray[np.float64] = np.asarray(dates, np.float64)
            return (numbers - self._clock.zero) * self._clock.seconds
        microseconds: npt.NDArray[np.int64] = (dates - self._zero).astype("timedelta64[us]").astype(np.int64)
        return microseconds / 1e6

    def close(self) -> None:
        """Let go of the file."""
        super().close()
        self._file.close()


def _opened(path: Path) -> tuple[Any, list[Decision]]:
    nptdms = imported("nptdms", extra="labview", file=path)
    notes: list[Decision] = []
    with library("nptdms", path, notes):
        file = nptdms.TdmsFile.open(str(path))
        if file.file_status.incomplete_final_segment:
            notes.append(
                Decision("writing was interrupted: the last segment is read as far as it goes", is_guess=True)
            )
    return file, notes


def _series_of(file: Any) -> list[_Series]:
    """Series in the order of the file; channels that cannot be shown are in none."""
    # Writing that was interrupted ends within a row of channels.
    is_cut = bool(file.file_status.incomplete_final_segment)
    found = []
    for group in file.groups():
        alike: dict[Any, list[tuple[Any, Source]]] = {}
        dates = [channel for channel in group.channels() if channel.dtype.kind == "M"]
        numbers = None if dates else _numbers_of_times(group)
        for channel in group.channels():
            if channel.dtype.kind == "M" or len(channel) == 0 or channel is numbers:
                continue
            source = source_of(channel, group.properties, file.properties)
            if unsupported_reason(source.dtype) is None:
                clock = tuple(repr(channel.properties.get(key)) for key in _CLOCK)
                key = (clock, source.dtype, 0 if is_cut else len(channel))
                alike.setdefault(key, []).append((channel, source))
        for members in alike.values():
            name = group.name if len(alike) == 1 else f"{group.name}/{members[0][0].name}"
            channels, sources = zip(*members, strict=True)
            length = min(len(channel) for channel in channels)
            fitting = [channel for channel in dates if len(channel) >= length]
            times = fitting[0] if len(fitting) == 1 else None
            if (
                not dates
                and numbers is not None
                and len(numbers) >= length
                and rate_of(channels[0].properties) is None
            ):
                times = numbers
            found.append(_Series(name, channels, sources, length, times))
    return found


def _numbers_of_times(group: Any) -> Any:
    """The only channel of numbers that is called like times, where others have as many values and no rate; or None."""
    without = [each for each in group.channels() if len(each) and rate_of(each.properties) is None]
    named = [each for each in without if each.dtype.kind in "fiu" and is_time_name(str(each.name))]
    is_of_others = len(named) == 1 and any(
        each is not named[0] and len(each) == len(named[0]) for each in without
    )
    return named[0] if is_of_others else None


def _clock_of(channel: Any, path: Path) -> _Clock:
    """How the numbers of a channel count. Raises ReaderError where its name or unit is that of no time."""
    unit = _unit(channel.properties)
    told = unit if unit is not None and is_unit_of_time(unit) else unit_of_time(str(channel.name))
    seconds = parse_time_unit(told or "s")
    with library("nptdms", path):
        first = float(channel.read_data(0, 1)[0])
    epoch, words = next(
        ((epoch, words) for lowest, highest, epoch, words in _EPOCHS if lowest <= first < highest), (None, "")
    )
    if told not in (None, "s") or epoch is None:
        return _Clock(0.0, seconds.multiplier / seconds.divisor, None, "")
    return _Clock(first, 1.0, (epoch + timedelta(seconds=first)).isoformat(), words)


def rate_of(properties: Mapping[str, Any]) -> float | None:
    """Hz of a waveform; a rate that only the division made uneven is whole."""
    increment = properties.get("wf_increment")
    if not isinstance(increment, int | float) or not (math.isfinite(increment) and increment > 0):
        return None
    rate = 1 / float(increment)
    whole = round(rate)
    return float(whole) if whole and abs(whole * increment - 1) < 1e-9 else rate


def _date(date: Any) -> str | None:
    """A date of TDMS, which counts in UTC, as ISO 8601; None where it is none."""
    if not isinstance(date, np.datetime64) or np.isnat(date):
        return None
    if date < _NO_DATE:
        return None
    moment = date.astype("datetime64[us]").item()
    if not hasattr(moment, "year") or not FIRST_YEAR <= moment.year < LAST_YEAR:
        return None
    return f"{moment.isoformat()}+00:00"


def _unit(properties: Mapping[str, Any]) -> str | None:
    unit = properties.get("unit_string") or properties.get("NI_UnitDescription")
    return str(unit)[:100].replace("\u00b5", "u").replace("\u03bc", "u") if unit else None


def _dates_called(series: _Series, file: Any, name: str, path: Path) -> Any:
    for group in file.groups():
        for channel in group.channels():
            is_called_so = name in (channel.name, f"{group.name}/{channel.name}")
            if is_called_so and channel.dtype.kind in "Mfiu" and len(channel) >= series.num_samples:
                return channel
    raise ReaderError(f"timestamps: no channel {name!r} has a date or a number for each sample", file=path)


def _chosen(found: list[_Series], dataset: str | None, path: Path) -> _Series:
    named = [series for series in found if dataset in (None, series.name)]
    if len(named) == 1 or (named and dataset is not None):
        return named[0]
    listed = ", ".join(series.name for series in found[:20]) or "none can be shown"
    raise ReaderError(f"dataset: choose one of {listed}", file=path)


class TdmsReader:
    """Reader of TDMS files; a .tdms_index is only an index of one."""

    name = "tdms"

    def can_read(self, path: Path) -> bool:
        """Whether the file begins like a TDMS file, or like the index of one that lies beside it."""
        try:
            with path.open("rb") as file:
                head = file.read(4)
            return head == b"TDSm" or (head == b"TDSh" and _data_of(path).is_file())
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Each series. Raises ReaderError."""
        path = _data_of(path)
        file, _ = _opened(path)
        with file, library("nptdms", path):
            found = []
            for series in _series_of(file):
                rate = rate_of(series.properties)
                options: dict[str, Any] = {"dataset": series.name}
                if rate is None and series.times is None:
                    options["sampling_frequency"] = None
                shape = (series.num_samples, len(series.channels))
                dtype = str(series.sources[0].dtype)
                found.append(
                    Candidate(series.name, "continuous", dtype, shape, rate, None, options, role="analog")
                )
            listed = _series_of(file)
            shown = {channel.path for series in listed for channel in series.channels}
            shown |= {series.times.path for series in listed if series.times is not None}
            for group in file.groups():
                others = [
                    each for each in group.channels() if each.path not in shown and each.dtype.kind != "M"
                ]
                names = [each.name for each in others if len(each)]
                if names:
                    why = f"{len(names)} without numbers: {', '.join(names[:5])}"
                    found.append(Candidate(group.name, None, "?", (), None, None, {}, why))
            return found

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the series that `dataset` names. Raises ReaderError."""
        return TdmsRecording(_data_of(path), options)


def _data_of(path: Path) -> Path:
    """The file of an index."""
    return path.with_suffix(".tdms") if path.suffix.lower() == ".tdms_index" else path
