"""`seriesview picture-page`: the pipeline's job that writes the page of overview pictures."""

from __future__ import annotations

from pathlib import Path

import click

from seriesview.cli.arguments import building_store, resolve_workspace, store_options


@click.command(hidden=True)
@click.argument("workspace")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The HTML file to write.")
@store_options
def command(workspace: str, out: Path, storage_dir: str | None, mode: str | None) -> None:
    """Write a page of the pictures beside it, NAME.png, of the series of WORKSPACE (a job of the pipeline)."""
    from seriesview.pipeline.drawing import write_page

    with building_store(storage_dir, mode) as store:
        uri = resolve_workspace(workspace, store)
        write_page(uri, store.get_json(uri), store, out)
