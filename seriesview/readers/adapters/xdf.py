"""XDF files of the Lab Streaming Layer, through pyxdf: each stream by its own clock, brought to the recorder's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.adapters.foreign import library
from seriesview.readers.adapters.xdf_chunks import check_chunks
from seriesview.readers.extras import imported
from seriesview.readers.in_memory import as_they_come, labelled_events
from seriesview.readers.moments import parse_moment
from seriesview.readers.protocol import Candidate, Channel, Decision, ReadOptions, Recording, Role
from seriesview.readers.sample_types import checked_rate, describe, make_channels, unsupported_reason
from seriesview.terms import FIRST_YEAR, LAST_YEAR, SeriesType

# pyxdf loads a file whole.
MOST_BYTES = 1 << 30
_TYPES = frozenset("EEG EOG EMG ECG MEG SEEG ECOG RESP GSR PPG TEMP MISC TRIG REF AUDIO".split())  # noqa: SIM905
_UNITS = {
    "microvolts": "uV",
    "microvolt": "uV",
    "volts": "V",
    "volt": "V",
    "millivolts": "mV",
    "nanovolts": "nV",
}
_ROLES: dict[str, Role] = {"eeg": "eeg", "exg": "eeg"}


@dataclass(frozen=True)
class _Stream:
    """A stream: name without equals, what pyxdf gives, and whether its samples are instants with names."""

    name: str
    info: Any
    values: Any
    times: npt.NDArray[np.float64]

    @property
    def is_text(self) -> bool:
        return _first(self.info, "channel_format") == "string"

    @property
    def is_marker(self) -> bool:
        """Texts, and numbers that come when something happens."""
        kind = (_first(self.info, "type") or "").casefold()
        return self.is_text or (self.rate is None and "marker" in kind and np.ndim(self.values) == 2)

    @property
    def rate(self) -> float | None:
        """Nominal Hz; None where samples come when they come."""
        try:
            rate = float(_first(self.info, "nominal_srate") or 0)
        except ValueError:
            return None
        return rate if np.isfinite(rate) and rate > 0 else None

    @property
    def type(self) -> SeriesType:
        """Of series."""
        return "event" if self.is_marker else "discrete" if self.rate is None else "continuous"


@dataclass(frozen=True)
class _Loaded:
    streams: tuple[_Stream, ...]
    zero: float
    session_start: str | None
    decisions: tuple[Decision, ...]


class XdfRecording(Recording):
    """Samples of one stream, in memory, at the times of its own clock."""

    def __init__(self, path: Path, stream: _Stream, loaded: _Loaded, options: ReadOptions) -> None:
        self._values = np.asarray(stream.values)
        reason = unsupported_reason(self._values.dtype)
        if reason is not None or self._values.ndim != 2 or self._values.shape[1] == 0:
            raise ReaderError(reason or "it holds no samples of channels", file=(str(path), stream.name))
        self._times = stream.times - loaded.zero
        notes = list(loaded.decisions)
        if (np.diff(self._times) < 0).any():
            notes.append(Decision("samples that are not in order of time were put in order", is_guess=True))
            order = np.argsort(self._times, kind="stable")
            self._values, self._times = self._values[order], self._times[order]
        self.path = path
        self.type = options.type or stream.type
        self.dtype = self._values.dtype.newbyteorder("=")
        self.num_samples = len(self._values)
        self.channels = _channels(stream, self._values.shape[1], options, path)
        self.sampling_frequency = checked_rate(options.sampling_frequency, path)
        self.session_start = loaded.session_start
        if self.sampling_frequency is not None:
            self.start_time = float(self._times[0])
        self.decisions = tuple(notes)
        describe(self, options)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        out[...] = self._values[first_sample : first_sample + len(out)]

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,)."""
        return self._times[first_sample:last_sample]


def _load(path: Path) -> _Loaded:
    status = path.stat()
    if status.st_size > MOST_BYTES:
        raise ReaderError(
            f"more than {MOST_BYTES >> 30} GB, which pyxdf would load whole; write its streams to HDF5 or .npy",
            file=path,
        )
    return _load_once(str(path), status.st_size, status.st_mtime_ns)


