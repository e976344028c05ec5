"""`seriesview build-workspace`: the last step of a build, for rules, loops and other programs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from seriesview.cli.arguments import named_store, store_options

FAILED_STATUS = 2


@click.command(short_help="Put series together: the last step of a build, for other programs.")
@click.argument("series_files", nargs=-1, type=click.Path(path_type=Path), metavar="[SERIES.json]...")
@click.option(
    "--listed",
    type=click.Path(path_type=Path),
    help="A file that names further ones, a line each: more than a command line holds.",
)
@click.option("--out", type=click.Path(path_type=Path), help="The JSON file to write.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="Instead of --out: the folder of results that `build-chunk` wrote into; the files given are its outcomes, and "
    "page, table and pictures of a report are written too.",
)
@click.option("--workspace", help="Name of the workspace.  [default: as --config says, else workspace]")
@click.option(
    "--config",
    type=click.Path(path_type=Path, allow_dash=True),
    help="A config.yaml, or the same as JSON on standard input (-), that says `workspace`, `id`, `store` and `views`; "
    "`datasets` may be left out.",
)
@click.option(
    "--missing",
    "missing_series",
    multiple=True,
    metavar="NAME=REASON",
    help="A series that could not be built, and why; can be repeated.",
)
@store_options
def command(
    series_files: tuple[Path, ...],
    listed: Path | None,
    out: Path | None,
    results: Path | None,
    workspace: str | None,
    config: Path | None,
    missing_series: tuple[str, ...],
    storage_dir: str | None,
    mode: str | None,
) -> int:
    """Put the series that `seriesview build-dataset` wrote, SERIES.json, together, in this order; writes `uri` and
    `manifest` of the workspace.

    With --results: what `build-chunk` made of the datasets that --config names. Where some could not be built nothing
    is written, they are told, and the status is 2.

    \b
    Examples:
      seriesview build-workspace raw.json spikes.json --out workspace.json
      seriesview build-workspace results/series/*.json --config config.yaml --out results/workspace.json
    """
    from seriesview.build.results import read_results, write_json
    from seriesview.build.workspace import build_workspace_result
    from seriesview.pipeline.configured import Configured, building, store_of
    from seriesview.pipeline.gathering import gather
    from seriesview.pipeline.recordings import workspace_configuration
    from seriesview.pipeline.results import Results

    if (out is None) == (results is None):
        raise click.UsageError("give --out, or --results")
    if listed is not None:
        series_files += tuple(map(Path, listed.read_text().splitlines()))
    if not series_files:
        raise click.UsageError("name the files of one series at least: SERIES.json")
    made = read_results(series_files) if results is None else []
    missing = dict(_missing(text) for text in missing_series)
    text = None
    if config is not None:
        text = sys.stdin.buffer.read() if str(config) == "-" else config.read_bytes()
    names = [*(str(result.get("name")) for result in made), *missing]
    content = workspace_configuration(text, "standard input" if str(config) == "-" else str(config), names)
    configured = Configured.of(
        {"datasets": {}, **content, **({} if workspace is None else {"workspace": workspace})}
    )
    with building(store_of(named_store(content.get("store"), storage_dir, mode))) as store:
        if results is not None:
            failed = gather(configured, series_files, Results(results), store)
            for name, reason in failed.items():
                click.echo(f"seriesview: error: dataset {name}: {reason}", err=True)
            return FAILED_STATUS if failed else 0
        result = build_workspace_result(
            configured.label, made, configured.views, list(missing.items()), store, configured.id
        )
    if out is not None:
        write_json(out, result)
    return 0


def _missing(text: str) -> tuple[str, str]:
    """Name and reason. Raises UsageError."""
    name, separator, reason = text.partition("=")
    if not separator:
        raise click.UsageError(f"--missing: {text!r} is not NAME=REASON")
    return name, reason
