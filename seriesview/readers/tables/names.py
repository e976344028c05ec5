"""What the names of columns say: units in brackets, times, parts of a date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from seriesview.readers.clocks import ClockError, parse_time_unit

_IN_BRACKETS = re.compile(r"(?P<name>.*?)\s*[(\[]\s*(?P<unit>[^()\[\]]*(?:\([^()]*\)[^()\[\]]*)?)\s*[)\]]")
_SUFFIX = re.compile(r"(?P<name>.*?)[_ .-](?P<unit>[^\W\d_]+)")
_EMPTY_NAMES = re.compile(r"|Unnamed: \d+(?:_level_\d+)?|__index_level_\d+__|index|row", re.IGNORECASE)
_TIME_NAMES = re.compile(
    r"times?|t|time_?stamps?|date[_/]?time|date|clock_time|timer|elapsed(_time)?|epoch|unix_?time|utc|gmt|datum|uhrzeit"
    r"|zeit(stempel)?|datenum|serial_date|heure|fecha|hora"
)
# Names that may be those of times, and may be those of temperatures, minima or counts.
_MAYBE_NAMES = re.compile(r"x_value|clock|s|secs?|seconds|ms|msec|millisec|us|usec|ns|min|minutes?|h|hours?")
_DATE_NAMES = ("date", "datum", "fecha", "datenum", "serial", "excel", "day_number", "julian")
_PARTS: dict[str, tuple[str, ...]] = {
    "year": ("year", "years", "yr", "yyyy", "jahr"),
    "month": ("month", "months", "mon", "mo", "mm", "monat"),
    "day": ("day", "days", "dd", "tag", "dom"),
    "hour": ("hour", "hours", "hr", "hh", "h", "stunde"),
    "minute": ("minute", "minutes", "min", "mi", "mins"),
    "second": ("second", "seconds", "sec", "ss", "secs", "s", "sekunde"),
}
_FRACTIONS = {
    "ms": 1000,
    "msec": 1000,
    "millisecond": 1000,
    "milliseconds": 1000,
    "us": 10**6,
    "microsecond": 10**6,
}


def split_unit(name: str) -> tuple[str, str | None]:
    """Name and unit of a header such as `hr (bpm)`; the unit is None where there is none in brackets."""
    match = _IN_BRACKETS.fullmatch(name)
    if match is None or not match["name"] or not match["unit"]:
        return name, None
    return match["name"], match["unit"].strip()


def with_unit(name: str, unit: str) -> str:
    """The name with a unit in brackets behind it, where there is one."""
    return f"{name} {unit}".strip()


def plain(name: str) -> str:
    """The name without its unit, capitals and blanks."""
    return split_unit(name)[0].strip().casefold().replace(" ", "_")


def is_unit_of_time(text: str) -> bool:
    """Whether the text alone is a unit of time."""
    try:
        parse_time_unit(text)
    except ClockError:
        return False
    return True


def is_time_name(name: str) -> bool:
    """Whether a column of this name holds times: `time`, `timestamp_ms`, but not `T`, `min` or `sec`."""
    if split_unit(name)[0].strip() == "T":
        return False
    match = _SUFFIX.fullmatch(plain(name))
    has_suffix = (
        match is not None
        and _TIME_NAMES.fullmatch(match["name"]) is not None
        and is_unit_of_time(match["unit"])
    )
    return _TIME_NAMES.fullmatch(plain(name)) is not None or has_suffix


def is_ambiguous_name(name: str) -> bool:
    """Whether a name may be that of times, and as well one of temperatures, minima or counts."""
    return _MAYBE_NAMES.fullmatch(plain(name)) is not None or plain(name) == "t"


def may_be_time_name(name: str) -> bool:
    """Whether a column of this name may hold times, if nothing else does and its numbers rise."""
    words = re.split(r"[^a-z]+", plain(name))
    return is_ambiguous_name(name) or bool({"timestamp", "time", "datetime"} & set(words))


def unit_of_time(name: str) -> str | None:
    """The unit of time that a name tells: in brackets, behind it, or itself."""
    _, unit = split_unit(name)
    if unit is not None:
        return unit if is_unit_of_time(unit) else None
    if _MAYBE_NAMES.fullmatch(plain(name)) and is_unit_of_time(plain(name)):
        return plain(name)
    match = _SUFFIX.fullmatch(plain(name))
    return match["unit"] if match is not None and is_unit_of_time(match["unit"]) else None


def is_date_name(name: str) -> bool:
    """Whether a name says that numbers are dates."""
    return any(word in plain(name) for word in _DATE_NAMES)


def is_unnamed(name: str) -> bool:
    """Whether a column has no name of its own, as the row numbers that other programs write."""
    return _EMPTY_NAMES.fullmatch(name.strip()) is not None


def find_named(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Index of the first column that has one of these names, its unit and capitals aside."""
    known = [plain(name) for name in names]
    return next((known.index(name) for name in wanted if name in known), None)


def find_column(names: Sequence[str], name: str) -> int | None:
    """Index of the column of that name, exact or but for capitals; None where there is none."""
    for key in (str.strip, lambda text: text.strip().casefold()):
        known = [key(other) for other in names]
        if key(name) in known:
            return known.index(key(name))
    return None


def find_date_parts(names: Sequence[str]) -> tuple[list[int], int | None, int] | None:
    """Columns of year to second, at least to the hour; the one of a fraction, or None, and its counts a second."""
    if sum(plain(name) == "mm" for name in names) > 1:
        # Of `MM` and `mm`, capitals tell the months.
        names = ["minute" if name.strip() == "mm" else name for name in names]
    found = _as_far_as_found(names, _PARTS.values())
    if len(found) < 4:
        return None
    fraction = find_named(names, tuple(_FRACTIONS)) if len(found) == 6 else None
    return found, fraction, 1 if fraction is None else _FRACTIONS[plain(names[fraction])]


def find_day_parts(names: Sequence[str]) -> list[int]:
    """Columns of hour, minute and second, as far as there are; none without an hour (`hr` may be a heart's rate)."""
    return _as_far_as_found(names, (("hour", "hours", "hh", "stunde"), _PARTS["minute"], _PARTS["second"]))


def _as_far_as_found(names: Sequence[str], wanted: Iterable[tuple[str, ...]]) -> list[int]:
    """Columns of names that mean the first of what is wanted, the second, up to one that there is not."""
    found: list[int] = []
    for each in wanted:
        index = find_named(names, each)
        if index is None:
            break
        found.append(index)
    return found
