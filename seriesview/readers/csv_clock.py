"""Wall-clock times in text: parsed to nanoseconds, and put on one time axis through time zones and midnights.

Understood: `2016-11-24 13:58:58.081` (also T between, / or . in the date, `24.11.2016`, a comma before the fraction,
up to nine digits of it, seconds or the time left out, AM or PM), followed by a zone (Z, UTC, +01:00, +0100, +01) or
none, and times without a date such as `13:58:58.081`, where going back by more than half a day begins the next day,
or `2 days 13:58:58.081`.
Not understood, since it can mean two days: `11/24/2016`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Nanoseconds = npt.NDArray[np.int64]

NO_ZONE = np.iinfo(np.int64).min
_SECOND = 1_000_000_000
_MINUTE = 60 * _SECOND
_DAY = 86_400 * _SECOND
_TEMPLATES = 16

_DATE = r"""(?:
    (?P<year>\d{4})(?P<dash>[-/.])(?P<month>\d\d)(?P=dash)(?P<day>\d\d)
    |(?P<late_day>\d\d?)\.(?P<late_month>\d\d?)\.(?P<late_year>\d{4})
    )"""
_TIME = r"""
    (?:(?P<days>\d+)\ days?,?\s+)?(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?
    (?:\s*(?P<half>[AaPp][Mm]))?\s*(?P<zone>Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"""
_CLOCK = re.compile(rf"\s*(?=\d)(?:{_DATE}(?:[T ]\s*(?=\d)|\s*$))?(?:{_TIME})?\s*", re.VERBOSE)


class ClockError(ValueError):
    """The cell `index` is no wall-clock time, or one that its zone never showed; the message says which."""

    def __init__(self, index: int, problem: str) -> None:
        super().__init__(problem)
        self.index = index


def is_clock(text: str) -> bool:
    """Whether the text is a wall-clock time, with or without a date and a zone."""
    return _CLOCK.fullmatch(text) is not None


@dataclass(frozen=True)
class ClockCells:
    """Parsed cells: nanoseconds since 1970 (or midnight) as the clock shows, and zone offsets or NO_ZONE, (n,)."""

    shown: Nanoseconds
    offsets: Nanoseconds
    dated: npt.NDArray[np.bool_]


def parse_clock(cells: Sequence[str] | npt.NDArray[np.bytes_]) -> ClockCells:
    """Parse wall-clock times; cells written alike are parsed together. Raises ClockError."""
    text = np.asarray(cells, dtype=np.bytes_)
    parsed = ClockCells(
        np.empty(len(text), np.int64), np.full(len(text), NO_ZONE, np.int64), np.zeros(len(text), np.bool_)
    )
    remaining = np.arange(len(text))
    templates = 0
    while len(remaining):
        match = _match(text, int(remaining[0]))
        alike = np.zeros(len(remaining), np.bool_)
        alike[0] = True
        if templates < _TEMPLATES:
            alike = _written_alike(text[remaining], match)
            templates += 1
        _parse_alike(text, remaining[alike], match, parsed)
        remaining = remaining[~alike]
    return parsed


def _match(text: npt.NDArray[np.bytes_], index: int) -> re.Match[str]:
    cell = bytes(text[index]).decode("latin-1")
    match = _CLOCK.fullmatch(cell)
    if match is None:
        raise ClockError(index, f"{cell!r} is no time; write it like 2016-11-24 13:58:58.081")
    return match


def _matrix(text: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(text).view(np.uint8).reshape(len(text), text.dtype.itemsize)


def _written_alike(text: npt.NDArray[np.bytes_], match: re.Match[str]) -> npt.NDArray[np.bool_]:
    """Which cells have digits where the template has them, outside its zone, and the same bytes elsewhere."""
    matrix = _matrix(text)
    zone_begin, zone_end = match.span("zone")
    alike = np.ones(len(text), np.bool_)
    template = match.string.encode("latin-1").ljust(matrix.shape[1], b"\0")
    for position, byte in enumerate(template):
        column = matrix[:, position]
        if byte in b"0123456789" and not zone_begin <= position < zone_end:
            alike &= (column >= ord("0")) & (column <= ord("9"))
        else:
            alike &= column == byte
    return alike


def _parse_alike(
    text: npt.NDArray[np.bytes_], indices: npt.NDArray[np.intp], match: re.Match[str], parsed: ClockCells
) -> None:
    digits = _matrix(text[indices]).astype(np.int64) - ord("0")

    def number(*groups: str) -> Nanoseconds:
        begin, end = max(match.span(group) for group in groups)
        value = np.zeros(len(indices), np.int64)
        for position in range(begin, end):
            value = value * 10 + digits[:, position]
        return value

    hour, minute, second = number("hour"), number("minute"), number("second")
    wrong = (hour > 23) | (minute > 59) | (second > 60)
    if match["half"] is not None:
        wrong |= (hour < 1) | (hour > 12)
        hour = hour % 12 + (12 if match["half"].upper() == "PM" else 0)
    shown = ((hour * 60 + minute) * 60 + second) * _SECOND
    shown += number("days") * _DAY
    if match["fraction"] is not None:
        shown += number("fraction") * 10 ** (9 - len(match["fraction"]))
    if match["year"] is not None or match["late_year"] is not None:
        days, no_date = _days(
            number("year", "late_year"), number("month", "late_month"), number("day", "late_day")
        )
        wrong |= no_date
        shown += days * _DAY
        parsed.dated[indices] = True
    if wrong.any():
        index = int(indices[np.argmax(wrong)])
        raise ClockError(index, f"{bytes(text[index]).decode('latin-1')!r} is no date and time that exists")
    parsed.shown[indices] = shown
    if match["zone"] is not None:
        parsed.offsets[indices] = _zone_offset(match["zone"])


def _days(
    year: Nanoseconds, month: Nanoseconds, day: Nanoseconds
) -> tuple[Nanoseconds, npt.NDArray[np.bool_]]:
    """Days since 1970, and which are no date. Years outside 1700 to 2250 do not fit into nanoseconds."""
    wrong = (year < 1700) | (year > 2250) | (month < 1) | (month > 12) | (day < 1)
    months = np.where(wrong, 0, (year - 1970) * 12 + month - 1).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    length = (months + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - first
    return first + day - 1, wrong | (day > length)


def _zone_offset(zone: str) -> int:
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (minutes if zone[0] == "+" else -minutes) * _MINUTE


class WallClock:
    """Puts parsed cells, given in the file's order, on one axis of nanoseconds in UTC.

    Cells without a zone of their own are in `zone`, or on a clock of unknown zone that never changes. The hour
    that a zone shows twice in autumn is its first pass until the clock goes back, then its second; a recording
    that begins within it is taken to begin in the first. An hour skipped in spring is an error.
    """

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._zone = zone
        self._previous: int | None = None
        self._days = 0
        self._ambiguous = False
        self._second_pass = False
        self.first: tuple[int, tzinfo | None] | None = None

    def add(self, cells: ClockCells) -> Nanoseconds:
        """Nanoseconds since 1970 in UTC (n,), as far as zones are known. Raises ClockError."""
        if len(cells.shown) == 0:
            return cells.shown
        if (cells.dated != cells.dated[0]).any():
            index = int(np.argmax(cells.dated != cells.dated[0]))
            raise ClockError(index, "a time without a date among others that have one")
        if not cells.dated[0]:
            return self._add_undated(cells)
        offsets = cells.offsets.copy()
        bare = np.flatnonzero(offsets == NO_ZONE)
        if self._zone is not None:
            offsets[bare] = self._offsets(cells.shown[bare], bare)
        else:
            offsets[bare] = 0
        utc: Nanoseconds = cells.shown - offsets
        if self.first is None:
            zone: tzinfo | None = self._zone
            if cells.offsets[0] != NO_ZONE:
                zone = timezone(timedelta(microseconds=int(cells.offsets[0]) // 1000))
            self.first = (int(utc[0]), zone)
        return utc

    def _add_undated(self, cells: ClockCells) -> Nanoseconds:
        before = cells.shown[0] if self._previous is None else self._previous
        midnights = np.cumsum(np.diff(cells.shown, prepend=before) < -_DAY // 2) + self._days
        self._previous, self._days = int(cells.shown[-1]), int(midnights[-1])
        times: Nanoseconds = cells.shown + midnights * _DAY
        if self.first is None:
            self.first = (int(times[0]), None)
        return times

    def _offsets(self, shown: Nanoseconds, indices: npt.NDArray[np.intp]) -> Nanoseconds:
        """Offsets of the zone from UTC at the times that it shows."""
        if len(shown) == 0:
            return shown
        minutes, inverse = np.unique(shown // _MINUTE, return_inverse=True)
        table = np.array([self._minute_offsets(int(minute)) for minute in minutes], np.int64)
        first_pass, second_pass = table[inverse, 0], table[inverse, 1]
        skipped = first_pass < second_pass
        if skipped.any():
            at = int(np.argmax(skipped))
            when = datetime.fromtimestamp(int(shown[at]) // _SECOND, UTC).replace(tzinfo=None)
            problem = f"{when} never was in {self._zone}, whose clocks went forward; check `timezone:`"
            raise ClockError(int(indices[at]), problem)
        second = self._passes(shown, first_pass > second_pass)
        offsets: Nanoseconds = np.where(second, second_pass, first_pass)
        return offsets

    def _minute_offsets(self, minute: int) -> tuple[int, int]:
        when = datetime(1970, 1, 1) + timedelta(minutes=minute)
        first, second = (
            when.replace(tzinfo=self._zone, fold=fold).utcoffset() or timedelta(0) for fold in (0, 1)
        )
        return first // timedelta(microseconds=1) * 1000, second // timedelta(microseconds=1) * 1000

    def _passes(self, shown: Nanoseconds, ambiguous: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which times are in the second pass of an hour that is shown twice."""
        before = shown[0] if self._previous is None else self._previous
        went_back = np.diff(shown, prepend=before) < 0
        was_ambiguous = np.concatenate([[self._ambiguous], ambiguous[:-1]])
        turns = np.cumsum(ambiguous & was_ambiguous & went_back) + int(self._ambiguous and self._second_pass)
        begins = ambiguous & ~was_ambiguous
        at_begin = np.maximum.accumulate(np.where(begins, turns, 0))
        second: npt.NDArray[np.bool_] = ambiguous & (turns > at_begin)
        self._previous, self._ambiguous = int(shown[-1]), bool(ambiguous[-1])
        self._second_pass = bool(second[-1])
        return second


def session_start(nanoseconds: int, zone: tzinfo) -> str:
    """ISO 8601 with zone of a time in nanoseconds since 1970 UTC, a whole number of microseconds."""
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)
    return when.astimezone(zone).isoformat()
