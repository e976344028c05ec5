"""On which electrode each unit is largest: a column that says so, the only one it has, or by the mean of its spikes."""

from __future__ import annotations

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.readers.hdf5.extent import extent_problem
from seriesview.readers.hdf5.file import child, child_dataset, dtype_of
from seriesview.readers.hdf5.reach import has_member
from seriesview.readers.hdf5.samples import missing_filter
from seriesview.readers.nwb.columns import UnfitError, column, ends_of_rows, row_ids
from seriesview.readers.nwb.regions import ELECTRODES, referred_rows

_PEAK = "peak_channel_id"
_UNITS_AT_ONCE = 64
_MOST_BYTES = 64 << 20


def best_channels(table: h5py.Group, rows: int, notes: list[str]) -> list[str | None]:
    """The id of an electrode for each of a table's rows, None where that is not known; `notes` gets why it is not."""
    nothing: list[str | None] = [None] * rows
    try:
        named = _named(table, rows)
        if named is not None and any(named):
            return named
        if not has_member(table, "electrodes"):
            return nothing
        region = child_dataset(table, "electrodes")
        if region is None:
            raise UnfitError("its electrodes cannot be opened")
        size = int(np.prod(region.shape or (0,)))
        ends = (
            ends_of_rows(table, "electrodes", size)
            if has_member(table, "electrodes_index")
            else np.arange(1, size + 1)
        )
        if len(ends) != rows:
            raise UnfitError(f"its electrodes are those of {len(ends)} rows, and there are {rows}")
        electrodes, referred = referred_rows(region, size)
        ids = row_ids(electrodes)
        if len(set(ids)) != len(ids):
            raise UnfitError("ids of electrodes are not unique")
    except UnfitError as error:
        notes.append(f"{error}: on which channels units are is not known")
        return nothing
    counts = np.diff(ends, prepend=0)
    places = np.where(counts == 1, 0, -1)
    if (counts > 1).any():
        places = np.where(counts > 1, _largest(table, counts, notes), places)
    return [
        ids[referred[end - count + place]] if place >= 0 else None
        for end, count, place in zip(ends.tolist(), counts.tolist(), places.tolist(), strict=True)
    ]


def _named(table: h5py.Group, rows: int) -> list[str | None] | None:
    """What a column of ids of electrodes says; None where there is no such column. Raises UnfitError."""
    values = column(table, _PEAK, rows)
    if values is None:
        return None
    electrodes = child(table.file, ELECTRODES)
    known = set(row_ids(electrodes)) if isinstance(electrodes, h5py.Group) else set()
    texts = [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values
    ]
    return [text if text in known else None for text in texts]


def _largest(table: h5py.Group, counts: npt.NDArray[np.int64], notes: list[str]) -> npt.NDArray[np.int64]:
    """Which of each unit's electrodes its mean spike is largest on, from peak to trough (units,); -1: not known."""
    places = np.full(len(counts), -1, np.int64)
    means = child_dataset(table, "waveform_mean")
    several = f"{int((counts > 1).sum())} units are on several electrodes each"
    dtype = None if means is None else dtype_of(means)
    if means is None or dtype is None or dtype.kind not in "iuf" or missing_filter(means):
        notes.append(f"{several}, and no waveform_mean says on which they are largest")
        return places
    shape: tuple[int, ...] = means.shape or ()
    if len(shape) != 3 or shape[0] != len(counts) or 0 in shape or extent_problem(means):
        notes.append(f"{several}, and waveform_mean, of the shape {shape}, is not one for each of those")
        return places
    if means.size * dtype.itemsize > _MOST_BYTES:
        notes.append(f"{several}, and waveform_mean is too large to look on which: {means.nbytes} bytes")
        return places
    for first in range(0, len(counts), _UNITS_AT_ONCE):
        some = np.asarray(means[first : first + _UNITS_AT_ONCE], np.float64)
        heights = some.max(axis=1) - some.min(axis=1)
        heights[~np.isfinite(heights)] = 0
        is_known = (heights.max(axis=1) > 0) & (counts[first : first + len(some)] == shape[2])
        places[first : first + len(some)] = np.where(is_known, heights.argmax(axis=1), -1)
    return places
