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
from seriesview.readers.nwb.tables import NO_END, NO_START, row_labels
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
    """The intervals of an IntervalSeries: a value above 0 begins one, its negative ends it. Raises ReaderError.

    One that is begun and never ended, or ended and never begun, is kept with no length, and its label says so.
    """
    times, data = _times(path, series, "interval"), child_dataset(series, "data")
    values = np.empty(0) if data is None else np.asarray(vector(data), np.float64)
    if len(values) != len(times):
        raise ReaderError(f"its data hold {len(values)} values for {len(times)} timestamps", file=path)
    if not (np.isfinite(values) & (values != 0)).all():
        row = int(np.argmin(np.isfinite(values) & (values != 0)))
        raise ReaderError(
            f"its data are {values[row]} in row {row}: neither a start (> 0) nor an end (< 0)", file=path
        )
    begun: dict[float, float] = {}
    found: list[tuple[float, float, float, str]] = []
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        start = begun.pop(abs(value), None)
        if value > 0:
            if start is not None:
                found.append((start, start, value, NO_END))
            begun[value] = time
        else:
            found.append((time if start is None else start, time, -value, NO_START if start is None else ""))
    found.extend((start, start, kind, NO_END) for kind, start in begun.items())
    kinds = {kind for _, _, kind, _ in found}
    common = name.rpartition("/")[2]
    labels = [f"{common if len(kinds) == 1 else f'{kind:g}'}{note}" for _, _, kind, note in found]
    bounds = np.array([(start, end) for start, end, _, _ in found], np.float64).reshape(-1, 2)
    return IntervalRecording(path, bounds, labels, options)


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
