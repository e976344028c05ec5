"""When the samples of a stream were taken: from its sample numbers and, where streams were synchronized, its seconds.

Sample numbers count from the start of acquisition, at the stream's own rate; where some are missing, data were lost.
Seconds are those of the Record Node's main stream; -1 stands for samples taken before (or without) synchronization:
https://open-ephys.github.io/gui-docs/User-Manual/Recording-data/Binary-format.html. Before 0.6 the file of sample
numbers was called `timestamps.npy`, and that of seconds `synchronized_timestamps.npy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.open_ephys.structure import Structure
from seriesview.readers.open_ephys.vectors import Vector, open_vector
from seriesview.readers.protocol import Decision, Segment
from seriesview.readers.stretches import Stretch, find_stretches

NOT_SYNCHRONIZED = -1.0
# What seconds may be off from a line for the rate to take their place; the same as for all timestamps.
_MOST_SHIFT = 1e-3
_EXACT_SHIFT = 1e-6
_LOOKED_AT = 128

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """Seconds of a sample number: offset + number / rate."""

    rate: float
    offset: float = 0.0

    def times(self, numbers: npt.NDArray[Any]) -> Floats:
        """Seconds of sample numbers."""
        return self.offset + numbers.astype(np.float64) / self.rate


@dataclass(frozen=True)
class ClockFiles:
    """The two files of a stream or of events, None where there is none that can be used, and what to say of them."""

    numbers: Vector | None
    seconds: Vector | None
    said: tuple[Decision, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Those that are used."""
        return tuple(each.path for each in (self.numbers, self.seconds) if each is not None)


def clock_files(folder: Path, structure: Structure) -> ClockFiles:
    """Which of a folder's files holds sample numbers and which seconds: the version says it, the dtype decides."""
    said: list[Decision] = []
    found: dict[str, Vector] = {}
    for name in ("sample_numbers", "timestamps", "synchronized_timestamps"):
        path = folder / f"{name}.npy"
        if not path.is_file():
            continue
        try:
            found[name] = open_vector(path)
        except ReaderError as error:
            said.append(Decision(f"{path.name} is not used: {error.reason}", is_guess=True))
    numbers, seconds = found.get("sample_numbers"), found.get("timestamps")
    if numbers is None and seconds is not None and seconds.dtype.kind in "iu":
        numbers, seconds = seconds, found.get("synchronized_timestamps")
        said.append(
            Decision(
                f"timestamps.npy holds sample numbers: integers, written by {structure.version_in_words}",
                is_guess=structure.has_sample_numbers,
            )
        )
    if numbers is not None and numbers.dtype.kind not in "iu":
        said.append(Decision(f"{numbers.path.name} is not used: {numbers.dtype}, no integers", is_guess=True))
        numbers = None
    if seconds is not None and seconds.dtype.kind != "f":
        said.append(Decision(f"{seconds.path.name} is not used: {seconds.dtype}, no seconds", is_guess=True))
        seconds = None
    return ClockFiles(numbers, seconds, tuple(said))


@dataclass(frozen=True)
class Part:
    """The samples of a stream in one recording: how many rows, and its files of times."""

    rows: int
    files: ClockFiles


@dataclass(frozen=True)
class StreamClock:
    """Times of a stream's samples over all its parts.

    `line` None: the seconds are not those of a rate, and are read sample by sample from `timestamps`.
    """

    line: Line | None
    segments: tuple[Segment, ...]
    synchronized: bool
    decisions: tuple[Decision, ...]
    parts: tuple[Part, ...] = ()
    nominal: Line = Line(1.0)

    def event_times(self, numbers: npt.NDArray[Any] | None, seconds: Floats | None) -> Floats:
        """Times of events of this stream: their seconds, and those of their sample numbers where they have none."""
        line = self.line or self.nominal
        if seconds is None or not self.synchronized:
            return line.times(np.empty(0) if numbers is None else numbers)
        unknown = _is_unknown(seconds)
        if numbers is None or not unknown.any():
            return seconds
        return np.where(unknown, line.times(numbers), seconds)

    def timestamps(self, first: int, last: int) -> Floats:
        """Seconds of samples [first, last), where there is no line."""
        pieces: list[Floats] = []
        begin = 0
        for part in self.parts:
            low, high = max(first, begin) - begin, min(last, begin + part.rows) - begin
            if low < high and part.files.seconds is not None:
                pieces.append(_filled(part, low, high, self.nominal.rate))
            begin += part.rows
        return np.concatenate(pieces) if pieces else np.empty(0)


