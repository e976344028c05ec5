"""What the JSON files beside a recording in BIDS say of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DATASET = "dataset_description.json"
_SUFFIXES = ("eeg", "ieeg", "meg", "emg")
_MOST_FOLDERS = 6
_MOST_BYTES = 2**20


def power_line_frequency(recording: Path) -> float | None:
    """Hz of the mains where a recording was made, by `PowerLineFrequency` of its sidecar; None where nothing says it.

    The nearest file counts whose name has none but the recording's entities (BIDS, "The Inheritance Principle").
    """
    for sidecar in _sidecars(recording):
        value = _content(sidecar).get("PowerLineFrequency")
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
            return float(value)
    return None


def _sidecars(recording: Path) -> Iterator[Path]:
    """Those that may be of a recording, nearest and most particular first."""
    *entities, suffix = recording.name.split(".")[0].split("_")
    if suffix not in _SUFFIXES:
        return
    for folder in list(recording.absolute().parents)[:_MOST_FOLDERS]:
        found = (path for path in folder.glob(f"*{suffix}.json") if path.is_file())
        named = [(path, path.name.removesuffix(".json").split("_")) for path in found]
        fitting = [
            (len(parts), path)
            for path, parts in named
            if parts[-1] == suffix and set(parts[:-1]) <= set(entities)
        ]
        yield from (path for _, path in sorted(fitting, reverse=True))
        if (folder / _DATASET).is_file():
            return


def _content(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
