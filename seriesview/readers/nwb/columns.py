"""Columns of NWB's tables: plain ones, ragged ones with an index, and ones whose values are numbers of others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.readers.hdf5.extent import whole
from seriesview.readers.hdf5.file import child_dataset, dtype_of, plain
from seriesview.readers.hdf5.reach import FAILURES, checked_dataset, has_member
from seriesview.readers.hdf5.samples import missing_filter


class UnfitError(ValueError):
    """A column that does not fit to its table; the message names it."""


def vector(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """All values of a dataset, flat; none of an empty one."""
    return np.empty(0) if dataset.shape is None else whole(dataset).reshape(-1)


def column(table: h5py.Group, name: str, rows: int | None = None) -> list[Any] | None:
    """The values of a plain column, one a row, as numbers and texts; None where there is no such column.

    Raises UnfitError where it has another number of rows, or is coded by texts that it does not have.
    """
    dataset = child_dataset(table, name)
    dtype = None if dataset is None else dtype_of(dataset)
    if dataset is None or dtype is None or h5py.check_ref_dtype(dtype) or missing_filter(dataset):
        return None
    if dataset.shape is None or len(dataset.shape) != 1:
        return None
    if rows is not None and len(dataset) != rows:
        raise UnfitError(f"column {name} has {len(dataset)} values for {rows} rows")
    stored = whole(dataset)
    if "elements" in dataset.attrs:
        return _elements(dataset, name, stored)
    if stored.dtype.kind in "iufb":
        return list(stored.tolist())
    return [plain(value) for value in stored.tolist()]


def ends_of_rows(table: h5py.Group, name: str, size: int) -> npt.NDArray[np.int64]:
    """Where the values of each row of a ragged column of `size` values end (rows,). Raises UnfitError."""
    index = child_dataset(table, f"{name}_index")
    dtype = None if index is None else dtype_of(index)
    if index is None or dtype is None or dtype.kind not in "iuf" or len(index.shape or (0,)) != 1:
        raise UnfitError(f"{name}_index is damaged: it does not hold one number a row")
    _check_target(table, index, name)
    stored = vector(index)
    are_whole = np.isfinite(stored) & (stored == np.floor(stored)) & (stored >= 0) & (stored <= size)
    if not are_whole.all():
        row = int(np.argmin(are_whole))
        raise UnfitError(f"{name}_index is damaged: row {row} ends at {stored[row]} of {size} values")
    ends: npt.NDArray[np.int64] = stored.astype(np.int64)
    if (np.diff(ends) < 0).any():
        row = int(np.argmax(np.diff(ends) < 0)) + 1
        raise UnfitError(f"{name}_index is damaged: row {row} ends at {ends[row]}, before the one above it")
    if (ends[-1] if len(ends) else 0) != size:
        raise UnfitError(f"{name}_index is damaged: its last row ends before the last of {size} values")
    return ends


def ragged_column(table: h5py.Group, name: str, rows: int) -> list[list[Any]] | None:
    """The values of a column that has several a row; None where there is no such column. Raises UnfitError."""
    values = column(table, name)
    if values is None or not has_member(table, f"{name}_index"):
        return None
    ends = ends_of_rows(table, name, len(values)).tolist()
    if len(ends) != rows:
        raise UnfitError(f"{name}_index has {len(ends)} rows, but the table {rows}")
    return [values[first:last] for first, last in pairwise([0, *ends])]


def row_ids(table: h5py.Group) -> list[str]:
    """The id of each row of a table."""
    return [str(value) for value in column(table, "id") or []]


def first_column(
    table: h5py.Group, names: Sequence[str], rows: int, notes: list[str], may_be_empty: bool = False
) -> list[Any] | None:
    """The first of these columns that has a value in each row; what is wrong with others is added to `notes`."""
    for name in names:
        try:
            values = column(table, name, rows)
        except UnfitError as error:
            notes.append(f"{error}: left out")
            continue
        if values is not None and (may_be_empty or not any(value is None or value == "" for value in values)):
            return values
    return None


def _elements(dataset: h5py.Dataset, name: str, stored: npt.NDArray[Any]) -> list[Any]:
    """The texts that the column's numbers stand for."""
    try:
        texts = checked_dataset(dataset.file[dataset.attrs["elements"]])
        elements = [plain(value) for value in whole(texts).tolist()]
    except FAILURES as error:
        raise UnfitError(f"column {name} is coded by texts that are not there") from error
    if (
        stored.dtype.kind not in "iu"
        or (stored.size and int(stored.max()) >= len(elements))
        or (stored < 0).any()
    ):
        raise UnfitError(f"column {name} has codes beyond its {len(elements)} texts")
    return [elements[code] for code in stored.tolist()]


def _check_target(table: h5py.Group, index: h5py.Dataset, name: str) -> None:
    """Raise UnfitError where an index says that it is another column's."""
    reference = index.attrs.get("target")
    if not isinstance(reference, h5py.Reference) or not reference:
        return
    try:
        target = index.file[reference]
    except FAILURES:
        # Copying programs leave references that lead nowhere; whose index it is its name says as well.
        return
    if target != child_dataset(table, name):
        raise UnfitError(f"{name}_index is damaged: it is the index of {target.name}")
