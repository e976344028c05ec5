"""A build of sessions in this process: the same URIs, results and index as `seriesview build`, without Snakemake."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

from seriesview.build.dataset import reason_of
from seriesview.build.outlook import build_outlook
from seriesview.build.progress import BuildStep
from seriesview.errors import ConfigError
from seriesview.pipeline.built import BuiltSessions
from seriesview.pipeline.configured import Configured, building
from seriesview.pipeline.locking import build_lock
from seriesview.pipeline.marks import Marks
from seriesview.pipeline.recordings import configuration_of
from seriesview.pipeline.results import Results
from seriesview.pipeline.session_results import follow_renamed, write_sessions
from seriesview.pipeline.whole_dataset import DatasetBuilds
from seriesview.series.default_store import chosen_store, default_store_to_write
from seriesview.store import Store


def build_sessions(
    source: Mapping[str, Any] | str | PathLike[str],
    *,
    results: str | Path | None = None,
    store: Store | str | Path | None = None,
    cores: int | None = None,
    progress: Callable[[BuildStep], None] | None = None,
) -> BuiltSessions:
    """Build the sessions of a configuration, a dict or the path of one, as far as they are not built.

    What cannot be built stops no other. `results`: the folder for workspaces, pictures and the index, else as the
    configuration says. `store` comes before what the configuration names. `cores`: all where it is None. `progress`
    gets every step; else standard error does. Raises SeriesviewError.
    """
    content, _ = configuration_of(source, None, {})
    configured = _configured(content if results is None else {**content, "results": str(results)})
    folder = Results((configured.results or Results.folder).absolute())
    opened = _store(configured) if store is None else chosen_store(store)
    with building(opened), build_lock(folder.folder):
        opened.check_writable()
        follow_renamed(configured, folder)
        exists = cache(opened.exists)
        folder.forget_stale(configured, exists)
        outlook = build_outlook(configured.datasets, folder.work, opened, exists)
        _say(progress, outlook.text())
        outlook.ensure_fits()
        problems = {each.name: each.problem for each in outlook.datasets if each.problem is not None}
        wanted = [dataset for dataset in configured.datasets if dataset.name not in problems]
        builds = DatasetBuilds(opened, folder.work, folder, configured.panel_of, Marks(folder.building))
        failed = dict(problems)
        for built in builds.run(wanted, cores or len(os.sched_getaffinity(0)), progress):
            if built.error is not None:
                failed[built.name] = built.error
                _say(progress, reason_of(built.error, built.name), built.name)
        reasons = {name: reason_of(error, name) for name, error in failed.items()}
        found = write_sessions(configured, folder, opened, reasons)
    return BuiltSessions(tuple(found), folder.index, folder.folder, opened)


def _configured(content: Mapping[str, Any]) -> Configured:
    """What a configuration of sessions says. Raises ConfigError where it is of one workspace."""
    configured = Configured.of(content)
    if not configured.sessions:
        raise ConfigError(["the configuration has no `sessions`; `build_workspace` builds what it has"])
    return configured


def _store(configured: Configured) -> Store:
    return configured.open_store() if configured.store.get("storage_dir") else default_store_to_write()


def _say(progress: Callable[[BuildStep], None] | None, text: str, dataset: str = "") -> None:
    if progress is not None:
        progress(BuildStep(dataset, text))
    else:
        sys.stderr.write(f"{dataset}: {text}\n" if dataset else f"{text}\n")
