"""The sessions of a configuration as its build found them, noted for the other processes of the same build.

Files may come and go meanwhile: a job is to take the datasets that it was planned with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from seriesview.build.results import read_note, write_note
from seriesview.pipeline.sessions import ConfiguredSession

_FIELDS = tuple(field.name for field in fields(ConfiguredSession))


class NotedSessions(NamedTuple):
    """The sessions, what they are called together, and the id of that."""

    label: str
    id: str | None
    sessions: tuple[ConfiguredSession, ...]


def note_sessions(content: Mapping[str, Any], sessions: Sequence[ConfiguredSession], results: Path) -> None:
    """Note the sessions of a checked configuration in a folder of results. Raises BuildError."""
    found = {
        "of": _told_by(content),
        "label": content.get("workspace") or "workspace",
        "id": content.get("id"),
        "sessions": list(map(_as_json, sessions)),
    }
    write_note(_place(results), found)


def noted_sessions(results: Path, content: Mapping[str, Any] | None = None) -> NotedSessions | None:
    """The sessions that are noted in a folder of results; None where there are none, or not those of `content`."""
    found = read_note(_place(results))
    if found is None or (content is not None and found["of"] != _told_by(content)):
        return None
    sessions = tuple(ConfiguredSession(**each) for each in found["sessions"])
    return NotedSessions(found["label"], found["id"], sessions)


def in_a_word(label: str, sessions: Sequence[ConfiguredSession]) -> str:
    """What is known of sessions, in a word."""
    return _hash([label, *map(_as_json, sessions)])


def _told_by(content: Mapping[str, Any]) -> str:
    """What of a configuration its sessions depend on, in a word."""
    return _hash([content.get(key) for key in ("sessions", "workspace", "id")])


def _as_json(session: ConfiguredSession) -> dict[str, Any]:
    return {name: getattr(session, name) for name in _FIELDS}


def _hash(what: Any) -> str:
    return hashlib.sha1(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _place(results: Path) -> Path:
    return results / "ledger" / "sessions.json"
