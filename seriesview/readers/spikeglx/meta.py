"""The .meta file of a SpikeGLX stream: `key=value` lines, some keys with a `~` before them that hold tables."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.companions import read_small

# Those of 5,000 channels are below 1 MB.
_MOST_BYTES = 8 << 20
_MOST_CHANNELS = 1 << 16
_SHOWN_CHARACTERS = 60
_ENTRY = re.compile(r"\(([^()]*)\)")
STREAM_TYPES = ("imec", "nidq", "obx")


@dataclass(frozen=True)
class Meta:
    """What a .meta file says; every accessor raises ReaderError, naming the key, where that is not what it must be."""

    path: Path
    values: Mapping[str, str] = field(repr=False)

    @property
    def type(self) -> str:
        """imec, nidq or obx."""
        return self.values["typeThis"]

    def get(self, key: str) -> str | None:
        """The value as it stands there; None where the key is absent or its value blank."""
        return self.values.get(key, "").strip() or None

    def text(self, key: str) -> str:
        """The value, which must be there."""
        value = self.get(key)
        if value is None:
            raise ReaderError(f"{key} is not in it", file=self.path)
        return value

    def number(self, key: str) -> float:
        """A finite number."""
        text = self.text(key)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ReaderError(f"{key}={text[:_SHOWN_CHARACTERS]} is no number", file=self.path)
        return value

    def optional_number(self, key: str) -> float | None:
        """A finite number; None where there is none."""
        return None if self.get(key) is None else self.number(key)

    def integer(self, key: str, highest: int) -> int:
        """A whole number from 0 to `highest`."""
        text = self.text(key)
        value = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
        if not 0 <= value <= highest:
            raise ReaderError(
                f"{key}={text[:_SHOWN_CHARACTERS]} is no whole number from 0 to {highest}", file=self.path
            )
        return value

    def counts(self, key: str, length: int) -> tuple[int, ...]:
        """Numbers of channels of each kind."""
        parts = self.text(key).split(",")
        numbers = [
            int(part) if part.isascii() and part.isdecimal() and len(part) < 7 else -1 for part in parts
        ]
        if len(numbers) != length or min(numbers) < 0 or sum(numbers) > _MOST_CHANNELS:
            raise ReaderError(
                f"{key}={','.join(parts)[:_SHOWN_CHARACTERS]} are not {length} numbers of channels",
                file=self.path,
            )
        return tuple(numbers)

    def table(self, key: str) -> list[str]:
        """The entries of a table, its header first, without their parentheses; none where it is absent."""
        return _ENTRY.findall(self.values.get(key, ""))


def parse_ranges(text: str) -> list[int] | None:
    """The numbers of a printer-like list such as 0:3,8; None where it is none, or has very many."""
    found: list[int] = []
    for part in text.split(","):
        ends = part.strip().split(":")
        if len(ends) > 2 or not all(end.isascii() and end.isdecimal() and len(end) < 7 for end in ends):
            return None
        first, last = int(ends[0]), int(ends[-1])
        if last < first or len(found) + last - first >= _MOST_CHANNELS:
            return None
        found.extend(range(first, last + 1))
    return found


def read_meta(path: Path) -> Meta:
    """The .meta file. Raises ReaderError where it is none of SpikeGLX, or cannot be opened."""
    try:
        status = path.stat()
        return _parsed(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error


# All streams of a run are asked for the .meta files of each other, whenever one is opened.
@lru_cache(maxsize=256)
def _parsed(path: Path, _mtime_ns: int, _size: int) -> Meta:
    content = read_small(path, _MOST_BYTES, "a .meta file of SpikeGLX")
    values: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        key, equals, value = line.partition("=")
        if equals:
            values[key.strip().removeprefix("~")] = value.strip()
    kind = values.get("typeThis")
    if kind not in STREAM_TYPES:
        said = "no typeThis in it" if kind is None else f"typeThis={kind[:_SHOWN_CHARACTERS]}"
        raise ReaderError(
            f"not a .meta file that can be read as SpikeGLX's: {said}, not one of {', '.join(STREAM_TYPES)}",
            file=path,
        )
    return Meta(path, values)
