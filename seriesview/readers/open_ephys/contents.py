"""What a place holds as series: streams split by what their channels measure, events and spikes, each with a name.

Recordings of one experiment share a clock, and are one series where their streams are the same and their sample
numbers go on; experiments begin a new clock, and so are series of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from seriesview.errors import ReaderError
from seriesview.readers.open_ephys.clock import ClockFiles, clock_files
from seriesview.readers.open_ephys.folders import Place, RecordingFolder
from seriesview.readers.open_ephys.structure import (
    NAME,
    Electrode,
    EventFolder,
    Stream,
    StreamChannel,
    Structure,
    read_structure,
)
from seriesview.readers.protocol import Decision, Role

ITEM_BYTES = 2
# Streams of wide band are sampled faster.
_FASTEST_LFP = 5000.0

Kind = Literal["electrode", "ADC", "AUX", "SYNC"]


@dataclass(frozen=True)
class Opened:
    """A recording and what its structure.oebin says; `lent` where that is another recording's."""

    folder: RecordingFolder
    structure: Structure
    lent: Decision | None = None

    @property
    def description(self) -> Path:
        """Its structure.oebin."""
        return self.folder.path / NAME


@dataclass(frozen=True)
class Piece:
    """The samples of a stream in one recording: its file, and how many channels a row of it has."""

    opened: Opened
    stream: Stream
    path: Path
    width: int
    rows: int
    files: ClockFiles
    said: tuple[Decision, ...]


@dataclass(frozen=True)
class Content:
    """One series of a place. `dataset` is its name there; `problem` says why it cannot be shown."""

    dataset: str
    label: str
    role: Role
    opened: tuple[Opened, ...]
    pieces: tuple[Piece, ...] = ()
    channels: tuple[int, ...] = ()
    kind: Kind = "electrode"
    events: tuple[tuple[Opened, EventFolder], ...] = ()
    electrodes: tuple[tuple[Opened, Electrode], ...] = ()
    siblings: tuple[Piece, ...] = field(default=(), repr=False)
    problem: str | None = None
    shared: bool = False
    """Whether other streams lie beside it, against which its clock may drift."""
    anchor: Piece | None = field(default=None, repr=False)
    """The stream whose beginning says when acquisition began, the same for all Record Nodes of an experiment."""


def kind_of(channel: StreamChannel) -> Kind:
    """What a channel measures, by its name, else its unit: electrodes are in uV, others in V."""
    name = channel.name.upper()
    if "SYNC" in name:
        return "SYNC"
    if "AUX" in name:
        return "AUX"
    if "ADC" in name or re.match(r"AI\d", name) or channel.unit == "V":
        return "ADC"
    return "electrode"


def unit_of(channel: StreamChannel) -> str:
    """The unit of its step: the file's, else uV of electrodes and V of others."""
    written = channel.unit.replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u")
    return written or {"electrode": "uV", "SYNC": ""}.get(kind_of(channel), "V")


def contents(place: Place) -> list[Content]:
    """All that a place holds, in the order of nodes, experiments and recordings. Raises ReaderError."""
    found: list[Content] = []
    for recordings in _by_experiment(place.recordings):
        opened, problems = _opened(recordings)
        found.extend(_unknown(place, each, reason) for each, reason in problems)
        streams = [_streams(place, group) for group in _continuous(opened, place.stream)]
        listed = [content for group in streams for content in group]
        found.extend(replace(each, shared=len(streams) > 1) for each in listed)
        if place.stream is None:
            pieces = tuple({piece.path: piece for each in listed for piece in each.pieces}.values())
            found.extend(replace(each, siblings=pieces) for each in _events(place, opened))
    return list(_anchored(found))


def _anchored(found: list[Content]) -> Iterator[Content]:
    anchors: dict[int | None, Piece] = {}
    for content in found:
        for piece in content.pieces:
            anchors.setdefault(piece.opened.folder.experiment, piece)
    for content in found:
        experiment = content.opened[0].folder.experiment if content.opened else None
        yield replace(content, anchor=anchors.get(experiment))


def _by_experiment(recordings: Iterable[RecordingFolder]) -> Iterator[list[RecordingFolder]]:
    grouped: dict[Path, list[RecordingFolder]] = {}
    for each in recordings:
        grouped.setdefault(each.experiment_folder, []).append(each)
    yield from grouped.values()


