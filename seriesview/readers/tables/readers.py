"""The readers of tables: text, known by its suffix and by being text; Parquet and Arrow, known by their signatures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from seriesview.errors import ReaderError
from seriesview.readers.clocks import days_instead_of_seconds
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.signatures import is_arrow
from seriesview.readers.tables.arrow_table import ArrowTable
from seriesview.readers.tables.axis import doubts_of_seconds
from seriesview.readers.tables.decoding import DecodedTable, Table
from seriesview.readers.tables.names import split_unit
from seriesview.readers.tables.points import interval_columns, looks_like_events
from seriesview.readers.tables.recording import Given, decode, find_values, open_table
from seriesview.readers.tables.text_format import sniff
from seriesview.readers.tables.text_lines import is_text_table
from seriesview.readers.tables.text_table import TextTable
from seriesview.readers.tables.times import find_times

_TRIED_ROWS = 1000
# Larger numbers count from 1970.
_MOST_SECONDS = 9e8
_LIKE_A_DATE = re.compile(r"\d{1,4}[-/.:]\d{1,2}[-/.:]\d")


class TextTableReader:
    """Reader of text tables, known by their suffix and by being text."""

    name = "csv"

    def can_read(self, path: Path) -> bool:
        """Whether the file is called like a table and begins like text."""
        return is_text_table(path)

    def candidates(self, path: Path) -> list[Candidate]:
        """The table as a series, or as intervals or events where its columns are called so; columns of text."""
        table, given = _text_table(path, ReadOptions())
        return _candidates(table, given)

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open all columns of numbers as channels, or the one that `dataset` names; raises ReaderError.

        `type: event` takes a column of times and one of channels, `type: interval` starts, ends and labels.
        """
        return open_table(*_opened(_text_table(path, options), options))


class ArrowReader:
    """Reader of Parquet, Arrow (IPC) and Feather files."""

    name = "arrow"

    def can_read(self, path: Path) -> bool:
        """Whether the file has one of their signatures."""
        return is_arrow(path)

    def candidates(self, path: Path) -> list[Candidate]:
        """The table as a series, or as intervals or events where its columns are called so; other columns."""
        return _candidates(ArrowTable(path), Given())

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open all columns of numbers as channels, or the one that `dataset` names; raises ReaderError."""
        return open_table(ArrowTable(path), options, Given())


def _text_table(path: Path, options: ReadOptions) -> tuple[TextTable, Given]:
    form = sniff(path, options.header_lines)
    return TextTable(path, form, options.allow_truncated), Given(form.start, form.rate, form.decisions)


def _opened(found: tuple[TextTable, Given], options: ReadOptions) -> tuple[TextTable, ReadOptions, Given]:
    return found[0], options, found[1]


def _candidates(table: Table, given: Given) -> list[Candidate]:
    decoded = decode(table, ReadOptions())
    try:
        found = [_series_candidate(decoded, given)]
        if table.has_header and interval_columns(table) is not None:
            found.insert(0, _points_candidate("interval", decoded.num_rows))
        elif looks_like_events(decoded):
            found.insert(0, _points_candidate("event", decoded.num_rows))
        return found + [_text_candidate(decoded, index) for index in _unused_text(decoded)]
    finally:
        decoded.close()


def _series_candidate(table: DecodedTable, given: Given) -> Candidate:
    problem, num_channels, unit = None, 0, None
    options: dict[str, Any] = {}
    decisions: list[Decision] = []
    try:
        time = find_times(table, None, given.rate is not None)
        columns = find_values(table, time).channels
        num_channels = len(columns)
        units = {split_unit(column.name)[1] for column in columns}
        unit = units.pop() if len(units) == 1 else None
        if time is not None and given.rate is None:
            name = table.columns[time.columns[0]].name
            options = {"timestamps": name}
            if time.form == "numbers" and time.unit is None and not time.is_date and name:
                numbers = table.numbers(time.columns[0], 0, min(table.num_rows, _TRIED_ROWS))
                is_small = abs(table.columns[time.columns[0]].high or 0) < _MOST_SECONDS
                if is_small and split_unit(name)[1] is None and days_instead_of_seconds(numbers) is None:
                    # A unit that can be seen is a unit that can be corrected.
                    options = {"timestamps": f"{name} (s)"}
                    decisions = doubts_of_seconds(name, numbers)
        elif given.rate is None:
            options = {"sampling_frequency": None}
    except ReaderError as error:
        problem = str(error.without(str(table.table.path)))
    return Candidate(
        dataset=None,
        type="continuous",
        dtype="numbers",
        shape=(table.num_rows, num_channels),
        sampling_frequency=given.rate,
        unit=unit,
        options={key: value for key, value in options.items() if value != ""},
        problem=problem,
        decisions=tuple(decisions),
    )


def _points_candidate(kind: Any, num_rows: int) -> Candidate:
    return Candidate(None, kind, "float64", (num_rows,), None, "s", {"type": kind})


def _unused_text(table: DecodedTable) -> list[int]:
    try:
        time = find_times(table, None)
    except ReaderError:
        time = None
    used = () if time is None else time.columns
    return [column.index for column in table.columns if column.texts and column.index not in used]


def _text_candidate(table: DecodedTable, index: int) -> Candidate:
    column = table.columns[index]
    cell = column.first_text[1] if column.first_text is not None else "times"
    problem = f"column {column.name} holds text such as {cell!r}, not numbers"
    if column.clock_problem is not None:
        problem = column.clock_problem[1].replace("NAME", column.name)
    elif column.kind == "text" and _LIKE_A_DATE.match(cell):
        problem += "; write times like 2016-11-24 13:58:58.081"
    return Candidate(
        column.name, None, "text", (table.num_rows,), None, None, {"dataset": column.name}, problem
    )
