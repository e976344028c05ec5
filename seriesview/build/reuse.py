"""What was made of the same samples before: it stays where words alone changed, or a file is elsewhere or a copy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from seriesview.build.plan import SamplesPlan
from seriesview.build.results import uris
from seriesview.errors import FormatError, StoreError
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import SeriesManifest, parse_series_manifest
from seriesview.series.named_arrays import arrays_of
from seriesview.store import Store, parse_uri

_PLACES = ("path", "mtime_ns", "inode")
"""Of a file's identity and layout, what says nothing of its bytes."""


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


def differs_in_place_alone(before: Any, what: Mapping[str, Any]) -> bool:
    """Whether what was built before is what is built now, but for where its files lie and when they were written."""
    return bool(_placeless(before) == _placeless(json.loads(json.dumps(what))))


def links_same_bytes(before: Any, now: Any) -> bool:
    """Whether two links of manifests, as JSON has them, lead to the same places in files of the same SHA-1s."""
    return bool(_hashes_alone(before) == _hashes_alone(now))


def _placeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _placeless(inner) for key, inner in value.items() if key not in _PLACES}
    return [_placeless(inner) for inner in value] if isinstance(value, list) else value


def _hashes_alone(value: Any) -> Any:
    """A JSON value in which URIs name no file."""
    if isinstance(value, dict):
        return {key: _hashes_alone(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hashes_alone(inner) for inner in value]
    return parse_uri(value)[0] if isinstance(value, str) and value.startswith("sha1://") else value


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
