"""Which stored values are missing: what the configuration says, else the file, as the samples' dtype holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seriesview.envelope.missing import Missing, MissingValues
from seriesview.errors import BuildError
from seriesview.readers import protocol
from seriesview.readers.protocol import Recording

Number = int | float


def missing_from_config(value: Any) -> protocol.Missing:
    """What the configuration's `missing` says: a number, a list of numbers, or {values, below, above}."""
    if isinstance(value, Mapping):
        return protocol.Missing(tuple(value.get("values") or ()), value.get("below"), value.get("above"))
    return protocol.Missing(tuple(value) if isinstance(value, Sequence) else (value,))


def missing_of_recording(
    recording: Recording, configured: protocol.Missing | None, dtype: np.dtype[Any]
) -> tuple[Missing | None, list[Missing | None]]:
    """What is missing in a series of samples of `dtype`, and in each channel that has its own.

    What the configuration says stands for all channels. Raises BuildError where the dtype has no such values; those
    that a file names beside them are left out.
    """
    if configured is not None:
        return _held(configured, dtype, is_asked_for=True), [None] * recording.num_channels
    whole = None if recording.missing is None else _held(recording.missing, dtype, is_asked_for=False)
    return whole, [
        None if channel.missing is None else _held(channel.missing, dtype, is_asked_for=False)
        for channel in recording.channels
    ]


def missing_values_of(
    whole: Missing | None, channels: Sequence[Missing | None], dtype: np.dtype[Any]
) -> MissingValues | None:
    """The missing values of all channels, or None where nothing is."""
    found = [whole if own is None else own for own in channels]
    if all(each is None or each.is_empty for each in found):
        return None
    return MissingValues(dtype, found)


def _held(missing: protocol.Missing, dtype: np.dtype[Any], *, is_asked_for: bool) -> Missing:
    """The same in numbers that the dtype holds; ends that leave out nothing are left out."""
    values: list[Number] = []
    for value in missing.values:
        held = _as_held(value, dtype)
        if held is not None and held not in values:
            values.append(held)
        elif held is None and is_asked_for and not math.isnan(value):
            raise BuildError(
                f"missing: samples of dtype {dtype} are never {value}; name values as they are stored"
            )
    below, above = _lower_end(missing.below, dtype), _upper_end(missing.above, dtype)
    lowest, highest = _ends_of(dtype)
    if (below is not None and below > highest) or (above is not None and above < lowest):
        raise BuildError(
            f"missing: below {missing.below} and above {missing.above} leave no value of dtype {dtype}; "
            "name the ends of the valid range as they are stored"
        )
    if below is not None and above is not None and below > above:
        raise BuildError(f"missing: below {missing.below} and above {missing.above} leave no value")
    return Missing(
        tuple(values),
        None if below is None or below <= lowest else below,
        None if above is None or above >= highest else above,
    )


def _as_held(value: Number, dtype: np.dtype[Any]) -> Number | None:
    """The number as samples have it: floats rounded to their dtype, integers exactly; None where they have none."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            held = float(dtype.type(value))
        return None if math.isnan(held) or (math.isinf(held) and not math.isinf(value)) else held
    if not math.isfinite(value) or value != int(value):
        return None
    limits = np.iinfo(dtype)
    return int(value) if limits.min <= int(value) <= limits.max else None


def _lower_end(below: Number | None, dtype: np.dtype[Any]) -> Number | None:
    """The lowest number of the dtype (for integers, of all) that is not below `below`; None where there is no end."""
    if below is None or math.isnan(below) or below == -math.inf:
        return None
    if dtype.kind != "f":
        return math.ceil(below) if math.isfinite(below) else below
    return _beside(below, dtype, math.inf)


def _upper_end(above: Number | None, dtype: np.dtype[Any]) -> Number | None:
    """The highest number of the dtype (for integers, of all) that is not above `above`; None where there is no end."""
    if above is None or math.isnan(above) or above == math.inf:
        return None
    if dtype.kind != "f":
        return math.floor(above) if math.isfinite(above) else above
    return _beside(above, dtype, -math.inf)


def _beside(end: Number, dtype: np.dtype[Any], side: float) -> float:
    """The number of a float dtype that is nearest to `end` on one side of it."""
    with np.errstate(over="ignore"):
        held = dtype.type(end)
    if (float(held) - end) * side < 0:
        held = np.nextafter(held, dtype.type(side))
    return float(held)


def _ends_of(dtype: np.dtype[Any]) -> tuple[Number, Number]:
    if dtype.kind == "f":
        limits = np.finfo(dtype)
        return float(limits.min), float(limits.max)
    integers = np.iinfo(dtype)
    return int(integers.min), int(integers.max)
