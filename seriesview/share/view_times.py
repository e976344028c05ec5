"""Stretches of view time, as people read them off the viewer's axis, as stretches of a series' samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np

from seriesview.series.arrays import PartCache
from seriesview.series.manifest import SeriesManifest
from seriesview.series.times import open_times
from seriesview.store import Store
from seriesview.workspace.manifest import WorkspaceManifest

EPOCH_SECONDS = 1e8
"""Times from here on are taken for seconds since 1970, as the viewer does."""
MOST_EPOCH_SECONDS = 1e11

Range = tuple[float, float]


def shifts(manifests: Mapping[str, SeriesManifest]) -> dict[str, float]:
    """Seconds to add to each series' own times to get view times, for the series of one view (by name)."""
    clocks = {name: _clock(manifest.session_start) for name, manifest in manifests.items()}
    known = [clock for clock in clocks.values() if clock is not None]
    if known:
        earliest = min(known)
        return {
            name: 0.0 if clock is None else (clock - earliest).total_seconds()
            for name, clock in clocks.items()
        }
    starts = [segment.start_time for manifest in manifests.values() for segment in manifest.segments[:1]]
    first = math.floor(min(starts)) if starts else 0
    is_epoch = EPOCH_SECONDS <= first < MOST_EPOCH_SECONDS
    return dict.fromkeys(manifests, -float(first) if is_epoch else 0.0)


def own_ranges(
    workspace: WorkspaceManifest, manifests: Mapping[str, SeriesManifest], ranges: Iterable[Range]
) -> dict[str, list[Range]]:
    """By name, the stretches of each series' own times that stretches of view time are, in any of the views."""
    wanted = list(ranges)
    found: dict[str, list[Range]] = {name: [] for name in manifests}
    bands = [name for name, manifest in manifests.items() if manifest.type == "interval"]
    for view in workspace.views:
        shown = [panel.series for panel in view.panels if panel.series in manifests]
        view_shifts = shifts({name: manifests[name] for name in dict.fromkeys([*shown, *bands])})
        for name in dict.fromkeys(shown):
            found[name] += [(start - view_shifts[name], end - view_shifts[name]) for start, end in wanted]
    return found


def rows_within(store: Store, manifest: SeriesManifest, ranges: Iterable[Range]) -> list[tuple[int, int]]:
    """Stretches [first, last) of samples at start <= time <= end of each range, by their own times."""
    wanted = list(ranges)
    if not wanted:
        return []
    found = []
    first_row = 0
    for times, segment in zip(open_times(store, manifest, PartCache()), manifest.segments, strict=True):
        for start, end in wanted:
            low = int(times.count_before(np.array([start]), False)[0])
            high = int(times.count_before(np.array([end]), True)[0])
            if low < high:
                found.append((first_row + low, first_row + high))
        first_row += segment.num_samples
    return found


def _clock(text: str | None) -> datetime | None:
    try:
        clock = None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
    return clock if clock is not None and clock.tzinfo is not None else None
