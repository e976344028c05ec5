"""Whether a rate that stands around an HDF5 dataset, at its group or at the root, can be the dataset's own."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from seriesview.readers.hdf5.clock import is_time_coordinate
from seriesview.readers.hdf5.extent import whole
from seriesview.readers.hdf5.file import child, dtype_of, identity_of, names
from seriesview.readers.hdf5.rates import Rate, rate_of_attributes, rate_of_members
from seriesview.readers.hdf5.samples import samples_problem

_MOMENTS = re.compile(
    r"times?|timestamps?|onsets?|offsets?|events?|spikes?|triggers?|trials?|stim(?:ulus|uli|s)?|licks?|rewards?|pokes?|"
    r"peaks?|ttls?|markers?|ind(?:ex|exes|ices)|ids?|starts?|stops?|ends?|epochs?|intervals?|labels?",
    re.IGNORECASE,
)
_MOST_COMPARED = 100
_MOST_ALIKE = 3
_FEW = 100
_MOST_MOMENTS = 10_000


@dataclass(frozen=True)
class Kin:
    """A dataset below a group with a rate: its name without digits, and how many samples it may have."""

    path: str
    pattern: str
    length: int
    are_moments: bool


def doubt_about(
    rate: Rate, group: h5py.Group, dataset: h5py.Dataset, scopes: dict[tuple[int, int], list[Kin]]
) -> str | None:
    """Why the rate that stands at a group may not be a dataset's own, and what to set; None where it can be meant.

    `scopes` keeps what is found below each group.
    """
    identity = identity_of(group)
    if identity not in scopes:
        scopes[identity] = list(_below(group))
    own = _kin(str(dataset.name), dataset)
    reason = None
    if own.are_moments:
        reason = "they look like moments or numbers of something"
    else:
        others = [kin for kin in scopes[identity] if kin.pattern != own.pattern and not kin.are_moments]
        longest = max((kin.length for kin in others), default=0)
        if own.length <= _FEW < longest:
            reason = f"others have {longest}"
        else:
            differing = [kin for kin in others if kin.length > _FEW and not _is_alike(kin.length, own.length)]
            if differing:
                reason = f"{differing[0].path} has {differing[0].length}, and cannot have it too"
    if reason is None:
        return None
    return (
        f"the rate of {rate.said} may not be that of these {own.length} values ({reason}); set "
        "`sampling_frequency` (Hz) or `timestamps`, or `type: event` where they are times"
    )


def _kin(path: str, dataset: h5py.Dataset) -> Kin:
    length = max(dataset.shape)
    return Kin(path, _pattern(path), length, _are_moments(path, dataset, length))


def _pattern(path: str) -> str:
    return re.sub(r"\d+", "#", path)


def _below(group: h5py.Group) -> Iterator[Kin]:
    """Datasets below a group whose rate may be that of the group.

    Not all, as there may be thousands: of those whose names differ in digits alone the first ones.
    """
    waiting, seen, compared = deque([group]), {identity_of(group)}, 0
    alike: dict[str, int] = {}
    while waiting:
        inner = waiting.popleft()
        for name in names(inner):
            pattern = _pattern(f"{inner.name}/{name}")
            alike[pattern] = alike.get(pattern, 0) + 1
            node = child(inner, name) if alike[pattern] <= _MOST_ALIKE else None
            if node is None or identity_of(node) in seen:
                continue
            seen.add(identity_of(node))
            if isinstance(node, h5py.Group):
                if rate_of_attributes(node) is None and rate_of_members(node) is None:
                    waiting.append(node)
            elif samples_problem(node) is None and node.size > 1 and rate_of_attributes(node) is None:
                yield _kin(f"{str(inner.name).rstrip('/')}/{name}", node)
                compared += 1
                if compared == _MOST_COMPARED:
                    return


def _are_moments(path: str, dataset: h5py.Dataset, length: int) -> bool:
    """Whether values are called like moments or numbers of something, or rise from one to the next, unevenly or few."""
    if dataset.size != length:
        return False
    words = re.split(r"[^A-Za-z]+|(?<=[a-z])(?=[A-Z])", path.rpartition("/")[2])
    if any(word and _MOMENTS.fullmatch(word) for word in words) or is_time_coordinate(dataset):
        return True
    dtype = dtype_of(dataset)
    if length > _MOST_MOMENTS or dtype is None or dtype.kind not in "fiu":
        return False
    steps = np.diff(whole(dataset).astype(np.float64).ravel())
    rise = bool(len(steps) and (steps > 0).all())
    return rise and (length <= 10 or not np.allclose(steps, steps[0], rtol=1e-3))


def _is_alike(first: int, second: int) -> bool:
    return abs(first - second) <= max(1, max(first, second) // 1000)
