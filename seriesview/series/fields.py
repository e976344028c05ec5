"""Typed access to the keys of a JSON object, with errors that name the key."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.errors import FormatError

SHA1_URI = re.compile(r"sha1://[0-9a-f]{40}/[^/?#]+(\?manifest=[0-9a-f]{40})?")
_LARGEST = (1 << 63) - 1
_MOST_RESULT_BYTES = 64 << 20
NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def json_number(value: float) -> float | str:
    """A number as JSON can hold it: NaN and infinities as the strings "NaN", "Infinity", "-Infinity"."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


class Fields:
    """The keys of one JSON object that lies at `where`; every getter raises FormatError."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise FormatError(f"{where}: expected an object, found {type(value).__name__}")
        self._value = value
        self.where = where

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        return self._value.get(key) is not None

    def raw(self) -> Mapping[str, Any]:
        """The object as it is."""
        return self._value

    def get(self, key: str) -> Any:
        """The value of a key, unchecked; None where it is missing."""
        return self._value.get(key)

    def at(self, key: str) -> str:
        """Where the key lies, for messages."""
        return f"{self.where}.{key}"

    def text(self, key: str, default: str | None = None) -> str:
        """A string."""
        value = self._value.get(key, default)
        if not isinstance(value, str):
            raise FormatError(f"{self.at(key)}: expected a string, found {shown(value)}")
        return value

    def one_of(self, key: str, choices: tuple[str, ...], default: str | None = None) -> Any:
        """A string out of a few."""
        value = self.text(key, default)
        if value not in choices:
            raise FormatError(f"{self.at(key)}: expected one of {', '.join(choices)}, found {shown(value)}")
        return value

    def optional_text(self, key: str) -> str | None:
        """A string, or None where the key is missing or null."""
        return self.text(key) if self.has(key) else None

    def integer(self, key: str, minimum: int = 0, default: int | None = None) -> int:
        """An integer of at least `minimum`, of 64 bits."""
        value = self._value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= _LARGEST:
            raise FormatError(
                f"{self.at(key)}: expected an integer of at least {minimum} of 64 bits, found {shown(value)}"
            )
        return value

    def flag(self, key: str) -> bool:
        """True or false; false where it is missing."""
        value = self._value.get(key, False)
        if not isinstance(value, bool):
            raise FormatError(f"{self.at(key)}: expected true or false, found {shown(value)}")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number."""
        value = self._value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise FormatError(f"{self.at(key)}: expected a number, found {shown(value)}")
        return value

    def extended_number(self, key: str, default: float) -> float:
        """A number, or one of the strings that stand for NaN and the infinities."""
        value = self._value.get(key, default)
        return (
            NON_FINITE[value] if isinstance(value, str) and value in NON_FINITE else self.number(key, default)
        )

    def optional_number(self, key: str) -> float | None:
        """A finite number, or None where the key is missing or null."""
        return self.number(key) if self.has(key) else None

    def positive(self, key: str) -> float:
        """A finite number above zero."""
        value = self.number(key)
        if value <= 0:
            raise FormatError(f"{self.at(key)}: expected a number above zero, found {value}")
        return value

    def ascending(self, key: str, count: int) -> tuple[float, ...]:
        """So many finite numbers, ascending."""
        values = self.items(key)
        found = tuple(Fields({"": value}, self.at(key)).number("") for value in values)
        if len(found) != count or list(found) != sorted(found):
            raise FormatError(f"{self.at(key)}: expected {count} numbers, ascending")
        return found

    def items(self, key: str, default: list[Any] | None = None) -> list[Any]:
        """A list."""
        value = self._value.get(key, default)
        if not isinstance(value, list):
            raise FormatError(f"{self.at(key)}: expected a list, found {shown(value)}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        values = self.items(key)
        if not all(isinstance(value, str) for value in values):
            raise FormatError(f"{self.at(key)}: expected strings")
        return tuple(values)

    def integers(self, key: str, minimum: int = 0) -> tuple[int, ...]:
        """A list of integers of at least `minimum`."""
        values = self.items(key)
        if not all(
            isinstance(v, int) and not isinstance(v, bool) and minimum <= v <= _LARGEST for v in values
        ):
            raise FormatError(f"{self.at(key)}: expected integers of at least {minimum}")
        return tuple(values)

    def uri(self, key: str) -> str:
        """A well-formed sha1:// URI."""
        return checked_uri(self.text(key), self.at(key))

    def dtype(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """The name of a numeric dtype, without byte order."""
        name = self.text(key, default)
        if name not in allowed:
            raise FormatError(f"{self.at(key)}: dtype {shown(name)} is not one of {', '.join(allowed)}")
        return np.dtype(name).name


def checked_uri(uri: str, where: str) -> str:
    """The URI, if it is a well-formed sha1:// URI; raises FormatError."""
    if SHA1_URI.fullmatch(uri) is None:
        raise FormatError(
            f"{where}: expected sha1://HASH/name with 40 hexadecimal digits, found {shown(uri)}"
        )
    return uri


def result_uri(place: str | Path, kind: str) -> str:
    """The URI itself, or the one that a result file such as `kind` names. Raises FormatError."""
    if isinstance(place, str) and place.startswith("sha1://"):
        return place
    if not isinstance(place, str | PathLike):
        raise FormatError(f"a sha1:// URI or {kind} is expected, found a {type(place).__name__}")
    path = Path(place)
    try:
        result = json.loads(_result_text(path))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FormatError(
            f"{path}: cannot be read as JSON ({reason}); give a sha1:// URI or {kind}"
        ) from error
    uri = result.get("uri") if isinstance(result, dict) else None
    if not isinstance(uri, str):
        raise FormatError(f"{path}: has no key uri; give a sha1:// URI or {kind}")
    return checked_uri(uri, f"{path}: uri")


def _result_text(path: Path) -> str:
    """The text of a regular file of a result's size; of a pipe nothing is waited for. Raises OSError, ValueError."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no regular file")
        content = file.read(_MOST_RESULT_BYTES + 1)
    if len(content) > _MOST_RESULT_BYTES:
        raise ValueError("too large for a result")
    return content.decode("utf-8")


def _is_finite(value: float) -> bool:
    """Whether a double can hold the number, which may be an integer of any length."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def shown(value: Any) -> str:
    """A value for a message, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:
        # Python writes out no integers of more than some thousand digits.
        text = "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."
