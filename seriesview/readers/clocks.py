"""What the numbers of a time axis count: their unit, the date on which they are 0, and whether they tell samples apart.

A unit is a name such as `ms`, a name and a date, `seconds since 2020-01-01` (CF), or a count that programs keep:
`unix ms`, `excel` (days of a spreadsheet), `datenum` (days of MATLAB). Without one, numbers that can only be a count
since 1970 are told by their size, day numbers by the name of their column, and all others are seconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.readers.protocol import Decision
from seriesview.terms import FIRST_YEAR, LAST_YEAR

Floats = npt.NDArray[np.float64]
Nanoseconds = npt.NDArray[np.int64]

# 2000-01-01 and about 2062: times of recordings, as seconds since 1970.
_EARLIEST, _LATEST = 946_684_800, 2_900_000_000
_LEAST_RATE = 1e-6
_MOST_SECONDS = 2.9e9
_GREGORIAN = datetime(1582, 10, 15, tzinfo=UTC)
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_UNIX = datetime(1970, 1, 1)
_SHARE_OF_REPEATS = 0.1

# Seconds of one unit, as (multiplier, divisor), so that milliseconds are divided by a whole number.
_UNITS: dict[str, tuple[str, int, int]] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("s", 1, 1)),
    **dict.fromkeys(
        ("ms", "msec", "msecs", "millis", "millisec", "millisecond", "milliseconds"), ("ms", 1, 10**3)
    ),
    **dict.fromkeys(
        ("us", "µs", "μs", "usec", "micros", "microsec", "microsecond", "microseconds"), ("us", 1, 10**6)
    ),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanosecond", "nanoseconds"), ("ns", 1, 10**9)),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("min", 60, 1)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("h", 3600, 1)),
    **dict.fromkeys(("d", "day", "days"), ("days", 86400, 1)),
}
_SINCE = re.compile(
    r"(?P<unit>[^\W\d_]+)\s+(?:since|after|from)\s+(?P<year>\d{1,4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[T ]\s*(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?P<fraction>\.\d*)?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{1,2}(?::?\d\d)?)?",
    re.IGNORECASE,
)
_GIVEN_UNIT = re.compile(r"(?P<name>.*\S)\s*\((?P<unit>[^()]+)\)\s*")
_CALENDARS = ("standard", "gregorian", "proleptic_gregorian")


class ClockError(ValueError):
    """Numbers or texts that cannot be times as asked; the message says why, and what to do.

    `index` is the position of the first one that is wrong, where it is one alone.
    """

    def __init__(self, problem: str, index: int | None = None) -> None:
        super().__init__(problem)
        self.index = index


@dataclass(frozen=True)
class TimeUnit:
    """A number is (number - `origin`) * `multiplier` / `divisor` seconds after `epoch`.

    `epoch` is None where numbers count from the recording's own zero, and without a zone where they count local time.
    """

    name: str
    multiplier: int
    divisor: int
    epoch: datetime | None = None
    origin: int = 0

    def seconds(self, numbers: npt.NDArray[Any], zero: float = 0) -> Floats:
        """Seconds (n,) after the number `zero`; differences of integers are exact."""
        counts: npt.NDArray[Any] = numbers
        if numbers.dtype != np.uint64:
            counts = numbers.astype(np.float64 if numbers.dtype.kind == "f" else np.int64) - zero
        elif zero:
            # Differences of unsigned numbers wrap around to the right signed ones.
            counts = (numbers - np.uint64(zero)).view(np.int64)
        seconds: Floats = counts * float(self.multiplier) / self.divisor
        return seconds

    def nanoseconds(self, numbers: npt.NDArray[Any]) -> Nanoseconds:
        """Nanoseconds since 1970 (n,) on the clock of `epoch`; needs one. Numbers must be of years that exist."""
        assert self.epoch is not None
        start = self.epoch.replace(tzinfo=UTC) if self.epoch.tzinfo is None else self.epoch
        begin = (start - _UNIX) // timedelta(microseconds=1) * 1000
        counts = numbers.astype(np.int64 if numbers.dtype.kind in "iu" else np.float64) - self.origin
        nanoseconds = counts * (self.multiplier * 10**9 // self.divisor)
        if counts.dtype.kind == "f":
            # The digits of day numbers in float64 end at some microseconds.
            nanoseconds = np.rint(nanoseconds / 1000) * 1000
        shown: Nanoseconds = nanoseconds.astype(np.int64) + begin
        return shown


_UNIX_UNITS = {
    name: TimeUnit(f"unix {name}", 1, divisor, _UNIX)
    for name, divisor in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9))
}
_EXCEL = TimeUnit("excel", 86400, 1, _LOCAL_UNIX, 25569)
_DATENUM = TimeUnit("datenum", 86400, 1, _LOCAL_UNIX, 719529)
_FILETIME = TimeUnit("filetime", 1, 10**7, datetime(1601, 1, 1, tzinfo=UTC))
_TICKS = TimeUnit("ticks", 1, 10**7, _LOCAL_UNIX, 621_355_968_000_000_000)
_NAMED = {unit.name: unit for unit in (*_UNIX_UNITS.values(), _EXCEL, _DATENUM, _FILETIME, _TICKS)} | {
    "unix": _UNIX_UNITS["s"]
}
# Of 1954 to 2099, and of 1949 to 2100.
_DAY_NUMBERS = ((_EXCEL, 20_000, 73_050), (_DATENUM, 712_000, 767_010))
_WORDS = {
    "excel": "day numbers of a spreadsheet (local time)",
    "datenum": "day numbers of MATLAB (local time)",
    "filetime": "100 ns since 1601 (UTC)",
    "ticks": "100 ns since the year 1 (local time)",
}


def split_unit(timestamps: str) -> tuple[str, str | None]:
    """The name of an axis and the unit that is written behind it, as in `t (ms)`; None without one."""
    match = _GIVEN_UNIT.fullmatch(timestamps)
    return (timestamps, None) if match is None else (match["name"], match["unit"])


def parse_time_unit(text: str, calendar: str | None = None) -> TimeUnit:
    """The unit of that name, with a date or without. Raises ClockError for one that is not known."""
    plain = " ".join(text.split())
    if plain.casefold() in _NAMED:
        return _NAMED[plain.casefold()]
    if plain.casefold() in _UNITS:
        return TimeUnit(*_UNITS[plain.casefold()])
    match = _SINCE.fullmatch(plain)
    if match is None or match["unit"].casefold() not in _UNITS:
        raise ClockError(
            f"{text!r} is no unit of time; write s, ms, us, ns, min, h, days, `unix ms`, `excel`, `datenum` "
            "or `seconds since 2020-01-01`"
        )
    if calendar is not None and calendar.casefold() not in _CALENDARS:
        raise ClockError(
            f"times of the calendar {calendar!r} cannot be shown; convert them to the standard one"
        )
    epoch = _epoch(match, text)
    if epoch < _GREGORIAN and (calendar or "").casefold() != "proleptic_gregorian":
        raise ClockError(
            f"{text!r} counts from before the calendar of today; convert them to `seconds since 1970-01-01`"
        )
    name, multiplier, divisor = _UNITS[match["unit"].casefold()]
    return TimeUnit(f"{name} since {epoch.isoformat()}", multiplier, divisor, epoch)


def _epoch(match: re.Match[str], text: str) -> datetime:
    zone: tzinfo = UTC
    if (match["zone"] or "Z")[0] in "+-":
        digits = match["zone"][1:].replace(":", "")
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(offset if match["zone"][0] == "+" else -offset)
    year, month, day, hour, minute, second = (
        int(match[group] or 0) for group in ("year", "month", "day", "hour", "minute", "second")
    )
    try:
        epoch = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError as error:
        raise ClockError(f"{text!r} has no date that exists") from error
    return epoch + timedelta(seconds=float(f"0{match['fraction']}") if match["fraction"] else 0)


@dataclass(frozen=True)
class NumberClock:
    """How the numbers of one axis become seconds: those after `zero`, which was at `session_start` (ISO 8601).

    `session_start` is None where no date is known, and without a zone where the numbers count local time.
    """

    unit: TimeUnit
    zero: float = 0
    session_start: str | None = None
    decision: Decision | None = None

    def seconds(self, numbers: npt.NDArray[Any]) -> Floats:
        """Seconds after `session_start`, or after the recording's own zero, (n,)."""
        return self.unit.seconds(numbers, self.zero)


