"""HDF5 files: any dataset of one or two dimensions, by its path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.clocks import ClockError, split_unit
from seriesview.readers.hdf5.clock import Start, start_of, times_clock
from seriesview.readers.hdf5.extent import Refused, whole
from seriesview.readers.hdf5.facts import (
    Surroundings,
    is_named_as_times,
    is_times_of,
    name_beside,
    scale_problem,
    unit_of,
    usable_rate,
    vector_length,
)
from seriesview.readers.hdf5.file import (
    Found,
    child_dataset,
    find_node,
    inner_path,
    listing,
    naming,
    open_hdf5,
    readable,
    walk,
)
from seriesview.readers.hdf5.frames import frames_of, is_of_brainwave
from seriesview.readers.hdf5.matlab_cells import in_their_cells
from seriesview.readers.hdf5.rates import Rate
from seriesview.readers.hdf5.reach import parent_of, reach_of
from seriesview.readers.hdf5.recording import Hdf5Recording, Sources
from seriesview.readers.hdf5.samples import SINGLE_VALUE, dtype_name, missing_filter, samples_problem
from seriesview.readers.in_memory import events_from_array, intervals_from_array
from seriesview.readers.moments import zone_called
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import turned_guess
from seriesview.readers.signatures import is_hdf5

_MOST_CHANNELS = 1 << 14


# EEGLAB and SNIRF are read through MNE, NIX through neo.
_PARTICULAR = frozenset({".set", ".snirf", ".nix"})


class Hdf5Reader:
    """Reader of HDF5 files without knowledge of who wrote them."""

    name = "hdf5"
    reads_remote = True

    def can_read(self, path: Path) -> bool:
        """Whether the file has HDF5's signature, and no suffix of a format that says more with it."""
        return path.suffix.lower() not in _PARTICULAR and is_hdf5(path)

    def candidates(self, path: Path) -> list[Candidate]:
        """Every dataset but the ones that hold another's times, and links that lead nowhere. Raises ReaderError."""
        with open_hdf5(path) as file, readable(path), reach_of(path):
            return in_their_cells(file, dataset_candidates(file))

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the dataset whose path `dataset` is; without it the only one. Raises ReaderError.

        `timestamps` is the path of a dataset, from the root or from the dataset's group. `order: F` says that the
        first dimension is channels; where one dimension is 1, the other one is samples. Events: times (n,) in
        seconds, or (n, 2) with the channel's index; intervals: (n, 2) starts and ends.
        """
        file = open_hdf5(path)
        try:
            with readable(path, options.dataset or ""), reach_of(path, options.follow_external):
                return open_dataset(path, file, options, _chosen(path, file, options.dataset))
        except BaseException:
            file.close()
            raise


def open_dataset(
    path: Path, file: h5py.File, options: ReadOptions, dataset: h5py.Dataset, session_start: str | None = None
) -> Recording:
    """The recording of one dataset of an open file, which is closed with it. Raises ReaderError."""
    name = inner_path(str(dataset.name) if options.dataset is None else options.dataset)
    if options.type in ("event", "interval"):
        with naming(path, name):
            points = _points(path, dataset, name, options)
        points.session_start = points.session_start or session_start
        file.close()
        return points
    times, unit = None, None
    if options.timestamps is not None:
        times, unit = find_times(path, file, dataset, options.timestamps)
    rate, found_times = options.sampling_frequency, None
    frames = frames_of(dataset, options.channels)
    if frames.problem is not None:
        raise ReaderError(f"{name}: {frames.problem}", file=path)
    decisions = frames.decisions
    if rate is None and times is None:
        rate = frames.rate
    if rate is None and times is None:
        surroundings = Surroundings()
        found = surroundings.rate_of(dataset)
        if found is not None and found.problem is not None:
            raise ReaderError(f"{name}: {found.problem}", file=path)
        if found is None:
            found_times = surroundings.times_of(dataset)
        else:
            rate, decisions = found.hertz, (*decisions, Decision(found.said, found.is_guess))
    sources = Sources(
        name=name,
        samples=dataset,
        times=times,
        rate=rate,
        found_times="" if found_times is None else name_beside(file, name, found_times),
        time_unit=unit,
        decisions=decisions,
        columns=frames.channels,
        scaling=frames.scaling,
        labels=frames.labels,
        start=start_of(dataset, zone_called(options.timezone, path)) if times is None else Start(),
        session_start=session_start,
        order=_order(path, name, dataset, options),
    )
    return Hdf5Recording(path, file, sources, options)


def find_times(
    path: Path, file: h5py.File, dataset: h5py.Dataset, timestamps: str
) -> tuple[h5py.Dataset, str | None]:
    """The dataset that `timestamps:` names, beside `dataset` or from the root on, and the unit behind its name.

    Raises ReaderError.
    """
    for name, unit in ((timestamps, None), split_unit(timestamps)):
        beside = None if name.startswith("/") else child_dataset(parent_of(dataset), name)
        found = beside if beside is not None else child_dataset(file, inner_path(name))
        if found is not None:
            return found, unit

    def known() -> list[str]:
        datasets = ((found.path, found.node) for found in walk(file) if isinstance(found.node, h5py.Dataset))
        return [path for path, node in datasets if (vector_length(node) or 0) > 1]

    node = find_node(file, path, inner_path(name), known, "timestamps")
    if not isinstance(node, h5py.Dataset):
        raise ReaderError(
            f"timestamps: {inner_path(name)} is a group; there are {listing(known())}", file=path
        )
    return node, unit


def dataset_candidates(file: h5py.File) -> list[Candidate]:
    """Every dataset below the root but the ones that hold another's times, and broken links."""
    found = list(walk(file))
    datasets = [(each.path, each.node) for each in found if isinstance(each.node, h5py.Dataset)]
    surroundings = Surroundings()
    beside: dict[str, list[h5py.Dataset]] = defaultdict(list)
    for path, dataset in datasets:
        beside[path.rpartition("/")[0]].append(dataset)
    candidates = []
    serving = set()
    for path, dataset in datasets:
        try:
            candidate, times = _candidate(file, path, dataset, surroundings)
        except Refused as error:
            candidate, times = broken_link(Found(path, None, str(error))), None
        candidates.append(candidate)
        if times is not None:
            serving.add(times)
    serving |= {
        path
        for path, dataset in datasets
        if is_named_as_times(dataset) and _has_samples(dataset, beside[path.rpartition("/")[0]])
    }
    candidates = [candidate for candidate in candidates if candidate.dataset not in serving]
    samples = {path for path, dataset in datasets if is_of_brainwave(dataset)}
    candidates = [_in_brainwave(each, samples) if samples else each for each in candidates]
    return candidates + [broken_link(each) for each in found if each.node is None]


