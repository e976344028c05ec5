"""What recordings were found to hold, noted by their files, so that planning again opens none of them."""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.results import read_note, write_note
from seriesview.errors import BuildError
from seriesview.readers.registry import is_remote

_FILES_OF_A_FOLDER = 10_000

Found = dict[str, Any]


class FoundBefore:
    """Notes in a folder of results; where that is not there yet nothing is kept."""

    def __init__(self, results: Path) -> None:
        self._path = results / "ledger" / "recordings.json" if results.is_dir() else None
        # Another version may know more kinds of files.
        self._made_by = [version("seriesview"), ARTIFACT_VERSION]
        self._before: dict[str, Found] = {}
        self._now: dict[str, Found] = {}
        self._is_new = False
        self._listed: dict[str, list[str]] = {}
        if self._path is not None:
            self._before = read_note(self._path) or {}

    def of(self, paths: Sequence[str], also: Any, look: Callable[[], Found]) -> Found:
        """What `look` finds in the recordings at some paths, by their files and by what is `also` said of them."""
        states = [self._state(path) for path in paths]
        if None in states:
            return look()
        key = json.dumps([self._made_by, states, also], sort_keys=True)
        found = self._before.get(key)
        if found is None:
            found = look()
            if found.get("problems"):
                # What was wrong may be mended without a trace in the files.
                return found
            self._is_new = True
        self._now[key] = found
        return found

    def keep(self) -> None:
        """Note what was found, in place of what was noted before."""
        if self._path is not None and (self._is_new or len(self._now) < len(self._before)):
            # Whoever may not write there looks again.
            with suppress(BuildError):
                write_note(self._path, self._now)

    def _state(self, path: str) -> Any:
        """Sizes and times of a recording's files, of those beside it too whose names begin as its own; else None."""
        if is_remote(path) or path.startswith("sha1://"):
            return None
        try:
            if os.path.isdir(path):  # noqa: PTH112
                return _state_of_folder(path)
            folder, name = os.path.split(path)
            stem = name.partition(".")[0] or name
            names = self._names(folder)
            beside = []
            for other in names[bisect_left(names, stem) :]:
                if not other.startswith(stem):
                    break
                beside.append(_state_of(os.path.join(folder, other)))  # noqa: PTH118
            return [path, beside]
        except OSError:
            return None

    def _names(self, folder: str) -> list[str]:
        if folder not in self._listed:
            self._listed[folder] = sorted(os.listdir(folder or "."))  # noqa: PTH208
        return self._listed[folder]


def _state_of(path: str) -> list[Any]:
    status = os.stat(path)  # noqa: PTH116
    return [os.path.basename(path), status.st_size, status.st_mtime_ns]  # noqa: PTH119


def _state_of_folder(path: str) -> list[Any] | None:
    """Of all files below it; None where they are many."""
    found = []
    for folder, folders, names in os.walk(path):
        folders.sort()
        found += [_state_of(os.path.join(folder, name)) for name in sorted(names)]  # noqa: PTH118
        if len(found) > _FILES_OF_A_FOLDER:
            return None
    return [path, found]
