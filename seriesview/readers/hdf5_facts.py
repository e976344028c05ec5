"""What the attributes around an HDF5 dataset say of its samples: rate, unit, scale, timestamps."""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np

from seriesview.readers.hdf5_file import Node, attribute, child_dataset, number, text

_RATE_NAMES = (
    "sampling_frequency",
    "sampling_rate",
    "samplingfrequency",
    "samplingrate",
    "sample_rate",
    "sample_frequency",
    "samplerate",
    "sfreq",
    "srate",
    "rate",
    "fs",
)
_TIME_NAMES = ("timestamps", "timestamp", "times", "time", "t")


def rate_of(dataset: h5py.Dataset) -> float | None:
    """Rate in Hz that the dataset's attributes, or those of the nearest group around it, give; None without one.

    A dataset of a single number beside it, such as `fs` in MATLAB's files, counts as well.
    """
    for node in _outward(dataset):
        by_name = {name.casefold(): name for name in node.attrs}
        for wanted in _RATE_NAMES:
            if wanted in by_name and (rate := attribute_number(node, by_name[wanted])) is not None:
                return rate
        if isinstance(node, h5py.Group) and (rate := _rate_beside(node)) is not None:
            return rate
    return None


def unit_of(dataset: h5py.Dataset) -> str:
    """Physical unit of the scaled values, or nothing."""
    return text(attribute(dataset, "unit")) or text(attribute(dataset, "units")) or ""


def scaling_of(dataset: h5py.Dataset) -> tuple[float, float]:
    """Scale and offset by the netCDF convention (attributes scale_factor and add_offset)."""
    scale, offset = attribute_number(dataset, "scale_factor"), attribute_number(dataset, "add_offset")
    return 1.0 if scale is None else scale, offset or 0.0


def times_beside(dataset: h5py.Dataset) -> h5py.Dataset | None:
    """A dataset in the same group that is called as timestamps are and has one for each sample."""
    group = dataset.parent
    for name in sorted(group):
        if name.casefold() not in _TIME_NAMES:
            continue
        times = child_dataset(group, name)
        if times is not None and is_times_of(times, dataset):
            return times
    return None


def is_times_of(times: h5py.Dataset, dataset: h5py.Dataset) -> bool:
    """Whether one dataset can hold the times of another's samples."""
    return bool(
        times != dataset
        and times.shape is not None
        and len(times.shape) == 1
        and times.dtype.kind in "fiu"
        and dataset.shape
        and len(times) in dataset.shape[:2]
    )


def is_named_as_times(dataset: h5py.Dataset) -> bool:
    """Whether its name says that it holds times."""
    return str(dataset.name).rsplit("/", 1)[-1].casefold() in _TIME_NAMES


def attribute_number(node: Node, name: str) -> float | None:
    """A number among the attributes; what is stored with 32 bits means the decimal that it was written from."""
    value = node.attrs.get(name) if name in node.attrs else None
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, np.float32):
        return float(str(value))
    return number(attribute(node, name))


def scalar(group: h5py.Group, name: str) -> float | None:
    """The number in a dataset that holds only one; None where there is none."""
    dataset = child_dataset(group, name)
    if dataset is None or dataset.size != 1 or dataset.dtype.kind not in "fiu":
        return None
    return float(np.asarray(dataset[()]).ravel()[0])


def _outward(dataset: h5py.Dataset) -> Iterator[Node]:
    yield dataset
    group = dataset.parent
    while True:
        yield group
        if group.name == "/":
            return
        group = group.parent


def _rate_beside(group: h5py.Group) -> float | None:
    by_name = {name.casefold(): name for name in group}
    for wanted in _RATE_NAMES:
        if wanted in by_name and (rate := scalar(group, by_name[wanted])) is not None:
            return rate
    return None
