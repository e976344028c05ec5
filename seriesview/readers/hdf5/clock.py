"""Times in HDF5 files: what the numbers of a dataset count, and when a recording with a rate began."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.readers.clocks import (
    ClockError,
    NumberClock,
    TimeSteps,
    TimeUnit,
    number_clock,
    parse_time_unit,
    stored_resolution,
)
from seriesview.readers.hdf5.file import attribute, number, raw_attribute, text
from seriesview.readers.hdf5.missing import missing_of
from seriesview.readers.hdf5.reach import Node, parent_of
from seriesview.readers.hdf5.scaling import attributes_by_name, plain_name, scaling_of
from seriesview.readers.moments import parse_moment
from seriesview.readers.protocol import Decision, Missing

_LOOKED_AT = 512
_UNIT_NAMES = ("units", "unit", "timeunit", "timeunits")
_NO_UNITS = ("1", "none", "unknown", "n/a", "unspecified")
_DATE_NAMES = ("date", "dates", "datetime", "datenum", "datenumber")
_START_NAMES = (
    "sessionstarttime",
    "sessionstart",
    "recordingstarttime",
    "recordingstart",
    "acquisitionstarttime",
    "acquisitionstart",
    "starttime",
    "startdatetime",
    "starttimestamp",
    "timecoveragestart",
    "begintime",
    "tstart",
    "t0",
)


@dataclass(frozen=True)
class TimesClock:
    """How stored numbers of a dataset become seconds after `session_start`, or after the recording's own zero."""

    clock: NumberClock
    scale: float
    offset: float
    missing: Missing | None
    decisions: tuple[Decision, ...]

    @property
    def session_start(self) -> str | None:
        """When the seconds begin to count, ISO 8601; None where that is not known."""
        return self.clock.session_start

    def seconds(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Seconds (n,) of stored numbers (n,); NaN for missing ones."""
        numbers = stored if (self.scale, self.offset) == (1, 0) else stored * self.scale + self.offset
        seconds = self.clock.seconds(numbers)
        if self.missing is not None:
            seconds[_is_missing(stored, self.missing)] = np.nan
        return seconds


def times_clock(
    times: h5py.Dataset,
    dtype: np.dtype[Any],
    unit: str | None = None,
    zone: tzinfo | None = None,
    are_samples: bool = True,
) -> TimesClock:
    """The clock of a dataset of times, read as `dtype`; `unit` is the configured one. Raises ClockError."""
    name = str(times.name)
    given = unit_of_times(times) if unit is None else unit
    calendar = text(attribute(times, "calendar"))
    known = None if given is None else parse_time_unit(given, calendar)
    scaling = scaling_of(times, 1)
    if scaling.problem is not None:
        raise ClockError(scaling.problem)
    missing, said = missing_of(times, dtype, scaling.scale, scaling.offset)
    flat = _ends(times).astype(dtype, copy=False)
    if missing is not None:
        flat = flat[~_is_missing(flat, missing)]
    numbers = flat if (scaling.scale, scaling.offset) == (1, 0) else flat * scaling.scale + scaling.offset
    clock = number_clock(
        numbers,
        known,
        is_date=plain_name(name.rpartition("/")[2]) in _DATE_NAMES,
        are_samples=are_samples,
        zone=zone,
        hint=lambda wanted: f"set `timestamps: {name} ({wanted})`",
    )
    # What a library fills with by itself is no time that anybody would take it for.
    is_told = any(each in times.attrs for each in ("_FillValue", "missing_value"))
    decisions = [Decision(f"{name}: {each.text}", each.is_guess) for each in said if is_told]
    decisions += [] if clock.decision is None else [clock.decision]
    if are_samples:
        decisions += _of_steps(numbers, clock)
    if known is None and clock.session_start is None and dtype.kind in "iu":
        decisions.append(Decision(f"{name}: whole numbers without a unit, taken for seconds", is_guess=True))
    return TimesClock(clock, scaling.scale, scaling.offset, missing, tuple(decisions))


def unit_of_times(times: h5py.Dataset) -> str | None:
    """The unit that a dataset of times gives, or the group that it is in; None without one."""
    named = attributes_by_name(times)
    found = [text(attribute(times, named[name])) for name in _UNIT_NAMES if name in named]
    if not found:
        group = parent_of(times)
        around = attributes_by_name(group)
        found = [text(attribute(group, around[name])) for name in _UNIT_NAMES[2:] if name in around]
    return next((unit for unit in found if unit is not None and unit.casefold() not in _NO_UNITS), None)


def is_time_coordinate(dataset: h5py.Dataset) -> bool:
    """Whether its attributes say, as CF has it, that it holds times."""
    since = text(attribute(dataset, "units")) or ""
    return (
        " since " in since.casefold()
        or text(attribute(dataset, "axis")) == "T"
        or text(attribute(dataset, "standard_name")) == "time"
    )


@dataclass(frozen=True)
class Start:
    """When a recording with a rate began: `session_start` (ISO 8601) is time 0, `start_time` in seconds after it."""

    session_start: str | None = None
    start_time: float = 0.0
    decisions: tuple[Decision, ...] = ()


def start_of(dataset: h5py.Dataset, zone: tzinfo | None = None) -> Start:
    """What the attributes of a dataset, else of the nearest group around it, say of its beginning."""
    for node in _around(dataset):
        named = attributes_by_name(node)
        for name in _START_NAMES:
            if name in named:
                return _start(node, named[name], named, zone)
    return Start()


def _start(node: Node, name: str, named: dict[str, str], zone: tzinfo | None) -> Start:
    value = attribute(node, name)
    as_number = number(value)
    said = f"its attribute {name}" if isinstance(node, h5py.Dataset) else f"{name} of {node.name}"
    if as_number is None:
        moment = parse_moment(value) if isinstance(value, str) else None
        if moment is None:
            problem = (
                f"{said} is {value!r}, no date that is understood: set `session_start` for the wall clock"
            )
            return Start(decisions=(Decision(problem, is_guess=True),))
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        return Start(moment.isoformat(), 0.0, (Decision(f"begun at {moment.isoformat()}: {said}"),))
    raw = raw_attribute(node, name)
    exact = np.asarray(raw).ravel() if np.asarray(raw).dtype.kind in "iu" else np.array([as_number])
    unit_name = named.get(f"{plain_name(name)}unit") or named.get(f"{plain_name(name)}units")
    try:
        unit: TimeUnit | None = None
        if unit_name is not None:
            unit = parse_time_unit(str(attribute(node, unit_name)))
        clock = number_clock(exact[:1], unit, are_samples=False, zone=zone)
    except ClockError as error:
        problem = f"{said}: {error}; it is left out, set `session_start` for the wall clock"
        return Start(decisions=(Decision(problem, is_guess=True),))
    begun = float(clock.seconds(exact[:1])[0])
    decided = () if clock.decision is None else (clock.decision,)
    when = clock.session_start or f"{begun:.9g} s"
    return Start(clock.session_start, begun, (Decision(f"begun at {when}: {said}"), *decided))


def _around(dataset: h5py.Dataset) -> Iterator[Node]:
    node: Node = dataset
    while True:
        yield node
        if node.name in ("/", None):
            return
        node = parent_of(node)


def _ends(times: h5py.Dataset) -> npt.NDArray[Any]:
    """The first and the last times, flat."""
    axis = 1 if len(times.shape) == 2 and times.shape[0] == 1 else 0
    size = times.shape[axis]

    def part(first: int, last: int) -> npt.NDArray[Any]:
        return np.asarray(times[:, first:last] if axis else times[first:last]).reshape(-1)

    if size <= 2 * _LOOKED_AT:
        return part(0, size)
    return np.concatenate([part(0, _LOOKED_AT), part(size - _LOOKED_AT, size)])


def _of_steps(numbers: npt.NDArray[Any], clock: NumberClock) -> list[Decision]:
    """What is to be said where the first times cannot tell samples apart."""
    steps = TimeSteps()
    steps.add(clock.seconds(numbers[:_LOOKED_AT]))
    decision = steps.decision(stored_resolution(numbers, clock.unit) if numbers.dtype.kind == "f" else 0.0)
    return [] if decision is None else [decision]


def _is_missing(stored: npt.NDArray[Any], missing: Missing) -> npt.NDArray[np.bool_]:
    absent = np.isin(stored, np.array(missing.values, stored.dtype))
    if missing.below is not None:
        absent |= stored < stored.dtype.type(missing.below)
    if missing.above is not None:
        absent |= stored > stored.dtype.type(missing.above)
    return absent
