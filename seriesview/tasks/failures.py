"""What whoever asked is told when a task fails: what and what to do, without local paths, not too long."""

from __future__ import annotations

import os
import re
from typing import cast

from seriesview.errors import (
    PUBLIC_FACTS,
    Code,
    Facts,
    IntegrityError,
    SeriesviewError,
    StoreError,
    TaskError,
)

MAX_SENTENCE = 900
"""UTF-16 units; a kachery daemon drops messages of 1000 and more, and a code stands before them."""

_SOURCE = (
    "the file that this series is linked to {change}; put it back, find it with `seriesview relink`, or build the "
    "series again. What lies on whole bins can still be asked for"
)
_STORE = "the backend cannot read its store, or a file linked there; its log says why"
# Of errors whose own sentences name places of the backend's machine.
_SENTENCES: dict[Code, str] = {
    "artifact-damaged": "stored bytes are damaged: {artifact} is not what its hash or its manifest says; `seriesview "
    "verify` lists what is, and building again replaces it",
    "artifact-left-out": "samples that this needs were left out of this copy when it was made; ask for whole bins of a "
    "level, or ask who made it for them",
    "artifact-missing": "{artifact} is not in the store of the backend; copy it there, or build what it belongs to "
    "again",
    "artifact-replaced": "something else stands in the place of an artifact in the store of the backend; its log says "
    "where",
    "not-permitted": _SOURCE,
    "source-changed": _SOURCE,
    "source-gone": _SOURCE,
    "source-unreadable": _SOURCE,
}
_CHANGES: dict[Code, str] = {"source-gone": "is gone", "source-changed": "changed ({change})"}
# Of a place, wherever it stands in a sentence.
_PLACE = re.compile(r"(?:file:/|(?<![\w:/%.~)\]-])/)[^\s:;,'\"()]+")


def public_error(error: BaseException) -> TaskError:
    """The error for whoever asked; the cause, with all that it says, is for the log of the backend."""
    if isinstance(error, MemoryError):
        return TaskError("the backend has not enough memory for this; ask for less", code="no-memory")
    if isinstance(error, OSError):
        return TaskError(_STORE, code="store-unusable")
    if not isinstance(error, SeriesviewError):
        kind = type(error).__name__
        return TaskError(
            f"internal error ({kind}); the log of the backend has the details", code="internal-error"
        )
    facts = {name: value for name, value in error.facts.items() if name in PUBLIC_FACTS}
    return TaskError(_sentence(error), code=error.code, **cast(Facts, facts))


def _sentence(error: SeriesviewError) -> str:
    is_of_store = isinstance(error, StoreError | IntegrityError)
    if is_of_store and error.code in _SENTENCES:
        sha1 = error.facts.get("sha1")
        change = _CHANGES.get(error.code, "is gone, or cannot be read").format(
            change=error.facts.get("change")
        )
        artifact = "an artifact of it" if sha1 is None else f"SHA-1 {sha1}"
        return _SENTENCES[error.code].format(artifact=artifact, change=change)
    return _STORE if is_of_store else presentable(str(error), MAX_SENTENCE)


def presentable(text: str, most_units: int) -> str:
    """What an error says as one line that can be sent: it names no local place, and has at most so many UTF-16 units.

    Nothing is read from the words: what looks like a path is hidden, whoever wrote them.
    """
    line = " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
    units = _PLACE.sub(_hidden, line).encode("utf-16-le")
    if len(units) > 2 * most_units:
        return units[: 2 * (most_units - 3)].decode("utf-16-le", "ignore") + "..."
    return units.decode("utf-16-le") or "the task failed"


def _hidden(found: re.Match[str]) -> str:
    """What stands in a message for something that looks like a path.

    A name alone behind a slash is a place only where this machine has it. A path of several is taken for one
    wherever it would lie, since the node may run on another machine.
    """
    names = [name for name in found[0].removeprefix("file:").split("/") if name]
    return "(a local place)" if len(names) > 1 or (names and _is_here(names[0])) else found[0]


def _is_here(name: str) -> bool:
    try:
        return os.path.lexists(f"/{name}")
    except ValueError:
        return False  # no file can be called so