Hint = Callable[[str], str]


def number_clock(
    numbers: npt.NDArray[Any],
    unit: TimeUnit | None = None,
    *,
    is_date: bool = False,
    are_samples: bool = True,
    zone: tzinfo | None = None,
    hint: Hint = "give their unit, such as {}".format,
) -> NumberClock:
    """The clock of an axis of which `numbers` (n,) are a part in order, the first and the last among them.

    `unit` is what the file or the configuration says, `is_date` that its name says so, `are_samples` that one of
    them stands for each sample, `zone` that of local counts. `hint` says how a unit is given. Numbers that are not
    finite are passed over. Raises ClockError where they cannot be the times of samples.
    """
    known = numbers[np.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers
    if len(known) == 0:
        return NumberClock(unit or TimeUnit(*_UNITS["s"]))
    if are_samples and len(known) > 1 and (known == known[0]).all():
        raise ClockError(
            f"all times are {_short(known[0])}, which tells no sample from another; set `sampling_frequency:` (Hz), or "
            "`timestamps:` to other times"
        )
    chosen, decision = _chosen(known, unit, is_date, hint)
    if chosen.epoch is None:
        if are_samples and unit is None:
            _check_rate(known, chosen, hint)
        return NumberClock(chosen, decision=decision)
    first = known[0].item()
    for number in (first, known[-1].item()):
        _check_year(number, chosen, hint)
    zero, start = _zero(first, chosen)
    if start.tzinfo is None and zone is not None:
        start = start.replace(tzinfo=zone)
    return NumberClock(chosen, zero, start.isoformat(), decision)


def _chosen(
    known: npt.NDArray[Any], unit: TimeUnit | None, is_date: bool, hint: Hint
) -> tuple[TimeUnit, Decision | None]:
    """The unit with its epoch, and what was decided where that was not given."""
    low, high = float(known.min()), float(known.max())
    if unit is not None and unit.epoch is not None:
        return unit, None
    largest = max(abs(low), abs(high))
    if unit is not None:
        factor = unit.multiplier / unit.divisor
        if low * factor >= _EARLIEST and high * factor <= _LATEST:
            since = replace(unit, name=f"{unit.name} since 1970", epoch=_UNIX)
            return since, _guess(known, f"{unit.name} since 1970 (UTC)")
        if largest * factor > _MOST_SECONDS:
            raise ClockError(
                f"{_short(known[-1])} {unit.name} are more than 90 years; {hint('unix ms')} or "
                f"{hint('seconds since 1904-01-01')}, as it is"
            )
        return unit, None
    for name, since in _UNIX_UNITS.items():
        if _EARLIEST * since.divisor <= low and high <= _LATEST * since.divisor:
            return since, _guess(known, f"{name} since 1970 (UTC)")
    for since, begin, end in (_FILETIME, 1.26e17, 1.45e17), (_TICKS, 6.31e17, 6.6e17):
        if begin <= low and high <= end:
            return since, _guess(known, _WORDS[since.name])
    if is_date:
        for since, begin, end in _DAY_NUMBERS:
            if begin <= low and high <= end:
                return since, _guess(known, _WORDS[since.name])
        raise ClockError(
            f"{_short(known[0])} is no date that is understood; {hint('excel')}, {hint('datenum')}, {hint('s')} or "
            f"{hint('seconds since 1904-01-01')}, as it is"
        )
    if largest > _MOST_SECONDS:
        raise ClockError(
            f"times such as {_short(known[-1])} cannot be seconds; {hint('us')} or "
            f"{hint('seconds since 1904-01-01')}, as it is"
        )
    return TimeUnit(*_UNITS["s"]), None


def days_instead_of_seconds(numbers: npt.NDArray[Any]) -> str | None:
    """The unit that numbers without one may have if they are days: those of a date, or of the time of the day.

    Seconds from half a day on are rarely that close, or at such steps; spreadsheets save dates and times so.
    """
    steps = np.diff(numbers[np.isfinite(numbers)])
    steps = steps[steps > 0]
    if len(steps) == 0:
        return None
    seconds = float(np.median(steps)) * 86400
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    is_whole = abs(seconds / max(1, round(seconds)) - 1) < 1e-3
    if low > 0.01 and high <= 1 and is_whole and seconds < 61:
        return "days"
    is_usual = is_whole and round(seconds) in (300, 600, 900, 1800, 3600)
    for unit, begin, end in _DAY_NUMBERS:
        if begin <= low and high <= end and (seconds < 86.4 or is_usual):
            return unit.name
    return None


def _guess(known: npt.NDArray[Any], words: str) -> Decision:
    return Decision(f"times such as {_short(known[0])} are taken for {words}", is_guess=True)


def _check_rate(known: npt.NDArray[Any], unit: TimeUnit, hint: Hint) -> None:
    steps = np.diff(unit.seconds(known, known[0].item()))
    steps = steps[steps > 0]
    if len(steps) and float(np.median(steps)) > 1 / _LEAST_RATE:
        raise ClockError(
            f"as seconds, the times would be {_short(np.median(steps))} s apart; {hint('ms')}, or the unit that they "
            "have"
        )


def _check_year(number: float, unit: TimeUnit, hint: Hint) -> None:
    assert unit.epoch is not None
    # 366 days in each of so many years are more than enough, and datetime has no others.
    seconds = (number - unit.origin) * unit.multiplier / unit.divisor
    year = math.inf if abs(seconds) > 366 * 86400 * 2000 else None
    if year is None:
        try:
            year = (unit.epoch + timedelta(seconds=seconds)).year
        except OverflowError:
            year = math.inf
    if not FIRST_YEAR <= year <= LAST_YEAR:
        when = f"the year {year}" if math.isfinite(year) else "no year that there is"
        raise ClockError(
            f"{_short(np.asarray(number))} as {unit.name} is {when}; {hint('s')}, or the unit that they have"
        )


def _zero(first: float, unit: TimeUnit) -> tuple[float, datetime]:
    """The number that is 0 s, and its date: a whole number of microseconds, which is what dates of Python have."""
    assert unit.epoch is not None
    if isinstance(first, int):
        per_microsecond = max(1, unit.divisor // 10**6)
        first -= (first - unit.origin) % per_microsecond
        microseconds = (first - unit.origin) * unit.multiplier * 10**6 // unit.divisor
    else:
        microseconds = round((first - unit.origin) * unit.multiplier / unit.divisor * 1e6)
    return first, unit.epoch + timedelta(microseconds=microseconds)


def _short(number: Any) -> str:
    value = number.item() if hasattr(number, "item") else number
    return str(value) if isinstance(value, int) else f"{value:.12g}"


class TimeSteps:
    """Counts how far times tell samples apart, block by block."""

    def __init__(self) -> None:
        self._last = np.empty(0)
        self._first = 0.0
        self._count = 0
        self._repeats = 0
        self._smallest = math.inf

    def add(self, seconds: Floats) -> None:
        """Add times (n,) in seconds, in order."""
        if len(seconds) == 0:
            return
        if self._count == 0:
            self._first = float(seconds[0])
        steps = np.diff(seconds, prepend=self._last)
        self._repeats += int((steps == 0).sum())
        self._count += len(seconds)
        positive = steps[steps > 0]
        if len(positive):
            self._smallest = min(self._smallest, float(positive.min()))
        self._last = seconds[-1:].copy()

    def decision(self, resolution: float = 0.0) -> Decision | None:
        """What people should know where times cannot tell samples apart; `resolution`: of their dtype, in seconds."""
        if self._count < 2:
            return None
        if self._repeats > _SHARE_OF_REPEATS * (self._count - 1):
            share = self._count / (self._count - self._repeats)
            step = max(self._smallest, resolution) if math.isfinite(self._smallest) else resolution
            return Decision(
                f"times are told in steps of {step:.3g} s, and {share:.3g} samples share one on the average: they are "
                "not known closer; set `sampling_frequency:` for even ones",
                is_guess=True,
            )
        spacing = (float(self._last[0]) - self._first) / (self._count - 1)
        if resolution > _SHARE_OF_REPEATS * spacing:
            return Decision(
                f"times are stored in steps of {resolution:.3g} s, though samples are {spacing:.3g} s apart; set "
                "`sampling_frequency:` for even ones",
                is_guess=True,
            )
        return None


def stored_resolution(numbers: npt.NDArray[Any], unit: TimeUnit) -> float:
    """Seconds between neighbouring values of the numbers' own dtype, at the largest of them."""
    if numbers.dtype.kind != "f" or len(numbers) == 0:
        return unit.multiplier / unit.divisor if numbers.dtype.kind in "iu" else 0.0
    largest = np.nanmax(np.abs(numbers))
    return float(np.spacing(largest)) * unit.multiplier / unit.divisor if np.isfinite(largest) else 0.0
