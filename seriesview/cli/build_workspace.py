"""`seriesview build-workspace`: the pipeline's last job."""

import json
from pathlib import Path

import click


@click.command(hidden=True)
@click.argument("series_files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--config-json", required=True, help="The configuration's `workspace`, `store` and `views`, as JSON."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The JSON file to write.")
@click.option(
    "--missing-json", default="{}", help="Why each missing series is missing, as JSON: {NAME: REASON}."
)
def command(series_files: tuple[Path, ...], config_json: str, out: Path, missing_json: str) -> None:
    """Write the workspace manifest from the series' results (a job of the pipeline)."""
    from seriesview.build.results import read_results, write_json
    from seriesview.build.workspace import build_workspace_result
    from seriesview.cli.jobs import job_store

    config = json.loads(config_json)
    missing = list(json.loads(missing_json).items())
    views = config.get("views") or []
    with job_store(json.dumps(config.get("store"))) as store:
        label = config.get("workspace") or "workspace"
        result = build_workspace_result(label, read_results(series_files), views, missing, store)
    write_json(out, result)
