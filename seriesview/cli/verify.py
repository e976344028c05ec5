"""`seriesview verify`: re-hash everything that a workspace, a series or an exported folder reaches."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option

if TYPE_CHECKING:
    from seriesview.upkeep.verification import Verifier


@click.command(short_help="Re-hash everything that a workspace, a series or an exported folder reaches.")
@click.argument("workspace")
@storage_option
@json_option
def command(workspace: str, storage_dir: Path | None, as_json: bool) -> None:
    """Re-hash every artifact that WORKSPACE (or a series) reaches, linked files too; exit 1 where any is wrong.

    WORKSPACE is a sha1:// URI, a results/workspace.json, a results/series/NAME.json, or a folder that `seriesview
    export` wrote. Names what is missing, truncated (fewer bytes than the manifest says) or altered (other bytes than
    the hash says). Of a folder every file is re-hashed; what was left out of it is listed, and is no problem.
    """
    left_out: list[Mapping[str, Any]] = []
    if Path(workspace).is_dir():
        from seriesview.share.checking import verify_folder

        folder = verify_folder(Path(workspace))
        uri, verifier, missing, left_out = folder.uri, folder.verifier, folder.missing, folder.left_out
    else:
        uri, verifier, missing = _verify_stored(workspace, storage_dir)
    found = verifier.found
    if as_json:
        document: dict[str, Any] = {
            "uri": uri,
            "ok": not found.problems,
            "artifacts": found.num_artifacts,
            "bytes": found.num_bytes,
            "problems": [vars(problem) for problem in found.problems],
            "missing_series": missing,
        }
        if left_out:
            document["left_out"] = left_out
        click.echo(json.dumps(document))
    else:
        _say(verifier, missing, left_out)
    if found.problems:
        sys.exit(1)


def _verify_stored(workspace: str, storage_dir: Path | None) -> tuple[str, Verifier, list[str]]:
    """Re-hash what a URI or a result reaches: its URI, what was found, and the series that were not built."""
    from seriesview.errors import FormatError
    from seriesview.series.fields import Fields
    from seriesview.upkeep.verification import Verifier
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
    return uri, verifier, missing


def _say(verifier: Verifier, missing: list[str], left_out: list[Mapping[str, Any]]) -> None:
    from seriesview.share.words import left_out_line

    found = verifier.found
    for problem in found.problems:
        click.echo(f"{problem.kind}: {problem.artifact} ({problem.what}): {problem.message}")
    for absent in missing:
        click.echo(f"not built: {absent}")
    for entry in left_out:
        click.echo(f"left out: {left_out_line(entry)}")
    verdict = f"{len(found.problems)} wrong" if found.problems else "all right"
    click.echo(f"{found.num_artifacts} artifacts, {found.num_bytes} bytes re-hashed: {verdict}")
