"""Opened series of Zarr stores: samples with their channels and times, spikes, intervals."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.nwb.switches import switched
from seriesview.readers.protocol import Channel, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels
from seriesview.readers.spikeinterface.probes import places_of_probes
from seriesview.readers.zarr.arrays import ZarrArray, plain_layout, read_texts, read_vector
from seriesview.readers.zarr.series import Series, child
from seriesview.readers.zarr.store import NAMES, Node, Store

Nodes = Mapping[str, Node]

# Columns of NWB's table of electrodes, the later ones before the earlier ones.
_COLUMNS = (
    ("id", "label"),
    ("label", "label"),
    ("channel_name", "label"),
    ("group_name", "group"),
    ("rel_x", "x"),
    ("rel_y", "y"),
)


class ZarrRecording(Recording):
    """Samples of an array, read by whole chunks; linked where the chunks are plain and follow one another."""

    def __init__(self, path: Path, store: Store, nodes: Nodes, series: Series, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: this array is continuous, not {options.type}", file=path)
        self.type = "continuous"
        self.path = path
        self._store, self._nodes = store, nodes
        self._array = ZarrArray(store, series.node, options.order == "F")
        self.num_samples = self._array.num_samples
        self.dtype = self._array.dtype
        self.preferred_rows = self._array.preferred_rows
        self.layout = None if options.order == "F" else plain_layout(store, series.node)
        self._samples = SampleFile(self.layout) if self.layout is not None else None
        self.source, self.files = _source(store, series), _metadata_files(store, series)
        self.label = series.label
        self.unit = series.unit
        self.scale = 1.0 if series.scale is None else series.scale
        self.offset = 0.0 if series.offset is None else series.offset
        said = [*series.decisions, *_elsewhere(store)]
        if self._array.unpacked_again:
            how = "fetched and unpacked" if store.is_remote else "unpacked"
            said.append(Decision(f"its chunks are long and narrow: they are {how} several times"))
        if not self._array.has_first_chunk():
            said.append(
                Decision("its first chunk is not there: chunks that are not hold fill values", is_guess=True)
            )
        self._times = self._clock(series, options, said)
        self._describe_channels(series, options, said)
        self.session_start = _session_start(store, nodes, said)
        self.decisions = tuple(said)
        describe(self, options)

    def _clock(
        self, series: Series, options: ReadOptions, said: list[Decision]
    ) -> npt.NDArray[np.float64] | None:
        rate = checked_rate(options.sampling_frequency, self.path)
        times = series.times
        if options.timestamps is not None:
            times, rate = self._nodes.get(options.timestamps.strip("/")), None
            if times is None:
                raise ReaderError(f"timestamps: there is no array {options.timestamps}", file=self.path)
        if rate is not None or times is None:
            self.sampling_frequency = rate or series.rate
            if self.sampling_frequency is None:
                raise ReaderError("no rate in this store; set `sampling_frequency:` (Hz)", file=self.path)
            self.start_time = self._beginning(series)
            return None
        values = read_vector(self._store, times).astype(np.float64)
        if len(values) != self.num_samples:
            raise ReaderError(
                f"timestamps: {times.path} holds {len(values)} values for {self.num_samples} samples",
                file=self.path,
            )
        said.append(Decision(f"times are those of {times.path}, in seconds"))
        self.sampling_frequency = None
        return values

    def _beginning(self, series: Series) -> float:
        """Seconds of the first sample: NWB's `starting_time`, SpikeInterface's `t_starts`."""
        if series.group is None:
            return 0.0
        name = "t_starts" if series.segment is not None else "starting_time"
        node = child(self._nodes, series.group, name)
        values = read_vector(self._store, node) if node is not None else np.empty(0)
        at = series.segment or 0
        return float(values[at]) if at < len(values) and np.isfinite(values[at]) else 0.0

    def _describe_channels(self, series: Series, options: ReadOptions, said: list[Decision]) -> None:
        count = self._array.num_channels
        facts: dict[str, list[Any]] = {}
        try:
            if series.segment is not None and series.group is not None:
                facts = _spikeinterface_channels(self._store, self._nodes, series.group, count)
                self.unit = self.unit or ("uV" if "scale" in facts else "")
            elif series.group is not None:
                facts = _nwb_channels(self._store, self._nodes, series, count)
        except ReaderError as error:
            said.append(Decision(f"channels are only counted: {error.reason}", is_guess=True))
        labels = facts.pop("label", None)
        channels: list[Channel] = list(make_channels(count, options, self.path, labels))
        for name, values in facts.items():
            channels = [replace(each, **{name: value}) for each, value in zip(channels, values, strict=True)]
        if series.role == "lfp":
            channels = [replace(each, type="LFP") for each in channels]
        self.channels = tuple(channels)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        if self._samples is not None:
            self._samples.read_into(first_sample, out)
        else:
            self._array.read_into(first_sample, out)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Seconds (last_sample - first_sample,) where an array holds them."""
        if self._times is None:
            return super().timestamps(first_sample, last_sample)
        return self._times[first_sample:last_sample]

    def close(self) -> None:
        """Let go of the store."""
        if self._samples is not None:
            self._samples.close()
        self._array.close()
        self._store.close()


