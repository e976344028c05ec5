"""A series in words, and how many rows, parts and bytes its arrays take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from seriesview.series.array_info import ArrayInfo
from seriesview.series.channel_words import channel_lines
from seriesview.series.derivation import ComputedValues
from seriesview.series.links import linked_uris
from seriesview.series.manifest import Missing, SeriesManifest
from seriesview.series.named_arrays import arrays_of
from seriesview.terms import bytes_in_words

_SHOWN_SEGMENTS = 10
_SHOWN_CHANNELS = 10
_SHOWN_STRETCHES = 5
_ZONES = {False: " (local time, its zone is not known)", None: " (which cannot be read as a time)"}


def series_lines(manifest: SeriesManifest) -> Iterator[str]:
    """What a series holds: its type, rate, channels, segments, samples and arrays."""
    noun = {"event": "event", "interval": "interval"}.get(manifest.type, "sample")
    rate = manifest.sampling_frequency
    title = f" {manifest.label!r}" if manifest.label else ""
    timing = "" if noun != "sample" else f" at {rate:g} Hz" if rate else " at times of their own"
    channels = "" if noun == "interval" else f"{_count(manifest.num_channels, 'channel')}, "
    yield (
        f"{manifest.type} series{title}: {_count(manifest.num_samples, noun)}{timing}, "
        f"{channels}dtype {manifest.dtype}"
    )
    if noun == "sample":
        unit = manifest.unit or "(no unit)"
        yield f"physical value = stored * {manifest.scale:g} + {manifest.offset:g} {unit}"
        if own := ", ".join(_of_their_own(manifest)):
            yield f"  of its own: {own}"
        if manifest.missing is not None:
            yield f"missing: {_missing_words(manifest.missing)}"
        if own_missing := sum(channel.missing is not None for channel in manifest.channels):
            yield f"missing of their own: in {_count(own_missing, 'channel')}"
    if manifest.session_start:
        yield f"time 0 is {manifest.session_start}{_ZONES.get(_names_zone(manifest.session_start), '')}"
    if manifest.intervals is None:
        names = [f"{c.id} ({c.label})" if c.label not in ("", c.id) else c.id for c in manifest.channels]
        yield f"channels: {_listed(names)}"
        yield from (f"  {line}" for line in channel_lines(manifest.channels))
    else:
        yield f"labels: {_listed(manifest.intervals.labels)}"
    yield from (f"note: {note}" for note in manifest.notes)
    if manifest.steps is not None:
        source = manifest.source
        named = "what this copy goes without" if source is None else f"{source.label} ({source.uri})"
        yield f"made of {named} by steps:"
        yield from (f"  {json.dumps(step)}" for step in manifest.steps)
        if manifest.left_out_channels:
            yield f"  left out of references: {_listed(manifest.left_out_channels)}"
    yield f"{_count(len(manifest.segments), 'segment')}:"
    for number, segment in enumerate(manifest.segments[:_SHOWN_SEGMENTS]):
        values = (
            f", values {segment.min_value} to {segment.max_value}" if segment.min_value is not None else ""
        )
        times = f"{segment.start_time:.6f} s to {segment.end_time:.6f} s"
        yield f"  {number}: {times}, {_count(segment.num_samples, noun)}{values}"
    if len(manifest.segments) > _SHOWN_SEGMENTS:
        yield f"  and {len(manifest.segments) - _SHOWN_SEGMENTS} more"
    if noun == "sample":
        if manifest.values is None:
            held = "files of each segment" if any(s.values_uri for s in manifest.segments) else "left out"
        else:
            held = "stored"
            if uris := linked_uris(manifest.values):
                more = f" and {_count(len(uris) - 1, 'other file')}" if uris[1:] else ""
                held = f"linked, in {uris[0]}{more}"
            if isinstance(manifest.values, ArrayInfo) and manifest.values.left_out:
                held = f"stored, but left out of this copy: {_stretches(manifest.values.left_out)}"
            if isinstance(manifest.values, ComputedValues):
                held = "computed from those of its source"
        yield f"raw samples: {held}"
    yield "arrays:"
    for name, size in array_sizes(manifest).items():
        counts = ", ".join(_count(size[f"{noun}s"], noun) for noun in ("row", "part", "pack"))
        yield f"  {name}: {counts}, {bytes_in_words(size['bytes'])}"
    yield f"  together: {bytes_in_words(sum(size['bytes'] for size in array_sizes(manifest).values()))}"


def array_sizes(manifest: SeriesManifest) -> dict[str, dict[str, int]]:
    """`rows`, `parts`, `packs` and `bytes` of each array, by its name, without what was left out of this copy."""
    return {name: _size(info) for name, info in arrays_of(manifest)}


def _missing_words(missing: Missing) -> str:
    """Which stored values stand for none."""
    ends = [
        f"{word} {end}"
        for word, end in (("below", missing.below), ("above", missing.above))
        if end is not None
    ]
    return f"stored values {', '.join([*map(str, missing.values), *ends])} stand for none"


def _names_zone(session_start: str) -> bool | None:
    """Whether a wall-clock time names its zone; None where it cannot be read."""
    try:
        return datetime.fromisoformat(session_start).tzinfo is not None
    except ValueError:
        return None


def _of_their_own(manifest: SeriesManifest) -> Iterator[str]:
    """In how many channels scale, offset and unit are not those of the series."""
    for key in ("scale", "offset"):
        numbers = [value for c in manifest.channels if (value := getattr(c, key)) is not None]
        if numbers:
            span = f"{min(numbers):g}" + (f" to {max(numbers):g}" if min(numbers) != max(numbers) else "")
            yield f"{key} in {_count(len(numbers), 'channel')} ({span})"
    units = sum(c.unit is not None for c in manifest.channels)
    if units:
        yield f"unit in {_count(units, 'channel')}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_CHANNELS} more" if len(names) > _SHOWN_CHANNELS else ""
    return f"{', '.join(names[:_SHOWN_CHANNELS])}{more}"


def _stretches(stretches: Sequence[tuple[int, int]]) -> str:
    if len(stretches) > _SHOWN_STRETCHES:
        return f"{len(stretches)} stretches"
    return "samples " + ", ".join(f"{first} to {last}" for first, last in stretches)


def _size(info: ArrayInfo) -> dict[str, int]:
    return {
        "rows": info.shape[0] - sum(last - first for first, last in info.left_out),
        "parts": sum(info.has_part(part) for part in range(info.num_parts)),
        "packs": sum(info.pack_bytes(pack) > 0 for pack in range(info.num_packs)),
        "bytes": info.num_bytes - info.num_bytes_left_out,
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun if number == 1 else noun + 's'}"
