"""SAC binary files: one channel of evenly spaced float32, linked where it lies.

The header (SAC User's Guide, "SAC Data File Format"): 70 float32, 40 int32 and 24 strings of 8 bytes (one of 16), in
either byte order, then the samples; version 7 ends with 22 float64 that repeat times more exactly. -12345 is nothing.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.laid_out import LaidOutRecording
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels

_HEADER_BYTES = 632
_NOTHING = -12345
_VERSION_AT = 304
_UNITS = {6: "nm", 7: "nm/s", 8: "nm/s^2", 50: "V"}


@dataclass(frozen=True)
class _Header:
    order: str
    floats: tuple[float, ...]
    integers: tuple[int, ...]
    texts: bytes

    @classmethod
    def of(cls, head: bytes) -> _Header | None:
        """The header; None where these bytes are none."""
        if len(head) < _HEADER_BYTES:
            return None
        for order in "<>":
            integers = struct.unpack_from(f"{order}40i", head, 280)
            version, samples, kind, even = integers[6], integers[9], integers[15], integers[35]
            if version in (6, 7) and samples > 0 and 1 <= kind <= 10 and even in (0, 1):
                return cls(order, struct.unpack_from(f"{order}70f", head), integers, head[440:_HEADER_BYTES])
        return None

    def text(self, place: int) -> str:
        """A string at a byte of the strings; empty where there is none."""
        words = self.texts[place : place + 8].partition(b"\0")[0].decode("latin-1").strip()
        return "" if words == str(_NOTHING) else words

    def moment(self) -> datetime | None:
        """The reference time, in UTC."""
        year, day, hour, minute, second, millisecond = self.integers[:6]
        limits = ((1900, 2200), (1, 366), (0, 23), (0, 59), (0, 60), (0, 999))
        if not all(low <= value <= high for value, (low, high) in zip(self.integers, limits, strict=False)):
            return None
        return datetime(year, 1, 1, tzinfo=UTC) + timedelta(
            days=day - 1, hours=hour, minutes=minute, seconds=second, milliseconds=millisecond
        )


class SacRecording(LaidOutRecording):
    """The samples (n, 1) of a SAC file."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: SAC files hold continuous series only, not {options.type}", file=path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: the times of its samples stand in the file", file=path)
        with path.open("rb") as file:
            header = _Header.of(file.read(_HEADER_BYTES))
        if header is None:
            raise ReaderError("does not begin with the header of a SAC file", file=path)
        if header.integers[15] not in (1, 4) or header.integers[35] != 1:
            raise ReaderError(
                "a SAC file of a spectrum or of unevenly spaced samples cannot be shown", file=path
            )
        told = header.integers[9]
        there = (path.stat().st_size - _HEADER_BYTES) // 4
        if there < 1:
            raise ReaderError("no samples behind its header; it is cut off", file=path)
        notes = []
        if there < told:
            notes.append(Decision(f"its header says {told} samples, and {there} are there: it is cut off"))
        self.type = "continuous"
        self.path = path
        self.num_samples = min(told, there)
        interval, begin = _times(path, header, told)
        if not (math.isfinite(interval) and interval > 0 and math.isfinite(begin)):
            raise ReaderError(f"samples every {interval} s from {begin} s on, which cannot be", file=path)
        rate = 1 / interval
        rate = round(rate) if abs(rate - round(rate)) < 1e-6 * rate and rate >= 1 else rate
        self.sampling_frequency = checked_rate(options.sampling_frequency or rate, path)
        self.start_time = 0.0 if begin == _NOTHING else begin
        moment = header.moment()
        self.session_start = None if moment is None else moment.isoformat()
        self.unit = _UNITS.get(header.integers[16], "")
        parts = [header.text(place) for place in (168, 0, 24, 160)]
        label = ".".join(parts) if any(parts) else path.stem
        self.channels = make_channels(1, options, path, [label])
        dtype = np.dtype(f"{header.order}f4")
        self.layout = ContiguousLayout(path, dtype, self.num_samples, 1, _HEADER_BYTES, 4, 4)
        self.dtype = dtype.newbyteorder("=")
        self.decisions = tuple(notes)
        describe(self, options)
        self._samples = SampleFile(self.layout)


def _times(path: Path, header: _Header, told: int) -> tuple[float, float]:
    """Seconds between samples, and of the first one after the reference time."""
    interval, begin = header.floats[0], header.floats[5]
    # A float32 in decimal digits, so that 0.01 is 0.01.
    short = (float(str(np.float32(interval))), float(str(np.float32(begin))))
    if header.integers[6] != 7:
        return short
    with path.open("rb") as file:
        file.seek(_HEADER_BYTES + 4 * told)
        footer = file.read(16)
    if len(footer) < 16:
        return short
    exact: tuple[float, float] = struct.unpack(f"{header.order}2d", footer)
    return exact


class SacReader:
    """Reader of SAC files."""

    name = "sac"

    def can_read(self, path: Path) -> bool:
        """Whether the file begins with a header of version 6 or 7, in either byte order."""
        try:
            with path.open("rb") as file:
                return _Header.of(file.read(_HEADER_BYTES)) is not None
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """The whole file."""
        with self.open(path, ReadOptions()) as found:
            shape = (found.num_samples, 1)
            rate, unit = found.sampling_frequency, found.unit or None
        return [Candidate(None, "continuous", "float32", shape, rate, unit, {}, role="seismic")]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the file; raises ReaderError."""
        return SacRecording(path, options)
