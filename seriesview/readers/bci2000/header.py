"""The header of a BCI2000 .dat file: text of a length that its first line says, with states and parameters.

BCI2000 wiki, User Reference: BCI2000 File Format. Rows of samples of all channels have a vector of states behind them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from seriesview.errors import ReaderError

SIGNATURES = (b"BCI2000V=", b"HeaderLen=")
_MOST_BYTES = 64 << 20
_MOST_CHANNELS = 1 << 14
_MOST_STATE_BYTES = 1 << 12
_MOST_STATES = 4096
_DTYPES = {"int16": "<i2", "int32": "<i4", "float32": "<f4"}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([A-Za-zµμ%]*)")
_MICROVOLTS = {"": 1.0, "muv": 1.0, "uv": 1.0, "µv": 1.0, "μv": 1.0, "nv": 1e-3, "mv": 1e3, "v": 1e6}
_HERTZ = {"": 1.0, "hz": 1.0, "khz": 1e3, "mhz": 1e6}


@dataclass(frozen=True)
class State:
    """Some bits of the vector of states, from `first_bit` on; bit 0 is the lowest one of its first byte."""

    name: str
    bits: int
    first_bit: int


@dataclass(frozen=True)
class Header:
    """What a header says. `gains` are in uV a step, None where that is not said of each channel; `problem` says why."""

    length: int
    dtype: np.dtype[np.generic]
    channels: int
    state_bytes: int
    states: tuple[State, ...]
    rate: float | None
    labels: tuple[str, ...] | None
    gains: tuple[float, ...] | None
    offsets: tuple[float, ...]
    start: str | None

    @property
    def row_bytes(self) -> int:
        """Of one sample of all channels with its states."""
        return self.channels * self.dtype.itemsize + self.state_bytes


def read_header(path: Path) -> Header:
    """Raises ReaderError where it is none, or contradicts itself."""
    try:
        with path.open("rb") as file:
            first = file.readline(1024)
            said = _pairs(first)
            length = _whole(path, said, "HeaderLen", _MOST_BYTES)
            content = first + file.read(max(0, length - len(first)))
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
    if not first.startswith(SIGNATURES) or len(content) < length:
        raise ReaderError("no header of BCI2000, or one that is cut off", file=path)
    name = said.get("DataFormat", "int16")
    if name not in _DTYPES:
        raise ReaderError(f"samples of {name[:20]} are not read; {', '.join(_DTYPES)} are", file=path)
    channels = _whole(path, said, "SourceCh", _MOST_CHANNELS)
    state_bytes = _whole(path, said, "StatevectorLen", _MOST_STATE_BYTES, lowest=0)
    lines = content.decode("utf-8", "replace").splitlines()
    parameters = _parameters(lines)
    gains, offsets = _list(parameters, "SourceChGain"), _list(parameters, "SourceChOffset")
    scaled = (
        None if gains is None or len(gains) != channels else [_number(each, _MICROVOLTS) for each in gains]
    )
    shifts = [] if offsets is None else [_number(each, {"": 1.0}) for each in offsets]
    labels = _list(parameters, "ChannelNames")
    rates = parameters.get("SamplingRate", [])
    rate = _number(rates[0], _HERTZ) if rates else None
    return Header(
        length=length,
        dtype=np.dtype(_DTYPES[name]),
        channels=channels,
        state_bytes=state_bytes,
        states=tuple(_states(lines, state_bytes)),
        rate=rate if rate is not None and rate > 0 else None,
        labels=tuple(labels) if labels is not None and len(labels) == channels else None,
        gains=tuple(each for each in scaled if each) if scaled is not None and all(scaled) else None,
        offsets=tuple(each or 0.0 for each in shifts) if len(shifts) == channels else (0.0,) * channels,
        start=_date(parameters.get("StorageTime", [])),
    )


def _pairs(line: bytes) -> dict[str, str]:
    words = line.decode("latin-1").replace("=", "= ").split()
    return {key[:-1]: value for key, value in zip(words[::2], words[1::2], strict=False) if key.endswith("=")}


def _whole(path: Path, said: dict[str, str], key: str, highest: int, lowest: int = 1) -> int:
    text = said.get(key, "")
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if not lowest <= value <= highest:
        raise ReaderError(f"{key}= {text[:20]} is no number from {lowest} to {highest}", file=path)
    return value


def _states(lines: list[str], state_bytes: int) -> list[State]:
    """Lines of name, bits, value, byte and bit, below their heading; those outside of the vector are left out."""
    found: list[State] = []
    for line in lines[2:] if len(lines) > 1 and "State Vector Definition" in lines[1] else ():
        words = line.split()
        if not words or words[0].startswith("["):
            break
        if len(words) < 5 or not all(
            word.isascii() and word.isdecimal() and len(word) < 7 for word in words[1:5]
        ):
            continue
        bits, first = int(words[1]), 8 * int(words[3]) + int(words[4])
        if 0 < bits <= 32 and first + bits <= 8 * state_bytes and len(found) < _MOST_STATES:
            found.append(State(unquote(words[0])[:64], bits, first))
    return found


def _parameters(lines: list[str]) -> dict[str, list[str]]:
    """Words behind the name of each parameter, up to the comment; the first definition counts."""
    found: dict[str, list[str]] = {}
    for line in lines:
        words = line.partition("//")[0].split()
        if len(words) > 2 and words[2].endswith("="):
            found.setdefault(words[2][:-1], words[3:])
    return found


def _list(parameters: dict[str, list[str]], name: str) -> list[str] | None:
    """Values of a list: behind their number, or behind their labels in braces."""
    words = parameters.get(name)
    if not words:
        return None
    if words[0] == "{" and "}" in words:
        end = words.index("}")
        count, words = end - 1, words[end + 1 :]
    elif words[0].isascii() and words[0].isdecimal() and len(words[0]) < 6:
        count, words = int(words[0]), words[1:]
    else:
        return None
    return [unquote(word) for word in words[:count]] if len(words) >= count else None


def _number(text: str, factors: dict[str, float]) -> float | None:
    """A number with one of the units."""
    match = _NUMBER.fullmatch(unquote(text))
    factor = factors.get(match[2].lower()) if match else None
    if match is None or factor is None:
        return None
    value = float(match[1]) * factor
    return value if math.isfinite(value) else None


def _date(words: list[str]) -> str | None:
    """StorageTime, local, as ISO 8601 or as C's ctime."""
    text = unquote(words[0]).strip() if words else ""
    for form in ("%Y-%m-%dT%H:%M:%S", "%a %b %d %H:%M:%S %Y"):
        try:
            return datetime.strptime(text[:40], form).isoformat()
        except ValueError:
            continue
    return None
