"""When an EDF recording began: two digits of the year, four in EDF+, or the time of day alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time

from seriesview.readers.moments import Start
from seriesview.readers.protocol import Decision

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY = re.compile(r"(\d{1,2})[.:/\- ](\d{1,2})[.:/\- ](\d{2}|yy)", re.IGNORECASE)
_TIME = re.compile(r"(\d{1,2})[.:/\- ](\d{1,2})[.:/\- ](\d{1,2})")
_LONG = re.compile(r"Startdate\s+(\d{1,2})-([A-Za-z]{3})[A-Za-z]*-(\d{4})\b", re.IGNORECASE)
# The first day that two digits can say: it stands for a date that was taken out.
_ANONYMOUS = date(1985, 1, 1)
_PIVOT = 85


def start_of(day: str, hour: str, recording: str, is_plus: bool) -> tuple[Start, Iterator[Decision]]:
    """Of the header's startdate, starttime and local recording identification, in which EDF+ has four digits."""
    short, long = _short_day(day), _long_day(recording) if is_plus else None
    clock = _time_of_day(hour)
    chosen = long if _may_be_that(day, short, long) else short
    seconds = 0 if clock is None else clock.hour * 3600 + clock.minute * 60 + clock.second
    if chosen is None or chosen == _ANONYMOUS:
        why = "its date is anonymous (01.01.85)" if chosen else f"its date {day!r} is none"
        if not seconds:
            return Start(None), iter([Decision(f"{why}: times count from its start")])
        return Start(None, seconds), iter([Decision(f"{why}: times count from midnight, by its time of day")])
    moment = datetime.combine(chosen, clock or time())
    return Start(moment.isoformat()), _said(clock, hour, short, long, chosen)


def _said(
    clock: time | None, hour: str, short: date | None, long: date | None, chosen: date
) -> Iterator[Decision]:
    if clock is None:
        yield Decision(f"its time of day {hour!r} is none: the day is taken to begin with it", is_guess=True)
    if (
        short is not None
        and long is not None
        and chosen == short
        and (short.month, short.day, short.year % 100)
        != (
            long.month,
            long.day,
            long.year % 100,
        )
    ):
        yield Decision(f"the header tells two dates, {short} and {long}: the first is taken", is_guess=True)


def _may_be_that(day: str, short: date | None, long: date | None) -> bool:
    """Whether the date of four digits is that of two, or the only one."""
    if long is None:
        return False
    if short is None:
        return True
    return (short.month, short.day, short.year % 100) == (long.month, long.day, long.year % 100)


def _short_day(text: str) -> date | None:
    found = _DAY.fullmatch(text)
    if found is None or not found[3].isdecimal():
        return None
    year = int(found[3])
    return _date(year + (1900 if year >= _PIVOT else 2000), int(found[2]), int(found[1]))


def _long_day(recording: str) -> date | None:
    found = _LONG.match(recording)
    if found is None or found[2].upper() not in _MONTHS:
        return None
    return _date(int(found[3]), _MONTHS.index(found[2].upper()) + 1, int(found[1]))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _time_of_day(text: str) -> time | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    try:
        return time(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
