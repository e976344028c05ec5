"""xarray: a DataArray is a series, a Dataset one for each variable over time."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from seriesview.errors import ReaderError
from seriesview.objects.clocks import clock_of
from seriesview.objects.held import HeldRecording, Told, channels_named, described
from seriesview.readers.protocol import Decision

_TIME_NAMES = ("time", "times", "t")


def recordings_of_xarray(data: Any, name: str, told: Told) -> list[HeldRecording]:
    """A DataArray or a Dataset; what is not over time is left out, and said. Raises ReaderError."""
    if not hasattr(data, "data_vars"):
        return [_recording(data, str(data.name or name), told)]
    shown = {key: each for key, each in data.data_vars.items() if time_dimension(each) is not None}
    left_out = [f"{key!r}" for key in data.data_vars if key not in shown]
    others = [f"{key!r} ({each.dtype})" for key, each in shown.items() if each.dtype.kind not in "biuf"]
    found = [_recording(each, str(key), told) for key, each in shown.items() if each.dtype.kind in "biuf"]
    if not found:
        raise ReaderError(f"{name}: no variable of numbers over time; name a dimension `time`")
    for why, names in (("as they are not over time", left_out), ("no numbers", others)):
        if names:
            said = Decision(f"left out, {why}: {', '.join(names)}", is_guess=True)
            found[0].decisions = (*found[0].decisions, said)
    return found


def time_dimension(array: Any) -> str | None:
    """The dimension that is time: one of dates, else one that is called so, else one of durations; or None."""
    kinds = {str(each): array.coords[each].dtype.kind for each in array.dims if each in array.coords}
    names = [str(each) for each in array.dims]
    found = [
        *(each for each in names if kinds.get(each) == "M"),
        *(each for each in names if each.lower() in _TIME_NAMES),
        *(each for each in names if kinds.get(each) == "m"),
    ]
    return found[0] if found else None


def _recording(array: Any, name: str, told: Told) -> HeldRecording:
    dimension = time_dimension(array)
    decisions = []
    if dimension is None:
        if not array.dims:
            raise ReaderError(f"{name}: a single value has no time")
        axis = told.time_axis or 0
        if told.time_axis is None and max(array.shape) > array.shape[0] > 1:
            raise ReaderError(
                f"{name}: no dimension is called time ({', '.join(map(str, array.dims))}); rename it"
            )
        if not -array.ndim <= axis < array.ndim:
            raise ReaderError(f"{name}: time_axis is {axis}, and there are {array.ndim} dimensions")
        dimension = str(array.dims[axis])
        decisions.append(Decision(f"dimension {dimension!r} is taken for time", is_guess=True))
    others = [each for each in array.dims if each != dimension]
    ordered = array.transpose(dimension, *others)
    coordinate = array.coords.get(dimension)
    clock = clock_of(
        told,
        name,
        None if coordinate is None else coordinate.values,
        unit=None
        if coordinate is None or "units" not in coordinate.attrs
        else str(coordinate.attrs["units"]),
        what=f"coordinate {dimension!r}",
    )
    names = [[_text(value) for value in array[each].values] for each in others]
    labels = [" ".join(parts) for parts in product(*names)]
    held = HeldRecording(
        name,
        lambda first, last: np.asarray(ordered[first:last].values).reshape(last - first, -1),
        array.dtype,
        array.sizes[dimension],
        channels_named(labels if others else [""], told, name),
        clock,
        unit=str(array.attrs.get("units", "")),
        label=str(array.attrs.get("long_name", "")) or name,
        decisions=decisions,
    )
    assert held.num_channels == math.prod(array.sizes[each] for each in others)
    return described(held, told)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
