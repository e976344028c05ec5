"""Where recordings lie: session / Record Node N / experimentN / recordingM, and who points at which of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.open_ephys.structure import NAME

_EXPERIMENT = re.compile(r"experiment(\d{1,9})", re.IGNORECASE)
_RECORDING = re.compile(r"recording(\d{1,9})", re.IGNORECASE)
_MOST_ENTRIES = 10_000
_MOST_RECORDINGS = 10_000


@dataclass(frozen=True)
class RecordingFolder:
    """One recording; numbers are None where the folder is called otherwise."""

    path: Path
    experiment: int | None
    number: int | None

    @property
    def experiment_folder(self) -> Path:
        """The folder of its experiment, whose recordings share a clock."""
        return self.path.parent

    @property
    def node_folder(self) -> Path:
        """The folder of its Record Node, or of the session before 0.5."""
        return self.path.parent.parent

    @property
    def settings(self) -> Path:
        """The settings of its experiment: settings.xml of the first, settings_N.xml of the others."""
        numbered = self.experiment is not None and self.experiment > 1
        return self.node_folder / (f"settings_{self.experiment}.xml" if numbered else "settings.xml")

    @property
    def settings_of_probes(self) -> Path:
        """Those of its experiment, else of the first: whoever copies one experiment may leave the others' behind."""
        return self.settings if self.settings.exists() else self.node_folder / "settings.xml"


@dataclass(frozen=True)
class Place:
    """What a path points at: recordings below `root`, or with `stream` one stream's folder of the only one."""

    root: Path
    recordings: tuple[RecordingFolder, ...]
    stream: str | None = None


def is_place(path: Path) -> bool:
    """Whether a file or folder belongs to a recording of the binary format; looks at names alone, never raises."""
    try:
        if path.is_file():
            return path.name == NAME or (
                path.name == "continuous.dat"
                and path.absolute().parent.parent.name == "continuous"
                and (path.absolute().parents[2] / NAME).is_file()
            )
        return next(_recordings(path), None) is not None
    except OSError:
        return False


def find_place(path: Path) -> Place:
    """The recordings that a path points at, in the order of their numbers. Raises ReaderError where there are none."""
    absolute = path.absolute()
    try:
        if path.is_file() and path.name == "continuous.dat":
            root = absolute.parents[2]
            return Place(root, (_numbered(root),), absolute.parent.name)
        root = absolute.parent if path.is_file() else absolute
        found = list(islice(_recordings(root), _MOST_RECORDINGS))
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
    if not found:
        raise ReaderError(
            f"no Open Ephys recording: no {NAME} in it, nor in experimentN/recordingM below it", file=path
        )
    return Place(root, tuple(found))


def _numbered(path: Path) -> RecordingFolder:
    experiment, number = _EXPERIMENT.fullmatch(path.parent.name), _RECORDING.fullmatch(path.name)
    return RecordingFolder(
        path, int(experiment[1]) if experiment else None, int(number[1]) if number else None
    )


def _recordings(folder: Path) -> Iterator[RecordingFolder]:
    """Recordings in a folder that is one, or an experiment, a Record Node or a session."""
    if _is_recording(folder):
        yield _numbered(folder.absolute())
        return
    found = False
    for recording in _of_experiment(folder):
        found = True
        yield recording
    for recording in () if found else _of_node(folder):
        found = True
        yield recording
    for node in () if found else _folders(folder):
        if node.name.lower().startswith("record"):
            yield from _of_node(node)


def _is_recording(folder: Path) -> bool:
    return (folder / NAME).is_file() or (
        _RECORDING.fullmatch(folder.name) is not None
        and _EXPERIMENT.fullmatch(folder.absolute().parent.name) is not None
        and (folder / "continuous").is_dir()
    )


def _of_experiment(folder: Path) -> Iterator[RecordingFolder]:
    for each in _folders(folder):
        if _RECORDING.fullmatch(each.name) and _is_recording(each):
            yield _numbered(each.absolute())


def _of_node(folder: Path) -> Iterator[RecordingFolder]:
    for each in _folders(folder):
        if _EXPERIMENT.fullmatch(each.name):
            yield from _of_experiment(each)


def _folders(folder: Path) -> list[Path]:
    """Folders in a folder, 2 before 10; those that cannot be read count as empty."""
    try:
        found = [each for each in islice(folder.iterdir(), _MOST_ENTRIES) if each.is_dir()]
    except OSError:
        return []
    return sorted(
        found, key=lambda each: [(int(part) if part.isdigit() else -1, part) for part in _parts(each)]
    )


def _parts(folder: Path) -> list[str]:
    return [part for part in re.split(r"(\d{1,18})", folder.name) if part]
