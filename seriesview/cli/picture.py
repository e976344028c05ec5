"""`seriesview picture`: the pipeline's job that draws a series' overview."""

import json
from pathlib import Path

import click


@click.command(hidden=True)
@click.argument("series")
@click.option("--store-json", required=True, help="The configuration's `store`, as JSON.")
@click.option("--panel-json", default="{}", help="The first panel that shows the series, as JSON.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The PNG file to write.")
def command(series: str, store_json: str, panel_json: str, out: Path) -> None:
    """Draw the overview of SERIES into a PNG file (a job of the pipeline)."""
    from seriesview.build.results import write_whole
    from seriesview.cli.arguments import resolve_series
    from seriesview.cli.jobs import job_store
    from seriesview.pictures import overview
    from seriesview.series.series import open_series

    panel = json.loads(panel_json)
    is_density = panel.get("type") == "ProbabilityDensity"
    with job_store(store_json) as store, open_series(resolve_series(series, store), store) as opened:
        centers = panel.get("bin_centers") if is_density else None
        write_whole(
            out, overview(opened, name=Path(series).stem, panel=panel.get("type"), bin_centers=centers)
        )
