"""Folders of the Open Ephys GUI's binary format, written by its documentation: those of 0.6 and later, and of 0.5."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
SITES = {"CH0": (27, 0), "CH1": (59, 0), "CH2": (11, 20), "CH3": (43, 20)}


@dataclass
class Stream:
    """A stream to write: samples (n, C), and the number of each; `seconds` by its rate where None."""

    folder: str
    samples: Array
    rate: float = 30000.0
    first: int = 1000
    numbers: Array | None = None
    seconds: Array | None = None
    names: Sequence[str] = ()
    bit_volts: float = 0.195
    units: Sequence[str] = ()

    @property
    def name(self) -> str:
        return self.folder.partition(".")[2]

    @property
    def all_numbers(self) -> Array:
        if self.numbers is not None:
            return np.asarray(self.numbers, np.int64)
        return np.arange(self.first, self.first + len(self.samples), dtype=np.int64)

    def described(self) -> dict[str, Any]:
        names = self.names or [f"CH{at + 1}" for at in range(self.samples.shape[1])]
        units = self.units or ["uV"] * len(names)
        return {
            "folder_name": f"{self.folder}/",
            "sample_rate": self.rate,
            "source_processor_name": "Source",
            "source_processor_id": 100,
            "stream_name": self.name,
            "recorded_processor": "Record Node",
            "recorded_processor_id": 101,
            "num_channels": len(names),
            "channels": [
                {
                    "channel_name": name,
                    "description": "",
                    "identifier": "",
                    "history": "",
                    "bit_volts": self.bit_volts,
                    "units": unit,
                }
                for name, unit in zip(names, units, strict=True)
            ],
        }


@dataclass
class Lines:
    """TTL events to write: states +line and -line at sample numbers."""

    folder: str
    states: Sequence[int]
    numbers: Sequence[int]
    rate: float = 30000.0
    seconds: Sequence[float] | None = None


@dataclass
class Recording:
    """What one recording holds."""

    streams: Sequence[Stream]
    lines: Sequence[Lines] = ()
    messages: Sequence[tuple[str, int]] = ()
    spikes: dict[str, Sequence[int]] = field(default_factory=dict)
    software_time: int | None = None


def write(folder: Path, recording: Recording, version: str = "0.6.7") -> Path:
    """Write a recording's folder, as GUI 0.6 or later does, or 0.5 where `version` says so."""
    new = version >= "0.6"
    description: dict[str, Any] = {"GUI version": version, "continuous": [], "events": [], "spikes": []}
    for stream in recording.streams:
        place = folder / "continuous" / stream.folder
        place.mkdir(parents=True)
        stream.samples.astype("<i2").tofile(place / "continuous.dat")
        numbers = stream.all_numbers
        np.save(place / ("sample_numbers.npy" if new else "timestamps.npy"), numbers)
        seconds = numbers / stream.rate if stream.seconds is None else stream.seconds
        np.save(
            place / ("timestamps.npy" if new else "synchronized_timestamps.npy"), np.asarray(seconds, float)
        )
        entry = stream.described()
        if not new:
            entry["source_processor_sub_idx"] = int(entry.pop("stream_name"))
        description["continuous"].append(entry)
    for each in recording.lines:
        name = f"{each.folder}/{'TTL' if new else 'TTL_1'}"
        place = folder / "events" / name
        place.mkdir(parents=True)
        np.save(place / ("states.npy" if new else "channel_states.npy"), np.array(each.states, np.int16))
        np.save(place / "full_words.npy", np.zeros(len(each.states), np.uint64))
        _write_times(place, new, each.numbers, each.rate, each.seconds)
        if not new:
            np.save(place / "channels.npy", np.abs(each.states).astype(np.uint16))
        description["events"].append(_event(name, "Lines", "int16", each.folder, each.rate))
    if recording.messages:
        rate = recording.streams[0].rate
        name = "MessageCenter" if new else "Message_Center-904.0/TEXT_group_1"
        place = folder / "events" / name
        place.mkdir(parents=True)
        np.save(place / "text.npy", np.array([text.encode() for text, _ in recording.messages], "S513"))
        _write_times(place, new, [at for _, at in recording.messages], rate, None)
        if not new:
            np.save(place / "channels.npy", np.zeros(len(recording.messages), np.uint16))
        description["events"].append(_event(name, "Messages", "string", recording.streams[0].folder, rate))
    for electrode, numbers in recording.spikes.items():
        name = (
            f"Spike_Detector-104.{recording.streams[0].name}/{electrode}"
            if new
            else f"spike_group_{electrode}"
        )
        place = folder / "spikes" / name
        place.mkdir(parents=True)
        clusters = np.arange(len(numbers), dtype=np.uint16) % 2
        if new:
            _write_times(place, new, numbers, recording.streams[0].rate, None)
            np.save(place / "clusters.npy", clusters)
        else:
            np.save(place / "spike_times.npy", np.array(numbers, np.int64))
            np.save(place / "spike_clusters.npy", clusters)
        key = "folder" if new else "folder_name"
        stream = recording.streams[0]
        description["spikes"].append({key: f"{name}/", "name": electrode, "sample_rate": stream.rate})
    (folder / "structure.oebin").write_text(json.dumps(description, indent=2))
    if recording.software_time is not None:
        (folder / "sync_messages.txt").write_text(
            "Software Time (milliseconds since midnight Jan 1st 1970 UTC): "
            f"{recording.software_time}\r\nStart Time for Source (100) - x @ 30000 Hz: 1000\r\n"
        )
    return folder


