"""What an index says of a session: from the manifests of its series, and from the files that they were made of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from seriesview.series.manifest import SeriesManifest, parse_series_manifest
from seriesview.series.named_arrays import arrays_of

BUILT, PARTLY, FAILED = "built", "partly built", "failed"
THERE, CHANGED, GONE = "there", "changed", "gone"
_SAMPLED = ("continuous", "discrete")


@dataclass(frozen=True)
class SessionSource:
    """A session before anything is known of it: what the configuration says.

    `expected`: the names of its series; `missing`: why some of them are not there, and what else is wrong, by name;
    `notes`: what its recordings hold and it does not.
    """

    id: str
    label: str
    values: Mapping[str, str]
    expected: Sequence[str]
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def facts_of(
    source: SessionSource,
    results: Mapping[str, Mapping[str, Any]],
    workspace: str | None = None,
    page: str | None = None,
    picture: str | None = None,
) -> dict[str, Any]:
    """What is known of a session, as JSON has it; None for what is not.

    `results`: what its built series' results hold, by name; `workspace`: its URI; `page` of pictures and `picture` of
    its first series: their paths from the index. Raises FormatError for what is no result.
    """
    manifests = {name: parse_series_manifest(result["manifest"]) for name, result in results.items()}
    lengths = [_length(manifest) for manifest in manifests.values() if manifest.type in _SAMPLED]
    gaps = [_gaps(manifest) for manifest in manifests.values() if manifest.type in _SAMPLED]
    gap_seconds, num_gaps = max(((seconds, count) for count, seconds in gaps), default=(None, None))
    events = [manifest.num_channels for manifest in manifests.values() if manifest.type == "event"]
    state, cause = _state(source, bool(manifests))
    return {
        "id": source.id,
        "label": source.label,
        "values": {**source.values, "date": source.values.get("date") or _date(manifests.values())},
        "state": state,
        "cause": cause,
        "notes": list(source.notes),
        "streams": list(manifests),
        "expected": list(source.expected),
        "seconds": max(lengths, default=None),
        "mismatch": max(lengths) - min(lengths) if len(lengths) > 1 else None,
        "gaps": num_gaps,
        "gap_seconds": gap_seconds,
        "channels": sum(each.num_channels for each in manifests.values() if each.type in _SAMPLED),
        **_clipped(manifests.values()),
        "bad": [channel.label for each in manifests.values() for channel in each.channels if channel.bad],
        "units": sum(events) if events else None,
        **_raw([result["source"] for result in results.values()]),
        "view_bytes": sum(info.num_bytes for each in manifests.values() for _, info in arrays_of(each)),
        # Packs, the pages that list them, and manifests.
        "view_files": sum(
            info.num_packs + len(info.pages) for each in manifests.values() for _, info in arrays_of(each)
        )
        + len(manifests)
        + (workspace is not None),
        "workspace": workspace,
        "page": page,
        "picture": picture,
    }


def with_usual_streams(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The facts of sessions whose streams nobody named: of each are expected those that more than half of all have."""
    built = [each for each in found if each["streams"]]
    names = list(dict.fromkeys(name for each in built for name in each["streams"]))
    usual = [name for name in names if 2 * sum(name in each["streams"] for each in built) > len(built)]
    return [{**each, "expected": list(dict.fromkeys([*usual, *each["expected"]]))} for each in found]


def _state(source: SessionSource, has_series: bool) -> tuple[str, str | None]:
    reasons = [f"{name}: {reason}" for name, reason in source.missing.items()]
    cause = "; ".join(reasons) or None
    if not has_series:
        return FAILED, cause or "it has no series"
    return (PARTLY, cause) if reasons else (BUILT, None)


def _length(manifest: SeriesManifest) -> float:
    """Seconds from its first sample to its end."""
    segments = manifest.segments
    return segments[-1].end_time - segments[0].start_time if segments else 0.0


def _gaps(manifest: SeriesManifest) -> tuple[int, float]:
    """How many gaps there are between segments, and how many seconds they take."""
    recorded = sum(segment.end_time - segment.start_time for segment in manifest.segments)
    return max(len(manifest.segments) - 1, 0), max(_length(manifest) - recorded, 0.0)


def _clipped(manifests: Iterable[SeriesManifest]) -> dict[str, Any]:
    """The channel that is clipped most, of those whose converter's limits are known; None where none are."""
    known = [
        (channel.clipped, channel.label)
        for manifest in manifests
        for channel in manifest.channels
        if channel.clipped is not None
    ]
    most, label = max(known, key=lambda each: each[0], default=(None, None))
    return {"clipped": most, "clipped_channel": label if most else None}


def _date(manifests: Any) -> str | None:
    """When the first series that knows its wall clock begins, as it was recorded."""
    starts = []
    for manifest in manifests:
        with suppress(ValueError, OverflowError, TypeError):
            start = datetime.fromisoformat(manifest.session_start)
            starts.append(
                start + timedelta(seconds=manifest.segments[0].start_time if manifest.segments else 0)
            )
    return min((start.isoformat(" ", "seconds") for start in starts), default=None)


def _raw(sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The files that samples were read from: their bytes, whether they are still there as they were, and whose."""
    files: dict[str, tuple[int, bool]] = {}
    owners = []
    for path, size, is_same in (each for source in sources for each in _files_of(source)):
        files[path] = (size, files.get(path, (0, True))[1] and is_same)
        owners.append(path)
    state: str | None = None
    if files and all(os.path.isabs(path) for path in files):  # noqa: PTH117
        gone = [path for path in files if not os.path.exists(path)]  # noqa: PTH110
        state = GONE if gone else THERE if all(is_same for _, is_same in files.values()) else CHANGED
    return {
        "raw": state,
        "raw_bytes": sum(size for size, _ in files.values()),
        "raw_files": len(files),
        "owner": next((owner for path in owners if (owner := _owner(path)) is not None), None),
    }


def _files_of(source: Mapping[str, Any]) -> Iterator[tuple[str, int, bool]]:
    """Path and bytes of each file, and whether it is as it was when it was read."""
    for file in (source, *source.get("files", ())):
        is_same = False
        with suppress(OSError):
            status = Path(file["path"]).stat()
            same_time = (
                status.st_mtime == file["mtime"]
                if "mtime" in file
                else status.st_mtime_ns == file["mtime_ns"]
            )
            is_same = same_time and (status.st_size == file["size"] or Path(file["path"]).is_dir())
        yield str(file["path"]), max(int(file["size"]), 0), is_same


def _owner(path: str) -> str | None:
    with suppress(OSError, KeyError, ValueError):
        return Path(path).owner()
    return None
