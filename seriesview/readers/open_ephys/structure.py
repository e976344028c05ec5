"""What `structure.oebin` says: the streams, events and spikes of one recording, and the version that wrote it.

It is JSON, written when a recording begins: https://open-ephys.github.io/gui-docs/User-Manual/Recording-data/
Binary-format.html. Versions differ: streams have no name before 0.6, and spikes stand in other folders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seriesview.errors import ReaderError
from seriesview.readers.companions import number_of, read_json, text_of

NAME = "structure.oebin"
_MOST_CHANNELS = 1 << 16
_MOST_NAME = 200

EventKind = Literal["ttl", "text", "binary"]


@dataclass(frozen=True)
class StreamChannel:
    """A channel of a stream; `bit_volts` is one step of its integers in `unit`, None where the file says none."""

    name: str
    bit_volts: float | None
    unit: str


@dataclass(frozen=True)
class Stream:
    """Channels that were sampled together, in `continuous/FOLDER/continuous.dat`."""

    folder: str
    name: str
    rate: float
    channels: tuple[StreamChannel, ...]
    num_channels: int
    """As the file counts them, which may differ from those that it describes."""


@dataclass(frozen=True)
class EventFolder:
    """Events of one kind, in `events/FOLDER/`."""

    folder: str
    kind: EventKind
    name: str
    stream: str
    rate: float


@dataclass(frozen=True)
class Electrode:
    """Spikes that were detected on one electrode, in `spikes/FOLDER/`."""

    folder: str
    name: str
    stream: str
    rate: float


@dataclass(frozen=True)
class Structure:
    """What one recording holds; `version` of the GUI that wrote it, () where it does not say."""

    version: tuple[int, ...]
    streams: tuple[Stream, ...]
    events: tuple[EventFolder, ...]
    electrodes: tuple[Electrode, ...]

    @property
    def has_sample_numbers(self) -> bool:
        """Whether timestamps are seconds, and sample numbers a file of their own: from 0.6 on."""
        return not self.version or self.version >= (0, 6)

    @property
    def version_in_words(self) -> str:
        """`GUI 0.6.7`, or that it is not known."""
        return f"GUI {'.'.join(map(str, self.version))}" if self.version else "a GUI of unknown version"


def read_structure(path: Path) -> Structure:
    """Read a `structure.oebin`. Raises ReaderError."""
    document = read_json(path)
    return Structure(
        version=_version(document.get("GUI version")),
        streams=tuple(_stream(each, path) for each in _objects(document, "continuous")),
        events=tuple(_event(each, path) for each in _objects(document, "events")),
        electrodes=tuple(_electrode(each, path) for each in _objects(document, "spikes")),
    )


def _version(value: Any) -> tuple[int, ...]:
    numbers = re.findall(r"\d{1,4}", value[:20]) if isinstance(value, str) else []
    return tuple(int(number) for number in numbers[:3])


def _objects(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    listed = document.get(key)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _folder(entry: dict[str, Any], path: Path, *keys: str) -> str:
    """The folder that an entry names, below the recording's own. Raises ReaderError for any other."""
    value = next((entry[key] for key in keys if isinstance(entry.get(key), str)), "")
    parts = [part for part in value.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in value or len(value) > 1000 or value.startswith("/"):
        raise ReaderError(f"names the folder {value[:_MOST_NAME]!r}, which is none of a recording", file=path)
    return "/".join(parts)


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    return text_of(value) if isinstance(value, str) else ""


def _rate(entry: dict[str, Any], path: Path, folder: str) -> float:
    rate = number_of(entry.get("sample_rate"))
    if rate is None or rate <= 0:
        raise ReaderError(
            f"{folder}: its sample_rate is {entry.get('sample_rate')!r:.50}, no rate", file=path
        )
    return rate


def _stream(entry: dict[str, Any], path: Path) -> Stream:
    folder = _folder(entry, path, "folder_name")
    described = _objects(entry, "channels")
    counted = number_of(entry.get("num_channels"))
    count = len(described) if counted is None else counted
    if not 0 < count <= _MOST_CHANNELS or count != int(count) or len(described) > _MOST_CHANNELS:
        raise ReaderError(f"{folder}: no number of channels: {entry.get('num_channels')!r:.50}", file=path)
    channels = tuple(_channel(each, index) for index, each in enumerate(described))
    return Stream(folder, _text(entry, "stream_name"), _rate(entry, path, folder), channels, int(count))


def _channel(entry: dict[str, Any], index: int) -> StreamChannel:
    name = _text(entry, "channel_name") or f"CH{index + 1}"
    step = number_of(entry.get("bit_volts"))
    return StreamChannel(name, step or None, _text(entry, "units"))


def _event(entry: dict[str, Any], path: Path) -> EventFolder:
    folder = _folder(entry, path, "folder_name")
    last = folder.rpartition("/")[2].upper()
    kind: EventKind = "binary"
    if last.startswith("TTL"):
        kind = "ttl"
    elif last.startswith(("TEXT", "MESSAGE")):
        kind = "text"
    return EventFolder(
        folder,
        kind,
        _text(entry, "channel_name"),
        _text(entry, "stream_name"),
        number_of(entry.get("sample_rate")) or 0.0,
    )


def _electrode(entry: dict[str, Any], path: Path) -> Electrode:
    folder = _folder(entry, path, "folder", "folder_name")
    name = _text(entry, "name") or _text(entry, "channel_name") or folder.rpartition("/")[2]
    return Electrode(folder, name, _text(entry, "stream_name"), number_of(entry.get("sample_rate")) or 0.0)
