"""The .hea file of a record: its signals, or the segments that it consists of (WFDB Applications Guide, header(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.moments import Start

_MOST_BYTES = 16 << 20
_MOST_SIGNALS = 16384
_MOST_FRAME = 1 << 20
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,2})?"
_RECORD = re.compile(
    rf"(?P<name>[^\s/]+)(?:/(?P<segments>\d{{1,9}}))?\s+(?P<signals>\d{{1,9}})(?:\s+(?P<rate>{_NUMBER})"
    rf"(?:/{_NUMBER}(?:\({_NUMBER}\))?)?(?:\s+(?P<frames>\d{{1,18}})(?:\s+(?P<time>[\d:.]+)(?:\s+(?P<date>[\d/]+))?)?)?)?"
)
_FORMAT = re.compile(r"(\d{1,4})(?:x(\d{1,9}))?(?::(\d{1,9}))?(?:\+(\d{1,18}))?")
_GAIN = re.compile(rf"({_NUMBER})(?:\(([-+]?\d{{1,12}})\))?(?:/(\S+))?")
_SEGMENT = re.compile(r"([^\s/]+)\s+(\d{1,18})")
_CLOCK = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,2}):)?(\d{1,2}(?:\.\d{0,9})?)")
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DEFAULT_RATE = 250.0
_DEFAULT_GAIN = 200.0
NULL = "~"


@dataclass(frozen=True)
class SignalSpec:
    """A signal of a record: where it lies in its file, and physical value = (sample - baseline) / gain."""

    file: str
    format: int
    samples_per_frame: int
    skew: int
    byte_offset: int
    gain: float
    baseline: int
    unit: str
    label: str


@dataclass(frozen=True)
class RecordHeader:
    """A record; `segments` are the names of its records and their frames, where it is made of some.

    `num_frames` is None where the header leaves it to the files.
    """

    path: Path
    frame_rate: float
    num_frames: int | None
    start: Start
    signals: tuple[SignalSpec, ...]
    segments: tuple[tuple[str, int], ...]
    rate_is_told: bool

    @property
    def is_variable(self) -> bool:
        """Whether its segments have signals of their own, and the first one lists all that there are."""
        return bool(self.segments) and self.segments[0][1] == 0

    @cached_property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Of each signal the samples of a frame of its file, and how many of these lie before its own."""
        frames: dict[str, int] = {}
        before = []
        for signal in self.signals:
            before.append(frames.get(signal.file, 0))
            frames[signal.file] = before[-1] + signal.samples_per_frame
        return tuple((frames[signal.file], at) for signal, at in zip(self.signals, before, strict=True))


def looks_like(path: Path) -> bool:
    """Whether a file begins with the line of a record."""
    try:
        with path.open("rb") as file:
            lines = _lines(file.read(4096).decode("latin-1"))
    except OSError:
        return False
    return bool(lines) and _RECORD.fullmatch(lines[0]) is not None


def read_header(path: Path) -> RecordHeader:
    """Raises ReaderError where the header says nothing that can be understood."""
    if path.stat().st_size > _MOST_BYTES:
        raise ReaderError("too large for a header of WFDB", file=path)
    lines = _lines(path.read_bytes().decode("latin-1"))
    told = _RECORD.fullmatch(lines[0]) if lines else None
    if told is None:
        raise ReaderError(
            "no header of a WFDB record: its first line is not NAME SIGNALS RATE SAMPLES", file=path
        )
    num_signals, num_segments = int(told["signals"]), int(told["segments"] or 0)
    needed = num_segments or num_signals
    if num_signals > _MOST_SIGNALS or len(lines) - 1 < needed:
        raise ReaderError(
            f"has {len(lines) - 1} lines for {needed} {'segments' if num_segments else 'signals'}; "
            f"it may be cut short (at most {_MOST_SIGNALS} signals are read)",
            file=path,
        )
    rate = float(told["rate"] or 0)
    return RecordHeader(
        path=path,
        frame_rate=rate if rate > 0 else _DEFAULT_RATE,
        num_frames=int(told["frames"] or 0) or None,
        start=_start(told["time"], told["date"]),
        signals=()
        if num_segments
        else tuple(_signal(line, index, path) for index, line in enumerate(lines[1 : 1 + num_signals])),
        segments=tuple(_segment(line, path) for line in lines[1 : 1 + num_segments]),
        rate_is_told=rate > 0,
    )


def _lines(text: str) -> list[str]:
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def _signal(line: str, index: int, path: Path) -> SignalSpec:
    fields = line.split(None, 8)
    place = _FORMAT.fullmatch(fields[1]) if len(fields) > 1 else None
    if place is None:
        raise ReaderError(f"signal {index}: {line[:100]!r} does not tell a file and its format", file=path)
    gain = _GAIN.fullmatch(fields[2]) if len(fields) > 2 else None
    if len(fields) > 2 and gain is None:
        raise ReaderError(f"signal {index}: {fields[2][:40]!r} is no gain such as 200(1024)/mV", file=path)
    samples = int(place[2] or 1)
    if not 1 <= samples <= _MOST_FRAME:
        raise ReaderError(f"signal {index}: {samples} samples in a frame cannot be read", file=path)
    zero = fields[4] if len(fields) > 4 else ""
    middle = int(zero) if re.fullmatch(r"[-+]?\d{1,12}", zero) else 0
    return SignalSpec(
        file=fields[0],
        format=int(place[1]),
        samples_per_frame=samples,
        skew=int(place[3] or 0),
        byte_offset=int(place[4] or 0),
        gain=(float(gain[1]) if gain is not None else 0.0) or _DEFAULT_GAIN,
        baseline=int(gain[2]) if gain is not None and gain[2] is not None else middle,
        unit=(gain[3] if gain is not None else None) or "mV",
        label=(fields[8].strip() if len(fields) > 8 else "") or f"signal {index}",
    )


def _segment(line: str, path: Path) -> tuple[str, int]:
    told = _SEGMENT.fullmatch(line)
    if told is None:
        raise ReaderError(f"{line[:100]!r} is no segment: a record's name, and its samples", file=path)
    return told[1], int(told[2])


def _start(time: str | None, day: str | None) -> Start:
    clock = _CLOCK.fullmatch(time or "")
    if clock is None:
        return Start(None)
    seconds = int(clock[1] or 0) * 3600 + int(clock[2] or 0) * 60 + float(clock[3])
    told = _DAY.fullmatch(day or "")
    try:
        if told is not None:
            begun = datetime.combine(date(int(told[3]), int(told[2]), int(told[1])), datetime.min.time())
            return Start((begun + timedelta(seconds=seconds)).isoformat())
    except (ValueError, OverflowError):
        pass
    return Start(None, seconds)
