"""Which streams the SpikeGLX files of a folder are, and which files of several triggers are one recording."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Decision, Segment
from seriesview.readers.spikeglx.meta import Meta, read_meta
from seriesview.readers.spikeglx.names import CONCATENATED, FileName, companion, name_of
from seriesview.readers.spikeglx.saved import SavedChannels, saved_channels

SAMPLE_BYTES = 2
# Data folder, run folder, probe folder; CatGT's folders lie one deeper.
_DEEPEST = 3
_MOST_ENTRIES = 5000
_RATES = {"imec": "imSampRate", "nidq": "niSampRate", "obx": "obSampRate"}
_MOST_HERTZ = 1e8


@dataclass(frozen=True)
class StreamFile:
    """One .bin with its .meta: what its name says, its channels, rate and size. `size` is the file's, in bytes."""

    name: FileName
    meta: Meta
    path: Path
    saved: SavedChannels
    rate: float
    size: int

    @property
    def row_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return SAMPLE_BYTES * len(self.saved.channels)

    @property
    def num_samples(self) -> int:
        """Whole samples in the file."""
        return self.size // self.row_bytes

    @property
    def first_sample(self) -> int | None:
        """Number of its first sample since the run began; None where that is not said."""
        text = self.meta.get("firstSample") or ""
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None

    def size_decisions(self) -> list[Decision]:
        """What is to be told where the header and the file do not agree."""
        said = self.meta.get("fileSizeBytes")
        left_over = self.size - self.num_samples * self.row_bytes
        if said == str(self.size) and not left_over:
            return []
        words = "says no fileSizeBytes" if said is None else f"says fileSizeBytes={said[:24]}"
        text = (
            f"{self.path.name}: its .meta {words}, the file has {self.size}: "
            f"{self.num_samples} whole samples are read"
        )
        left_out = f", {left_over} bytes behind them left out" if left_over else ""
        return [Decision(f"{text}{left_out}", is_warning=True)]


@dataclass(frozen=True)
class Piece:
    """Samples of one file that are read: all from `skip` on."""

    file: StreamFile
    skip: int = 0

    @property
    def num_samples(self) -> int:
        """How many are read."""
        return self.file.num_samples - self.skip


@dataclass(frozen=True)
class Stream:
    """One recording: the files of a stream that follow one another, with the segments that their samples make.

    `dataset` names it among the streams of its folder.
    """

    dataset: str
    pieces: tuple[Piece, ...]
    segments: tuple[Segment, ...]
    decisions: tuple[Decision, ...]

    @property
    def first(self) -> StreamFile:
        """Its first file, whose .meta stands for all."""
        return self.pieces[0].file

    @property
    def clock(self) -> str:
        """The device by whose clock its samples are: the probe's, for both of its bands."""
        return self.first.name.device

    @property
    def rate(self) -> float:
        """Samples a second."""
        return self.first.rate

    @property
    def num_samples(self) -> int:
        """Of all files."""
        return sum(piece.num_samples for piece in self.pieces)

    @property
    def metas(self) -> tuple[Path, ...]:
        """The .meta of every file."""
        return tuple(piece.file.meta.path for piece in self.pieces)


def open_file(meta_path: Path) -> StreamFile:
    """The stream file that a .meta describes. Raises ReaderError where it, or its .bin, cannot be read."""
    meta = read_meta(meta_path)
    path = companion(meta_path, ".bin")
    if not path.is_file():
        raise ReaderError(_without_bin(path), file=meta_path)
    rate = meta.number(_RATES[meta.type])
    if not 0 < rate < _MOST_HERTZ:
        raise ReaderError(f"{_RATES[meta.type]}={rate:g} is no rate", file=meta_path)
    return StreamFile(name_of(meta), meta, path, saved_channels(meta), rate, path.stat().st_size)


def _without_bin(path: Path) -> str:
    packed = path.with_suffix(".cbin")
    if packed.exists():
        return compressed(packed)
    return f"its {path.name} is not beside it: put it there"


def compressed(path: Path) -> str:
    """What to do with a file that mtscomp packed."""
    return (
        f"{path.name} is compressed by mtscomp, which cannot be read in place: unpack it "
        f"(pip install mtscomp; mtsdecomp {path.name} {path.with_suffix('.ch').name})"
    )


def meta_paths(folder: Path, deepest: int = _DEEPEST) -> Iterator[Path]:
    """The .meta files in a folder and the folders in it, sorted; at most some thousands of entries are looked at."""
    left = _MOST_ENTRIES
    waiting = [(folder, 0)]
    while waiting and left > 0:
        place, depth = waiting.pop(0)
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError:
            continue
        left -= len(entries)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.name.endswith(".meta"):
                yield Path(entry.path)
            elif depth < deepest and entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), depth + 1))


