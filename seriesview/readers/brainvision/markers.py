"""Markers (.vmrk), and the stretches of recording that those of a new segment tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seriesview.readers.brainvision.text import fields_of, lines_of, read_text
from seriesview.readers.protocol import Decision, Segment
from seriesview.terms import FIRST_YEAR, LAST_YEAR

NEW_SEGMENT = "New Segment"
_MARKER = re.compile(r"\s*mk\d+\s*=(.*)", re.IGNORECASE | re.DOTALL)
# Where a comma in a description was not written as such, the numbers still stand at the end.
_BY_ITS_END = re.compile(
    r"([^,]*),(.*),\s*(\d+)\s*,\s*(\d*)\s*,\s*(-?\d*)\s*(?:,\s*(\d*)\s*)?", re.ASCII | re.DOTALL
)
_MOST_DIGITS = 15
# Clocks of computers are no better: a pause that is shorter is none.
_LEAST_PAUSE = 1e-3


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker: its first sample (from 0) and how many it covers; channel 0 means all; `date` of a new segment."""

    kind: str
    description: str
    sample: int
    size: int
    channel: int
    date: datetime | None = None

    @property
    def label(self) -> str:
        """Type and description, as in `Stimulus/S  1`."""
        return f"{self.kind}/{self.description}" if self.description else self.kind


@dataclass(frozen=True)
class Markers:
    """Markers that lie at samples, in the order of their file."""

    markers: tuple[Marker, ...] = ()
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class Timing:
    """When samples were recorded: the segments, and the date of the recording's zero."""

    sampling_frequency: float
    segments: tuple[Segment, ...]
    session_start: str | None
    decisions: tuple[Decision, ...] = ()

    def times(self, samples: npt.NDArray[np.int64], behind: int = 0) -> npt.NDArray[np.float64]:
        """Seconds of samples (n,), or so many samples behind each; those behind the last one go on with its segment."""
        firsts = np.cumsum([0, *(segment.num_samples for segment in self.segments[:-1])])
        starts = np.array([segment.start_time for segment in self.segments])
        number = np.clip(np.searchsorted(firsts, samples, "right") - 1, 0, len(starts) - 1)
        times: npt.NDArray[np.float64] = (
            starts[number] + (samples - firsts[number] + behind) / self.sampling_frequency
        )
        return times


def read_markers(path: Path, num_samples: int) -> Markers:
    """Markers of a recording of so many samples. Raises ReaderError for a file that cannot hold some."""
    markers: list[Marker] = []
    unreadable = early = late = 0
    inside = False
    for line in lines_of(read_text(path)):
        if line.lstrip().startswith("["):
            inside = line.strip().casefold() == "[marker infos]"
        match = _MARKER.fullmatch(line) if inside else None
        if match is None:
            continue
        marker = _marker(match[1])
        if marker is None:
            unreadable += 1
            continue
        if marker.sample < 0:
            # Positions count from 1; some programs write 0 for the first sample.
            early += 1
            marker = replace(marker, sample=0)
        if marker.sample > num_samples:
            late += 1
            continue
        if marker.size > 1 and marker.sample + marker.size > num_samples:
            marker = replace(marker, size=max(1, num_samples - marker.sample))
        markers.append(marker)
    decisions = []
    if late:
        decisions.append(Decision(f"{late} markers lie behind the last sample and are left out", True))
    if unreadable:
        decisions.append(
            Decision(f"{unreadable} markers of {path.name} cannot be understood and are left out", True)
        )
    if early:
        decisions.append(
            Decision(f"{early} markers lie at position 0, taken for the first sample, which is 1", True)
        )
    return Markers(tuple(markers), tuple(decisions))


def _marker(value: str) -> Marker | None:
    """A marker of `type,description,position,size,channel,date`; None where that is no position."""
    fields = [*fields_of(value), "", "", "", ""]
    position = _count(fields[2])
    if position is None:
        by_end = _BY_ITS_END.fullmatch(value)
        fields = fields if by_end is None else [each or "" for each in by_end.groups()]
        position = _count(fields[2])
    if position is None:
        return None
    kind, size, channel = fields[0].strip(), _count(fields[3]), _count(fields[4])
    date = parse_date(fields[5].strip()) if kind == NEW_SEGMENT else None
    return Marker(kind, fields[1], position - 1, 1 if size is None else size, channel or 0, date)


