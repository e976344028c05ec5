"""`seriesview export`: a workspace as a folder, or one file, that any browser shows without seriesview."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Unpack

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option
from seriesview.cli.sharing_choice import SharingCommand, choice_options, say_plan

if TYPE_CHECKING:
    from seriesview.share.export import Exported
    from seriesview.share.plan import Plan
    from seriesview.share.sharing import Choices


@click.command(cls=SharingCommand, short_help="Write a workspace as a folder that any web server shows.")
@click.argument("workspace")
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@choice_options
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
    single_file: Path | None,
    storage_dir: Path | None,
    as_json: bool,
    **choices: Unpack[Choices],
) -> None:
    """Write WORKSPACE (or a series) into DIRECTORY: viewer, manifests and artifacts, for any static web server.

    Raw samples stay where they are unless asked for: the folder shows every zoom down to the finest level. Those of
    small series go along by themselves, up to 10 MB or a hundredth of all, and a series without levels is its samples,
    and goes along whole. Exporting again writes only what changed, and completes an
    export that was interrupted. `seriesview verify DIRECTORY` checks it.
    """
    from seriesview.build.progress import Progress
    from seriesview.share.sharing import export
    from seriesview.terms import bytes_in_words

    target = single_file or directory
    if target is None or (directory and single_file):
        raise click.UsageError("give the folder to write, or --single-file OUT.html")
    progress = Progress("exporting", 0)

    def planned(plan: Plan) -> None:
        say_plan(plan, str(target), as_json)
        progress.expect(plan.num_bytes)

    store = open_reading_store(storage_dir)
    uri = resolve_workspace(workspace, store)
    done = export(
        uri,
        target,
        single_file=single_file is not None,
        store=store,
        on_plan=planned,
        on_bytes=progress.add,
        **choices,
    )
    progress.finish()
    if as_json:
        click.echo(json.dumps(_document(done, single_file is not None)))
    elif single_file is not None:
        click.echo(f"{target}: {bytes_in_words(done.bytes_written)}; it opens by double-click")
    else:
        removed = (
            f", {done.num_removed} files removed that are not in it any more" if done.num_removed else ""
        )
        click.echo(
            f"{target}: {done.num_written} files written, {bytes_in_words(done.bytes_written)}{removed}; "
            f"look at it with `python3 {quote(str(target / 'serve.py'))}`"
        )


def _document(done: Exported, is_file: bool) -> dict[str, object]:
    folder = {
        "directory": str(done.path),
        "files_written": done.num_written,
        "bytes_written": done.bytes_written,
        "files_removed": done.num_removed,
    }
    return {
        "uri": done.uri,
        **({"file": str(done.path), "bytes": done.bytes_written} if is_file else folder),
        "left_out": [entry.to_json_dict() for entry in done.left_out],
        "small_series_with_samples": done.small,
        "days_moved": done.days,
    }
