"""Events (time, channel) and intervals (start, end, label) from the columns of a table."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.tables.axis import Floats, TimeAxis
from seriesview.readers.tables.cells import is_number
from seriesview.readers.tables.decoding import DecodedTable, Table
from seriesview.readers.tables.names import find_column, find_named, is_unnamed, unit_of_time
from seriesview.readers.tables.times import find_times, source_of

_START_NAMES = ("start", "start_time", "onset", "begin", "t_start", "tstart", "start_s")
_END_NAMES = ("end", "end_time", "stop", "stop_time", "t_end", "tend", "t_stop", "end_s", "stop_s")
_DURATION_NAMES = ("duration", "duration_s", "length")
_LABEL_NAMES = ("label", "name", "trial_type", "type", "condition", "state", "description", "tags", "event")
CHANNEL_NAMES = "channel unit unit_id cluster cluster_id neuron electrode ttl line id".split()  # noqa: SIM905


def read_events(
    table: DecodedTable, timestamps: str | None, dataset: str | None, zone: ZoneInfo | None
) -> tuple[Floats, npt.NDArray[np.uint32], list[str], TimeAxis]:
    """Times, channel indices, the channels' labels, and the axis of the times.

    The channel is the column that `dataset` names, else one called channel, unit, cluster, ...; without one all
    events are of one channel. Labels are sorted as numbers where all of them are. Raises ReaderError.
    """
    names = table.table.names
    time = find_times(table, timestamps)
    if time is None:
        if len(names) > 1 and table.table.has_header:
            raise ReaderError(
                f"timestamps: name the column of the events' times, one of {', '.join(names)}",
                file=table.table.path,
            )
        time = source_of(table, 0)
    axis = TimeAxis(table, time, zone, are_samples=False)
    times = axis.times(0, table.num_rows)
    channel: int | None
    if dataset is not None:
        channel = _named(table.table, dataset)
    elif not table.table.has_header and len(names) == 2:
        channel = 1 - time.columns[0]
    else:
        channel = find_named(names, (*CHANNEL_NAMES, *_LABEL_NAMES))
    if channel is None:
        return times, np.zeros(len(times), np.uint32), ["0"], axis
    cells = table.table.text(channel)
    labels = sorted(set(cells), key=_sort_key)
    index_of = {label: index for index, label in enumerate(labels)}
    return times, np.fromiter((index_of[cell] for cell in cells), np.uint32, len(cells)), labels, axis


def _named(table: Table, dataset: str) -> int:
    index = find_column(table.names, dataset)
    if index is None:
        raise ReaderError(
            f"dataset: no column {dataset!r}; there are {', '.join(table.names)}", file=table.path
        )
    return index


def _sort_key(label: str) -> tuple[int, float, str]:
    return (0, float(label), label) if is_number(label) else (1, 0.0, label)


def interval_columns(table: Table) -> tuple[int, int, bool] | None:
    """Columns of the starts and of the ends, and whether the ends are durations; None where there are none."""
    names = table.names
    if not table.has_header:
        return (0, 1, False) if len(names) in (2, 3) else None
    start, end = find_named(names, _START_NAMES), find_named(names, _END_NAMES)
    if start is not None and end is not None:
        return start, end, False
    duration = find_named(names, _DURATION_NAMES)
    return None if start is None or duration is None else (start, duration, True)


def read_intervals(
    table: DecodedTable, dataset: str | None, zone: ZoneInfo | None
) -> tuple[Floats, list[str], TimeAxis]:
    """Starts and ends (n, 2), labels (n,) and the axis of the starts.

    Columns are called start and end (or onset and duration, ...); the label is the column that `dataset` names,
    else one called label, name, trial_type, ... Without a header they are in this order. Raises ReaderError.
    """
    names, rows = table.table.names, table.num_rows
    found = interval_columns(table.table)
    if found is None:
        raise ReaderError(
            f"type: intervals need columns called start and end (or duration); there are {', '.join(names)}",
            file=table.table.path,
        )
    start, end, is_duration = found
    axis = TimeAxis(table, source_of(table, start), zone, are_samples=False)
    starts = axis.times(0, rows)
    if is_duration:
        source = source_of(table, end, unit_of_time(names[end]) or "s")
        if source.unit is None:
            raise ReaderError(f"column {names[end]}: durations must be numbers", file=table.table.path)
        ends = starts + source.unit.seconds(table.numbers(end, 0, rows))
    else:
        ends = TimeAxis(table, source_of(table, end), zone, are_samples=False, shared=axis).times(0, rows)
    label = find_named(names, _LABEL_NAMES) if dataset is None else _named(table.table, dataset)
    if label is None and not table.table.has_header and len(names) == 3:
        label = 2
    labels = [""] * rows if label is None else table.table.text(label)
    return np.column_stack([starts, ends]), labels, axis


def looks_like_events(table: DecodedTable) -> bool:
    """Whether the only columns are times and channels."""
    names = [name for name in table.table.names if not is_unnamed(name)]
    if not table.table.has_header or len(names) != 2:
        return False
    is_channel = any(name.strip().casefold() in CHANNEL_NAMES for name in names)
    return is_channel and find_times(table, None) is not None
