"""The last step of a build: what chunks of datasets became is put together, and what belongs to no dataset goes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seriesview.build.results import read_results, write_json, write_whole
from seriesview.build.workspace import build_workspace_result
from seriesview.pictures.table import series_table
from seriesview.pipeline.configured import Configured
from seriesview.pipeline.drawing import write_page
from seriesview.pipeline.results import Results, read_failure
from seriesview.store import Store


def gather(
    configured: Configured, outcomes: Sequence[Path], results: Results, store: Store
) -> dict[str, str]:
    """Put the series of a configuration together, unless some could not be built: why, by name.

    `outcomes` are what the jobs of chunks wrote. Those that tell of a failure are removed, so that the next run tries
    again. Raises BuildError.
    """
    names = [dataset.name for dataset in configured.datasets]
    missing = missing_of(names, outcomes, results)
    forget_failed(outcomes)
    if not missing:
        results.forget_others(names)
        forget_other_chunks(outcomes, results)
        results.forget_old_entries()
        write_workspace(configured, read_results(list(map(results.series, names))), {}, results, store)
    return missing


def missing_of(names: Iterable[str], outcomes: Sequence[Path], results: Results) -> dict[str, str]:
    """Why datasets could not be built, by name, as the jobs of chunks told. Raises BuildError."""
    told: dict[str, Mapping[str, Any]] = {}
    for outcome in read_results(outcomes):
        told |= outcome["datasets"]
    missing = {}
    for name in names:
        found = told.get(name)
        if found is None:
            missing[name] = "no job has built it; build again"
        elif found["state"] == "failed":
            missing[name] = read_failure(results.failures, name) or str(found["error"]["message"])
    return missing


def forget_failed(outcomes: Sequence[Path]) -> None:
    """Remove what chunks told of which some dataset could not be built, so that the next run tries again."""
    for path, outcome in zip(outcomes, read_results(outcomes), strict=True):
        if any(each["state"] == "failed" for each in outcome["datasets"].values()):
            path.unlink(missing_ok=True)


def write_workspace(
    configured: Configured,
    series: Sequence[Mapping[str, Any]],
    missing: Mapping[str, str],
    results: Results,
    store: Store,
) -> dict[str, Any]:
    """Store the workspace of series, and write its result, page and table. Raises FormatError, BuildError."""
    made = build_workspace_result(
        configured.label, series, configured.views, list(missing.items()), store, configured.id
    )
    write_pages(made, series, results, store)
    return made


def write_pages(
    workspace: Mapping[str, Any], series: Sequence[Mapping[str, Any]], results: Results, store: Store
) -> None:
    """Write a workspace's result, the page of its pictures, and what Snakemake's report shows."""
    write_page(workspace["uri"], workspace["manifest"], store, results.page)
    write_whole(results.table, series_table(series).encode())
    shutil.rmtree(results.report_pictures, ignore_errors=True)
    results.report_pictures.mkdir(parents=True)
    link_pictures([result["name"] for result in series], results)
    write_json(results.workspace, workspace)


def link_pictures(names: Iterable[str], results: Results) -> None:
    """Let the report's folder, which Snakemake clears, have the pictures of series too."""
    for name in names:
        picture, linked = results.picture(name), results.report_pictures / f"{name}.png"
        linked.parent.mkdir(parents=True, exist_ok=True)
        linked.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            try:
                linked.hardlink_to(picture)
            except OSError:
                shutil.copyfile(picture, linked)


def forget_other_chunks(outcomes: Sequence[Path], results: Results) -> None:
    """Remove what chunks told that are no longer made."""
    kept = {path.absolute() for path in outcomes}
    for path in results.outcomes():
        if path.absolute() not in kept:
            path.unlink(missing_ok=True)
