"""What was made of the same samples before: it stays where a header changed words alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from seriesview.build.plan import SamplesPlan
from seriesview.build.results import uris
from seriesview.errors import FormatError, StoreError
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import SeriesManifest, parse_series_manifest
from seriesview.series.named_arrays import arrays_of
from seriesview.store import Store


def fields_made_before(told: Any, plan: SamplesPlan, store: Store) -> dict[str, Any] | None:
    """Fields of a series' manifest out of that which a ledger notes, with the times of this plan.

    None where nothing is noted, where samples have times of their own, or where something of it is not in the store.
    """
    if told is None or plan.timeline.sampling_frequency is None:
        return None
    try:
        before = parse_series_manifest(told)
        if not _fits(before, plan) or not _is_stored(told, before, store):
            return None
    except (FormatError, StoreError):
        return None
    return {
        "segments": tuple(
            replace(old, start_time=now.start_time, end_time=now.end_time)
            for old, now in zip(before.segments, plan.timeline.segments, strict=True)
        ),
        "levels": before.levels,
        "moments": before.moments,
        "values": before.values,
        "timestamps": None,
        "typical": [channel.typical for channel in before.channels],
    }


def _fits(before: SeriesManifest, plan: SamplesPlan) -> bool:
    """Whether it is what this plan makes; a ledger's first line sees to what is read."""
    return (
        before.sampling_frequency is not None
        and [segment.num_samples for segment in before.segments] == plan.segment_lengths
        and [level.factor for level in before.levels] == list(plan.level_factors)
        and [moments.factor for moments in before.moments] == list(plan.moments_factors)
    )


def _is_stored(told: Any, before: SeriesManifest, store: Store) -> bool:
    """Whether every file that it names is in the store, down to the packs."""
    if not all(map(store.exists, uris(told))):
        return False
    for _, info in arrays_of(before):
        reader = ArrayReader(store, info)
        for pack in range(info.num_packs):
            if not store.has_pack(reader.pack_digest(pack), info.pack_bytes(pack)):
                return False
    return True
