"""The sessions that a configuration's `sessions:` stand for: which there are, and what each one's datasets are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seriesview.config.model import NAME_PATTERN
from seriesview.config.patterns import filled_in, has_shell_wildcards, matches, wildcards
from seriesview.config.session_table import read_table
from seriesview.config.session_words import (
    filled_entry,
    filled_view,
    texts_of_sessions,
    unknown_wildcards,
)
from seriesview.errors import ConfigError

# What lies in a folder of results beside the folders of sessions.
_TAKEN = frozenset(
    (
        *(
            "artifacts",
            "benchmarks",
            "building",
            "chunks",
            "entries",
            "failures",
            "index.html",
            "ledger",
            "logs",
            "outcomes",
        ),
        *("pictures", "report", "series", "seriesview.lock", "sessions.json", "sessions.tsv", "shards"),
        "workspace.json",
    )
)
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._-]+")
_SHOWN = 3


@dataclass(frozen=True)
class Session:
    """One session of a configuration.

    `values`: what its wildcards stand for. `paths`: what its pattern or line names. `datasets` are filled in; none
    where it has whatever its paths hold. `problems`: why a dataset, by its name, cannot be built.
    """

    id: str
    label: str
    values: Mapping[str, str]
    paths: tuple[str, ...] = ()
    datasets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    views: tuple[Mapping[str, Any], ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Found:
    """A session as the pattern or the table has it; `where` that stands."""

    where: str
    values: Mapping[str, str]
    paths: tuple[str, ...]


def sessions_of(content: Mapping[str, Any]) -> list[Session]:
    """The sessions of a checked configuration, in the order of their paths or lines.

    Folders are looked into for what patterns match, and no file is opened but the table. Raises ConfigError with every
    problem.
    """
    sessions = content.get("sessions")
    if not sessions:
        return []
    found = _in_table(sessions) if sessions.get("table") else _by_pattern(sessions["path"])
    made: dict[str, tuple[_Found, Session]] = {}
    wrong: list[str] = []
    for each in found:
        try:
            session = _session(sessions, each)
        except (KeyError, ValueError) as error:
            lacking = f"{error.args[0]} is not known, which a text with {{{error.args[0]}}} needs"
            wrong.append(f"{each.where}: {lacking if isinstance(error, KeyError) else error}")
            continue
        if problem := _problem_of(session.id, made.get(session.id)):
            wrong.append(f"{each.where}: {problem}")
        else:
            made[session.id] = (each, session)
    if wrong:
        raise ConfigError(wrong)
    return [session for _, session in made.values()]


def is_session_id(text: Any) -> bool:
    """Whether a session may be called so: nothing else in a folder of results is."""
    return isinstance(text, str) and re.fullmatch(NAME_PATTERN, text) is not None and text not in _TAKEN


def _by_pattern(pattern: str) -> list[_Found]:
    """One session for each set of values; its paths are all that have it."""
    try:
        found = matches(pattern)
    except OSError as error:
        raise ConfigError([f"sessions.path: {error.filename}: {error.strerror}"]) from error
    except ValueError as error:
        raise ConfigError([f"sessions.path: {error}"]) from error
    if not found:
        raise ConfigError(
            [f"sessions.path: nothing matches {pattern!r} (relative paths start at {Path.cwd()})"]
        )
    paths: dict[tuple[str, ...], list[str]] = {}
    names = wildcards(pattern)
    for match in found:
        paths.setdefault(tuple(match.values[name] for name in names), []).append(match.path)
    return [
        _Found(f"sessions.path: {each[0]}", dict(zip(names, values, strict=True)), tuple(each))
        for values, each in paths.items()
    ]


def _in_table(sessions: Mapping[str, Any]) -> Iterator[_Found]:
    """One session for each line, with the columns that it has."""
    table, pattern = sessions["table"], sessions.get("path")
    rows = read_table(Path(table))
    columns = tuple(dict.fromkeys(name for _, row in rows for name in row))
    wrong = [
        f"sessions.{where}: {problem}"
        for where, text in texts_of_sessions(sessions)
        for problem in unknown_wildcards(text, columns)
    ]
    wrong += [
        f"{table}: line {number}: path is not known, and `sessions` has neither `path` nor `datasets` that say it"
        for number, row in rows
        if not (row.get("path") or pattern or sessions.get("datasets"))
    ]
    if wrong:
        raise ConfigError(wrong)
    for number, row in rows:
        paths: tuple[str, ...] = (row["path"],) if "path" in row else ()
        if not paths and pattern and not set(wildcards(pattern)) - row.keys():
            try:
                paths = _resolved(pattern, row)
            except ValueError as error:
                raise ConfigError([f"{table}: line {number}: {error}"]) from error
        yield _Found(f"{table}: line {number}", row, paths)


def _resolved(text: str, values: Mapping[str, str]) -> tuple[str, ...]:
    """The paths that a text with wildcards means in a session; what is not there stands as it would be called.

    Raises KeyError with the name of a wildcard without a value, ValueError for what is no pattern, or cannot be looked
    into.
    """
    filled = filled_in(text, values)
    if not has_shell_wildcards(text):
        return (filled,)
    try:
        return tuple(match.path for match in matches(text, values)) or (filled,)
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}") from error


def _session(sessions: Mapping[str, Any], found: _Found) -> Session:
    """One session filled in. Raises KeyError with the name of a wildcard without a value, ValueError."""
    values = found.values
    identity = _NOT_IN_IDS.sub("_", values.get("id") or _id_of(sessions, values)).lstrip(".-")
    label = sessions.get("label")
    datasets: dict[str, Mapping[str, Any]] = {}
    problems: dict[str, str] = {}
    for name, entry in sessions["datasets"].items():
        filled = filled_entry(entry, values)
        if "from" in entry:
            datasets[name] = filled
            continue
        paths = _resolved(entry["path"], values) if entry.get("path") else found.paths
        if len(paths) == 1:
            datasets[name] = {**filled, "path": paths[0]}
        elif paths:
            problems[name] = f"path: {len(paths)} files match: {_some(paths)}; say which one with `path`"
        else:
            problems[name] = "path is missing: neither the session nor this dataset has one"
    for name in list(datasets):
        # What is made of another one cannot be without it.
        source = name
        while (source := str(datasets.get(source, {}).get("from", ""))) and source not in problems:
            pass
        if source:
            del datasets[name]
            problems[name] = f"from: {source} cannot be built"
    return Session(
        id=identity,
        label=filled_in(label, values) if label else values.get("label", identity),
        values={key: value for key, value in values.items() if key not in ("id", "path", "label")},
        paths=found.paths,
        datasets=datasets,
        views=tuple(filled_view(view, values) for view in sessions.get("views") or ()),
        problems=problems,
    )


def _id_of(sessions: Mapping[str, Any], values: Mapping[str, str]) -> str:
    if given := sessions.get("id"):
        return filled_in(given, values)
    paths = (text for where, text in texts_of_sessions(sessions) if where.endswith("path"))
    used = dict.fromkeys(name for each in paths for name in wildcards(each))
    if not used:
        raise ValueError(
            "id is not known: give the table a column `id`, or `sessions` an `id: ...{column}...`"
        )
    return "_".join(values[name] for name in used)


def _problem_of(identity: str, other: tuple[_Found, Session] | None) -> str | None:
    """Why a session cannot be called so."""
    if other is not None:
        return f"is called {identity}, as is {other[0].where}; tell them apart with `sessions.id`"
    if re.fullmatch(NAME_PATTERN, identity) is None:
        return f"{identity[:100]!r} is no name for a session: at least one letter or digit, at most 100"
    if not is_session_id(identity):
        return f"a session cannot be called {identity}, which lies in the folder of results; give it an `id`"
    return None


def _some(paths: Sequence[str]) -> str:
    more = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
