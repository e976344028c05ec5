"""Annotations of a record: pairs of bytes that hold a code and the time since the one before (annot(5))."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.remote_path import is_remote
from seriesview.readers.protocol import Decision

_MOST_BYTES = 256 << 20
_MOST = 5_000_000
_SYMBOLS = dict(enumerate(" NLRaVFJASEj/Q~")) | dict(zip(range(28, 42), "+u?![]en@xf()r", strict=True))
_SYMBOLS |= {16: "|", **dict(zip(range(18, 28), 'sT*D"=pB^t', strict=True))}
_NOTE, _RHYTHM, _BLANK = 22, 28, 0
_SKIP, _NUM, _SUB, _CHAN, _AUX = 59, 60, 61, 62, 63
_RESOLUTION = re.compile(r"## time resolution: (\d{1,12}(?:\.\d{0,12})?)")
_DEFINED = re.compile(r"(\d{1,3}) (\S+) ?(.*)")
# What is beside a record and holds no annotations.
_OTHERS = frozenset(
    {".hea", ".dat", ".hea-", ".html", ".txt", ".pdf", ".png", ".xws", ".mat", ".edf", ".npy", ".csv"}
)


@dataclass(frozen=True)
class Annotations:
    """Samples int64 (n,) at which annotations lie, a label for each, and the rate that counts them, if they tell it."""

    samples: npt.NDArray[np.int64]
    labels: tuple[str, ...]
    rate: float | None
    decisions: tuple[Decision, ...]


def looks_like(path: Path) -> bool:
    """Whether a file beside a header may hold annotations: pairs of bytes that begin with one and end with zeros."""
    if path.suffix.lower() in _OTHERS or not path.suffix:
        return False
    try:
        if not path.is_file():
            return False
        size = path.stat().st_size
        if size < 2 or size % 2 or size > _MOST_BYTES:
            return False
        with path.open("rb") as file:
            file.seek(size - 2)
            return file.read(2) == b"\0\0"
    except OSError:
        return False


def beside(header: Path) -> Iterator[Path]:
    """Files of annotations of a record, by name; of a remote one the usual one, as its folder cannot be listed."""
    if is_remote(header):
        yield from filter(looks_like, [header.with_suffix(".atr")])
        return
    prefix = f"{header.stem}."
    try:
        found = sorted(each for each in header.parent.iterdir() if each.name.startswith(prefix))
    except OSError:
        return
    for path in found:
        if path.stem == header.stem and looks_like(path):
            yield path


def read_annotations(path: Path) -> Annotations:
    """All annotations in the order of the file. Raises ReaderError where it is too large."""
    if path.stat().st_size > _MOST_BYTES:
        raise ReaderError(f"more than {_MOST_BYTES} bytes of annotations", file=path)
    content = path.read_bytes()
    samples, labels = array("q"), []
    told = _Told()
    for sample, code, note in _entries(content):
        if sample == 0 and code == _NOTE and (told.defines or note.startswith("##")):
            told.note(note)
        elif code != _BLANK or note:
            samples.append(sample)
            labels.append(_label(code, note, told.symbols))
        if len(labels) > _MOST:
            raise ReaderError(f"more than {_MOST} annotations", file=path)
    cut = len(content) % 2 or content[-2:] != b"\0\0"
    said = (
        (Decision("its annotations do not end as they should: the file may be cut short", is_warning=True),)
        if cut
        else ()
    )
    return Annotations(np.array(samples, np.int64), tuple(labels), told.rate, said)


class _Told:
    """What notes at the beginning say of all annotations."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.symbols = dict(_SYMBOLS)
        self.defines = False

    def note(self, text: str) -> None:
        """Understand one note."""
        resolution, defined = _RESOLUTION.match(text), _DEFINED.match(text)
        if resolution is not None and float(resolution[1]) > 0:
            self.rate = float(resolution[1])
        elif text.startswith("##"):
            self.defines = text == "## annotation type definitions"
        elif defined is not None:
            self.symbols[int(defined[1])] = defined[2]


def _label(code: int, note: str, symbols: dict[int, str]) -> str:
    """The text of a note or of a change of rhythm, else the symbol."""
    if note and code in (_NOTE, _RHYTHM, _BLANK):
        return note
    return symbols.get(code, f"code {code}")


def _entries(content: bytes) -> Iterator[tuple[int, int, str]]:
    """Sample, code and note of each annotation, as far as they are whole."""
    sample, code, note = 0, -1, ""
    position, last = 0, len(content) - 1
    while position < last:
        low, high = content[position], content[position + 1]
        kind, value = high >> 2, low + ((high & 3) << 8)
        position += 2
        if kind == _SKIP:
            if code >= 0:
                yield sample, code, note
            code = -1
            skip = content[position : position + 4]
            if len(skip) < 4:
                return
            # The upper half comes first; a negative one goes back.
            sample += int.from_bytes(skip[2:] + skip[:2], "little", signed=True)
            position += 4
        elif kind == _AUX:
            text = content[position : position + value]
            note = " ".join("".join(c if c.isprintable() else " " for c in _decoded(text)).split())
            position += value + value % 2
        elif kind in (_NUM, _SUB, _CHAN):
            continue
        else:
            if code >= 0:
                yield sample, code, note
            if kind == 0 and value == 0:
                return
            sample, code, note = sample + value, kind, ""
    if code >= 0:
        yield sample, code, note


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
