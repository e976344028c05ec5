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
from seriesview.readers.hdf5_file import attribute, child_dataset, plain
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.protocol import Channel, ReadOptions, Recording

_ELECTRODE_LABELS = ("label", "channel_name", "electrode_name", "name")
_UNIT_LABELS = ("unit_name", "label", "name")
_INTERVAL_LABELS = (
    "label",
    "labels",
    "tags",
    "tag",
    "name",
    "condition",
    "stimulus_name",
    "trial_type",
    "type",
)


def column(table: h5py.Group, name: str, rows: int | None = None) -> list[Any] | None:
    """The values of a plain column, one a row, as numbers and texts; None where there is no such column."""
    dataset = child_dataset(table, name)
    if (
        dataset is None
        or dataset.shape is None
        or len(dataset.shape) != 1
        or h5py.check_ref_dtype(dataset.dtype)
    ):
        return None
    if rows is not None and len(dataset) != rows:
        return None
    return [plain(value) for value in dataset[()].tolist()]


def ragged_column(table: h5py.Group, name: str, rows: int) -> list[list[Any]] | None:
    """The values of a column that has several a row; None where there is no such column."""
    index = child_dataset(table, f"{name}_index")
    values = column(table, name)
    if index is None or values is None or len(index) != rows:
        return None
    ends = [int(end) for end in index[()]]
    return [values[first:last] for first, last in zip([0, *ends], ends, strict=False)]


def row_ids(table: h5py.Group) -> list[str]:
    """The id of each row of a table."""
    return [str(value) for value in column(table, "id") or []]


def electrode_channels(series: h5py.Group, channels: Sequence[Channel]) -> tuple[Channel, ...]:
    """The channels with what the electrodes table says of them, where it has a row for each; else unchanged."""
    region = child_dataset(series, "electrodes")
    table = _region_table(region) if region is not None else None
    if region is None or table is None or region.shape != (len(channels),):
        return tuple(channels)
    rows = [int(row) for row in region[()]]
    ids = row_ids(table)
    if not ids or max(rows) >= len(ids) or min(rows) < 0:
        return tuple(channels)
    chosen_ids = [ids[row] for row in rows]
    labels = _first_column(table, _ELECTRODE_LABELS, len(ids)) or ids
    groups = column(table, "group_name", len(ids)) or [None] * len(ids)
    xs, ys = _positions(table, len(ids))
    return tuple(
        replace(
            channel,
            id=chosen_ids[index] if len(set(chosen_ids)) == len(rows) else channel.id,
            label=str(labels[row]) or channel.label,
            group=str(groups[row]) if groups[row] not in (None, "") else None,
            x=xs[row],
            y=ys[row],
        )
        for index, (row, channel) in enumerate(zip(rows, channels, strict=True))
    )


def is_units(node: h5py.Group) -> bool:
    """Whether a group is a table of units."""
    return attribute(node, "neurodata_type") == "Units" or "spike_times_index" in node


def units_problem(table: h5py.Group) -> str | None:
    """Why a table of units cannot be shown as events; None where it can."""
    if child_dataset(table, "spike_times") is None:
        return "this table of units has no spike_times"
    if child_dataset(table, "spike_times_index") is None and len(row_ids(table)) != 1:
        return "this table of units has no spike_times_index, which says whose spikes are whose"
    return None


def open_units(path: Path, table: h5py.Group, options: ReadOptions) -> Recording:
    """Spike times as events; the channel of an event is its unit. Raises ReaderError."""
    problem = units_problem(table)
    times_dataset = child_dataset(table, "spike_times")
    if problem is not None or times_dataset is None:
        raise ReaderError(f"{path}: {problem}")
    times = np.asarray(times_dataset[()], np.float64).reshape(-1)
    index = child_dataset(table, "spike_times_index")
    ends = [len(times)] if index is None else [int(end) for end in index[()]]
    if any(last < first for first, last in zip([0, *ends], ends, strict=False)) or ends[-1:] > [len(times)]:
        raise ReaderError(
            f"{path}: spike_times_index is damaged: its ends must not decrease, nor pass {len(times)} spike times"
        )
    ids = row_ids(table)
    if len(ids) != len(ends):
        raise ReaderError(f"{path}: spike_times_index has {len(ends)} units, but the table {len(ids)}")
    labels = _first_column(table, _UNIT_LABELS, len(ids)) or ids
    counts = np.diff([0, *ends])
    channels = np.repeat(np.arange(len(ends), dtype=np.uint32), counts)
    recording = EventRecording(
        path, times[: len(channels)], channels, [str(each) for each in labels], options
    )
    if len(set(ids)) == len(ids):
        recording.channels = tuple(
            replace(channel, id=unit) for channel, unit in zip(recording.channels, ids, strict=False)
        )
    return recording


def is_intervals(node: h5py.Group) -> bool:
    """Whether a group is a table of time intervals."""
    return "start_time" in node and "stop_time" in node


def open_intervals(path: Path, table: h5py.Group, options: ReadOptions) -> Recording:
    """The rows of a table of time intervals. Raises ReaderError."""
    starts, stops = child_dataset(table, "start_time"), child_dataset(table, "stop_time")
    if starts is None or stops is None or starts.shape != stops.shape:
        raise ReaderError(f"{path}: this table needs as many values in stop_time as in start_time")
    bounds = np.column_stack([np.asarray(each[()], np.float64).reshape(-1) for each in (starts, stops)])
    return IntervalRecording(path, bounds, interval_labels(table, len(bounds)), options)


def interval_labels(table: h5py.Group, rows: int) -> list[str]:
    """A label for each interval: from the column that looks most like one, else the table's name."""
    names = attribute(table, "colnames")
    texts = [name for name in ([names] if isinstance(names, str) else names or []) if isinstance(name, str)]
    others = [name for name in texts if name not in _INTERVAL_LABELS]
    for name in (*_INTERVAL_LABELS, *others):
        ragged = ragged_column(table, name, rows)
        if ragged is not None and all(isinstance(value, str) for values in ragged for value in values):
            return [", ".join(values) for values in ragged]
        values = column(table, name, rows)
        if values and (all(isinstance(value, str) for value in values) or name in _INTERVAL_LABELS):
            return [str(value) for value in values]
    return [str(table.name).rsplit("/", 1)[-1]] * rows


def _region_table(region: h5py.Dataset) -> h5py.Group | None:
    """The table that the rows of a region are of."""
    try:
        table = region.file[region.attrs["table"]]
    except (KeyError, TypeError, ValueError, OSError):
        table = region.file.get("general/extracellular_ephys/electrodes")
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


def channel_factors(series: h5py.Group, num_channels: int) -> npt.NDArray[np.float64] | None:
    """What each channel's values are multiplied by beside the conversion of all; None where they are equal to 1."""
    factors = child_dataset(series, "channel_conversion")
    if factors is None or factors.shape != (num_channels,):
        return None
    return np.asarray(factors[()], np.float64)
