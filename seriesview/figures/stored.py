"""What is stored and can be shown as it is: a workspace, a series, a figure, or what a link to one names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seriesview.errors import MissingArtifactError
from seriesview.figures.index import read_index
from seriesview.figures.links import cleaned, parse_link
from seriesview.figures.published import PublishedPage, published_page
from seriesview.series.manifest import parse_series_manifest
from seriesview.terms import is_workspace
from seriesview.workspace.manifest import parse_workspace_manifest

if TYPE_CHECKING:
    from seriesview.store import Store


@dataclass(frozen=True)
class ToShow:
    """Stored data of a figure, what it is called, the storage directory, and what of the view is shown at first.

    `left_out`: what was meant and is not shown, and why; `is_whole`: whether it could not have been otherwise. `index`:
    the folder of results whose sessions are shown in place of one figure, whose `uri` is then empty.
    """

    uri: str
    label: str
    storage_dir: Path
    state: Mapping[str, Any] | None = None
    left_out: tuple[str, ...] = ()
    is_whole: bool = True
    index: Path | None = None


def stored(uri: str, store: Store, announce: Callable[[str], None] = lambda _: None) -> ToShow:
    """A workspace, a series or a figure of a store; `announce` hears what of it is not there.

    Raises FormatError for anything else, MissingArtifactError where it is not there.
    """
    document = store.get_json(uri)
    for line in _missing_series(document, store):
        announce(line)
    return ToShow(uri, _label(uri, document), store.directory)


def sessions_of(results: Path, store: Store) -> ToShow:
    """The index of the sessions in a folder of results, whose artifacts a store has. Raises FormatError."""
    return ToShow("", str(read_index(results)["label"]), store.directory, index=results)


def linked(
    text: str, store: Callable[[], Store], announce: Callable[[str], None] = lambda _: None
) -> ToShow | PublishedPage:
    """What a link or an address of an export names: in the store, or where it was exported to.

    `announce`: as in `stored`, and what the link says and cannot be read. Raises SeriesviewError.
    """
    address = cleaned(text)
    link = None if address.startswith(("gs://", "s3://")) else parse_link(text)
    if link is None:
        return published_page(address)
    if link.has_bad_state:
        announce("what the link says of the view (s=...) cannot be read, so the beginning is shown")
    opened = store()
    if not opened.exists(link.uri):
        raise MissingArtifactError(
            f"SHA-1 {link.sha1}, which this link shows, is not in the kachery storage {opened.place}; if it "
            "is in another one, name that with --storage-dir; else open the link itself while a node answers at "
            f"{link.host}, ask there for an export (`seriesview export`), or build it again",
            sha1=link.sha1,
        )
    found = stored(link.uri, opened, announce)
    return ToShow(found.uri, link.label or found.label, found.storage_dir, link.state)


def _label(uri: str, document: Any) -> str:
    """What a workspace, a series or a figure is called; raises FormatError for anything else."""
    if _is_figure(document):
        return "figure"
    if is_workspace(document):
        return parse_workspace_manifest(document).label
    return parse_series_manifest(document).label or "series"


def _is_figure(document: Any) -> bool:
    """Whether this is a figure's data, as `MultiPanelView` and figurl write them: no manifest itself."""
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("workspace"), str) or (
        isinstance(document.get("data"), dict) and isinstance(document.get("type"), str)
    )


def _missing_series(document: Any, store: Store) -> list[str]:
    """A line for each series of a workspace that is not in the store; the others are shown."""
    series = document.get("series") if isinstance(document, dict) else None
    lines = []
    for entry in series if isinstance(series, list) else []:
        uri = entry.get("uri") if isinstance(entry, dict) else None
        if isinstance(uri, str) and uri.startswith("sha1://") and not store.exists(uri):
            name = f"{entry.get('name')!r:.200}"
            lines.append(f"series {name} is not in {store.place}: {uri}; copy it there, or build it again")
    return lines
