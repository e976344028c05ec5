"""Datasets through all their steps in this process: samples, series and picture; what is as it was is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from seriesview.build.artifacts import Job
from seriesview.build.dataset import Dataset
from seriesview.build.followed import Following
from seriesview.build.level_rows import Watcher
from seriesview.build.progress import BuildStep, Report, StepLines
from seriesview.build.results import read_results
from seriesview.build.series import build_series
from seriesview.build.work_folder import WorkFolder, made_elsewhere
from seriesview.errors import BuildError, SeriesviewError
from seriesview.pipeline.drawing import draw_if_new
from seriesview.pipeline.marks import Marks, Step
from seriesview.pipeline.results import Results, write_failure
from seriesview.pipeline.steps import made_samples, write_if_new
from seriesview.store import Store

_CORES_A_DATASET = 2
_OF_THE_MACHINE = ("bucket-unusable", "no-space", "results-unusable", "store-unusable")
"""What no other dataset would fare better with."""

_Said = Callable[[Step], None]


@dataclass(frozen=True)
class Built:
    """What became of a dataset: its `series`, as its result holds it, or the `error` that there is in its place.

    `is_new`: whether anything was made; `is_new_series`: the series was. `picture_problem`: why there is no picture of
    it. `num_bytes` of its samples were reduced.
    """

    name: str
    series: dict[str, Any] | None = None
    error: SeriesviewError | None = None
    is_new: bool = False
    is_new_series: bool = False
    picture_problem: str | None = None
    seconds: float = 0.0
    num_bytes: int = 0


class DatasetBuilds:
    """Builds datasets into a store, and into a folder of results where there is one."""

    def __init__(
        self,
        store: Store,
        work: WorkFolder,
        results: Results | None,
        panel_of: Callable[[str], Mapping[str, Any]],
        marks: Marks | None = None,
        watch: Watcher | None = None,
        following: Following | None = None,
    ) -> None:
        """`panel_of` gives the panel, {} if there is none, as which a dataset's picture is drawn. `watch`: a job's.

        With `following` all are followed at once, each until its end, before it is built.
        """
        self._following = following
        self._watch = watch
        self._elsewhere = made_elsewhere()
        self._store = store
        self._work = work
        self._results = results
        self._panel_of = panel_of
        self._marks = marks
        self._stopped = threading.Event()
        self._series: dict[str, Mapping[str, Any]] = {}

    def run(self, datasets: Sequence[Dataset], cores: int, report: Report | None) -> Iterator[Built]:
        """Build datasets, several at a time where there are cores; what became of each, as they are done.

        What others are made of comes first. Raises SeriesviewError where the machine fails, and no other dataset would
        fare better.
        """
        waiting = list(datasets)
        while waiting:
            names = {dataset.name for dataset in waiting}
            first = [each for each in waiting if each.source is None or each.source.name not in names]
            waiting = [each for each in waiting if each.source is not None and each.source.name in names]
            for built in self._run(first, cores, report):
                if built.series is not None:
                    self._series[built.name] = built.series
                yield built

    def _run(self, datasets: Sequence[Dataset], cores: int, report: Report | None) -> Iterator[Built]:
        """Build some of which none is made of another."""
        at_once = max(1, min(len(datasets), cores // _CORES_A_DATASET))
        if self._following is not None:
            at_once = len(datasets)
        threads = max(1, cores // at_once)
        if at_once == 1:
            for dataset in datasets:
                yield self._built(dataset, threads, report)
            return
        told = report or StepLines()

        def report_unless_stopped(step: BuildStep) -> None:
            if self._stopped.is_set():
                raise BuildError("stopped, as another dataset cannot be built")
            told(step)

        pool = ThreadPoolExecutor(at_once, thread_name_prefix="build")
        try:
            building = [pool.submit(self._built, each, threads, report_unless_stopped) for each in datasets]
            waiting = as_completed(building)
            # What is done is let go of: there may be thousands.
            del building
            for done in waiting:
                yield done.result()
        except BaseException:
            self._stopped.set()
            if self._following is not None:
                self._following.end()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _built(self, dataset: Dataset, threads: int, report: Report | None) -> Built:
        """Build one. Raises SeriesviewError where the machine fails."""
        began = time.monotonic()
        failures = None if self._results is None else self._results.failures
        job = Job(
            self._store,
            self._work.ledger(dataset),
            threads,
            report,
            watch=self._watch,
            elsewhere=self._elsewhere,
        )
        try:
            with nullcontext(_unsaid) if self._marks is None else self._marks.at(dataset.name) as step:
                built = self._through_all(dataset, job, step, began)
        except SeriesviewError as error:
            if failures is not None and not self._stopped.is_set():
                write_failure(failures, dataset.name, error)
            if error.code in _OF_THE_MACHINE:
                raise
            return Built(dataset.name, error=error, seconds=time.monotonic() - began)
        if failures is not None:
            (failures / f"{dataset.name}.json").unlink(missing_ok=True)
        return built

    def _through_all(self, dataset: Dataset, job: Job, step: _Said, began: float) -> Built:
        source = self._source_of(dataset)
        made, is_new = made_samples(dataset, self._work, job, self._following)
        step("series")
        lines: list[str] = []
        series = build_series(dataset, made, self._store, lines.append, source)
        name, results = dataset.name, self._results
        is_new_series = results is None or write_if_new(results.series(name), series)
        # What is to be known of a recording is said by every build, what was guessed here by the first.
        for line in lines if is_new_series else series["manifest"].get("notes", ()):
            job.say(dataset, line)
        is_drawn, problem = False, None
        if results is not None:
            step("picture")
            panel = self._panel_of(name)
            picture = results.picture(name)
            is_drawn, problem = draw_if_new(series["uri"], dataset.own_name, panel, self._store, picture)
            if problem is not None:
                job.say(dataset, problem)
        num_bytes = made["timing"]["bytes_reduced"] if is_new else 0
        is_new = is_new or is_new_series or is_drawn
        seconds = time.monotonic() - began
        return Built(name, series, None, is_new, is_new_series, problem, seconds, num_bytes)

    def _source_of(self, dataset: Dataset) -> Mapping[str, Any] | None:
        """The result of what a dataset is made of. Raises BuildError where that was not built."""
        if dataset.source is None:
            return None
        name = dataset.source.name
        if name not in self._series and self._results is not None and self._results.series(name).is_file():
            self._series[name] = read_results([self._results.series(name)])[0]
        if name not in self._series:
            reason = f"from: {dataset.source.own_name} was not built"
            raise BuildError(reason).within(f"dataset {dataset.name}", dataset=dataset.name)
        return self._series[name]


def _unsaid(_: Step) -> None:
    """A step that is marked nowhere."""