def stream_clock(parts: Sequence[Part], rate: float) -> StreamClock:
    """The clock of a stream, from as few of its numbers and seconds as show that nothing is missing."""
    said: list[Decision] = [each for part in parts for each in part.files.said]
    stretches: list[Stretch] = []
    first_row = next_number = 0
    counted = True
    for part in parts:
        found, words = _stretches(part, next_number)
        said.extend(words)
        counted = counted and part.files.numbers is not None
        stretches.extend(
            Stretch(first_row + each.first_row, each.num_rows, each.first_number) for each in found
        )
        first_row += part.rows
        if found:
            next_number = found[-1].first_number + found[-1].num_rows
    nominal = Line(rate)
    sampled = _sampled(parts, stretches)
    line, synchronized, words = _fitted(parts, sampled, nominal, counted)
    said.extend(words)
    if line is None:
        return StreamClock(None, (), True, tuple(said), tuple(parts), nominal)
    # Between two recordings nothing was lost.
    begins = set(accumulate(part.rows for part in parts))
    gaps = [
        after.first_number - before.first_number - before.num_rows
        for before, after in pairwise(stretches)
        if after.first_row not in begins
    ]
    if gaps:
        lost = f"{sum(gaps)} sample numbers ({sum(gaps) / rate:.6g} s)"
        said.append(
            Decision(f"{len(stretches)} segments: {lost} are missing in {len(gaps)} places", is_warning=True)
        )
    segments = tuple(
        Segment(line.offset + each.first_number / line.rate, each.num_rows) for each in stretches
    )
    return StreamClock(line, segments, synchronized, tuple(said), tuple(parts), line)


def _stretches(part: Part, next_number: int) -> tuple[list[Stretch], list[Decision]]:
    """Stretches of one part's rows; without usable numbers one, from `next_number` on."""
    numbers = part.files.numbers
    whole = [Stretch(0, part.rows, next_number)] if part.rows else []
    if numbers is None:
        words = "no sample numbers: they are counted on, so that lost samples do not show"
        return whole, [Decision(words, is_guess=True)]
    name, said = numbers.path.name, []
    if numbers.count > numbers.counted:
        said.append(
            Decision(
                f"{name} counts {numbers.counted} and holds {numbers.count}: its acquisition was not stopped properly",
                is_warning=True,
            )
        )
    known = min(part.rows, numbers.count)
    found = find_stretches(numbers, known)
    if found is None:
        said.append(
            Decision(f"{name} is not used: its numbers repeat, go back or jump all the time", is_guess=True)
        )
        return whole, said
    if numbers.count != part.rows:
        what = f"{part.rows} samples, and {numbers.count} of their numbers in {name}"
        rest = (
            "the last ones are counted on"
            if numbers.count < part.rows
            else "the samples are read that are there"
        )
        said.append(Decision(f"{what}: {rest}", is_guess=True))
    if not found:
        return whole, said
    last = found[-1]
    found[-1] = Stretch(last.first_row, last.num_rows + part.rows - known, last.first_number)
    return found, said


