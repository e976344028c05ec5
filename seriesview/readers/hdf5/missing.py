"""Which stored values of an HDF5 dataset stand for none, and as what its integers are meant.

netCDF's and CF's attributes: _FillValue, missing_value, valid_min, valid_max, valid_range, _Unsigned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import h5py
import numpy as np

from seriesview.readers.hdf5.file import number, plain, raw_attribute
from seriesview.readers.hdf5.reach import FAILURES
from seriesview.readers.protocol import Decision, Missing

# What the netCDF library writes where nothing was written; bytes have none.
_NETCDF_FILLS: dict[str, int | float] = {
    "i2": -32767,
    "u2": 65535,
    "i4": -2147483647,
    "u4": 4294967295,
    "i8": -9223372036854775806,
    "u8": 18446744073709551614,
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
}
# Values of packed samples that miss a whole step by no more than rounding.
_NEAR = 1e-4


def meant_dtype(dataset: h5py.Dataset, stored: np.dtype[Any]) -> np.dtype[Any]:
    """The stored dtype, or the one of the other signedness that netCDF's `_Unsigned` asks for."""
    said = str(plain(raw_attribute(dataset, "_Unsigned"))).casefold()
    if (stored.kind, said) in (("i", "true"), ("u", "false")):
        return np.dtype(stored.str.replace(*("iu" if stored.kind == "i" else "ui")))
    return stored


def missing_of(
    dataset: h5py.Dataset, dtype: np.dtype[Any], scale: float = 1.0, offset: float = 0.0
) -> tuple[Missing | None, tuple[Decision, ...]]:
    """Stored values of `dtype` that stand for none, and what is to be said of them.

    As CF has it, attributes are about stored values; a range (or a fill that no stored value can be) of floats,
    where the samples are packed into integers, is about what `scale` and `offset` make of them.
    """
    is_packed = dtype.kind in "iu" and (scale, offset) != (1.0, 0.0)
    values: list[int | float] = []
    decisions: list[Decision] = []
    for name in ("_FillValue", "missing_value"):
        given = _numbers(dataset, name, dtype)
        found = [stored for value in given if (stored := _stored(value, dtype)) is not None]
        if is_packed and not found:
            found = [
                stored for value in given if (stored := _packed(value, dtype, scale, offset)) is not None
            ]
            if found:
                decisions.append(Decision(f"{name} {_listed(given)} is taken for a scaled value", True))
        if found:
            decisions.append(Decision(f"stored {_listed(found)} counts as missing ({name})"))
        elif any(not math.isnan(value) for value in given):
            said = f"{name} is {_listed(given)}, which no {dtype.name} can be, and is not used"
            # Written as a number of the other signedness it may be another one.
            bits = 8 * dtype.itemsize
            may_be_other = dtype.kind in "iu" and any(
                -(2 ** (bits - 1)) <= value < 2**bits for value in given
            )
            said += "; set `missing` to the stored value" if may_be_other else ""
            decisions.append(Decision(said, is_guess=may_be_other))
        values += found
    if raw_attribute(dataset, "_FillValue") is None:
        fill, said, is_guess = _unsaid_fill(dataset, dtype)
        if fill is not None and fill not in values:
            values.append(fill)
            decisions.append(Decision(f"stored {_listed([fill])} counts as missing ({said})", is_guess))
    below, above, said_of_range = _range(dataset, dtype, scale, offset, is_packed)
    missing = Missing(tuple(dict.fromkeys(values)), below, above)
    return (None if missing == Missing() else missing), (*decisions, *said_of_range)


def _range(
    dataset: h5py.Dataset, dtype: np.dtype[Any], scale: float, offset: float, is_packed: bool
) -> tuple[int | float | None, int | float | None, list[Decision]]:
    """The lowest and the highest valid stored value, None where every value is valid, and what is to be said."""
    both = _numbers(dataset, "valid_range", dtype)
    names = ("valid_range", "valid_range") if len(both) == 2 else ("valid_min", "valid_max")
    bounds: list[int | float | None] = [None, None]
    if len(both) == 2:
        bounds = [both[0], both[1]]
    else:
        for side, name in enumerate(names):
            given = _numbers(dataset, name, dtype)
            bounds[side] = given[0] if len(given) == 1 else None
    decisions = []
    is_scaled = [is_packed and _is_float(dataset, name) for name in names]
    if any(is_scaled):
        for side in (0, 1):
            bound = bounds[side]
            if bound is not None and is_scaled[side]:
                bounds[side] = (bound - offset) / scale
        if scale < 0:
            bounds.reverse()
        named = " and ".join(
            dict.fromkeys(name for name, scaled in zip(names, is_scaled, strict=True) if scaled)
        )
        decisions.append(Decision(f"{named}: taken for scaled values, as they are no integers", True))
    below, above = _lowest(bounds[0], dtype), _highest(bounds[1], dtype)
    if below is not None:
        decisions.append(Decision(f"stored values below {_listed([below])} count as missing ({names[0]})"))
    if above is not None:
        decisions.append(Decision(f"stored values above {_listed([above])} count as missing ({names[1]})"))
    return below, above, decisions