def _in_brainwave(candidate: Candidate, samples: set[str]) -> Candidate:
    if candidate.dataset in samples:
        return replace(candidate, role="spike-band")
    is_open = candidate.problem is None or None in candidate.options.values()
    note = "it tells of the samples of BrainWave, and is none itself (`dataset` opens it all the same)"
    return replace(candidate, problem=note, options={"dataset": candidate.dataset}) if is_open else candidate


def broken_link(found: Found) -> Candidate:
    """What is listed for a link that leads nowhere, or must not be followed."""
    path, problem = found.path, found.problem
    if problem is None:
        problem = "a link to something that is not there, or that this HDF5 library cannot open"
    if "\ufffd" in path:
        problem = "its name is not UTF-8; rename it, or link to it under another name"
    return Candidate(path, None, "", (), None, None, {"dataset": path}, problem)


def only_one(path: Path, candidates: list[Candidate]) -> str:
    """The dataset of the only candidate that can be shown. Raises ReaderError where there is none, or more."""
    usable = usable_names(lambda: candidates)
    if len(usable) == 1:
        return usable[0]
    if usable:
        raise ReaderError(f"dataset: choose one of {listing(usable)}", file=path)
    reasons = [f"{each.dataset}: {each.problem}" for each in candidates]
    raise ReaderError(
        f"nothing in this file can be shown ({'; '.join(reasons[:5]) or 'it is empty'})", file=path
    )


def not_a_dataset(path: Path, name: str, known: list[str]) -> ReaderError:
    """What to say where `dataset:` names a group that holds others."""
    inside = [each for each in known if each.startswith(name.rstrip("/") + "/")]
    return ReaderError(f"dataset: {name} is a group; in it there are {listing(inside)}", file=path)


def usable_names(candidates: Callable[[], list[Candidate]]) -> list[str]:
    """The datasets that can be shown, if need be with a key that is filled in."""
    return [
        each.dataset
        for each in candidates()
        if each.dataset and (each.problem is None or None in each.options.values())
    ]


def _has_samples(times: h5py.Dataset, beside: list[h5py.Dataset]) -> bool:
    return any(is_times_of(times, other) and not is_named_as_times(other) for other in beside)