def write_settings(path: Path, date: str = "3 Apr 2025 13:38:24", probe: str | None = None) -> Path:
    """A settings.xml, with a probe of four channels whose streams are called `probe`-AP and `probe`-LFP."""
    probes = ""
    if probe is not None:
        streams = "".join(f'<STREAM name="{probe}-{band}" channel_count="4"/>' for band in ("AP", "LFP"))
        places = {
            "CHANNELS": dict.fromkeys(SITES, "0"),
            "ELECTRODE_XPOS": {name: x for name, (x, _) in SITES.items()},
            "ELECTRODE_YPOS": {name: y for name, (_, y) in SITES.items()},
        }
        tags = "".join(_tag(name, values) for name, values in places.items())
        probes = (
            f'<PROCESSOR name="Neuropix-PXI" nodeId="100" libraryVersion="0.5.0">{streams}<EDITOR>'
            f'<NP_PROBE probe_part_number="NP1010" probe_serial_number="1" isEnabled="1">{tags}</NP_PROBE>'
            "</EDITOR></PROCESSOR>"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<SETTINGS><INFO><VERSION>0.6.7</VERSION><DATE>{date}</DATE></INFO>'
        f"<SIGNALCHAIN>{probes}</SIGNALCHAIN></SETTINGS>"
    )
    return path


def write_settings_with(path: Path, version: str, processor: str) -> Path:
    """A settings.xml of a version of the GUI, with the text of one processor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"<SETTINGS><INFO><VERSION>{version}</VERSION><DATE>3 Apr 2025 13:38:24</DATE></INFO>"
        f"<SIGNALCHAIN>{processor}</SIGNALCHAIN></SETTINGS>"
    )
    return path


def probe_of_version_05(serial: int, places: dict[str, tuple[str, int, int]], attributes: str = "") -> str:
    """The element of a probe, with bank and shank, x and y of each channel as they stand there."""
    tags = "".join(
        _tag(name, {channel: each[at] for channel, each in places.items()})
        for at, name in enumerate(("CHANNELS", "ELECTRODE_XPOS", "ELECTRODE_YPOS"))
    )
    return f'<NP_PROBE slot="2" port="{serial}" dock="1" probe_serial_number="{serial}" {attributes}>{tags}</NP_PROBE>'


def _tag(name: str, values: dict[str, Any]) -> str:
    said = " ".join(f'{key}="{value}"' for key, value in values.items())
    return f"<{name} {said}/>"


def _write_times(
    place: Path, new: bool, numbers: Sequence[int], rate: float, seconds: Sequence[float] | None
) -> None:
    counted = np.array(numbers, np.int64)
    np.save(place / ("sample_numbers.npy" if new else "timestamps.npy"), counted)
    if new:
        np.save(place / "timestamps.npy", counted / rate if seconds is None else np.array(seconds, float))


def _event(folder: str, name: str, kind: str, source: str, rate: float) -> dict[str, Any]:
    return {
        "folder_name": f"{folder}/",
        "channel_name": name,
        "description": "",
        "identifier": "",
        "sample_rate": rate,
        "type": kind,
        "source_processor": "Source",
        "stream_name": source.partition(".")[2],
    }
