"""What the objects around an HDF5 dataset say of its samples: rate, unit, scale, timestamps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress

import h5py
import numpy as np

from seriesview.readers.hdf5_clock import is_time_coordinate
from seriesview.readers.hdf5_extent import whole
from seriesview.readers.hdf5_file import (
    attribute,
    child,
    child_dataset,
    decimal,
    dtype_of,
    identity_of,
    number,
    raw_attribute,
    text,
)
from seriesview.readers.hdf5_reach import FAILURES, Node, checked_dataset, has_member, parent_of

_RATE_WORDS = (
    ("sampling", "frequency"),
    ("sampling", "rate"),
    ("sample", "rate"),
    ("sample", "frequency"),
    ("sfreq",),
    ("srate",),
    ("rate",),
    ("fs",),
)
_TIME_NAMES = ("timestamps", "timestamp", "times", "time", "t")


def _spellings(words: tuple[str, ...]) -> list[str]:
    titles = [word.capitalize() for word in words]
    forms = [
        "_".join(words),
        "".join(words),
        "_".join(titles),
        "".join(titles),
        words[0] + "".join(titles[1:]),
    ]
    return list(dict.fromkeys([*forms, *(form.upper() for form in forms[:2])]))


_TIME_SPELLINGS = sorted(
    {form for name in _TIME_NAMES for form in (name, name.upper(), name.capitalize())}
    | {"TimeStamps", "timeStamps", "TimeStamp", "timeStamp"}
)
# Looking for each spelling is much faster than listing a group of thousands.
_RATE_SPELLINGS = [spelling for words in _RATE_WORDS for spelling in _spellings(words)]
_RATE_NAMES = list(dict.fromkeys(spelling.casefold() for spelling in _RATE_SPELLINGS))


class Surroundings:
    """Looks around datasets, and at each group only once."""

    def __init__(self) -> None:
        self._rates: dict[tuple[int, int], float | None] = {}
        self._times: dict[tuple[int, int], list[h5py.Dataset]] = {}

    def rate_of(self, dataset: h5py.Dataset) -> float | None:
        """Rate in Hz that the dataset's attributes, or those of the nearest group around it, give; None without one.

        A dataset of a single number beside it, such as `fs` in MATLAB's files, counts as well. It may be no
        usable rate, such as 0.
        """
        rate = _rate_attribute(dataset)
        return self._rate_in(parent_of(dataset)) if rate is None else rate

    def times_of(self, dataset: h5py.Dataset) -> h5py.Dataset | None:
        """The times of the dataset's samples, one each.

        Found in the same group by its name, or as the coordinates of a dimension, as netCDF has them.
        """
        coordinates = [*dimension_scales(dataset), *_auxiliary(dataset)]
        nearby = [*self._named_as_times(parent_of(dataset)), *filter(_holds_times, coordinates)]
        return next((times for times in nearby if is_times_of(times, dataset)), None)

    def _rate_in(self, group: h5py.Group) -> float | None:
        groups = [(identity_of(each), each) for each in _outward(group)]
        rate, passed = None, []
        for identity, each in groups:
            if identity in self._rates:
                rate = self._rates[identity]
                break
            passed.append(identity)
            rate = _rate_attribute(each)
            rate = _rate_member(each) if rate is None else rate
            if rate is not None:
                break
        self._rates.update(dict.fromkeys(passed, rate))
        return rate

    def _named_as_times(self, group: h5py.Group) -> list[h5py.Dataset]:
        identity = identity_of(group)
        if identity not in self._times:
            named = [child_dataset(group, name) for name in _TIME_SPELLINGS if has_member(group, name)]
            self._times[identity] = [times for times in named if times is not None]
        return self._times[identity]


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


def scalar(group: h5py.Group, name: str) -> float | None:
    """The number in a dataset that holds only one; None where there is none."""
    dataset = child_dataset(group, name)
    if dataset is None or dataset.shape is None or dataset.size != 1:
        return None
    dtype = dtype_of(dataset)
    if dtype is None or dtype.kind not in "fiu":
        return None
    with suppress(*FAILURES):
        value = whole(dataset).ravel()[0]
        return float(value) if (exact := decimal(value)) is None else exact
    return None


def _holds_times(dataset: h5py.Dataset) -> bool:
    return is_named_as_times(dataset) or is_time_coordinate(dataset)


def _outward(group: h5py.Group) -> Iterator[h5py.Group]:
    while True:
        yield group
        if group.name in ("/", None):
            return
        group = parent_of(group)


def _rate_attribute(node: Node) -> float | None:
    by_name = {name.casefold(): name for name in node.attrs if isinstance(name, str)}
    rates = (attribute_number(node, by_name[wanted]) for wanted in _RATE_NAMES if wanted in by_name)
    return next((rate for rate in rates if rate is not None), None)


def _rate_member(group: h5py.Group) -> float | None:
    rates = (scalar(group, name) for name in _RATE_SPELLINGS if has_member(group, name))
    return next((rate for rate in rates if rate is not None), None)


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
