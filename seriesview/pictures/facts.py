"""What a series is, in a line above its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seriesview.pictures import words
from seriesview.pictures.axis import extent

if TYPE_CHECKING:
    from seriesview.series.series import Series


def facts(series: Series) -> str:
    """One line of facts: channels, length, rate, dtype, start."""
    manifest = series.manifest
    start, end = extent(series)
    nouns = {"event": "event", "interval": "interval"}
    parts = [words.count(manifest.num_samples, nouns.get(manifest.type, "sample"))]
    if manifest.type != "interval":
        parts.insert(0, words.count(manifest.num_channels, "channel"))
    parts.append(words.duration(end - start))
    if manifest.type in ("continuous", "discrete"):
        rate = manifest.sampling_frequency
        parts.append("irregular times" if rate is None else words.frequency(rate))
        parts.append(manifest.dtype)
        if len(manifest.segments) > 1:
            parts.append(words.count(len(manifest.segments), "segment"))
    if manifest.session_start:
        parts.append(f"session start {manifest.session_start}")
    return "   ".join(parts)
