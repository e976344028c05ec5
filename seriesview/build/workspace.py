"""Series and views -> the stored workspace manifest, with what is missing and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seriesview.errors import BuildError
from seriesview.store import Store
from seriesview.workspace.manifest import build_workspace, view_from_config


def read_results(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What the series jobs wrote. Raises BuildError where one cannot be read."""
    results = []
    for path in paths:
        try:
            results.append(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            raise BuildError(f"{path}: not a series result ({error}); build the series again") from error
    return results


def build_workspace_result(
    label: str,
    results: Sequence[Mapping[str, Any]],
    views: Sequence[Mapping[str, Any]],
    missing: Sequence[tuple[str, str]],
    store: Store,
) -> dict[str, Any]:
    """Store the manifest of a workspace; what results/workspace.json holds. Raises FormatError."""
    manifest = build_workspace(
        label,
        [(result["name"], result["uri"]) for result in results],
        [view_from_config(view) for view in views],
        missing,
        {result["name"]: result["manifest"]["type"] for result in results},
    )
    uri = store.put_json(manifest, name="workspace.json")
    store.record_workspace(uri, label)
    return {"uri": uri, "manifest": manifest}
