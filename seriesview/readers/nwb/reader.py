"""NWB 2 files, read with h5py alone: time series, units and time intervals, and any other dataset by its path."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py

from seriesview.errors import ReaderError
from seriesview.readers.hdf5.extent import Refused
from seriesview.readers.hdf5.facts import usable_rate
from seriesview.readers.hdf5.file import (
    Found,
    attribute,
    child,
    child_dataset,
    find_node,
    inner_path,
    naming,
    open_hdf5,
    plain,
    readable,
    text,
    walk,
)
from seriesview.readers.hdf5.reach import FAILURES, Node, has_member, reach_of
from seriesview.readers.hdf5.reader import (
    broken_link,
    find_times,
    not_a_dataset,
    only_one,
    open_dataset,
    usable_names,
)
from seriesview.readers.hdf5.samples import dtype_name
from seriesview.readers.moments import parse_moment, zone_called
from seriesview.readers.nwb.columns import vector
from seriesview.readers.nwb.events import is_event_table, open_event_table, open_moments, open_switches
from seriesview.readers.nwb.series import (
    clock_problem,
    is_moments,
    is_series,
    is_track,
    natural_type,
    open_series,
    series_problem,
    series_rate,
    series_unit,
)
from seriesview.readers.nwb.tables import (
    intervals_problem,
    is_intervals,
    is_units,
    numbers_problem,
    open_intervals,
    open_units,
    ragged_times,
    units_problem,
)
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording, Role, SeriesType
from seriesview.readers.signatures import is_hdf5

# The file's own specification of its format holds nothing that was recorded.
_SKIPPED = ("/specifications", "/.specloc")
_FASTEST_LFP = 5000.0


class NwbReader:
    """Reader of NWB 2 files."""

    name = "nwb"
    reads_remote = True

    def can_read(self, path: Path) -> bool:
        """Whether the file is HDF5 and says that it is NWB."""
        if not is_hdf5(path):
            return False
        try:
            with open_hdf5(path) as file, readable(path):
                return "nwb_version" in file.attrs
        except ReaderError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Every series, table of units and table of intervals, and links that lead nowhere. Raises ReaderError."""
        with open_hdf5(path) as file, readable(path), reach_of(path):
            return _candidates(file)

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the object whose path `dataset` is; without it the only one. Raises ReaderError.

        Paths of other datasets are opened as in any HDF5 file. Times count from the file's
        timestamps_reference_time.
        """
        file = open_hdf5(path)
        try:
            with readable(path, options.dataset or ""), reach_of(path, options.follow_external):
                recording = _open(path, file, options)
        except BaseException:
            file.close()
            raise
        if recording.type in ("event", "interval"):
            file.close()
        return recording


def _open(path: Path, file: h5py.File, options: ReadOptions) -> Recording:
    name, node = _chosen(path, file, options.dataset)
    begun, said = reference_time(file, options.timezone, path)
    recording = _opened(path, file, node, name, options, begun)
    if recording.session_start is None:
        recording.decisions += said
    return recording


def _opened(
    path: Path, file: h5py.File, node: Node, name: str, options: ReadOptions, begun: str | None
) -> Recording:
    if isinstance(node, h5py.Dataset):
        return open_dataset(path, file, options, node, begun)
    natural = _table_type(node)
    if natural is not None and options.type not in (None, natural):
        raise ReaderError(f"{name}: type: this table holds {natural}s; set `type: {natural}`", file=path)
    kind = natural or options.type or natural_type(node)
    if kind in ("continuous", "discrete"):
        times, unit, data = None, None, child_dataset(node, "data")
        if options.timestamps is not None and data is not None:
            times, unit = find_times(path, file, data, options.timestamps)
        has_rate = options.sampling_frequency is not None and options.type is None
        options = replace(options, type="continuous" if has_rate else kind)
        return open_series(path, file, node, name, options, times, unit, begun)
    with naming(path, name):
        recording = _open_points(path, node, name, kind, options)
    recording.session_start = options.session_start or begun
    return recording


def _open_points(
    path: Path, node: h5py.Group, name: str, kind: SeriesType, options: ReadOptions
) -> Recording:
    if is_units(node):
        return open_units(path, node, options)
    if is_intervals(node):
        return open_intervals(path, node, name, options)
    if is_event_table(node):
        return open_event_table(path, node, name, options)
    opener = open_moments if kind == "event" else open_switches
    return opener(path, node, name, options)


def _table_type(node: h5py.Group) -> SeriesType | None:
    """What a table holds; None where the group is none."""
    if is_units(node):
        return "event"
    if is_intervals(node):
        return "interval"
    return "event" if is_event_table(node) else None


def reference_time(
    file: h5py.File, timezone: str | None, path: Path
) -> tuple[str | None, tuple[Decision, ...]]:
    """When the file's times begin to count, ISO 8601, local where there is no zone; and what is to be said of it.

    None where the file says nothing that is understood. Raises ReaderError where `timezone` is none.
    """
    zone = zone_called(timezone, path)
    for name in ("timestamps_reference_time", "session_start_time"):
        if not has_member(file, name):
            continue
        dataset = child_dataset(file, name)
        values = [] if dataset is None else vector(dataset).tolist()
        said = plain(values[0]) if len(values) == 1 else None
        moment = parse_moment(said) if isinstance(said, str) else None
        if moment is None:
            # The other one may be another moment: when times begin to count is not known without this one.
            shown = repr(said) if said is not None else "not one text"
            problem = f"{name} is {shown}, no date that is understood: set `session_start` for the wall clock"
            return None, (Decision(problem, is_guess=True),)
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        return moment.isoformat(), ()
    return None, ()


def _chosen(path: Path, file: h5py.File, dataset: str | None) -> tuple[str, Node]:
    """The object that `dataset` means and its path; what is meant by a series' samples is the series."""
    name = only_one(path, _candidates(file)) if dataset is None else inner_path(dataset)

    def known() -> list[str]:
        return usable_names(lambda: _candidates(file))

    node = find_node(file, path, name, known)
    if isinstance(node, h5py.Dataset):
        place, _, member = name.rpartition("/")
        owner = child(file, place or "/")
        if not isinstance(owner, h5py.Group):
            return name, node
        is_own = (member == "data" and is_series(owner)) or (
            is_units(owner) and member == ragged_times(owner)
        )
        return (place or "/", owner) if is_own else (name, node)
    if _table_type(node) is not None or is_series(node) or is_moments(node):
        return name, node
    raise not_a_dataset(path, name, known())


