"""`seriesview export`: a workspace as a folder, or one file, that any browser shows without seriesview."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option
from seriesview.cli.sharing_choice import SharingCommand, keep_shared, say_plan, wish_options

if TYPE_CHECKING:
    from seriesview.share.choice import Wish


@click.command(cls=SharingCommand, short_help="Write a workspace as a folder that any web server shows.")
@click.argument("workspace")
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@wish_options
@click.option(
    "--single-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT.html",
    help="Write one HTML file, up to 100 MB, that opens by double-click, in place of a folder.",
)
@storage_option
@json_option
def command(
    workspace: str,
    directory: Path | None,
    wish: Wish,
    single_file: Path | None,
    storage_dir: Path | None,
    as_json: bool,
) -> None:
    """Write WORKSPACE (or a series) into DIRECTORY: viewer, manifests and artifacts, for any static web server.

    Raw samples stay where they are unless asked for: the folder shows every zoom down to the finest level. Those of
    small series go along by themselves, up to 10 MB or a hundredth of all, and a series without levels is its samples,
    and goes along whole. Exporting again writes only what changed, and completes an
    export that was interrupted. `seriesview verify DIRECTORY` checks it.
    """
    from seriesview.build.progress import Progress, bytes_in_words
    from seriesview.share.export import export_folder, plan_export

    if (directory is None) == (single_file is None):
        raise click.UsageError("give the folder to write, or --single-file OUT.html")
    store = open_reading_store(storage_dir)
    uri = resolve_workspace(workspace, store)
    if single_file is not None:
        from seriesview.share.single_file import export_single_file, plan_single_file

        plan = plan_single_file(store, uri, wish)
    else:
        plan = plan_export(store, uri, wish)
    target = single_file or directory
    assert target is not None
    say_plan(plan, str(target), as_json)
    progress = Progress("exporting", plan.num_bytes)
    document: dict[str, object]
    if single_file is not None:
        shared_uri, size = export_single_file(plan, store, single_file, progress.add)
        document = {"uri": shared_uri, "file": str(single_file), "bytes": size}
        said = f"{single_file}: {bytes_in_words(size)}; it opens by double-click"
    else:
        assert directory is not None
        done = export_folder(plan, store, directory, progress.add)
        document = {
            "uri": done.uri,
            "directory": str(directory),
            "files_written": done.num_written,
            "bytes_written": done.bytes_written,
            "files_removed": done.num_removed,
        }
        removed = (
            f", {done.num_removed} files removed that are not in it any more" if done.num_removed else ""
        )
        said = (
            f"{directory}: {done.num_written} files written, {bytes_in_words(done.bytes_written)}{removed}; "
            f"look at it with `python3 {quote(str(directory / 'serve.py'))}`"
        )
    progress.finish()
    keep_shared(store, uri, plan.workspace.label)
    if as_json:
        more = {
            "left_out": [entry.to_json_dict() for entry in plan.left_out],
            "small_series_with_samples": plan.small,
            "days_moved": plan.days,
        }
        click.echo(json.dumps(document | more))
    else:
        click.echo(said)
