"""Events (time, channel) and intervals (start, end, label) from the columns of a table."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.csv_blocks import TextBlock, text_blocks
from seriesview.readers.csv_columns import TimeColumn, find_column, find_named, find_time_column, time_column
from seriesview.readers.csv_dialect import Dialect, is_missing, is_number
from seriesview.readers.csv_table import TimeAxis, TimeOrigin

START_NAMES = ("start", "start_time", "onset", "begin", "t_start", "tstart", "start_s")
END_NAMES = ("end", "end_time", "stop", "stop_time", "t_end", "tend", "t_stop", "end_s", "stop_s")
DURATION_NAMES = ("duration", "duration_s", "length")
LABEL_NAMES = ("label", "name", "trial_type", "type", "condition", "state", "description", "tags", "event")
CHANNEL_NAMES = (
    "channel",
    "unit",
    "unit_id",
    "cluster",
    "cluster_id",
    "neuron",
    "electrode",
    "ttl",
    "line",
    "id",
)

Floats = npt.NDArray[np.float64]


class _Columns:
    """Some columns of a table in memory: times in seconds, and text."""

    def __init__(self, path: Path, dialect: Dialect, zone: ZoneInfo | None) -> None:
        self.origin: TimeOrigin | None = None
        self._path = path
        self._dialect = dialect
        self._zone = zone

    def times(self, column: TimeColumn) -> Floats:
        """Times of a column; wall-clock times count from the first one asked for."""
        axis = TimeAxis(self._path, column, self._zone)
        pieces = []
        for block in text_blocks(self._path, self._dialect):
            cells = self._cells(block, column.index)
            if column.is_clock:
                pieces.append(
                    axis.seconds(np.array([cell.encode("latin-1", "replace") for _, cell in cells]), block)
                )
            else:
                numbers = [self._number(line, column, cell) for line, cell in cells]
                pieces.append(axis.seconds(np.array(numbers, np.float64), block))
        times = np.concatenate(pieces)
        if axis.origin is None:
            return times
        if self.origin is None:
            self.origin = axis.origin
        shift = (axis.origin.nanoseconds - self.origin.nanoseconds) / 1e9
        return times + shift

    def text(self, column: int) -> list[str]:
        """Cells of a column."""
        blocks = text_blocks(self._path, self._dialect)
        return [cell for block in blocks for _, cell in self._cells(block, column)]

    def _cells(self, block: TextBlock, column: int) -> list[tuple[int, str]]:
        found = []
        for line, text in block.data_lines():
            cells = self._dialect.split(text)
            if len(cells) <= column:
                name = self._dialect.names[column]
                raise ReaderError(
                    f"{self._path}: line {line} has {len(cells)} columns, none of them is {name}"
                )
            found.append((line, cells[column]))
        return found

    def _number(self, line: int, column: TimeColumn, cell: str) -> float:
        if is_number(cell):
            return float(cell)
        problem = "there is no time" if is_missing(cell) else f"{cell!r} is not a number"
        raise ReaderError(f"{self._path}: line {line}, column {column.name}: {problem}")


def read_events(
    path: Path, dialect: Dialect, timestamps: str | None, dataset: str | None, zone: ZoneInfo | None
) -> tuple[Floats, npt.NDArray[np.uint32], list[str], TimeOrigin | None]:
    """Times, channel indices, the channels' labels and the origin of wall-clock times.

    The channel is the column that `dataset` names, else one called channel, unit, cluster, ...; without one all
    events are of one channel. Labels are sorted as numbers where all of them are. Raises ReaderError.
    """
    time = find_time_column(dialect, path, timestamps)
    if time is None:
        if len(dialect.names) > 1 and dialect.has_header:
            names = ", ".join(dialect.names)
            raise ReaderError(f"{path}: timestamps: name the column of the events' times, one of {names}")
        time = time_column(dialect, path, 0)
    columns = _Columns(path, dialect, zone)
    times = columns.times(time)
    channel = _channel_column(path, dialect, time, dataset)
    if channel is None:
        return times, np.zeros(len(times), np.uint32), ["0"], columns.origin
    cells = columns.text(channel)
    labels = sorted(set(cells), key=_sort_key)
    index_of = {label: index for index, label in enumerate(labels)}
    indices = np.fromiter((index_of[cell] for cell in cells), np.uint32, len(cells))
    return times, indices, labels, columns.origin


def _channel_column(path: Path, dialect: Dialect, time: TimeColumn, dataset: str | None) -> int | None:
    if dataset is not None:
        index = find_column(dialect, dataset)
        if index is None:
            raise ReaderError(f"{path}: dataset: no column {dataset!r}; there are {', '.join(dialect.names)}")
        return index
    if not dialect.has_header and len(dialect.names) == 2:
        return 1 - time.index
    return find_named(dialect, (*CHANNEL_NAMES, *LABEL_NAMES))


def _sort_key(label: str) -> tuple[int, float, str]:
    return (0, float(label), label) if is_number(label) else (1, 0.0, label)


def interval_columns(dialect: Dialect) -> tuple[int, int, bool] | None:
    """Columns of the starts and of the ends, and whether the ends are durations; None where there are none."""
    start, end = find_named(dialect, START_NAMES), find_named(dialect, END_NAMES)
    if start is not None and end is not None:
        return start, end, False
    duration = find_named(dialect, DURATION_NAMES)
    if start is not None and duration is not None:
        return start, duration, True
    if not dialect.has_header and len(dialect.names) in (2, 3):
        return 0, 1, False
    return None


def read_intervals(
    path: Path, dialect: Dialect, dataset: str | None, zone: ZoneInfo | None
) -> tuple[Floats, list[str], TimeOrigin | None]:
    """Starts and ends (n, 2), labels (n,) and the origin of wall-clock times.

    Columns are called start and end (or onset and duration, ...); the label is the column that `dataset` names,
    else one called label, name, trial_type, ... Without a header they are in this order. Raises ReaderError.
    """
    found = interval_columns(dialect)
    if found is None:
        names = ", ".join(dialect.names)
        raise ReaderError(
            f"{path}: type: intervals need columns called start and end (or duration); there are {names}"
        )
    start, end, is_duration = found
    columns = _Columns(path, dialect, zone)
    starts = columns.times(time_column(dialect, path, start))
    ends = columns.times(time_column(dialect, path, end))
    if is_duration:
        ends = starts + ends
    label = find_named(dialect, LABEL_NAMES)
    if dataset is not None:
        label = find_column(dialect, dataset)
        if label is None:
            raise ReaderError(f"{path}: dataset: no column {dataset!r}; there are {', '.join(dialect.names)}")
    elif not dialect.has_header and len(dialect.names) == 3:
        label = 2
    labels = [""] * len(starts) if label is None else columns.text(label)
    return np.column_stack([starts, ends]), labels, columns.origin
