"""`seriesview export`: a workspace as a folder, or one file, that any browser shows without seriesview."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option
from seriesview.cli.sizes import Size, TimeRange


@click.command(short_help="Write a workspace as a folder that any web server shows.")
@click.argument("workspace")
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--raw", is_flag=True, help="Let all raw samples go along (never the recordings' files).")
@click.option(
    "--raw-range",
    "raw_ranges",
    multiple=True,
    type=TimeRange(),
    metavar="START:END",
    help="Let the raw samples of a stretch go along, in seconds of view time, widened to whole parts. Repeatable.",
)
@click.option(
    "--raw-series",
    multiple=True,
    metavar="NAME",
    help="Let all raw samples of one series go along. Repeatable.",
)
@click.option("--without", multiple=True, metavar="NAME", help="Leave a series out. Repeatable.")
@click.option(
    "--max-size",
    "max_bytes",
    type=Size(),
    metavar="SIZE",
    help="Leave out finest levels, the largest first, until all fits: 500MB, 2GB.",
)
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
    raw: bool,
    raw_series: tuple[str, ...],
    raw_ranges: tuple[tuple[float, float], ...],
    without: tuple[str, ...],
    max_bytes: int | None,
    single_file: Path | None,
    storage_dir: Path | None,
    as_json: bool,
) -> None:
    """Write WORKSPACE (or a series) into DIRECTORY: viewer, manifests and artifacts, for any static web server.

    Raw samples stay where they are unless asked for: the folder shows every zoom down to the finest level. A series
    without levels is its samples, and goes along whole. Exporting again writes only what changed, and completes an
    export that was interrupted. `seriesview verify DIRECTORY` checks it.
    """
    from seriesview.build.progress import Progress, bytes_in_words
    from seriesview.share.choice import Wish
    from seriesview.share.export import export_folder, plan_export
    from seriesview.share.words import left_out_line, zoom_end

    if (directory is None) == (single_file is None):
        raise click.UsageError("give the folder to write, or --single-file OUT.html")
    if raw and raw_ranges:
        raise click.UsageError("give --raw or --raw-range, not both")
    store = open_reading_store(storage_dir)
    uri = resolve_workspace(workspace, store)
    wish = Wish(raw, raw_series, raw_ranges, without, max_bytes)
    if single_file is not None:
        from seriesview.share.single_file import export_single_file, plan_single_file

        plan = plan_single_file(store, uri, wish)
    else:
        plan = plan_export(store, uri, wish)
    target = single_file or directory
    assert target is not None
    click.echo(f"{plan.workspace.label}: {bytes_in_words(plan.num_bytes)} into {target}", err=as_json)
    for choice in plan.choices:
        click.echo(f"  {choice.name}: {zoom_end(choice)}", err=as_json)
    for entry in plan.left_out:
        click.echo(f"  left out: {left_out_line(entry.to_json_dict())}", err=as_json)
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
    if as_json:
        click.echo(json.dumps(document | {"left_out": [entry.to_json_dict() for entry in plan.left_out]}))
    else:
        click.echo(said)
