"""What a WAV file says: how samples are stored, where they lie, when they were recorded, and its cues."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.moments import parse_moment
from seriesview.readers.protocol import Decision
from seriesview.readers.wav.chunks import Chunk, Kind, chunks_of, kind_of
from seriesview.readers.wav.cues import Cue, cues_of
from seriesview.terms import FIRST_YEAR, LAST_YEAR

MOST_CHANNELS = 16384
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_MOST_BYTES = 16 << 20
_OF_INTEREST = (b"fmt ", b"bext", b"cue ", b"LIST", b"list")


@dataclass(frozen=True)
class Format:
    """How samples are stored: by format tag and bytes of a sample."""

    tag: int
    num_channels: int
    rate: int
    row_bytes: int
    sample_bytes: int

    @property
    def dtype(self) -> np.dtype[np.generic] | None:
        """Of the samples as they are read, native; those of 24 bits as int32. None where they are packed."""
        names = {
            (_PCM, 1): "u1",
            (_PCM, 2): "i2",
            (_PCM, 3): "i4",
            (_PCM, 4): "i4",
            (_FLOAT, 4): "f4",
            (_FLOAT, 8): "f8",
        }
        name = names.get((self.tag, self.sample_bytes))
        return None if name is None else np.dtype(name)


@dataclass(frozen=True)
class WavHeader:
    """A file as it was understood; `data_bytes` are those that are there, in whole samples."""

    path: Path
    kind: Kind
    format: Format
    data_offset: int
    num_samples: int
    session_start: str | None = None
    cues: tuple[Cue, ...] = ()
    decisions: tuple[Decision, ...] = field(default=())


def format_of(path: Path) -> Format | None:
    """How a file that begins like a wave stores its samples; None where it does not say. Raises OSError."""
    with path.open("rb") as file:
        kind = kind_of(file.read(40))
        if kind is None:
            return None
        for chunk in chunks_of(file, kind, path.stat().st_size):
            if chunk.name == b"fmt ":
                return _format(_content(file, chunk), kind)
    return None


def read_wav_header(path: Path) -> WavHeader:
    """Read all chunks but the samples. Raises ReaderError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        kind = kind_of(file.read(40))
        if kind is None:
            raise ReaderError("not a WAV file", file=path)
        found: dict[bytes, bytes] = {}
        lists: list[bytes] = []
        data: Chunk | None = None
        said: list[Decision] = []
        for chunk in chunks_of(file, kind, size):
            if chunk.name == b"data" and data is None:
                data, said = _data(file, chunk, size)
                if data.size != chunk.size:
                    break
            elif chunk.name in _OF_INTEREST:
                content = _content(file, chunk)
                found.setdefault(chunk.name, content)
                if chunk.name.upper() == b"LIST":
                    lists.append(content)
    stored = _format(found[b"fmt "], kind) if b"fmt " in found else None
    if stored is None or data is None:
        lacking = "how its samples are stored (fmt)" if stored is None else "samples (data)"
        raise ReaderError(f"a WAV file without {lacking}; it is cut short or damaged", file=path)
    if stored.dtype is None or not 1 <= stored.num_channels <= MOST_CHANNELS:
        raise ReaderError(
            f"samples of format {stored.tag:#x}, {stored.sample_bytes} bytes and {stored.num_channels} channels "
            "cannot be shown; convert it to PCM of 16 bits",
            file=path,
        )
    num_samples, left_over = divmod(data.size, stored.row_bytes)
    if left_over:
        said.append(Decision(f"{left_over} bytes behind the last whole sample are left out", is_guess=True))
    start, more = _session_start(found.get(b"bext", b""), stored.rate)
    said += more
    cues, more = cues_of(found.get(b"cue ", b""), lists, kind.order, num_samples)
    said += more
    return WavHeader(path, kind, stored, data.offset, num_samples, start, cues, tuple(said))


def _content(file: BinaryIO, chunk: Chunk) -> bytes:
    file.seek(chunk.offset)
    return file.read(min(chunk.size, _MOST_BYTES))


def _format(content: bytes, kind: Kind) -> Format | None:
    if len(content) < 16:
        return None
    tag, channels, rate, _, row_bytes, bits = struct.unpack_from(f"{kind.order}HHIIHH", content)
    if tag == _EXTENSIBLE and len(content) >= 26:
        # The first bytes of the GUID are a tag of the same numbers.
        tag = struct.unpack_from(f"{kind.order}H", content, 24)[0]
    sample_bytes = row_bytes // channels if channels and row_bytes % channels == 0 else 0
    if sample_bytes == 0 or sample_bytes * 8 < bits:
        sample_bytes = (bits + 7) // 8
    return Format(tag, channels, rate, max(1, sample_bytes * channels), sample_bytes)


def _data(file: BinaryIO, chunk: Chunk, file_size: int) -> tuple[Chunk, list[Decision]]:
    """The samples that are there, where the size in the head is not, or not yet, that of the file."""
    remaining = max(0, file_size - chunk.offset)
    if chunk.size <= remaining and (chunk.size or not _is_unfinished(file, chunk, remaining)):
        return chunk, []
    unknown = chunk.size in (0, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFE)
    text = (
        "its head does not say how many samples there are (streamed, or still written): all up to its end are read"
        if unknown
        else f"its head says {chunk.size} bytes of samples, and {remaining} are there (cut short, or still written)"
    )
    return replace(chunk, size=remaining), [Decision(text, is_guess=not unknown)]


def _is_unfinished(file: BinaryIO, chunk: Chunk, remaining: int) -> bool:
    """Whether what follows an empty data chunk are its samples, and not another chunk."""
    file.seek(chunk.offset)
    head = file.read(8)
    if len(head) < 8:
        return remaining > 0
    name, size = struct.unpack("<4sI", head)
    return not (all(32 <= letter < 127 for letter in name) and size <= remaining - 8)


def _session_start(bext: bytes, rate: int) -> tuple[str | None, list[Decision]]:
    """When recording began, of a broadcast extension (EBU Tech 3285), and what is said of it."""
    if len(bext) < 346:
        return None, []
    texts = (bext[320:330], bext[330:338])
    date, clock = (part.split(b"\0")[0].decode("latin-1").strip() for part in texts)
    digits = [
        part.replace(mark, "-") for part in (date,) for mark in ("_", ":", ".", "/", " ") if mark in part
    ]
    moment = parse_moment(f"{(digits or [date])[0]} {':'.join(_three(clock))}")
    if moment is None or not FIRST_YEAR <= moment.year < LAST_YEAR:
        return None, []
    samples = struct.unpack_from("<Q", bext, 338)[0]
    if not samples or not rate:
        return moment.isoformat(), []
    midnight = moment.replace(hour=0, minute=0, second=0)
    seconds = samples / rate
    if abs(seconds - (moment - midnight).total_seconds()) < 1:
        return (midnight + timedelta(seconds=seconds)).isoformat(), []
    text = f"its time reference is {seconds:.3f} s after midnight, but it began at {clock}, which is taken"
    return moment.isoformat(), [Decision(text)]


def _three(clock: str) -> list[str]:
    """Hours, minutes and seconds, whatever mark stands between them."""
    return [clock[0:2], clock[3:5], clock[6:8]]
