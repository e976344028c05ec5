"""`seriesview build`: the whole pipeline, for people."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seriesview.cli.arguments import COMMAND, CONFIG_FILE, json_option

if TYPE_CHECKING:
    from seriesview.build.dataset import Dataset
    from seriesview.build.outlook import BuildOutlook
    from seriesview.store import Store

WORKSPACE_RESULT = Path("results/workspace.json")
PICTURES = Path("results/pictures")
LAST_RESULTS = (WORKSPACE_RESULT, PICTURES / "index.html", Path("results/report/series.html"))
MISSING_STATUS = 1
FAILED_STATUS = 2
_UNFINISHED = "its job did not finish; results/logs/snakemake.log may say why"


@click.command(short_help="Build the workspace that a config.yaml describes.")
@click.argument("config", type=click.Path(path_type=Path), default=Path("config.yaml"))
@click.option("--cores", default="all", show_default=True, help="How many cores to use, or `all`.")
@click.option(
    "--keep-going", is_flag=True, help="Build what can be built; the workspace says what is missing and why."
)
@click.option(
    "--dry-run", "-n", is_flag=True, help="Say what would be done, read and written, and do nothing."
)
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), help="Work in this directory.")
@click.option("--profile", help="A Snakemake profile, such as profiles/slurm.")
@click.option(
    "--report", type=click.Path(path_type=Path), help="Write Snakemake's report (a .zip or .html) too."
)
@json_option
@click.argument("snakemake_arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    config: Path,
    cores: str,
    keep_going: bool,
    dry_run: bool,
    directory: Path | None,
    profile: str | None,
    report: Path | None,
    as_json: bool,
    snakemake_arguments: tuple[str, ...],
) -> int:
    """Build the workspace that CONFIG (config.yaml) describes.

    Runs the package's Snakemake workflow in this directory: results go to results/, artifacts to the kachery
    storage directory that CONFIG names. What is built already is not built again; a build that was killed goes
    on where it stopped. What follows `--` is handed to Snakemake as it is.

    Exit status: 0 built, 1 built with --keep-going but something is missing, 2 not built.

    \b
    Examples:
      seriesview build
      seriesview build config.yaml --cores 2 --keep-going
      seriesview build --profile profiles/slurm -- --jobs 50
    """
    from seriesview.config import load_config
    from seriesview.pipeline.snakemake import build_lock, clear_leftovers

    if str(config).startswith("-"):
        # Nothing but arguments for Snakemake was given.
        snakemake_arguments = (str(config), *snakemake_arguments)
        config = Path("config.yaml")
    config = config.resolve()
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        os.chdir(directory)
    content = load_config(config)
    build = _Build(config, content, as_json, directory)
    options = ["--cores", cores, *(["--keep-going"] if keep_going else [])]
    options += [] if profile is None else ["--profile", profile]
    if dry_run:
        return build.dry_run([*options, *snakemake_arguments], keep_going)
    with build_lock(), build.holding_store():
        clear_leftovers()
        build.start(keep_going)
        status = build.run([*options, *snakemake_arguments], keep_going)
        if report is not None and status != FAILED_STATUS:
            build.report(report)
        return status


def build_quietly(config: Path) -> bool:
    """Build what `config` describes in the working directory, as `seriesview build --keep-going` does.

    Progress goes to standard error. Returns whether there is a workspace to show. Raises SeriesviewError.
    """
    from seriesview.config import load_config
    from seriesview.pipeline.snakemake import build_lock, clear_leftovers

    build = _Build(config.resolve(), load_config(config), as_json=True, directory=None)
    with build_lock(), build.holding_store():
        clear_leftovers()
        build.start(keep_going=True)
        return (
            build.run(["--cores", "all", "--keep-going"], keep_going=True, with_summary=False)
            != FAILED_STATUS
        )


class _Build:
    """One run of the pipeline on one configuration, in the working directory."""

    def __init__(
        self, config: Path, content: Mapping[str, Any], as_json: bool, directory: Path | None
    ) -> None:
        self._config = config
        self._content = content
        self._directory = directory
        self._as_json = as_json
        self._began_ns = time.time_ns()
        self._store_json = json.dumps(content.get("store") or {})

    def dry_run(self, more: Sequence[str], keep_going: bool) -> int:
        """Print the outlook and Snakemake's plan. Raises ConfigError where a build would find something wrong."""
        from seriesview.cli.jobs import job_store
        from seriesview.pipeline.snakemake import run_snakemake

        status = run_snakemake([*self._base(), "--dry-run", "--quiet", "rules", "host", *more], log=None)
        with job_store(self._store_json) as store:
            outlook = self._outlook(store)
        self._check(outlook, keep_going)
        return status

    def _datasets(self) -> list[Dataset]:
        """The datasets whose recordings are there, or should be; not those that the demo still has to make."""
        from seriesview.build.dataset import dataset_from_config
        from seriesview.demo.files import DEMO_FILES

        entries = [dataset_from_config(name, entry) for name, entry in self._content["datasets"].items()]
        return [
            entry
            for entry in entries
            if os.path.normpath(entry.path) not in DEMO_FILES or Path(entry.path).exists()
        ]

    def _outlook(self, store: Store) -> BuildOutlook:
        from seriesview.build.outlook import build_outlook

        return build_outlook(self._datasets(), Path("results/artifacts"), store)

    @staticmethod
    def _check(outlook: BuildOutlook, keep_going: bool) -> None:
        """Raise ConfigError with everything that is wrong with datasets."""
        from seriesview.errors import ConfigError

        problems = [entry.problem for entry in outlook.datasets if entry.problem is not None]
        if problems and not keep_going:
            raise ConfigError(problems)

    @contextmanager
    def holding_store(self) -> Iterator[None]:
        """Let nothing be removed from the store while the build runs, between its jobs neither."""
        from seriesview.cli.jobs import job_store

        with job_store(self._store_json):
            yield

    def start(self, keep_going: bool) -> None:
        """Print what is to be done. Raises BuildError where it does not fit, ConfigError where something is wrong."""
        from seriesview.build.outlook import forget_lost_results
        from seriesview.cli.jobs import job_store

        with job_store(self._store_json) as store:
            store.check_writable()
            names = self._content["datasets"]
            results = [
                Path(f"results/{kind}/{name}.json") for kind in ("artifacts", "series") for name in names
            ]
            lost = forget_lost_results([*results, WORKSPACE_RESULT], store)
            outlook = self._outlook(store)
        self._check(outlook, keep_going)
        self._say(outlook.text() if outlook.datasets else f"store: {outlook.store_description}")
        to_come = len(names) - len(outlook.datasets)
        if to_come:
            self._say(f"the demo's recordings are made first: {to_come} datasets are of them")
        outlook.ensure_fits()
        if lost:
            # Snakemake looks for what lies before them only where the last results are not there.
            for path in LAST_RESULTS:
                path.unlink(missing_ok=True)

    def run(self, options: Sequence[str], keep_going: bool, with_summary: bool = True) -> int:
        """Run the workflow; with `keep_going` the workspace is written whatever is missing."""
        from seriesview.errors import BuildError
        from seriesview.pipeline.snakemake import SNAKEMAKE_LOG, JobLogs, run_snakemake

        with JobLogs(self._say):
            status = run_snakemake([*self._base(), *options])
        if status == 0:
            self._keep()
            if with_summary:
                self._end([])
            return 0
        missing = self._missing()
        if not missing:
            raise BuildError(f"the build failed; {SNAKEMAKE_LOG} says why")
        failed = [(name, reason) for name, reason in missing if reason != _UNFINISHED]
        for name, reason in failed or missing:
            shown = reason if reason.startswith("dataset ") else f"dataset {name}: {reason}"
            click.echo(f"seriesview: error: {shown}", err=True)
        if len(failed) < len(missing) and failed and not keep_going:
            left = len(missing) - len(failed)
            click.echo(
                f"seriesview: {left} more of {len(self._content['datasets'])} datasets are not built yet; "
                "build again, or with --keep-going to go on past errors",
                err=True,
            )
        if not keep_going or len(missing) == len(self._content["datasets"]):
            return FAILED_STATUS
        self._write_workspace(missing)
        if with_summary:
            self._end(missing)
        return MISSING_STATUS

    def _keep(self) -> None:
        """Keep the workspace, where it was there already and forgotten."""
        from seriesview.cli.jobs import job_store

        result = json.loads(WORKSPACE_RESULT.read_text())
        with job_store(self._store_json) as store:
            if any(entry.uri == result["uri"] for entry in store.recorded_workspaces(forgotten=True)):
                store.record_workspace(result["uri"], result["manifest"]["label"])

    def report(self, path: Path) -> None:
        """Write Snakemake's report. Raises BuildError."""
        from seriesview.errors import BuildError
        from seriesview.pipeline.snakemake import SNAKEMAKE_LOG, run_snakemake

        if run_snakemake([*self._base(), "--report", str(path)], SNAKEMAKE_LOG.with_name("report.log")) != 0:
            raise BuildError(f"{path}: the report could not be written; results/logs/report.log says why")
        self._say(f"report: {path}")

    def _base(self) -> list[str]:
        from seriesview.pipeline.snakemake import workflow_file

        triggers = ["--rerun-triggers", "mtime", "params", "input"]
        snakefile = ["--snakefile", str(workflow_file()), "--configfile", str(self._config)]
        return [*snakefile, "--rerun-incomplete", *triggers]

    def _missing(self) -> list[tuple[str, str]]:
        """Datasets without a series, and why."""
        found = []
        for name in self._content["datasets"]:
            results = [Path(f"results/{kind}/{name}.json") for kind in ("artifacts", "series")]
            reason = _reason(name, self._began_ns)
            if reason is not None or not all(result.is_file() for result in results):
                found.append((name, reason or _UNFINISHED))
        return found

    def _write_workspace(self, missing: Sequence[tuple[str, str]]) -> None:
        from seriesview.build.results import read_results, write_json, write_whole
        from seriesview.build.workspace import build_workspace_result
        from seriesview.cli.jobs import job_store
        from seriesview.pictures.page import workspace_page
        from seriesview.workspace.manifest import parse_workspace_manifest

        absent = {name for name, _ in missing}
        names = [name for name in self._content["datasets"] if name not in absent]
        results = read_results([Path(f"results/series/{name}.json") for name in names])
        label = self._content.get("workspace") or "workspace"
        with job_store(self._store_json) as store:
            result = build_workspace_result(label, results, self._content.get("views") or [], missing, store)
            write_json(WORKSPACE_RESULT, result)
            pictures = {name: f"{name}.png" for name in names if (PICTURES / f"{name}.png").is_file()}
            page = workspace_page(
                parse_workspace_manifest(result["manifest"]), result["uri"], store, pictures
            )
        write_whole(PICTURES / "index.html", page.encode())
        # The next build makes them again, with whatever is there by then.
        oldest = min(Path(f"results/series/{name}.json").stat().st_mtime_ns for name in names) - 10**9
        for path in (WORKSPACE_RESULT, PICTURES / "index.html"):
            os.utime(path, ns=(oldest, oldest))

    def _end(self, missing: Sequence[tuple[str, str]]) -> None:
        """Say where everything is and what to do next."""
        result = json.loads(WORKSPACE_RESULT.read_text())
        series = [entry["name"] for entry in result["manifest"]["series"]]
        if self._as_json:
            summary = {
                "uri": result["uri"],
                "workspace": str(WORKSPACE_RESULT),
                "pictures": str(PICTURES / "index.html"),
                "series": series,
                "missing": [{"name": name, "error": reason} for name, reason in missing],
            }
            click.echo(json.dumps(summary))
            return
        click.echo(
            f"\nworkspace {result['manifest']['label']!r}: {len(series)} series, {len(missing)} missing"
        )
        click.echo(f"  URI       {result['uri']}")
        click.echo(f"  pictures  {PICTURES / 'index.html'}")
        click.echo("next:" if self._directory is None else f"next, in {self._directory}:")
        store = self._store_option()
        click.echo(f"  {COMMAND} serve {WORKSPACE_RESULT}{store}")
        click.echo(f"  {COMMAND} info {WORKSPACE_RESULT}{store}")
        if series:
            click.echo(f"  {COMMAND} plot results/series/{series[0]}.json --out plot.png{store}")
        click.echo(f"  {COMMAND} verify {WORKSPACE_RESULT}{store}")

    def _store_option(self) -> str:
        """What other commands need to find the store, where no config.yaml in this directory names it."""
        directory = (self._content.get("store") or {}).get("storage_dir")
        if directory is None or self._config == CONFIG_FILE.resolve():
            return ""
        return f" --storage-dir {shlex.quote(directory)}"

    def _say(self, text: str) -> None:
        click.echo(text, err=self._as_json)


def _reason(name: str, began_ns: int) -> str | None:
    """Why a dataset was not built: the error that a job of this build logged; None where there is none."""
    from seriesview.pipeline.snakemake import ERROR_PREFIX, LOGS

    logs = [LOGS / "series" / f"{name}.log", LOGS / "artifacts" / f"{name}.log"]
    logs += sorted((LOGS / "artifacts").glob(f"{name}-*-of-*.log"))
    for log in logs:
        if log.is_file() and log.stat().st_mtime_ns >= began_ns:
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            for line in reversed(lines):
                if line.startswith(ERROR_PREFIX):
                    return line.removeprefix(ERROR_PREFIX).removeprefix(f"dataset {name}: ")
            if lines and lines[-1].partition(":")[0].endswith(("Error", "Exception")):
                return f"{lines[-1]} (see {log})"
    return None
