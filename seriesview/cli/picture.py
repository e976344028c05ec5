"""`seriesview picture`: the pipeline's job that draws a series' overview."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from seriesview.errors import one_line


@click.command(hidden=True)
@click.argument("series")
@click.option("--store-json", required=True, help="The configuration's `store`, as JSON.")
@click.option("--panel-json", default="{}", help="The first panel that shows the series, as JSON.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The PNG file to write.")
def command(series: str, store_json: str, panel_json: str, out: Path) -> None:
    """Draw the overview of SERIES into a PNG file (a job of the pipeline).

    A picture that cannot be drawn fails no build: it says so itself, and so does a line.
    """
    from seriesview.build.results import write_whole
    from seriesview.pictures import failed_overview

    name = Path(series).stem
    try:
        picture = _overview(series, name, store_json, json.loads(panel_json))
    except Exception as error:  # whatever it is, the series is built
        reason = one_line(error) or type(error).__name__
        sys.stderr.write(
            f"{name}: its overview picture could not be drawn ({reason}); the series itself is built\n"
        )
        picture = failed_overview(name, reason)
    write_whole(out, picture)


def _overview(series: str, name: str, store_json: str, panel: dict[str, Any]) -> bytes:
    from seriesview.cli.arguments import resolve_series
    from seriesview.cli.jobs import job_store
    from seriesview.pictures import overview
    from seriesview.series.series import open_series

    with job_store(store_json) as store, open_series(resolve_series(series, store), store) as opened:
        return overview(opened, name=name, panel=panel.get("type"), data=panel)
