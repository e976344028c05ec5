"""GSE1 and GSE2 waveforms: sections WID1 or WID2 of integers, as text or in compressed differences (CM6).

Columns of the WID2 line, and CM6 with its second differences: GSETT-3 documentation, "GSE 2.0 formats"; those of WID1
as ObsPy (obspy.io.gse2.libgse1) reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels

_MOST_WAVEFORMS = 4096
_MOST_SAMPLES = 1 << 25
_NUMBERS, _PACKED = ("INT", "INTV"), ("CM6", "CMP6")
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
    differences: int
    """How often differences were taken before samples were packed."""
    offset: int
    """Of the line behind WID1 or WID2."""


def _waveforms(path: Path) -> list[_Waveform]:
    """The WID lines of a file. Raises ReaderError for one that does not follow the format."""
    found: list[_Waveform] = []
    with path.open("rb") as file:
        while line := file.readline(1 << 16):
            if not line.startswith((b"WID1 ", b"WID2 ")):
                continue
            if len(found) == _MOST_WAVEFORMS:
                raise ReaderError(f"more than {_MOST_WAVEFORMS} waveforms", file=path)
            text = line.decode("latin-1").rstrip("\r\n").ljust(132)
            try:
                if text.startswith("WID2"):
                    found.append(_of_gse2(text, file.tell()))
                else:
                    more = file.readline(1 << 16).decode("latin-1")
                    found.append(_of_gse1(text, more, file.tell()))
            except ValueError:
                raise ReaderError(
                    f"a {text[:4]} line that cannot be understood: {text[:68].strip()!r}", file=path
                ) from None
    return found


def _of_gse2(text: str, offset: int) -> _Waveform:
    moment = datetime.strptime(text[5:28].strip().ljust(23, "0"), "%Y/%m/%d %H:%M:%S.%f")
    return _Waveform(
        name=".".join(each for each in (text[29:34].strip(), text[35:38].strip()) if each),
        format=text[44:47].strip(),
        num_samples=int(text[48:56]),
        rate=_rate(text[57:68]),
        calibration=float(text[69:79].strip() or 1),
        moment=moment.replace(tzinfo=UTC),
        differences=2,
        offset=offset,
    )


def _of_gse1(text: str, more: str, offset: int) -> _Waveform:
    """Of a WID1 line, and the one behind it, which has the calibration."""
    day = datetime.strptime(text[5:13].strip(), "%Y%j").replace(tzinfo=UTC)
    hours, minutes, seconds, milliseconds = (
        int(text[at:to]) for at, to in ((14, 16), (17, 19), (20, 22), (23, 26))
    )
    return _Waveform(
        name=".".join(each for each in (text[36:42].strip(), text[52:54].strip().upper()) if each),
        format=text[74:78].strip(),
        num_samples=int(text[27:35]),
        rate=_rate(text[55:66]),
        calibration=float(more[:10].strip() or 1),
        moment=day + timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds),
        differences=int(text[79:80].strip() or 2),
        offset=offset,
    )


def _rate(text: str) -> float:
    """Hz; one that was 1 divided by a float32 is whole."""
    rate = float(text)
    return float(round(rate)) if rate >= 1 and abs(rate - round(rate)) < 1e-6 * rate else rate


def _problem(waveform: _Waveform) -> str | None:
    """Why a waveform cannot be shown; None where it can."""
    if waveform.num_samples < 1:
        return "its header counts no samples; mend it, or convert the file to MiniSEED"
    if waveform.format not in (*_NUMBERS, *_PACKED):
        return f"samples in {waveform.format!r} cannot be read, INT and CM6 can"
    return None


def _samples(path: Path, waveform: _Waveform) -> npt.NDArray[np.int32]:
    """All samples of a waveform: it is packed as a whole. Raises ReaderError."""
    if waveform.num_samples > _MOST_SAMPLES:
        raise ReaderError(
            f"{waveform.name}: {waveform.num_samples} samples are too many for GSE2; convert it to MiniSEED",
            file=path,
        )
    problem = _problem(waveform)
    if problem is not None:
        raise ReaderError(f"{waveform.name}: {problem}", file=path)
    # A sample takes at most 7 characters of CM6, or 12 of a number.
    data = b"".join(_data_lines(path, waveform, most_bytes=13 * waveform.num_samples + 200))
    try:
        is_plain = waveform.format in _NUMBERS
        values = _of_numbers(data) if is_plain else _of_cm6(data, waveform.differences)
    except (ValueError, OverflowError):
        raise ReaderError(f"{waveform.name}: its samples are damaged", file=path) from None
    return values[: waveform.num_samples]


def _data_lines(path: Path, waveform: _Waveform, most_bytes: int) -> Iterator[bytes]:
    is_data, used = False, 0
    with path.open("rb") as file:
        file.seek(waveform.offset)
        while (line := file.readline(1 << 16)) and used < most_bytes:
            if line.startswith((b"CHK1 ", b"CHK2 ", b"WID1 ", b"WID2 ", b"STOP ")):
                return
            if is_data:
                yield line
                used += len(line)
            is_data = is_data or line.startswith((b"DAT1", b"DAT2"))


def _of_numbers(data: bytes) -> npt.NDArray[np.int32]:
    """Raises ValueError, OverflowError for what are none of 32 bits."""
    numbers = np.array([int(each) for each in data.split()], np.int64)
    if (numbers != numbers.astype(np.int32)).any():
        raise OverflowError("a number of more than 32 bits")
    return numbers.astype(np.int32)


def _of_cm6(data: bytes, differences: int) -> npt.NDArray[np.int32]:
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
    for _ in range(differences):
        numbers = np.cumsum(numbers)
    return numbers.astype(np.int32)


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
    """Reader of GSE1 and GSE2 files."""

    name = "gse2"

    def can_read(self, path: Path) -> bool:
        """Whether a waveform begins within the first lines of a text of GSE."""
        try:
            with path.open("rb") as file:
                head = file.read(4096)
        except OSError:
            return False
        if head.startswith((b"WID1 ", b"WID2 ")):
            return True
        is_bulletin = head.startswith((b"BEGIN GSE", b"XW01"))
        return is_bulletin and (b"\nWID1 " in head or b"\nWID2 " in head)

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
                _problem(each),
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