# All streams of a file are asked for one after the other.
@lru_cache(maxsize=1)
def _load_once(path: str, size: int, mtime_ns: int) -> _Loaded:
    pyxdf = imported("pyxdf", extra="lsl", file=Path(path))
    check_chunks(Path(path))
    notes: list[Decision] = []
    with library("pyxdf", Path(path), notes):
        found, header = pyxdf.load_xdf(path)
        names = [_first(each["info"], "name") or "stream" for each in found]
        streams = []
        for name, each in zip(names, found, strict=True):
            unique = name if names.count(name) == 1 else f"{name} ({each['info']['stream_id']})"
            times = np.asarray(each["time_stamps"], np.float64)
            values = each["time_series"]
            usable = np.isfinite(times) if len(times) == len(values) else np.zeros(len(times), bool)
            if usable.all():
                streams.append(_Stream(unique, each["info"], values, times))
            else:
                notes.append(
                    Decision(f"stream {unique} has samples without times, and is left out", is_guess=True)
                )
        starts = [float(stream.times.min()) for stream in streams if len(stream.times)]
        notes.insert(
            0,
            Decision(
                "clocks are brought to the recorder's and jitter is taken out as pyxdf does it: pauses of less than "
                "1 s or 500 samples are no gaps; the earliest sample of all streams is second 0"
            ),
        )
        moment = parse_moment(_first(header.get("info") or {}, "datetime") or "")
    session_start = None
    if moment is not None and FIRST_YEAR <= moment.year < LAST_YEAR:
        session_start = moment.isoformat()
        notes.append(
            Decision("the wall clock is when the recorder made the file, to a second or so", is_guess=True)
        )
    return _Loaded(tuple(streams), min(starts, default=0.0), session_start, tuple(notes))


def _first(info: Any, key: str) -> str | None:
    """The text of an element that XDF has once."""
    found = info.get(key)
    return str(found[0]) if isinstance(found, list) and found and found[0] is not None else None


def _channels(stream: _Stream, count: int, options: ReadOptions, path: Path) -> tuple[Channel, ...]:
    """Channels with labels, units and types of the description, where it has one for each."""
    try:
        listed = stream.info["desc"][0]["channels"][0]["channel"]
    except (KeyError, IndexError, TypeError):
        listed = []
    if len(listed) != count:
        listed = []
    labels = [_first(each, "label") or str(number) for number, each in enumerate(listed)]
    plain = make_channels(count, options, path, labels or None)
    if not listed:
        return plain
    kinds = [(_first(each, "type") or "").upper() for each in listed]
    units = [(_first(each, "unit") or "")[:100] for each in listed]
    return tuple(
        Channel(
            channel.id,
            channel.label,
            unit=_UNITS.get(unit.casefold(), re.sub("[\u00b5\u03bc]", "u", unit)) or None,
            type=kind if kind in _TYPES else None,
        )
        for channel, unit, kind in zip(plain, units, kinds, strict=True)
    )


def _open_events(path: Path, stream: _Stream, loaded: _Loaded, options: ReadOptions) -> Recording:
    """A channel for each text, in the order in which they come first."""
    labels = [
        " / ".join(f"{value:g}" if isinstance(value, np.number) else str(value) for value in row)[:1000]
        or "(empty)"
        for row in stream.values
    ]
    recording = labelled_events(path, stream.times - loaded.zero, labels, options, as_they_come)
    recording.session_start = recording.session_start or loaded.session_start
    recording.decisions = loaded.decisions
    return recording


class XdfReader:
    """Reader of XDF files."""

    name = "xdf"

    def can_read(self, path: Path) -> bool:
        """Whether the file begins like an XDF file, not one that is compressed."""
        try:
            with path.open("rb") as file:
                return file.read(4) == b"XDF:"
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Each stream that has samples. Raises ReaderError."""
        found = []
        for stream in _load(path).streams:
            options: dict[str, Any] = {"dataset": stream.name}
            count = len(stream.times)
            if count == 0:
                why = "this stream has no samples"
                found.append(Candidate(stream.name, stream.type, "?", (0,), None, None, {}, why))
                continue
            if stream.is_marker:
                found.append(
                    Candidate(stream.name, "event", "float64", (count,), None, None, options, role="markers")
                )
                continue
            values = np.asarray(stream.values)
            kind = (_first(stream.info, "type") or "").casefold()
            if stream.type == "discrete":
                options["type"] = "discrete"
            found.append(
                Candidate(
                    stream.name, stream.type, str(values.dtype), values.shape, stream.rate, None, options,
                    unsupported_reason(values.dtype), role=_ROLES.get(kind, "analog"),
                )
            )  # fmt: skip
        return found

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the stream that `dataset` names. Raises ReaderError."""
        loaded = _load(path)
        named = [stream for stream in loaded.streams if options.dataset in (None, stream.name)]
        if len(named) != 1:
            listed = ", ".join(stream.name for stream in loaded.streams[:20]) or "none"
            raise ReaderError(f"dataset: choose one of the streams: {listed}", file=path)
        (stream,) = named
        if options.timestamps is not None:
            raise ReaderError("timestamps: a stream has times of its own; leave it out", file=path)
        if len(stream.times) == 0:
            raise ReaderError("this stream has no samples", file=(str(path), stream.name))
        if stream.is_text or options.type == "event" or (stream.is_marker and options.type is None):
            if options.type not in (None, "event"):
                raise ReaderError(f"type: stream {stream.name} holds texts, which are events", file=path)
            return _open_events(path, stream, loaded, options)
        if options.type == "interval":
            raise ReaderError("type: streams hold samples or events, no intervals", file=path)
        return XdfRecording(path, stream, loaded, options)
