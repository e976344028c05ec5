"""NWB tables: units as events, time intervals as intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.hdf5.file import attribute, child_dataset, dtype_of
from seriesview.readers.hdf5.reach import has_member
from seriesview.readers.hdf5.samples import missing_filter
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.nwb.best_channels import best_channels
from seriesview.readers.nwb.columns import (
    UnfitError,
    column,
    ends_of_rows,
    first_column,
    ragged_column,
    row_ids,
    vector,
)
from seriesview.readers.nwb.regions import referred_rows
from seriesview.readers.nwb.switches import NO_END
from seriesview.readers.protocol import Decision, ReadOptions, Recording
from seriesview.readers.sample_types import unsupported_reason

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
        raise ReaderError(f"{problem}", file=path)
    times = np.asarray(vector(dataset), np.float64)
    try:
        ends = (
            ends_of_rows(table, name, len(times))
            if has_member(table, f"{name}_index")
            else np.array([len(times)], np.int64)
        )
    except UnfitError as error:
        raise ReaderError(str(error), file=path) from error
    ids = row_ids(table)
    if len(ids) != len(ends):
        raise ReaderError(f"{name}_index has {len(ends)} rows, but the table {len(ids)}", file=path)
    if options.channel_labels is not None and len(options.channel_labels) != len(ids):
        raise ReaderError(
            f"channel_labels: {len(options.channel_labels)} given, but the table has {len(ids)} rows",
            file=path,
        )
    notes: list[str] = []
    labels = ids
    if options.channel_labels is None:
        found = first_column(table, _UNIT_LABELS, len(ids), notes)
        labels = ids if found is None else [str(label) for label in found]
    channels = np.repeat(np.arange(len(ends), dtype=np.uint32), np.diff(ends, prepend=0))
    own_ids = ids if len(set(ids)) == len(ids) else None
    recording = EventRecording(path, times, channels, labels, options, own_ids)
    best = best_channels(table, len(ids), notes)
    if any(best):
        recording.channels = tuple(
            replace(channel, best_channel=on) for channel, on in zip(recording.channels, best, strict=True)
        )
    recording.decisions = _guesses(notes)
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
        raise ReaderError(f"{problem}", file=path)
    begins, ends = (np.asarray(vector(each), np.float64) for each in (starts, stops))
    if len(begins) != len(ends):
        raise ReaderError(f"start_time has {len(begins)} rows, but stop_time {len(ends)}", file=path)
    is_open = np.isnan(ends) & np.isfinite(begins)
    bounds = np.column_stack([begins, np.where(is_open, begins, ends)])
    labels, decisions = row_labels(table, len(bounds), name.rpartition("/")[2])
    marks = np.where(is_open, NO_END, "").tolist()
    recording = IntervalRecording(
        path, bounds, [f"{label}{mark}" for label, mark in zip(labels, marks, strict=True)], options
    )
    recording.decisions = decisions
    return recording


def row_labels(table: h5py.Group, rows: int, default: str) -> tuple[list[str], tuple[Decision, ...]]:
    """A label for each row, from the column that looks most like one, else the default; and what is to be said."""
    notes: list[str] = []
    return _row_labels(table, rows, notes) or [default] * rows, _guesses(notes)


def _row_labels(table: h5py.Group, rows: int, notes: list[str]) -> list[str] | None:
    names = attribute(table, "colnames")
    texts = [name for name in ([names] if isinstance(names, str) else names or []) if isinstance(name, str)]
    for name in (*_ROW_LABELS, *(name for name in texts if name not in _ROW_LABELS)):
        try:
            values = _labels_in(table, name, rows, notes)
        except UnfitError as error:
            notes.append(f"{error}: not used for labels")
            continue
        if values and (all(isinstance(value, str) for value in values) or name in _ROW_LABELS):
            return [str(value) for value in values]
    return None


def _labels_in(table: h5py.Group, name: str, rows: int, notes: list[str]) -> list[Any] | None:
    """What a column says of each row; None where it says nothing that could be a label. Raises UnfitError."""
    if has_member(table, f"{name}_index"):
        ragged = ragged_column(table, name, rows)
        if ragged is None or not all(isinstance(value, str) for values in ragged for value in values):
            return None
        return [", ".join(values) for values in ragged]
    dataset = child_dataset(table, name)
    if dataset is None or "table" not in dataset.attrs:
        return column(table, name, rows)
    other, chosen = referred_rows(dataset, rows)
    labels = first_column(other, _ROW_LABELS, len(row_ids(other)), notes)
    return None if labels is None else [labels[row] for row in chosen.tolist()]


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


def _guesses(notes: Sequence[str]) -> tuple[Decision, ...]:
    return tuple(Decision(note, is_guess=True) for note in notes)
