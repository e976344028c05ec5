"""What turns the stored values of an HDF5 dataset into physical ones: scales, offsets and units of its attributes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np

from seriesview.readers.hdf5.extent import whole
from seriesview.readers.hdf5.file import (
    attribute,
    child_dataset,
    decimal,
    dtype_of,
    names,
    number,
    outward,
    plain,
    text,
)
from seriesview.readers.hdf5.reach import Node, parent_of
from seriesview.readers.protocol import Channel, Decision

# Names without case and underscores, and the unit that they convert to, where the name says it.
_SCALES = {
    "scalefactor": "",
    "conversion": "",
    "conversionfactor": "",
    "scale": "",
    "scalingfactor": "",
    "gaintouv": "uV",
    "uvperbit": "uV",
    "microvoltsperbit": "uV",
    "mvperbit": "mV",
    "millivoltsperbit": "mV",
    "voltsperbit": "V",
    "vperbit": "V",
}
_GUESSED_SCALES = ("gain", "scaling", "lsb", "bitvolts")
_ALL_SCALES = (*_SCALES, *_GUESSED_SCALES)
_LISTED = 500
_OFFSETS = ("addoffset", "offsettouv")
_CHANNEL_FACTORS = "channelconversion"
_UNITS = ("unit", "units", "physicalunit")
_NO_UNITS = ("1", "none", "unknown", "n/a", "na", "no unit")


@dataclass(frozen=True)
class Scaling:
    """Physical value = stored * scale + offset, in `unit`; lists are one a channel and go before the single ones.

    `problem` says why they are not known, and what to set.
    """

    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    units: tuple[str, ...] | None = None
    scales: tuple[float, ...] | None = None
    offsets: tuple[float, ...] | None = None
    problem: str | None = None
    decisions: tuple[Decision, ...] = ()

    def of_channels(self, channels: Sequence[Channel]) -> tuple[Channel, ...]:
        """The channels, with what is said of each alone."""
        lists: dict[str, Sequence[Any] | None] = {
            "unit": self.units,
            "scale": self.scales,
            "offset": self.offsets,
        }
        return tuple(
            replace(channel, **{name: values[index] for name, values in lists.items() if values is not None})
            for index, channel in enumerate(channels)
        )


class _UnclearError(Exception):
    """Attributes that can be meant in more than one way; the message says what to set."""


def scaling_of(dataset: h5py.Dataset, num_channels: int) -> Scaling:
    """What a dataset's attributes make of its stored values."""
    named = attributes_by_name(dataset)
    units = next((texts for name in _UNITS if (texts := _texts(dataset, named.get(name)))), [])
    unit, channel_units = (units[0], None) if len(units) == 1 else ("", None)
    if len(units) == num_channels > 1:
        unit, channel_units = "", tuple(units)
        if len(set(units)) == 1:
            unit, channel_units = units[0], None
    found = Scaling(unit=unit, units=channel_units)
    try:
        return _scaled(dataset, named, found, num_channels)
    except _UnclearError as error:
        return replace(found, problem=str(error))


def attributes_by_name(node: Node) -> dict[str, str]:
    """The names of a node's attributes by what they are without case, blanks and underscores."""
    return {plain_name(name): name for name in node.attrs if isinstance(name, str)}


def plain_name(name: str) -> str:
    """A name without case, blanks, hyphens and underscores."""
    return name.casefold().replace("_", "").replace(" ", "").replace("-", "")


def _scaled(dataset: h5py.Dataset, named: dict[str, str], found: Scaling, num_channels: int) -> Scaling:
    sure = [name for name in _SCALES if name in named]
    guessed = [name for name in _GUESSED_SCALES if name in named]
    decisions: list[Decision] = [] if sure or guessed else _of_others(dataset)
    factors = np.ones(1)
    name = ""
    if sure or guessed:
        key = (sure or guessed)[0]
        name = named[key]
        factors = _factors(dataset, name, num_channels)
        for other in [*sure, *guessed][1:]:
            if sure and other in guessed:
                decisions.append(
                    Decision(f"its attribute {named[other]} is left out beside its {name}", True)
                )
            elif not np.array_equal(factors, _factors(dataset, named[other], num_channels)):
                raise _UnclearError(f"its attributes {name} and {named[other]} differ; set `scale`")
        if not sure:
            _check_gain(dataset, name, factors)
        unit = _SCALES.get(key, "")
        if unit:
            found = replace(found, unit=unit, units=None)
        elif key == "bitvolts" and not (found.unit or found.units):
            # What Open Ephys calls so is microvolts; a step of a millivolt and more is no converter's.
            found = replace(found, unit="uV" if float(np.abs(factors).max()) > 1e-3 else "V")
        if not (factors == 1).all():
            what = "stored values are multiplied by"
            of_unit = f" ({found.unit})" if found.unit else ""
            decisions.append(Decision(f"{what} {_listed(factors)}{of_unit}: its attribute {name}", not sure))
    factors = factors * _channel_factors(dataset, named, num_channels)
    offsets = _offsets(dataset, named, num_channels, factors, bool(sure), decisions)
    return replace(
        found,
        scale=float(factors[0]) if len(factors) == 1 else 1.0,
        scales=tuple(factors.tolist()) if len(factors) > 1 else None,
        offset=float(offsets[0]) if len(offsets) == 1 else 0.0,
        offsets=tuple(offsets.tolist()) if len(offsets) > 1 else None,
        decisions=tuple(decisions),
    )


