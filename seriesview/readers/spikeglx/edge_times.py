"""Times of edges that CatGT found (RUN_gN_tcat.STREAM.xd_W_B_MS.txt and the like), and those that TPrime moved."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.in_memory import EventRecording
from seriesview.readers.protocol import Decision, ReadOptions

# CatGT User Manual, "Extractors": word and bit of a digital line, word and threshold of an analog one, milliseconds.
_NAME = re.compile(
    r"(?P<session>.+_g\d+)_tcat\.(?P<stream>(?:imec\d*|nidq|obx\d+)(?:\.(?:ap|lf|obx))?)\."
    r"(?P<what>x(?:a|d|ia|id)_[\w.-]+?)\.txt",
    re.ASCII,
)
_MOST_FILES = 1000
_MOST_BYTES = 1 << 30
DATASET = "edge_times"


@dataclass(frozen=True)
class EdgeFile:
    """One file of times: of which run and gate, of which stream, and of which channel of it."""

    path: Path
    session: str
    label: str


def edge_files(folders: set[Path]) -> list[EdgeFile]:
    """The files of edge times in some folders, sorted by stream."""
    found: list[EdgeFile] = []
    for folder in sorted(folders):
        try:
            names = sorted(entry.name for entry in os.scandir(folder))
        except OSError:
            continue
        for name in names:
            named = _NAME.fullmatch(name)
            if named is not None:
                found.append(EdgeFile(folder / name, named["session"], f"{named['stream']} {named['what']}"))
    return found[:_MOST_FILES]


def open_edge_times(path: Path, files: list[EdgeFile], options: ReadOptions) -> EventRecording:
    """All of them as events, a channel for each file. Raises ReaderError."""
    times = [_times(file.path) for file in files]
    indices = np.repeat(np.arange(len(files), dtype=np.uint32), [len(each) for each in times])
    labels = [file.label for file in files]
    recording = EventRecording(path, np.concatenate(times), indices, labels, options)
    recording.source = files[0].path
    recording.files = tuple(file.path for file in files)
    recording.decisions = (
        Decision(
            "times as CatGT wrote them: seconds of each stream's own clock from the run's first file; "
            "TPrime's (_adj) are those of one"
        ),
    )
    return recording


def _times(path: Path) -> npt.NDArray[np.float64]:
    """One time a line, in seconds."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ReaderError("more than 1 GiB of times", file=path)
        with path.open("rb") as file:
            lines = [line for line in file if line.strip()]
        return np.array([float(line) for line in lines], np.float64)
    except ValueError:
        raise ReaderError("not one time in seconds a line", file=path) from None
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
