"""A workspace that was stored: its series and views."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seriesview.errors import FormatError
from seriesview.series.default_store import chosen_store
from seriesview.series.fields import checked_uri, result_uri
from seriesview.series.series import Series, open_series
from seriesview.series.showing import Figure, figure
from seriesview.workspace.manifest import View, WorkspaceManifest, parse_workspace_manifest

if TYPE_CHECKING:
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
        return figure(data=self.manifest.to_json_dict(), store=self.store, label=self.label, uri=self.uri)

    def _repr_html_(self) -> str:
        return self.figurl()._repr_html_()


def open_workspace(workspace: str | Path, store: Store | str | Path | None = None) -> Workspace:
    """Open a workspace by its URI or its `results/workspace.json`. Raises FormatError, StoreError.

    `store` is one that was opened, or a kachery storage directory; the default one where it is None.
    """
    opened = chosen_store(store)
    uri = result_uri(workspace, "results/workspace.json")
    return Workspace(parse_workspace_manifest(opened.get_json(uri)), opened, uri)


def stored_uri(
    what: Workspace | Series | str | Path, store: Store | str | Path | None = None
) -> tuple[str, Store]:
    """URI and store of a workspace or a series: an opened one, a URI, or a file of results. Raises FormatError.

    `store` as in `open_workspace`; what is opened has its own.
    """
    if isinstance(what, Workspace | Series):
        if what.uri is None:
            raise FormatError("this workspace was not stored; open it with open_workspace")
        return what.uri, what.store
    opened = chosen_store(store)
    uri = result_uri(what, "results/workspace.json")
    return checked_uri(uri, "URI"), opened
