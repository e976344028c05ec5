"""Rates that HDF5 files give, as attributes or single numbers, in the unit that they have."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import h5py
import numpy as np

from seriesview.readers.clocks import ClockError, parse_time_unit
from seriesview.readers.hdf5.extent import whole
from seriesview.readers.hdf5.file import (
    attribute,
    child_dataset,
    decimal,
    dtype_of,
    names,
    number,
    raw_attribute,
    text,
)
from seriesview.readers.hdf5.reach import Node
from seriesview.readers.hdf5.scaling import attributes_by_name, plain_name

# Names without case, blanks, hyphens and underscores; the first that is there counts.
_RATES = (
    "samplingfrequency",
    "samplingrate",
    "samplerate",
    "samplefrequency",
    "samplingfreq",
    "acquisitionrate",
    "sfreq",
    "srate",
    "framerate",
    "rate",
    "fs",
    "fps",
)
_INTERVALS = (
    "samplinginterval",
    "sampleinterval",
    "samplingperiod",
    "sampleperiod",
    "frameinterval",
    "timestep",
    "wfincrement",
    "deltat",
    "dt",
)
_VAGUE = ("rate", "framerate", "fps", "timestep", "frameinterval")
_HERTZ = {"hz": 1.0, "hertz": 1.0, "khz": 1e3, "kilohertz": 1e3, "megahertz": 1e6}
_INTERVAL_UNITS = ("s", "sec", "seconds", "ms", "msec", "us", "usec", "µs", "ns", "min")
_TIME_UNITS = ("timeunit", "timeunits")
_FREQUENCY = re.compile(r"(?P<number>[-+.\deE]+)\s*(?P<unit>.*)")
_LISTED_MEMBERS = 500


@dataclass(frozen=True)
class Rate:
    """A rate in Hz, usable or not, that `place` gives; `problem`: why it is not clear, and what to set.

    `is_vague`: it may be the rate of something else than samples.
    """

    hertz: float
    place: str
    is_guess: bool = False
    problem: str | None = None
    is_vague: bool = False

    @property
    def said(self) -> str:
        """Where it comes from, in words."""
        return f"{self.hertz:.10g} Hz: {self.place}"


def rate_of_attributes(node: Node) -> Rate | None:
    """The rate that a node's attributes give; None without one."""
    named = attributes_by_name(node)
    where = "its attribute" if isinstance(node, h5py.Dataset) else "the attribute"
    of = "" if isinstance(node, h5py.Dataset) else f" of {node.name}"

    def value(name: str) -> Any:
        raw = raw_attribute(node, name)
        first = raw.ravel()[0] if isinstance(raw, np.ndarray) and raw.size == 1 else raw
        exact = decimal(first)
        return attribute(node, name) if exact is None else exact

    return _agreed(
        [
            _rate(
                name,
                named[name],
                value(named[name]),
                _unit_beside(node, named, name),
                _time_unit(node, named),
                where,
                of,
            )
            for name in named
            if _base(name) is not None
        ]
    )


def rate_of_members(group: h5py.Group) -> Rate | None:
    """The rate that a dataset of a single number in a group gives, such as `fs` in MATLAB's files; None without one."""
    found = []
    for member in _likely_members(group):
        dataset = child_dataset(group, member)
        dtype = None if dataset is None else dtype_of(dataset)
        if dataset is None or dtype is None or dtype.kind not in "fiu" or dataset.size != 1:
            continue
        stored = whole(dataset).ravel()[0]
        exact = decimal(stored)
        named = attributes_by_name(dataset)
        units = [text(attribute(dataset, named[each])) for each in ("unit", "units") if each in named]
        place = f"{str(group.name).rstrip('/')}/{member}"
        rate = _rate(
            plain_name(member),
            place,
            float(stored) if exact is None else exact,
            next(iter(units), None),
            None,
            "",
            "",
        )
        found.append(rate)
    return _agreed(found)


def _likely_members(group: h5py.Group) -> list[str]:
    """Names of members that can give a rate; of big groups only those in usual spellings, for speed."""
    if len(group) <= _LISTED_MEMBERS:
        return [name for name in names(group) if _base(plain_name(name)) is not None]
    spelled = (
        "sampling_frequency",
        "sampling_rate",
        "sample_rate",
        "sfreq",
        "srate",
        "rate",
        "fs",
        "Fs",
        "FS",
        "dt",
    )
    return [name for name in spelled if name in group]


