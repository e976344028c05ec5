"""`seriesview plot`: a picture of a stretch of a series."""

from __future__ import annotations

import json
from pathlib import Path

import click

from seriesview.cli.arguments import (
    channel_ids,
    json_option,
    open_reading_store,
    resolve_series,
    storage_option,
    write_output,
)


@click.command(short_help="Draw a stretch of a series into a picture.")
@click.argument("series")
@click.option("--start", type=float, help="First time, in seconds.  [default: where the series starts]")
@click.option("--end", type=float, help="Last time, in seconds.  [default: where the series ends]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The PNG file to write.",
)
@click.option("--channels", help="Ids of the channels, separated by commas.  [default: all]")
@click.option("--width", type=int, default=1280, show_default=True, help="Width in pixels.")
@click.option("--height", type=int, default=720, show_default=True, help="Height in pixels.")
@storage_option
@json_option
def command(
    series: str,
    start: float | None,
    end: float | None,
    out: Path,
    channels: str | None,
    width: int,
    height: int,
    storage_dir: Path | None,
    as_json: bool,
) -> None:
    """Draw SERIES, a sha1:// URI or a results/series/NAME.json, into a PNG file.

    Each pixel column is one vertical line from the lowest to the highest point of the trace in it, so that no
    spike is lost at any zoom. Times are the series' own.
    """
    from seriesview.pictures.figure import plot
    from seriesview.series.series import open_series

    store = open_reading_store(storage_dir)
    uri = resolve_series(series, store)
    chosen = channel_ids(channels)
    with open_series(uri, store) as opened:
        png = plot(opened, start, end, width, height, channels=chosen)
    write_output(out, png)
    if as_json:
        click.echo(
            json.dumps({"uri": uri, "out": str(out), "width": width, "height": height, "bytes": len(png)})
        )
    else:
        click.echo(f"written to {out}  ({width} x {height} pixels)")
