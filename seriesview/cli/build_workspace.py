"""`seriesview build-workspace`: the last step of a build, for rules, loops and other programs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from seriesview.cli.arguments import named_store, store_options


@click.command(short_help="Put series together: the last step of a build, for other programs.")
@click.argument(
    "series_files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SERIES.json..."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The JSON file to write.")
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
    out: Path,
    workspace: str | None,
    config: Path | None,
    missing_series: tuple[str, ...],
    storage_dir: str | None,
    mode: str | None,
) -> None:
    """Put the series that `seriesview build-dataset` wrote, SERIES.json, together, in this order; writes `uri` and
    `manifest` of the workspace.

    \b
    Examples:
      seriesview build-workspace raw.json spikes.json --out workspace.json
      seriesview build-workspace results/series/*.json --config config.yaml --out results/workspace.json
    """
    from seriesview.build.results import read_results, write_json
    from seriesview.build.workspace import build_workspace_result
    from seriesview.pipeline.configured import building, store_of
    from seriesview.pipeline.recordings import workspace_configuration

    results = read_results(series_files)
    missing = dict(_missing(text) for text in missing_series)
    text = None
    if config is not None:
        text = sys.stdin.buffer.read() if str(config) == "-" else config.read_bytes()
    names = [*(str(result.get("name")) for result in results), *missing]
    content = workspace_configuration(text, "standard input" if str(config) == "-" else str(config), names)
    opened = store_of(named_store(content.get("store"), storage_dir, mode))
    label = workspace or content.get("workspace") or "workspace"
    with building(opened):
        result = build_workspace_result(
            label, results, content.get("views") or [], list(missing.items()), opened, content.get("id")
        )
    write_json(out, result)


def _missing(text: str) -> tuple[str, str]:
    """Name and reason. Raises UsageError."""
    name, separator, reason = text.partition("=")
    if not separator:
        raise click.UsageError(f"--missing: {text!r} is not NAME=REASON")
    return name, reason
