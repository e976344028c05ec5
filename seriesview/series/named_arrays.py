"""The arrays of a series, each by a name for people."""

from __future__ import annotations

from collections.abc import Iterator

from seriesview.series.array_info import ArrayInfo
from seriesview.series.links import ChunkedLink
from seriesview.series.manifest import SeriesManifest


def arrays_of(manifest: SeriesManifest) -> Iterator[tuple[str, ArrayInfo]]:
    """(name, description) of every array of a series."""
    if isinstance(manifest.values, ArrayInfo):
        yield "values", manifest.values
    elif isinstance(manifest.values, ChunkedLink):
        yield "chunk table", manifest.values.chunks
    if manifest.timestamps is not None:
        yield "timestamps", manifest.timestamps
    for level in manifest.levels:
        yield f"level {level.factor}", level.array
        if level.times is not None:
            yield f"times of level {level.factor}", level.times
    for moments in manifest.moments:
        yield f"moments {moments.factor}", moments.array
    for counts in manifest.counts:
        yield f"counts of {counts.bin_seconds:g} s", counts.array
    if manifest.events is not None:
        yield "event times", manifest.events.times
        yield "event channels", manifest.events.channels
    if manifest.intervals is not None:
        yield "interval times", manifest.intervals.times
        yield "interval labels", manifest.intervals.label_indices
