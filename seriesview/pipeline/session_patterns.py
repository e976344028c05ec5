"""The pattern of `sessions:` that many paths have in common, or the files of a folder in BIDS."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from seriesview.config.patterns import matches, wildcards
from seriesview.readers.registry import is_remote

LEAST_PATHS = 8
"""Fewer are shown together in one workspace."""
_BIDS = ("sub-{subject}/ses-{session}", "sub-{subject}")
_DATATYPES = {"eeg": ("edf", "bdf", "vhdr", "set"), "ieeg": ("edf", "vhdr", "nwb"), "meg": ("fif",)}
_ENTITIES = {"sub": "subject", "ses": "session", "acq": "acquisition"}
_NAMES = ("subject", "session", "part")
# Characters of nobody's, in place of wildcards.
_MARKS, _NEW = 0xE000, chr(0xF8FF)


@dataclass(frozen=True)
class SessionPattern:
    """A pattern, how many sessions it finds, and one of the paths of the first."""

    pattern: str
    num_sessions: int
    example: str


def session_pattern(paths: Sequence[str]) -> SessionPattern | None:
    """The pattern of many paths of one kind, or of a folder in BIDS; None where they are not such."""
    if any(map(is_remote, paths)) or any(path.startswith("sha1://") for path in paths):
        return None
    patterns = _of_bids(paths[0]) if len(paths) == 1 else _of_paths(paths)
    for pattern in patterns:
        try:
            found = matches(pattern)
        except (OSError, ValueError):
            continue
        names = wildcards(pattern)
        sessions = {tuple(match.values[name] for name in names) for match in found}
        given = {os.path.normpath(path) for path in paths}
        is_of_all = len(paths) == 1 or given <= {os.path.normpath(match.path) for match in found}
        if is_of_all and len(sessions) > 1:
            return SessionPattern(pattern, len(sessions), found[0].path)
    return None


def _of_bids(folder: str) -> list[str]:
    """Patterns that a folder in BIDS may have, those with sessions first."""
    if not os.path.isdir(folder) or not any(name.startswith("sub-") for name in os.listdir(folder)):  # noqa: PTH112, PTH208
        return []
    start = "" if os.path.normpath(folder) == "." else _escaped(folder.rstrip("/")) + "/"
    return [
        f"{start}{levels}/{datatype}/*_{datatype}.{suffix}"
        for levels in _BIDS
        for datatype, suffixes in _DATATYPES.items()
        for suffix in suffixes
    ]


def _of_paths(paths: Sequence[str]) -> list[str]:
    parts = [path.rstrip("/").split("/") for path in paths]
    endings = {os.path.splitext(path.rstrip("/"))[1].lower() for path in paths}  # noqa: PTH122
    if len(set(paths)) < LEAST_PATHS or len(endings) > 1 or len({len(each) for each in parts}) > 1:
        return []
    named: dict[tuple[str, ...], str] = {}
    pattern = "/".join(_part(column, named) for column in map(list, zip(*parts, strict=True)))
    return [pattern] if named else []


def _part(texts: list[str], named: dict[tuple[str, ...], str]) -> str:
    """One part of the pattern: what all begin and end with, and a wildcard; the same one for the same values."""
    marks = {chr(_MARKS + number): (values, name) for number, (values, name) in enumerate(named.items())}
    words = [re.split(r"([A-Za-z0-9]+)", text) for text in texts]
    if len({len(each) for each in words}) == 1:
        for at, column in enumerate(zip(*words, strict=True)):
            mark = next((mark for mark, (values, _) in marks.items() if values == column), None)
            for each in words if mark is not None else ():
                each[at] = str(mark)
        texts = ["".join(each) for each in words]
    first, last = _shared(texts), ""
    if len(set(texts)) > 1:
        # A number is one from its first digit to its last.
        first = first.rstrip("0123456789")
        ends = [text[len(first) :] for text in texts]
        last = _shared([text[::-1] for text in ends])[::-1].lstrip("0123456789")
        values = tuple(text[: len(text) - len(last)] for text in ends)
        if values not in named:
            named[values] = _name(first, list(named.values()))
        marks[_NEW] = (values, named[values])
        first += _NEW
    pattern = _escaped(first + last)
    for mark, (_, name) in marks.items():
        pattern = pattern.replace(mark, f"{{{name}}}")
    return pattern


def _shared(texts: Sequence[str]) -> str:
    """What all begin with."""
    least, most = min(texts), max(texts)
    number = next((at for at, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), len(least))
    return least[:number]


def _name(first: str, taken: Sequence[str]) -> str:
    """A name for a wildcard: of the entity of BIDS in front of it, else by its place."""
    entity = re.search(r"([a-z]+)-$", first)
    wanted = _ENTITIES.get(entity[1], entity[1]) if entity else _NAMES[min(len(taken), len(_NAMES) - 1)]
    number, name = 2, wanted
    while name in taken:
        name, number = f"{wanted}{number}", number + 1
    return name


def _escaped(text: str) -> str:
    """A text in which nothing is a wildcard."""
    return re.sub(r"[*?\[]", r"[\g<0>]", text.replace("{", "{{").replace("}", "}}"))