def _candidates(file: h5py.File) -> list[Candidate]:
    candidates: list[Candidate] = []
    for found in walk(file, _SKIPPED):
        if found.node is None:
            candidates.append(broken_link(found))
        elif isinstance(found.node, h5py.Group):
            try:
                candidate = _candidate(found.path, found.node)
            except Refused as error:
                candidate = broken_link(Found(found.path, None, str(error)))
            if candidate is not None:
                candidates.append(candidate)
    return candidates


def _candidate(path: str, node: h5py.Group) -> Candidate | None:
    kind = _table_type(node)
    if kind is not None:
        return _table(path, node, kind)
    if not (is_series(node) or is_moments(node)):
        return None
    kind, data = natural_type(node), child_dataset(node, "data")
    values = data if data is not None else child_dataset(node, "timestamps")
    problem = series_problem(node, kind)
    options: dict[str, Any] = {"dataset": path}
    if kind != "continuous" and problem is None:
        options["type"] = kind
    if kind == "continuous" and problem is None:
        problem = clock_problem(node)
        if problem is not None:
            options["sampling_frequency"] = None
    return Candidate(
        dataset=path,
        type=kind,
        dtype="" if values is None else dtype_name(values),
        shape=() if values is None else tuple(values.shape or ()),
        sampling_frequency=usable_rate(series_rate(node)),
        unit=series_unit(node) or None,
        options=options,
        problem=problem,
        panel="Position" if data is not None and is_track(node, data) else None,
        role=_role(path, node) if kind == "continuous" else None,
    )


def _role(path: str, node: h5py.Group) -> Role | None:
    """Of samples of electrodes: by where they stand and how fast they are; None of others."""
    if text(attribute(node, "neurodata_type")) != "ElectricalSeries" or not has_member(node, "electrodes"):
        return None
    if "lfp" in path.lower():
        return "lfp"
    rate = usable_rate(series_rate(node)) or _rate_of_times(child_dataset(node, "timestamps"))
    return None if rate is None else "lfp" if rate < _FASTEST_LFP else "spike-band"


def _rate_of_times(times: h5py.Dataset | None) -> float | None:
    """About how many samples a second there are, by the first time and the last one; None where that cannot be said."""
    if times is None or times.ndim != 1 or times.size < 2 or numbers_problem(times) is not None:
        return None
    with suppress(*FAILURES):
        first, last = (float(times[at]) for at in (0, times.size - 1))
        return usable_rate((times.size - 1) / (last - first)) if last > first else None
    return None


def _table(path: str, node: h5py.Group, kind: SeriesType) -> Candidate:
    if is_units(node):
        times, problem = child_dataset(node, ragged_times(node)), units_problem(node)
    elif kind == "interval":
        times, problem = child_dataset(node, "start_time"), intervals_problem(node)
    else:
        times = child_dataset(node, "timestamp")
        problem = "its column timestamp cannot be opened" if times is None else numbers_problem(times)
    shape = () if times is None else tuple(times.shape or (0,))
    options = {"dataset": path, "type": kind}
    role: Role | None = "units" if is_units(node) else None
    return Candidate(path, kind, "float64", shape, None, "s", options, problem, role=role)
