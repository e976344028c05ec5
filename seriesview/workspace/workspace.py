"""A workspace that was stored: its series and views."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from seriesview.errors import FormatError
from seriesview.series.default_store import default_store
from seriesview.series.fields import checked_uri
from seriesview.series.series import Series, open_series
from seriesview.workspace.manifest import View, WorkspaceManifest, parse_workspace_manifest

if TYPE_CHECKING:
    from seriesview import Figure
    from seriesview.store import Store


class Workspace:
    """One stored workspace. In a notebook it shows itself."""

    def __init__(self, manifest: WorkspaceManifest, store: Store, uri: str | None = None) -> None:
        self.manifest = manifest
        self.store = store
        self.uri = uri

    @property
    def label(self) -> str:
        """What the workspace is called."""
        return self.manifest.label

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its series."""
        return tuple(entry.name for entry in self.manifest.series)

    @property
    def views(self) -> tuple[View, ...]:
        """Its views, with their panels."""
        return self.manifest.views

    def series(self, name: str) -> Series:
        """Open the series called `name`; raises FormatError where there is none."""
        return open_series(self.manifest.uri(name), self.store)

    def figurl(self) -> Figure:
        """The workspace as a figure, whose `url()` is a link to it."""
        from seriesview import Figure

        return Figure(data=self.manifest.to_json_dict(), store=self.store, label=self.label, uri=self.uri)

    def _repr_html_(self) -> str:
        return self.figurl()._repr_html_()


def open_workspace(workspace: str | Path, store: Store | None = None) -> Workspace:
    """Open a workspace by its URI or its `results/workspace.json`, from `store` or the default one. FormatError."""
    store = default_store() if store is None else store
    uri = (
        workspace
        if isinstance(workspace, str) and workspace.startswith("sha1://")
        else _uri_in(Path(workspace))
    )
    return Workspace(parse_workspace_manifest(store.get_json(uri)), store, uri)


def _uri_in(path: Path) -> str:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(
            f"{path}: cannot be read as JSON ({error}); give a sha1:// URI or results/workspace.json"
        ) from error
    uri = result.get("uri") if isinstance(result, dict) else None
    if not isinstance(uri, str):
        raise FormatError(f"{path}: has no key uri; give a sha1:// URI or results/workspace.json")
    return checked_uri(uri, f"{path}: uri")