def _of_others(dataset: h5py.Dataset) -> list[Decision]:
    """What is to be said of a scale that stands around a dataset without one, and may be meant for it."""
    for group in outward(parent_of(dataset)):
        named = attributes_by_name(group)
        values = {named[name]: number(attribute(group, named[name])) for name in _ALL_SCALES if name in named}
        beside = (
            [name for name in names(group) if plain_name(name) in _ALL_SCALES]
            if len(group) <= _LISTED
            else []
        )
        for name in beside:
            member = child_dataset(group, name)
            if member is not None and member != dataset and member.size == 1:
                values[name] = number(plain(whole(member)))
        for name, value in values.items():
            if value is not None and value != 1:
                said = f"{name} of {group.name} is {value:.9g}: not used; set `scale` where it is that of these values"
                return [Decision(said, is_guess=True)]
    return []


def _check_gain(dataset: h5py.Dataset, name: str, factors: np.ndarray[Any, Any]) -> None:
    """Raise _UnclearError where a gain may as well be what an amplifier multiplied with before."""
    dtype = dtype_of(dataset)
    is_amplifier = bool(((factors == np.floor(factors)) & (np.abs(factors) > 1)).any())
    if (factors == 1).all() or (dtype is not None and dtype.kind in "iu" and not is_amplifier):
        return
    raise _UnclearError(
        f"its attribute {name} is {_listed(factors)}: either the values are to be multiplied by it, or an amplifier "
        f"did; set `scale: {_listed(factors[:1])}`, or `scale: 1`"
    )


def _channel_factors(
    dataset: h5py.Dataset, named: dict[str, str], num_channels: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Factors beside those of all, of an attribute or of a dataset beside this one."""
    if _CHANNEL_FACTORS in named:
        return _factors(dataset, named[_CHANNEL_FACTORS], num_channels)
    beside = child_dataset(parent_of(dataset), "channel_conversion")
    if beside is None or beside == dataset:
        return np.ones(1)
    if beside.shape not in ((1,), (num_channels,)):
        raise _UnclearError(
            f"channel_conversion has the shape {beside.shape}, but there are {num_channels} channels; set `scale`"
        )
    return _checked(whole(beside).astype(np.float64), "channel_conversion")


def _offsets(
    dataset: h5py.Dataset,
    named: dict[str, str],
    num_channels: int,
    factors: np.ndarray[Any, Any],
    is_sure: bool,
    decisions: list[Decision],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    for key in _OFFSETS:
        if key in named:
            return _factors(dataset, named[key], num_channels, may_be_zero=True)
    if "offset" not in named:
        return np.zeros(1)
    offsets = _factors(dataset, named["offset"], num_channels, may_be_zero=True)
    if not offsets.any():
        return np.zeros(1)
    # A whole number beside a small step is one of stored values: the converter's middle.
    is_stored = bool((np.abs(offsets) >= 1).all() and (offsets == np.floor(offsets)).all())
    if not is_sure or (is_stored and float(np.abs(factors).max()) < 1):
        raise _UnclearError(
            f"its attribute offset is {_listed(offsets)}: it may be one of stored or of physical values; set `scale` "
            "and `offset`, where physical value = stored * scale + offset"
        )
    decisions.append(
        Decision(f"{_listed(offsets)} is added to the scaled values: its attribute offset", True)
    )
    return offsets


def _factors(
    dataset: h5py.Dataset, name: str, num_channels: int, may_be_zero: bool = False
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The numbers of an attribute, one or one a channel."""
    raw = dataset.attrs.get(name)
    values = raw.ravel() if isinstance(raw, np.ndarray) else [raw]
    numbers = [decimal(value) if decimal(value) is not None else number(_plain(value)) for value in values]
    if len(numbers) not in (1, num_channels):
        raise _UnclearError(
            f"its attribute {name} has {len(numbers)} values for {num_channels} channels; set `scale`"
        )
    if any(value is None for value in numbers):
        raise _UnclearError(f"its attribute {name} is {attribute(dataset, name)!r}, no number; set `scale`")
    return _checked(np.array(numbers, np.float64), f"its attribute {name}", may_be_zero)


def _checked(
    factors: np.ndarray[Any, np.dtype[np.float64]], what: str, may_be_zero: bool = False
) -> np.ndarray[Any, np.dtype[np.float64]]:
    for value in factors.ravel().tolist():
        if not math.isfinite(value) or (value == 0 and not may_be_zero):
            keys = "`scale` and `offset`" if may_be_zero else "`scale`"
            raise _UnclearError(f"{what} is {value}, which no value can be converted with; set {keys}")
    return factors


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value


def _texts(dataset: h5py.Dataset, name: str | None) -> list[str]:
    value = None if name is None else attribute(dataset, name)
    texts = [text(each) or "" for each in (value if isinstance(value, list) else [value])]
    return [] if not any(texts) else ["" if each.casefold() in _NO_UNITS else each for each in texts]


def _listed(values: Sequence[float] | np.ndarray[Any, Any]) -> str:
    shown = [f"{float(value):.9g}" for value in values[:3]]
    return ", ".join(shown) + (", ..." if len(values) > 3 else "")
