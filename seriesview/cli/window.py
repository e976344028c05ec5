"""`seriesview window`: the envelope, or the samples, of a stretch of a series."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import click

from seriesview.cli.arguments import (
    channel_ids,
    json_option,
    open_reading_store,
    resolve_series,
    storage_option,
    write_output,
)


@click.command(short_help="Envelope or samples of a stretch of a series.")
@click.argument("series")
@click.option("--segment", type=click.IntRange(min=0), default=0, show_default=True, help="Segment, from 0.")
@click.option(
    "--first-sample",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="First sample, counted from the segment's first.",
)
@click.option(
    "--samples-per-column",
    type=click.IntRange(min=1),
    default=None,
    help="Samples in one column; 1 gives samples.  [default: such that the rest of the segment fits]",
)
@click.option("--columns", type=click.IntRange(min=1), default=1500, show_default=True, help="Columns.")
@click.option("--channels", help="Ids of the channels, separated by commas.  [default: all]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The .npz file to write: array `envelope` (columns, 2, channels), or `values` (columns + 1, channels).",
)
@storage_option
@json_option
def command(
    series: str,
    segment: int,
    first_sample: int,
    samples_per_column: int | None,
    columns: int,
    channels: str | None,
    out: Path | None,
    storage_dir: Path | None,
    as_json: bool,
) -> None:
    """Read what a screen of columns shows of SERIES, a sha1:// URI or a results/series/NAME.json.

    A column covers the closed range of samples from its first to the next one's first; values are as stored,
    without scale and offset. Missing values are in the array as they are stored.
    """
    import numpy as np

    from seriesview.errors import RequestError
    from seriesview.series.series import open_series

    store = open_reading_store(storage_dir)
    with open_series(resolve_series(series, store), store) as opened:
        if opened.type in ("event", "interval"):
            raise RequestError(f"a series of type {opened.type} has no samples; `seriesview plot` draws it")
        if segment >= len(opened.segments):
            raise RequestError(f"segment {segment}: the series has {len(opened.segments)}, counted from 0")
        length = opened.segments[segment].num_samples
        if first_sample >= length:
            raise RequestError(
                f"first_sample {first_sample} is not in segment {segment}, which has {length} samples"
            )
        if samples_per_column is None:
            ladder = opened.zoom_ladder(segment)
            fitting = (rung for rung in ladder if rung * columns >= length - 1 - first_sample)
            samples_per_column = next(fitting, ladder[-1])
        chosen = channel_ids(channels)
        if samples_per_column == 1:
            last = min(first_sample + columns + 1, length)
            kind, array = "values", opened.values(segment, first_sample, last, chosen)
            num_columns, factor = max(len(array) - 1, 0), 1
        else:
            array = opened.window(segment, first_sample, samples_per_column, columns, chosen)
            kind, num_columns = "envelope", len(array)
            factor = opened.factor_used(first_sample, samples_per_column)
        there = array[~opened.is_missing(array, chosen)]
        summary: dict[str, Any] = {
            "array": kind,
            "shape": list(array.shape),
            "dtype": array.dtype.name,
            "segment": segment,
            "first_sample": first_sample,
            "samples_per_column": samples_per_column,
            "columns": num_columns,
            "factor": factor,
            "channels": chosen if chosen is not None else [channel.id for channel in opened.channels],
            "out": None if out is None else str(out),
        }
    if out is not None:
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, **{kind: array})
        write_output(out, content.getvalue())
    if as_json:
        click.echo(json.dumps(summary))
        return
    source = "raw samples" if factor == 1 else f"the level of factor {factor}"
    click.echo(
        f"{kind} {tuple(array.shape)} {array.dtype.name}: {num_columns} columns of {samples_per_column} samples "
        f"from sample {first_sample} of segment {segment}, read from {source}"
    )
    if there.size:
        click.echo(f"stored values from {there.min()} to {there.max()}")
    if out is not None:
        click.echo(f"written to {out}")
