"""What is made of sessions once their series are there: a workspace and a page of each, and the index of all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from seriesview.build.dataset import what_decides_samples
from seriesview.build.results import read_results, write_json, write_whole
from seriesview.build.workspace import build_workspace_result, workspace_manifest
from seriesview.config.sessions import is_session_id
from seriesview.errors import BuildError, SeriesviewError
from seriesview.pictures.table import series_table
from seriesview.pipeline.configured import Configured
from seriesview.pipeline.drawing import write_page_of
from seriesview.pipeline.gathering import link_pictures
from seriesview.pipeline.results import Results, read_failure
from seriesview.pipeline.sessions import ConfiguredSession
from seriesview.sessions.facts import SessionSource, facts_of, with_usual_streams
from seriesview.sessions.page import index_page
from seriesview.sessions.table import sessions_table
from seriesview.store import Store

_PAGES = ("workspace.json", "index.html")
_NOT_KNOWN = "it was not built; results/logs may say why"


def write_sessions(
    configured: Configured, results: Results, store: Store, reasons: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Write the workspace and page of each session, and the index; what its sessions are, as JSON has it.

    Series are those whose results are there. `reasons`: why others are not, by the names of their datasets; else as
    their jobs noted. No workspace is written that is there already; what is left of sessions that are no more is
    removed. Raises BuildError where something cannot be written, BucketError.
    """
    for folder in (results.tables, results.report_pictures):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    found = [write_session(session, results, store, reasons or {}) for session in configured.sessions]
    if not all(session.has_names for session in configured.sessions):
        found = with_usual_streams(found)
    index = {"label": configured.label, "id": configured.id or configured.label, "sessions": found}
    remove_sessions(results, {session.id for session in configured.sessions})
    results.forget_others({dataset.name for dataset in configured.datasets} | _unsure(configured, results))
    write_whole(results.sessions_table, sessions_table(found).encode("utf-8", "backslashreplace"))
    alone = [{**each, "page": None, "picture": None} for each in found]
    for path, sessions in ((results.index, found), (results.sessions_report, alone)):
        page = index_page(configured.label, sessions, "seriesview serve", has_table=sessions is found)
        write_whole(path, page.encode("utf-8", "backslashreplace"))
    write_json(results.sessions, index)
    return found


def write_session(
    session: ConfiguredSession, results: Results, store: Store, reasons: Mapping[str, str]
) -> dict[str, Any]:
    """Write the workspace and page of one session; what it is, as the index says it. `reasons` as above."""
    folder = results.of_session(session.id)
    series: dict[str, dict[str, Any]] = {}
    missing = dict(session.problems)
    for name, full in session.names.items():
        try:
            if full in reasons:
                raise BuildError(reasons[full])
            (series[name],) = read_results([results.series(full)])
        except BuildError:
            missing[name] = reasons.get(full) or read_failure(results.failures, full) or _NOT_KNOWN
    source = SessionSource(
        session.id,
        session.label,
        session.values,
        [*session.entries, *(session.problems if session.has_names else ())],
        missing,
        session.notes,
    )
    workspace: str | None = None
    try:
        if series:
            workspace = _write_workspace(session, series, missing, folder, results, store)
    except SeriesviewError as error:
        if error.code == "bucket-unusable":
            raise
        missing["workspace"] = str(error)
    if workspace is None:
        _remove(folder, _PAGES)
    if series:
        own = [{**result, "name": name} for name, result in series.items()]
        write_whole(
            results.tables / f"{session.id}.html", series_table(own).encode("utf-8", "backslashreplace")
        )
        link_pictures([session.names[name] for name in series], results)
    # That of a series which is not there any more shows what the recording was.
    pictures = (results.picture(session.names[name]) for name in series)
    picture = next((each for each in pictures if each.is_file()), None)
    return facts_of(
        source,
        series,
        workspace,
        None if workspace is None else f"{session.id}/index.html",
        None if picture is None else picture.relative_to(results.folder).as_posix(),
    )


