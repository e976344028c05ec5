"""`seriesview build-artifacts`: the pipeline's job that reads one dataset's samples."""

import json
from pathlib import Path

import click


@click.command(hidden=True)
@click.argument("name")
@click.argument("shard_files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dataset-json", required=True, help="The dataset's entry of the configuration, as JSON.")
@click.option("--store-json", required=True, help="The configuration's `store`, as JSON.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The JSON file to write.")
@click.option(
    "--ledger", required=True, type=click.Path(path_type=Path), help="Where finished parts are recorded."
)
@click.option("--threads", default=0, help="Threads that decode compressed samples; 0: one a core.")
@click.option("--shard", type=int, help="Which shard to build, from 0.")
@click.option("--shards", type=int, help="How many shards there are.")
@click.option("--gather", is_flag=True, help="Put the shards' files together instead of reading samples.")
def command(
    name: str,
    shard_files: tuple[Path, ...],
    dataset_json: str,
    store_json: str,
    out: Path,
    ledger: Path,
    threads: int,
    shard: int | None,
    shards: int | None,
    gather: bool,
) -> None:
    """Read the samples of dataset NAME and store its artifacts (a job of the pipeline)."""
    from seriesview.build.artifacts import Job, build_artifacts, build_shard, gather_shards
    from seriesview.build.dataset import dataset_from_config, without_descriptions
    from seriesview.build.results import write_json
    from seriesview.build.shards import Shard
    from seriesview.cli.jobs import job_store

    dataset = dataset_from_config(name, without_descriptions(json.loads(dataset_json)))
    out.unlink(missing_ok=True)
    with job_store(store_json) as store:
        job = Job(store, ledger, threads)
        if gather:
            result = gather_shards(dataset, job, [json.loads(path.read_text()) for path in shard_files])
        elif shard is not None and shards is not None:
            result = build_shard(dataset, job, Shard(shard, shards))
        else:
            result = build_artifacts(dataset, job)
    write_json(out, result)
