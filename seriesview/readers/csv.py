"""Text tables: CSV, TSV and what looks like them, with a column of times or a configured rate.

A configured `sampling_frequency:` without `timestamps:` wins over a column of times, which then only says when the
first sample was. Values are int32 where all are written as integers that fit, int64 where one needs more, else
float64; an empty cell, `NaN`, `NA` or `null` is a missing value.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.csv_blocks import TextBlock, text_blocks
from seriesview.readers.csv_clock import session_start
from seriesview.readers.csv_columns import (
    TimeColumn,
    find_time_column,
    find_value_columns,
    text_columns,
)
from seriesview.readers.csv_dialect import Dialect, is_number, is_utf16, sniff
from seriesview.readers.csv_points import CHANNEL_NAMES, interval_columns, read_events, read_intervals
from seriesview.readers.csv_table import DecodedTable, TimeAxis, TimeOrigin
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.protocol import Candidate, ReadOptions, Recording
from seriesview.readers.sample_types import describe, make_channels, required_rate

_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".tab", ".log", ".asc"})
_SNIFF_BYTES = 4096
_LIKE_A_DATE = re.compile(r"\d{1,4}[-/.:]\d{1,2}[-/.:]\d")


class CsvRecording(Recording):
    """Columns of a table, decoded when it is opened."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        dialect = sniff(path)
        zone = _zone(path, options.timezone)
        time = find_time_column(dialect, path, options.timestamps)
        columns = find_value_columns(dialect, path, time, options.dataset)
        self.type = options.type or "continuous"
        self.path = path
        channels = make_channels(len(columns), options, path, [column.label for column in columns])
        self.channels = tuple(
            replace(channel, unit=column.unit) for channel, column in zip(channels, columns, strict=True)
        )
        rate_wins = options.sampling_frequency is not None and options.timestamps is None
        if self.type == "discrete":
            rate_wins = False
        timed = time is not None and not rate_wins
        self.sampling_frequency = None if timed else _rate(path, dialect, options)
        indices = [column.index for column in columns]
        self._table = DecodedTable(
            path, dialect, indices, time if timed else None, zone, options.allow_truncated
        )
        self.num_samples = self._table.num_samples
        self.dtype = self._table.dtype
        if self.num_samples == 0:
            self.close()
            raise ReaderError(f"{path}: no samples: there are no whole lines of data in this table")
        if self._table.axis is not None:
            self.session_start = _session_start(self._table.axis.origin)
        elif time is not None:
            axis, self.start_time = _first_time(path, dialect, time, zone)
            self.session_start = _session_start(axis.origin, options.start_time or 0.0)
        _share_unit(self)
        describe(self, options)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        self._table.read_into(first_sample, out)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,); wall-clock times count from the first one."""
        if self.sampling_frequency is not None:
            return super().timestamps(first_sample, last_sample)
        return self._table.times(first_sample, last_sample)

    def close(self) -> None:
        """Let go of the decoded numbers."""
        self._table.close()


class CsvReader:
    """Reader of text tables, known by their suffix and by being text."""

    name = "csv"

    def can_read(self, path: Path) -> bool:
        """Whether the file is called like a table and begins like text."""
        if path.suffix.lower() not in _SUFFIXES:
            return False
        with path.open("rb") as file:
            head = file.read(_SNIFF_BYTES)
        return b"\0" not in head or is_utf16(head)

    def candidates(self, path: Path) -> list[Candidate]:
        """The table as a series, or as intervals or events where its columns are called so; columns of text."""
        dialect = sniff(path)
        num_rows = sum(1 for block in text_blocks(path, dialect) for _ in block.data_lines())
        found = [_series_candidate(path, dialect, num_rows)]
        if dialect.has_header and interval_columns(dialect) is not None:
            found.insert(0, _points_candidate("interval", num_rows))
        elif _looks_like_events(path, dialect):
            found.insert(0, _points_candidate("event", num_rows))
        return found + [_text_candidate(dialect, index, num_rows) for index in _unused_text(path, dialect)]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open all columns of numbers as channels, or the one that `dataset` names; raises ReaderError.

        `type: event` takes a column of times and one of channels, `type: interval` starts, ends and labels.
        """
        if options.type not in ("event", "interval"):
            return CsvRecording(path, options)
        dialect, zone = sniff(path), _zone(path, options.timezone)
        recording: Recording
        if options.type == "event":
            times, indices, names, origin = read_events(
                path, dialect, options.timestamps, options.dataset, zone
            )
            recording = EventRecording(path, times, indices, names, options)
        else:
            bounds, labels, origin = read_intervals(path, dialect, options.dataset, zone)
            recording = IntervalRecording(path, bounds, labels, options)
        recording.session_start = options.session_start or _session_start(origin)
        return recording