def _candidate(
    file: h5py.File, path: str, dataset: h5py.Dataset, surroundings: Surroundings
) -> tuple[Candidate, str | None]:
    """What is listed for a dataset, and the path of the dataset that holds the times of its samples."""
    problem = samples_problem(dataset) or missing_filter(dataset) or scale_problem(dataset)
    if problem is None and dataset.size == 1:
        problem = SINGLE_VALUE
    shape = tuple(dataset.shape or ())
    candidate = Candidate(path, None, dtype_name(dataset), shape, None, None, {"dataset": path}, problem)
    if problem is not None:
        return candidate, None
    times = surroundings.times_of(dataset)
    length = None if times is None else vector_length(times)
    options: dict[str, Any] = {"dataset": path}
    decisions: tuple[Decision, ...] = ()
    if len(shape) == 2 and _is_wide(shape, length):
        shape = shape[::-1]
        if 1 not in shape:
            options["order"] = "F"
            if length != shape[0]:
                decisions = (turned_guess(shape),)
    frames = frames_of(dataset)
    found = surroundings.rate_of(dataset) if frames.rate is None else Rate(frames.rate, "")
    rate = None if found is None or found.problem is not None else usable_rate(found.hertz)
    times_name = None if times is None or shape[0] != length else name_beside(file, path, times)
    if rate is None and times_name is not None:
        options["timestamps"] = times_name
    elif rate is None:
        options["sampling_frequency"] = None
    unit = unit_of(dataset) or None
    problem = frames.problem
    if problem is not None:
        options["channels"] = None
    elif frames.channels is not None:
        shape = (shape[0] // frames.channels, frames.channels)
    if (
        problem is None
        and rate is None
        and found is not None
        and found.problem is not None
        and times_name is None
    ):
        problem = found.problem
    candidate = replace(
        candidate,
        type="continuous",
        shape=shape,
        sampling_frequency=rate,
        unit=unit,
        options=options,
        problem=problem,
        decisions=decisions,
    )
    return candidate, times_name


def _is_wide(shape: tuple[int, ...], length: int | None) -> bool:
    """Whether the first dimension is channels: as the times of the samples say, or because it is the shorter one."""
    if 1 in shape:
        return shape[0] == 1
    if length in shape and shape[0] != shape[1]:
        return length == shape[1]
    return shape[0] < shape[1] and shape[0] <= _MOST_CHANNELS


def _order(path: Path, name: str, dataset: h5py.Dataset, options: ReadOptions) -> Literal["C", "F"]:
    if dataset.shape is None or len(dataset.shape) != 2:
        return options.order
    samples, channels = dataset.shape if options.order == "C" else dataset.shape[::-1]
    turned: Literal["C", "F"] = "F" if options.order == "C" else "C"
    if samples == 1 and options.channels != channels:
        return turned
    if channels > _MOST_CHANNELS and samples < channels and options.channels != channels:
        raise ReaderError(
            f"{name}: {samples} samples of {channels} channels cannot be meant; "
            f"set `order: {turned}` where it is {channels} samples of {samples} channels",
            file=path,
        )
    return options.order


def _chosen(path: Path, file: h5py.File, dataset: str | None) -> h5py.Dataset:
    name = only_one(path, dataset_candidates(file)) if dataset is None else inner_path(dataset)

    def known() -> list[str]:
        return usable_names(lambda: dataset_candidates(file))

    node = find_node(file, path, name, known)
    if isinstance(node, h5py.Dataset):
        return node
    raise not_a_dataset(path, name, known())


def _points(path: Path, dataset: h5py.Dataset, name: str, options: ReadOptions) -> Recording:
    is_empty = dataset.shape is not None and 0 in dataset.shape
    problem = missing_filter(dataset) if is_empty else samples_problem(dataset) or missing_filter(dataset)
    if problem is not None:
        raise ReaderError(problem, file=path)
    shape = (*dataset.shape, 1)[:2]
    is_turned = options.order == "F" and len(dataset.shape) == 2
    rows, columns = shape[::-1] if is_turned else shape
    if rows == 1 and columns > 2:
        is_turned, columns = not is_turned, 1
    if columns > 2:
        raise ReaderError(
            f"type: {options.type}s have one or two values a row, but this dataset has the shape "
            f"{dataset.shape}; set `order` where its first dimension is not rows",
            file=path,
        )
    stored = whole(dataset).reshape(shape)
    stored = stored.T if is_turned else stored
    try:
        clock = times_clock(
            dataset, stored.dtype, None, zone_called(options.timezone, path), are_samples=False
        )
    except ClockError as error:
        raise ReaderError(str(error), file=path) from error
    values = stored.astype(np.float64)
    for column in range(columns if options.type == "interval" else 1):
        values[:, column] = clock.seconds(stored[:, column])
    recording: Recording
    if options.type == "event":
        recording = events_from_array(path, values, options)
    else:
        recording = intervals_from_array(path, values, name.rpartition("/")[2], options)
    recording.session_start = recording.session_start or clock.session_start
    recording.decisions = clock.decisions
    return recording
