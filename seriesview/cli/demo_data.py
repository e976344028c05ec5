"""`seriesview demo-data`: write the demo's data."""

from __future__ import annotations

from pathlib import Path

import click

from seriesview.demo.files import write_demo_data
from seriesview.demo.nwb_file import DEFAULT_SECONDS, DEFAULT_SEED


@click.command("demo-data")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--seconds", type=float, default=DEFAULT_SECONDS, show_default=True, help="Length of the session."
)
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True, help="Seed of the session.")
@click.option("--heart/--no-heart", default=True, help="Copy the heart recordings too (needs heartpy).")
def command(directory: Path, seconds: float, seed: int, heart: bool) -> None:
    """Write the demo's data into DIRECTORY.

    A generated recording session (session.nwb, always the same bytes for the same seed) and three real
    heart recordings from the package heartpy (data.csv, data2.csv, data3.csv).
    """
    for path in write_demo_data(directory, seconds, seed, heart=heart):
        click.echo(f"{path}  ({path.stat().st_size:,} bytes)")
