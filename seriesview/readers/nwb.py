"""NWB 2 files, read with h5py alone: time series, units and time intervals, and any other dataset by its path."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import h5py
import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.hdf5 import broken_link, find_times, open_dataset
from seriesview.readers.hdf5_file import (
    child,
    child_dataset,
    find_node,
    inner_path,
    is_hdf5,
    listing,
    naming,
    open_hdf5,
    plain,
    walk,
)
from seriesview.readers.nwb_series import (
    is_events,
    is_series,
    natural_type,
    open_moments,
    open_series,
    open_switches,
    series_problem,
    series_rate,
    series_unit,
)
from seriesview.readers.nwb_tables import is_intervals, is_units, open_intervals, open_units, units_problem
from seriesview.readers.protocol import Candidate, ReadOptions, Recording

# The file's own specification of its format holds nothing that was recorded.
_SKIPPED = ("/specifications", "/.specloc")


class NwbReader:
    """Reader of NWB 2 files."""

    name = "nwb"

    def can_read(self, path: Path) -> bool:
        """Whether the file is HDF5 and says that it is NWB."""
        if not is_hdf5(path):
            return False
        try:
            with open_hdf5(path) as file:
                return "nwb_version" in file.attrs
        except ReaderError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Every series, table of units and table of intervals, and links that lead nowhere. Raises ReaderError."""
        with open_hdf5(path) as file:
            return _candidates(file)

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the object whose path `dataset` is; without it the only one. Raises ReaderError.

        Paths of other datasets are opened as in any HDF5 file. Times count from the file's
        timestamps_reference_time.
        """
        file = open_hdf5(path)
        try:
            recording = _open(path, file, options)
        except BaseException:
            file.close()
            raise
        if recording.type in ("event", "interval"):
            file.close()
        return recording


def _open(path: Path, file: h5py.File, options: ReadOptions) -> Recording:
    node = _chosen(path, file, options)
    begun = reference_time(file, options.timezone, path)
    if isinstance(node, h5py.Dataset):
        return open_dataset(path, file, options, begun)
    name = str(node.name)
    if is_units(node) or is_intervals(node):
        is_unit_table = is_units(node)
        wanted = "event" if is_unit_table else "interval"
        if options.type not in (None, wanted):
            raise ReaderError(f"{path}: {name}: type: this table holds {wanted}s; set `type: {wanted}`")
        with naming(path, name):
            recording = (open_units if is_unit_table else open_intervals)(path, node, options)
        recording.session_start = options.session_start or begun
        return recording
    kind = options.type or natural_type(node)
    if kind == "event":
        recording = open_moments(path, node, options)
    elif kind == "interval":
        recording = open_switches(path, node, options)
    else:
        times = None
        data = child_dataset(node, "data")
        if options.timestamps is not None and data is not None:
            times = find_times(path, file, data, options.timestamps)
        return open_series(path, file, node, options, times, begun)
    recording.session_start = options.session_start or begun
    return recording


def reference_time(file: h5py.File, timezone: str | None, path: Path) -> str | None:
    """When the file's times begin to count, ISO 8601 with a zone; None where the zone is not known.

    Raises ReaderError where `timezone` is none.
    """
    for name in ("timestamps_reference_time", "session_start_time"):
        dataset = child_dataset(file, name)
        if dataset is None or dataset.size != 1:
            continue
        value = plain(np.asarray(dataset[()]).reshape(-1)[0])
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            continue
        if moment.tzinfo is None and timezone is not None:
            try:
                moment = moment.replace(tzinfo=ZoneInfo(timezone))
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ReaderError(
                    f"{path}: timezone: {timezone!r} is not known; write one like Europe/Berlin or UTC"
                ) from error
        return moment.isoformat() if moment.tzinfo is not None else None
    return None


def _chosen(path: Path, file: h5py.File, options: ReadOptions) -> h5py.Group | h5py.Dataset:
    if options.dataset is None:
        usable = [each.dataset for each in _candidates(file) if each.dataset and each.problem is None]
        if len(usable) == 1:
            return file[usable[0]]
        if usable:
            raise ReaderError(f"{path}: dataset: choose one of {listing(usable)}")
        raise ReaderError(f"{path}: nothing in this file can be shown; `seriesview inspect` says why")
    name = inner_path(options.dataset)
    known = [each.dataset for each in _candidates(file) if each.dataset and each.problem is None]
    node = find_node(file, path, name, known)
    if isinstance(node, h5py.Dataset):
        # What is meant by the samples of a series is the series, with its rate, unit and electrodes.
        owner = child(file, name.rsplit("/", 1)[0] or "/")
        is_own = name.endswith("/data") and isinstance(owner, h5py.Group) and is_series(owner)
        return owner if is_own and owner is not None else node
    if is_units(node) or is_intervals(node) or is_series(node) or is_events(node):
        return node
    inside = [each for each in known if each.startswith(name.rstrip("/") + "/")]
    raise ReaderError(
        f"{path}: dataset: {name} is a group without samples; there are {listing(inside or known)}"
    )


def _candidates(file: h5py.File) -> list[Candidate]:
    candidates: list[Candidate] = []
    for found in walk(file, _SKIPPED):
        if found.node is None:
            candidates.append(broken_link(found.path))
        elif isinstance(found.node, h5py.Group):
            candidate = _candidate(found.path, found.node)
            if candidate is not None:
                candidates.append(candidate)
    return candidates


def _candidate(path: str, node: h5py.Group) -> Candidate | None:
    options: dict[str, Any] = {"dataset": path}
    if is_units(node):
        spikes = child_dataset(node, "spike_times")
        shape = tuple(spikes.shape or ()) if spikes is not None else ()
        return Candidate(
            path, "event", "float64", shape, None, "s", options | {"type": "event"}, units_problem(node)
        )
    if is_intervals(node):
        starts = child_dataset(node, "start_time")
        shape = tuple(starts.shape or ()) if starts is not None else ()
        return Candidate(path, "interval", "float64", shape, None, "s", options | {"type": "interval"})
    if not (is_series(node) or is_events(node)):
        return None
    kind, data = natural_type(node), child_dataset(node, "data")
    values = data if data is not None else child_dataset(node, "timestamps")
    if kind != "continuous":
        options["type"] = kind
    return Candidate(
        dataset=path,
        type=kind,
        dtype="" if values is None else str(values.dtype),
        shape=() if values is None else tuple(values.shape or ()),
        sampling_frequency=series_rate(node),
        unit=series_unit(node) or None,
        options=options,
        problem=series_problem(node),
    )
