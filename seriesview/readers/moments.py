"""Dates and times that files give as one text, such as when a session began."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seriesview.errors import ReaderError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d*))?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?"
)
_ZONE = r"(?:\s*(?P<zone>z|utc|gmt|(?:utc|gmt)?[+-]\d{1,2}(?::?\d\d){0,2}))?(?:\s*\[?(?P<place>[a-z_]+/[a-z_/+-]+)\]?)?"
_NAME = r"(?P<name>[a-z]{3,9})\.?"
_FORMS = [
    re.compile(_WEEKDAYS + form + r"\s*", re.IGNORECASE)
    for form in (
        # 2024-03-01T08:00:00, 2024/3/1 8:00, 2024.03.01 08:00 and dates alone: the year first means one day only.
        rf"(?P<year>\d{{4}})(?P<mark>[-/.:])(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}})(?:[T_]?\s*{_CLOCK}{_ZONE})?",
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
        rf"(?:[T _-]?(?P<hour>\d\d)(?P<minute>\d\d)(?:(?P<second>\d\d)(?:[.,](?P<fraction>\d*))?)?{_ZONE})?",
        # 01-Mar-2024 08:00:00 (MATLAB), Fri, 1 Mar 2024 08:00:00 +0100 (mail), March 1, 2024 8 am.
        rf"(?P<day>\d{{1,2}})[-/.\s]+{_NAME}[-/.\s,]+(?P<year>\d{{4}})(?:[T,]?\s*{_CLOCK}{_ZONE})?",
        rf"{_NAME}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})(?:,?\s*{_CLOCK}{_ZONE})?",
        rf"{_NAME}\s+(?P<day>\d{{1,2}})\s+{_CLOCK}{_ZONE}\s+(?P<year>\d{{4}})",
    )
]
# Day, month and year, or month, day and year: one day only where one of the two cannot be a month.
_EITHER = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<mark>[-/.])(?P<second_one>\d{{1,2}})(?P=mark)(?P<year>\d{{4}})(?:[T,]?\s*{_CLOCK}{_ZONE})?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Start:
    """The clock at the recording's time 0, local: as a date and time, or else seconds since midnight, if known."""

    session_start: str | None
    seconds_of_day: float = 0.0

    def zero(self, configured: str | None) -> float:
        """Seconds to add to the recording's own times, so that those without a date count from midnight."""
        return self.seconds_of_day if self.session_start is None and configured is None else 0.0


def parse_moment(text: str) -> datetime | None:
    """The moment that a text names, with its zone or without one; None where it names none, or may name two."""
    plain = " ".join(text.replace("\0", " ").split())
    for form in _FORMS:
        match = form.fullmatch(plain)
        if match is not None:
            parts = match.groupdict()
            month = parts.get("month") or _month(parts.get("name") or "")
            return None if month is None else _moment(parts, int(month), int(parts["day"]))
    match = _EITHER.fullmatch(plain)
    if match is None:
        return None
    first, second = int(match["first"]), int(match["second_one"])
    if match["mark"] == "." or first > 12 or first == second:
        return _moment(match.groupdict(), second, first)
    return _moment(match.groupdict(), first, second) if second > 12 else None


def _month(name: str) -> int | None:
    return _MONTHS.index(name[:3].casefold()) + 1 if name[:3].casefold() in _MONTHS else None


def _moment(parts: dict[str, str | None], month: int, day: int) -> datetime | None:
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    half = parts.get("half")
    if half is not None:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.casefold() == "p" else 0)
    microsecond = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    is_midnight = (hour, minute, second, microsecond) == (24, 0, 0, 0)
    try:
        moment = datetime(
            int(parts["year"] or 0), month, day, 0 if is_midnight else hour, minute, min(second, 59)
        )
        zone = _zone(parts.get("zone"), parts.get("place"))
    except (ValueError, ZoneInfoNotFoundError):
        return None
    if second > 60:
        return None
    # A leap second is the first one of the next minute.
    extra = timedelta(days=int(is_midnight), seconds=second - min(second, 59), microseconds=microsecond)
    return (moment + extra).replace(tzinfo=zone)


def _zone(offset: str | None, place: str | None) -> tzinfo | None:
    if offset is None:
        return None if place is None else ZoneInfo(place)
    digits = re.sub(r"[^\d]", "", offset)
    if not digits:
        return UTC
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    if len(digits) > 4:
        return None
    size = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-size if "-" in offset else size)


def zone_called(name: str | None, path: Path) -> tzinfo | None:
    """The configured time zone; None without one. Raises ReaderError for one that is not known."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ReaderError(
            f"timezone: {name!r} is not known; write one like Europe/Berlin or UTC", file=path
        ) from error
