"""A table of series, a row each, as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from seriesview.pictures import words
from seriesview.pictures.page import size_in_words
from seriesview.series.manifest import SeriesManifest, parse_series_manifest
from seriesview.terms import bytes_in_words

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; color: #20242c; background: #fff; margin: 16px; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid #d6dae0; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: 12px ui-monospace, monospace; color: #626a76; overflow-wrap: anywhere; }
"""
_HEADINGS = (
    "Series",
    "Type",
    "Channels",
    "Samples",
    "Duration",
    "Rate",
    "Dtype",
    "Stored",
    "Built in",
    "URI",
)


def series_table(results: Sequence[Mapping[str, Any]]) -> str:
    """HTML of a table of the pipeline's results; every text in it is escaped. Raises FormatError."""
    headings = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
    rows = "\n".join(_row(result) for result in results)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Series</title><style>{_STYLE}</style>'
        f"</head><body><table><thead><tr>{headings}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></body></html>\n"
    )


def _row(result: Mapping[str, Any]) -> str:
    manifest = parse_series_manifest(result["manifest"])
    texts = [str(result["name"]), manifest.type]
    rate = manifest.sampling_frequency
    numbers = [
        f"{manifest.num_channels:,}",
        f"{manifest.num_samples:,}",
        _duration(manifest),
        "irregular" if rate is None else f"{rate:,.10g} Hz",
        manifest.dtype,
        size_in_words(manifest),
        f"{words.duration(result['timing']['seconds'])} ({bytes_in_words(result['timing']['bytes'])})",
    ]
    cells = [f"<td>{escape(text)}</td>" for text in texts]
    cells += [f'<td class="number">{escape(number)}</td>' for number in numbers]
    cells.append(f"<td><code>{escape(str(result['uri']))}</code></td>")
    return f"<tr>{''.join(cells)}</tr>"


def _duration(manifest: SeriesManifest) -> str:
    if not manifest.segments:
        return "-"
    return words.duration(manifest.segments[-1].end_time - manifest.segments[0].start_time)
