"""Series and views -> the stored workspace manifest, with what is missing and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seriesview.store import Store
from seriesview.workspace.manifest import build_workspace, view_from_config


def build_workspace_result(
    label: str,
    results: Sequence[Mapping[str, Any]],
    views: Sequence[Mapping[str, Any]],
    missing: Sequence[tuple[str, str]],
    store: Store,
    workspace_id: str | None = None,
) -> dict[str, Any]:
    """Store the manifest of a workspace; what results/workspace.json holds. Raises FormatError."""
    manifest = workspace_manifest(label, results, views, missing, workspace_id)
    uri = store.put_json(manifest, name="workspace.json")
    store.record_workspace(uri, label)
    return {"uri": uri, "manifest": manifest}


def workspace_manifest(
    label: str,
    results: Sequence[Mapping[str, Any]],
    views: Sequence[Mapping[str, Any]],
    missing: Sequence[tuple[str, str]],
    workspace_id: str | None = None,
) -> dict[str, Any]:
    """The manifest of a workspace of the series that `results` are of, its label for an id. Raises FormatError."""
    return build_workspace(
        label,
        [(result["name"], result["uri"]) for result in results],
        [view_from_config(view) for view in views],
        missing,
        {result["name"]: result["manifest"]["type"] for result in results},
        workspace_id or label,
        [result["name"] for result in results if result["manifest"].get("spectrogram")],
    )
