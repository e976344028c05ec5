"""`seriesview relink`: raw files that moved are found again by their SHA-1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option

if TYPE_CHECKING:
    from seriesview.build.progress import Progress
    from seriesview.upkeep.relinking import RelinkedFile


@click.command(short_help="Find raw files that moved, by their SHA-1, and link them again.")
@click.argument("workspace")
@click.argument(
    "directories",
    nargs=-1,
    required=True,
    metavar="DIR...",
    type=click.Path(path_type=Path, exists=True),
)
@storage_option
@json_option
def command(workspace: str, directories: tuple[Path, ...], storage_dir: Path | None, as_json: bool) -> int:
    """Find the raw files that WORKSPACE is linked to and that moved, below DIR..., and link them where they are now.

    WORKSPACE is a sha1:// URI, a results/workspace.json or a results/series/NAME.json. Of each raw file that is gone
    or changed at its old place, files of its size below the folders are hashed until one has its SHA-1; the old place
    is looked at again too, so that a file that was only touched is linked again. Raw files are only read. Workspaces
    that share a raw file all have it again. Exit status 1 where one was not found.
    """
    from seriesview.build.progress import Progress
    from seriesview.upkeep.relinking import relink

    store = open_reading_store(storage_dir)
    uri = resolve_workspace(workspace, store)
    shown: dict[Path, Progress] = {}
    done: dict[Path, int] = {}

    def hashed(path: Path, count: int, size: int) -> None:
        shown.setdefault(path, Progress(f"hashing {path}", size)).add(count)
        done[path] = done.get(path, 0) + count
        if done[path] == size:
            shown[path].finish()

    with store:
        found = relink(store, uri, directories, hashed)
    for line in found.unreadable:
        click.echo(line, err=True)
    if as_json:
        files = [_entry(each) for each in found.files]
        click.echo(json.dumps({"uri": uri, "files": files, "unreadable": found.unreadable}))
        return 0 if found.is_whole else 1
    for each in found.files:
        more = {"found": f" at {each.path}", "not found": f" ({each.file.reason})"}.get(each.state, "")
        click.echo(f"{each.file.old_path or each.file.name or each.file.sha1}: {each.state}{more}")
    if not found.files:
        click.echo("no linked files: all samples are in the store, or there are none")
    return 0 if found.is_whole else 1


def _entry(each: RelinkedFile) -> dict[str, object]:
    file = each.file
    return {
        "sha1": file.sha1,
        "name": file.name,
        "size": file.size,
        "state": each.state,
        "path": str(each.path) if each.path else None,
        "old_path": str(file.old_path) if file.old_path else None,
    }