def _zone(path: Path, name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ReaderError(
            f"{path}: timezone: {name!r} is not known; write one like Europe/Berlin or UTC"
        ) from error


def _rate(path: Path, dialect: Dialect, options: ReadOptions) -> float:
    if options.sampling_frequency is None or options.type == "discrete":
        names = ", ".join(dialect.names)
        wanted = "" if options.type == "discrete" else "`sampling_frequency:` (Hz), or "
        raise ReaderError(
            f"{path}: no column of times found; set {wanted}`timestamps:` to the one of its columns: {names}"
        )
    return required_rate(options, path)


def _first_time(
    path: Path, dialect: Dialect, time: TimeColumn, zone: ZoneInfo | None
) -> tuple[TimeAxis, float]:
    axis = TimeAxis(path, time, zone)
    cell = dialect.sample_rows[0][time.index]
    block = TextBlock("", dialect.data_line, is_last=False)
    cells = (
        np.array([cell.encode("latin-1", "replace")])
        if time.is_clock
        else np.array([float(cell) if is_number(cell) else np.nan])
    )
    first = float(axis.seconds(cells, block)[0])
    return axis, first if np.isfinite(first) else 0.0


def _session_start(origin: TimeOrigin | None, start_time: float = 0.0) -> str | None:
    """When the time 0 s was, where the zone is known and the first sample is at `start_time`."""
    if origin is None or origin.zone is None:
        return None
    return session_start(origin.nanoseconds - round(start_time * 1e6) * 1000, origin.zone)


def _share_unit(recording: Recording) -> None:
    """A unit that all channels have becomes that of the series."""
    units = {channel.unit for channel in recording.channels}
    if len(units) == 1 and None not in units:
        recording.unit = str(units.pop())
        recording.channels = tuple(replace(channel, unit=None) for channel in recording.channels)


def _series_candidate(path: Path, dialect: Dialect, num_rows: int) -> Candidate:
    problem, num_channels, unit = None, 0, None
    options: dict[str, Any] = {}
    try:
        time = find_time_column(dialect, path)
        columns = find_value_columns(dialect, path, time)
        num_channels = len(columns)
        units = {column.unit for column in columns}
        unit = units.pop() if len(units) == 1 else None
        if time is not None:
            # A unit that can be seen is a unit that can be corrected.
            shown = time.name if time.is_clock or time.unit_is_given else f"{time.name} (s)"
            options = {"timestamps": shown}
        else:
            options = {"sampling_frequency": None}
    except ReaderError as error:
        problem = str(error).removeprefix(f"{path}: ")
    return Candidate(
        dataset=None,
        type="continuous",
        dtype="numbers",
        shape=(num_rows, num_channels),
        sampling_frequency=None,
        unit=unit,
        options=options,
        problem=problem,
    )


def _points_candidate(kind: Any, num_rows: int) -> Candidate:
    return Candidate(None, kind, "float64", (num_rows,), None, "s", {"type": kind})


def _looks_like_events(path: Path, dialect: Dialect) -> bool:
    """Whether the only columns are times and channels."""
    if not dialect.has_header or len(dialect.names) != 2:
        return False
    others = [name.strip().casefold() for name in dialect.names]
    return any(name in CHANNEL_NAMES for name in others) and find_time_column(dialect, path) is not None


def _unused_text(path: Path, dialect: Dialect) -> list[int]:
    try:
        time = find_time_column(dialect, path)
    except ReaderError:
        time = None
    return [index for index in text_columns(dialect) if time is None or index != time.index]


def _text_candidate(dialect: Dialect, index: int, num_rows: int) -> Candidate:
    name = dialect.names[index]
    cell = dialect.column_cells(index)[0]
    problem = f"column {name} holds text such as {cell!r}, not numbers"
    if _LIKE_A_DATE.match(cell):
        problem += "; write times like 2016-11-24 13:58:58.081"
    return Candidate(name, None, "text", (num_rows,), None, None, {"dataset": name}, problem)
