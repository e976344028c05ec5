"""Cells of MATLAB 7.3 files: what is in them lies under other names in the group `#refs#`, and is referred to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import h5py

from seriesview.readers.hdf5.extent import Refused
from seriesview.readers.hdf5.file import walk
from seriesview.readers.protocol import Candidate, Decision

_STORE = "/#refs#"
_OTHERS = "/#subsystem#"
_MOST_CELLS = 1000
_TIMES = ("time", "times", "timestamps", "t")


@dataclass(frozen=True)
class Cell:
    """What a dataset is called in MATLAB (`data.trial{1}`), and the dataset of its times, where there is one."""

    label: str
    times: str | None


def in_their_cells(file: h5py.File, listed: list[Candidate]) -> list[Candidate]:
    """Candidates of a file, of a MATLAB one with cells by their names there, and without what else is stored for it."""
    if _STORE[1:] not in file:
        return listed
    cells = _cells_of(file)
    times = {cell.times for cell in cells.values()}
    found = []
    for candidate in listed:
        path = str(candidate.dataset)
        cell = cells.get(path)
        if cell is not None and path not in times and candidate.problem is None:
            found.append(_with_times(file, replace(candidate, label=cell.label), cell))
        elif not path.startswith((f"{_STORE}/", f"{_OTHERS}/")):
            found.append(candidate)
    return sorted(found, key=lambda each: each.label is None)


def _with_times(file: h5py.File, candidate: Candidate, cell: Cell) -> Candidate:
    """A cell's candidate, by the times beside it where it has no rate; a trial may have more channels than samples."""
    called = Decision(f"{cell.label} in MATLAB")
    candidate = replace(candidate, decisions=(called, *candidate.decisions))
    if cell.times is None or candidate.sampling_frequency is not None:
        return candidate
    shape, count = file[candidate.dataset].shape, file[cell.times].size
    options = {key: value for key, value in candidate.options.items() if key != "sampling_frequency"}
    if len(shape) == 2 and shape[0] == count:
        options.pop("order", None)
        candidate = replace(candidate, shape=shape, decisions=(called,))
    return replace(candidate, options={**options, "timestamps": cell.times})


def _cells_of(file: h5py.File) -> dict[str, Cell]:
    """Cells by the path of the dataset that is in them."""
    found: dict[str, Cell] = {}
    for each in walk(file, skip=(_STORE, _OTHERS)):
        if not isinstance(each.node, h5py.Dataset):
            continue
        name = each.path.rpartition("/")[2]
        paths = list(_referred(file, each.node))
        times = [] if name.casefold() in _TIMES else _times_beside(file, each.node, len(paths))
        for number, path in enumerate(paths):
            label = f"{each.path.strip('/').replace('/', '.')}{{{number + 1}}}"
            found.setdefault(path, Cell(label, times[number] if times else None))
    return found


def _times_beside(file: h5py.File, dataset: h5py.Dataset, count: int) -> list[str]:
    parent = dataset.parent
    for name in parent:
        if name.casefold() in _TIMES and isinstance(parent.get(name), h5py.Dataset):
            found = list(_referred(file, parent[name]))
            if len(found) == count:
                return found
    return []


def _referred(file: h5py.File, dataset: h5py.Dataset) -> Iterator[str]:
    """Paths of the datasets that a cell array refers to, in MATLAB's order."""
    if h5py.check_ref_dtype(dataset.dtype) is not h5py.Reference or not 0 < dataset.size <= _MOST_CELLS:
        return
    for reference in dataset[()].ravel():
        try:
            target = file[reference] if reference else None
        except (KeyError, ValueError, OSError, Refused):
            target = None
        if isinstance(target, h5py.Dataset):
            yield str(target.name)
