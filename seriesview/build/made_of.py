"""What a build of samples makes, and of what: what tells it from other builds, and from itself with fewer samples."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.dataset import Dataset, what_decides_samples, without_descriptions
from seriesview.build.made import MadeRecording, origin_of
from seriesview.build.plan import SamplesPlan
from seriesview.build.shards import Shard
from seriesview.build.source import RecordingIdentity
from seriesview.layout.layouts import FilesLayout, Layout, files_of
from seriesview.readers.protocol import Recording

_OF_ITS_EXTENT = ("source", "layout", "segments")
"""What changes where samples come to a recording, or where its files are moved."""


def what_is_made(
    recording: Recording,
    dataset: Dataset,
    plan: SamplesPlan,
    source: RecordingIdentity,
    shard: Shard | None = None,
) -> dict[str, Any]:
    """Everything that decides the arrays of a series, as JSON has it.

    Where the layout says where samples lie, files beside theirs change words alone.
    """
    layout = recording.layout
    own_missing = plan.channel_missing if any(plan.channel_missing) else ()
    what = {
        "version": ARTIFACT_VERSION,
        "source": (source if layout is None else dataclasses.replace(source, others=())).as_json(),
        "layout": None if layout is None else _places(layout),
        "reader": dataset.reader,
        "options": _options(dataset),
        "dtype": plan.dtype.name,
        "channels": plan.num_channels,
        "segments": plan.segment_lengths,
        "base": plan.base,
        "ratio": plan.ratio,
        "missing": [missing and dataclasses.asdict(missing) for missing in (plan.missing, *own_missing)],
        "resolution": plan.resolution,
        "shard": None if shard is None else [shard.index, shard.count],
    }
    if isinstance(recording, MadeRecording):
        layout = origin_of(recording).layout
        what["derived"] = [
            _without_paths(what_decides_samples(dataset)),
            _described(recording.made_of),
            None if layout is None else _places(layout),
        ]
    # No NaN is equal to another.
    as_json: dict[str, Any] = json.loads(json.dumps(what, default=str), parse_constant=str)
    return as_json


def _options(dataset: Dataset) -> dict[str, Any]:
    """What readers are told that decides samples, beside how many there are."""
    options = without_descriptions(dataclasses.asdict(dataset.options))
    return {key: value for key, value in options.items() if key != "allow_truncated"}


def what_stays(what: Mapping[str, Any]) -> dict[str, Any]:
    """What of it, where a layout says where samples lie, stays as it is while samples are appended to the last file."""
    *files, last = what["source"]["samples"]
    *pieces, growing = what["layout"]
    return {
        **what,
        "source": {**what["source"], "samples": [*files, {"path": last["path"], "inode": last["inode"]}]},
        "layout": [*pieces, {key: value for key, value in growing.items() if key != "num_samples"}],
        "segments": what["segments"][:-1],
    }


def goes_on(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether what is made now is what was made before, of files that may be elsewhere, and to which samples may have
    come, as far as that can be told without reading them. KeyError and TypeError where `before` is nothing of the kind.
    """
    apart = [
        {key: value for key, value in each.items() if key not in _OF_ITS_EXTENT} for each in (before, now)
    ]
    return (
        apart[0] == apart[1]
        and _has_more(before["segments"], now["segments"], _samples_went_on)
        # Stored samples are compared themselves, wherever they lie.
        and (now["resolution"] == "store" or _layout_goes_on(before["layout"], now["layout"]))
    )


def _described(recording: Recording) -> list[Any]:
    """What headers say of samples, which steps may heed."""
    said = [recording.unit, recording.scale, recording.offset, *map(dataclasses.asdict, recording.channels)]
    return [*said, *(_described(recording.made_of) if isinstance(recording, MadeRecording) else ())]


def _without_paths(decides: dict[str, Any]) -> dict[str, Any]:
    """What decides samples that are made of others, wherever these lie, which the files say."""
    found = {key: value for key, value in decides.items() if key != "path"}
    source = found.get("source")
    return {**found, "source": _without_paths(source)} if isinstance(source, dict) else found


def _places(layout: Layout) -> list[dict[str, Any]]:
    """Where samples lie in which of the files."""
    files = files_of(layout)
    pieces = layout.pieces if isinstance(layout, FilesLayout) else (layout,)
    return [
        {
            "file": files.index(piece.path),
            "num_samples": piece.num_samples,
            **{
                key: str(value)
                for key, value in vars(piece).items()
                if key not in ("path", "num_samples", "chunks")
            },
        }
        for piece in pieces
    ]


def _layout_goes_on(before: Any, now: Any) -> bool:
    if before is None or now is None:
        return bool(before == now)
    return _has_more(before, now, _piece_went_on)


def _piece_went_on(before: Any, now: Any) -> bool:
    """Whether a file's samples are those before and perhaps more; of chunks the last is written again for that."""
    most = {**before, "num_samples": now["num_samples"]}
    is_plain = "chunk_shape" not in now
    return bool(most == now and (before == now or (is_plain and before["num_samples"] < now["num_samples"])))


def _samples_went_on(before: Any, now: Any) -> bool:
    return bool(before <= now)


def _has_more(before: Sequence[Any], now: Sequence[Any], went_on: Any) -> bool:
    """Whether `now` begins with all of `before`, of which the last one may have gone on."""
    last = len(before) - 1
    return (
        0 <= last < len(now) and list(before[:last]) == list(now[:last]) and went_on(before[last], now[last])
    )
