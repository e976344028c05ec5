"""A page of a workspace: an overview picture of each series, in one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import numpy as np

from seriesview.pictures.facts import facts
from seriesview.series.derivation import ComputedValues
from seriesview.series.links import linked_uris
from seriesview.series.manifest import ArrayInfo, SeriesManifest
from seriesview.series.series import Series, open_series
from seriesview.store import Store
from seriesview.terms import bytes_in_words
from seriesview.workspace.manifest import WorkspaceManifest

_STYLE = """
:root { color-scheme: light; --ink: #20242c; --soft: #626a76; --line: #d6dae0; }
body { margin: 0 auto; max-width: 1320px; padding: 24px 20px 48px; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; font-weight: 600; margin: 0 0 4px; }
h2 { font-size: 18px; font-weight: 600; margin: 0 0 2px; }
p { margin: 0 0 8px; color: var(--soft); }
section { border-top: 1px solid var(--line); padding: 20px 0 12px; }
img { display: block; max-width: 100%; height: auto; border: 1px solid var(--line); border-radius: 4px; }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; color: var(--soft); }
.missing { color: #a03c00; }
"""


@dataclass(frozen=True)
class PageRow:
    """One series on the page. `source` is what the image's `src` attribute says: an address or a data: URI."""

    name: str
    uri: str
    facts: str
    size: str
    source: str
    label: str = ""


def workspace_page(
    workspace: WorkspaceManifest,
    uri: str,
    store: Store,
    pictures: Mapping[str, str] | None = None,
    result: str = "results/workspace.json",
) -> str:
    """The page as HTML. `pictures` are paths of pictures relative to the page, by the series' names.

    Where a series has none its overview is drawn and embedded. `result` is the file that names the workspace for those
    who look closer. Raises what opening a series raises.
    """
    rows = []
    for entry in workspace.series:
        with open_series(entry.uri, store) as series:
            path = (pictures or {}).get(entry.name)
            source = (
                quote(path) if path is not None else _embedded(draw_overview(workspace, entry.name, series))
            )
            size = size_in_words(series.manifest)
            rows.append(PageRow(entry.name, entry.uri, facts(series), size, source, series.manifest.label))
    return render_page(workspace, uri, rows, result)


def draw_overview(workspace: WorkspaceManifest, name: str, series: Series) -> bytes:
    """The overview PNG of a series of the workspace, drawn as the first panel that names it shows it."""
    # A page finds its pictures beside it, as a rule.
    from seriesview.pictures.figure import overview

    panel = next((p for view in workspace.views for p in view.panels if p.series == name), None)
    if panel is None:
        return overview(series, name=name)
    return overview(series, name=name, panel=panel.type, data=panel.data)


def render_page(
    workspace: WorkspaceManifest, uri: str, rows: list[PageRow], result: str = "results/workspace.json"
) -> str:
    """The HTML of rows that are ready; every text in it is escaped."""
    count = f"{len(workspace.series):,} series"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(workspace.label)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(workspace.label)}</h1>",
        f"<p>{count} in this workspace</p><p><code>{escape(uri)}</code></p>",
        f"<p>To look closer, where it was built: <code>seriesview serve {escape(result)}</code></p>",
    ]
    for row in rows:
        label = escape(row.label or row.name)
        name = f" <code>{escape(row.name)}</code>" if row.label not in ("", row.name) else ""
        parts.append(
            f"<section><h2>{label}{name}</h2><p>{escape(row.facts)}</p><p>{escape(row.size)}</p>"
            f'<p><code>{escape(row.uri)}</code></p><img src="{escape(row.source)}" '
            f'alt="Overview of {label}"></section>'
        )
    for missing in workspace.missing:
        parts.append(
            f'<section><h2>{escape(missing.name)}</h2><p class="missing">Missing: {escape(missing.error)}</p></section>'
        )
    parts.append("</body></html>\n")
    return "\n".join(parts)


def size_in_words(manifest: SeriesManifest) -> str:
    """Bytes of the samples and of what is stored of them, and where full resolution is."""
    raw = manifest.num_samples * manifest.num_channels * np.dtype(manifest.dtype).itemsize
    stored = sum(array.num_bytes for array in _arrays(manifest))
    if manifest.type in ("event", "interval"):
        return f"{bytes_in_words(stored)} stored"
    where = "levels only"
    if isinstance(manifest.values, ArrayInfo) or any(segment.values_uri for segment in manifest.segments):
        where = "samples stored too"
    elif isinstance(manifest.values, ComputedValues):
        where = "samples computed from those of its source"
    elif uris := linked_uris(manifest.values):
        where = (
            "samples linked in their file" if len(uris) == 1 else f"samples linked in their {len(uris)} files"
        )
    return f"{bytes_in_words(raw)} of samples, {bytes_in_words(stored)} stored ({where})"


def _arrays(manifest: SeriesManifest) -> list[ArrayInfo]:
    arrays = [manifest.values] if isinstance(manifest.values, ArrayInfo) else []
    arrays += [manifest.timestamps] if manifest.timestamps is not None else []
    arrays += [level.array for level in manifest.levels]
    arrays += [level.times for level in manifest.levels if level.times is not None]
    arrays += [moments.array for moments in manifest.moments] + [counts.array for counts in manifest.counts]
    if manifest.events is not None:
        arrays += [manifest.events.times, manifest.events.channels]
    if manifest.intervals is not None:
        arrays += [manifest.intervals.times, manifest.intervals.label_indices]
    return arrays


def _embedded(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
