"""NWB series and tables whose moments are what counts: annotations, labelled events, switches, tables of events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.hdf5.file import attribute, child_dataset, plain
from seriesview.readers.hdf5.reach import has_member
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.nwb.columns import vector
from seriesview.readers.nwb.series import natural_type, series_problem
from seriesview.readers.nwb.switches import switched
from seriesview.readers.nwb.tables import row_labels
from seriesview.readers.protocol import ReadOptions, Recording


def open_moments(path: Path, series: h5py.Group, name: str, options: ReadOptions) -> Recording:
    """The timestamps of a series as events; what its data say of them chooses the channel. Raises ReaderError."""
    times, data = _times(path, series, "event"), child_dataset(series, "data")
    labels, indices = [name.rpartition("/")[2]], np.zeros(len(times), np.uint32)
    if data is not None and natural_type(series) == "event":
        values = ["" if value is None else value for value in map(plain, vector(data).tolist())]
        if len(values) != len(times):
            raise ReaderError(f"its data hold {len(values)} values for {len(times)} timestamps", file=path)
        labels, indices = _channels_of(values, attribute(data, "labels"))
    return EventRecording(path, times, indices, labels, options)


def open_switches(path: Path, series: h5py.Group, name: str, options: ReadOptions) -> Recording:
    """The intervals of an IntervalSeries. Raises ReaderError."""
    times, data = _times(path, series, "interval"), child_dataset(series, "data")
    values = np.empty(0) if data is None else np.asarray(vector(data), np.float64)
    return IntervalRecording(path, *switched(path, times, values, name.rpartition("/")[2]), options)


def is_event_table(node: h5py.Group) -> bool:
    """Whether a group is a table with one event a row."""
    return has_member(node, "timestamp") and has_member(node, "id")


def open_event_table(path: Path, table: h5py.Group, name: str, options: ReadOptions) -> Recording:
    """The rows of a table of events; the column that looks most like a label chooses the channel."""
    dataset = child_dataset(table, "timestamp")
    if dataset is None:
        raise ReaderError("its column timestamp cannot be opened", file=path)
    times = np.asarray(vector(dataset), np.float64)
    rows, decisions = row_labels(table, len(times), name.rpartition("/")[2])
    labels, indices = _channels_of(rows, None)
    recording = EventRecording(path, times, indices, labels, options)
    recording.decisions = decisions
    return recording


def _times(path: Path, series: h5py.Group, kind: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    problem, dataset = series_problem(series, kind), child_dataset(series, "timestamps")
    if problem is not None or dataset is None:
        raise ReaderError(f"{problem}", file=path)
    return np.asarray(vector(dataset), np.float64)


def _channels_of(values: Sequence[Any], names: Any) -> tuple[list[str], np.ndarray[Any, np.dtype[np.uint32]]]:
    """Labels of the channels, and the channel of each value; `names` are of the values 0, 1, ..., where there are."""
    names = [names] if isinstance(names, str) else names
    if isinstance(names, list) and all(
        isinstance(value, int) and 0 <= value < len(names) for value in values
    ):
        return [str(name) for name in names], np.array(values, np.uint32)
    unique = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    position = {value: index for index, value in enumerate(unique)}
    return [str(value) for value in unique], np.array([position[value] for value in values], np.uint32)