def _lowest(bound: int | float | None, dtype: np.dtype[Any]) -> int | float | None:
    """The bound as a stored value; None where nothing is below it."""
    if bound is None or not math.isfinite(bound):
        return None
    if dtype.kind not in "iu":
        return _as_float(bound, dtype)
    if isinstance(bound, int):
        least = bound  # exact, also beyond 2^53
    else:
        least = math.floor(bound + _NEAR) if bound - math.floor(bound + _NEAR) < _NEAR else math.ceil(bound)
    return least if least > np.iinfo(dtype).min else None


def _highest(bound: int | float | None, dtype: np.dtype[Any]) -> int | float | None:
    """The bound as a stored value; None where nothing is above it."""
    if bound is None or not math.isfinite(bound):
        return None
    if dtype.kind not in "iu":
        return _as_float(bound, dtype)
    if isinstance(bound, int):
        most = bound
    else:
        most = math.ceil(bound - _NEAR) if math.ceil(bound - _NEAR) - bound < _NEAR else math.floor(bound)
    return most if most < np.iinfo(dtype).max else None


def _stored(value: int | float, dtype: np.dtype[Any]) -> int | float | None:
    """The value as samples of `dtype` hold it; None where none can be it, or is NaN, which is missing anyway."""
    if isinstance(value, float) and math.isnan(value):
        return None
    if dtype.kind not in "iu":
        return _as_float(value, dtype)
    if isinstance(value, float) and (not math.isfinite(value) or value != math.floor(value)):
        return None
    limits = np.iinfo(dtype)
    return int(value) if limits.min <= value <= limits.max else None


def _packed(value: int | float, dtype: np.dtype[Any], scale: float, offset: float) -> int | float | None:
    """The stored value that `scale` and `offset` turn into this one; None where there is none."""
    if not math.isfinite(value):
        return None
    step = (value - offset) / scale
    return _stored(round(step), dtype) if abs(step - round(step)) < _NEAR else None


def _as_float(value: int | float, dtype: np.dtype[Any]) -> float:
    with np.errstate(over="ignore"):
        return float(dtype.type(value))


def _numbers(dataset: h5py.Dataset, name: str, dtype: np.dtype[Any]) -> list[int | float]:
    """The numbers of an attribute; none where it has something else."""
    raw = raw_attribute(dataset, name)
    if isinstance(raw, np.ndarray | np.generic) and raw.dtype.kind in "iu" and dtype.kind in "iu":
        values = np.asarray(raw).ravel()
        if values.dtype.itemsize == dtype.itemsize and meant_dtype(dataset, values.dtype).kind == dtype.kind:
            values = values.view(values.dtype.str.replace(values.dtype.kind, dtype.kind))
        return [int(value) for value in values]
    return [value for each in _flat(plain(raw)) if (value := _number(each)) is not None]


def _flat(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _number(value: Any) -> int | float | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else number(value)


def _is_float(dataset: h5py.Dataset, name: str) -> bool:
    raw = raw_attribute(dataset, name)
    return raw is not None and np.asarray(raw).dtype.kind not in "iu"


def _unsaid_fill(dataset: h5py.Dataset, dtype: np.dtype[Any]) -> tuple[int | float | None, str, bool]:
    """What stands where nothing was ever written, without an attribute that says so; why, and if that is a guess."""
    if raw_attribute(dataset.file["/"], "_NCProperties") is not None:
        fill = _NETCDF_FILLS.get(dtype.str[1:])
        return (None if fill is None else _stored(fill, dtype)), "what the netCDF library fills with", False
    with suppress(*FAILURES):
        properties = dataset.id.get_create_plist()
        if properties.fill_value_defined() == h5py.h5d.FILL_VALUE_USER_DEFINED:
            fill = plain(dataset.fillvalue)
            if isinstance(fill, int | float) and not isinstance(fill, bool) and fill != 0:
                why = "the dataset's fill value, which stands where nothing was written"
                return _stored(fill, dtype), why, True
    return None, "", False


def _listed(values: Sequence[int | float]) -> str:
    return ", ".join(str(value) if isinstance(value, int) else f"{value:.9g}" for value in values)
