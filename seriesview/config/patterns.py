"""Patterns of paths with named wildcards: what they match, and texts in which the wildcards are filled in.

`{name}` stands for a stretch of a file's or folder's name, the longest that fits, and for the same wherever it stands
again. `*`, `?`, `[...]` and `**` are as in a shell, `{{` and `}}` are braces themselves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from seriesview.documents.problems import shown

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_BRACES = re.compile(r"\{\{|\}\}|\{(" + NAME + r")\}|[{}]")
_SHELL = re.compile(r"[*?\[]")
_ANY_FOLDERS = "**"


@dataclass(frozen=True)
class Match:
    """A file or folder that a pattern matches, and what its wildcards stand for there."""

    path: str
    values: Mapping[str, str] = field(default_factory=dict)


def wildcards(text: str) -> tuple[str, ...]:
    """The names of the wildcards in a text, in order. Raises ValueError with what is wrong with its braces."""
    names = [name for name, _ in _pieces(text) if name]
    return tuple(dict.fromkeys(names))


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """The text with its wildcards filled in. Raises KeyError with the name of one that has no value."""
    return "".join(values[name] if name else piece for name, piece in _pieces(text))


def has_shell_wildcards(text: str) -> bool:
    """Whether a pattern may match several paths whatever its named wildcards stand for."""
    return _SHELL.search(text) is not None


def matches(pattern: str, values: Mapping[str, str] | None = None) -> list[Match]:
    """The files and folders that a pattern matches, in the order of their names; `values`: what is known already.

    Hidden ones are matched only where a pattern says the dot. Raises OSError where a folder cannot be looked into,
    ValueError for what is no pattern.
    """
    parts = [part for part in pattern.split("/") if part]
    start = "/" if pattern.startswith("/") else ""
    try:
        return [Match(path, found) for path, found in _below(start, parts, dict(values or {}))]
    except re.error as error:
        raise ValueError(f"{shown(pattern)}: {error.msg}") from error


def _below(
    folder: str, parts: Sequence[str], values: Mapping[str, str]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    part, rest = parts[0], parts[1:]
    if part == _ANY_FOLDERS:
        if rest:
            yield from _below(folder, rest, values)
        for name in _names(folder, folders_only=True):
            if not name.startswith(".") and not os.path.islink(folder + name):  # noqa: PTH114
                yield from _below(f"{folder}{name}/", parts, values)
        return
    if not _SHELL.search(part) and set(wildcards(part)) <= values.keys():
        path = folder + filled_in(part, values)
        if os.path.isdir(path) if rest else os.path.exists(path):  # noqa: PTH110, PTH112
            yield from _below(f"{path}/", rest, values) if rest else [(path, values)]
        return
    expression = re.compile(_expression(part, values), re.DOTALL)
    for name in _names(folder, folders_only=bool(rest)):
        found = expression.fullmatch(name)
        if found is None or (name.startswith(".") and not part.startswith(".")):
            continue
        now = {**values, **found.groupdict()}
        yield from _below(f"{folder}{name}/", rest, now) if rest else [(folder + name, now)]


def _names(folder: str, folders_only: bool) -> list[str]:
    try:
        with os.scandir(folder or ".") as entries:
            return sorted(entry.name for entry in entries if not folders_only or entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _expression(part: str, values: Mapping[str, str]) -> str:
    """A regular expression of the names that one part of a pattern matches."""
    text, seen = "", set[str]()
    for name, piece in _pieces(part):
        if name is None:
            text += _of_shell(piece)
        elif name in values:
            text += re.escape(values[name])
        else:
            text += f"(?P={name})" if name in seen else f"(?P<{name}>.+)"
            seen.add(name)
    return text


def _of_shell(piece: str) -> str:
    text, place = "", 0
    while place < len(piece):
        character = piece[place]
        place += 1
        # A bracket that comes first is one of the characters.
        end = piece.find("]", place + 1 + (piece[place : place + 1] == "!")) if character == "[" else -1
        if end > 0:
            inside = piece[place:end]
            is_other = inside.startswith("!")
            inside = re.sub(r"([\\\[&~|^])", r"\\\1", inside[is_other:])
            text += f"[{'^' if is_other else ''}{inside}]"
            place = end + 1
        else:
            text += {"*": ".*", "?": "."}.get(character, re.escape(character))
    return text


def _pieces(text: str) -> Iterator[tuple[str | None, str]]:
    """The names of wildcards, and what stands between them as (None, text)."""
    place = 0
    for found in _BRACES.finditer(text):
        if found.start() > place:
            yield None, text[place : found.start()]
        place = found.end()
        if found[1]:
            yield found[1], ""
        elif len(found[0]) == 2:
            yield None, found[0][0]
        else:
            raise ValueError(
                f"{shown(text)}: a wildcard is {{name}}, of letters, digits and '_'; braces that mean themselves "
                "are {{ and }}"
            )
    if place < len(text):
        yield None, text[place:]
