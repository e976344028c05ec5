"""`seriesview build-series`: the pipeline's job that writes one series manifest."""

import json
from pathlib import Path

import click


@click.command(hidden=True)
@click.argument("name")
@click.option(
    "--artifacts", required=True, type=click.Path(path_type=Path), help="What build-artifacts wrote."
)
@click.option("--dataset-json", required=True, help="The dataset's entry of the configuration, as JSON.")
@click.option("--store-json", required=True, help="The configuration's `store`, as JSON.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The JSON file to write.")
def command(name: str, artifacts: Path, dataset_json: str, store_json: str, out: Path) -> None:
    """Write the manifest of dataset NAME from its artifacts (a job of the pipeline)."""
    from seriesview.build.dataset import dataset_from_config
    from seriesview.build.results import write_json
    from seriesview.build.series import build_series
    from seriesview.cli.jobs import job_store

    dataset = dataset_from_config(name, json.loads(dataset_json))
    with job_store(store_json) as store:
        result = build_series(dataset, json.loads(artifacts.read_text()), store)
    write_json(out, result)
