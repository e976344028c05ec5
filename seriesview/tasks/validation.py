"""Checking what a task was asked: names, types, ranges and sizes of its arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from seriesview.errors import SeriesviewError, TaskError
from seriesview.store.uris import parse_uri

MAX_INDEX = 2**53
"""Integers are exact up to here in JavaScript, whose numbers requests are written in."""

MAX_TIME = 1e15
"""Seconds; 30 million years either way."""

MAX_TEXT = 1000

_URI = re.compile(
    r"sha1://[0-9a-f]{40}/[^/?#\\\x00-\x20\x7f\ud800-\udfff]+(\?manifest=[0-9a-f]{40})?", re.ASCII
)


class Arguments:
    """The arguments of one task; every getter raises TaskError for what it does not expect."""

    def __init__(self, kwargs: object, required: Sequence[str], optional: Sequence[str] = ()) -> None:
        if not isinstance(kwargs, Mapping):
            raise TaskError(f"kwargs: expected an object, found {shown(kwargs)}")
        known = [*required, *optional]
        for name in kwargs:
            if name not in known:
                expected = f"there are {', '.join(known)}" if known else "none is expected"
                raise TaskError(f"unknown argument {shown(name)}; {expected}")
        for name in required:
            if name not in kwargs:
                raise TaskError(f"argument {name} is missing")
        self._kwargs = kwargs

    def uri(self, name: str) -> str:
        """A URI `sha1://HASH/NAME`, also with `?manifest=HASH`."""
        value = self._kwargs[name]
        if type(value) is str and len(value) <= MAX_TEXT and _URI.fullmatch(value):
            try:
                parse_uri(value)
            except (SeriesviewError, UnicodeError):
                pass
            else:
                return value
        raise TaskError(
            f"{name}: expected a URI sha1://HASH/NAME with 40 lower-case hexadecimal digits, found {shown(value)}"
        )

    def integer(self, name: str, minimum: int, maximum: int = MAX_INDEX) -> int:
        """An integer from `minimum` to `maximum`; a boolean is none."""
        value = self._kwargs[name]
        if type(value) is not int or not minimum <= value <= maximum:
            raise TaskError(f"{name}: expected an integer from {minimum} to {maximum}, found {shown(value)}")
        return value

    def time(self, name: str) -> float:
        """A time in seconds, an integer or a finite float."""
        value = self._kwargs[name]
        if type(value) not in (int, float) or not -MAX_TIME <= value <= MAX_TIME:
            raise TaskError(f"{name}: expected a time in seconds, found {shown(value)}")
        return float(value)

    def flag(self, name: str) -> bool:
        """True or false; false where it is left out."""
        value = self._kwargs.get(name, False)
        if not isinstance(value, bool):
            raise TaskError(f"{name} is {shown(value)}; expected true or false")
        return value

    def one_of(self, name: str, choices: Sequence[str]) -> str:
        """One of a few texts."""
        value = self._kwargs[name]
        if type(value) is not str or value not in choices:
            raise TaskError(f"{name}: expected one of {', '.join(choices)}, found {shown(value)}")
        return value

    def channels(self, name: str, maximum: int) -> list[str] | None:
        """Ids of channels, at least one and each once; None, or left out, is all of them."""
        value = self._kwargs.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not value or len(value) > maximum:
            raise TaskError(
                f"{name}: expected null or a list of 1 to {maximum} channel ids, found {shown(value)}"
            )
        for channel in value:
            if type(channel) is not str or len(channel) > MAX_TEXT:
                raise TaskError(f"{name}: expected channel ids, which are texts, found {shown(channel)}")
        if len(set(value)) != len(value):
            raise TaskError(f"{name}: a channel is named twice")
        return value


def shown(value: object) -> str:
    """A value in a message: short, whatever it is."""
    if isinstance(value, str):
        return repr(value[:60]) + ("..." if len(value) > 60 else "")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "a number that is not finite"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}"
