"""GSE2 waveforms: WID2 sections of integers, as text (INT) or in compressed differences (CM6).

Columns of the WID2 line, and CM6 with its second differences: GSETT-3 documentation, "GSE 2.0 formats".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels

_MOST_WAVEFORMS = 4096
_MOST_SAMPLES = 1 << 25
_ALPHABET = b"+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = np.full(256, 255, np.uint8)
_VALUES[np.frombuffer(_ALPHABET, np.uint8)] = np.arange(64)


@dataclass(frozen=True)
class _Waveform:
    name: str
    format: str
    num_samples: int
    rate: float
    calibration: float
    moment: datetime
    offset: int
    """Of the line behind WID2."""


def _waveforms(path: Path) -> list[_Waveform]:
    """The WID2 lines of a file. Raises ReaderError for one that does not follow the format."""
    found: list[_Waveform] = []
    with path.open("rb") as file:
        while line := file.readline(1 << 16):
            if not line.startswith(b"WID2 "):
                continue
            if len(found) == _MOST_WAVEFORMS:
                raise ReaderError(f"more than {_MOST_WAVEFORMS} waveforms", file=path)
            text = line.decode("latin-1").rstrip("\r\n").ljust(132)
            try:
                moment = datetime.strptime(text[5:28].strip().ljust(23, "0"), "%Y/%m/%d %H:%M:%S.%f")
                waveform = _Waveform(
                    name=".".join(each for each in (text[29:34].strip(), text[35:38].strip()) if each),
                    format=text[44:47].strip(),
                    num_samples=int(text[48:56]),
                    rate=float(text[57:68]),
                    calibration=float(text[69:79].strip() or 1),
                    moment=moment.replace(tzinfo=UTC),
                    offset=file.tell(),
                )
            except ValueError:
                raise ReaderError(
                    f"a WID2 line that cannot be understood: {text[:68].strip()!r}", file=path
                ) from None
            found.append(waveform)
    return found


def _samples(path: Path, waveform: _Waveform) -> npt.NDArray[np.int32]:
    """All samples of a waveform: it is packed as a whole. Raises ReaderError."""
    if waveform.num_samples > _MOST_SAMPLES:
        raise ReaderError(
            f"{waveform.name}: {waveform.num_samples} samples are too many for GSE2; convert it to MiniSEED",
            file=path,
        )
    if waveform.format not in ("INT", "CM6"):
        raise ReaderError(
            f"{waveform.name}: samples in {waveform.format!r} cannot be read, INT and CM6 can", file=path
        )
    # A sample takes at most 7 characters of CM6, or 12 of a number.
    data = b"".join(_data_lines(path, waveform, most_bytes=13 * waveform.num_samples + 200))
    try:
        values = _of_numbers(data) if waveform.format == "INT" else _of_cm6(data)
    except (ValueError, OverflowError):
        raise ReaderError(f"{waveform.name}: its samples are damaged", file=path) from None
    return values[: waveform.num_samples]


def _data_lines(path: Path, waveform: _Waveform, most_bytes: int) -> Iterator[bytes]:
    is_data, used = False, 0
    with path.open("rb") as file:
        file.seek(waveform.offset)
        while (line := file.readline(1 << 16)) and used < most_bytes:
            if line.startswith((b"CHK2 ", b"WID2 ", b"STOP ")):
                return
            if is_data:
                yield line
                used += len(line)
            is_data = is_data or line.startswith(b"DAT2")


def _of_numbers(data: bytes) -> npt.NDArray[np.int32]:
    return np.array([int(each) for each in data.split()], np.int64).astype(np.int32)


def _of_cm6(data: bytes) -> npt.NDArray[np.int32]:
    """Characters of 6 bits: more follow (32), then in a number's first one its sign (16) and 4 bits, else 5 bits."""
    codes = _VALUES[np.frombuffer(data.translate(None, b" \r\n\t"), np.uint8)]
    if (codes == 255).any():
        raise ValueError("a character that CM6 does not have")
    ends = (codes & 32) == 0
    starts = np.concatenate([[True], ends[:-1]]) if len(codes) else ends
    firsts, lasts = np.flatnonzero(starts), np.flatnonzero(ends)
    firsts = firsts[: len(lasts)]
    lengths = lasts - firsts + 1
    if len(lengths) == 0 or lengths.max() > 7:
        raise ValueError("no numbers, or longer ones than there can be")
    numbers = (codes[firsts] & 15).astype(np.int64)
    for step in range(1, int(lengths.max())):
        longer = lengths > step
        numbers[longer] = numbers[longer] * 32 + (codes[firsts[longer] + step] & 31)
    numbers[(codes[firsts] & 16) != 0] *= -1
    # Differences of differences, in 32 bits.
    return np.cumsum(np.cumsum(numbers)).astype(np.int32)


