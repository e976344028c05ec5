"""What the objects around an HDF5 dataset say of its samples: rate, unit, scale, timestamps."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

import h5py
import numpy as np

from seriesview.readers.clocks import ClockError
from seriesview.readers.hdf5.clock import is_time_coordinate, times_clock
from seriesview.readers.hdf5.file import (
    attribute,
    child,
    child_dataset,
    decimal,
    dtype_of,
    identity_of,
    number,
    outward,
    raw_attribute,
    text,
)
from seriesview.readers.hdf5.rate_scope import Kin, doubt_about
from seriesview.readers.hdf5.rates import Rate, rate_of_attributes, rate_of_members
from seriesview.readers.hdf5.reach import FAILURES, Node, checked_dataset, has_member, parent_of
from seriesview.readers.hdf5.samples import missing_filter

# Rates that differ by less are the same, told with few digits or by a clock of its own.
_SAME_RATE = 0.05
_TIME_NAMES = ("timestamps", "timestamp", "times", "time", "t")


_TIME_SPELLINGS = sorted(
    {form for name in _TIME_NAMES for form in (name, name.upper(), name.capitalize())}
    | {"TimeStamps", "timeStamps", "TimeStamp", "timeStamp"}
)


class Surroundings:
    """Looks around datasets, and at each group only once."""

    def __init__(self) -> None:
        self._rates: dict[tuple[int, int], tuple[Rate, h5py.Group] | None] = {}
        self._times: dict[tuple[int, int], list[h5py.Dataset]] = {}
        self._mean_rates: dict[tuple[int, int], float | None] = {}
        self._scopes: dict[tuple[int, int], list[Kin]] = {}

    def rate_of(self, dataset: h5py.Dataset) -> Rate | None:
        """The rate that the dataset's attributes, or those of the nearest group around it, give; None without one.

        A dataset of a single number beside it, such as `fs` in MATLAB's files, counts as well. It may be no
        usable rate, such as 0. Its problem says where it may not be the dataset's own.
        """
        own = rate_of_attributes(dataset)
        if own is not None:
            return own
        around = self._rate_in(parent_of(dataset))
        if around is None or around[0].problem is not None or usable_rate(around[0].hertz) is None:
            return None if around is None else around[0]
        rate, group = around
        doubt = doubt_about(rate, group, dataset, self._scopes) or self._contradiction(rate, dataset)
        return rate if doubt is None else replace(rate, problem=doubt)

    def _contradiction(self, rate: Rate, dataset: h5py.Dataset) -> str | None:
        """What to set where the times of a dataset's samples say another rate than a group around it."""
        times = self.times_of(dataset)
        if times is None:
            return None
        identity = identity_of(times)
        if identity not in self._mean_rates:
            self._mean_rates[identity] = _mean_rate(times)
        found = self._mean_rates[identity]
        if found is None or abs(found / rate.hertz - 1) < _SAME_RATE:
            return None
        return (
            f"{rate.said}, but {times.name} says {found:.6g} Hz on the average; set `sampling_frequency` (Hz) or "
            f"`timestamps: {times.name}`"
        )

    def times_of(self, dataset: h5py.Dataset) -> h5py.Dataset | None:
        """The times of the dataset's samples, one each.

        Found in the same group by its name, or as the coordinates of a dimension, as netCDF has them.
        """
        coordinates = [*dimension_scales(dataset), *_auxiliary(dataset)]
        nearby = [*self._named_as_times(parent_of(dataset)), *filter(_holds_times, coordinates)]
        return next((times for times in nearby if is_times_of(times, dataset)), None)

    def _rate_in(self, group: h5py.Group) -> tuple[Rate, h5py.Group] | None:
        found, passed = None, []
        for each in outward(group):
            identity = identity_of(each)
            if identity in self._rates:
                found = self._rates[identity]
                break
            passed.append(identity)
            rate = rate_of_attributes(each) or rate_of_members(each)
            if rate is not None:
                found = rate, each
                break
        self._rates.update(dict.fromkeys(passed, found))
        return found

    def _named_as_times(self, group: h5py.Group) -> list[h5py.Dataset]:
        identity = identity_of(group)
        if identity not in self._times:
            named = [child_dataset(group, name) for name in _TIME_SPELLINGS if has_member(group, name)]
            self._times[identity] = [times for times in named if times is not None]
        return self._times[identity]


