"""`seriesview verify`: re-hash everything that a workspace or a series reaches."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option


@click.command(short_help="Re-hash everything that a workspace or a series reaches.")
@click.argument("workspace")
@storage_option
@json_option
def command(workspace: str, storage_dir: Path | None, as_json: bool) -> None:
    """Re-hash every artifact that WORKSPACE (or a series) reaches, linked files too; exit 1 where any is wrong.

    WORKSPACE is a sha1:// URI, a results/workspace.json or a results/series/NAME.json. Names what is missing,
    truncated (fewer bytes than the manifest says) or altered (other bytes than the hash says).
    """
    from seriesview.errors import FormatError
    from seriesview.series.fields import Fields
    from seriesview.series.verification import Verifier
    from seriesview.workspace.manifest import parse_workspace_manifest

    store = open_reading_store(storage_dir)
    uri = resolve_workspace(workspace, store)
    verifier = Verifier(store)
    missing: list[str] = []
    if verifier.artifact(uri, "manifest"):
        manifest = store.get_json(uri)
        if str(Fields(manifest, uri).get("format") or "").startswith("seriesview-workspace/"):
            try:
                parsed = parse_workspace_manifest(manifest)
                missing = [f"{absent.name}: {absent.error}" for absent in parsed.missing]
                for entry in parsed.series:
                    verifier.series(entry.uri, entry.name)
            except FormatError as error:
                verifier.problem("invalid", uri, "workspace manifest", str(error))
        else:
            verifier.series(uri, "series")
    found = verifier.found
    if as_json:
        document = {
            "uri": uri,
            "ok": not found.problems,
            "artifacts": found.num_artifacts,
            "bytes": found.num_bytes,
            "problems": [vars(problem) for problem in found.problems],
            "missing_series": missing,
        }
        click.echo(json.dumps(document))
    else:
        for problem in found.problems:
            click.echo(f"{problem.kind}: {problem.artifact} ({problem.what}): {problem.message}")
        for absent in missing:
            click.echo(f"not built: {absent}")
        verdict = f"{len(found.problems)} wrong" if found.problems else "all right"
        click.echo(f"{found.num_artifacts} artifacts, {found.num_bytes} bytes re-hashed: {verdict}")
    if found.problems:
        sys.exit(1)
