"""The recordings in a folder that is none itself: what of it can be named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.layout.layouts import files_of
from seriesview.readers.protocol import Reader, ReadOptions, Recording

_DEEPEST = 3
_MOST_ENTRIES = 2000
_MOST_RECORDINGS = 200
_NAMED = 20
_NOT_LOOKED_INTO = (".seriesview", "kachery-storage", "__pycache__")
# Texts that are mostly notes of people and logs of programs.
_NOTES = frozenset({".txt", ".log", ".asc"})

ReaderOf = Callable[[Path], Reader | None]


@dataclass(frozen=True)
class Inside:
    """Recordings of a folder, each with its reader; `is_whole`: everything in it was looked at."""

    recordings: tuple[tuple[Path, Reader], ...]
    is_whole: bool

    def in_words(self) -> str:
        """What can be named, on one line."""
        named = [str(path) for path, _ in self.recordings[:_NAMED]]
        count = len(self.recordings)
        more = f" and {count - _NAMED} more" if count > _NAMED else ""
        several = (
            f"{count} recordings" if self.is_whole else f"very many files, {count} recordings among them"
        )
        return f"a folder of {several}; name the one that is meant, or several: {', '.join(named)}{more}"


def recordings_in(
    folder: Path, reader_of: ReaderOf, is_alone: Callable[[Path, str], bool], most: int = _MOST_ENTRIES
) -> Inside:
    """What can be named in a folder; `reader_of` says which reader takes a path, if any.

    `is_alone`: whether nothing else belongs to a file of a reader. Files of one recording are named once. At most
    `most` files and folders are looked at, three levels deep. Raises OSError where the folder cannot be listed.
    """
    found: list[tuple[Path, Reader]] = []
    belong: set[Path] = set()
    entries = _entries(folder, reader_of)
    looked_at = list(islice(entries, most))
    is_whole = next(entries, None) is None
    for path, reader in looked_at:
        if len(found) >= _MOST_RECORDINGS:
            is_whole = False
            break
        if reader is not None and path not in belong:
            found.append((path, reader))
            if not is_alone(path, reader.name):
                belong |= files_behind(path, reader)
    return Inside(tuple(found), is_whole)


def _entries(folder: Path, reader_of: ReaderOf, depth: int = 1) -> Iterator[tuple[Path, Reader | None]]:
    """Folders that are recordings, then files, in order; what is in other folders comes behind them."""
    with os.scandir(folder) as found:
        paths = sorted(Path(entry.path) for entry in found if not entry.name.startswith("."))
    folders = [path for path in paths if path.is_dir() and not path.name.endswith(_NOT_LOOKED_INTO)]
    readers = {path: reader_of(path) for path in folders[:_MOST_ENTRIES]}
    yield from ((path, reader) for path, reader in readers.items() if reader is not None)
    for path in paths:
        if path.suffix.lower() not in _NOTES and path.is_file():
            yield path, reader_of(path)
    for inner in (path for path, reader in readers.items() if reader is None and depth < _DEEPEST):
        with suppress(OSError):
            yield from _entries(inner, reader_of, depth + 1)


def files_behind(path: Path, reader: Reader) -> set[Path]:
    """The files that all recordings of a path are read from, as far as they can be opened."""
    belong: set[Path] = set()
    with suppress(ReaderError, OSError):
        for candidate in reader.candidates(path):
            if candidate.problem is not None or (
                candidate.dataset is None and None in candidate.options.values()
            ):
                continue
            options = ReadOptions(dataset=candidate.dataset, type=candidate.type)
            with suppress(ReaderError, OSError), reader.open(path, options) as recording:
                belong |= set(_all_files(recording))
    return belong


def _all_files(recording: Recording) -> tuple[Path, ...]:
    """The files that a recording is read from: of its samples, then those that say how."""
    samples = () if recording.layout is None else files_of(recording.layout)
    return tuple(dict.fromkeys([*samples, recording.path, *recording.files]))
