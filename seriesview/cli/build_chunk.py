"""`seriesview build-chunk`: many datasets as one job of the pipeline, each through all its steps."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import named_store, scratch_option, store_options
from seriesview.cli.build_dataset import Share

if TYPE_CHECKING:
    from seriesview.errors import SeriesviewError

FAILED_STATUS = 2


@click.command(short_help="Build many datasets in one job: each with its series and its picture.")
@click.argument("paths", nargs=-1, metavar="[NAME=PATH]...")
@click.option(
    "--entries",
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="JSON, - for standard input: {datasets: {NAME: entry}, panels: {NAME: panel}, sources: {NAME: entry}}, where "
    "entries and panels say what they say in config.yaml, and sources are what datasets are made of that are built "
    "already.",
)
@click.option(
    "--results", required=True, type=click.Path(path_type=Path), help="The folder of results to write into."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The JSON file that says what became of each dataset."
)
@click.option(
    "--listed",
    type=click.Path(path_type=Path),
    help="A file that holds further NAME=PATH, a zero byte between two: more than a command line holds.",
)
@click.option("--strict", is_flag=True, help="Exit status 2 also where a dataset cannot be built.")
@click.option("--threads", default=2, type=click.IntRange(1), help="Threads of the whole.  [default: 2]")
@click.option(
    "--shard",
    type=Share(),
    help="Read one of N shares of the samples of one dataset alone, I counted from 0; --out is for --gather.",
)
@click.option(
    "--gather",
    type=click.Path(path_type=Path),
    help="A file that names what --shard wrote, a line each: put them together, and write them to --out.",
)
@store_options
@scratch_option
def command(
    paths: tuple[str, ...],
    entries: Path,
    results: Path,
    out: Path | None,
    listed: Path | None,
    strict: bool,
    threads: int,
    shard: tuple[int, int] | None,
    gather: Path | None,
    storage_dir: str | None,
    mode: str | None,
    scratch: str | None,
) -> int:
    """Build the datasets that --entries describes, and whose recordings lie at NAME=PATH, in one process: what
    `seriesview build-dataset` does, then their pictures.

    Into --results come artifacts/NAME.json, series/NAME.json and pictures/NAME.png, each as soon as it is done; what is
    there and up to date is kept, and reads no samples. A dataset that cannot be built stops no other: --out says
    `built`, `kept` or `failed` of each, and why. Nor does one at which the process is killed, or a library crashes: the
    others are built in another one. Exit status: 0 all were come to, 2 the machine failed (no room, a store that cannot
    be written), 137 one was killed, as for want of memory.

    \b
    Examples:
      seriesview build-chunk a=a.edf b=b.edf --entries entries.json --results results --out outcome.json
    """
    from seriesview.pipeline.supervision import Supervisor

    if listed is not None:
        paths += tuple(os.fsdecode(word) for word in listed.read_bytes().split(b"\0"))
    is_input = str(entries) == "-"
    text = sys.stdin.buffer.read() if is_input else entries.read_bytes()
    supervisor = Supervisor(results.absolute() / "building", scratch or None)
    # Before anything is loaded that has threads.
    is_whole = shard is None and gather is None
    if (status := supervisor.watch(partial(_note, results.absolute()), goes_on=is_whole)) is not None:
        return status

    from seriesview.pipeline.chunk import build_chunk, build_samples, chunk_configuration
    from seriesview.pipeline.steps import Step

    content = chunk_configuration(text, "standard input" if is_input else str(entries), paths)
    content["store"] = named_store({"scratch": scratch or None}, storage_dir, mode)
    if not is_whole:
        if out is None or len(content["wanted"]) != 1:
            raise click.UsageError("--shard and --gather are of one dataset, and need --out")
        shards = [] if gather is None else [Path(line) for line in gather.read_text().splitlines()]
        build_samples(content, results, out, Step(True, None, shard, shards, results / "ledger", threads))
        return 0
    say = partial(click.echo, err=True)
    num_failed = build_chunk(content, results, out, threads, say, supervisor.lost)
    return FAILED_STATUS if strict and num_failed else 0


def _note(results: Path, name: str, error: SeriesviewError) -> None:
    from seriesview.pipeline.results import Results, write_failure

    click.echo(f"seriesview: error: {error}", err=True)
    write_failure(Results(results).failures, name, error)
