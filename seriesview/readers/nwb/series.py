"""NWB time series: samples with a rate or timestamps."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.clocks import ClockError, number_clock, parse_time_unit
from seriesview.readers.hdf5.clock import Start, unit_of_times
from seriesview.readers.hdf5.facts import attribute_number, usable_rate
from seriesview.readers.hdf5.file import attribute, child_dataset, dtype_of, naming, text
from seriesview.readers.hdf5.reach import has_member, parent_of
from seriesview.readers.hdf5.recording import Hdf5Recording, Sources
from seriesview.readers.hdf5.samples import missing_filter, samples_problem
from seriesview.readers.hdf5.scaling import Scaling
from seriesview.readers.nwb.columns import UnfitError, column
from seriesview.readers.nwb.regions import region_channels
from seriesview.readers.nwb.tables import channel_factors
from seriesview.readers.protocol import ReadOptions, Recording, SeriesType

_UNITLESS = ("unknown", "n/a", "na", "no unit", "none", "a.u.")
_COORDINATES = ("x", "y", "z")


def is_series(node: h5py.Group) -> bool:
    """Whether a group has what a TimeSeries has, or says that it is one."""
    if has_member(node, "external_file"):
        return True
    says_so = (text(attribute(node, "neurodata_type")) or "").endswith("Series")
    has_clock = has_member(node, "starting_time") or has_member(node, "timestamps")
    return has_member(node, "data") and (says_so or has_clock)


def is_moments(node: h5py.Group) -> bool:
    """Whether a group holds moments without samples, as extensions for events do."""
    return not is_series(node) and has_member(node, "timestamps")


def natural_type(series: h5py.Group) -> SeriesType:
    """The type that fits a series best: annotations are events, switches intervals, instants discrete."""
    data, kind = child_dataset(series, "data"), attribute(series, "neurodata_type")
    if data is None:
        return "event" if is_moments(series) else "continuous"
    dtype = dtype_of(data)
    is_text = dtype is not None and (dtype.kind == "S" or h5py.check_string_dtype(dtype) is not None)
    if is_text or kind in ("LabeledEvents", "TTLs"):
        return "event"
    if kind == "IntervalSeries":
        return "interval"
    is_of_events = attribute(parent_of(series), "neurodata_type") == "BehavioralEvents"
    is_instants = is_of_events or attribute(data, "continuity") == "instantaneous"
    if is_instants and has_member(series, "timestamps"):
        return "discrete"
    return "continuous"


def series_problem(series: h5py.Group, kind: SeriesType) -> str | None:
    """Why a series cannot be shown as `kind`, whatever its rate; None where it can."""
    data, times = child_dataset(series, "data"), child_dataset(series, "timestamps")
    if has_member(series, "external_file") and (data is None or not data.size):
        return "its pictures are in another file"
    for name, dataset in (("data", data), ("timestamps", times)):
        if dataset is None and has_member(series, name):
            return f"its {name} cannot be opened: a link to something that is not there"
    if kind in ("event", "interval"):
        if times is None:
            return f"it has no timestamps, so its {kind}s have no times"
        if times.shape is not None and 0 in times.shape:
            return None
        return _within("its timestamps", samples_problem(times) or missing_filter(times))
    if data is None:
        return "it has no data"
    problem = samples_problem(data) or missing_filter(data)
    if problem is None and times is not None:
        return _within("its timestamps", samples_problem(times) or missing_filter(times))
    return problem


def clock_problem(series: h5py.Group) -> str | None:
    """Why the times of a series' samples are not known; None where they are."""
    if has_member(series, "timestamps"):
        return None
    rate = series_rate(series)
    if rate is None:
        return "it has neither timestamps nor a rate; set `sampling_frequency` (Hz)"
    if usable_rate(rate) is None:
        return f"its rate is {rate} Hz; set `sampling_frequency` (Hz)"
    return None


def series_rate(series: h5py.Group) -> float | None:
    """Rate in Hz, usable or not; None where the series has timestamps, or neither."""
    if child_dataset(series, "timestamps") is not None:
        return None
    start = child_dataset(series, "starting_time")
    return None if start is None else attribute_number(start, "rate")


def series_unit(series: h5py.Group) -> str:
    """Physical unit of the scaled values, or nothing."""
    data = child_dataset(series, "data")
    unit = text(attribute(data, "unit")) if data is not None else None
    return "" if unit is None or unit.casefold() in _UNITLESS else unit