class Gse2Recording(Recording):
    """The samples (n, 1) of one waveform, unpacked into memory at the first reading."""

    def __init__(self, path: Path, waveform: _Waveform, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: GSE2 files hold continuous series only, not {options.type}", file=path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: the times of its samples stand in the file", file=path)
        self.type = "continuous"
        self.path = path
        self.dtype = np.dtype(np.int32)
        self._values = _samples(path, waveform)
        self.num_samples = len(self._values)
        notes = []
        if self.num_samples < waveform.num_samples:
            notes.append(
                Decision(f"its header says {waveform.num_samples} samples, and {self.num_samples} are there")
            )
        self.sampling_frequency = checked_rate(options.sampling_frequency or waveform.rate, path)
        self.session_start = waveform.moment.isoformat()
        if np.isfinite(waveform.calibration) and waveform.calibration not in (0, 1):
            notes.append(
                Decision(
                    f"in counts; its calibration is {waveform.calibration:g} nm a count at its reference period"
                )
            )
        self.channels = make_channels(1, options, path, [waveform.name])
        self.decisions = tuple(notes)
        describe(self, options)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, 1) with samples from `first_sample` on."""
        out[:, 0] = self._values[first_sample : first_sample + len(out)]


class Gse2Reader:
    """Reader of GSE2 files."""

    name = "gse2"

    def can_read(self, path: Path) -> bool:
        """Whether a waveform begins within the first lines of a text of GSE2."""
        try:
            with path.open("rb") as file:
                head = file.read(4096)
        except OSError:
            return False
        return head.startswith(b"WID2 ") or (head.startswith((b"BEGIN GSE2", b"XW01")) and b"\nWID2 " in head)

    def candidates(self, path: Path) -> list[Candidate]:
        """Each waveform."""
        waveforms = _waveforms(path)
        return [
            Candidate(
                name,
                "continuous",
                "int32",
                (each.num_samples, 1),
                each.rate,
                None,
                {"dataset": name},
                role="seismic",
            )
            for name, each in _named(waveforms).items()
        ]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the waveform that `dataset` names, or the only one; raises ReaderError."""
        named = _named(_waveforms(path))
        names = ", ".join(named)
        if not named:
            raise ReaderError("no waveform in it", file=path)
        if options.dataset is None and len(named) > 1:
            raise ReaderError(f"holds several waveforms; set `dataset:` to one of {names}", file=path)
        chosen = next(iter(named)) if options.dataset is None else options.dataset
        if chosen not in named:
            raise ReaderError(f"dataset: there is no {chosen!r}; there are {names}", file=path)
        return Gse2Recording(path, named[chosen], options)


def _named(waveforms: list[_Waveform]) -> dict[str, _Waveform]:
    """Waveforms by station and channel; those that come again with when they begin."""
    names = [each.name or "waveform" for each in waveforms]
    found: dict[str, _Waveform] = {}
    for name, each in zip(names, waveforms, strict=True):
        full = name if names.count(name) == 1 else f"{name} {each.moment:%Y-%m-%dT%H:%M:%S}"
        while full in found:
            full += "'"
        found[full] = each
    return found