def _opened(recordings: list[RecordingFolder]) -> tuple[list[Opened], list[tuple[RecordingFolder, str]]]:
    """Recordings with their structures; one without borrows that of another of its experiment."""
    found: list[Opened | RecordingFolder] = []
    problems: dict[Path, str] = {}
    for folder in recordings:
        try:
            found.append(Opened(folder, read_structure(folder.path / NAME)))
        except ReaderError as error:
            problems[folder.path] = error.reason
            found.append(folder)
    lender = next((each for each in found if isinstance(each, Opened)), None)
    opened: list[Opened] = []
    unknown: list[tuple[RecordingFolder, str]] = []
    for each in found:
        if isinstance(each, Opened):
            opened.append(each)
        elif lender is None:
            unknown.append((each, problems[each.path]))
        else:
            words = f"{NAME} of {each.path.name}: {problems[each.path]}: that of {lender.folder.path.name} is taken"
            opened.append(Opened(each, lender.structure, Decision(words, is_guess=True)))
    return opened, unknown


def _unknown(place: Place, folder: RecordingFolder, reason: str) -> Content:
    problem = (
        f"{NAME}: {reason}; without it name its continuous.dat, with `reader: binary`, `dtype: int16`, `channels` and "
        "`sampling_frequency`"
    )
    return Content(_relative(place, folder.path), folder.path.name, "spike-band", (), problem=problem)


def _relative(place: Place, path: Path) -> str:
    relative = path.relative_to(place.root).as_posix()
    return path.name if relative == "." else relative


def _continuous(opened: list[Opened], only: str | None) -> Iterator[list[Piece | Content]]:
    """Pieces of one series each, by stream; what cannot be shown as such."""
    joined: dict[str, list[list[Piece | Content]]] = {}
    for each in opened:
        for stream in {stream.folder: stream for stream in each.structure.streams}.values():
            if only is not None and stream.folder != only:
                continue
            groups = joined.setdefault(stream.folder, [])
            piece = _piece(each, stream)
            if groups and _goes_on(groups[-1][-1], piece):
                groups[-1].append(piece)
            else:
                groups.append([piece])
    for groups in joined.values():
        yield from groups


def _goes_on(before: Piece | Content, after: Piece | Content) -> bool:
    """Whether a recording's samples follow another's on the same clock."""
    if isinstance(before, Content) or isinstance(after, Content):
        return False
    same = replace(before.stream, name="") == replace(after.stream, name="") and before.width == after.width
    ends, begins = before.files.numbers, after.files.numbers
    if not same or ends is None or begins is None or not ends.count or not begins.count:
        return False
    return int(begins.at(0)) > int(ends.at(min(ends.count, before.rows) - 1))


def _piece(opened: Opened, stream: Stream) -> Piece | Content:
    folder = opened.folder.path / "continuous" / stream.folder
    path = folder / "continuous.dat"
    try:
        size = inside(path, opened.folder.path).stat().st_size
        files = clock_files(folder, opened.structure)
        width, words = _width(stream, size, files)
        rows, left_over = divmod(size, ITEM_BYTES * width)
        if rows == 0:
            raise ReaderError("no samples in its continuous.dat")
    except (ReaderError, OSError) as error:
        reason = error.reason if isinstance(error, ReaderError) else error.strerror or str(error)
        return Content(stream.folder, "", "spike-band", (opened,), problem=f"{path.name}: {reason}")
    if left_over:
        words.append(
            Decision(
                f"{path.name} was cut off: the last {left_over} bytes are no whole sample", is_warning=True
            )
        )
    said = (*words, *([opened.lent] if opened.lent else []))
    return Piece(opened, stream, path, width, rows, files, said)


def inside(path: Path, recording: Path) -> Path:
    """The file, if it is really in the recording's session. Raises ReaderError, OSError where it is not there."""
    resolved = path.resolve(strict=True)
    session = recording.resolve().parent.parent
    if not resolved.is_file() or not resolved.is_relative_to(session):
        raise ReaderError(f"leads to {resolved}, which is no file of this session; name that file", file=path)
    return resolved