def streams_of(files: list[StreamFile]) -> list[Stream]:
    """The recordings that files make: triggers of one gate are joined where they come from one acquisition.

    In the order in which people look at them: probes first, raw files before what CatGT made of them.
    """
    groups: dict[tuple[str, str, bool], list[StreamFile]] = defaultdict(list)
    for file in files:
        groups[(file.name.session, file.name.stream, file.name.trigger == CONCATENATED)].append(file)
    sessions = {session for session, _, _ in groups}
    raw = {(session, stream) for session, stream, is_concatenated in groups if not is_concatenated}
    found: list[Stream] = []
    for (session, stream, is_concatenated), members in sorted(groups.items(), key=_order):
        dataset = stream if len(sessions) == 1 else f"{session}.{stream}"
        if is_concatenated and (session, stream) in raw:
            dataset += ".tcat"
        found.extend(_joined(dataset, members))
    return found


def _order(item: tuple[tuple[str, str, bool], list[StreamFile]]) -> tuple[str, bool, int, int, str]:
    (session, stream, is_concatenated), _ = item
    device = stream.partition(".")[0]
    digits = device.lstrip("abcdefghijklmnopqrstuvwxyz")
    kind = ("imec", "nidq", "obx").index(device.removesuffix(digits))
    return session, is_concatenated, kind, int(digits or 0), stream


def _joined(dataset: str, members: list[StreamFile]) -> Iterator[Stream]:
    members = sorted(members, key=lambda file: (_number(file), str(file.path)))
    if len(members) == 1:
        yield single(dataset, members[0])
        return
    joined = _by_first_samples(dataset, members)
    if joined is not None:
        yield joined
        return
    text = (
        "its triggers are not joined: their firstSample, channels or rates are not those of one acquisition"
    )
    for number, file in enumerate(members):
        suffix = file.name.trigger if file.name.trigger is not None else number
        stream = single(f"{dataset}.t{suffix}", file)
        yield Stream(
            stream.dataset,
            stream.pieces,
            stream.segments,
            (*stream.decisions, Decision(text, is_warning=True)),
        )


def single(dataset: str, file: StreamFile) -> Stream:
    """One file as a recording of its own."""
    decisions = file.size_decisions()
    if file.name.trigger == CONCATENATED:
        count = file.meta.get("catNFiles") or "several"
        text = (
            f"CatGT made it of {count[:12]} files: gaps between them are zeros or straight lines, not samples"
        )
        decisions.append(Decision(text))
    return Stream(dataset, (Piece(file),), (Segment(0.0, file.num_samples),), tuple(decisions))


def _number(file: StreamFile) -> int:
    return file.name.trigger if isinstance(file.name.trigger, int) else -1


def _by_first_samples(dataset: str, members: list[StreamFile]) -> Stream | None:
    """The files as segments of one recording; None where they are not of one acquisition."""
    first = members[0]
    origin = first.first_sample
    if origin is None or len({file.name.trigger for file in members}) != len(members):
        return None
    pieces: list[Piece] = []
    runs: list[tuple[int, int]] = []
    decisions: list[Decision] = []
    overlapped = 0
    end = origin
    for file in members:
        begin = file.first_sample
        if (
            begin is None
            or (pieces and begin <= (pieces[-1].file.first_sample or 0))
            or not _is_alike(first, file)
        ):
            return None
        decisions.extend(file.size_decisions())
        skip = max(0, end - begin)
        if skip >= file.num_samples:
            if file.num_samples:
                overlapped += file.num_samples
            continue
        overlapped += skip
        pieces.append(Piece(file, skip))
        length = file.num_samples - skip
        if runs and begin <= end:
            runs[-1] = (runs[-1][0], runs[-1][1] + length)
        else:
            runs.append((begin + skip, length))
        end = begin + file.num_samples
    if not pieces:
        return single(dataset, first)
    segments = tuple(Segment((begin - origin) / first.rate, length) for begin, length in runs)
    text = f"{len(pieces)} triggers, placed by firstSample: {len(segments)} stretches"
    decisions.insert(0, Decision(text))
    if overlapped:
        decisions.append(Decision(f"{overlapped} samples that two triggers share are read once"))
    return Stream(dataset, tuple(pieces), segments, tuple(decisions))


def _is_alike(first: StreamFile, other: StreamFile) -> bool:
    alike = ("imroTbl", "imAiRangeMax", "imMaxInt", "niAiRangeMax", "niMNGain", "niMAGain", "obAiRangeMax")
    return (
        first.saved.channels == other.saved.channels
        and abs(first.rate - other.rate) <= 1e-9 * first.rate
        and all(first.meta.get(key) == other.meta.get(key) for key in alike)
    )
