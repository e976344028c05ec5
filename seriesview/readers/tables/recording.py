"""A table as a recording: its columns of numbers are channels, but for the times.

A configured `sampling_frequency:` without `timestamps:` wins over a column of times, which then only says when the
first sample was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.protocol import Decision, ReadOptions, Recording
from seriesview.readers.sample_types import describe, make_channels, required_rate
from seriesview.readers.tables.axis import TimeAxis
from seriesview.readers.tables.decoding import Column, DecodedTable, Table
from seriesview.readers.tables.names import find_column, is_time_name, is_unnamed, split_unit
from seriesview.readers.tables.points import read_events, read_intervals
from seriesview.readers.tables.times import TimeSource, find_times, split_order
from seriesview.readers.tables.wall_clock import DateOrder


@dataclass(frozen=True)
class Given:
    """What a file says beside its columns: seconds since 1970 of its start, its rate in Hz, and decisions."""

    start: float | None = None
    rate: float | None = None
    decisions: tuple[Decision, ...] = ()

    @property
    def session_start(self) -> str | None:
        """ISO 8601 in UTC."""
        if self.start is None:
            return None
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.start)).isoformat()


@dataclass(frozen=True)
class ValueColumns:
    """The columns that are channels, and those that are not shown with the reason, (name, reason)."""

    channels: tuple[Column, ...]
    left_out: tuple[tuple[str, str], ...]


class TableRecording(Recording):
    """Columns of a table, decoded when it is opened."""

    def __init__(self, table: Table, options: ReadOptions, given: Given) -> None:
        self.type = options.type or "continuous"
        self.path = path = table.path
        zone = zone_of(table, options)
        self._axis: TimeAxis | None = None
        self._table = decoded = decode(table, options)
        try:
            if decoded.num_rows == 0:
                raise ReaderError("no samples: there are no whole lines of data in this table", file=path)
            self.num_samples = decoded.num_rows
            if options.sampling_frequency is None and given.rate is not None:
                options = replace(options, sampling_frequency=given.rate)
            has_rate = options.sampling_frequency is not None and options.timestamps is None
            has_rate &= self.type != "discrete"
            time = find_times(decoded, options.timestamps, has_rate)
            found = find_values(decoded, time, options.dataset)
            if time is None and (options.sampling_frequency is None or self.type == "discrete"):
                raise ReaderError(f"{_no_times(decoded, self.type == 'discrete')}", file=path)
            self.sampling_frequency = (
                None if time is not None and not has_rate else required_rate(options, path)
            )
            self._columns = [column.index for column in found.channels]
            self.dtype = decoded.dtype(self._columns)
            decisions = [*given.decisions, *_lost_digits(found.channels, self.dtype)]
            self._name_channels(found, options)
            self.session_start = given.session_start
            if time is not None:
                decisions += self._place(time, zone, options, has_rate)
            if found.left_out:
                names = ", ".join(f"{name} ({reason})" for name, reason in found.left_out)
                decisions.append(Decision(f"left out: {names}"))
            self.decisions = tuple(decisions)
        except BaseException:
            self.close()
            raise
        describe(self, options)

    def _name_channels(self, found: ValueColumns, options: ReadOptions) -> None:
        labels, units = zip(*(split_unit(column.name) for column in found.channels), strict=True)
        channels = make_channels(len(labels), options, self.path, labels)
        if len(set(units)) == 1:
            self.unit = units[0] or ""
            units = (None,) * len(units)
        self.channels = tuple(
            replace(channel, unit=unit) for channel, unit in zip(channels, units, strict=True)
        )

    def _place(
        self, time: TimeSource, zone: ZoneInfo | None, options: ReadOptions, has_rate: bool
    ) -> list[Decision]:
        """Read the times, or with a rate only the first one; what was decided of them."""
        if not has_rate:
            self._axis = axis = TimeAxis(self._table, time, zone)
            self.session_start = axis.session_start or self.session_start
            return axis.decisions
        try:
            axis = TimeAxis(self._table, time, zone, are_samples=False, num_rows=1)
        except ReaderError:
            return []
        self.start_time = float(axis.times(0, 1)[0])
        axis.close()
        if axis.session_start is not None:
            first = datetime.fromisoformat(axis.session_start)
            self.session_start = (first - timedelta(seconds=options.start_time or 0.0)).isoformat()
        return axis.decisions

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        self._table.read_into(self._columns, first_sample, out)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,); those with a date count from the first one."""
        if self._axis is None:
            return super().timestamps(first_sample, last_sample)
        return self._axis.times(first_sample, last_sample)

    def close(self) -> None:
        """Let go of the decoded numbers."""
        self._table.close()
        if self._axis is not None:
            self._axis.close()


