"""`seriesview build-dataset`: one step of a build, for rules, loops and other programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from seriesview.cli.arguments import named_store, scratch_option, store_options
from seriesview.cli.entry_options import ENTRY_KEYS, entry_options, given_keys, option_name
from seriesview.errors import one_line

FAILED_STATUS = 2


class Share(click.ParamType[tuple[int, int]]):
    """One of several shares: I/N, counted from 0."""

    name = "i/n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Index and count."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d+)/(\d+)", value, re.ASCII)
        if found is None or not int(found[1]) < int(found[2]):
            self.fail(f"{value!r} is no share: write 0/4 for the first of four", param, ctx)
        return int(found[1]), int(found[2])


@click.command(short_help="Build one dataset: a step of a build, for other programs.")
@click.argument("path", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="The JSON file to write.")
@click.option(
    "--out-dir", type=click.Path(path_type=Path), help="The folder to write NAME.json of each dataset into."
)
@click.option("--name", help="What the series is called.  [default: by the file]")
@click.option(
    "--entries",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Instead of PATH: a config.yaml, or the same as JSON on standard input (-), that names datasets; with --name "
    "one of them.",
)
@click.option(
    "--samples",
    is_flag=True,
    help="Only store what is made of the samples; --out takes what --from reads.",
)
@click.option(
    "--from",
    "samples_file",
    type=click.Path(path_type=Path),
    help="Read no samples: describe what --samples wrote here, with label, unit, scale and the like as they are now.",
)
@click.option("--shard", type=Share(), help="Read one of N shares of the samples alone, I counted from 0.")
@click.option(
    "--gather",
    "shard_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Put together what --shard wrote, in order; once for each of the N files.",
)
@click.option(
    "--ledger",
    type=click.Path(path_type=Path),
    help="Folder where finished parts are noted, so that a step that was killed goes on.  [default: "
    "~/.local/state/seriesview/builds]",
)
@click.option(
    "--threads", default=0, help="Threads that unpack compressed samples.  [default: one a core, up to 4]"
)
@click.option(
    "--failures",
    type=click.Path(path_type=Path),
    help="Folder to note in, NAME.json, why a dataset cannot be built.",
)
@store_options
@scratch_option
@entry_options(*ENTRY_KEYS)
def command(
    path: str | None,
    out: Path | None,
    out_dir: Path | None,
    name: str | None,
    entries: Path | None,
    samples: bool,
    samples_file: Path | None,
    shard: tuple[int, int] | None,
    shard_files: tuple[Path, ...],
    ledger: Path | None,
    threads: int,
    failures: Path | None,
    storage_dir: str | None,
    mode: str | None,
    scratch: str | None,
    **options: Any,
) -> int:
    """Build the dataset that PATH holds, and write what became of it: the series' `uri` and `manifest`, its `source`
    and `timing`.

    This is what the rules of the pipeline call, for other ways of running jobs. The same keys give the same URI,
    whichever way it was built. With --entries several datasets are built in one job; one that cannot be built stops
    no other. Exit status: 0 built, 2 not, or not all.

    \b
    Examples:
      seriesview build-dataset raw.dat --dtype int16 --channels 32 --sampling-frequency 30000 --out raw.json
      seriesview build-dataset --entries config.yaml --name raw --shard 0/2 --out raw-0.json
      seriesview build-dataset --entries - --out-dir series < recordings.json
    """
    from seriesview.errors import SeriesviewError
    from seriesview.pipeline.configured import Configured, building
    from seriesview.pipeline.marks import ended_by_sigterm
    from seriesview.pipeline.results import write_failure
    from seriesview.pipeline.steps import Step

    content = _content(path, name, entries, given_keys(options))
    store = named_store(content.get("store"), storage_dir, mode)
    configured = Configured.of({**content, "store": store})
    step = Step(samples, samples_file, shard, shard_files, ledger, threads)
    wanted = [each for each in configured.datasets if entries is None or name in (None, each.name)]
    outs = _outs(out, out_dir, [dataset.name for dataset in wanted])
    failed: list[SeriesviewError] = []
    with (
        ended_by_sigterm(),
        building(configured.open_store()) as opened,
        opened.writing_first_on(scratch or None),
    ):
        for dataset in wanted:
            try:
                step.run(dataset, opened, outs[dataset.name])
            except SeriesviewError as error:
                if failures is not None:
                    write_failure(failures, dataset.name, error)
                if len(outs) == 1:
                    raise
                click.echo(f"seriesview: error: {one_line(error)}", err=True)
                failed.append(error)
            else:
                if failures is not None:
                    (failures / f"{dataset.name}.json").unlink(missing_ok=True)
    return FAILED_STATUS if failed else 0


def _outs(out: Path | None, out_dir: Path | None, names: Sequence[str]) -> dict[str, Path]:
    """The file to write of each dataset. Raises UsageError."""
    if out is not None and out_dir is None and len(names) == 1:
        return {names[0]: out}
    if out_dir is None or out is not None:
        raise click.UsageError("give --out FILE for one dataset, or --out-dir DIR for several")
    return {name: out_dir / f"{name}.json" for name in names}


def _content(
    path: str | None, name: str | None, entries: Path | None, keys: Mapping[str, Any]
) -> dict[str, Any]:
    """The checked configuration that the arguments mean. Raises UsageError, ConfigError."""
    from seriesview.config import load_config, parse_config
    from seriesview.errors import ConfigError
    from seriesview.pipeline.recordings import dataset_configuration

    if (path is None) == (entries is None):
        raise click.UsageError("give PATH, or --entries")
    if entries is None:
        return dataset_configuration(str(path), name, keys)
    if keys:
        raise click.UsageError(
            f"{option_name(next(iter(keys)))}: with --entries it is written into its entry"
        )
    is_input = str(entries) == "-"
    content = parse_config(sys.stdin.buffer.read(), "standard input") if is_input else load_config(entries)
    if name is not None and name not in content["datasets"]:
        raise ConfigError(
            [f"{entries}: there is no dataset {name!r}; there are {', '.join(content['datasets'])}"]
        )
    # What it is made of stays.
    return content
