"""Which columns of a table are its times, by their names and all of their cells, the surer before the less sure.

1. A column of dates and times; a column of dates beside one of times of the day, or of seconds since midnight.
2. Columns of year, month, day, hour, minute and second.
3. A column with a usual name (time, timestamp, elapsed, ...), of numbers or of times of the day.
4. A column whose name may be that of a time (T, min, sec, ms), or a first one without a name, if its numbers rise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.clocks import ClockError, TimeUnit, parse_time_unit
from seriesview.readers.protocol import Decision
from seriesview.readers.tables.decoding import Column, DecodedTable
from seriesview.readers.tables.names import (
    find_column,
    find_date_parts,
    find_day_parts,
    is_ambiguous_name,
    is_date_name,
    is_time_name,
    is_unnamed,
    may_be_time_name,
    split_unit,
    unit_of_time,
)
from seriesview.readers.tables.wall_clock import DateOrder
from seriesview.terms import FIRST_YEAR, LAST_YEAR

Form = Literal[
    "numbers",
    "digits",
    "clock",
    "date and clock",
    "date and numbers",
    "date and digits",
    "date and parts",
    "parts",
]
_ORDERS: dict[str, DateOrder] = {"day/month/year": "day", "month/day/year": "month", "year/month/day": "year"}
_DAY_SECONDS = 86_401


@dataclass(frozen=True)
class TimeSource:
    """The columns that hold the times, and how; `unit` is that of numbers where it is known.

    `digits` are dates written as 20240301, or times of the day as 80000. The columns of `parts` are year, month, day,
    hour and as far as there are minute, second and fractions, of which `per_second` make a second.
    """

    form: Form
    columns: tuple[int, ...]
    unit: TimeUnit | None = None
    is_date: bool = False
    per_second: int = 1
    decisions: tuple[Decision, ...] = ()


def split_order(timestamps: str | None) -> tuple[str | None, DateOrder | None]:
    """The name in `timestamps:`, and the order of dates that it gives: `when (day/month/year)`."""
    if timestamps is None:
        return None, None
    name, unit = split_unit(timestamps)
    order = _ORDERS.get((unit or "").casefold())
    return (timestamps, None) if order is None else (name, order)


def find_times(table: DecodedTable, timestamps: str | None, rate_is_given: bool = False) -> TimeSource | None:
    """The times, or None; beside a given rate, columns that merely may be times are none. Raises ReaderError."""
    if timestamps is not None:
        return _named(table, timestamps)
    named = table.table.has_header
    all_dated = [column for column in table.columns if column.kind == "clock" and column.is_dated]
    dated = [column for column in all_dated if not column.missing]
    for column in dated:
        if column.has_hours:
            return _clock(column)
    days = [*dated, *(column for column in table.columns if _has_solid_dates(column))]
    for column in days:
        beside = _beside_dates(table, column)
        if beside is not None:
            return beside
    parts = _parts(table)
    if parts is not None:
        return parts
    if dated and not dated[0].is_constant:
        return _clock(dated[0])
    for column in table.columns:
        if column.kind == "clock" and (column.is_constant or column.missing):
            continue
        if named and is_time_name(column.name) and (column.kind == "numbers" or column.clock_cells):
            return _by_name(table, column, rate_is_given)
        if column.clock_problem is not None and named and is_time_name(column.name):
            return _by_name(table, column, rate_is_given)
    for column in [*dated, *all_dated, *(column for column in table.columns if column.kind == "clock")]:
        return _clock(column)
    return None if rate_is_given or not named else _perhaps(table)


def source_of(table: DecodedTable, index: int, unit: str | None = None) -> TimeSource:
    """One column as times, its numbers in `unit` or the one of its name. Raises ReaderError where it holds none."""
    column = table.columns[index]
    if column.kind not in ("numbers", "clock"):
        raise ReaderError(_why_no_times(table, column), file=table.table.path)
    if unit is not None and column.kind == "numbers":
        try:
            return TimeSource("numbers", (index,), parse_time_unit(unit), is_date_name(column.name))
        except ClockError as error:
            raise ReaderError(f"timestamps: {error}", file=table.table.path) from error
    return _clock(column) if column.kind == "clock" else _numbers(column)


def _named(table: DecodedTable, timestamps: str) -> TimeSource:
    """The column that the configuration names, with a unit behind it or without."""
    names = table.table.names
    path = table.table.path
    timestamps = split_order(timestamps)[0] or timestamps
    index, unit = find_column(names, timestamps), None
    if index is None:
        name, unit = split_unit(timestamps)
        index = find_column(names, name)
        if index is None:
            plain_names = [split_unit(other)[0] for other in names]
            index = find_column(plain_names, name)
        if index is None:
            raise ReaderError(
                f"timestamps: no column {timestamps!r}; there are {', '.join(names)}", file=path
            )
    column = table.columns[index]
    is_day = column.kind == "clock" and column.is_dated and not column.has_hours
    if unit is None and (is_day or _has_solid_dates(column)):
        return _beside_dates(table, column) or source_of(table, index)
    parts = _parts(table) if unit is None else None
    return parts if parts is not None and parts.columns[0] == index else source_of(table, index, unit)


def _parts(table: DecodedTable) -> TimeSource | None:
    """Columns of year, month, day, hour and what there is below; None where there are none."""
    found = find_date_parts(table.table.names) if table.table.has_header else None
    if found is None or not all(table.columns[index].is_integer for index in found[0][:5]):
        return None
    columns, fraction, per_second = found
    return TimeSource(
        "parts", (*columns, *([fraction] if fraction is not None else [])), per_second=per_second
    )


def _why_no_times(table: DecodedTable, column: Column) -> str:
    if column.clock_problem is not None:
        row, problem = column.clock_problem
        return f"{table.table.place_of(row)}, column {column.name}: {problem.replace('NAME', column.name)}"
    cell = "nothing" if column.first_text is None else repr(column.first_text[1])
    return f"column {column.name}: {cell} is no time; write seconds, or 2016-11-24 13:58:58.081"


def _by_name(table: DecodedTable, column: Column, rate_is_given: bool) -> TimeSource | None:
    if column.kind in ("text", "nothing"):
        raise ReaderError(_why_no_times(table, column), file=table.table.path)
    if rate_is_given and column.kind == "numbers" and not column.never_falls:
        return None
    return _clock(column) if column.kind == "clock" else _numbers(column)


def _clock(column: Column) -> TimeSource:
    decisions = []
    if column.order is not None and column.first_text is not None:
        words = next(words for words, order in _ORDERS.items() if order == column.order)
        decisions.append(Decision(f"dates such as {column.first_text[1]} are {words}"))
    if column.has_two_parts and column.first_text is not None:
        said = f"column {column.name}: times such as {column.first_text[1]} are taken for hours and minutes"
        decisions.append(Decision(said, is_guess=True))
    return TimeSource("clock", (column.index,), decisions=tuple(decisions))


def _numbers(column: Column) -> TimeSource:
    if _has_solid_dates(column):
        said = Decision(
            f"numbers such as {column.low} are taken for dates, year, month and day", is_guess=True
        )
        return TimeSource("digits", (column.index,), decisions=(said,))
    unit = unit_of_time(column.name)
    return TimeSource(
        "numbers", (column.index,), None if unit is None else parse_time_unit(unit), is_date_name(column.name)
    )


def _has_solid_dates(column: Column) -> bool:
    """Whether a column called a date has numbers such as 20240301."""
    return (
        column.kind == "numbers"
        and column.is_integer
        and is_date_name(column.name)
        and 1_0000 * FIRST_YEAR < column.low <= column.high < 1_0000 * (LAST_YEAR + 1)
    )


def _beside_dates(table: DecodedTable, dates: Column) -> TimeSource | None:
    """Dates with the times of the day that stand in another column; None where none does."""
    solid = dates.kind == "numbers"
    said = _numbers(dates).decisions if solid else _clock(dates).decisions
    others = [column for column in table.columns if column is not dates]
    if not solid:
        for column in others:
            if column.kind == "clock" and not column.is_dated:
                return TimeSource("date and clock", (dates.index, column.index), decisions=said)
    for column in others:
        if column.kind != "numbers" or not is_time_name(column.name) or is_date_name(column.name):
            continue
        unit = parse_time_unit(unit_of_time(column.name) or "s")
        seconds = column.high * unit.multiplier / unit.divisor
        if column.low < 0 or column.missing:
            continue
        if unit.name == "s" and _are_digits(table, column, solid):
            guess = Decision(
                f"numbers of column {column.name} are taken for hours, minutes and seconds", is_guess=True
            )
            return TimeSource("date and digits", (dates.index, column.index), decisions=(*said, guess))
        # Times that begin with 0 count from the start, and not from midnight.
        if seconds <= _DAY_SECONDS and _first(table, column) > 0:
            guess = Decision(f"column {column.name} is taken for {unit.name} since midnight", is_guess=True)
            form: Form = "date and numbers"
            return TimeSource(form, (dates.index, column.index), unit, decisions=(*said, guess))
    parts = find_day_parts(table.table.names)
    if not parts or not all(
        table.columns[index].is_integer and table.columns[index].low >= 0 for index in parts[:2]
    ):
        return None
    highest = [table.columns[index].high for index in parts]
    if any(high > most for high, most in zip(highest, (24, 59, 60), strict=False)):
        return None
    names = ", ".join(table.columns[index].name for index in parts)
    guess = Decision(f"{names}: taken for the time of the day of column {dates.name}", is_guess=True)
    return TimeSource("date and parts", (dates.index, *parts), decisions=(*said, guess))


def _are_digits(table: DecodedTable, column: Column, beside_solid_dates: bool) -> bool:
    """Whether integers are times of the day such as 83059 (8:30:59): surely, or beside dates written likewise."""
    if (
        not column.is_integer
        or column.high >= 240_000
        or (column.high < _DAY_SECONDS and not beside_solid_dates)
    ):
        return False
    numbers = table.numbers(column.index, 0, min(table.num_rows, 100_000)).astype(np.int64)
    return bool((numbers % 100 < 60).all() and (numbers // 100 % 100 < 60).all())


def _first(table: DecodedTable, column: Column) -> float:
    return float(table.numbers(column.index, 0, 1)[0])


def _perhaps(table: DecodedTable) -> TimeSource | None:
    """A column that may be the times, since its numbers rise (from about 0 on, where its name may be another word)."""
    for column in table.columns:
        has_name = may_be_time_name(column.name)
        is_first = column.index == 0 and is_unnamed(column.name) and not column.is_integer
        if column.kind != "numbers" or column.missing or not (has_name or is_first) or table.num_rows < 2:
            continue
        if column.rises and (not is_ambiguous_name(column.name) or _begins(table, column)):
            source = _numbers(column)
            unit = "seconds" if source.unit is None else source.unit.name
            name = f"column {column.name}" if column.name else "the first column"
            said = Decision(f"{name} is taken for times ({unit}), as its numbers rise", is_guess=True)
            return TimeSource(source.form, source.columns, source.unit, source.is_date, decisions=(said,))
    return None


def _begins(table: DecodedTable, column: Column) -> bool:
    """Whether numbers begin with 0, or one step behind it."""
    numbers = table.numbers(column.index, 0, min(table.num_rows, 1000))
    return bool(abs(float(numbers[0])) <= 1.5 * float(np.median(np.diff(numbers))))
