"""What came of a task: bytes to store, or a message; within what the protocol can carry."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from seriesview.errors import SeriesviewError, TaskError, tag
from seriesview.tasks.failures import presentable
from seriesview.terms import bytes_in_words

MAX_ERROR_UNITS = 990
"""UTF-16 units: a kachery daemon loses messages of 1000 and more."""

_LONG_TEXT = 4096
_MARKED_DEPTH = 3
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


def failure(error: SeriesviewError) -> Outcome:
    """Return an outcome with a message that fits: a code, and a sentence that names no local place."""
    mark = tag(error)
    return Outcome(error=mark + presentable(str(error), MAX_ERROR_UNITS - len(mark)))


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
            f"the result has {bytes_in_words(size)}, more than the {bytes_in_words(max_bytes)} that this backend "
            "sends; ask for less",
            code="too-large",
        )
    pieces = text.encode("ascii").split(mark.encode())
    return b"".join(piece for pair in zip_longest(pieces, long_texts, fillvalue=b"") for piece in pair)


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
