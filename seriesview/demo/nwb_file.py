"""The generated session as an NWB 2 file: the same bytes for the same length and seed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.demo.behavior import (
    POSITION_FREQUENCY,
    SAMPLING_FREQUENCY,
    Interval,
    Session,
    camera_track,
    plan_session,
)
from seriesview.demo.decoding import DECODING_FREQUENCY, bin_centers, decode
from seriesview.demo.neurons import (
    CHANNELS_A_SHANK,
    NUM_CHANNELS,
    NUM_SHANKS,
    Spikes,
    Unit,
    electrode_positions,
    make_spikes,
    make_units,
)
from seriesview.demo.voltages import BAD_CHANNEL, MICROVOLTS_A_COUNT, VoltageSource

DEFAULT_SECONDS = 72.0
DEFAULT_SEED = 20210401
SESSION_START = "2021-04-01T10:15:30-04:00"

_CHUNK_SAMPLES = 8192
_BLOCK_SAMPLES = 4 * _CHUNK_SAMPLES
_COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
_TEXT = h5py.string_dtype("utf-8")


def write_session(path: str | Path, seconds: float = DEFAULT_SECONDS, seed: int = DEFAULT_SEED) -> Path:
    """Write a session of `seconds` to `path`, voltages block by block. Raises SeriesviewError.

    The file appears under its name when it is complete.
    """
    session = plan_session(seconds, seed)
    target = Path(path)
    partial = target.with_name(target.name + ".partial")
    units = make_units(session)
    spikes = make_spikes(session, units)
    try:
        with h5py.File(partial, "w", libver=("earliest", "v110")) as file:
            writer = _NwbWriter(file, session)
            writer.header()
            writer.electrodes()
            writer.voltages(units, spikes)
            writer.units(units, spikes)
            writer.spike_amplitudes(units, spikes)
            writer.position()
            writer.decoded_position(units, spikes)
            writer.intervals("trials", "laps on the track, outbound and inbound", session.laps)
            writer.intervals("epochs", "where the animal was", session.epochs)
            writer.intervals("sleep_states", "waking and the stages of sleep", session.states)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


class _NwbWriter:
    """Writes the parts of one file; every object gets an id made from the seed and its path."""

    def __init__(self, file: h5py.File, session: Session) -> None:
        self._file = file
        self._session = session

    def header(self) -> None:
        """What every NWB file has at its root."""
        self._describe(self._file, "NWBFile", nwb_version="2.7.0")
        for name, text in (
            ("identifier", f"seriesview-demo-{self._session.seed}"),
            ("session_description", "a generated session: laps on a track, then sleep"),
            ("session_start_time", SESSION_START),
            ("timestamps_reference_time", SESSION_START),
        ):
            self._dataset(name, text, dtype=_TEXT)
        self._dataset("file_create_date", [SESSION_START], dtype=_TEXT)
        for name in ("acquisition", "analysis", "stimulus/presentation", "stimulus/templates", "general"):
            self._file.create_group(name)
        for name, text in (("behavior", "position"), ("ecephys", "results of spike sorting")):
            module = self._file.create_group(f"processing/{name}")
            self._describe(module, "ProcessingModule", description=text)

    def electrodes(self) -> None:
        """The probe: one group a shank, one row an electrode."""
        device = self._file.create_group("general/devices/probe")
        self._describe(device, "Device", description="four shanks of eight sites, generated")
        shanks = []
        for number in range(NUM_SHANKS):
            shank = self._file.create_group(f"general/extracellular_ephys/shank{number}")
            self._describe(shank, "ElectrodeGroup", description=f"shank {number}", location="CA1")
            shank["device"] = h5py.SoftLink("/general/devices/probe")
            shanks.append(shank)
        positions = electrode_positions()
        of_channel = [number // CHANNELS_A_SHANK for number in range(NUM_CHANNELS)]
        self._table(
            "general/extracellular_ephys/electrodes",
            "the sites of the probe",
            {
                "x": (positions[:, 0], "um across the shanks"),
                "y": (positions[:, 1], "um along the shank"),
                "z": (np.zeros(NUM_CHANNELS), "um"),
                "imp": (np.full(NUM_CHANNELS, np.nan), "impedance, not measured"),
                "location": (["CA1"] * NUM_CHANNELS, "region"),
                "filtering": (["none"] * NUM_CHANNELS, "filter of the hardware"),
                "label": (
                    [f"s{shank}e{number % CHANNELS_A_SHANK}" for number, shank in enumerate(of_channel)],
                    "shank and site",
                ),
                "bad": (np.arange(NUM_CHANNELS) == BAD_CHANNEL, "broken sites"),
                "group_name": ([f"shank{shank}" for shank in of_channel], "name of the group"),
                "group": ([shanks[shank].ref for shank in of_channel], "the group"),
            },
            np.arange(NUM_CHANNELS),
        )

    def voltages(self, units: tuple[Unit, ...], spikes: Spikes) -> None:
        """The trace of all electrodes, block by block, with a jump in its timestamps where the gap is."""
        series = self._file.create_group("acquisition/ElectricalSeries")
        self._describe(series, "ElectricalSeries", description="raw voltages", comments="generated")
        shape = (self._session.num_recorded, NUM_CHANNELS)
        data = self._file.create_dataset(
            "acquisition/ElectricalSeries/data",
            shape,
            np.dtype("<i2"),
            chunks=(min(_CHUNK_SAMPLES, shape[0]), NUM_CHANNELS),
            track_times=False,
            **_COMPRESSION,
        )
        self._measure(data, "volts", MICROVOLTS_A_COUNT * 1e-6)
        times = self._file.create_dataset(
            "acquisition/ElectricalSeries/timestamps",
            shape[:1],
            np.dtype("<f8"),
            chunks=(min(_BLOCK_SAMPLES, shape[0]),),
            track_times=False,
            **_COMPRESSION,
        )
        times.attrs.update({"interval": np.int32(1), "unit": "seconds"})
        region = self._dataset("acquisition/ElectricalSeries/electrodes", np.arange(NUM_CHANNELS))
        self._describe(region, "DynamicTableRegion", "hdmf-common", description="all sites")
        region.attrs["table"] = self._file["general/extracellular_ephys/electrodes"].ref
        source = VoltageSource(self._session, units, spikes)
        for row in range(0, shape[0], _BLOCK_SAMPLES):
            end = min(row + _BLOCK_SAMPLES, shape[0])
            runs = list(self._recorded(row, end))
            data[row:end] = np.concatenate([source.counts(first, last) for first, last in runs])
            numbers = np.concatenate([np.arange(first, last) for first, last in runs])
            times[row:end] = numbers / SAMPLING_FREQUENCY

    def units(self, units: tuple[Unit, ...], spikes: Spikes) -> None:
        """The sorted units with their spike times, ragged as NWB stores them."""
        order = np.argsort(spikes.units, kind="stable")
        counts = np.bincount(spikes.units, minlength=len(units))
        table = self._table(
            "units",
            "units of the spike sorting",
            {
                "spike_times": (spikes.samples[order] / SAMPLING_FREQUENCY, "times of the spikes"),
                "peak_channel": (
                    np.array([unit.peak_channel for unit in units]),
                    "electrode of the largest spike",
                ),
                "cell_type": ([unit.kind for unit in units], "kind of the neuron"),
                "label": ([f"u{number:02d}" for number in range(len(units))], "name of the unit"),
            },
            np.arange(len(units)),
            neurodata_type="Units",
            namespace="core",
        )
        table["spike_times"].attrs["resolution"] = 1.0 / SAMPLING_FREQUENCY
        index = self._dataset("units/spike_times_index", np.cumsum(counts).astype("<u4"))
        self._describe(index, "VectorIndex", "hdmf-common", description="ends of the units' spike times")
        index.attrs["target"] = table["spike_times"].ref

    def spike_amplitudes(self, units: tuple[Unit, ...], spikes: Spikes) -> None:
        """The size of each spike on its unit's largest channel, at the times of the spikes."""
        peaks = np.array([unit.peak_amplitude for unit in units])
        name = "processing/ecephys/spike_amplitudes"
        self._describe(
            self._file.create_group(name), "TimeSeries", description="sizes of all spikes", comments=""
        )
        data = self._dataset(
            f"{name}/data", (peaks[spikes.units] * spikes.scale).astype("<f4"), **_COMPRESSION
        )
        self._measure(data, "volts", 1e-6)
        data.attrs["continuity"] = "instantaneous"
        times = self._dataset(f"{name}/timestamps", spikes.samples / SAMPLING_FREQUENCY, **_COMPRESSION)
        times.attrs.update({"interval": np.int32(1), "unit": "seconds"})

    def position(self) -> None:
        """Where the camera saw the animal."""
        self._describe(self._file.create_group("processing/behavior/Position"), "Position")
        name = "processing/behavior/Position/position"
        series = self._file.create_group(name)
        self._describe(series, "SpatialSeries", description="x and y on the track", comments="")
        self._dataset(f"{name}/reference_frame", "corner of the room", dtype=_TEXT)
        self._measure(
            self._dataset(f"{name}/data", camera_track(self._session), **_COMPRESSION), "meters", 0.01
        )
        self._rate(name, POSITION_FREQUENCY)

    def decoded_position(self, units: tuple[Unit, ...], spikes: Spikes) -> None:
        """The probability of each position along the track, decoded from the spikes."""
        name = "processing/behavior/decoded_position"
        centers = bin_centers()
        span = f"{centers[0]:g} to {centers[-1]:g} cm"
        text = f"probability of {centers.size} positions along the track, from {span}"
        self._describe(self._file.create_group(name), "TimeSeries", description=text, comments="")
        data = self._dataset(f"{name}/data", decode(self._session, units, spikes), **_COMPRESSION)
        self._measure(data, "probability", 1.0)
        self._rate(name, DECODING_FREQUENCY)

    def intervals(self, name: str, description: str, intervals: Sequence[Interval]) -> None:
        """A table of labelled intervals."""
        self._table(
            f"intervals/{name}",
            description,
            {
                "start_time": (np.array([interval.start for interval in intervals]), "start in seconds"),
                "stop_time": (np.array([interval.end for interval in intervals]), "end in seconds"),
                "label": ([interval.label for interval in intervals], "what it is"),
            },
            np.arange(len(intervals)),
            neurodata_type="TimeIntervals",
            namespace="core",
        )

    def _recorded(self, row: int, end: int) -> Iterator[tuple[int, int]]:
        """The sample numbers, as half-open ranges, of the rows [row, end) of the file."""
        first_row = 0
        for first, last in self._session.runs:
            begin, finish = max(row - first_row, 0), min(end - first_row, last - first)
            if begin < finish:
                yield first + begin, first + finish
            first_row += last - first

    def _describe(self, target: Any, neurodata_type: str, namespace: str = "core", **attributes: str) -> None:
        target.attrs["namespace"] = namespace
        target.attrs["neurodata_type"] = neurodata_type
        address = f"seriesview-demo/{self._session.seed}{target.name}"
        target.attrs["object_id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, address))
        for name, text in attributes.items():
            target.attrs[name] = text

    def _measure(self, data: h5py.Dataset, unit: str, conversion: float) -> None:
        data.attrs.update({"unit": unit, "conversion": conversion, "offset": 0.0, "resolution": -1.0})

    def _rate(self, name: str, frequency: float) -> None:
        start = self._dataset(f"{name}/starting_time", 0.0)
        start.attrs.update({"rate": np.float32(frequency), "unit": "seconds"})

    def _dataset(self, name: str, data: Any, **options: Any) -> h5py.Dataset:
        return self._file.create_dataset(name, data=data, track_times=False, **options)

    def _table(
        self,
        name: str,
        description: str,
        columns: dict[str, tuple[Any, str]],
        ids: npt.NDArray[np.int64],
        neurodata_type: str = "DynamicTable",
        namespace: str = "hdmf-common",
    ) -> h5py.Group:
        """A table, one dataset a column: numbers, texts or references, each with its description."""
        table = self._file.create_group(name)
        self._describe(table, neurodata_type, namespace, description=description)
        table.attrs.create("colnames", list(columns), dtype=_TEXT)
        self._describe(self._dataset(f"{name}/id", ids), "ElementIdentifiers", "hdmf-common")
        for column, (values, text) in columns.items():
            options = {}
            if isinstance(values, list):
                options["dtype"] = h5py.ref_dtype if isinstance(values[0], h5py.Reference) else _TEXT
            data = self._dataset(f"{name}/{column}", values, **options)
            self._describe(data, "VectorData", "hdmf-common", description=text)
        return table
