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
    found = [_recording(each, str(key), told) for key, each in shown.items() if each.dtype.kind in "biuf"]
    if not found:
        raise ReaderError(f"{name}: no variable of numbers over time; name a dimension `time`")
    if left_out:
        said = Decision(f"left out, as they are not over time: {', '.join(left_out)}", is_guess=True)
        found[0].decisions = (*found[0].decisions, said)
    return found


def time_dimension(array: Any) -> str | None:
    """The dimension that is time: one of dates, else one that is called so; None where there is none."""
    for dimension in array.dims:
        if dimension in array.coords and array.coords[dimension].dtype.kind in "mM":
            return str(dimension)
    return next((str(each) for each in array.dims if str(each).lower() in _TIME_NAMES), None)


def _recording(array: Any, name: str, told: Told) -> HeldRecording:
    dimension = time_dimension(array)
    decisions = []
    if dimension is None:
        if not array.dims:
            raise ReaderError(f"{name}: a single value has no time")
        axis = told.time_axis or 0
        dimension = str(array.dims[axis])
        decisions.append(Decision(f"dimension {dimension!r} is taken for time", is_guess=True))
    others = [each for each in array.dims if each != dimension]
    ordered = array.transpose(dimension, *others)
    coordinate = array.coords.get(dimension)
    clock = clock_of(
        told,
        name,
        None if coordinate is None else coordinate.values,
        unit=None if coordinate is None else coordinate.attrs.get("units"),
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
