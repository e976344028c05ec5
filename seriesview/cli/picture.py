"""`seriesview picture`: the pipeline's job that draws a series' overview."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from seriesview.cli.arguments import building_store, resolve_series, store_options


@click.command(hidden=True)
@click.argument("series")
@click.option(
    "--panel",
    type=click.Choice(["-"]),
    help="-: the picture is drawn as the panel that standard input describes, as config.yaml does, as JSON.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The PNG file to write.")
@store_options
def command(series: str, panel: str | None, out: Path, storage_dir: str | None, mode: str | None) -> None:
    """Draw the overview of SERIES into a PNG file (a job of the pipeline).

    A picture that cannot be drawn fails no build: it says so itself, and so does a line.
    """
    from seriesview.pipeline.drawing import write_picture

    name = Path(series).stem
    shown = {} if panel is None else json.loads(sys.stdin.buffer.read())
    with building_store(storage_dir, mode) as store:
        problem = write_picture(resolve_series(series, store), name, shown, store, out)
    if problem is not None:
        sys.stderr.write(f"{name}: {problem}\n")
