"""Wall-clock times in text: parsed to nanoseconds, and put on one time axis through time zones and midnights.

Understood: `2016-11-24 13:58:58.081` (also T between, / or . in the date, `20161124T135858`, `24.11.2016`,
`24-Nov-2016`, `Nov 24, 2016`, a comma or colon before the fraction, up to nine digits of it, seconds or the time left
out, AM or PM), followed by a zone (Z, UTC, +01:00, +0100, +01) or none; times without a date such as `13:58:58.081` or
`58:58.1`, where going back by more than half a day begins the next day, or `2 days 13:58:58.081`. `11/24/2016` can mean
two days: it needs an order, which the configuration gives, or a day behind the 12th.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from seriesview.readers.clocks import ClockError, Nanoseconds
from seriesview.terms import FIRST_YEAR, LAST_YEAR

DateOrder = Literal["day", "month", "year"]

NO_ZONE = np.iinfo(np.int64).min
_SECOND = 1_000_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 86_400 * _SECOND
_TEMPLATES = 40
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "|".join(_MONTHS)

_DATE = rf"""(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\ +)?(?:
    (?P<year>\d{{4}})(?P<dash>[-/.])(?P<month>\d\d?)(?P=dash)(?P<day>\d\d?)
    |(?P<solid_year>\d{{4}})(?P<solid_month>\d\d)(?P<solid_day>\d\d)
    |(?P<late_day>\d\d?)\.(?P<late_month>\d\d?)\.(?P<late_year>\d{{4}}|\d\d)
    |(?P<first>\d\d?)(?P<slash>[-/])(?P<second_part>\d\d?)(?P=slash)(?P<last_year>\d{{4}}|\d\d)
    |(?P<word_day>\d\d?)[-\ ](?P<word>{_MONTH})[a-z]*[-,.\ ]+(?P<word_year>\d{{4}})
    |(?P<front_word>{_MONTH})[a-z]*\.?\ +(?P<front_day>\d\d?),?\ +(?P<front_year>\d{{4}})
    )"""
_TIME = r"""(?:
    (?:(?P<days>\d+)\ days?,?\s+)?
    (?P<hour>\d\d?\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9})|:(?P<thousandths>\d{3}))?)?
    |(?P<short_minute>\d\d?):(?P<short_second>\d\d)[.,](?P<short_fraction>\d{1,9})
    |(?P<solid_hour>\d\d)(?P<solid_minute>\d\d)(?P<solid_second>\d\d)(?:[.,](?P<solid_fraction>\d{1,9}))?
    )(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?"""
_CLOCK = re.compile(
    rf"\s*(?=\w)(?:{_DATE}(?:,?(?:T|\ )\s*(?=\d)|\s*$))?(?:{_TIME})?\s*", re.VERBOSE | re.IGNORECASE
)
_ONLY_DIGITS = re.compile(r"\s*[\d.,]*\s*")


def is_clock(text: str) -> bool:
    """Whether the text is a wall-clock time, with or without a date and a zone; numbers are none."""
    return _CLOCK.fullmatch(text) is not None and not is_only_digits(text)


def is_only_digits(text: str) -> bool:
    """Whether the text may be a number."""
    return _ONLY_DIGITS.fullmatch(text) is not None and text.count(".") < 2


def date_order(first: int, second: int, is_short: bool) -> DateOrder | None:
    """What comes first in dates such as 11/24/2016, where the largest of each part leave no doubt.

    With short years, as in 14-03-24, what seems a day may be a year.
    """
    if (first > 12) == (second > 12) or (first > 12 and is_short):
        return None
    return "day" if first > 12 else "month"


def may_mean_two_days(text: str) -> bool:
    """Whether a text is a date such as 11/24/2016."""
    match = _CLOCK.fullmatch(text)
    return match is not None and match["first"] is not None


@dataclass(frozen=True)
class ClockCells:
    """Parsed cells (n,): nanoseconds since 1970 (or midnight) as the clock shows, zone offsets or NO_ZONE, and which
    are leap seconds.
    """

    shown: Nanoseconds
    offsets: Nanoseconds
    dated: npt.NDArray[np.bool_]
    leap: npt.NDArray[np.bool_]


def parse_clock(cells: Sequence[str] | npt.NDArray[np.bytes_], order: DateOrder | None = None) -> ClockCells:
    """Parse wall-clock times; cells written alike are parsed together. Raises ClockError."""
    text = np.asarray(cells, dtype=np.bytes_)
    size = len(text)
    parsed = ClockCells(
        np.empty(size, np.int64),
        np.full(size, NO_ZONE, np.int64),
        np.zeros(size, np.bool_),
        np.zeros(size, np.bool_),
    )
    remaining = np.arange(size)
    templates = 0
    while len(remaining):
        match = _match(text, int(remaining[0]))
        alike = np.zeros(len(remaining), np.bool_)
        alike[0] = True
        if templates < _TEMPLATES:
            alike = _written_alike(text[remaining], match)
            templates += 1
        _parse_alike(text, remaining[alike], match, order, parsed)
        remaining = remaining[~alike]
    return parsed


def _match(text: npt.NDArray[np.bytes_], index: int) -> re.Match[str]:
    cell = bytes(text[index]).decode("latin-1")
    match = _CLOCK.fullmatch(cell)
    if match is None or match.lastgroup is None:
        raise ClockError(f"{cell!r} is no time; write it like 2016-11-24 13:58:58.081", index)
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
    text: npt.NDArray[np.bytes_],
    indices: npt.NDArray[np.intp],
    match: re.Match[str],
    order: DateOrder | None,
    parsed: ClockCells,
) -> None:
    digits = _matrix(text[indices]).astype(np.int64) - ord("0")

    def number(*groups: str) -> Nanoseconds:
        begin, end = max(match.span(group) for group in groups)
        value = np.zeros(len(indices), np.int64)
        for position in range(begin, end):
            value = value * 10 + digits[:, position]
        return value

    def fail(wrong: npt.NDArray[np.bool_], problem: str) -> None:
        if wrong.any():
            index = int(indices[np.argmax(wrong)])
            raise ClockError(f"{bytes(text[index]).decode('latin-1')!r} {problem}", index)

    hour = number("hour", "solid_hour")
    minute = number("minute", "short_minute", "solid_minute")
    second = number("second", "short_second", "solid_second")
    # 24:00 is the end of a day; without a date, hours may be those that went by.
    is_dated = _date_group(match) is not None
    wrong = (
        ((hour > 23) & ((hour > 24) | (minute > 0) | (second > 0)) & is_dated) | (minute > 59) | (second > 60)
    )
    if match["half"] is not None:
        wrong |= (hour < 1) | (hour > 12)
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    shown = ((hour * 60 + minute) * 60 + second) * _SECOND
    shown += number("days") * _DAY
    for group in ("fraction", "short_fraction", "solid_fraction", "thousandths"):
        if match[group] is not None:
            shown += number(group) * 10 ** (9 - len(match[group]))
    # A second 60 anywhere else is a rounded one, the first of the next minute.
    leap = (second == 60) & (minute == 59)
    if match["first"] is not None and order is None:
        raise ClockError(
            f"{match.string!r} is no date for sure, it can mean two days; set `timestamps: NAME (day/month/year)`, "
            "`(month/day/year)` or `(year/month/day)`, or write times like 2016-11-24 13:58:58.081",
            int(indices[0]),
        )
    date = _date(match, number, order)
    if date is None:
        leap &= hour == 23
    else:
        year, month, day = date
        fail((year < FIRST_YEAR) | (year > LAST_YEAR), f"is not in {FIRST_YEAR} to {LAST_YEAR}; mend it")
        leap &= np.isin(month * 100 + day, (630, 701, 1231, 101))
        days, no_date = days_since_1970(year, month, day)
        wrong |= no_date
        shown += days * _DAY
        parsed.dated[indices] = True
    fail(wrong, "is no date and time that exists")
    parsed.shown[indices] = shown
    parsed.leap[indices] = leap
    if match["zone"] is not None:
        parsed.offsets[indices] = _zone_offset(match["zone"])


def _date_group(match: re.Match[str]) -> str | None:
    """Which group of a match is the year of its date; None where it has no date."""
    years = ("year", "solid_year", "late_year", "last_year", "word_year", "front_year")
    return next((group for group in years if match[group] is not None), None)


def _date(
    match: re.Match[str], number: Callable[..., Nanoseconds], order: DateOrder | None
) -> tuple[Nanoseconds, Nanoseconds, Nanoseconds] | None:
    """Years, months and days (n,); None where there is no date."""
    written = _date_group(match)
    if written is None:
        return None
    year = number(written)
    if len(match[written]) == 2:
        year = year + 2000
    if match["first"] is not None:
        first, second = number("first"), number("second_part")
        if order == "year":
            return first + 2000, second, number("last_year")
        return (year, second, first) if order == "day" else (year, first, second)
    word = match["word"] or match["front_word"]
    day = number("day", "solid_day", "late_day", "word_day", "front_day")
    if word is not None:
        return year, np.full(len(day), _MONTHS.index(word.lower()) + 1), day
    return year, number("month", "solid_month", "late_month"), day


def days_since_1970(
    year: Nanoseconds, month: Nanoseconds, day: Nanoseconds
) -> tuple[Nanoseconds, npt.NDArray[np.bool_]]:
    """Days since 1970 (n,), and which are no date."""
    wrong = (month < 1) | (month > 12) | (day < 1)
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
    """Puts parsed cells, given in the file's order, all with a date or all without, on one axis of nanoseconds in UTC.

    Cells without a zone of their own are in `zone`, or on a clock of unknown zone that never changes. The hour
    that a zone shows twice in autumn is its first pass until the clock goes back, or stands still where samples are
    an hour apart, then its second; a recording that begins within it is taken to begin in the first. An hour skipped in
    spring is an error. Behind a leap second (23:59:60), times are a second later than the clock shows.
    """

    def __init__(self, zone: ZoneInfo | None) -> None:
        self._zone = zone
        self._previous: int | None = None
        self._step: float | None = None
        self._days = 0
        self._ambiguous = False
        self._second_pass = False
        self._in_leap = False
        self._has_zones = False
        self.leaps = 0
        self.first: tuple[int, tzinfo | None] | None = None
        self.is_dated = True

    def add(self, cells: ClockCells) -> Nanoseconds:
        """Nanoseconds since 1970 in UTC (n,), as far as zones are known. Raises ClockError."""
        if len(cells.shown) == 0:
            return cells.shown
        if self.first is None:
            self.is_dated = bool(cells.dated[0])
        offsets = cells.offsets.copy()
        bare = np.flatnonzero(offsets == NO_ZONE)
        self._has_zones |= len(bare) < len(offsets)
        if self._zone is None and self._has_zones and len(bare):
            problem = (
                "a time without a zone among others that have one; set `timezone:` to that of those without"
            )
            raise ClockError(problem, int(bare[0]))
        if not self.is_dated:
            times = cells.shown + self._midnights(cells.shown) * _DAY
        elif self._zone is not None:
            offsets[bare] = self._offsets(cells.shown[bare], bare)
            times = cells.shown - offsets
        else:
            offsets[bare] = 0
            times = cells.shown - offsets
        times = times + self._leap_seconds(cells.leap) * _SECOND
        if self.first is None:
            zone: tzinfo | None = self._zone if self.is_dated else None
            if self.is_dated and cells.offsets[0] != NO_ZONE:
                zone = timezone(timedelta(microseconds=int(cells.offsets[0]) // 1000))
            self.first = (int(times[0]), zone)
        return times

    def _midnights(self, shown: Nanoseconds) -> Nanoseconds:
        before = shown[0] if self._previous is None else self._previous
        midnights: Nanoseconds = np.cumsum(np.diff(shown, prepend=before) < -_DAY // 2) + self._days
        self._previous, self._days = int(shown[-1]), int(midnights[-1])
        return midnights

    def _leap_seconds(self, leap: npt.NDArray[np.bool_]) -> Nanoseconds:
        """How many leap seconds are over at each cell."""
        if not leap.any() and not self.leaps:
            return np.zeros(len(leap), np.int64)
        begins = leap & ~np.concatenate([[self._in_leap], leap[:-1]])
        begun = np.cumsum(begins) + self.leaps
        self._in_leap, self.leaps = bool(leap[-1]), int(begun[-1])
        over: Nanoseconds = begun - leap
        return over

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
            raise ClockError(problem, int(indices[at]))
        second = self._passes(shown, first_pass - second_pass)
        offsets: Nanoseconds = np.where(second, second_pass, first_pass)
        return offsets

    def _minute_offsets(self, minute: int) -> tuple[int, int]:
        when = datetime(1970, 1, 1) + timedelta(minutes=minute)
        first, second = (
            when.replace(tzinfo=self._zone, fold=fold).utcoffset() or timedelta(0) for fold in (0, 1)
        )
        return first // timedelta(microseconds=1) * 1000, second // timedelta(microseconds=1) * 1000

    def _passes(self, shown: Nanoseconds, put_back: Nanoseconds) -> npt.NDArray[np.bool_]:
        """Which times are in the second pass of an hour that is shown twice, put back by so much."""
        ambiguous = put_back > 0
        before = shown[0] if self._previous is None else self._previous
        steps = np.diff(shown, prepend=before)
        if self._step is None:
            forward = steps[steps > 0]
            self._step = float(np.median(forward)) if len(forward) else 0.0
        # The clock was put back before a time where that makes its distance the usual one.
        went_back = (steps < 0) | (np.abs(steps + put_back - self._step) < np.abs(steps - self._step))
        if self._previous is None:
            went_back[0] = False
        was_ambiguous = np.concatenate([[self._ambiguous], ambiguous[:-1]])
        begins = ambiguous & ~was_ambiguous
        turns = np.cumsum(ambiguous & went_back) + int(self._ambiguous and self._second_pass)
        before_begin = turns - (ambiguous & went_back)
        at_begin = np.maximum.accumulate(np.where(begins, before_begin, 0))
        second: npt.NDArray[np.bool_] = ambiguous & (turns > at_begin)
        self._previous, self._ambiguous = int(shown[-1]), bool(ambiguous[-1])
        self._second_pass = bool(second[-1])
        return second


def session_start(nanoseconds: int, zone: tzinfo | None) -> str:
    """ISO 8601 of a time in nanoseconds since 1970, a whole number of microseconds; without a zone where it is None."""
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)
    return when.replace(tzinfo=None).isoformat() if zone is None else when.astimezone(zone).isoformat()
