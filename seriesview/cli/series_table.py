"""`seriesview series-table`: the pipeline's job that writes the report's table."""

from pathlib import Path

import click


@click.command(hidden=True)
@click.argument("series_files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The HTML file to write.")
def command(series_files: tuple[Path, ...], out: Path) -> None:
    """Write a table with a row for each of the series' results (a job of the pipeline)."""
    from seriesview.build.results import read_results, write_whole
    from seriesview.pictures.table import series_table

    write_whole(out, series_table(read_results(series_files)).encode())
