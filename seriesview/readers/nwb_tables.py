"""NWB tables: electrodes as channels, units as events, time intervals as intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.hdf5_file import attribute, child, child_dataset, dtype_of, plain
from seriesview.readers.hdf5_reach import FAILURES, has_member
from seriesview.readers.hdf5_samples import missing_filter
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.protocol import Channel, ReadOptions, Recording
from seriesview.readers.sample_types import unsupported_reason

NO_END = " (no stop time)"
NO_START = " (no start time)"

_REGIONS = ("electrodes", "rois")
_CHANNEL_LABELS = ("label", "channel_name", "electrode_name", "name")
_UNIT_LABELS = ("unit_name", "label", "name")
_ROW_LABELS = (
    "label",
    "labels",
    "tags",
    "tag",
    "name",
    "event_type",
    "event_name",
    "condition",
    "stimulus_name",
    "trial_type",
    "type",
)
_RAGGED_TIMES = ("spike_times", "event_times")


def vector(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """All values of a dataset, flat; none of an empty one."""
    return np.empty(0) if dataset.shape is None else np.asarray(dataset[()]).reshape(-1)


def column(table: h5py.Group, name: str, rows: int | None = None) -> list[Any] | None:
    """The values of a plain column, one a row, as numbers and texts; None where there is no such column."""
    dataset = child_dataset(table, name)
    dtype = None if dataset is None else dtype_of(dataset)
    if dataset is None or dtype is None or h5py.check_ref_dtype(dtype) or missing_filter(dataset):
        return None
    if dataset.shape is None or len(dataset.shape) != 1 or rows not in (None, len(dataset)):
        return None
    return [plain(value) for value in dataset[()].tolist()]


def ragged_column(table: h5py.Group, name: str, rows: int) -> list[list[Any]] | None:
    """The values of a column that has several a row; None where there is no such column."""
    ends, values = column(table, f"{name}_index", rows), column(table, name)
    if ends is None or values is None or not all(isinstance(end, int) for end in ends):
        return None
    return [values[first:last] for first, last in zip([0, *ends], ends, strict=False)]


def row_ids(table: h5py.Group) -> list[str]:
    """The id of each row of a table."""
    return [str(value) for value in column(table, "id") or []]


def region_channels(
    series: h5py.Group, channels: Sequence[Channel], keep_labels: bool = False
) -> tuple[Channel, ...]:
    """The channels with what the table of electrodes or of regions of interest says of them.

    Unchanged where it has no row for each. Ids are the rows' where they differ from each other. `keep_labels`:
    the channels have labels from elsewhere.
    """
    region = next((found for name in _REGIONS if (found := child_dataset(series, name)) is not None), None)
    table = _region_table(region) if region is not None else None
    if region is None or table is None or region.shape != (len(channels),):
        return tuple(channels)
    rows, ids = [int(row) for row in region[()]], row_ids(table)
    if not all(0 <= row < len(ids) for row in rows):
        return tuple(channels)
    chosen_ids = [ids[row] for row in rows]
    are_unique = len(set(chosen_ids)) == len(rows)
    labels = _first_column(table, _CHANNEL_LABELS, len(ids)) or ids
    groups = column(table, "group_name", len(ids)) or [None] * len(ids)
    xs, ys = _positions(table, len(ids))
    return tuple(
        replace(
            channel,
            id=chosen_ids[index] if are_unique else channel.id,
            label=channel.label if keep_labels else str(labels[row]),
            group=str(groups[row]) if groups[row] not in (None, "") else None,
            x=xs[row],
            y=ys[row],
        )
        for index, (row, channel) in enumerate(zip(rows, channels, strict=True))
    )


def channel_factors(series: h5py.Group, num_channels: int) -> npt.NDArray[np.float64] | None:
    """What each channel's values are multiplied by beside the conversion of all; None where nothing says so.

    Raises ValueError where there is not one for each channel.
    """
    dataset = child_dataset(series, "channel_conversion")
    if dataset is None:
        return None
    problem = numbers_problem(dataset)
    if problem is not None:
        raise ValueError(f"its channel_conversion: {problem}")
    factors = np.asarray(vector(dataset), np.float64)
    if len(factors) != num_channels:
        raise ValueError(f"its channel_conversion holds {len(factors)} factors for {num_channels} channels")
    if not (np.isfinite(factors) & (factors != 0)).all():
        raise ValueError("its channel_conversion holds factors that are zero or no numbers")
    return factors


def is_units(node: h5py.Group) -> bool:
    """Whether a group is a table of units, or of another kind with the times of several events in each row."""
    return attribute(node, "neurodata_type") == "Units" or any(
        has_member(node, f"{name}_index") for name in _RAGGED_TIMES
    )


def ragged_times(table: h5py.Group) -> str:
    """Name of the column of times in a table of units."""
    return next((name for name in _RAGGED_TIMES if has_member(table, name)), _RAGGED_TIMES[0])


def units_problem(table: h5py.Group) -> str | None:
    """Why a table of units cannot be shown as events; None where it can."""
    name = ragged_times(table)
    times = child_dataset(table, name)
    if times is None:
        return (
            f"this table has no {name}" if column(table, "id") else f"this table is empty: it has no {name}"
        )
    if child_dataset(table, f"{name}_index") is None and len(row_ids(table)) != 1:
        return f"this table has no {name}_index, which says whose times are whose"
    return numbers_problem(times)


def open_units(path: Path, table: h5py.Group, options: ReadOptions) -> Recording:
    """Spike times as events; the channel of an event is its unit. Raises ReaderError."""
    name = ragged_times(table)
    problem, dataset = units_problem(table), child_dataset(table, name)
    if problem is not None or dataset is None:
        raise ReaderError(f"{path}: {problem}")
    times = np.asarray(vector(dataset), np.float64)
    index = child_dataset(table, f"{name}_index")
    ends = [len(times)] if index is None else [int(end) for end in vector(index)]
    if any(last < first for first, last in zip([0, *ends], ends, strict=False)) or [0, *ends][-1] != len(
        times
    ):
        raise ReaderError(
            f"{path}: {name}_index is damaged: its ends must not decrease, and the last must be that of the "
            f"{len(times)} times"
        )
    ids = row_ids(table)
    if len(ids) != len(ends):
        raise ReaderError(f"{path}: {name}_index has {len(ends)} rows, but the table {len(ids)}")
    if options.channel_labels is not None and len(options.channel_labels) != len(ids):
        raise ReaderError(
            f"{path}: channel_labels: {len(options.channel_labels)} given, but the table has {len(ids)} rows"
        )
    labels = _first_column(table, _UNIT_LABELS, len(ids)) or ids
    channels = np.repeat(np.arange(len(ends), dtype=np.uint32), np.diff([0, *ends]))
    recording = EventRecording(path, times, channels, [str(each) for each in labels], options)
    if len(set(ids)) == len(ids):
        recording.channels = tuple(
            replace(channel, id=unit) for channel, unit in zip(recording.channels, ids, strict=True)
        )
    return recording


def is_intervals(node: h5py.Group) -> bool:
    """Whether a group is a table of time intervals."""
    return has_member(node, "start_time") and has_member(node, "stop_time")


def intervals_problem(table: h5py.Group) -> str | None:
    """Why a table of time intervals cannot be shown; None where it can."""
    for name in ("start_time", "stop_time"):
        dataset = child_dataset(table, name)
        if dataset is None:
            return f"its column {name} cannot be opened: a link to something that is not there"
        problem = numbers_problem(dataset)
        if problem is not None:
            return f"its column {name}: {problem}"
    return None


def open_intervals(path: Path, table: h5py.Group, name: str, options: ReadOptions) -> Recording:
    """The rows of a table of time intervals. Raises ReaderError.

    A row without a stop time is kept at its start, with no length, and its label says so.
    """
    problem = intervals_problem(table)
    starts, stops = child_dataset(table, "start_time"), child_dataset(table, "stop_time")
    if problem is not None or starts is None or stops is None:
        raise ReaderError(f"{path}: {problem}")
    begins, ends = (np.asarray(vector(each), np.float64) for each in (starts, stops))
    if len(begins) != len(ends):
        raise ReaderError(f"{path}: start_time has {len(begins)} rows, but stop_time {len(ends)}")
    is_open = np.isnan(ends) & np.isfinite(begins)
    bounds = np.column_stack([begins, np.where(is_open, begins, ends)])
    labels = row_labels(table, len(bounds), name.rpartition("/")[2])
    notes = np.where(is_open, NO_END, "").tolist()
    return IntervalRecording(
        path, bounds, [f"{label}{note}" for label, note in zip(labels, notes, strict=True)], options
    )


def row_labels(table: h5py.Group, rows: int, default: str) -> list[str]:
    """A label for each row: from the column that looks most like one, else the default."""
    names = attribute(table, "colnames")
    texts = [name for name in ([names] if isinstance(names, str) else names or []) if isinstance(name, str)]
    for name in (*_ROW_LABELS, *(name for name in texts if name not in _ROW_LABELS)):
        if has_member(table, f"{name}_index"):
            ragged = ragged_column(table, name, rows)
            if ragged is not None and all(isinstance(value, str) for values in ragged for value in values):
                return [", ".join(values) for values in ragged]
            continue
        values = _referred(table, name, rows) or column(table, name, rows)
        if values and (all(isinstance(value, str) for value in values) or name in _ROW_LABELS):
            return [str(value) for value in values]
    return [default] * rows


def numbers_problem(dataset: h5py.Dataset) -> str | None:
    """Why a column holds no numbers that can be read; None where it does."""
    dtype = dtype_of(dataset)
    if dataset.shape is not None and len(dataset.shape) != 1:
        return f"it has the shape {dataset.shape}, not one value a row"
    return (
        unsupported_reason(dtype) or missing_filter(dataset)
        if dtype is not None
        else "of a type that numpy does not know"
    )


def _referred(table: h5py.Group, name: str, rows: int) -> list[Any] | None:
    """The labels of the rows of another table that a column refers to."""
    region = child_dataset(table, name)
    if region is None or "table" not in region.attrs or region.shape != (rows,):
        return None
    other = _region_table(region)
    ids = row_ids(other) if other is not None else []
    labels = _first_column(other, _ROW_LABELS, len(ids)) if other is not None else None
    chosen = [int(row) for row in region[()]]
    return [labels[row] for row in chosen] if labels and all(0 <= row < len(ids) for row in chosen) else None


def _region_table(region: h5py.Dataset) -> h5py.Group | None:
    """The table that the rows of a region are of."""
    try:
        table = region.file[region.attrs["table"]]
    except FAILURES:
        table = child(region.file, "general/extracellular_ephys/electrodes")
    return table if isinstance(table, h5py.Group) else None


def _first_column(table: h5py.Group, names: Sequence[str], rows: int) -> list[Any] | None:
    for name in names:
        values = column(table, name, rows)
        if values is not None and all(value not in (None, "") for value in values):
            return values
    return None


def _positions(table: h5py.Group, rows: int) -> tuple[list[float | None], list[float | None]]:
    """Coordinates on the probe, else in the brain, of each electrode; None where they are not known."""
    for names in (("rel_x", "rel_y"), ("x", "y")):
        columns = [column(table, name, rows) for name in names]
        if all(values is not None for values in columns):
            xs, ys = ([_finite(value) for value in values or []] for values in columns)
            if any(value is not None for value in [*xs, *ys]):
                return xs, ys
    return [None] * rows, [None] * rows


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
