"""A chunk of a workspace's datasets as one job: each through all its steps, and what became of it in one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seriesview.build.dataset import reason_of
from seriesview.build.results import write_json
from seriesview.config import check_config, with_defaults
from seriesview.config.sessions import is_session_id
from seriesview.documents.problems import shown
from seriesview.errors import ConfigError, SeriesviewError
from seriesview.pipeline.configured import Configured, building
from seriesview.pipeline.marks import Marks, left_behind
from seriesview.pipeline.results import Results, write_failure
from seriesview.pipeline.steps import Step
from seriesview.pipeline.whole_dataset import Built, DatasetBuilds


def chunk_configuration(text: bytes, name: str, paths: Sequence[str]) -> dict[str, Any]:
    """The checked configuration of a chunk out of JSON that came from `name`; raises ConfigError.

    The JSON is {datasets: {NAME: entry}, panels: {NAME: panel}, sources: {NAME: entry}}. `panels`, as which pictures
    are drawn, may be left out, and `sources`, what datasets are made of that other jobs build. `paths`, NAME=PATH, come
    before what entries say; NAME:timestamps=PATH is that of a file of times. What comes out has the names of `datasets`
    as `wanted`.
    """
    try:
        content = json.loads(text)
        entries, panels = dict(content["datasets"]), dict(content.get("panels") or {})
        sources = dict(content.get("sources") or {})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        expected = "expected JSON: {datasets: {NAME: entry}, panels: {NAME: panel}}"
        raise ConfigError([f"{name}: {expected} ({type(error).__name__}: {error})"]) from error
    wanted = list(entries)
    entries |= sources
    for word in paths:
        place, separator, path = word.partition("=")
        dataset, _, key = place.partition(":")
        if not separator or key not in ("", "timestamps") or dataset not in entries:
            raise ConfigError([f"{word}: expected NAME=PATH or NAME:timestamps=PATH of a dataset of {name}"])
        if isinstance(entries[dataset], dict):
            entries[dataset] = {**entries[dataset], key or "path": path}
    for dataset, panel in panels.items():
        if panel and not isinstance(panel, dict):
            raise ConfigError([f"{name}: panels.{dataset}: expected keys with values, found {shown(panel)}"])
    sessions: dict[str, list[str]] = {}
    for dataset in entries:
        sessions.setdefault(dataset.rpartition("/")[0], []).append(dataset)
    for session, names in sessions.items():
        if session and not is_session_id(session):
            raise ConfigError(
                [f"{name}: datasets: {shown(names[0])}: {shown(session)} is no id of a session"]
            )
        # Each name of a session's dataset has it in front, which a configuration's own may not.
        own = {full.rpartition("/")[2]: full for full in names}
        panels_of = [{**panels[full], "series": each} for each, full in own.items() if panels.get(full)]
        said = _content({each: entries[full] for each, full in own.items()}, panels_of)
        check_config(said, f"{name}: {session}" if session else name)
    found = with_defaults(_content(entries, [panel for panel in panels.values() if panel]))
    return {**found, "wanted": wanted}


def _content(entries: Mapping[str, Any], panels: Sequence[Any]) -> dict[str, Any]:
    views = {"views": [{"label": "pictures", "panels": panels}]} if panels else {}
    return {"datasets": entries, **views}


def build_chunk(
    content: Mapping[str, Any],
    results: Path,
    out: Path | None,
    threads: int,
    say: Callable[[str], None],
    lost: Mapping[str, SeriesviewError] | None = None,
) -> int:
    """Build the wanted datasets of a checked configuration, and write what became of each to `out`; how many cannot be.

    What is built stays. `say` gets a line of each that cannot be built. `lost` are left alone, and why is told. One at
    which another job was killed comes last, so that it stops no others. Raises SeriesviewError where the machine fails,
    as no other would fare better.
    """
    lost = lost or {}
    configured = Configured.of(content)
    folder = Results(results.absolute())
    names = list(content["wanted"])
    fatal = left_behind(folder.building, [name for name in names if name not in lost])
    for name, mark in fatal.items():
        say(f"{name}: {mark.in_words()}; it comes last now")
    there = {dataset.name: dataset for dataset in configured.datasets}
    datasets = [there[name] for name in names if name not in lost]
    datasets.sort(key=lambda dataset: dataset.name in fatal)
    marks = Marks(folder.building, out)
    outcomes = {name: _outcome(Built(name, error=error)) for name, error in lost.items()}
    with (
        marks.noting_sigterm(),
        building(configured.open_store()) as store,
        store.writing_first_on(configured.store.get("scratch")),
    ):
        store.check_writable()
        builds = DatasetBuilds(store, folder.work, folder, configured.panel_of, marks)
        for built in builds.run(datasets, threads, None):
            outcomes[built.name] = _outcome(built)
            if built.error is not None:
                say(f"seriesview: error: {built.error}")
    if out is not None:
        write_json(out, {"datasets": {name: outcomes[name] for name in names}})
    return sum(outcome["state"] == "failed" for outcome in outcomes.values())


def build_samples(content: Mapping[str, Any], results: Path, out: Path, step: Step) -> None:
    """Do a step of the one dataset of a checked configuration; why it could not be done is noted in `results` too.

    Raises SeriesviewError.
    """
    configured = Configured.of(content)
    (dataset,) = (each for each in configured.datasets if each.name in content["wanted"])
    folder = Results(results)
    failures = folder.failures
    marks = Marks(folder.building, out)
    try:
        with (
            marks.noting_sigterm(),
            building(configured.open_store()) as store,
            store.writing_first_on(configured.store.get("scratch")),
            marks.at(dataset.name, step.share),
        ):
            step.run(dataset, store, out)
    except SeriesviewError as error:
        write_failure(failures, dataset.name, error)
        raise
    (failures / f"{dataset.name}.json").unlink(missing_ok=True)


def _outcome(built: Built) -> dict[str, Any]:
    """What became of a dataset, as the file of outcomes says it."""
    state = "failed" if built.error is not None else "built" if built.is_new else "kept"
    found: dict[str, Any] = {
        "state": state,
        "seconds": round(built.seconds, 3),
        "bytes": built.num_bytes,
    }
    if built.error is not None:
        reason = reason_of(built.error, built.name)
        found["error"] = {"code": built.error.code, "message": reason, "facts": built.error.facts}
    if built.picture_problem is not None:
        found["picture"] = built.picture_problem
    return found
