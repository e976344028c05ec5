"""A build in this process, without Snakemake: the functions, ledgers and results of the pipeline's rules."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from seriesview.build.artifacts import Job
from seriesview.build.dataset import reason_of
from seriesview.build.followed import Following
from seriesview.build.growing import while_growing
from seriesview.build.outlook import BuildOutlook, build_outlook
from seriesview.build.progress import BuildStep, Report
from seriesview.build.results import read_results, write_json
from seriesview.build.series import build_series
from seriesview.build.work_folder import WorkFolder, made_elsewhere, own_work_folder
from seriesview.build.workspace import build_workspace_result
from seriesview.errors import SeriesviewError
from seriesview.pipeline.built import BuiltSeries, BuiltWorkspace, built_series
from seriesview.pipeline.configured import Configured, building, check_datasets, one_workspace
from seriesview.pipeline.followable import check_apart, check_followable
from seriesview.pipeline.following import Follower
from seriesview.pipeline.gathering import write_pages
from seriesview.pipeline.locking import build_lock
from seriesview.pipeline.marks import Marks
from seriesview.pipeline.recordings import Source, configuration_of, dataset_configuration
from seriesview.pipeline.results import Results
from seriesview.pipeline.steps import made_samples, write_if_new
from seriesview.pipeline.whole_dataset import DatasetBuilds
from seriesview.series.default_store import chosen_store, default_store_to_write
from seriesview.store import Store


def build_workspace(
    source: Source,
    *,
    workspace: str | None = None,
    results: str | Path | None = None,
    store: Store | str | Path | None = None,
    keep_going: bool = False,
    cores: int | None = None,
    progress: Callable[[BuildStep], None] | None = None,
    **keys: Any,
) -> BuiltWorkspace:
    """Build what a configuration says, or what recordings hold, in this process: the same URIs as `seriesview build`.

    `source` is what a config.yaml says, as a dict; the path of one; or a path of a recording, or several, with `keys`
    as the configuration has them (`reader`, `dtype`, ...). Paths are relative to the working directory. `workspace`
    is its name. With `results`, an argument or a key of the configuration, everything is written into that folder that
    the pipeline writes into its own; else only the store is written. `store` comes before what the configuration
    names. With `keep_going` the workspace is built of what can be, and says what is missing. `cores`: all where it is
    None. `progress` gets every step; else standard error does.

    What is built already is not built again, and a build that was killed goes on. Raises SeriesviewError.
    """
    content, notes = configuration_of(source, workspace, keys)
    prepared = PreparedBuild.of(content, results, store, notes)
    return prepared.run(keep_going=keep_going, cores=cores, progress=progress)


@dataclass(frozen=True)
class PreparedBuild:
    """A workspace that can be built, into a store that is open, and into a folder of results where there is one."""

    configured: Configured
    store: Store
    results: Results | None
    notes: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        content: Mapping[str, Any],
        results: str | Path | None,
        store: Store | str | Path | None,
        notes: Sequence[str] = (),
    ) -> PreparedBuild:
        """That of a checked configuration; the rest as in `build_workspace`. Raises SeriesviewError."""
        configured = one_workspace(Configured.of(content))
        named = configured.results if results is None else Path(results)
        folder = None if named is None else Results(named.absolute())
        return cls(configured, _store(configured, store), folder, notes)

    def check_following(self, following: Following | None) -> None:
        """Raise ReaderError where something cannot be followed, BuildError where it would be written to its disk."""
        if following is None:
            return
        check_followable(self.configured.datasets)
        if not following.beside:
            work = own_work_folder(self.store).folder if self.results is None else self.results.folder
            paths = [dataset.path for dataset in self.configured.datasets]
            check_apart(paths, [self.store.directory, work])

    def run(
        self,
        *,
        keep_going: bool = False,
        cores: int | None = None,
        progress: Report | None = None,
        follower: Follower | None = None,
        following: Following | None = None,
    ) -> BuiltWorkspace:
        """Build it. Where another build is running a `follower` waits, without one BuildError is raised.

        With `following` recordings are followed before that, as long as they are written.
        """
        self.check_following(following)
        began = time.monotonic()
        waits = None if follower is None else follower.wait_for_other
        lock = nullcontext() if self.results is None else build_lock(self.results.folder, when_busy=waits)
        with building(self.store), lock:
            build = _Build(self.configured, self.store, self.results, cores, progress, follower, following)
            for note in self.notes:
                build.say(note)
            found = build.run(keep_going)
            return BuiltWorkspace(
                uri=found.workspace["uri"],
                label=self.configured.label,
                series={name: built_series(result, self.store) for name, result in found.series.items()},
                missing=found.missing,
                seconds=time.monotonic() - began,
                store=self.store,
                results=None if self.results is None else self.results.folder,
            )


def build_dataset(
    path: str | Path,
    *,
    name: str | None = None,
    out: str | Path | None = None,
    store: Store | str | Path | None = None,
    threads: int | None = None,
    progress: Callable[[BuildStep], None] | None = None,
    **keys: Any,
) -> BuiltSeries:
    """Build one dataset of a recording in this process; `out` gets the result that `seriesview build-dataset` writes.

    `keys` are those of an entry of the configuration's `datasets`: `dataset`, `reader`, `dtype`, `label`, ... `name`:
    what the series is called, by its file where it is None. `threads` unpack compressed samples. What is built already
    is not built again, and a build that was killed goes on. Raises SeriesviewError.
    """
    configured = Configured.of(dataset_configuration(path, name, keys))
    opened = _store(configured, store)
    (dataset,) = configured.datasets
    with building(opened):
        opened.check_writable()
        work = own_work_folder(opened)
        job = Job(opened, work.ledger(dataset), threads or 0, progress, elsewhere=made_elsewhere())
        made, _ = made_samples(dataset, work, job)
        result = build_series(dataset, made, opened, partial(job.say, dataset))
        if out is not None:
            write_json(Path(out), result)
    return built_series(result, opened)


def _store(configured: Configured, store: Store | str | Path | None) -> Store:
    """The store that is given, else that of the configuration, else the default one."""
    if store is not None:
        return chosen_store(store)
    return configured.open_store() if configured.store.get("storage_dir") else default_store_to_write()


class _Found(NamedTuple):
    workspace: Mapping[str, Any]
    series: dict[str, dict[str, Any]]
    missing: dict[str, str]


class _Build:
    """One build of a configuration into a store, and into a folder of results where there is one."""

    def __init__(
        self,
        configured: Configured,
        store: Store,
        results: Results | None,
        cores: int | None,
        progress: Report | None,
        follower: Follower | None = None,
        following: Following | None = None,
    ) -> None:
        self._following = following
        self._follower = follower
        self._configured = configured
        self._store = store
        self._results = results
        self._work: WorkFolder = own_work_folder(store) if results is None else results.work
        self._cores = cores or len(os.sched_getaffinity(0))
        self._progress = progress

    def say(self, text: str, dataset: str = "") -> None:
        """Tell people something about a dataset, or about the whole."""
        if self._progress is not None:
            self._progress(BuildStep(dataset, text))
        else:
            sys.stderr.write(f"{dataset}: {text}\n" if dataset else f"{text}\n")

    def run(self, keep_going: bool) -> _Found:
        """Build what is missing. Raises SeriesviewError; with `keep_going` only where nothing at all can be built."""
        configured = self._configured
        datasets = configured.datasets
        if self._following is not None:
            datasets = tuple(map(while_growing, datasets))
        self._store.check_writable()
        exists = cache(self._store.exists)
        if self._results is not None:
            self._results.forget_stale(configured, exists)
        outlook = build_outlook(datasets, self._work, self._store, exists)
        problems = {entry.name: entry.problem for entry in outlook.datasets if entry.problem is not None}
        if not keep_going or len(problems) == len(configured.datasets):
            check_datasets(outlook)
        self.say(outlook.text())
        outlook.ensure_fits()
        if self._follower is not None:
            told = {name: reason_of(error, name) for name, error in problems.items()}
            self._follower.begins(configured, self._built_before(outlook), told, self._store)
        series: dict[str, dict[str, Any]] = {}
        failed: dict[str, SeriesviewError] = {}
        is_new = False
        marks = None if self._results is None else Marks(self._results.building)
        builds = DatasetBuilds(
            self._store,
            self._work,
            self._results,
            configured.panel_of,
            marks,
            self._follower,
            self._following,
        )
        wanted = [each for each in configured.datasets if each.name not in problems]
        for built in builds.run(wanted, self._cores, self._progress):
            if built.series is not None:
                series[built.name] = built.series
                is_new = is_new or built.is_new
                if self._follower is not None:
                    self._follower.series(built.name, built.series)
            elif built.error is not None:
                if not keep_going:
                    raise built.error
                failed[built.name] = built.error
        if not series:
            raise next(iter(failed.values()))
        reasons = {name: reason_of(error, name) for name, error in {**problems, **failed}.items()}
        names = [dataset.name for dataset in configured.datasets]
        found = [series[name] for name in names if name in series]
        missing = {name: reasons[name] for name in names if name in reasons}
        for name, reason in missing.items():
            self.say(f"dataset {name}: {reason}")
        workspace = build_workspace_result(
            configured.label, found, configured.views, list(missing.items()), self._store, configured.id
        )
        if self._results is not None:
            self._write(self._results, workspace, found, is_new)
        return _Found(workspace, {result["name"]: result for result in found}, missing)

    def _built_before(self, outlook: BuildOutlook) -> dict[str, Mapping[str, Any]]:
        """What results say of the series that need not be built, by name."""
        if self._results is None:
            return {}
        paths = {each.name: self._results.series(each.name) for each in outlook.datasets if each.is_built}
        return {name: read_results([path])[0] for name, path in paths.items() if path.is_file()}

    def _write(
        self,
        results: Results,
        workspace: Mapping[str, Any],
        series: Sequence[Mapping[str, Any]],
        is_new: bool,
    ) -> None:
        """Write what the pipeline's last jobs write, behind the series that it is made of."""
        if write_if_new(results.workspace, workspace) or is_new or not results.page.is_file():
            write_pages(workspace, series, results, self._store)
        results.forget_others([dataset.name for dataset in self._configured.datasets])
        if workspace["manifest"].get("missing"):
            results.expect_more()
