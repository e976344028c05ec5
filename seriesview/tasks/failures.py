"""What whoever asked is told when a task fails: what and what to do, without local paths, not too long."""

from __future__ import annotations

import re

from seriesview.errors import (
    IntegrityError,
    MissingArtifactError,
    SeriesviewError,
    StoreError,
    TaskError,
)

MAX_MESSAGE = 900
"""UTF-16 units; a kachery daemon drops messages of 1000 and more."""

_SHA1 = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
_NOT_STORED = re.compile(r"SHA-1 [0-9a-f]{40} is not in ")
_LINKED = "linked file "
_CHANGE = re.compile(r"is gone(?=;)|changed \([\w ,.]+\)(?=;)")
_PATH = re.compile(r"(?:file:/|(?<![\w:/%.~)\]-])/)[^\s:;,'\"()]+")


def public_error(error: BaseException) -> TaskError:
    """The error for whoever asked; the cause, with all that it says, is for the log of the backend."""
    return TaskError(_shortened(_PATH.sub("(a local file)", _message(error))))


def _message(error: BaseException) -> str:
    text = str(error)
    found = _SHA1.search(text)
    name = f"SHA-1 {found[0]}" if found else "an artifact of it"
    if isinstance(error, MissingArtifactError):
        if _NOT_STORED.search(text):
            return (
                f"{name} is not in the store of the backend; copy it there, or build what it belongs to again"
            )
        if not text.startswith(_LINKED):
            return "something else stands in the place of an artifact in the store of the backend; its log says where"
        change = _CHANGE.search(text)
        return (
            f"the file that this series is linked to {change[0] if change else 'is gone, or cannot be read'}; put it "
            "back, find it with `seriesview relink`, or build the series again. What lies on whole bins can still be "
            "asked for"
        )
    if isinstance(error, IntegrityError):
        return (
            f"stored bytes are damaged: {name} is not what its hash or its manifest says; `seriesview verify` "
            "lists what is, and building again replaces it"
        )
    if isinstance(error, StoreError | OSError):
        return "the backend cannot read its store, or a file linked there; its log says why"
    if isinstance(error, SeriesviewError):
        return text
    if isinstance(error, MemoryError):
        return "the backend has not enough memory for this; ask for less"
    return f"internal error ({type(error).__name__}); the log of the backend has the details"


def _shortened(text: str) -> str:
    """One line that can be written as UTF-8, of at most MAX_MESSAGE UTF-16 units."""
    line = " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
    units = line.encode("utf-16-le")
    if len(units) <= 2 * MAX_MESSAGE:
        return line or "the task failed"
    return units[: 2 * MAX_MESSAGE].decode("utf-16-le", "ignore") + "..."