def open_spikes(path: Path, store: Store, nodes: Nodes, series: Series, options: ReadOptions) -> Recording:
    """Spikes of units as events, of SpikeInterface or NWB. Raises ReaderError."""
    group = series.group
    assert group is not None
    if series.kind == "units":
        names = read_texts(store, _member(nodes, group, "unit_ids", path))
        columns = [
            read_vector(store, _member(nodes, group, f"spikes/{name}", path))
            for name in ("sample_index", "unit_index")
        ]
        slices = ZarrArray(store, _member(nodes, group, "spikes/segment_slices", path)).whole()
        first, last = slices[series.segment or 0, :2].tolist()
        samples, which = (column[first:last].astype(np.int64) for column in columns)
        times = samples / (checked_rate(options.sampling_frequency, path) or series.rate or 1.0)
    else:
        times = read_vector(store, series.node).astype(np.float64)
        ends = read_vector(store, _member(nodes, group, "spike_times_index", path)).astype(np.int64)
        if (np.diff(ends, prepend=0) < 0).any() or (len(ends) and ends[-1] != len(times)):
            raise ReaderError("spike_times_index does not fit spike_times", file=(str(path), series.dataset))
        which = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        ids = child(nodes, group, "unit_name") or child(nodes, group, "id")
        names = read_texts(store, ids) if ids is not None else []
        names = names if len(names) == len(ends) else [str(at) for at in range(len(ends))]
    if len(times) != len(which) or (len(which) and not 0 <= which.min() <= which.max() < len(names)):
        raise ReaderError("spikes are of units that there are not", file=(str(path), series.dataset))
    recording = EventRecording(path, times, which.astype(np.uint32), names, options)
    said = _elsewhere(store)
    recording.session_start = recording.session_start or _session_start(store, nodes, said)
    recording.decisions = tuple(said)
    recording.source, recording.files = _source(store, series), _metadata_files(store, series)
    return recording


def open_intervals(path: Path, store: Store, nodes: Nodes, series: Series, options: ReadOptions) -> Recording:
    """A table of intervals, each called by the table, or switches. Raises ReaderError."""
    group = series.group
    assert group is not None
    if series.kind == "switches" and series.times is not None:
        values, times = (read_vector(store, each).astype(np.float64) for each in (series.node, series.times))
        bounds, labels = switched(path, times, values, series.label)
    else:
        names = ("start_time", "stop_time")
        starts, stops = (read_vector(store, _member(nodes, group, name, path)) for name in names)
        if len(starts) != len(stops):
            raise ReaderError(
                "start_time and stop_time are not equally long", file=(str(path), series.dataset)
            )
        bounds, labels = np.column_stack([starts, stops]).astype(np.float64), [series.label] * len(starts)
    recording = IntervalRecording(path, bounds, labels, options)
    said = _elsewhere(store)
    recording.session_start = recording.session_start or _session_start(store, nodes, said)
    recording.decisions = tuple(said)
    recording.source, recording.files = _source(store, series), _metadata_files(store, series)
    return recording


def _member(nodes: Nodes, group: Node, name: str, path: Path) -> Node:
    found = child(nodes, group, name)
    if found is None or not found.is_array:
        raise ReaderError(f"no array {name}", file=(str(path), group.path or "/"))
    return found


