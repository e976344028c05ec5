"""What the phy folders in or beside a recording offer: good units, a drift map, and the recording itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seriesview.readers.offers import Offer
from seriesview.readers.phy.drift import DriftRecording, depths_of
from seriesview.readers.phy.sorting import HIDDEN, Sorting
from seriesview.readers.phy.spikes import is_sorting
from seriesview.readers.phy.units import UnitsRecording
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording, Role, SeriesType

_DEEPEST = 5
_MOST_ENTRIES = 5000
DRIFT = "drift"


def sorting_folders(folder: Path, deepest: int = _DEEPEST) -> Iterator[Path]:
    """The phy and Kilosort folders in a folder, itself first; at most some thousands of entries are looked at."""
    left = _MOST_ENTRIES
    waiting = [(folder, 0)]
    while waiting and left > 0:
        place, depth = waiting.pop(0)
        if is_sorting(place):
            yield place
            continue
        if depth == deepest:
            continue
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
            left -= len(entries)
            waiting += [
                (Path(entry.path), depth + 1)
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            ]
        except OSError:
            continue


def sorting_offers(path: Path, sorting: Sorting, prefix: str = "") -> list[Offer]:
    """Units by what they are called, and the drift map; `prefix` stands before their names. Raises ReaderError.

    Good and unsorted units are offered; mua and noise only to those who name them, unless there is nothing else.
    """
    groups = sorting.groups
    shown = [label for label in groups if label not in HIDDEN] or [
        label for label in groups if label != "noise"
    ]
    left_out = {label: len(clusters) for label, clusters in groups.items() if label not in shown}
    found: list[Offer] = []
    for label, clusters in groups.items():
        said = _left_out(left_out, prefix) if label == (shown or [""])[0] else ()

        def opened(options: ReadOptions, clusters: list[int] = clusters) -> Recording:
            return UnitsRecording(path, sorting, clusters, options)

        spikes = sum(sorting.spikes.counts[cluster] for cluster in clusters)
        words = f"{prefix.rstrip('.')} {label}".strip() + " units"
        candidate = _candidate(f"{prefix}{label}", words, "event", (spikes,), "units", decisions=said)
        found.append(Offer(candidate, opened, hidden=label not in shown))
    if sorting.num_spikes and depths_of(sorting) is not None:
        shape = (sorting.num_spikes, 2)
        words = f"{prefix.rstrip('.')} drift map".strip()
        candidate = _candidate(f"{prefix}{DRIFT}", words, "discrete", shape, "drift", dtype="float32")
        found.append(Offer(candidate, lambda options: DriftRecording(path, sorting, options)))
    return found


def _left_out(counts: dict[str, int], prefix: str) -> tuple[Decision, ...]:
    if not counts:
        return ()
    parts = [f"{count} {label} (`dataset: {prefix}{label}`)" for label, count in counts.items()]
    return (Decision(f"not shown: {', '.join(parts)}"),)


def _candidate(
    dataset: str,
    label: str,
    series_type: SeriesType,
    shape: tuple[int, ...],
    role: Role,
    dtype: str = "float64",
    **more: Any,
) -> Candidate:
    return Candidate(
        dataset=dataset,
        type=series_type,
        dtype=dtype,
        shape=shape,
        sampling_frequency=None,
        unit=None,
        options={"dataset": dataset},
        label=label,
        role=role,
        **more,
    )