def _mean_rate(times: h5py.Dataset) -> float | None:
    """Samples a second by the first and the last of their times; None where they count samples, or are no times."""
    dtype = dtype_of(times)
    if dtype is None or missing_filter(times):
        return None
    ends = np.array([times[(0,) * len(times.shape)], times[tuple(size - 1 for size in times.shape)]])
    if ends[1] - ends[0] == times.size - 1 and (ends == np.floor(ends)).all():
        return None
    try:
        first, last = times_clock(times, dtype).seconds(ends).tolist()
    except ClockError:
        return None
    return float(times.size - 1) / (last - first) if last > first else None


def usable_rate(rate: float | None) -> float | None:
    """The rate, if it is one."""
    return rate if rate is not None and math.isfinite(rate) and rate > 0 else None


def unit_of(dataset: h5py.Dataset) -> str:
    """Physical unit of the scaled values, or nothing."""
    return text(attribute(dataset, "unit")) or text(attribute(dataset, "units")) or ""


def vector_length(dataset: h5py.Dataset) -> int | None:
    """How many values a dataset of one dimension has, or one of two of which one is 1; else None."""
    shape = dataset.shape
    if shape is None or len(shape) not in (1, 2) or (len(shape) == 2 and 1 not in shape):
        return None
    return int(np.prod(shape))


def is_times_of(times: h5py.Dataset, dataset: h5py.Dataset) -> bool:
    """Whether one dataset can hold the times of another's samples."""
    dtype, length = dtype_of(times), vector_length(times)
    return bool(
        dtype is not None
        and dtype.kind in "fiu"
        and length is not None
        and length > 1
        and dataset.shape
        and length in dataset.shape[:2]
        and times != dataset
    )


def is_named_as_times(dataset: h5py.Dataset) -> bool:
    """Whether its name says that it holds times."""
    return str(dataset.name).rsplit("/", 1)[-1].casefold() in _TIME_NAMES


def dimension_scales(dataset: h5py.Dataset) -> list[h5py.Dataset]:
    """The coordinates of a dataset's dimensions, as netCDF keeps them."""
    if "DIMENSION_LIST" not in dataset.attrs:
        return []
    with suppress(*FAILURES):
        return [checked_dataset(scale) for dimension in dataset.dims for scale in dimension.values()]
    return []


def _auxiliary(dataset: h5py.Dataset) -> list[h5py.Dataset]:
    """The coordinates that CF's attribute `coordinates` names, beside the dataset or at the root."""
    found = []
    for name in (text(attribute(dataset, "coordinates")) or "").split():
        beside = child_dataset(parent_of(dataset), name)
        beside = beside if beside is not None else child_dataset(dataset.file["/"], name)
        if beside is not None:
            found.append(beside)
    return found


def scale_problem(dataset: h5py.Dataset) -> str | None:
    """Why a netCDF dimension holds no samples; None for everything else."""
    if text(attribute(dataset, "CLASS")) != "DIMENSION_SCALE":
        return None
    if (text(attribute(dataset, "NAME")) or "").startswith("This is a netCDF dimension but not"):
        return "a dimension of other datasets, without values"
    return "the coordinates of a dimension of other datasets" if "REFERENCE_LIST" in dataset.attrs else None


def attribute_number(node: Node, name: str) -> float | None:
    """A number among the attributes."""
    value = raw_attribute(node, name)
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    exact = decimal(value)
    return number(attribute(node, name)) if exact is None else exact


def _holds_times(dataset: h5py.Dataset) -> bool:
    return is_named_as_times(dataset) or is_time_coordinate(dataset)


def is_same(first: Node | None, second: Node) -> bool:
    """Whether two paths led to the same object."""
    return first is not None and identity_of(first) == identity_of(second)


def name_beside(file: h5py.File, path: str, neighbour: h5py.Dataset) -> str:
    """What `timestamps:` calls a dataset found near the one at `path`: from the root on where that leads there."""
    name = str(neighbour.name).rsplit("/", 1)[-1]
    for candidate in (f"{path.rsplit('/', 1)[0]}/{name}", str(neighbour.name)):
        if is_same(child(file, candidate), neighbour):
            return candidate
    return name
