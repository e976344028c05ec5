"""Tables in memory: pandas, polars and pyarrow; columns of one dtype are the channels of one series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.objects.clocks import clock_of, clock_of_times
from seriesview.objects.held import Clock, HeldRecording, Read, Told, channels_named, described, stored_dtype
from seriesview.readers.protocol import Decision

_MOST_WHOLE = 2**53
_TIME_COLUMNS = ("time", "times", "t", "seconds", "time_s")


@dataclass(frozen=True)
class Column:
    """A column of numbers, (n,), NaN where there is none; `values` None: of something else, `kind`."""

    label: str
    values: npt.NDArray[Any] | None
    kind: str = ""


def recordings_of_pandas(frame: Any, name: str, told: Told) -> list[HeldRecording]:
    """A pandas DataFrame or Series."""
    table = frame.to_frame() if frame.ndim == 1 else frame
    if frame.ndim == 1 and frame.name is None:
        table.columns = [""]
    if table.columns.nlevels > 1:
        labels = [" ".join(str(part) for part in parts) for parts in table.columns]
    else:
        labels = [str(label) for label in table.columns]
    columns = [_of_pandas(table.iloc[:, at], label, name) for at, label in enumerate(labels)]
    index = table.index
    if index.nlevels > 1:
        raise ReaderError(
            f"{name}: its index has {index.nlevels} levels; reset_index() those that are no time"
        )
    is_plain = type(index).__name__ == "RangeIndex" and index.name is None
    if is_plain or told.sampling_frequency is not None or told.times is not None:
        return _recordings(columns, _times_in(columns, name, told), name, told)
    zone = None
    if getattr(index, "tz", None) is not None:
        index, zone = index.tz_convert("UTC").tz_localize(None), "+00:00"
    clock = clock_of_times(index.to_numpy(), name, zone, None, "the index")
    return _recordings(columns, clock, name, told)


def _of_pandas(column: Any, label: str, name: str) -> Column:
    kind = column.dtype
    if isinstance(kind, np.dtype):
        is_number = kind.kind in "biufmM"
        return Column(label, column.to_numpy() if is_number else None, str(kind))
    if getattr(kind, "tz", None) is not None:
        return Column(label, column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(), "UTC")
    if getattr(kind, "_is_numeric", False) or getattr(kind, "_is_boolean", False):
        own = getattr(kind, "numpy_dtype", None) or getattr(kind, "subtype", None)
        if isinstance(own, np.dtype) and own.kind in "biuf" and not column.isna().any():
            return Column(label, column.to_numpy(dtype=own), str(kind))
        return Column(label, _whole(column.to_numpy(dtype=object, na_value=None), label, name), str(kind))
    return Column(label, None, str(kind))


def _whole(values: npt.NDArray[Any], label: str, name: str) -> npt.NDArray[Any]:
    """Numbers out of Python objects, NaN for None; integers stay integers where all are there."""
    absent = np.array([value is None for value in values], bool)
    if not absent.any():
        return np.array(values.tolist())
    there = np.array([value for value in values if value is not None])
    if there.dtype.kind in "iu" and there.size and int(np.abs(there).max()) > _MOST_WHOLE:
        raise ReaderError(
            f"{name}: column {label!r}: integers above 2**53 beside missing ones; fill those with a value"
        )
    found = np.full(len(values), np.nan)
    found[~absent] = there.astype(np.float64) if there.size else there
    return found


def recordings_of_polars(frame: Any, name: str, told: Told) -> list[HeldRecording]:
    """A polars DataFrame or Series."""
    table = frame.to_frame() if not hasattr(frame, "columns") else frame
    columns = []
    for label in table.columns:
        column = table[label]
        dtype = type(column.dtype).__name__
        is_number = column.dtype.is_numeric() or dtype in ("Boolean", "Datetime", "Date", "Duration")
        zone = "UTC" if getattr(column.dtype, "time_zone", None) else dtype
        values = column.to_numpy() if is_number and dtype != "Decimal" else None
        if values is not None and column.null_count() and (column.dtype.is_integer() or dtype == "Boolean"):
            values = _whole(np.array(column.to_list(), object), label, name)
        columns.append(Column(label, values, zone))
    return _recordings(columns, _times_in(columns, name, told), name, told)


def recordings_of_arrow(table: Any, name: str, told: Told) -> list[HeldRecording]:
    """A pyarrow Table."""
    columns = []
    for label, column in zip(table.column_names, table.columns, strict=True):
        kind = str(column.type)
        is_number = kind in ("bool", "halffloat", "float", "double") or kind.startswith(
            ("int", "uint", "timestamp", "date", "duration")
        )
        zone = "UTC" if getattr(column.type, "tz", None) else kind
        values = column.to_numpy() if is_number else None
        if is_number and column.null_count and kind.startswith(("bool", "int", "uint")):
            values = _whole(np.array(column.to_pylist(), object), label, name)
        columns.append(Column(label, values, zone))
    return _recordings(columns, _times_in(columns, name, told), name, told)


def _times_in(columns: list[Column], name: str, told: Told) -> Clock:
    """The clock that is told, else of the first column of dates, else of one called time; it is no channel then."""
    if told.sampling_frequency is not None or told.times is not None:
        return clock_of(told, name)
    for column in columns:
        if column.values is not None and column.values.dtype.kind == "M":
            columns.remove(column)
            zone = "+00:00" if column.kind == "UTC" else None
            return clock_of_times(column.values, name, zone, None, f"column {column.label!r}")
    for column in columns:
        if column.values is not None and column.label.strip().lower() in _TIME_COLUMNS:
            columns.remove(column)
            return clock_of_times(column.values, name, None, None, f"column {column.label!r}")
    return clock_of(told, name)


def _reading(arrays: Sequence[npt.NDArray[Any]]) -> Read:
    return lambda first, last: np.column_stack([array[first:last] for array in arrays])


def _recordings(columns: Sequence[Column], clock: Clock, name: str, told: Told) -> list[HeldRecording]:
    """One recording for each dtype, in the order of the first column of it."""
    groups: dict[np.dtype[Any], list[Column]] = {}
    left_out = []
    for column in columns:
        if column.values is None or column.values.dtype.kind in "mM":
            left_out.append(f"{column.label!r} ({column.kind})")
        else:
            groups.setdefault(stored_dtype(column.values.dtype, name), []).append(column)
    if not groups:
        others = f"; there are {', '.join(left_out)}" if left_out else ""
        raise ReaderError(f"{name}: no column of numbers is left to show{others}")
    if len(groups) > 1 and told.channel_labels is not None:
        raise ReaderError(
            f"{name}: channel_labels: its columns are of {len(groups)} dtypes, shown apart; rename them instead"
        )
    said = [Decision(f"left out, no numbers: {', '.join(left_out)}", is_guess=True)] if left_out else []
    found = []
    for number, (dtype, members) in enumerate(groups.items()):
        arrays = [column.values for column in members if column.values is not None]
        only = f"{name} ({dtype})" if len(groups) > 1 else name
        held = HeldRecording(
            only,
            _reading(arrays),
            dtype,
            len(arrays[0]),
            channels_named([column.label for column in members], told, name),
            clock if number == 0 else replace(clock, decisions=()),
            decisions=said if number == 0 else (),
        )
        found.append(described(held, told))
    return found
