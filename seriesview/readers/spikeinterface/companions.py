"""Small files beside saved data: JSON, properties as .npy, and probes in the format of probeinterface."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.npy_arrays import read_header

_MOST_JSON_BYTES = 256 << 20
MOST_ARRAY_BYTES = 1 << 30
_MOST_NAME = 200
_MICROMETRES = {"um": 1.0, "µm": 1.0, "mm": 1000.0, "m": 1e6}


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ReaderError."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_JSON_BYTES + 1)
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
    if len(text) > _MOST_JSON_BYTES:
        raise ReaderError("too large for a description", file=path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReaderError(f"no JSON: {str(error)[:_MOST_NAME]}", file=path) from error
    if not isinstance(document, dict):
        raise ReaderError("no description: a JSON object is expected", file=path)
    return document


def read_array(path: Path) -> npt.NDArray[Any]:
    """A whole .npy array, without objects, of at most 1 GiB. Raises ReaderError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = read_header(file, (str(path),))
            if header.dtype.hasobject:
                raise ReaderError("holds Python objects, which are not read", file=path)
            count = math.prod(header.shape)
            if not 0 <= count * header.dtype.itemsize <= min(MOST_ARRAY_BYTES, size - header.data_offset):
                raise ReaderError(f"its header says {count} values, which it does not hold", file=path)
            values = np.fromfile(file, header.dtype, count)
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
    return values.reshape(header.shape, order="F" if header.fortran_order else "C")


def text_of(value: Any) -> str:
    """A value as a label, in one line."""
    return " ".join(str(value)[:_MOST_NAME].encode("utf-8", "replace").decode().split())


def number_of(value: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


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
