"""The wall clock of a series: what a file or the configuration says of it, in one form, if it can be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seriesview.errors import BuildError
from seriesview.terms import EPOCH_SECONDS, FIRST_YEAR, LAST_YEAR

_LONGEST = timedelta(days=20 * 365)


def wall_clock(text: str, timezone: str | None) -> str:
    """A session_start as ISO 8601: with its own zone, else with `timezone`, else without one, as it was recorded.

    Raises BuildError where it is no date and time, or the zone is not known.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BuildError(
            f"session_start: {text!r} is not a date and time such as 2024-05-17T09:30:00+02:00"
        ) from error
    if moment.tzinfo is None and timezone is not None:
        try:
            moment = moment.replace(tzinfo=ZoneInfo(timezone))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BuildError(
                f"timezone: {timezone!r} is not known; use a name such as Europe/Berlin"
            ) from error
    return moment.isoformat()


def counts_from_1970(session_start: str, first_time: float) -> bool:
    """Whether times count from 1970 themselves, though a session start, as `wall_clock` gives it, is said too."""
    moment = _in_utc(session_start)
    if first_time < EPOCH_SECONDS or moment.year < 1973:
        return False
    return abs(first_time - moment.timestamp()) < _LONGEST.total_seconds()


def epoch_of(session_start: str) -> str:
    """The beginning of 1970 (UTC), told in the zone of a session start."""
    zone = datetime.fromisoformat(session_start).tzinfo or UTC
    return datetime.fromtimestamp(0, UTC).astimezone(zone).isoformat()


def check_year(session_start: str, first_time: float, hint: str) -> None:
    """Raise BuildError where a recording would begin in a year in which none can."""
    try:
        year = (datetime.fromisoformat(session_start) + timedelta(seconds=first_time)).year
        found = f"in the year {year}"
    except OverflowError:
        year, found = 0, f"{first_time:.6g} s after {session_start}"
    if not FIRST_YEAR <= year < LAST_YEAR:
        raise BuildError(
            f"session_start: with {session_start} as its time 0 the recording would begin {found}, which cannot be; "
            f"{hint}"
        )


def _in_utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
