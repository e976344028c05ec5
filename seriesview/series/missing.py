"""What a manifest says of missing values, and which those of its channels are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from seriesview.documents.expectations import ExtendedNumber
from seriesview.documents.problems import shown
from seriesview.envelope.missing import Missing, MissingValues
from seriesview.errors import FormatError
from seriesview.series.fields import FiniteNumber, json_number


def missing_to_json(missing: Missing) -> dict[str, Any]:
    """The manifest's form: `below` and `above` are left out where there are none."""
    ends = {"below": missing.below, "above": missing.above}
    values = [json_number(value) for value in missing.values]
    return {"values": values, **{key: value for key, value in ends.items() if value is not None}}


def only_missing_value(missing: Missing) -> int | float | None:
    """The one value that is missing, for programs that know of no others; None where there are more, or a range."""
    is_alone = len(missing.values) == 1 and missing.below is None and missing.above is None
    return missing.values[0] if is_alone and math.isfinite(missing.values[0]) else None


@dataclass(frozen=True)
class MissingKeys:
    """Stored values that stand for no value, as a manifest names them."""

    values: tuple[Annotated[float, ExtendedNumber("Infinity", "-Infinity")], ...] = ()
    below: FiniteNumber | None = None
    above: FiniteNumber | None = None


class MissingForm:
    """Annotation of `Missing`: the form that it has in a manifest."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            lambda keys: Missing(keys.values, keys.below, keys.above), handler.generate_schema(MissingKeys)
        )


def held(missing: Missing, dtype: str) -> Missing:
    """What is missing in samples of a dtype; raises FormatError for numbers that the dtype does not hold."""
    below, above = (None if end is None else _held(end, dtype) for end in (missing.below, missing.above))
    return Missing(tuple(_held(value, dtype) for value in missing.values), below, above)


def missing_values(
    dtype: str, of_series: Missing | None, of_channels: Iterable[Missing | None]
) -> MissingValues | None:
    """The missing values of channels: a channel's own come in place of the series'; None: nothing is missing."""
    found = [of_series if own is None else own for own in of_channels]
    if all(each is None or each.is_empty for each in found):
        return None
    return MissingValues(dtype, found)


def _held(value: float, dtype: str) -> int | float:
    """A number as the dtype holds it; raises FormatError where it does not."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        if math.isinf(value) or (
            abs(value) <= float(np.finfo(kind).max) and float(kind.type(value)) == value
        ):
            return float(value)
    elif isinstance(value, int) and np.iinfo(kind).min <= value <= np.iinfo(kind).max:
        return value
    raise FormatError(f"expected a number that {dtype} holds, found {shown(value)}")
