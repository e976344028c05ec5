"""Stretches of view time, as people read them off the viewer's axis, as stretches of a series' samples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from seriesview.series.arrays import PartCache
from seriesview.series.manifest import SeriesManifest
from seriesview.series.times import open_times
from seriesview.store import Store
from seriesview.terms import END_OF_CLOCKS, EPOCH_SECONDS
from seriesview.workspace.manifest import WorkspaceManifest

Range = tuple[float, float]


@dataclass(frozen=True)
class _Anchor:
    """`own` seconds of a series' times are `moment`, which has no zone where none is known."""

    own: int
    moment: datetime


def shifts(manifests: Mapping[str, SeriesManifest]) -> dict[str, float]:
    """Seconds to add to each series' own times to get view times, for the series of one view (by name).

    Series are placed as docs/format.md section 12 says.
    """
    anchors = {name: _anchor(manifest) for name, manifest in manifests.items()}
    zoned = [anchor for anchor in anchors.values() if anchor is not None and anchor.moment.tzinfo is not None]
    with_zone_of_their_own = [anchor for anchor in zoned if not anchor.own]
    named = min(with_zone_of_their_own or zoned[:1], key=lambda anchor: anchor.moment, default=None)
    zone = UTC if named is None else named.moment.tzinfo
    moments = {
        name: anchor.moment if anchor.moment.tzinfo is not None else anchor.moment.replace(tzinfo=zone)
        for name, anchor in anchors.items()
        if anchor is not None
    }
    zero = min(moments.values(), default=None)
    return {
        name: 0.0 if anchor is None or zero is None else (moments[name] - zero).total_seconds() - anchor.own
        for name, anchor in anchors.items()
    }


def own_ranges(
    workspace: WorkspaceManifest, manifests: Mapping[str, SeriesManifest], ranges: Iterable[Range]
) -> dict[str, list[Range]]:
    """By name, the stretches of each series' own times that stretches of view time are, in any of the views."""
    wanted = list(ranges)
    found: dict[str, list[Range]] = {name: [] for name in manifests}
    bands = [name for name, manifest in manifests.items() if manifest.type == "interval"]
    for view in workspace.views:
        shown = [panel.series for panel in view.panels if panel.series in manifests]
        over = [name for panel in view.panels for name in panel.over if name in manifests]
        view_shifts = shifts({name: manifests[name] for name in dict.fromkeys([*shown, *over, *bands])})
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


def _anchor(manifest: SeriesManifest) -> _Anchor | None:
    """A moment of the series that a wall clock tells; None where nothing tells when it was."""
    start = manifest.segments[0].start_time if manifest.segments else 0.0
    own = math.floor(start) if start >= EPOCH_SECONDS else 0
    clock = _clock(manifest.session_start)
    if clock is not None:
        try:
            return _Anchor(own, clock + timedelta(seconds=own))
        except OverflowError:
            return None
    return _Anchor(own, datetime.fromtimestamp(own, UTC)) if 0 < own < END_OF_CLOCKS else None


def _clock(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