def open_series(
    path: Path,
    file: h5py.File,
    series: h5py.Group,
    name: str,
    options: ReadOptions,
    times: h5py.Dataset | None,
    time_unit: str | None,
    session_start: str | None,
) -> Recording:
    """The samples of a series, closed with the file; `times` in place of its own. Raises ReaderError."""
    data = child_dataset(series, "data")
    problem = series_problem(series, "continuous")
    if problem is None and times is None and options.sampling_frequency is None:
        problem = clock_problem(series)
    if data is None or problem is not None:
        raise ReaderError(f"{name}: {problem}", file=path)
    rate = options.sampling_frequency
    if times is None and rate is None:
        rate, times = series_rate(series), child_dataset(series, "timestamps")
    with naming(path, name):
        start = _start(path, series, options) if times is None else Start()
    sources = Sources(
        name=name,
        samples=data,
        times=times,
        rate=rate,
        time_unit=time_unit,
        start=start,
        scaling=_scaling(series, data, 1 if options.order == "F" else 0),
        session_start=session_start,
        labels=_labels(series, data),
        order=options.order,
    )
    recording = Hdf5Recording(path, file, sources, options)
    try:
        recording.channels, decisions = region_channels(
            series, recording.channels, keep_labels=options.channel_labels is not None
        )
        recording.decisions += decisions
    except BaseException:
        recording.close()
        raise
    return recording


def _scaling(series: h5py.Group, data: h5py.Dataset, samples_axis: int) -> Scaling:
    """Physical value = stored * conversion * the channel's own factor + offset."""
    unit = series_unit(series)
    for name in ("conversion", "offset"):
        value = attribute(data, name)
        if value is not None and (not isinstance(value, int | float) or not math.isfinite(value)):
            return Scaling(unit, problem=f"its {name} is {value}, not one number; set `scale`")
    conversion, offset = attribute_number(data, "conversion"), attribute_number(data, "offset") or 0.0
    scale = 1.0 if conversion is None else conversion
    if scale == 0:
        return Scaling(unit, problem="its conversion is 0, which leaves nothing of its values; set `scale`")
    channels = 1 if len(data.shape) == 1 else int(data.shape[1 - samples_axis])
    try:
        factors = channel_factors(series, channels)
    except ValueError as error:
        return Scaling(unit, problem=f"{error}; set `scale`")
    scales = None if factors is None else tuple((scale * factors).tolist())
    return Scaling(unit, scale, offset, scales=scales)


def _within(what: str, problem: str | None) -> str | None:
    return None if problem is None else f"{what}: {problem}"


def _labels(series: h5py.Group, data: h5py.Dataset) -> list[str] | None:
    """What the columns of the data are called, where the series says so."""
    columns = 1 if len(data.shape) == 1 else int(data.shape[1])
    try:
        features = column(series, "features", columns)
    except UnfitError:
        features = None
    if features is not None:
        return [str(feature) for feature in features]
    return list(_COORDINATES[:columns]) if is_track(series, data) else None


def is_track(series: h5py.Group, data: h5py.Dataset) -> bool:
    """Whether a series holds x and y, perhaps z, of something over time."""
    columns = data.shape[1] if len(data.shape or ()) == 2 else 1
    return attribute(series, "neurodata_type") == "SpatialSeries" and columns in (2, 3)


def _start(path: Path, series: h5py.Group, options: ReadOptions) -> Start:
    """When the series begins: at its starting time, or at its first timestamp. Raises ReaderError."""
    found = (child_dataset(series, name) for name in ("starting_time", "timestamps"))
    dataset = next((each for each in found if each is not None), None)
    if dataset is None or options.start_time is not None:
        return Start()
    name = str(dataset.name).rpartition("/")[2]
    dtype = dtype_of(dataset)
    if name == "starting_time" and (dtype is None or dtype.kind not in "fiu" or dataset.size != 1):
        raise ReaderError("its starting_time is not one number; set `start_time` (s)", file=path)
    first = np.asarray(dataset[()] if dataset.shape == () else dataset[(0,) * len(dataset.shape)]).reshape(1)
    try:
        unit = unit_of_times(dataset)
        clock = number_clock(first, None if unit is None else parse_time_unit(unit), are_samples=False)
    except ClockError as error:
        raise ReaderError(f"its {name}: {error}; or set `start_time` (s)", file=path) from error
    begun = float(clock.seconds(first)[0])
    if not math.isfinite(begun):
        raise ReaderError(f"its {name} begins with {begun}; set `start_time` (s)", file=path)
    return Start(clock.session_start, begun, () if clock.decision is None else (clock.decision,))