def _elsewhere(store: Store) -> list[Decision]:
    """What is not known of a store on another machine."""
    if not store.is_remote:
        return []
    said = [
        Decision("on another machine its metadata alone decide what was built: changed chunks go unnoticed")
    ]
    if not store.is_consolidated:
        said.append(Decision("its metadata are not consolidated: what lies beside the array is not known"))
    return said


def _source(store: Store, series: Series) -> Path | None:
    """The folder whose chunks are read: all that is in it decides; an archive is a file."""
    if store.archive is not None or store.is_remote:
        return None
    return Path(store.root) / (series.node if series.group is None else series.group).path


def _metadata_files(store: Store, series: Series) -> tuple[Path, ...]:
    """What says how chunks are read, and the folder of the times, where samples have their own."""
    if store.archive is not None:
        return ()
    if store.is_remote:
        # Those of other arrays decide nothing; the consolidated ones are those of all.
        wanted = {"", series.node.path, "" if series.group is None else series.group.path}
        keys = [key for key in store.metadata_read if key.rpartition("/")[0] in wanted]
        return tuple(store.root / key for key in sorted(set(keys)))
    folders = {store.root, store.root / series.node.path}
    if series.group is not None:
        folders.add(store.root / series.group.path)
    files = [folder / name for folder in sorted(folders) for name in (*NAMES, ".zattrs")]
    times = [] if series.times is None else [store.root / series.times.path]
    return tuple(path for path in [*files, *times] if path.exists())


def _spikeinterface_channels(store: Store, nodes: Nodes, group: Node, count: int) -> dict[str, list[Any]]:
    facts: dict[str, list[Any]] = {}
    for name, key in (
        ("channel_ids", "label"),
        ("properties/channel_name", "label"),
        ("properties/group", "group"),
    ):
        node = child(nodes, group, name)
        if node is not None:
            facts[key] = read_texts(store, node)
    if len(set(facts.get("group", []))) < 2:
        facts.pop("group", None)
    for name, key in (("gain_to_uV", "scale"), ("offset_to_uV", "offset")):
        node = child(nodes, group, f"properties/{name}")
        if node is not None:
            facts[key] = read_vector(store, node).astype(np.float64).tolist()
    places = places_of_probes(group.attributes.get("probegroup", group.attributes.get("probe")), count)
    if any(places):
        facts["x"], facts["y"] = ([None if each is None else each[at] for each in places] for at in (0, 1))
        if any(each is not None and each[2] for each in places):
            facts["group"] = [None if each is None else each[2] for each in places]
    return {key: values for key, values in facts.items() if len(values) == count}


def _nwb_channels(store: Store, nodes: Nodes, series: Series, count: int) -> dict[str, list[Any]]:
    """Labels and places by the rows of the table of electrodes, and the conversion of each channel."""
    assert series.group is not None
    facts: dict[str, list[Any]] = {}
    factors = child(nodes, series.group, "channel_conversion")
    if factors is not None:
        values = read_vector(store, factors).astype(np.float64)
        facts["scale"] = [float(each) * (series.scale or 1.0) for each in values]
    region = child(nodes, series.group, "electrodes")
    table = nodes.get("general/extracellular_ephys/electrodes")
    if region is not None and table is not None:
        rows = read_vector(store, region).astype(np.int64)
        for name, key in _COLUMNS:
            node = child(nodes, table, name)
            if node is None or not node.is_array:
                continue
            with suppress(ReaderError):
                texts = key in ("label", "group")
                column: Any = read_texts(store, node) if texts else read_vector(store, node).tolist()
                if len(rows) and rows.min() >= 0 and rows.max() < len(column):
                    facts[key] = [column[row] for row in rows.tolist()]
    if len(set(facts.get("group", []))) < 2:
        facts.pop("group", None)
    return {key: values for key, values in facts.items() if len(values) == count}


def _session_start(store: Store, nodes: Nodes, said: list[Decision]) -> str | None:
    """Time 0 of an NWB file."""
    for name in ("timestamps_reference_time", "session_start_time"):
        node = nodes.get(name)
        if node is None or not node.is_array or "nwb_version" not in nodes[""].attributes:
            continue
        try:
            text = read_texts(store, node)[0]
            return datetime.fromisoformat(text).isoformat()
        except (ReaderError, IndexError, ValueError) as error:
            reason = error.reason if isinstance(error, ReaderError) else "it is no date"
            said.append(Decision(f"{name} is left out: {reason}", is_guess=True))
    return None
