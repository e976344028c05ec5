"""`seriesview forget`: a workspace need not be kept any more."""

from __future__ import annotations

import json
from pathlib import Path

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option


@click.command(short_help="Say that a workspace need not be kept any more.")
@click.argument("workspace")
@storage_option
@json_option
def command(workspace: str, storage_dir: Path | None, as_json: bool) -> None:
    """Say that WORKSPACE need not be kept any more. Nothing is removed: `seriesview gc` does that.

    WORKSPACE is a sha1:// URI, or a results/workspace.json. Built again, it is kept
    again. What another user recorded in a shared directory is theirs to forget.
    """
    from seriesview.errors import SeriesviewError

    store = open_reading_store(storage_dir)
    uri = resolve_workspace(workspace, store)
    known = {entry.uri: entry for entry in store.recorded_workspaces()}
    if uri not in known:
        raise SeriesviewError(f"{uri}: no kept workspace of {store.place}; `seriesview ls` lists them")
    store.forget_workspace(uri)
    is_kept = any(entry.uri == uri for entry in store.recorded_workspaces())
    store.close()
    if is_kept:
        raise SeriesviewError(
            f"{uri}: another user recorded it, and keeps it; it is forgotten when they run `seriesview forget` too"
        )
    if as_json:
        click.echo(json.dumps({"uri": uri, "label": known[uri].label}))
    else:
        # From a bucket nothing is removed.
        more = "; `seriesview gc` removes what only it reached" if store.takes_links else ""
        click.echo(f"{known[uri].label}: forgotten{more}")
