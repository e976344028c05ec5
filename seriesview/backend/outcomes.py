"""What came of a task: bytes to store, or a message; within what the protocol can carry."""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from seriesview.errors import TaskError

MAX_ERROR_UNITS = 990
"""UTF-16 units: a kachery daemon loses messages of 1000 and more."""


_LONG_TEXT = 4096
_MARKED_DEPTH = 3
_REQUEST = re.compile(r"/task/\w+(?:\?[^\s:]*)?: (?=[0-9]{3}\b)")
_PATH = re.compile(r"(?<![\w:/.%~)\]-])/[^\s:;,'\"()]+")
_UNESCAPED = bytes(set(range(0x20, 0x7F)) - set(b'"\\'))


@dataclass(frozen=True)
class Outcome:
    """The end of a task."""

    result: bytes | None = None
    """JSON; None for actions and errors."""
    error: str | None = None

    @property
    def status(self) -> str:
        """`finished` or `error`, as the protocol has it."""
        return "finished" if self.error is None else "error"


def failure(message: str) -> Outcome:
    """Return an outcome with a message that fits, and names neither local files nor requests to the daemon."""
    return Outcome(error=shortened(_PATH.sub(_hidden, _REQUEST.sub("", message))))


def encode_result(value: object, max_bytes: int) -> bytes:
    """Return compact ASCII JSON of a result; raises TaskError for what JSON cannot say, and for too much."""
    if value is None:
        raise TaskError("the function returned nothing, which is no result")
    mark = secrets.token_hex(16)
    long_texts: list[bytes] = []
    try:
        marked = _marked(value, mark, long_texts, _MARKED_DEPTH)
        text = json.dumps(marked, separators=(",", ":"), allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise TaskError(f"the result cannot be written as JSON: {error}") from error
    size = len(text) + sum(map(len, long_texts)) - len(mark) * len(long_texts)
    if size > max_bytes:
        raise TaskError(
            f"the result has {size / 1e6:.1f} MB, more than the {max_bytes / 1e6:.1f} MB that this backend "
            "sends; ask for less"
        )
    pieces = text.encode("ascii").split(mark.encode())
    return b"".join(piece for pair in zip_longest(pieces, long_texts, fillvalue=b"") for piece in pair)


def shortened(message: str) -> str:
    """Return one line that is not empty, can be written as UTF-8 and has at most MAX_ERROR_UNITS UTF-16 units."""
    line = " ".join(message.encode("utf-8", "backslashreplace").decode("utf-8").split()) or "the task failed"
    units = line.encode("utf-16-le")
    if len(units) <= 2 * MAX_ERROR_UNITS:
        return line
    return units[: 2 * (MAX_ERROR_UNITS - 3)].decode("utf-16-le", "ignore") + "..."


def _hidden(found: re.Match[str]) -> str:
    """What stands in a message for something that looks like a path.

    A name alone behind a slash is a place only where this machine has it. A path of several is taken for one
    wherever it would lie, since the node may run on another machine.
    """
    path = found[0]
    names = [name for name in path.split("/") if name]
    if len(names) > 1 or (names and _is_here(names[0])):
        return "(a local place)"
    return path


def _is_here(name: str) -> bool:
    try:
        return os.path.lexists(f"/{name}")
    except ValueError:
        return False  # no file can be called so


def _marked(value: Any, mark: str, long_texts: list[bytes], depth: int) -> Any:
    """The value with `mark` in place of long texts, in order, that stand in JSON as they are.

    Arrays in base64 are such texts; to look at each of their characters would take most of a task's time.
    """
    if isinstance(value, str) and len(value) >= _LONG_TEXT and value.isascii():
        data = value.encode("ascii")
        if not data.translate(None, _UNESCAPED):
            long_texts.append(data)
            return mark
    elif isinstance(value, dict) and depth > 0:
        return {key: _marked(item, mark, long_texts, depth - 1) for key, item in value.items()}
    return value


def _plain(value: Any) -> Any:
    """A numpy scalar as Python's own number or boolean."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not a JSON value")
