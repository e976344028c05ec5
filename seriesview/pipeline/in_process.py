"""A build in this process, without Snakemake: the functions, ledgers and results of the pipeline's rules."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from seriesview.build.artifacts import Job
from seriesview.build.dataset import Dataset, reason_of
from seriesview.build.outlook import build_outlook
from seriesview.build.progress import BuildStep, Report
from seriesview.build.results import read_results, write_json, write_whole
from seriesview.build.series import build_series
from seriesview.build.work_folder import WorkFolder, own_work_folder
from seriesview.build.workspace import build_workspace_result
from seriesview.errors import BuildError, SeriesviewError
from seriesview.pictures.table import series_table
from seriesview.pipeline.built import BuiltSeries, BuiltWorkspace, built_series
from seriesview.pipeline.configured import Configured, building, check_datasets, picture_panel
from seriesview.pipeline.drawing import write_page, write_picture
from seriesview.pipeline.locking import build_lock
from seriesview.pipeline.recordings import Source, configuration_of, dataset_configuration
from seriesview.pipeline.results import Results
from seriesview.pipeline.steps import made_samples, write_if_new
from seriesview.series.default_store import chosen_store, default_store_to_write
from seriesview.store import Store

_CORES_A_DATASET = 2
_LINE_SECONDS = 10.0


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
    began = time.monotonic()
    content, notes = configuration_of(source, workspace, keys)
    configured = Configured.of(content)
    opened = _store(configured, store)
    named = configured.results if results is None else Path(results)
    folder = None if named is None else Results(named.absolute())
    with building(opened), build_lock(folder.folder) if folder is not None else nullcontext():
        build = _Build(configured, opened, folder, cores, progress)
        for note in notes:
            build.say(note)
        found = build.run(keep_going)
        return BuiltWorkspace(
            uri=found.workspace["uri"],
            label=configured.label,
            series={name: built_series(result, opened) for name, result in found.series.items()},
            missing=found.missing,
            seconds=time.monotonic() - began,
            store=opened,
            results=None if folder is None else folder.folder,
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
        job = Job(opened, work.ledger(dataset), threads or 0, progress)
        result = build_series(dataset, made_samples(dataset, work, job), opened, partial(job.say, dataset))
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
    ) -> None:
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
        self._store.check_writable()
        before = self._views_before()
        if self._results is not None:
            self._results.forget_stale(configured, self._store)
        outlook = build_outlook(configured.datasets, self._work, self._store)
        problems = {entry.name: entry.problem for entry in outlook.datasets if entry.problem is not None}
        if not keep_going or len(problems) == len(configured.datasets):
            check_datasets(outlook)
        self.say(outlook.text())
        outlook.ensure_fits()
        series: dict[str, dict[str, Any]] = {}
        failed: dict[str, SeriesviewError] = {}
        for dataset, made in self._made([each for each in configured.datasets if each.name not in problems]):
            try:
                if isinstance(made, SeriesviewError):
                    raise made
                said = partial(self.say, dataset=dataset.name)
                series[dataset.name] = build_series(dataset, made, self._store, said)
            except SeriesviewError as error:
                if not keep_going:
                    raise
                failed[dataset.name] = error
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
            self._write(self._results, workspace, found, before)
        return _Found(workspace, {result["name"]: result for result in found}, missing)

    def _made(
        self, datasets: Sequence[Dataset]
    ) -> Iterator[tuple[Dataset, dict[str, Any] | SeriesviewError]]:
        """What is made of each dataset's samples, or why nothing is, as they are done; several at a time."""
        at_once = max(1, min(len(datasets), self._cores // _CORES_A_DATASET))
        threads = max(1, self._cores // at_once)
        if at_once == 1:
            for dataset in datasets:
                yield dataset, self._made_of(dataset, threads, self._progress)
            return
        stopped = threading.Event()
        report = self._progress or _Lines()

        def report_unless_stopped(step: BuildStep) -> None:
            if stopped.is_set():
                raise BuildError("stopped, as another dataset cannot be built")
            report(step)

        pool = ThreadPoolExecutor(at_once, thread_name_prefix="build")
        try:
            building = {
                pool.submit(self._made_of, dataset, threads, report_unless_stopped): dataset
                for dataset in datasets
            }
            for done in as_completed(building):
                yield building[done], done.result()
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)

    def _made_of(
        self, dataset: Dataset, threads: int, report: Report | None
    ) -> dict[str, Any] | SeriesviewError:
        try:
            job = Job(self._store, self._work.ledger(dataset), threads, report)
            return made_samples(dataset, self._work, job)
        except SeriesviewError as error:
            return error

    def _views_before(self) -> Any:
        with suppress(BuildError, KeyError, TypeError):
            if self._results is not None:
                (workspace,) = read_results([self._results.workspace])
                return workspace["manifest"]["views"]
        return None

    def _write(
        self,
        results: Results,
        workspace: Mapping[str, Any],
        series: Sequence[Mapping[str, Any]],
        views_before: Any,
    ) -> None:
        """Write what the pipeline's last jobs write, each result behind those that it is made of."""
        is_new = False
        for result in series:
            name = result["name"]
            written = write_if_new(results.series(name), result)
            is_new = is_new or written
            picture = results.picture(name)
            if written or views_before != workspace["manifest"]["views"] or not picture.is_file():
                panel = picture_panel(self._configured.views, name)
                if problem := write_picture(result["uri"], name, panel, self._store, picture):
                    self.say(f"{name}: {problem}")
        if write_if_new(results.workspace, workspace) or is_new or not results.page.is_file():
            write_json(results.workspace, workspace)
            write_page(workspace["uri"], workspace["manifest"], self._store, results.page)
            write_whole(results.table, series_table(series).encode())
        if workspace["manifest"].get("missing"):
            results.expect_more([result["name"] for result in series])


class _Lines:
    """Writes the steps of several datasets to standard error, of each one's progress a line now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spoke: dict[str, float] = {}

    def __call__(self, step: BuildStep) -> None:
        now = time.monotonic()
        with self._lock:
            if step.done_bytes is not None and step.done_bytes != step.total_bytes:
                if now - self._spoke.setdefault(step.dataset, now) < _LINE_SECONDS:
                    return
                self._spoke[step.dataset] = now
            prefix = "" if step.done_bytes is not None else f"{step.dataset}: "
            sys.stderr.write(f"{prefix}{step.text}\n")