def _count(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def parse_date(text: str) -> datetime | None:
    """A date of YYYYMMDDhhmmssuuuuuu; None where there is none (zeros stand for that, too)."""
    if not re.fullmatch(r"\d{14}(\d{6})?", text, re.ASCII):
        return None
    try:
        date = datetime.strptime(text.ljust(20, "0"), "%Y%m%d%H%M%S%f")
    except ValueError:
        return None
    return date if FIRST_YEAR <= date.year < LAST_YEAR else None


def timing_of(markers: Sequence[Marker], num_samples: int, rate: float, segment_points: int | None) -> Timing:
    """Segments from the markers of new segments, else all of `segment_points` samples; pauses from their dates."""
    dates: dict[int, datetime | None] = {}
    for marker in markers:
        if marker.kind == NEW_SEGMENT and marker.sample < num_samples:
            dates[marker.sample] = dates.get(marker.sample) or marker.date
    if not dates and segment_points:
        dates = dict.fromkeys(range(0, num_samples, max(1, segment_points)))
    firsts = sorted({0, *dates})
    known = next((first for first in firsts if dates.get(first) is not None), None)
    reference = None if known is None else dates[known]
    session_start = None
    placed = _Placed(rate)
    for first, last in zip(firsts, [*firsts[1:], num_samples], strict=True):
        date = dates.get(first)
        if date is None or reference is None or first == known:
            if first == known and reference is not None and not placed.undated:
                # Samples before the first marker, where there are any, belong to the same stretch.
                session_start = _moved(reference, -placed.end)
            placed.follow(last - first, is_new=first in dates and first > 0, is_dated=first == known)
            if first == known:
                placed.zero = placed.segments[-1].start_time
        else:
            placed.at((date - reference).total_seconds(), last - first)
    return Timing(rate, tuple(placed.segments), session_start, placed.decisions(known is not None))


def _moved(date: datetime, seconds: float) -> str | None:
    try:
        return (date + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        return None


class _Placed:
    """Segments as they are placed one after the other."""

    def __init__(self, rate: float) -> None:
        self.segments: list[Segment] = []
        self.end = 0.0
        self.zero = 0.0
        self.undated = self.early = 0
        self._rate = rate

    def follow(self, num_samples: int, is_new: bool, is_dated: bool) -> None:
        """Directly behind the one before; `is_new` where recording paused there, for nobody knows how long."""
        self.undated += is_new and not is_dated
        self._add(self.end, num_samples, joined=not is_new)

    def at(self, seconds: float, num_samples: int) -> None:
        """So many seconds after the first one with a date, but not before the end of the one before."""
        start = self.zero + seconds
        tolerance = max(1 / self._rate, _LEAST_PAUSE)
        if start > self.end + tolerance:
            self._add(start, num_samples, joined=False)
            return
        overlaps = start < self.end - tolerance
        self.early += overlaps
        self._add(self.end, num_samples, joined=not overlaps)

    def _add(self, start: float, num_samples: int, joined: bool) -> None:
        if joined and self.segments:
            before = self.segments.pop()
            start, num_samples = before.start_time, before.num_samples + num_samples
        self.segments.append(Segment(start, num_samples))
        self.end = start + num_samples / self._rate

    def decisions(self, has_dates: bool) -> tuple[Decision, ...]:
        """What people should know of the pauses."""
        said = []
        if self.undated:
            said.append(
                Decision(
                    f"{self.undated} new segments have no date: the pause before them is not known, and they follow "
                    "the one before directly",
                    is_guess=True,
                )
            )
        if self.early:
            said.append(
                Decision(
                    f"the dates of {self.early} new segments lie before the end of the one before; they follow it "
                    "directly",
                    is_guess=True,
                )
            )
        if not has_dates:
            said.append(Decision("no date: the wall clock is not known"))
        return tuple(said)
