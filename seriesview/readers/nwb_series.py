"""NWB time series: samples with a rate or timestamps, and the ones whose moments are what counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.hdf5_facts import attribute_number
from seriesview.readers.hdf5_file import attribute, child_dataset, has_member, naming, plain, text
from seriesview.readers.hdf5_recording import Hdf5Recording, Sources
from seriesview.readers.hdf5_samples import missing_filter, samples_problem
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.nwb_tables import channel_factors, electrode_channels
from seriesview.readers.protocol import ReadOptions, Recording, SeriesType
from seriesview.readers.sample_types import unsupported_reason

_UNITLESS = ("unknown", "n/a", "na", "no unit", "none", "a.u.")


def is_series(node: h5py.Group) -> bool:
    """Whether a group has what a TimeSeries has."""
    return has_member(node, "data") and ("starting_time" in node or has_member(node, "timestamps"))


def is_events(node: h5py.Group) -> bool:
    """Whether a group holds moments without samples, as tables of events of extensions do."""
    return not has_member(node, "data") and child_dataset(node, "timestamps") is not None


def natural_type(series: h5py.Group) -> SeriesType:
    """The type that fits a series best: annotations are events, switches intervals, instants discrete."""
    data = child_dataset(series, "data")
    kind = attribute(series, "neurodata_type")
    if (
        data is None
        or (data.dtype.kind == "O" and h5py.check_string_dtype(data.dtype))
        or data.dtype.kind == "S"
    ):
        return "event"
    if kind in ("LabeledEvents", "TTLs"):
        return "event"
    if kind == "IntervalSeries":
        return "interval"
    if attribute(data, "continuity") == "instantaneous" and "timestamps" in series:
        return "discrete"
    return "continuous"


def series_problem(series: h5py.Group) -> str | None:
    """Why a series cannot be shown; None where it can."""
    data, times = child_dataset(series, "data"), child_dataset(series, "timestamps")
    for name, dataset in (("data", data), ("timestamps", times)):
        if dataset is None and has_member(series, name):
            return f"its {name} cannot be opened, or are a link to something that is not there"
    if natural_type(series) in ("event", "interval"):
        return None if times is not None else "it has no timestamps"
    if "external_file" in series:
        return "its pictures are in another file"
    if data is None:
        return "it has no data"
    problem = samples_problem(data) or missing_filter(data)
    if problem is not None:
        return problem
    if times is None and series_rate(series) is None:
        return "it has neither timestamps nor a rate"
    if times is not None:
        return unsupported_reason(times.dtype) or missing_filter(times)
    return None


def series_rate(series: h5py.Group) -> float | None:
    """Rate in Hz; None where the series has timestamps, or neither."""
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
    options: ReadOptions,
    times: h5py.Dataset | None,
    session_start: str | None,
) -> Recording:
    """The samples of a series, closed with the file; `times` in place of its own. Raises ReaderError."""
    name = str(series.name)
    data = child_dataset(series, "data")
    if data is None:
        raise ReaderError(f"{path}: {name}: {series_problem(series) or 'it has no data'}")
    rate = options.sampling_frequency
    if times is None and rate is None:
        rate, times = series_rate(series), child_dataset(series, "timestamps")
    sources = Sources(
        name=name,
        samples=data,
        times=times,
        rate=rate,
        start_time=_first_time(series) if times is None else 0.0,
        unit=series_unit(series),
        scale=_or(attribute_number(data, "conversion"), 1.0),
        offset=_or(attribute_number(data, "offset"), 0.0),
        session_start=session_start,
        order=options.order,
    )
    recording = Hdf5Recording(path, file, sources, options)
    if options.channel_labels is None:
        recording.channels = electrode_channels(series, recording.channels)
    factors = channel_factors(series, recording.num_channels)
    if factors is not None and options.scale is None:
        recording.channels = tuple(
            replace(channel, scale=recording.scale * float(factor))
            for channel, factor in zip(recording.channels, factors, strict=True)
        )
    return recording


def open_moments(path: Path, series: h5py.Group, options: ReadOptions) -> Recording:
    """The timestamps of a series as events; what its data say of them chooses the channel. Raises ReaderError."""
    times_dataset = child_dataset(series, "timestamps")
    if times_dataset is None:
        raise ReaderError(f"{path}: {series.name}: type: events need timestamps, which this series has not")
    times = np.asarray(times_dataset[()], np.float64).reshape(-1)
    data = child_dataset(series, "data")
    labels, indices = [str(series.name).rsplit("/", 1)[-1]], np.zeros(len(times), np.uint32)
    if data is not None and data.shape == times.shape and natural_type(series) == "event":
        values = [plain(value) for value in data[()].tolist()]
        labels = sorted({str(value) for value in values})
        position = {label: index for index, label in enumerate(labels)}
        indices = np.array([position[str(value)] for value in values], np.uint32)
        labels = _named(data, labels)
    with naming(path, str(series.name)):
        return EventRecording(path, times, indices, labels, options)


def open_switches(path: Path, series: h5py.Group, options: ReadOptions) -> Recording:
    """The intervals of an IntervalSeries: a value above 0 begins one, its negative ends it. Raises ReaderError."""
    name = str(series.name)
    times_dataset, data = child_dataset(series, "timestamps"), child_dataset(series, "data")
    if times_dataset is None or data is None or data.shape != times_dataset.shape:
        raise ReaderError(f"{path}: {name}: type: intervals need one value of data for each timestamp")
    begun: dict[int, float] = {}
    bounds: list[tuple[float, float]] = []
    labels: list[str] = []
    for time, value in zip(times_dataset[()].tolist(), data[()].tolist(), strict=True):
        if value > 0:
            begun[int(value)] = time
        elif (start := begun.pop(-int(value), None)) is not None:
            bounds.append((start, time))
            labels.append(str(-int(value)))
    if len(set(labels)) <= 1:
        labels = [name.rsplit("/", 1)[-1]] * len(labels)
    with naming(path, name):
        return IntervalRecording(path, np.array(bounds, np.float64).reshape(-1, 2), labels, options)


def _first_time(series: h5py.Group) -> float:
    start = child_dataset(series, "starting_time")
    if start is None or start.size != 1:
        return 0.0
    return float(np.asarray(start[()]).reshape(-1)[0])


def _named(data: h5py.Dataset, values: list[str]) -> list[str]:
    """Names of channels that the data hold the indices of, where the data say so."""
    names: Any = attribute(data, "labels")
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list):
        return values
    return [
        str(names[int(value)]) if value.isdigit() and int(value) < len(names) else value for value in values
    ]


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
