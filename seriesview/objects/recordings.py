"""Recordings of other programs' libraries: SpikeInterface, MNE and pynwb."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.errors import ReaderError
from seriesview.objects.arrays import recording_of_array
from seriesview.objects.clocks import clock_of
from seriesview.objects.held import Clock, HeldRecording, Told, channels_named, described
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.protocol import Channel, Decision, ReadOptions, Recording

# FIFF_UNIT codes of MNE's Info: https://github.com/mne-tools/fiff-constants
_MNE_UNITS = {107: "V", 112: "T", 201: "T/m"}


def recordings_of_spikeinterface(recording: Any, name: str, told: Told) -> list[Recording]:
    """A BaseRecording: its stored samples, with gains, offsets, places and groups; one series for each segment."""
    count = recording.get_num_segments()
    unit, channels = _spikeinterface_channels(recording)
    if told.channel_labels is not None:
        named = channels_named([channel.id for channel in channels], told, name)
        channels = [replace(channel, label=each.label) for channel, each in zip(channels, named, strict=True)]
    found: list[Recording] = []
    for segment in range(count):
        only = f"{name} (segment {segment})" if count > 1 else name

        def read(first: int, last: int, segment: int = segment) -> Any:
            return recording.get_traces(segment_index=segment, start_frame=first, end_frame=last)

        if told.sampling_frequency is not None or told.times is not None:
            clock = clock_of(told, only)
        elif recording.has_time_vector(segment_index=segment):
            clock = Clock(None, np.asarray(recording.get_times(segment_index=segment), np.float64))
        else:
            start = recording.get_start_time(segment_index=segment)
            clock = Clock(float(recording.get_sampling_frequency()), start_time=float(start or 0.0))
        samples = recording.get_num_samples(segment_index=segment)
        held = HeldRecording(
            only, read, recording.get_dtype(), samples, channels, clock, unit=unit, label=only
        )
        found.append(described(held, told))
    return found


def _spikeinterface_channels(recording: Any) -> tuple[str, list[Channel]]:
    """(unit of all, channels): gains and offsets lead to microvolts, where there are any."""
    ids = [str(one) for one in recording.get_channel_ids()]
    gains, offsets = recording.get_property("gain_to_uV"), recording.get_property("offset_to_uV")
    groups = recording.get_property("group")
    places = (
        recording.get_property("location") if not recording.has_probe() else recording.get_channel_locations()
    )
    channels = []
    for at, one in enumerate(ids):
        channels.append(
            Channel(
                one,
                one,
                scale=None if gains is None else float(gains[at]),
                offset=None if gains is None or offsets is None else float(offsets[at]),
                group=None if groups is None else str(groups[at]),
                x=None if places is None else float(places[at][0]),
                y=None if places is None else float(places[at][1]),
            )
        )
    return ("" if gains is None else "uV"), channels


def recordings_of_sorting(sorting: Any, name: str, told: Told) -> list[Recording]:
    """A SpikeInterface BaseSorting: the spikes of its units as events; one series for each segment."""
    count = sorting.get_num_segments()
    units = list(sorting.get_unit_ids())
    found: list[Recording] = []
    for segment in range(count):
        trains = [
            np.asarray(
                sorting.get_unit_spike_train(unit, segment_index=segment, return_times=True), np.float64
            )
            for unit in units
        ]
        times = np.concatenate([np.empty(0), *trains])
        which = np.repeat(np.arange(len(units), dtype=np.uint32), [len(train) for train in trains])
        only = f"{name} (segment {segment})" if count > 1 else name
        labels = [str(unit) for unit in units] if told.channel_labels is None else list(told.channel_labels)
        events = EventRecording(
            Path(only), times, which, labels, ReadOptions(), [str(unit) for unit in units]
        )
        events.label = only
        events.session_start = told.session_start
        found.append(events)
    return found


def recordings_of_mne(raw: Any, name: str, told: Told) -> list[Recording]:
    """An MNE Raw: float64 in SI units, and its annotations as intervals; dates from `meas_date`."""
    start = told.session_start or _date(raw.info["meas_date"])
    rate = float(raw.info["sfreq"])
    for key in ("sampling_frequency", "times", "start_time", "channel_labels"):
        if getattr(told, key) is not None:
            raise ReaderError(
                f"{name}: {key}: an MNE Raw says it itself; change it in the Raw, its annotations too"
            )
    own = raw.info["chs"]
    units = [_MNE_UNITS.get(int(channel["unit"]), "") for channel in own]
    channels = [Channel(each, each, unit=unit) for each, unit in zip(raw.ch_names, units, strict=True)]
    # Samples before `first_samp` were not kept; the date is that of sample 0.
    clock = Clock(rate, start_time=raw.first_samp / rate, session_start=start)

    def read(first: int, last: int) -> Any:
        return raw.get_data(start=first, stop=last).T

    bad = list(raw.info["bads"])
    said = [Decision(f"marked as bad: {', '.join(bad)}")] if bad else []
    held = HeldRecording(name, read, np.float64, raw.n_times, channels, clock, label=name, decisions=said)
    found: list[Recording] = [described(held, told)]
    if len(raw.annotations):
        marks = raw.annotations
        # Counted from sample 0 as well, whether there is a date or not.
        onset = np.asarray(marks.onset, np.float64)
        bounds = np.column_stack([onset, onset + np.asarray(marks.duration, np.float64)])
        labels = [str(label) for label in marks.description]
        intervals = IntervalRecording(Path(f"{name} annotations"), bounds, labels, ReadOptions())
        intervals.label, intervals.session_start = "Annotations", start
        found.append(intervals)
    return found


def _date(moment: Any) -> str | None:
    if isinstance(moment, datetime):
        return moment.isoformat()
    return None


def recordings_of_nwb(series: Any, name: str, told: Told) -> list[Recording]:
    """A pynwb TimeSeries that lies in memory; of one in a file its path is shown."""
    data = np.asarray(series.data)
    file = series.get_ancestor("NWBFile")
    own = series.timestamps
    rate = series.rate if own is None else None
    words = Told(
        sampling_frequency=told.sampling_frequency or (None if told.times is not None else rate),
        times=told.times if told.times is not None or told.sampling_frequency is not None or rate else own,
        unit=told.unit if told.unit is not None else str(series.unit or ""),
        scale=told.scale if told.scale is not None else float(series.conversion),
        offset=told.offset if told.offset is not None else float(getattr(series, "offset", 0.0) or 0.0),
        start_time=told.start_time
        if told.start_time is not None
        else (series.starting_time if rate else None),
        session_start=told.session_start
        or (_date(file.timestamps_reference_time) if file is not None else None),
        channel_labels=told.channel_labels,
        time_axis=0,
    )
    return [recording_of_array(data, name, words)]