def open_table(table: Table, options: ReadOptions, given: Given) -> Recording:
    """All columns of numbers as channels, or the one that `dataset` names; events or intervals. Raises ReaderError."""
    if options.type not in ("event", "interval"):
        return TableRecording(table, options, given)
    zone = zone_of(table, options)
    decoded = decode(table, options)
    try:
        recording: Recording
        if options.type == "event":
            times, indices, names, axis = read_events(decoded, options.timestamps, options.dataset, zone)
            recording = EventRecording(table.path, times, indices, names, options)
        else:
            bounds, labels, axis = read_intervals(decoded, options.dataset, zone)
            recording = IntervalRecording(table.path, bounds, labels, options)
    finally:
        decoded.close()
    recording.session_start = options.session_start or axis.session_start or given.session_start
    recording.decisions = (*given.decisions, *axis.decisions)
    return recording


def decode(table: Table, options: ReadOptions) -> DecodedTable:
    """The decoded table, the order of dates such as 11/24/2016 taken from `timestamps:`."""
    name, order = split_order(options.timestamps)
    index = find_column(table.names, name) if name is not None and order is not None else None
    orders: dict[int, DateOrder] = {} if index is None or order is None else {index: order}
    return DecodedTable(table, orders)


def zone_of(table: Table, options: ReadOptions) -> ZoneInfo | None:
    """The configured zone. Raises ReaderError where there is none of that name."""
    if options.timezone is None:
        return None
    try:
        return ZoneInfo(options.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ReaderError(
            f"timezone: {options.timezone!r} is not known; write one like Europe/Berlin or UTC",
            file=table.path,
        ) from error


def _no_times(table: DecodedTable, is_discrete: bool) -> str:
    names = ", ".join(table.table.names)
    wanted = "" if is_discrete else "`sampling_frequency:` (Hz), or "
    problems = [
        f"; {table.table.place_of(column.clock_problem[0])}, column {column.name}: "
        + column.clock_problem[1].replace("NAME", column.name)
        for column in table.columns
        if column.clock_problem is not None
    ] or [
        f"; column {column.name} holds {_content(column)}: write times like 2016-11-24 13:58:58.081"
        for column in table.columns
        if is_time_name(column.name) and column.kind == "text"
    ]
    return (
        f"no column of times found; set {wanted}`timestamps:` to the one of its columns: {names}"
        + "".join(problems[:1])
    )


def find_values(table: DecodedTable, time: TimeSource | None, dataset: str | None = None) -> ValueColumns:
    """The column that `dataset` names, else all columns of numbers but the times. Raises ReaderError."""
    path, names = table.table.path, table.table.names
    if dataset is not None:
        index = find_column(names, dataset)
        if index is None:
            raise ReaderError(f"dataset: no column {dataset!r}; there are {', '.join(names)}", file=path)
        if table.columns[index].kind != "numbers":
            raise ReaderError(
                f"dataset: column {dataset!r} holds {_content(table.columns[index])}, not numbers", file=path
            )
        return ValueColumns((table.columns[index],), ())
    channels, left_out = [], []
    for column in table.columns:
        if time is not None and column.index in time.columns:
            continue
        if _are_row_numbers(table, column) or (column.kind == "nothing" and is_unnamed(column.name)):
            continue
        if not table.table.has_header and column.kind == "nothing" and column.index == len(names) - 1 > 0:
            continue
        if column.kind != "numbers":
            left_out.append((column.name, _content(column)))
        elif time is not None and is_time_name(column.name) and column.never_falls and table.num_rows > 1:
            left_out.append((column.name, "times too"))
        else:
            channels.append(column)
    if not channels:
        there = ", ".join(f"{name} ({reason})" for name, reason in left_out) or ", ".join(names)
        raise ReaderError(f"no column of numbers beside the times; there are {there}", file=path)
    return ValueColumns(tuple(channels), tuple(left_out))


def _lost_digits(channels: Sequence[Column], dtype: np.dtype[Any]) -> list[Decision]:
    """What is said of integers that need more digits than the floats that they become."""
    wide = [column for column in channels if dtype.kind == "f" and column.has_wide_integers]
    if not wide:
        return []
    names = ", ".join(column.name for column in wide)
    said = f"integers beyond 2^53 in {names} lose their last digits, as they become floats"
    if len(channels) > 1 and any(column.is_integer for column in wide):
        said += ": set `dataset:` to one of them to keep all"
    return [Decision(said, is_guess=True)]


def _content(column: Column) -> str:
    if column.kind == "clock":
        return "dates or times"
    if column.kind == "nothing" or column.first_text is None:
        return "nothing"
    cell = column.first_text[1]
    return f"text such as {cell[:40]!r}"


def _are_row_numbers(table: DecodedTable, column: Column) -> bool:
    """Whether a first column without a name holds the numbers or names of the rows."""
    if column.name.startswith("__index_level_"):
        return True
    if column.index > 0 or not table.table.has_header or not is_unnamed(column.name):
        return False
    if not column.name.strip() or column.name.startswith("Unnamed"):
        return True
    return column.is_integer and column.rises and column.high - column.low == table.num_rows - 1
