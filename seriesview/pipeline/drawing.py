"""A build's pictures: one of each series as a whole, and a page of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from seriesview.build.results import write_whole
from seriesview.errors import StoreError, one_line
from seriesview.pictures import PICTURE_VERSION
from seriesview.pictures.page import workspace_page
from seriesview.pictures.png import note_of, with_note
from seriesview.series.series import open_series
from seriesview.store import Store
from seriesview.store.reading import open_regular
from seriesview.workspace.manifest import parse_workspace_manifest

_NOTE_BYTES = 256


def draw_if_new(
    uri: str, name: str, panel: Mapping[str, Any], store: Store, out: Path
) -> tuple[bool, str | None]:
    """Draw a series, unless that very picture is there; whether it is drawn now, and why it could not be."""
    if _note_in(out) == _drawn_of(uri, name, panel):
        return False, None
    return True, write_picture(uri, name, panel, store, out)


def is_outdated(uri: str, name: str, panel: Mapping[str, Any], picture: Path) -> bool:
    """Whether a picture is another one than would be drawn; one that could not be drawn is not."""
    note = _note_in(picture)
    return note is not None and note != _drawn_of(uri, name, panel)


def write_picture(uri: str, name: str, panel: Mapping[str, Any], store: Store, out: Path) -> str | None:
    """Draw a series as a panel of the configuration shows it. A picture that cannot be drawn fails no build: it says so
    itself, and why is returned."""
    # Where every picture is there already, as a rule, nothing is drawn.
    from seriesview.pictures.figure import failed_overview, overview

    try:
        with open_series(uri, store) as series:
            picture = overview(series, name=name, panel=panel.get("type"), data=panel)
    except Exception as error:  # whatever it is, the series is built
        reason = one_line(error) or type(error).__name__
        write_whole(out, failed_overview(name, reason))
        return f"its overview picture could not be drawn ({reason}); the series itself is built"
    write_whole(out, with_note(picture, _drawn_of(uri, name, panel)))
    return None


def _drawn_of(uri: str, name: str, panel: Mapping[str, Any]) -> str:
    """What a picture of a series is drawn of, in a word."""
    what = json.dumps([PICTURE_VERSION, uri, name, panel], sort_keys=True)
    return hashlib.sha1(what.encode()).hexdigest()


def _note_in(picture: Path) -> str | None:
    """Of what a picture says that it was drawn; None where there is none that says it."""
    try:
        with open(open_regular(picture), "rb") as file:  # noqa: PTH123
            return note_of(file.read(_NOTE_BYTES))
    except (OSError, StoreError):
        return None


def write_page(uri: str, manifest: Mapping[str, Any], store: Store, out: Path) -> None:
    """Write a page of the pictures beside it, NAME.png, of a workspace's series. Raises FormatError."""
    write_page_of(uri, manifest, store, out, lambda name: f"{name}.png", "results/workspace.json")


def write_page_of(
    uri: str,
    manifest: Mapping[str, Any],
    store: Store,
    out: Path,
    picture: Callable[[str], str],
    result: str,
) -> None:
    """Write a page of pictures, which lie at `picture(NAME)` from it; `result` names the workspace. FormatError."""
    parsed = parse_workspace_manifest(manifest)
    names = [entry.name for entry in parsed.series]
    pictures = {name: picture(name) for name in names if (out.parent / picture(name)).is_file()}
    write_whole(out, workspace_page(parsed, uri, store, pictures, result).encode())
