"""A build by Snakemake: what comes before its jobs, which of them failed and why, and what is written all the same."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from seriesview.build.outlook import BuildOutlook, build_outlook
from seriesview.build.results import read_results
from seriesview.config import without_filled_in
from seriesview.errors import BuildError
from seriesview.pipeline.built import BuiltWorkspace, built_series
from seriesview.pipeline.configured import Configured, building, check_datasets
from seriesview.pipeline.drawing import is_outdated
from seriesview.pipeline.gathering import write_workspace
from seriesview.pipeline.job_ends import why_not_finished
from seriesview.pipeline.locking import build_lock
from seriesview.pipeline.marks import left_behind
from seriesview.pipeline.purged import look_for_purged
from seriesview.pipeline.results import Results, read_failure, write_failure
from seriesview.pipeline.snakemake import SNAKEMAKE_LOG, JobLogs, run_snakemake, workflow_file
from seriesview.store import Store


@dataclass(frozen=True)
class Outcome:
    """How a run of the workflow ended: `built` is None where there is no workspace.

    `missing`: why datasets could not be built, by name. `num_left` more of all `num_datasets` were not come to.
    `pictures`: why there is no picture of others.
    """

    built: BuiltWorkspace | None
    missing: Mapping[str, str]
    num_left: int
    num_datasets: int
    pictures: Mapping[str, str] = field(default_factory=dict)


class SnakemakeRun:
    """The workflow on one configuration, in the working directory; `say` gets what people should know."""

    def __init__(self, content: Mapping[str, Any], say: Callable[[str], None]) -> None:
        self._content = content
        self._configured = Configured.of(content)
        self._say = say
        self._since = 0.0
        self.results = Results(self._configured.results or Results.folder)

    def dry_run(self, options: Sequence[str], keep_going: bool) -> int:
        """Print Snakemake's plan, and its status. Raises ConfigError where a build would find something wrong."""
        with building(self._configured.open_store()) as store:
            outlook = self._outlook(store)
        sys.stderr.write(f"{outlook.text()}\n")
        arguments = [*self._base(), "--dry-run", "--quiet", "rules", "host", *options]
        status = run_snakemake(arguments, log=None)
        if not keep_going:
            check_datasets(outlook)
        return status

    def _snakemake(self, arguments: Sequence[str]) -> int:
        """Run Snakemake, and say what its jobs say; its status."""
        self._since = time.time()
        with JobLogs(self.results.logs, self._say):
            status = run_snakemake(arguments, self.results.logs / SNAKEMAKE_LOG)
        # No job is left that would read them.
        self.results.forget_entries()
        return status

    def _prepare(self, store: Store, keep_going: bool) -> bool:
        """Say what is to be done; whether that is nothing.

        Raises BuildError where it does not fit, ConfigError where something is wrong.
        """
        configured = self._configured
        store.check_writable()
        exists = cache(store.exists)
        purged = look_for_purged(configured.datasets, self.results, store, configured.store, exists)
        for line in purged.lines:
            self._say(line)
        self.results.forget_built(purged.gone)
        is_stale = self.results.forget_stale(configured, exists)
        self.results.forget_failures()
        outlook = self._outlook(store, exists)
        if not keep_going:
            check_datasets(outlook)
        self.results.forget_changed(outlook, configured)
        self._say(outlook.text())
        outlook.ensure_fits()
        # No job says it where none runs.
        names = [dataset.name for dataset in outlook.datasets if dataset.is_built]
        outdated = list(self.results.picture_problems(names))
        for result in read_results([path for path in map(self.results.series, names) if path.is_file()]):
            name = result["name"]
            for note in result["manifest"].get("notes", ()):
                self._say(f"{name}: {note}")
            panel, picture = configured.panel_of(name), self.results.picture(name)
            if is_outdated(result["uri"], name.rpartition("/")[2], panel, picture):
                outdated.append(name)
        self.results.forget_pictures(outdated)
        is_whole = len(names) == len(configured.datasets) and self._has_all(names)
        return is_whole and not is_stale

    def _has_all(self, names: Sequence[str]) -> bool:
        """Whether everything else is there, all of the datasets being built."""
        return self.results.has_pages(names) and not self.results.lacks_some()

    def _outlook(self, store: Store, exists: Callable[[str], bool] | None = None) -> BuildOutlook:
        return build_outlook(self._configured.datasets, self.results.work, store, exists)

    def _missing(self) -> dict[str, tuple[str, bool]]:
        """Why datasets have no series, by name, and whether that is known.

        How jobs ended that could not say it themselves is noted in their place.
        """
        unknown = f"its job did not finish; {self.results.logs / SNAKEMAKE_LOG} may say why"
        names = []
        for dataset in self._configured.datasets:
            results = (self.results.work.samples(dataset), self.results.series(dataset.name))
            if self._failure(dataset.name) is not None or not all(path.is_file() for path in results):
                names.append(dataset.name)
        silent = [name for name in names if self._failure(name) is None]
        log = (self.results.logs / SNAKEMAKE_LOG).read_text(errors="replace") if silent else ""
        marks = left_behind(self.results.building, names)
        new = {name: mark for name, mark in marks.items() if mark.began >= self._since}
        ended = why_not_finished(silent, log, new)
        for name, error in ended.items():
            write_failure(self.results.failures, name, error)
        reasons = {name: self._failure(name) for name in names}
        return {name: (reason or unknown, reason is not None) for name, reason in reasons.items()}

    def _failure(self, name: str) -> str | None:
        return read_failure(self.results.failures, name)

    def report(self, path: Path) -> None:
        """Write Snakemake's report. Raises BuildError."""
        log = self.results.logs / "report.log"
        with build_lock(self.results.folder, Path.cwd()):
            if run_snakemake([*self._base(), "--report", str(path)], log) != 0:
                raise BuildError(f"{path}: the report could not be written; {log} says why")
        self._say(f"report: {path}")

    def _base(self) -> list[str]:
        triggers = ["--rerun-triggers", "mtime", "params", "input"]
        snakefile = ["--snakefile", str(workflow_file()), "--configfile", str(self._checked_config())]
        return [*snakefile, "--rerun-incomplete", *triggers]

    def _checked_config(self) -> Path:
        """The configuration as JSON, which each of Snakemake's processes reads in no time. Raises BuildError."""
        uses = hashlib.sha1(str(self.results.folder).encode()).hexdigest()[:8]
        path = Path(".snakemake", f"seriesview-{uses}.json")
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(without_filled_in(self._content)))
        except OSError as error:
            raise BuildError(
                f"{Path.cwd()}: {error.strerror or error}; a build writes .snakemake/ and its results into its "
                "working directory: choose another one with `--directory DIR`"
            ) from error
        return path


