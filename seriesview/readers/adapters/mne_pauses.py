"""Pauses of a recording that stand in a file beside its samples, and that MNE passes over."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seriesview.readers.protocol import Decision

_MOST_BYTES = 16 << 20
# A clock that is put right by less than this makes no pause.
_TOLERANCE = 0.01
_SAMPLE_TIME = re.compile(r"(\d{1,15})\s*=\s*(\d{1,9}(?:\.\d{1,12})?)")
_DAY = 86400.0
# Times of the day that go back by more than this are of the next day.
_BACK = 60.0
# ANT counts days as spreadsheets do.
_FIRST_DAY = datetime(1899, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Piece:
    """Samples [first, end) without a pause, and the time of the first in seconds from the recording's zero."""

    first: int
    end: int
    start_time: float


def pieces_of(
    path: Path, num_samples: int, rate: float, start: datetime | None
) -> tuple[list[Piece], list[Decision]]:
    """The pieces of a recording whose pauses stand beside it, from second 0 on; none where that says nothing."""
    told = _told(path, num_samples, start)
    if len(told) < 2:
        return [], []
    tolerance = max(_TOLERANCE, 1.5 / rate)
    begins, furthest = [told[0]], 0.0
    for sample, seconds in told[1:]:
        expected = begins[-1][1] + (sample - begins[-1][0]) / rate
        if seconds - expected > tolerance:
            begins.append((sample, seconds))
        else:
            furthest = max(furthest, expected - seconds)
    said = []
    if furthest > tolerance:
        said.append(
            Decision(
                f"samples begin before the end of those before them (by up to {furthest:.3g} s): they follow those",
                is_guess=True,
            )
        )
    ends = [sample for sample, _ in begins[1:]] + [num_samples]
    pieces = [Piece(first, end, seconds) for (first, seconds), end in zip(begins, ends, strict=True)]
    return (pieces if len(pieces) > 1 else []), said


def _told(path: Path, num_samples: int, start: datetime | None) -> list[tuple[int, float]]:
    """Samples, each with its time in seconds from the first; empty where they are not in order."""
    suffix = path.suffix.lower()
    if suffix in (".lay", ".dat"):
        told = list(_of_persyst(_text(path.with_suffix(".lay"))))
    elif suffix == ".cnt" and start is not None:
        told = list(_of_ant(_text(path.with_suffix(".seg")), num_samples, start))
    else:
        return []
    samples = [sample for sample, _ in told]
    in_order = samples == sorted(set(samples)) and samples[:1] == [0] and samples[-1] < num_samples
    return told if in_order and all(math.isfinite(seconds) for _, seconds in told) else []


def _of_persyst(text: str) -> Iterator[tuple[int, float]]:
    """Lines `sample=seconds of the day` of the section SampleTimes."""
    zero, last, days = 0.0, None, 0.0
    section = text.lower().partition("[sampletimes]")[2].partition("[")[0]
    for line in section.splitlines():
        found = _SAMPLE_TIME.fullmatch(line.strip())
        if found is None:
            continue
        seconds = float(found[2])
        if last is None:
            zero = seconds
        elif seconds < last - _BACK:
            days += _DAY
        last = seconds
        yield int(found[1]), seconds + days - zero


def _of_ant(text: str, num_samples: int, start: datetime) -> Iterator[tuple[int, float]]:
    """A line for each stretch but the first: the day and its fraction, seconds beside that, and its samples."""
    lines = [line.split() for line in text.splitlines()[1:] if line.strip()]
    try:
        numbers = [(float(days), float(more), int(count)) for days, more, count in lines]
    except ValueError:
        return
    sample = num_samples - sum(count for _, _, count in numbers)
    yield 0, 0.0
    zero = (start - _FIRST_DAY).total_seconds()
    for days, more, count in numbers:
        yield sample, days * _DAY + more - zero
        sample += count


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("latin-1")
    except OSError:
        return ""
