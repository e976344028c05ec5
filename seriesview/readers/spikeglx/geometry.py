"""Where a probe's channels lie: from `~snsGeomMap`, else from `~snsShankMap` and what is known of the probe.

SpikeGLX writes neither of them for LF files: their electrodes are those of the AP file's, else of `~imroTbl`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Decision
from seriesview.readers.spikeglx.meta import Meta, parse_ranges, read_meta
from seriesview.readers.spikeglx.names import name_of
from seriesview.readers.spikeglx.probes import part_number, probe_of
from seriesview.readers.spikeglx.saved import SavedChannel, saved_channels

_TABLES = ("snsGeomMap", "snsShankMap")
# Channels of 1.0 probes, and of those of phase 3A, that are internal references in each bank.
_REFERENCES = frozenset({191})
_REFERENCES_3A = frozenset({36, 75, 112, 151, 188, 227, 264, 303, 340, 379})
_ROW_OF_1_0 = 20


@dataclass(frozen=True)
class Place:
    """Of one channel: its shank, x from the left edge of the first shank and y above the lowest row (um)."""

    shank: str
    x: float | None
    y: float | None
    is_used: bool


def places_of(meta: Meta, channels: tuple[SavedChannel, ...]) -> tuple[list[Place] | None, list[Decision]]:
    """Places of the analog channels of a probe, in their order; None where nothing says them."""
    if not any(meta.get(key) for key in _TABLES) and channels and channels[0].kind == "LF":
        return _of_lf(meta, channels)
    found = _from_geometry(meta, len(channels))
    if found is not None:
        return found, []
    return _from_shanks(meta, len(channels))


def files_of_places(meta: Meta) -> tuple[Path, ...]:
    """The .meta beside it that decides where its channels lie: of LF, that of the same probe's AP."""
    name = name_of(meta)
    if name.band != "lf" or any(meta.get(key) for key in _TABLES):
        return ()
    stem = meta.path.name.removesuffix(".meta")
    return (meta.path.with_name(".ap".join(stem.rsplit(".lf", 1)) + ".meta"),) if ".lf" in stem else ()


def _of_lf(meta: Meta, channels: tuple[SavedChannel, ...]) -> tuple[list[Place] | None, list[Decision]]:
    for path in files_of_places(meta):
        try:
            beside = read_meta(path)
            saved = saved_channels(beside).of_kind("AP")
        except ReaderError:
            continue
        places, said = places_of(beside, saved)
        by_number = {channel.number: place for channel, place in zip(saved, places or [], strict=False)}
        if places and all(channel.number in by_number for channel in channels):
            said.append(Decision(f"positions of the AP channels in {path.name}"))
            return [by_number[channel.number] for channel in channels], said
    return _from_banks(meta, channels)


def _from_banks(meta: Meta, channels: tuple[SavedChannel, ...]) -> tuple[list[Place] | None, list[Decision]]:
    """Entries of imroTbl begin with channel and bank; its header ends with the number of channels of a bank."""
    table, probe = meta.table("imroTbl"), probe_of(meta)
    header = table[0].split(",") if table else [""]
    references = _REFERENCES if meta.get("imProbeOpt") is None else _REFERENCES_3A
    places = []
    for channel in channels:
        entry = table[1 + channel.number].split() if channel.number + 1 < len(table) else []
        numbers = [_number(each) for each in (*entry[:2], header[-1])]
        if probe is None or not probe.has_banks or len(entry) < 5 or None in numbers:
            return None, [Decision("no positions: no snsGeomMap, and no .ap.meta beside it that has one")]
        electrode = int((numbers[0] or 0) + (numbers[1] or 0) * (numbers[2] or 0))
        row, column = divmod(electrode, probe.columns)
        is_used = probe.y_pitch != _ROW_OF_1_0 or channel.number not in references
        places.append(Place("0", *probe.place(0, column, row), is_used))
    return places, [Decision(f"positions from the banks in imroTbl and the pitches of {part_number(meta)}")]


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
            *probe.place(shank, column, row),
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
