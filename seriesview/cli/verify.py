"""`seriesview verify`: re-hash everything that a workspace, a series or an exported folder reaches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option

if TYPE_CHECKING:
    from seriesview.share.checking import Verified


@click.command(short_help="Re-hash everything that a workspace, a series or an exported folder reaches.")
@click.argument("workspace")
@storage_option
@json_option
def command(workspace: str, storage_dir: Path | None, as_json: bool) -> int:
    """Re-hash every artifact that WORKSPACE (or a series) reaches, linked files too; exit 1 where any is wrong.

    WORKSPACE is a sha1:// URI, a results/workspace.json, a results/series/NAME.json, or a folder that `seriesview
    export` wrote. Names what is missing, truncated (fewer bytes than the manifest says) or altered (other bytes than
    the hash says). Of a folder every file is re-hashed; what was left out of it is listed, and is no problem.
    """
    from seriesview.share.checking import verify

    store = None if Path(workspace).is_dir() else open_reading_store(storage_dir)
    found = verify(workspace if store is None else resolve_workspace(workspace, store), store=store)
    if as_json:
        document: dict[str, Any] = {
            "uri": found.uri,
            "ok": found.is_right,
            "artifacts": found.num_artifacts,
            "bytes": found.num_bytes,
            "problems": [vars(problem) for problem in found.problems],
            "missing_series": found.missing,
        }
        if found.left_out:
            document["left_out"] = found.left_out
        click.echo(json.dumps(document))
    else:
        click.echo("\n".join(_lines(found)))
    return 0 if found.is_right else 1


def _lines(found: Verified) -> Iterator[str]:
    from seriesview.share.words import left_out_line

    for problem in found.problems:
        yield f"{problem.kind}: {problem.artifact} ({problem.what}): {problem.message}"
    for absent in found.missing:
        yield f"not built: {absent}"
    for entry in found.left_out:
        yield f"left out: {left_out_line(entry)}"
    verdict = "all right" if found.is_right else f"{len(found.problems)} wrong"
    yield f"{found.num_artifacts} artifacts, {found.num_bytes} bytes re-hashed: {verdict}"
