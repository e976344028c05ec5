"""The index of sessions as the front page of a node: what a folder of results says, read anew each time."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seriesview.errors import FormatError
from seriesview.figures.place import INDEX_NAME, VIEW_PATH
from seriesview.store.uris import parse_uri

if TYPE_CHECKING:
    from seriesview.node.reach import Reach

_INDEX, _TABLE = "sessions.json", "sessions.tsv"
_PICTURE = re.compile(
    r"pictures/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\.png", re.ASCII
)
_MOST_BYTES = 1 << 28


class SessionsFront:
    """The sessions of a folder of results, for those who may read files of a channel."""

    view = INDEX_NAME

    def __init__(self, results: Path, channel: str) -> None:
        self._results = results.absolute()
        # It says nothing of where they lie.
        self.key = hashlib.sha1(os.fsencode(results.resolve())).hexdigest()
        self.channel = channel
        self._reach: Reach | None = None
        self._shown: set[str] = set()

    def show_in(self, reach: Reach) -> None:
        """Let what the sessions are made of be read, also of those that are built later."""
        self._reach = reach
        self._show(read_index(self._results))

    def read(self, path: str) -> tuple[bytes, str] | None:
        """A file of the index and its content type; None where there is none."""
        try:
            if path == _INDEX:
                index = read_index(self._results)
                self._show(index)
                told = {**index, "channel": self.channel, "viewer": VIEW_PATH}
                return json.dumps(told).encode(), "application/json"
            if path == _TABLE:
                return self._content(path), "text/tab-separated-values; charset=utf-8"
            if _PICTURE.fullmatch(path) is not None:
                return self._content(path), "image/png"
        except (OSError, FormatError):
            return None
        return None

    def _content(self, path: str) -> bytes:
        """Raises OSError, also for what lies elsewhere."""
        file = (self._results / path).resolve(strict=True)
        if not file.is_relative_to(self._results.resolve()) or file.stat().st_size > _MOST_BYTES:
            raise FileNotFoundError(path)
        return file.read_bytes()

    def _show(self, index: dict[str, Any]) -> None:
        if self._reach is None:
            return
        for session in index["sessions"]:
            uri = session.get("workspace")
            if isinstance(uri, str) and uri not in self._shown:
                self._shown.add(uri)
                self._reach.add(parse_uri(uri)[0])


def read_index(results: Path) -> dict[str, Any]:
    """What the index of a folder of results says. Raises FormatError."""
    path = results / _INDEX
    try:
        index = json.loads(path.read_bytes())
        if not isinstance(index["label"], str) or not all(
            isinstance(each, dict) for each in index["sessions"]
        ):
            raise TypeError("not of that form")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"{path}: no index of sessions ({error}); `seriesview build` writes one") from error
    found: dict[str, Any] = index
    return found
