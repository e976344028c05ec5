"""A folder of results: where a build's files lie, and which of them no longer say what the configuration does."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.dataset import Dataset, descriptions, reason_of, what_decides_samples
from seriesview.build.outlook import BuildOutlook
from seriesview.build.results import read_results, uris, write_json
from seriesview.build.work_folder import WorkFolder
from seriesview.build.workspace import workspace_manifest
from seriesview.errors import BuildError, FormatError, SeriesviewError
from seriesview.pipeline.configured import Configured

_KEPT_SECONDS = 30 * 24 * 3600.0


@dataclass(frozen=True)
class Results:
    """Paths of what the pipeline's rules, and `build_workspace`, write into a folder called `results` as a rule."""

    folder: Path = Path("results")

    @property
    def work(self) -> WorkFolder:
        """What was made of samples, and ledgers."""
        return WorkFolder(self.folder)

    @property
    def workspace(self) -> Path:
        """The workspace's URI and manifest."""
        return self.folder / "workspace.json"

    @property
    def page(self) -> Path:
        """The page of pictures."""
        return self.folder / "pictures" / "index.html"

    @property
    def table(self) -> Path:
        """The report's table."""
        return self.folder / "report" / "series.html"

    @property
    def report_pictures(self) -> Path:
        """The pictures once more, for the report."""
        return self.folder / "report" / "pictures"

    def outcomes(self) -> list[Path]:
        """The files in which jobs tell what became of the datasets that they took."""
        return sorted((self.folder / "chunks").rglob("*.json"))

    @property
    def logs(self) -> Path:
        """What jobs say."""
        return self.folder / "logs"

    @property
    def failures(self) -> Path:
        """Why datasets could not be built."""
        return self.folder / "failures"

    @property
    def entries(self) -> Path:
        """What jobs are told, where it does not fit on a command line."""
        return self.folder / "entries"

    @property
    def building(self) -> Path:
        """At which datasets processes are, or were when they were killed."""
        return self.folder / "building"

    def series(self, name: str) -> Path:
        """A series' URI and manifest."""
        return self.folder / "series" / f"{name}.json"

    def picture(self, name: str) -> Path:
        """A series as a whole."""
        return self.folder / "pictures" / f"{name}.png"

    def of_session(self, session: str) -> Path:
        """The folder of a session's workspace and page of pictures."""
        return self.folder / session

    @property
    def sessions(self) -> Path:
        """The index of sessions, as JSON."""
        return self.folder / "sessions.json"

    @property
    def sessions_table(self) -> Path:
        """The same as a table."""
        return self.folder / "sessions.tsv"

    @property
    def index(self) -> Path:
        """The same as a page."""
        return self.folder / "index.html"

    @property
    def whole_sessions(self) -> Path:
        """Says that every session was built; not there where one was not."""
        return self.folder / "outcomes" / "sessions.json"

    @property
    def sessions_report(self) -> Path:
        """The index once more, for the report."""
        return self.folder / "report" / "sessions.html"

    @property
    def tables(self) -> Path:
        """The report's tables, SESSION.html."""
        return self.folder / "report" / "tables"

    def has_pages(self, names: Collection[str]) -> bool:
        """Whether the workspace, its pages, and these series and their pictures are there."""
        pages = (self.workspace, self.page, self.table, *map(self.series, names), *map(self.picture, names))
        return all(path.is_file() for path in pages)

    def lacks_some(self) -> bool:
        """Whether the workspace was written without some series."""
        return bool(((_content(self.workspace) or {}).get("manifest") or {}).get("missing"))

    def expect_more(self) -> None:
        """Let the next build make the workspace again: for Snakemake it is older than any recording."""
        for path in (self.workspace, self.page):
            os.utime(path, (1, 1))

    def picture_problems(self, names: Collection[str]) -> dict[str, str]:
        """Why there are no pictures of datasets that are built, by name."""
        found: dict[str, str] = {}
        for path in self.outcomes():
            for name, outcome in ((_content(path) or {}).get("datasets") or {}).items():
                if name in names and isinstance(outcome, dict) and outcome.get("picture"):
                    found[name] = str(outcome["picture"])
        return found

    def forget_failures(self) -> None:
        """Remove what earlier jobs noted."""
        for path in self.failures.rglob("*.json"):
            path.unlink(missing_ok=True)

    def forget_stale(self, configured: Configured, exists: Callable[[str], bool]) -> bool:
        """Remove results that were made of another configuration, or name what the store has lost; whether any were.

        Snakemake notices what it made itself; what `build_workspace` made is told by its content. Of what lies in the
        store only manifests, pages and links are looked for, which are few; `seriesview verify` looks at every part.
        `exists` says of a URI whether the store has it.
        """
        lost: dict[str, list[Path]] = {}
        described: list[dict[str, Any] | None] = []
        for dataset in configured.datasets:
            samples, series = self.work.samples(dataset), self.series(dataset.name)
            made = {"made_with": what_decides_samples(dataset), "artifact_version": ARTIFACT_VERSION}
            is_made = _is_so(_content(samples), made, exists)
            found = _content(series) if is_made else None
            is_described = _is_so(found, {"described_with": descriptions(dataset)}, exists)
            described.append(found if is_described else None)
            # Snakemake makes nothing again whose own result is there.
            stale = [] if is_described else [series] if is_made else [samples, series]
            if any(path.exists() for path in stale):
                lost[dataset.name] = stale
        self._forget_made([path for paths in lost.values() for path in paths], lost)
        if lost or not self._has_workspace_of(configured, described, exists):
            for path in (self.workspace, self.page, self.table, self.whole_sessions):
                path.unlink(missing_ok=True)
            return True
        return False

    def forget_changed(self, outlook: BuildOutlook, configured: Configured) -> None:
        """Remove what was made of recordings as they no longer are, whatever file of theirs has changed."""
        waiting = {each.name for each in outlook.datasets if not each.is_built and each.problem is None}
        changed = [
            dataset
            for dataset in configured.datasets
            if dataset.name in waiting and self.work.samples(dataset).exists()
        ]
        self.forget_built(changed)

    def forget_built(self, datasets: Sequence[Dataset]) -> None:
        """Remove what was made of these datasets, so that it is made again."""
        self._forget_made(
            [path for each in datasets for path in (self.work.samples(each), self.series(each.name))],
            [each.name for each in datasets],
        )
        for path in (self.workspace, self.page, self.whole_sessions) if datasets else ():
            path.unlink(missing_ok=True)

    def forget_pictures(self, names: Collection[str]) -> None:
        """Remove the pictures of these datasets, and let their jobs run again."""
        self._forget_made([self.picture(name) for name in names], names)
        for path in (self.workspace, self.page, self.whole_sessions) if names else ():
            path.unlink(missing_ok=True)

    def forget_entries(self, kept_seconds: float = 0.0) -> None:
        """Remove what jobs were told so long ago; files that others put there stay."""
        latest = time.time() - kept_seconds
        for path in self.entries.glob("[0-9a-f]" * 40):
            with suppress(OSError):
                if path.stat().st_mtime <= latest:
                    path.unlink()
        with suppress(OSError):
            self.entries.rmdir()

    def forget_old_entries(self) -> None:
        """Remove what jobs were told long ago; those of this run, or one beside it, may still have to read it."""
        self.forget_entries(_KEPT_SECONDS)

    def forget_others(self, names: Collection[str]) -> None:
        """Remove what was made of datasets that are no longer configured; files that others put here stay."""
        artifacts, names = self.folder / "artifacts", frozenset(names)
        for path in artifacts.rglob("*.json"):
            name = path.relative_to(artifacts).as_posix().removesuffix(".json")
            if name in names or "made_with" not in (_content(path) or {}):
                continue
            path.unlink(missing_ok=True)
            for other in (
                self.series(name),
                self.picture(name),
                self.failures / f"{name}.json",
                self.folder / "ledger" / f"{name}.jsonl",
            ):
                other.unlink(missing_ok=True)
        for path in self.failures.rglob("*.json"):
            if path.relative_to(self.failures).as_posix().removesuffix(".json") not in names:
                path.unlink(missing_ok=True)

    def _forget_made(self, paths: Sequence[Path], names: Collection[str]) -> None:
        """Remove files, and what the jobs of these datasets told, so that they run again."""
        for path in paths:
            path.unlink(missing_ok=True)
        if not names:
            return
        for path in self.outcomes():
            with suppress(BuildError, KeyError, TypeError):
                (outcome,) = read_results([path])
                if not outcome["datasets"].keys().isdisjoint(names):
                    path.unlink(missing_ok=True)

    def _has_workspace_of(
        self,
        configured: Configured,
        series: Sequence[Mapping[str, Any] | None],
        exists: Callable[[str], bool],
    ) -> bool:
        """Whether the workspace is that of the series that are there; where some are not, it is made again anyway."""
        workspace = _content(self.workspace)
        if workspace is None:
            return not self.workspace.exists()
        if not all(map(exists, uris(workspace))):
            return False
        there = [each for each in series if each is not None]
        if len(there) < len(series):
            return True
        with suppress(FormatError, KeyError, TypeError):
            label, views = configured.label, configured.views
            made = workspace_manifest(label, there, views, [], configured.id)
            return bool(workspace["manifest"].get("missing") or workspace["manifest"] == made)
        return False


def write_failure(folder: Path, name: str, error: SeriesviewError) -> None:
    """Note why a dataset could not be built, for whoever started its job."""
    content: dict[str, Any] = {"code": error.code, "error": reason_of(error, name), "facts": error.facts}
    if error.code == "internal-error":
        content["traceback"] = traceback.format_exception(error)
    write_json(folder / f"{name}.json", content)


def read_failure(folder: Path, name: str) -> str | None:
    """Why a dataset could not be built, in one line; None where no job has noted anything."""
    try:
        reason = json.loads((folder / f"{name}.json").read_bytes())["error"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return " ".join(str(reason).split())


def _content(path: Path) -> dict[str, Any] | None:
    """What a job wrote; None where there is nothing that can be read."""
    with suppress(BuildError):
        (content,) = read_results([path])
        return content if isinstance(content, dict) else None
    return None


def _is_so(
    content: Mapping[str, Any] | None, expected: Mapping[str, Any], exists: Callable[[str], bool]
) -> bool:
    """Whether a result says what is expected, and everything that it names is in the store."""
    if content is None or any(content.get(key) != value for key, value in expected.items()):
        return False
    return all(map(exists, uris(dict(content))))
