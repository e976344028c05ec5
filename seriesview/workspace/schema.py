"""The JSON schema of workspaces: `python -m seriesview.workspace.schema > docs/schemas/workspace.schema.json`."""

from __future__ import annotations

from seriesview.documents.checking import schema_text
from seriesview.workspace.manifest import WorkspaceManifest


def workspace_schema_text() -> str:
    """The schema as docs/schemas/ holds it."""
    normative = "docs/format.md is the normative description."
    return schema_text(WorkspaceManifest, "seriesview workspace manifest", description=normative)


if __name__ == "__main__":
    print(workspace_schema_text(), end="")