def _width(stream: Stream, size: int, files: ClockFiles) -> tuple[int, list[Decision]]:
    """How many channels a row has; where the header contradicts itself, as many as give a row for each number."""
    described = len(stream.channels)
    if described in (0, stream.num_channels):
        return stream.num_channels, []
    rows = files.numbers.count if files.numbers else 0
    width = described if rows * described * ITEM_BYTES == size else stream.num_channels
    words = f"{NAME} counts {stream.num_channels} channels and describes {described}: {width} are read"
    return width, [Decision(words, is_guess=True)]


def described_channels(piece: Piece) -> list[StreamChannel]:
    """A channel for each place of a row; those that are not described have no step."""
    known = list(piece.stream.channels[: piece.width])
    return known + [StreamChannel(f"CH{at + 1}", None, "") for at in range(len(known), piece.width)]


def _streams(place: Place, group: list[Piece | Content]) -> list[Content]:
    """One series for each kind of channel."""
    if isinstance(group[0], Content):
        only = group[0]
        folder = only.opened[0].folder.path / "continuous" / only.dataset
        return [replace(only, dataset=_relative(place, folder), label=only.dataset)]
    pieces = tuple(piece for piece in group if isinstance(piece, Piece))
    first = pieces[0]
    where = first.opened.folder.path if len(pieces) == 1 else first.opened.folder.experiment_folder
    dataset = _relative(place, where / "continuous" / first.stream.folder)
    name = first.stream.name or first.stream.folder
    kinds: dict[Kind, list[int]] = {}
    for at, channel in enumerate(described_channels(first)):
        kinds.setdefault(kind_of(channel), []).append(at)
    opened = tuple(piece.opened for piece in pieces)
    found = []
    for number, (kind, channels) in enumerate(kinds.items()):
        part = "" if number == 0 else f"#{kind}"
        label = _label(place, first.opened.folder, name, joined=len(pieces) > 1) + (
            f" {kind}" if part else ""
        )
        role = _role(first.stream, kind)
        found.append(Content(dataset + part, label, role, opened, pieces, tuple(channels), kind))
    return found


def _role(stream: Stream, kind: Kind) -> Role:
    if kind == "SYNC":
        return "ttl"
    if kind != "electrode":
        return "analog"
    if re.search(r"-(LFP|LF)$", stream.name):
        return "lfp"
    return "spike-band" if stream.rate >= _FASTEST_LFP or stream.name.endswith("-AP") else "lfp"


def _label(place: Place, folder: RecordingFolder, name: str, joined: bool) -> str:
    """A name for people, with as much of node, experiment and recording as tells it from others of the place."""
    parts = []
    if len({each.node_folder for each in place.recordings}) > 1:
        parts.append(folder.node_folder.name)
    if len({each.experiment_folder.name for each in place.recordings}) > 1:
        parts.append(folder.experiment_folder.name)
    together = [each for each in place.recordings if each.experiment_folder == folder.experiment_folder]
    if not joined and len(together) > 1:
        parts.append(folder.path.name)
    return f"{name} ({', '.join(parts)})" if parts else name


def _events(place: Place, opened: list[Opened]) -> Iterator[Content]:
    """Events and spikes: those of all recordings of the experiment together, as they share a clock."""
    if not opened:
        return
    joined = len(opened) > 1
    base = opened[0].folder.experiment_folder if joined else opened[0].folder.path
    folder = opened[0].folder
    events: dict[str, list[tuple[Opened, EventFolder]]] = {}
    for each in opened:
        for event in {event.folder: event for event in each.structure.events}.values():
            events.setdefault(event.folder, []).append((each, event))
    for name, found in events.items():
        event = found[0][1]
        dataset = _relative(place, base / "events" / name)
        words = f"{event.stream or name.partition('/')[0]} {'messages' if event.kind == 'text' else 'TTL'}"
        problem = "binary events are not shown" if event.kind == "binary" else None
        role: Role = "markers" if event.kind == "text" else "ttl"
        label = _label(place, folder, words, joined)
        yield Content(dataset, label, role, tuple(opened), events=tuple(found), problem=problem)
    electrodes = tuple((each, one) for each in opened for one in each.structure.electrodes)
    if electrodes:
        dataset = _relative(place, base / "spikes")
        label = _label(place, folder, "Spikes", joined)
        yield Content(dataset, label, "units", tuple(opened), electrodes=electrodes)
