"""Where a probe's channels lie: from `~snsGeomMap`, else from `~snsShankMap` and what is known of the probe."""

from __future__ import annotations

import math
from dataclasses import dataclass

from seriesview.readers.protocol import Decision
from seriesview.readers.spikeglx.meta import Meta, parse_ranges
from seriesview.readers.spikeglx.probes import part_number, probe_of
from seriesview.readers.spikeglx.saved import SavedChannel


@dataclass(frozen=True)
class Place:
    """Of one channel: its shank, x from the left edge of the first shank and y above the lowest row (um)."""

    shank: str
    x: float | None
    y: float | None
    is_used: bool


def places_of(meta: Meta, channels: tuple[SavedChannel, ...]) -> tuple[list[Place] | None, list[Decision]]:
    """Places of the analog channels of a probe, in their order; None where nothing says them."""
    found = _from_geometry(meta, len(channels))
    if found is not None:
        return found, []
    return _from_shanks(meta, len(channels))


def stand_by(meta: Meta) -> frozenset[int]:
    """Channels whose amplifiers were switched off."""
    text = meta.get("imStdby")
    return frozenset(parse_ranges(text) or ()) if text is not None else frozenset()


def _from_geometry(meta: Meta, count: int) -> list[Place] | None:
    """Header (part number, shanks, shank pitch, shank width), entries shank:x:z:used, x within its shank."""
    table = meta.table("snsGeomMap")
    header = table[0].split(",") if table else []
    if len(table) - 1 != count or len(header) < 3:
        return None
    pitch = _number(header[2])
    entries = [_numbers(entry) for entry in table[1:]]
    if pitch is None or any(entry is None for entry in entries):
        return None
    return [
        Place(f"{shank:g}", shank * pitch + x, y, bool(used))
        for shank, x, y, used in (entry for entry in entries if entry is not None)
    ]


def _from_shanks(meta: Meta, count: int) -> tuple[list[Place] | None, list[Decision]]:
    """Header (shanks, columns, rows), entries shank:column:row:used."""
    table = meta.table("snsShankMap")
    entries = [_numbers(entry) for entry in table[1:]]
    if len(entries) != count or any(entry is None for entry in entries):
        return None, [
            Decision("no positions: neither snsGeomMap nor snsShankMap has an entry for each channel")
        ]
    probe = probe_of(meta)
    known = [entry for entry in entries if entry is not None]
    if probe is None:
        text = f"no positions: there is no snsGeomMap, and probe {part_number(meta)} is not known"
        return [Place(f"{shank:g}", None, None, bool(used)) for shank, _, _, used in known], [Decision(text)]
    return [
        Place(
            f"{shank:g}",
            shank * probe.shank_pitch + (probe.odd_x if row % 2 else probe.even_x) + column * probe.x_pitch,
            row * probe.y_pitch,
            bool(used),
        )
        for shank, column, row, used in known
    ], [Decision(f"positions from snsShankMap and the pitches of {part_number(meta)}")]


def _numbers(entry: str) -> tuple[float, float, float, float] | None:
    numbers = [_number(part) for part in entry.split(":")]
    if len(numbers) != 4 or any(number is None for number in numbers):
        return None
    first, second, third, fourth = (number or 0.0 for number in numbers)
    return first, second, third, fourth


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e9 else None
