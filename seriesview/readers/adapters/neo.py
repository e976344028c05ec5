"""Recordings that neo's raw readers know: Blackrock, Neuralynx, Intan, Plexon, Axon, Spike2, TDT and more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, Layout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.adapters import neo_corrections as corrections
from seriesview.readers.adapters.foreign import library
from seriesview.readers.adapters.mapped import (
    described_piece,
    forget_pages,
    joined,
    mapped_piece,
    maps_in,
    part_of,
)
from seriesview.readers.adapters.neo_file import NeoDataset, NeoFile, Stretch, numbers, open_neo
from seriesview.readers.adapters.neo_formats import format_of
from seriesview.readers.extras import is_installed
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.protocol import Candidate, ReadOptions, Recording, Segment
from seriesview.readers.sample_types import checked_rate, describe, make_channels, unsupported_reason

_FORGET_BYTES = 64 << 20
_MOST_LANES = 32
_IN_HDF5 = frozenset({"MEArecRawIO", "NIXRawIO"})
_TYPES = {"analog": "ADC", "ttl": "TRIG"}


class NeoSignals(Recording):
    """Samples (n, C) of one stream, or of several of one channel each; segment after segment."""

    def __init__(self, file: NeoFile, dataset: NeoDataset, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: {dataset.name} is continuous, not {options.type}", file=file.path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: the times of its samples stand in the file", file=file.path)
        self.type = "continuous"
        self.path = file.path
        self._file, self._dataset = file, dataset
        self._stretches = file.stretches(dataset.block, dataset.streams[0])
        self._firsts = np.cumsum([0, *(each.num_samples for each in self._stretches)])
        self.num_samples = int(self._firsts[-1])
        self.sampling_frequency = checked_rate(options.sampling_frequency, self.path) or file.rate_of(
            dataset.streams[0]
        )
        self.start_time = self._stretches[0].start_time
        if len(self._stretches) > 1:
            self.segments = tuple(Segment(each.start_time, each.num_samples) for each in self._stretches)
        self.dtype = self._chunk(dataset.streams[0], self._stretches[0], 0, 1).dtype.newbyteorder("=")
        if (reason := unsupported_reason(self.dtype)) is not None:
            raise ReaderError(reason, file=self.path)
        self._describe(options)
        self._samples = None if self.layout is None else SampleFile(self.layout)
        self._maps = maps_in(file.raw)
        self._read_bytes = 0

    def _describe(self, options: ReadOptions) -> None:
        file, dataset = self._file, self._dataset
        records = np.concatenate([file.channels_of(each) for each in dataset.streams])
        labels = [corrections.clean(str(each["name"])) or str(each["id"]) for each in records]
        own: list[dict[str, Any]] = [
            {
                "unit": _unit(corrections.unit_of(file, corrections.clean(str(each["units"])))),
                "scale": float(each["gain"]),
                "offset": float(each["offset"]),
                "type": _TYPES.get(dataset.role),
            }
            for each in records
        ]
        if not all(np.isfinite([each["scale"], each["offset"]]).all() and each["scale"] != 0 for each in own):
            self.scale_problem = "its header has a gain that is no number, or 0; set `scale`"
            own = [each | {"scale": 1.0, "offset": 0.0} for each in own]
        for name in ("unit", "scale", "offset"):
            values = {each[name] for each in own}
            if len(values) == 1:
                setattr(self, name, values.pop())
                own = [{key: value for key, value in each.items() if key != name} for each in own]
        channels = make_channels(len(records), options, self.path, labels)
        self.channels = tuple(replace(channel, **more) for channel, more in zip(channels, own, strict=True))
        self.session_start = file.session_start(dataset.block)
        self.label = None if dataset.name == "Signals" else dataset.name
        self.layout = self._plain_layout()
        self.files = file.files
        self.preferred_rows = 1
        describe(self, options)
        self.decisions = tuple(file.notes)

    def _plain_layout(self) -> Layout | None:
        if len(self._dataset.streams) > 1:
            return None
        stream = self._dataset.streams[0]
        pieces = [self._piece(stream, each) for each in self._stretches]
        plain = [each for each in pieces if each is not None and each.dtype.newbyteorder("=") == self.dtype]
        return joined(plain) if len(plain) == len(pieces) else None

    def _piece(self, stream: int, stretch: Stretch) -> ContiguousLayout | None:
        raw, block = self._file.raw, self._dataset.block
        with library("neo", self.path):
            if raw.has_buffer_description_api():
                names = self._file.header["signal_streams"][stream]
                asked = (block, stretch.segment, names["buffer_id"])
                columns = raw._stream_buffer_slice[names["id"]]
                piece = described_piece(raw.get_analogsignal_buffer_description(*asked), columns)
            else:
                piece = corrections.plain_piece(self._file, stretch.segment, stream)
            if piece is not None:
                return part_of(piece, stretch.first, stretch.num_samples)
            end = stretch.num_samples
            beginning = self._chunk(stream, stretch, 0, min(2, end))
            return mapped_piece(beginning, self._chunk(stream, stretch, end - 1, end), end)

    def _chunk(self, stream: int, stretch: Stretch, begin: int, end: int) -> npt.NDArray[Any]:
        """Samples [begin, end) of a stretch, (n, C), as neo gives them. Raises ReaderError."""
        with library("neo", self.path):
            chunk: npt.NDArray[Any] = corrections.chunk_of(
                self._file,
                self._dataset.block,
                stretch.segment,
                stretch.first + begin,
                stretch.first + end,
                stream,
            )
        if len(chunk) != end - begin:
            raise ReaderError(
                f"{self._dataset.name}: neo gives {len(chunk)} of {end - begin} samples from {begin} on; "
                "the file may be cut off",
                file=self.path,
            )
        return chunk

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        if self._samples is not None:
            self._samples.read_into(first_sample, out)
            return
        filled = 0
        while filled < len(out):
            position = first_sample + filled
            number = int(np.searchsorted(self._firsts, position, side="right")) - 1
            stretch, begin = self._stretches[number], position - int(self._firsts[number])
            count = min(len(out) - filled, stretch.num_samples - begin)
            column = 0
            for stream in self._dataset.streams:
                chunk = self._chunk(stream, stretch, begin, begin + count)
                out[filled : filled + count, column : column + chunk.shape[1]] = chunk
                column += chunk.shape[1]
            filled += count
        self._read_bytes += out.nbytes
        if self._read_bytes >= _FORGET_BYTES:
            self._read_bytes = 0
            forget_pages(self._maps)

    def close(self) -> None:
        """Let go of the file."""
        if self._samples is not None:
            self._samples.close()
        self._file.close()


def _unit(unit: str) -> str:
    return {"µV": "uV", "μV": "uV", "microV": "uV", "volts": "V", "a.u.": ""}.get(unit, unit)


def _open_units(file: NeoFile, dataset: NeoDataset, options: ReadOptions) -> Recording:
    raw, block = file.raw, dataset.block
    records = file.header["spike_channels"]
    times, units = [np.empty(0)], [np.empty(0, np.uint32)]
    with library("neo", file.path):
        for unit in range(len(records)):
            for segment, shift in enumerate(file.shifts[block]):
                stamps = raw.get_spike_timestamps(block, segment, unit, None, None)
                found = numbers(raw.rescale_spike_timestamp(stamps, "float64")) + shift
                times.append(found)
                units.append(np.full(len(found), unit, np.uint32))
    labels = [corrections.clean(str(each["name"])) or str(each["id"]) for each in records]
    ids = [str(each["id"]) for each in records]
    has_ids = len(set(ids)) == len(ids) and all(ids)
    return EventRecording(
        file.path, np.concatenate(times), np.concatenate(units), labels, options, ids if has_ids else None
    )


def _open_events(file: NeoFile, dataset: NeoDataset, options: ReadOptions) -> Recording:
    """The events of one channel: by label where these are few, else as instants with labels; epochs as intervals."""
    times, durations, labels = _moments(file, dataset)
    texts = [corrections.clean(str(each)) or dataset.name.rpartition("/")[2] for each in labels]
    distinct = sorted(set(texts))
    if (durations > 0).any() or len(distinct) > _MOST_LANES:
        bounds = np.column_stack([times, times + np.maximum(durations, 0)])
        return IntervalRecording(file.path, bounds, texts, options)
    position = {label: index for index, label in enumerate(distinct)}
    indices = np.array([position[each] for each in texts], np.uint32)
    return EventRecording(file.path, times, indices, distinct, options)


def _moments(file: NeoFile, dataset: NeoDataset) -> tuple[npt.NDArray[Any], npt.NDArray[Any], Sequence[str]]:
    if (known := corrections.instants_of(file)) is not None:
        return np.array([time for time, _ in known]), np.zeros(len(known)), [text for _, text in known]
    raw, block, channel = file.raw, dataset.block, dataset.channel
    times, durations, labels = [np.empty(0)], [np.empty(0)], []
    first: npt.NDArray[Any] | None = None
    with library("neo", file.path):
        for segment, shift in enumerate(file.shifts[block]):
            stamps, lasting, names = raw.get_event_timestamps(block, segment, channel, None, None)
            # Formats that do not know in which segment an event lies give all of them in each.
            if first is not None and len(stamps) and np.array_equal(stamps, first):
                continue
            first = np.asarray(stamps) if first is None else first
            found = numbers(raw.rescale_event_timestamp(stamps, "float64", channel)) + shift
            times.append(found)
            durations.append(
                np.zeros(len(found))
                if lasting is None
                else numbers(raw.rescale_epoch_duration(lasting, "float64", channel))
            )
            labels += [str(each) for each in names]
    return np.concatenate(times), np.concatenate(durations), labels


class NeoReader:
    """Reader of what neo's raw readers know, by an allow-list of formats."""

    name = "neo"
    reads_folders = True

    def can_read(self, path: Path) -> bool:
        """Whether the file or folder is of a format on the list, by suffix and signature."""
        return format_of(path) is not None

    def candidates(self, path: Path) -> list[Candidate]:
        """Every stream, all units, and every channel of events that has any."""
        file = _opened(path)
        with library("neo", path, file.notes):
            found = [_candidate(file, dataset) for dataset in file.datasets]
            file.close()
        if not found and file.notes:
            raise ReaderError(f"nothing in it can be shown; {file.notes[0].text}", file=path)
        return found

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the stream, units or events that `dataset` names; raises ReaderError."""
        file = _opened(path)
        with library("neo", path, file.notes):
            dataset = _chosen(file, options)
            if dataset.kind == "signals":
                return NeoSignals(file, dataset, options)
            open_ = _open_units if dataset.kind == "units" else _open_events
            recording = open_(file, dataset, options)
            start = options.session_start or file.session_start(dataset.block)
            file.close()
        recording.session_start = start
        recording.files = file.files
        recording.decisions = tuple(file.notes)
        return recording


class NeoHdf5Reader(NeoReader):
    """Reader of HDF5 files that neo knows better than `hdf5` does, where neo and what it needs for them is there."""

    name = "neo_hdf5"
    reads_folders = False

    def can_read(self, path: Path) -> bool:
        """Whether the root is that of MEArec or NIX; what lacks for a file called .nix is told at opening."""
        found = format_of(path) if path.is_file() else None
        if found is None or found.rawio not in _IN_HDF5:
            return False
        needed = ["neo", corrections.NEEDED.get(found.rawio, "neo")]
        return path.suffix == ".nix" or all(map(is_installed, needed))


def _opened(path: Path) -> NeoFile:
    found = format_of(path)
    if found is None:
        raise ReaderError("no file or folder of a format that is read through neo", file=path)
    return open_neo(path, found)


def _chosen(file: NeoFile, options: ReadOptions) -> NeoDataset:
    names = [each.name for each in file.datasets]
    if options.dataset is None:
        signals = [each for each in file.datasets if each.kind == "signals"] or file.datasets
        if len(signals) == 1:
            return signals[0]
        problem = (
            "holds several datasets; set `dataset:` to one of" if names else "holds nothing that can be shown"
        )
        raise ReaderError(f"{problem} {', '.join(names)}".strip(), file=file.path)
    found = next((each for each in file.datasets if each.name == options.dataset), None)
    if found is None:
        raise ReaderError(
            f"dataset: there is no {options.dataset!r}; there are {', '.join(names)}", file=file.path
        )
    return found


def _candidate(file: NeoFile, dataset: NeoDataset) -> Candidate:
    options = {"dataset": dataset.name}
    # What neo calls the only stream of a file says nothing.
    label = None if dataset.name == "Signals" else dataset.name.rpartition("/")[2]
    if dataset.kind == "signals":
        stretches = file.stretches(dataset.block, dataset.streams[0])
        channels = np.concatenate([file.channels_of(each) for each in dataset.streams])
        shape = (sum(each.num_samples for each in stretches), len(channels))
        unit = _unit(corrections.unit_of(file, str(channels["units"][0]))) or None
        rate, dtype = file.rate_of(dataset.streams[0]), str(channels["dtype"][0])
        return Candidate(
            dataset.name, "continuous", dtype, shape, rate, unit, options, label=label, role=dataset.role
        )
    if dataset.kind == "units":
        count = sum(file.counts("spike", dataset.block))
        return Candidate(
            dataset.name, "event", "float64", (count,), None, None, options, label=label, role="units"
        )
    _, durations, names = _moments(file, dataset)
    is_interval = (durations > 0).any() or len(set(names)) > _MOST_LANES
    return Candidate(
        dataset.name,
        "interval" if is_interval else "event",
        "float64",
        (len(durations),),
        None,
        None,
        options,
        label=label,
        role="annotations" if (durations > 0).any() else "markers",
    )
