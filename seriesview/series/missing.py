"""What a manifest says of missing values, and which those of its channels are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from seriesview.envelope.missing import Missing, MissingValues
from seriesview.errors import FormatError
from seriesview.series.fields import NON_FINITE, Fields, json_number, shown


def missing_to_json(missing: Missing) -> dict[str, Any]:
    """The manifest's form: `below` and `above` are left out where there are none."""
    ends = {"below": missing.below, "above": missing.above}
    values = [json_number(value) for value in missing.values]
    return {"values": values, **{key: value for key, value in ends.items() if value is not None}}


def only_missing_value(missing: Missing) -> int | float | None:
    """The one value that is missing, for programs that know of no others; None where there are more, or a range."""
    is_alone = len(missing.values) == 1 and missing.below is None and missing.above is None
    return missing.values[0] if is_alone and math.isfinite(missing.values[0]) else None


def parse_missing(value: Any, where: str, dtype: str) -> Missing | None:
    """What is missing in samples of a dtype; raises FormatError for numbers that the dtype does not hold."""
    if value is None:
        return None
    entry = Fields(value, where)
    values = tuple(_held(item, dtype, f"{where}.values") for item in entry.items("values", []))
    below, above = (
        _held(entry.get(key), dtype, entry.at(key)) if entry.has(key) else None for key in ("below", "above")
    )
    if not all(end is None or math.isfinite(end) for end in (below, above)):
        raise FormatError(f"{where}: below and above are finite numbers, or left out")
    return Missing(values, below, above)


def missing_values(
    dtype: str, of_series: Missing | None, of_channels: Iterable[Missing | None]
) -> MissingValues | None:
    """The missing values of channels: a channel's own come in place of the series'; None: nothing is missing."""
    found = [of_series if own is None else own for own in of_channels]
    if all(each is None or each.is_empty for each in found):
        return None
    return MissingValues(dtype, found)


def _held(value: Any, dtype: str, where: str) -> int | float:
    """A number as the dtype holds it; raises FormatError where it does not."""
    held = np.dtype(dtype)
    if held.kind == "f" and isinstance(value, str) and value in NON_FINITE and value != "NaN":
        return NON_FINITE[value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        if held.kind != "f" and isinstance(value, int):
            limits = np.iinfo(held)
            if limits.min <= value <= limits.max:
                return value
        elif held.kind == "f" and abs(value) <= np.finfo(held).max and float(held.type(value)) == value:
            return float(value)
    raise FormatError(f"{where}: expected a number that {dtype} holds, found {shown(value)}")
