"""`seriesview ls`: the workspaces of a store, with sizes and dates."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from seriesview.cli.arguments import json_option, open_reading_store, storage_option


@click.command(short_help="List the workspaces of a store, with sizes and dates.")
@storage_option
@json_option
def command(storage_dir: Path | None, as_json: bool) -> None:
    """List the workspaces that were built into a store and are kept, the oldest first.

    Of each: when it was built, the bytes in the store that it reaches, those of them that only it reaches (which
    `seriesview forget` and `seriesview gc` would free), its label and its URI. Linked recordings are not counted.
    """
    from seriesview.terms import bytes_in_words
    from seriesview.upkeep.garbage import kept_workspaces

    store = open_reading_store(storage_dir)
    found = kept_workspaces(store)
    if as_json:
        workspaces = [
            {
                "uri": entry.workspace.uri,
                "label": entry.workspace.label,
                "time": entry.workspace.time,
                "bytes": entry.num_bytes,
                "own_bytes": entry.own_bytes,
                "is_there": entry.is_there,
            }
            for entry in found
        ]
        click.echo(json.dumps({"storage_dir": store.place, "workspaces": workspaces}))
        return
    for entry in found:
        day = datetime.fromtimestamp(entry.workspace.time).astimezone().strftime("%Y-%m-%d %H:%M")
        sizes = f"{bytes_in_words(entry.num_bytes):>8} (own {bytes_in_words(entry.own_bytes)})"
        lost = "" if entry.is_there else "  (its manifest is not in the store any more)"
        click.echo(f"{day}  {sizes}  {entry.workspace.label}  {entry.workspace.uri}{lost}")
    if not found:
        click.echo(f"no workspaces in {store.place}")
