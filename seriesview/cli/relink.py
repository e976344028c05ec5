"""`seriesview relink`: raw files that moved are found again by their SHA-1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option

if TYPE_CHECKING:
    from seriesview.build.progress import Progress


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
    from seriesview.errors import MissingArtifactError
    from seriesview.upkeep.relinking import linked_files, relink

    store = open_reading_store(storage_dir)
    uri = resolve_workspace(workspace, store)
    if not store.exists(uri):
        raise MissingArtifactError(
            f"{uri} is not in the kachery storage {store.directory}; `seriesview ls` lists its workspaces"
        )
    files = linked_files(store, uri)
    shown: dict[Path, Progress] = {}
    done: dict[Path, int] = {}

    def hashed(path: Path, count: int, size: int) -> None:
        shown.setdefault(path, Progress(f"hashing {path}", size)).add(count)
        done[path] = done.get(path, 0) + count
        if done[path] == size:
            shown[path].finish()

    with store:
        search = relink(store, [file for file in files if file.reason], directories, hashed)
    for line in search.unreadable:
        click.echo(line, err=True)
    is_whole = True
    entries = []
    for file in files:
        found = search.found.get(file.sha1)
        state = "found" if found else "not found" if file.reason else "still there"
        is_whole = is_whole and state != "not found"
        old = str(file.old_path) if file.old_path else None
        entries.append(
            {
                "sha1": file.sha1,
                "name": file.name,
                "size": file.size,
                "state": state,
                "path": str(found) if found else old if not file.reason else None,
                "old_path": old,
            }
        )
        if not as_json:
            verdict = {"found": f"found at {found}", "not found": f"not found ({file.reason})"}
            click.echo(f"{old or file.name or file.sha1}: {verdict.get(state, state)}")
    if as_json:
        click.echo(json.dumps({"uri": uri, "files": entries, "unreadable": search.unreadable}))
    elif not files:
        click.echo("no linked files: all samples are in the store, or there are none")
    return 0 if is_whole else 1
