"""A build's pictures: one of each series as a whole, and a page of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seriesview.build.results import write_whole
from seriesview.errors import one_line
from seriesview.pictures import failed_overview, overview
from seriesview.pictures.page import workspace_page
from seriesview.series.series import open_series
from seriesview.store import Store
from seriesview.workspace.manifest import parse_workspace_manifest


def write_picture(uri: str, name: str, panel: Mapping[str, Any], store: Store, out: Path) -> str | None:
    """Draw a series as a panel of the configuration shows it. A picture that cannot be drawn fails no build: it says so
    itself, and why is returned."""
    try:
        with open_series(uri, store) as series:
            picture = overview(series, name=name, panel=panel.get("type"), data=panel)
    except Exception as error:  # whatever it is, the series is built
        reason = one_line(error) or type(error).__name__
        write_whole(out, failed_overview(name, reason))
        return f"its overview picture could not be drawn ({reason}); the series itself is built"
    write_whole(out, picture)
    return None


def write_page(uri: str, manifest: Mapping[str, Any], store: Store, out: Path) -> None:
    """Write a page of the pictures beside it, NAME.png, of a workspace's series. Raises FormatError."""
    parsed = parse_workspace_manifest(manifest)
    names = [entry.name for entry in parsed.series]
    pictures = {name: f"{name}.png" for name in names if (out.parent / f"{name}.png").is_file()}
    write_whole(out, workspace_page(parsed, uri, store, pictures).encode())
