"""`seriesview gc`: remove from a store what seriesview wrote and nobody needs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from seriesview.cli.arguments import json_option, open_reading_store, storage_option


@click.command(short_help="Remove what seriesview stored and no kept workspace reaches.")
@click.option("--yes", is_flag=True, help="Remove without asking; needed where nobody can be asked.")
@storage_option
@json_option
def command(yes: bool, storage_dir: Path | None, as_json: bool) -> None:
    """Show what seriesview itself stored and no kept workspace reaches, and remove it after asking.

    What others stored in the same kachery storage is never removed, nor a recording that is linked, nor what a
    running build writes. Series and figures made in Python are kept. Parts of a build that was killed are kept for a
    day, for it to be taken up again.
    """
    from seriesview.store.locking import removing
    from seriesview.terms import bytes_in_words
    from seriesview.upkeep.garbage import find_garbage
    from seriesview.upkeep.removal import remove_artifacts, undo_unfinished

    store = open_reading_store(storage_dir)
    directory = store.removable_directory()
    with removing(directory):
        undo_unfinished(directory)
        garbage = find_garbage(store)
        for workspace in garbage.forgotten:
            click.echo(f"forgotten: {workspace.label}  {workspace.uri}", err=as_json)
        if garbage.num_unreached:
            click.echo(
                f"left by builds that ended before their time: {garbage.num_unreached} artifacts", err=as_json
            )
        count = len(garbage.sizes)
        click.echo(
            f"{directory}: {count} artifacts, {bytes_in_words(garbage.num_bytes)}, can be removed",
            err=as_json,
        )
        document: dict[str, object] = {
            "storage_dir": str(directory),
            "artifacts": count,
            "bytes": garbage.num_bytes,
            "removed": 0,
            "removed_bytes": 0,
        }
        if count and (yes or _may_remove()):
            removed = remove_artifacts(directory, garbage.sizes, garbage.known)
            document |= {"removed": removed.num_files, "removed_bytes": removed.num_bytes}
            kept = f"; {removed.num_kept} were wanted again meanwhile and stay" if removed.num_kept else ""
            failed = f"; {removed.num_failed} are others' to remove" if removed.num_failed else ""
            words = f"removed: {removed.num_files} files, {bytes_in_words(removed.num_bytes)}{kept}{failed}"
            click.echo(words, err=as_json)
        elif count:
            click.echo("nothing was removed; --yes removes it", err=as_json)
    if as_json:
        click.echo(json.dumps(document))


def _may_remove() -> bool:
    return sys.stdin.isatty() and click.confirm("Remove them?", err=True)
