"""Writing small NWB 2 files with h5py alone, in the layout that pynwb and MatNWB write."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

START = "2021-04-01T10:15:30-04:00"
TEXT = h5py.string_dtype()


def write_nwb(path: Path, fill: Callable[[h5py.File], object], start: str | None = START) -> Path:
    """An NWB file with what `fill` puts into it."""
    with h5py.File(path, "w") as file:
        describe(file, "NWBFile", nwb_version="2.6.0")
        file["identifier"], file["session_description"] = "id", "text"
        if start is not None:
            file["session_start_time"] = file["timestamps_reference_time"] = start
        file["specifications/core/2.6.0/namespace"] = "{}"
        file["specifications/core/2.6.0/data"] = np.zeros(9)
        file.attrs[".specloc"] = file["specifications"].ref
        fill(file)
    return path


def describe(described: Any, kind: str, **attributes: Any) -> None:
    """The attributes that every NWB object has."""
    described.attrs.update({"namespace": "core", "neurodata_type": kind, "object_id": kind} | attributes)


def series(
    file: h5py.File,
    name: str,
    data: Any,
    kind: str = "TimeSeries",
    rate: Any = None,
    start: float = 0.0,
    timestamps: Any = None,
    **attributes: Any,
) -> h5py.Group:
    """A TimeSeries with `attributes` of its data; `rate`, `timestamps` or neither."""
    group = file.create_group(name)
    describe(group, kind, description="text", comments="text")
    if data is not None:
        group["data"] = data
        if not isinstance(data, h5py.SoftLink | h5py.ExternalLink):
            group["data"].attrs.update(
                {"unit": "volts", "conversion": 1.0, "offset": 0.0, "resolution": -1.0} | attributes
            )
    if rate is not None:
        group["starting_time"] = start
        group["starting_time"].attrs.update({"rate": rate, "unit": "seconds"})
    if timestamps is not None:
        group["timestamps"] = timestamps
        if not isinstance(timestamps, h5py.SoftLink | h5py.ExternalLink):
            group["timestamps"].attrs.update({"interval": np.int32(1), "unit": "seconds"})
    return group


def table(
    file: h5py.File, name: str, kind: str, ids: Sequence[int] | None, columns: dict[str, Any]
) -> h5py.Group:
    """A DynamicTable; columns that are lists of lists are ragged."""
    group = file.create_group(name)
    describe(group, kind, description="text")
    group.attrs.create("colnames", list(columns), dtype=TEXT)
    if ids is not None:
        group["id"] = np.array(ids, np.int64)
    for column, values in columns.items():
        if isinstance(values, list) and values and isinstance(values[0], list):
            flat = [value for row in values for value in row]
            is_text = any(isinstance(value, str) for value in flat)
            group.create_dataset(column, data=flat, dtype=TEXT if is_text else np.float64)
            index = group.create_dataset(
                f"{column}_index", data=np.cumsum([len(row) for row in values]), dtype="u1"
            )
            describe(index, "VectorIndex", target=group[column].ref)
        else:
            is_text = isinstance(values, list) and values and isinstance(values[0], str)
            group.create_dataset(column, data=values, dtype=TEXT if is_text else None)
        describe(group[column], "VectorData", description="text")
    return group


def region(file: h5py.File, name: str, rows: Sequence[int], rows_of: str | None) -> None:
    """A DynamicTableRegion: rows of another table."""
    file.create_dataset(name, data=np.array(rows, np.int64))
    describe(file[name], "DynamicTableRegion", description="text")
    if rows_of is not None:
        file[name].attrs["table"] = file[rows_of].ref
