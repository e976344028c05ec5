"""Where the contacts of probes lie, from a probe group in the format of probeinterface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seriesview.readers.companions import number_of, text_of

_MICROMETRES = {"um": 1.0, "µm": 1.0, "mm": 1000.0, "m": 1e6}


def places_of_probes(document: Any, count: int) -> list[tuple[float, float, str | None] | None]:
    """(x, y, shank) of each channel in micrometres, from a probe group: those of contacts that are wired to it.

    Contacts that are wired to nothing belong to no channel; where no wiring is given, contact i is channel i.
    """
    found: list[tuple[float, float, str | None] | None] = [None] * count
    probes = document.get("probes") if isinstance(document, dict) else None
    first = 0
    for number, probe in enumerate(probes if isinstance(probes, list) else ()):
        if not isinstance(probe, dict):
            continue
        positions = _listed(probe, "contact_positions")
        wired, shanks = _listed(probe, "device_channel_indices"), _listed(probe, "shank_ids")
        factor = _MICROMETRES.get(str(probe.get("si_units", "um")), 1.0)
        several = len(probes or ()) > 1
        for at, position in enumerate(positions):
            channel = wired[at] if at < len(wired) else first + at
            place = [number_of(each) for each in position[:2]] if isinstance(position, list) else []
            if not isinstance(channel, int) or not 0 <= channel < count or len(place) < 2 or None in place:
                continue
            shank = text_of(shanks[at]) if at < len(shanks) and len(set(map(str, shanks))) > 1 else ""
            group = " ".join(part for part in (str(number) if several else "", shank) if part)
            x, y = (factor * each for each in place if each is not None)
            found[channel] = (x, y, group or None)
        first += len(positions)
    return found


def _listed(probe: dict[str, Any], key: str) -> Sequence[Any]:
    value = probe.get(key)
    return value if isinstance(value, list) else ()
