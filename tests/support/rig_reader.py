"""A reader of folders for tests: `rig.json` names the streams of a recording, whose samples lie beside it.

`rig.json`: {"streams": [{"name", "files": [...], "channels": [...], "rate", "segments"?: [[start, samples], ...],
"role"?, "label"?, "scale"?, "clock"?: "own"}, ...]}. `events.json`, if it is there: {NAME of an event stream: [[time,
channel], ...]}. `path` is the folder, or its rig.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from installed_readers import install_reader

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers import Candidate, Channel, Decision, ReadOptions, Recording, Segment
from seriesview.readers.in_memory import EventRecording

HEADER = "rig.json"
EVENTS = "events.json"


class RigRecording(Recording):
    """One stream of samples of a folder."""

    def __init__(self, path: Path, folder: Path, stream: dict[str, Any]) -> None:
        self.type = "continuous"
        self.path = path
        self.dtype = np.dtype(np.int16)
        self.channels = tuple(Channel(str(number), label) for number, label in enumerate(stream["channels"]))
        self.sampling_frequency = float(stream["rate"])
        self.unit, self.scale = "uV", float(stream.get("scale", 1.0))
        row = 2 * len(self.channels)
        pieces = []
        for name in stream["files"]:
            file = folder / name
            count = file.stat().st_size // row
            pieces.append(ContiguousLayout(file, self.dtype, count, len(self.channels), 0, row, 2))
        self.layout = pieces[0] if len(pieces) == 1 else FilesLayout(tuple(pieces))
        self.num_samples = self.layout.num_samples
        if "segments" in stream:
            self.segments = tuple(Segment(*each) for each in stream["segments"])
        if stream.get("clock") == "own":
            self.decisions = (Decision("nothing synchronizes its clock", is_warning=True),)
        self.files = (folder / HEADER,)
        self._samples = SampleFile(self.layout)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        self._samples.read_into(first_sample, out)

    def close(self) -> None:
        self._samples.close()


class RigReader:
    name = "rig"
    reads_folders = True

    def can_read(self, path: Path) -> bool:
        return (path / HEADER).is_file() if path.is_dir() else path.name == HEADER

    def candidates(self, path: Path) -> list[Candidate]:
        streams, events = self._read(path)
        found = [
            Candidate(
                dataset=stream["name"],
                type="continuous",
                dtype="int16",
                shape=(0, len(stream["channels"])),
                sampling_frequency=stream["rate"],
                unit="uV",
                options={"dataset": stream["name"]},
                label=stream.get("label"),
                role=stream.get("role"),
            )
            for stream in streams
        ]
        return found + [
            Candidate(name, "event", "float64", (len(each),), None, None, {"dataset": name}, role="ttl")
            for name, each in events.items()
        ]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        streams, events = self._read(path)
        folder = path if path.is_dir() else path.parent
        for stream in streams:
            if options.dataset in (None, stream["name"]):
                return RigRecording(path, folder, stream)
        if options.dataset in events:
            found = np.array(events[options.dataset], np.float64).reshape(-1, 2)
            lines = [f"line {line}" for line in range(2)]
            recording = EventRecording(path, found[:, 0], found[:, 1].astype(np.uint32), lines, options)
            recording.files = (folder / HEADER, folder / EVENTS)
            return recording
        raise ReaderError(f"there is no stream {options.dataset!r}", file=path)

    def _read(self, path: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        folder = path if path.is_dir() else path.parent
        try:
            streams = json.loads((folder / HEADER).read_text())["streams"]
            events = folder / EVENTS
            return streams, json.loads(events.read_text()) if events.exists() else {}
        except OSError as error:
            raise ReaderError(f"{error.filename}: {error.strerror}", file=path) from error
        except (ValueError, KeyError) as error:
            raise ReaderError(f"its {HEADER} is damaged", file=path) from error


def write_rig(folder: Path, streams: dict[str, dict[str, Any]], samples: int = 4000, seed: int = 0) -> Path:
    """Write a folder of streams, each of these channels and rate (and what else its entry says); its path."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    entries = []
    for name, stream in streams.items():
        entry = {"name": name, "channels": ["a", "b", "c"], "rate": 1000, "files": [f"{name}.i16"], **stream}
        for file in entry["files"]:
            shape = (samples, len(entry["channels"]))
            random.normal(0, 300, shape).astype(np.int16).tofile(folder / file)
        entries.append(entry)
    (folder / HEADER).write_text(json.dumps({"streams": entries}))
    return folder


def change_header(folder: Path, **changes: Any) -> None:
    """Change what a folder says of its first stream."""
    content = json.loads((folder / HEADER).read_text())
    content["streams"][0].update(changes)
    (folder / HEADER).write_text(json.dumps(content))


def install_rig(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process and those that it starts find the reader, as an installed package's."""
    install_reader(place, "rig", f"{__name__}:RigReader", monkeypatch)