def _sampled(parts: Sequence[Part], stretches: Sequence[Stretch]) -> tuple[Floats, Floats]:
    """(sample numbers, seconds) at rows spread over the parts, at ends of stretches and between them."""
    rows_of, numbers_of = [each.first_row for each in stretches], [each.first_number for each in stretches]
    numbers: list[npt.NDArray[Any]] = []
    seconds: list[Floats] = []
    begin = 0
    for part in parts:
        held = part.files.seconds
        count = 0 if held is None else min(part.rows, held.count)
        if held is not None and count:
            rows = set(np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(np.int64).tolist())
            for each in stretches[: _LOOKED_AT // 2]:
                ends = (each.first_row - begin, each.first_row + each.num_rows - 1 - begin)
                rows.update(row for row in ends if 0 <= row < count)
            ordered = sorted(rows)
            at = np.searchsorted(rows_of, np.array(ordered) + begin, side="right") - 1
            numbers.append(np.array(ordered) + begin + np.array(numbers_of)[at] - np.array(rows_of)[at])
            seconds.append(held.take(ordered).astype(np.float64))
        begin += part.rows
    return np.concatenate([np.empty(0), *numbers]), np.concatenate([np.empty(0), *seconds])


def _is_unknown(seconds: Floats) -> npt.NDArray[np.bool_]:
    unknown: npt.NDArray[np.bool_] = ~np.isfinite(seconds) | (seconds == NOT_SYNCHRONIZED)
    return unknown


def _fitted(
    parts: Sequence[Part], sampled: tuple[Floats, Floats], nominal: Line, counted: bool
) -> tuple[Line | None, bool, list[Decision]]:
    """(line, whether it is that of seconds, what to say); no line where seconds are none of a rate."""
    numbers, seconds = sampled
    count_from = f"times are sample numbers at {nominal.rate:.9g} Hz, from the start of acquisition"
    if not len(seconds):
        return nominal, False, [Decision(count_from)]
    known = ~_is_unknown(seconds)
    name = next(part.files.seconds.path.name for part in parts if part.files.seconds is not None)
    if known.sum() < 2 or numbers[known][0] == numbers[known][-1]:
        words = f"not synchronized ({name} holds {NOT_SYNCHRONIZED:g}): {count_from}; they drift against other streams"
        return nominal, False, [Decision(words, is_warning=True)]
    said = [Decision(f"times are the seconds of {name}, which all synchronized streams share")]
    if not known.all():
        said.append(
            Decision(
                f"{name} begins or goes on without synchronization there: times are counted on",
                is_warning=True,
            )
        )
    numbers, seconds = numbers[known], seconds[known]
    span = seconds[-1] - seconds[0]
    if span <= 0 or (np.diff(seconds) < 0).any():
        words = f"{name} is not used, as its seconds do not grow: {count_from}"
        return nominal, False, [Decision(words, is_guess=True)]
    measured = Line((numbers[-1] - numbers[0]) / span)
    for line, allowed in ((nominal, _EXACT_SHIFT), (measured, _MOST_SHIFT)):
        apart = seconds - line.times(numbers)
        lowest, highest = float(apart.min()), float(apart.max())
        if (highest - lowest) / 2 <= allowed + 4 * np.spacing(np.abs(seconds).max()):
            offset = float(apart[0]) if highest - lowest <= 2 * _EXACT_SHIFT else (lowest + highest) / 2
            # Of a line through zero the last place is the arithmetic's.
            offset = 0.0 if abs(offset) < 1e-9 else offset
            if line is measured:
                said.append(
                    Decision(
                        f"{line.rate:.9g} Hz by these seconds, {nominal.rate:.9g} Hz by its own clock; "
                        f"{len(seconds)} of them are within {(highest - lowest) / 2:.2g} s"
                    )
                )
            return Line(line.rate, offset), True, said
    if any(part.files.seconds is None for part in parts) or not counted:
        words = (
            f"{name} is not used, as it is not that of one rate, and not there for all samples: {count_from}"
        )
        return nominal, False, [Decision(words, is_guess=True)]
    said.append(Decision(f"{name} holds no times of one rate: each sample keeps its own"))
    return None, True, said


def _filled(part: Part, first: int, last: int, rate: float) -> Floats:
    """Seconds of a part's rows; those that are not known are counted from the nearest one that is."""
    held = part.files.seconds
    assert held is not None
    rows = np.arange(first, last)
    known = held.read(min(first, held.count), min(last, held.count)).astype(np.float64)
    seconds = np.concatenate([known, np.full(last - first - len(known), NOT_SYNCHRONIZED)])
    unknown = _is_unknown(seconds)
    if not unknown.any():
        return seconds
    if unknown.all():
        anchor, time = _anchor(held, min(first, held.count - 1))
        return time + (rows - anchor) / rate
    places = np.flatnonzero(~unknown)
    nearest = places[np.clip(np.searchsorted(places, np.arange(len(rows))), 0, len(places) - 1)]
    return np.where(unknown, seconds[nearest] + (rows - rows[nearest]) / rate, seconds)


def _anchor(held: Vector, row: int) -> tuple[int, float]:
    """A row whose second is known, the nearest one by halves: before synchronization there is none."""
    low, high = 0, held.count - 1
    if not _is_unknown(np.array([held.at(low)])).any():
        high = row
        while high > low and _is_unknown(np.array([held.at(high)])).any():
            high = (low + high) // 2
        return high, float(held.at(high))
    while low < high:
        middle = (low + high) // 2
        if _is_unknown(np.array([held.at(middle)])).any():
            low = middle + 1
        else:
            high = middle
    return low, float(held.at(low))