def _write_workspace(
    session: ConfiguredSession,
    series: Mapping[str, Mapping[str, Any]],
    missing: Mapping[str, str],
    folder: Path,
    results: Results,
    store: Store,
) -> str:
    """The URI of a session's workspace, whose series are called by their own names."""
    known = {*series, *missing}
    views = [
        {**view, "panels": panels}
        for view in session.views
        if (panels := [_over_known(panel, known) for panel in view["panels"] if panel["series"] in known])
    ]
    own = [{**result, "name": name} for name, result in series.items()]
    said = (session.label, own, views, list(missing.items()))
    result, page = (folder / name for name in _PAGES)
    with suppress(BuildError, KeyError, TypeError):
        (before,) = read_results([result])
        is_same = before["manifest"] == workspace_manifest(*said, session.workspace_id)
        if is_same and page.is_file() and store.exists(before["uri"]):
            return str(before["uri"])
    content = build_workspace_result(*said, store, session.workspace_id)
    write_json(result, content)
    up = os.path.relpath(results.folder / "pictures" / session.id, folder)
    write_page_of(
        content["uri"], content["manifest"], store, page, lambda name: f"{up}/{name}.png", str(result)
    )
    return str(content["uri"])


def _over_known(panel: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """A panel over whose series only those of the session are drawn."""
    over = [name for name in panel.get("over") or () if name in known]
    return {
        **{key: value for key, value in panel.items() if key != "over"},
        **({"over": over} if over else {}),
    }


def remove_sessions(results: Results, kept: set[str]) -> None:
    """Remove what is left of sessions that the last index names, and that are no more."""
    for identity in _indexed(results) - kept:
        _remove(results.of_session(identity), _PAGES)
        names = set()
        for kind in ("artifacts", "building", "failures", "ledger", "series"):
            folder = results.folder / kind / identity
            files = [*folder.glob("*.json"), *folder.glob("*.jsonl")]
            names |= {path.stem for path in files}
            _remove(folder, [path.name for path in files])
        shutil.rmtree(results.folder / "ledger" / identity, ignore_errors=True)
        _remove(results.folder / "pictures" / identity, [f"{name}.png" for name in names])


def _remove(folder: Path, names: Iterable[str]) -> None:
    """Remove files, and their folder unless others have put something there: recordings may lie in it."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _unsure(configured: Configured, results: Results) -> set[str]:
    """What was made for sessions of which something is wrong: what they have is not known."""
    return {
        f"{session.id}/{path.name.removesuffix('.json')}"
        for session in configured.sessions
        if session.problems
        for path in (results.folder / "artifacts" / session.id).glob("*.json")
    }


def follow_renamed(configured: Configured, results: Results) -> None:
    """Give what was made of samples under the name of a session that is no more to the session that has them now."""
    lacking = [
        each for each in configured.datasets if "/" in each.name and not results.work.samples(each).exists()
    ]
    gone = _indexed(results) - {session.id for session in configured.sessions}
    if not lacking or not gone:
        return
    made: dict[str, Path] = {}
    for identity in sorted(gone):
        for path in sorted((results.folder / "artifacts" / identity).glob("*.json")):
            with suppress(BuildError, KeyError, TypeError):
                (content,) = read_results([path])
                made[json.dumps(content["made_with"], sort_keys=True)] = path
    for dataset in lacking:
        before = made.pop(json.dumps(what_decides_samples(dataset), sort_keys=True), None)
        if before is not None:
            after = results.work.samples(dataset)
            after.parent.mkdir(parents=True, exist_ok=True)
            before.rename(after)


def _indexed(results: Results) -> set[str]:
    """The ids of the sessions of the last index."""
    with suppress(BuildError, KeyError, TypeError):
        (index,) = read_results([results.sessions])
        return {each["id"] for each in index["sessions"] if is_session_id(each["id"])}
    return set()