class SnakemakeBuild(SnakemakeRun):
    """One run of it on datasets of one workspace."""

    def run(self, options: Sequence[str], keep_going: bool, always: bool = False) -> Outcome:
        """Build; with `keep_going` the workspace is written whatever is missing. Raises SeriesviewError.

        Nothing is removed from the store meanwhile, between the jobs neither. Where there is nothing to do Snakemake is
        not asked, unless `always`.
        """
        began = time.monotonic()
        store = self._configured.open_store()
        with build_lock(self.results.folder, Path.cwd()), building(store):
            arguments = [*self._base(), *options, *(["--keep-going"] if keep_going else [])]
            is_done = self._prepare(store, keep_going)
            status = 0 if is_done and not always else self._snakemake(arguments)
            return self._outcome(store, status, keep_going, began)

    def _outcome(self, store: Store, status: int, keep_going: bool, began: float) -> Outcome:
        datasets = [dataset.name for dataset in self._configured.datasets]
        log = self.results.logs / SNAKEMAKE_LOG
        missing = {} if status == 0 else self._missing()
        if status != 0 and not missing:
            raise BuildError(f"the build failed; {log} says why")
        failed = {name: reason for name, (reason, is_known) in missing.items() if is_known}
        reasons = {name: reason for name, (reason, _) in missing.items()}
        told, num_left = failed or reasons, len(missing) - len(failed or reasons)
        names = [name for name in datasets if name not in missing]
        if missing and not (keep_going and names):
            return Outcome(None, told, num_left, len(datasets))
        results = read_results([self.results.series(name) for name in names])
        if missing:
            write_workspace(self._configured, results, reasons, self.results, store)
            self.results.expect_more()
        (workspace,) = read_results([self.results.workspace])
        if not missing:
            self._keep(workspace, store)
        built = BuiltWorkspace(
            uri=workspace["uri"],
            label=workspace["manifest"]["label"],
            series={result["name"]: built_series(result, store) for result in results},
            missing=reasons,
            seconds=time.monotonic() - began,
            store=store,
            results=self.results.folder,
        )
        return Outcome(built, told, num_left, len(datasets), self.results.picture_problems(names))

    @staticmethod
    def _keep(workspace: Mapping[str, Any], store: Store) -> None:
        """Keep the workspace, where it was there already and forgotten."""
        if any(entry.uri == workspace["uri"] for entry in store.recorded_workspaces(forgotten=True)):
            store.record_workspace(workspace["uri"], workspace["manifest"]["label"])
