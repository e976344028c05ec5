"""HDF5 files: any dataset of one or two dimensions, by its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.hdf5_facts import (
    is_named_as_times,
    is_times_of,
    rate_of,
    scaling_of,
    times_beside,
    unit_of,
)
from seriesview.readers.hdf5_file import (
    Found,
    find_node,
    inner_path,
    is_hdf5,
    listing,
    naming,
    open_hdf5,
    walk,
)
from seriesview.readers.hdf5_recording import Hdf5Recording, Sources
from seriesview.readers.hdf5_samples import Hdf5Samples, missing_filter, samples_problem
from seriesview.readers.in_memory import events_from_array, intervals_from_array
from seriesview.readers.protocol import Candidate, ReadOptions, Recording

_MOST_CHANNELS = 1 << 14


class Hdf5Reader:
    """Reader of HDF5 files without knowledge of who wrote them."""

    name = "hdf5"

    def can_read(self, path: Path) -> bool:
        """Whether the file has HDF5's signature."""
        return is_hdf5(path)

    def candidates(self, path: Path) -> list[Candidate]:
        """Every dataset of more than one value, and links that lead nowhere. Raises ReaderError."""
        with open_hdf5(path) as file:
            return dataset_candidates(file)

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the dataset whose path `dataset` is; without it the only one. Raises ReaderError.

        `timestamps` is the path of a dataset, from the root or from the dataset's group. `order: F` says that the
        first dimension is channels. Events: times (n,) in seconds, or (n, 2) with the channel's index; intervals:
        (n, 2) starts and ends.
        """
        file = open_hdf5(path)
        try:
            return open_dataset(path, file, options)
        except BaseException:
            file.close()
            raise


def open_dataset(
    path: Path, file: h5py.File, options: ReadOptions, session_start: str | None = None
) -> Recording:
    """The recording of one dataset of an open file, which is closed with it. Raises ReaderError."""
    dataset = _chosen(path, file, options)
    name = inner_path(str(dataset.name)) if options.dataset is None else inner_path(options.dataset)
    if options.type in ("event", "interval"):
        with naming(path, name):
            points = _points(path, dataset, options)
        points.session_start = options.session_start or session_start
        file.close()
        return points
    scale, offset = scaling_of(dataset)
    times = None if options.timestamps is None else find_times(path, file, dataset, options.timestamps)
    rate = options.sampling_frequency
    if rate is None and times is None:
        rate = rate_of(dataset)
    sources = Sources(
        name=name,
        samples=dataset,
        times=times,
        rate=rate,
        unit=unit_of(dataset),
        scale=scale,
        offset=offset,
        session_start=session_start,
        order=options.order,
    )
    return Hdf5Recording(path, file, sources, options)


def find_times(path: Path, file: h5py.File, dataset: h5py.Dataset, name: str) -> h5py.Dataset:
    """The dataset that `timestamps:` names, beside `dataset` or from the root on. Raises ReaderError."""
    if not name.startswith("/") and name in dataset.parent:
        name = f"{dataset.parent.name}/{name}"
    known = [found.path for found in walk(file) if _is_one_dimensional(found)]
    node = find_node(file, path, inner_path(name), known, "timestamps")
    if not isinstance(node, h5py.Dataset):
        raise ReaderError(f"{path}: timestamps: {inner_path(name)} is a group; there are {listing(known)}")
    return node


def dataset_candidates(file: h5py.File, skip: tuple[str, ...] = ()) -> list[Candidate]:
    """Every dataset of more than one value below the root, but for the groups in `skip`, and broken links."""
    found = list(walk(file, skip))
    datasets = [(each.path, each.node) for each in found if isinstance(each.node, h5py.Dataset)]
    candidates = []
    for path, dataset in datasets:
        beside = [other for _, other in datasets if other.parent == dataset.parent]
        serves = is_named_as_times(dataset) and any(is_times_of(dataset, other) for other in beside)
        if not serves and (dataset.shape is None or dataset.size != 1):
            candidates.append(_candidate(path, dataset))
    return candidates + [broken_link(each.path) for each in found if each.node is None]


def broken_link(path: str) -> Candidate:
    """What is listed for a link that leads nowhere."""
    problem = "a link to something that is not there, or that this HDF5 library cannot open"
    return Candidate(path, None, "", (), None, None, {"dataset": path}, problem)


def _is_one_dimensional(found: Found) -> bool:
    return isinstance(found.node, h5py.Dataset) and len(found.node.shape or ()) == 1 and found.node.size > 1


def _candidate(path: str, dataset: h5py.Dataset) -> Candidate:
    problem = samples_problem(dataset) or missing_filter(dataset)
    shape = tuple(dataset.shape or ())
    options: dict[str, Any] = {"dataset": path}
    rate = rate_of(dataset)
    if len(shape) == 2 and shape[0] < shape[1] and shape[0] <= _MOST_CHANNELS and problem is None:
        options["order"] = "F"
        shape = shape[::-1]
    if problem is None and rate is None:
        times = times_beside(dataset)
        if times is not None and shape[0] == len(times):
            options["timestamps"] = str(times.name)
        else:
            options["sampling_frequency"] = None
    return Candidate(
        dataset=path,
        type="continuous",
        dtype=str(dataset.dtype),
        shape=shape,
        sampling_frequency=rate,
        unit=unit_of(dataset) or None,
        options=options,
        problem=problem,
    )


def _chosen(path: Path, file: h5py.File, options: ReadOptions) -> h5py.Dataset:
    if options.dataset is not None:
        known = [each.dataset for each in dataset_candidates(file) if each.dataset and each.problem is None]
        name = inner_path(options.dataset)
        node = find_node(file, path, name, known)
        if isinstance(node, h5py.Dataset):
            return node
        inside = [each for each in known if each.startswith(name.rstrip("/") + "/")]
        raise ReaderError(f"{path}: dataset: {name} is a group; in it there are {listing(inside)}")
    candidates = dataset_candidates(file)
    usable = [each.dataset for each in candidates if each.dataset and each.problem is None]
    if len(usable) == 1:
        node = file[usable[0]]
        if isinstance(node, h5py.Dataset):
            return node
    if usable:
        raise ReaderError(f"{path}: dataset: choose one of {listing(usable)}")
    reasons = [f"{each.dataset}: {each.problem}" for each in candidates]
    raise ReaderError(
        f"{path}: nothing in this file can be shown ({'; '.join(reasons[:5]) or 'it is empty'})"
    )


def _points(path: Path, dataset: h5py.Dataset, options: ReadOptions) -> Recording:
    samples = Hdf5Samples(dataset, path, options.order)
    try:
        stored = np.empty((samples.num_samples, samples.num_channels), samples.dtype)
        samples.read_into(0, stored)
    finally:
        samples.close()
    values = stored.astype(np.float64)
    if options.type == "interval":
        return intervals_from_array(path, values, str(dataset.name).rsplit("/", 1)[-1], options)
    return events_from_array(path, values, options)
