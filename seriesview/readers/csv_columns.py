"""Which columns of a table are times, which are values, and in which units.

The time column is the one that `timestamps:` names, else the first one with a usual name (time, t, timestamp,
datetime, ...), else the first whose cells are wall-clock times. Numbers are seconds, unless the name ends in a
unit: `time (ms)`, `time_us`, `t [min]`; `timestamps: timer (ms)` gives a unit to a column that is called `timer`.
All other columns of numbers are channels, but for a first column without a name, which holds row numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.csv_clock import is_clock
from seriesview.readers.csv_dialect import Dialect, is_number, is_unnamed

# Seconds of one unit, as (multiplier, divisor), so that milliseconds are divided by a whole number.
_UNITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), (1.0, 1.0)),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), (1.0, 1e3)),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), (1.0, 1e6)),
    **dict.fromkeys(("ns", "nsec", "nanosecond", "nanoseconds"), (1.0, 1e9)),
    **dict.fromkeys(("min", "minute", "minutes"), (60.0, 1.0)),
    **dict.fromkeys(("h", "hr", "hour", "hours"), (3600.0, 1.0)),
}
_TIME_NAMES = frozenset(
    {
        *(
            "time",
            "times",
            "t",
            "timestamp",
            "timestamps",
            "datetime",
            "date_time",
            "date/time",
            "date",
            "clock",
        ),
        *("timer", "elapsed", "elapsed_time", "epoch", "unix_time", "unixtime"),
    }
)
_IN_BRACKETS = re.compile(r"(?P<name>.*?)\s*[(\[]\s*(?P<unit>[^()\[\]]*?)\s*[)\]]")
_SUFFIX = re.compile(r"(?P<name>.*?)[_ .-](?P<unit>[^\W\d_]+)")


@dataclass(frozen=True)
class TimeColumn:
    """The column of times: wall-clock times, or numbers of which `multiplier / divisor` is one second's count."""

    index: int
    name: str
    is_clock: bool
    multiplier: float
    divisor: float
    unit_is_given: bool


@dataclass(frozen=True)
class ValueColumn:
    """A column of numbers; `label` and `unit` are the two parts of its name."""

    index: int
    label: str
    unit: str | None


def split_unit(name: str) -> tuple[str, str | None]:
    """Name and unit of a header such as `hr (bpm)`; the unit is None where there is none in brackets."""
    match = _IN_BRACKETS.fullmatch(name)
    if match is None or not match["name"] or not match["unit"]:
        return name, None
    return match["name"], match["unit"]


def find_column(dialect: Dialect, name: str) -> int | None:
    """Index of the column of that name, exact or but for capitals; None where there is none."""
    for key in (str.strip, lambda text: text.strip().casefold()):
        names = [key(known) for known in dialect.names]
        if key(name) in names:
            return names.index(key(name))
    return None


def find_named(dialect: Dialect, names: Sequence[str]) -> int | None:
    """Index of the first column that has one of these names, its unit and capitals aside."""
    if not dialect.has_header:
        return None
    plain = [_plain(known) for known in dialect.names]
    return next((plain.index(name) for name in names if name in plain), None)


def _plain(name: str) -> str:
    return split_unit(name)[0].strip().casefold().replace(" ", "_")


def find_time_column(dialect: Dialect, path: Path, timestamps: str | None = None) -> TimeColumn | None:
    """The column of times; None where there is none and none was asked for. Raises ReaderError."""
    if timestamps is not None:
        return _named_time_column(dialect, path, timestamps)
    if dialect.has_header:
        for index, name in enumerate(dialect.names):
            if _time_name(name):
                return time_column(dialect, path, index)
    for index in range(len(dialect.names)):
        cells = dialect.column_cells(index)
        if cells and all(is_clock(cell) for cell in cells):
            return time_column(dialect, path, index)
    return None


def _named_time_column(dialect: Dialect, path: Path, timestamps: str) -> TimeColumn:
    index = find_column(dialect, timestamps)
    if index is not None:
        return time_column(dialect, path, index)
    name, unit = split_unit(timestamps)
    index = find_column(dialect, name)
    if index is None or unit is None:
        raise ReaderError(
            f"{path}: timestamps: no column {timestamps!r}; there are {', '.join(dialect.names)}"
        )
    if unit.casefold() not in _UNITS:
        raise ReaderError(f"{path}: timestamps: {unit!r} is no unit of time; write s, ms, us, ns, min or h")
    return time_column(dialect, path, index, unit)


def _time_name(name: str) -> bool:
    plain = _plain(name)
    if plain in _TIME_NAMES or (plain in _UNITS and len(plain) > 1 and plain != "hr"):
        return True
    match = _SUFFIX.fullmatch(plain)
    return match is not None and match["name"] in _TIME_NAMES and match["unit"] in _UNITS


def time_column(dialect: Dialect, path: Path, index: int, unit: str | None = None) -> TimeColumn:
    """The column as times, in `unit` or the one of its name. Raises ReaderError where it holds none."""
    name = dialect.names[index]
    given = unit or _unit_of_name(name)
    cells = dialect.column_cells(index)
    clock = bool(cells) and not is_number(cells[0])
    if clock and not is_clock(cells[0]):
        raise ReaderError(
            f"{path}: column {name}: {cells[0]!r} is no time; write seconds, or 2016-11-24 13:58:58.081"
        )
    multiplier, divisor = _UNITS[given.casefold()] if given is not None else (1.0, 1.0)
    return TimeColumn(index, name, clock, multiplier, divisor, given is not None)


def _unit_of_name(name: str) -> str | None:
    _, unit = split_unit(name)
    if unit is not None:
        return unit if unit.casefold() in _UNITS else None
    plain = _plain(name)
    if plain in _UNITS and len(plain) > 1:
        return plain
    match = _SUFFIX.fullmatch(plain)
    return match["unit"] if match is not None and match["unit"] in _UNITS else None


def text_columns(dialect: Dialect) -> list[int]:
    """Columns whose first cells are neither numbers nor empty."""
    found = []
    for index in range(len(dialect.names)):
        cells = dialect.column_cells(index)
        if cells and not any(is_number(cell) for cell in cells):
            found.append(index)
    return found


def find_value_columns(
    dialect: Dialect, path: Path, time: TimeColumn | None, dataset: str | None = None
) -> list[ValueColumn]:
    """The column that `dataset` names, else all columns of numbers but the times. Raises ReaderError."""
    text = text_columns(dialect)
    if dataset is not None:
        index = find_column(dialect, dataset)
        if index is None:
            raise ReaderError(f"{path}: dataset: no column {dataset!r}; there are {', '.join(dialect.names)}")
        if index in text:
            raise ReaderError(f"{path}: dataset: column {dataset!r} holds text, not numbers")
        chosen = [index]
    else:
        skipped = {*text, *([time.index] if time is not None else [])}
        chosen = [index for index in range(len(dialect.names)) if index not in skipped]
        chosen = [index for index in chosen if not _is_no_channel(dialect, index)]
    if not chosen:
        raise ReaderError(
            f"{path}: no column of numbers beside the times; there are {', '.join(dialect.names)}"
        )
    return [ValueColumn(index, *split_unit(dialect.names[index])) for index in chosen]


def _is_no_channel(dialect: Dialect, index: int) -> bool:
    """Whether a column holds row numbers, or only what follows a delimiter at the end of each line."""
    if not dialect.has_header:
        return index == dialect.width - 1 and index > 0 and not dialect.column_cells(index)
    if not is_unnamed(dialect.names[index]):
        return False
    return index == 0 or not dialect.column_cells(index)