def _base(name: str) -> tuple[bool, str] | None:
    """Whether a plain name is that of a rate (else of an interval), and the unit behind it; None for other names."""
    for word in _RATES:
        if name == word or (name.startswith(word) and name[len(word) :] in _HERTZ):
            return True, name[len(word) :]
    for word in _INTERVALS:
        if name == word or (name.startswith(word) and name[len(word) :] in _INTERVAL_UNITS):
            return False, name[len(word) :]
    return None


def _unit_beside(node: Node, named: dict[str, str], name: str) -> str | None:
    """What an attribute such as `sampling_rate_unit` says of another."""
    for each in (f"{name}unit", f"{name}units"):
        if each in named:
            return text(attribute(node, named[each]))
    return None


def _time_unit(node: Node, named: dict[str, str]) -> str | None:
    return next((text(attribute(node, named[name])) for name in _TIME_UNITS if name in named), None)


def _rate(
    name: str, shown: str, value: Any, unit: str | None, time_unit: str | None, where: str, of: str
) -> Rate | None:
    base = _base(name)
    if base is None:
        return None
    place = f"{where} {shown}{of}".strip()
    written = unit or base[1]
    as_number = number(value)
    if as_number is None and isinstance(value, str):
        match = _FREQUENCY.fullmatch(value.strip())
        as_number = None if match is None else number(match["number"])
        written = written or ("" if match is None else match["unit"])
    if as_number is None:
        return None
    found = (_frequency if base[0] else _interval)(as_number, written, time_unit, place)
    return replace(found, is_vague=name.startswith(_VAGUE))


def _frequency(value: float, unit: str, time_unit: str | None, place: str) -> Rate:
    if not unit:
        if time_unit is not None and not _is_seconds(time_unit):
            problem = f"{place} is {value:.10g}, and times are in {time_unit}: set `sampling_frequency` (Hz)"
            return Rate(value, place, problem=problem)
        return Rate(value, place)
    factor = 1e6 if unit == "MHz" else 1e-3 if unit == "mHz" else _HERTZ.get(unit.casefold())
    if factor is None:
        for form in (
            r"(?:1|samples|frames)?\s*(?:/|per)\s*(?P<unit>.+)",
            r"(?P<unit>\S+)(?:\^|\*\*)?-1",
            r"s(?:am)?ps",
        ):
            match = re.fullmatch(form, unit.strip(), re.IGNORECASE)
            if match is not None:
                seconds = _seconds(match.groupdict().get("unit") or "s")
                factor = None if seconds is None else 1 / seconds
                break
    if factor is None:
        return Rate(value, place, problem=f"{place} is {value:.10g} {unit}: set `sampling_frequency` (Hz)")
    return Rate(value * factor, place)


def _interval(value: float, unit: str, time_unit: str | None, place: str) -> Rate:
    written = unit or time_unit or ""
    seconds = _seconds(written) if written else 1.0
    if seconds is None or value == 0:
        shown = f"{value:.10g} {written}".rstrip()
        return Rate(value, place, problem=f"{place} is {shown}: set `sampling_frequency` (Hz)")
    # 1 / 0.0001 is not 10000 for nothing: a rate of few digits is meant.
    hertz = float(f"{1 / (value * seconds):.12g}")
    return Rate(hertz, f"{place}, {value:.10g} {written or 's, as it has no unit'}", is_guess=not written)


def _seconds(unit: str) -> float | None:
    try:
        known = parse_time_unit(unit)
    except ClockError:
        return None
    return None if known.epoch is not None else known.multiplier / known.divisor


def _is_seconds(unit: str) -> bool:
    return _seconds(unit) == 1


def _agreed(found: list[Rate | None]) -> Rate | None:
    """The rate that all agree on; a problem where one differs. Vague names count where there are no others."""
    rates = [rate for rate in found if rate is not None]
    rates = [rate for rate in rates if not rate.is_vague] or rates
    if not rates:
        return None
    first = next((rate for rate in rates if rate.problem is None and not rate.is_guess), rates[0])
    for rate in rates:
        if (
            rate.problem is None
            and first.problem is None
            and abs(rate.hertz - first.hertz) > 1e-6 * abs(first.hertz)
        ):
            problem = f"{first.said} and {rate.said} differ: set `sampling_frequency` (Hz)"
            return Rate(first.hertz, first.place, problem=problem)
    return first
