"""The files of one recording: the header, what it names, and what lies beside it after files were renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from seriesview.readers.brainvision.text import HEADERS, kind_of, sections_of
from seriesview.readers.protocol import Decision

SAMPLES = (".eeg", ".dat", ".avg", ".seg")
_MOST_ENTRIES = 20_000
_MOST_HEADERS = 200
_HEADER_BYTES = 16 << 10


def header_of(path: Path) -> Path | None:
    """The header of the recording that `path` belongs to: itself, or the one beside samples or markers.

    Raises OSError.
    """
    kind = kind_of(path)
    if kind == "header":
        return path
    if kind is None and path.suffix.lower() not in SAMPLES:
        return None
    beside = beside_called(path, HEADERS)
    if beside is not None and kind_of(beside) == "header":
        return beside
    return next(_headers_that_name(path), None)


def beside_called(path: Path, suffixes: tuple[str, ...]) -> Path | None:
    """A file beside `path` of the same name but for one of these suffixes, in whatever case it is written."""
    for suffix in suffixes:
        for written in (suffix, suffix.upper()):
            if (named := path.with_suffix(written)).is_file():
                return named
    wanted = {path.stem.casefold() + suffix for suffix in suffixes}
    return next(
        (each for each in _neighbours(path) if each.name.casefold() in wanted and each.is_file()), None
    )


def companion(
    header: Path, named: str | None, suffixes: tuple[str, ...], follow_external: bool
) -> Path | None:
    """The file that a header names; where that is not there, one of that name beside it, or of the header's own.

    A path that leads out of the header's folder is followed with `follow_external` only; without it the file of that
    name beside the header is meant.
    """
    if named is not None:
        name = named.replace("$b", header.stem).replace("\\", "/")
        inner = name.rpartition("/")[2]
        places = [header.parent / name, header.parent / inner] if inner else []
        for place in places:
            if "\0" in name or place.name in (".", ".."):
                break
            # What lies beside the header under a plain name may be a link elsewhere: it is the user's own.
            if place.parent != header.parent and not (follow_external or _lies_below(place, header.parent)):
                continue
            if _is_file(place) and not place.samefile(header):
                return place
        same_name = (each for each in _neighbours(header) if each.name.casefold() == inner.casefold())
        found = next((each for each in same_name if each.is_file() and each != header), None)
        if found is not None:
            return found
    return beside_called(header, suffixes)


def renamed(named: str | None, found: Path, header: Path) -> tuple[Decision, ...]:
    """What is said where another file than the named one is read."""
    if named is None:
        return (
            Decision(f"the header names no file for these, {found.name} beside it is read", is_guess=True),
        )
    if Path(named.replace("$b", header.stem).replace("\\", "/")).name == found.name:
        return ()
    return (
        Decision(
            f"the header names {named[:100]!r}, which is not there: {found.name} is read", is_guess=True
        ),
    )


def _headers_that_name(path: Path) -> Iterator[Path]:
    """Headers in the same folder that name this file."""
    headers = (each for each in _neighbours(path) if each.suffix.lower() in HEADERS)
    for header in islice(headers, _MOST_HEADERS):
        try:
            if not header.is_file() or kind_of(header) != "header":
                continue
            with header.open("rb") as file:
                common = sections_of(file.read(_HEADER_BYTES)).get("common infos", {})
        except OSError:
            continue
        if path.name in (common.get("datafile"), common.get("markerfile")):
            yield header


def _neighbours(path: Path) -> Iterator[Path]:
    """Paths in the same folder, as many as are looked at."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, _MOST_ENTRIES)]
    except OSError:
        return
    yield from (path.parent / name for name in sorted(names))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _lies_below(path: Path, folder: Path) -> bool:
    """Whether a path leads to a place below the folder, links and `..` resolved."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        return False
