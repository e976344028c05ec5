"""The sessions of a configuration as datasets and views: where it names no datasets, whatever recordings hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress, zip_longest
from pathlib import Path
from typing import Any

from seriesview.build.findings import Entry, dataset_name, name_of
from seriesview.config.sessions import Session, sessions_of
from seriesview.errors import SeriesviewError
from seriesview.pipeline.default_views import default_views
from seriesview.pipeline.found_before import FoundBefore
from seriesview.pipeline.recordings import choose
from seriesview.readers.registry import located

_SEPARATORS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class ConfiguredSession:
    """A session whose recordings were looked into: `entries` of its datasets by their names in its workspace, `views`.

    `id` names it in results and links, `workspace_id` its workspace; `values`: what its wildcards stand for.
    `problems`: why what should be in it cannot be built, by name; `notes`: what its recordings hold and it does not.
    `has_names`: whether the configuration names its datasets.
    """

    id: str
    label: str
    values: Mapping[str, str]
    workspace_id: str
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    views: Sequence[Mapping[str, Any]] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    has_names: bool = True

    @cached_property
    def names(self) -> dict[str, str]:
        """What its datasets are called in the whole configuration, by their names in its workspace."""
        return {name: f"{self.id}/{name}" for name in self.entries}

    @property
    def datasets(self) -> dict[str, Mapping[str, Any]]:
        """Its datasets as the configuration has them, by the names that they have there."""
        return {self.names[name]: entry for name, entry in self.entries.items()}


def configured_sessions(content: Mapping[str, Any], results: Path) -> tuple[ConfiguredSession, ...]:
    """The sessions of a checked configuration with its defaults filled in. Raises ConfigError.

    What recordings hold is noted in the folder of `results`, and is not looked for again while their files stay as they
    are.
    """
    workspace = content.get("id") or content.get("workspace") or "workspace"
    sessions = sessions_of(content)
    if not sessions or content["sessions"]["datasets"]:
        return tuple(
            replace(
                _of_workspace(each, workspace),
                entries=each.datasets,
                views=each.views,
                problems=each.problems,
            )
            for each in sessions
        )
    before = FoundBefore(results)
    defaults = content["sessions"]["defaults"]
    found = tuple(
        replace(_of_workspace(each, workspace), has_names=False, **_looked_into(each, defaults, before))
        for each in sessions
    )
    before.keep()
    return found


def _of_workspace(session: Session, workspace: str) -> ConfiguredSession:
    return ConfiguredSession(session.id, session.label, session.values, f"{workspace}/{session.id}")


def _looked_into(session: Session, defaults: Mapping[str, Any], before: FoundBefore) -> dict[str, Any]:
    if not session.paths:
        return {"problems": {"recording": "path is not known"}}
    return before.of(
        session.paths, [defaults, session.label, session.values], lambda: _found(session, defaults)
    )


def _found(session: Session, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What the recordings of a session hold, as JSON has it: the fields of a ConfiguredSession."""
    given = {
        key: value for key, value in defaults.items() if key not in ("path", "reader", "follow_external")
    }
    try:
        chosen = choose(
            session.paths,
            given,
            _in_defaults,
            defaults.get("reader"),
            bool(defaults.get("follow_external", False)),
        )
    except SeriesviewError as error:
        return {"problems": {"recording": str(error)}}
    entries = _named(chosen.entries, session)
    return {
        "entries": {entry.name: entry.keys for entry in entries},
        "views": default_views(entries, session.label),
        "notes": list(chosen.left_out),
    }


def _in_defaults(_: str, keys: Sequence[str]) -> str:
    return f"`defaults: {{{', '.join(f'{key}: ...' for key in keys)}}}` in the configuration"


def _named(entries: Sequence[Entry], session: Session) -> list[Entry]:
    """The entries with names that say nothing of the session, so that they are the same in each."""
    inside = [entry.found.dataset for entry in entries if entry.found is not None and entry.found.dataset]
    is_told_inside = len(set(inside)) == len(entries)
    paths = list(dict.fromkeys(entry.keys["path"] for entry in entries))
    stems = dict.fromkeys(paths, "") if is_told_inside else _stems(paths, session.values)
    taken: list[str] = []
    named = []
    for entry in entries:
        dataset = entry.found.dataset if entry.found is not None else None
        stem = stems[entry.keys["path"]] or ("" if dataset else entry.role or entry.type or "")
        several = sum(other.keys["path"] == entry.keys["path"] for other in entries) > 1
        name = dataset_name(stem, dataset if several or not stem else None, taken)
        taken.append(name)
        named.append(entry._replace(name=name))
    return named


def _stems(paths: Sequence[str], values: Mapping[str, str]) -> dict[str, str]:
    """What tells several files of a session apart: their names, else the folders in which they differ."""
    if len(paths) == 1:
        return {paths[0]: ""}
    stems = {path: _without(name_of(located(path)), values) for path in paths}
    if len(set(stems.values())) == len(paths):
        return stems
    parts = {path: path.split("/") for path in paths}
    differs = [len(set(column)) > 1 for column in zip_longest(*parts.values())]
    return {path: _without("_".join(compress(own, differs)), values) for path, own in parts.items()}


def _without(stem: str, values: Mapping[str, str]) -> str:
    """A file's name without what its session's wildcards stand for, and the keys of BIDS in front of those."""
    for value in sorted(values.values(), key=len, reverse=True):
        stem = re.sub(rf"(?<![A-Za-z0-9])(?:[A-Za-z]+-)?{re.escape(value)}(?![A-Za-z0-9])", "_", stem)
    return _SEPARATORS.sub(lambda found: found[0][0], stem).strip("_-. ")
