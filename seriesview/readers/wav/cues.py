"""Cue points and their labels (`cue `, `LIST` of `adtl`): instants, and stretches where they have a length."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from seriesview.readers.protocol import Decision

_UNNAMED = "cue"


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue: the sample it stands at, how many it covers (0: an instant), and what it is called."""

    sample: int
    size: int
    label: str


def cues_of(
    cue: bytes, lists: Sequence[bytes], order: str, num_samples: int
) -> tuple[tuple[Cue, ...], list[Decision]]:
    """Cues at samples that there are, in the file's order, and what is said of others."""
    labels: dict[int, str] = {}
    sizes: dict[int, int] = {}
    notes: dict[int, str] = {}
    for name, content in (item for each in lists for item in _items(each, order)):
        if len(content) < 4:
            continue
        number = struct.unpack_from(f"{order}I", content)[0]
        if name == b"labl":
            labels.setdefault(number, _text(content[4:]))
        elif name == b"note":
            notes.setdefault(number, _text(content[4:]))
        elif name == b"ltxt" and len(content) >= 20:
            sizes[number] = struct.unpack_from(f"{order}I", content, 4)[0]
            if len(content) > 20:
                notes.setdefault(number, _text(content[20:]))
    points, places = [], []
    count = struct.unpack_from(f"{order}I", cue)[0] if len(cue) >= 4 else 0
    for place in range(4, min(len(cue), 4 + 24 * count) - 23, 24):
        number, position, _, _, _, sample = struct.unpack_from(f"{order}II4sIII", cue, place)
        places.append((position, sample))
        points.append(Cue(sample, sizes.get(number, 0), labels.get(number) or notes.get(number) or _UNNAMED))
    if not any(sample for _, sample in places):
        # Programs that write no offsets put samples into the positions.
        points = [
            replace(point, sample=position) for point, (position, _) in zip(points, places, strict=True)
        ]
    inside = tuple(
        Cue(point.sample, min(point.size, num_samples - point.sample), point.label)
        for point in points
        if point.sample <= num_samples
    )
    late = len(points) - len(inside)
    text = f"{late} cues lie behind the last sample and are left out"
    return inside, [Decision(text, is_guess=True)] if late else []


def _items(content: bytes, order: str) -> Iterator[tuple[bytes, bytes]]:
    if content[:4] != b"adtl":
        return
    place = 4
    while place + 8 <= len(content):
        name, size = struct.unpack_from(f"{order}4sI", content, place)
        yield name, content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _text(content: bytes) -> str:
    plain = content.split(b"\0")[0]
    try:
        return plain.decode().strip()
    except UnicodeDecodeError:
        return plain.decode("cp1252", "replace").strip()
