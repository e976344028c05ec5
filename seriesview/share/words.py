"""Words for people about what is shared and what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from seriesview.share.choice import Choice
from seriesview.share.dates import texts_like_dates
from seriesview.share.plan import Plan
from seriesview.terms import bytes_in_words

_README = Path(__file__).parent / "files" / "README.txt"
_MOST_STRETCHES = 5
_MOST_TEXTS = 5


def left_out_line(entry: Mapping[str, Any]) -> str:
    """One entry of export.json's `left_out` in words; what is not known of it is passed over."""
    name, what = entry.get("series"), entry.get("what")
    size = entry.get("bytes")
    bytes_words = f", {bytes_in_words(size)}" if isinstance(size, int) else ""
    why = {"size": "too large", "not asked for": "not asked for"}.get(
        str(entry.get("why")), str(entry.get("why"))
    )
    if what == "series":
        return f"{name}: the whole series ({why})"
    if what == "samples":
        rows = entry.get("rows")
        which = f" {_stretches(rows)}" if isinstance(rows, list) else ""
        return f"{name}: raw samples{which} ({why}{bytes_words})"
    if what in ("level", "moments"):
        return f"{name}: {what} of factor {entry.get('factor')} ({why}{bytes_words})"
    if what == "counts":
        return f"{name}: counts in bins of {entry.get('bin_seconds')} s ({why}{bytes_words})"
    return f"{name}: {what} ({why}{bytes_words})"


def zoom_end(choice: Choice) -> str:
    """Where zoom ends in one series, in words."""
    manifest = choice.manifest
    if choice.rows:
        shown = f"samples {_stretches(choice.rows)}" if choice.left_out_rows else "all samples"
        return f"{shown}, {bytes_in_words(choice.num_sample_bytes)}"
    if choice.is_computed:
        return "all samples, computed from those of its source"
    factors = [
        level.factor for number, level in enumerate(manifest.levels) if number not in choice.dropped["levels"]
    ]
    if factors:
        return f"no raw samples; zoom ends at {min(factors)} samples a column"
    return "whole" if manifest.num_samples else "empty"


def dates_lines(plan: Plan) -> list[str]:
    """What is said of moved dates to whoever shares; nothing where they are not moved."""
    if plan.days is None:
        return []
    if not plan.days:
        lines = ["no series tells a date: nothing was moved"]
    else:
        lines = [
            f"all dates are moved by {plan.days:+} days, which nothing that is shared says; keep it to yourself"
        ]
    manifests = [(choice.name, choice.manifest) for choice in plan.choices]
    texts = [repr(text) for text in texts_like_dates(plan.workspace, manifests)]
    if texts:
        more = f" and {len(texts) - _MOST_TEXTS} more" if len(texts) > _MOST_TEXTS else ""
        lines.append(
            f"names and labels stay as they are, dates in them too: {', '.join(texts[:_MOST_TEXTS])}{more}"
        )
    return lines


def readme(plan: Plan) -> str:
    """README.txt of an exported folder, for whoever finds it: without dates and paths."""
    title = f"{' '.join(plan.workspace.label.split()) or 'A workspace'}: recordings to look at in a browser"
    series = [f"  {_one_line(choice)}: {zoom_end(choice)}" for choice in plan.choices]
    left_out = [f"  {left_out_line(entry.to_json_dict())}" for entry in plan.left_out]
    if plan.days:
        series.append(
            "\nAll dates were moved by the same number of days: they are not those of the recordings."
        )
    return Template(_README.read_text(encoding="utf-8")).substitute(
        title=title,
        underline="=" * len(title),
        series="\n".join(series) or "  nothing",
        left_out="\n".join(left_out) or "  nothing",
    )


def _one_line(choice: Choice) -> str:
    manifest = choice.manifest
    count = manifest.num_channels
    channels = f", {count} channel{'s' if count > 1 else ''}" if count else ""
    rate = f", {manifest.sampling_frequency:g} Hz" if manifest.sampling_frequency is not None else ""
    return f"{' '.join(choice.name.split())} ({manifest.type}{channels}{rate})"


def _stretches(rows: Sequence[Any]) -> str:
    if len(rows) > _MOST_STRETCHES:
        return f"of {len(rows)} stretches"
    return ", ".join(
        f"{pair[0]} to {pair[1]}" for pair in rows if isinstance(pair, list | tuple) and len(pair) == 2
    )
