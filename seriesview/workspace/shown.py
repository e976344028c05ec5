"""What figures show: the artifacts that answers about them are made of, so that others of a store stay unread."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import SeriesviewError
from seriesview.series.manifest import SeriesManifest, parse_series_manifest
from seriesview.series.named_arrays import arrays_of
from seriesview.series.packing import DIGEST_BYTES
from seriesview.store.uris import parse_uri
from seriesview.terms import is_workspace

if TYPE_CHECKING:
    from seriesview.store import Store

_URI = re.compile(r"sha1://([0-9a-f]{40})(?![0-9a-f])", re.ASCII)
_MAX_DOCUMENT_BYTES = 64 * 2**20


class Shown:
    """What some roots reach: workspaces, figures and series, and their arrays; never a linked file, which holds more.

    Documents are read when something is asked for that those before them do not name; safe in threads.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._named: set[str] = set()
        self._series: deque[str] = deque()
        self._pages: deque[str] = deque()
        self._parts: list[npt.NDArray[Any]] = []
        """Of each page that was read, its digests in order."""

    def add(self, sha1: str) -> None:
        """Show one more root, by its SHA-1; where it is not stored, only its name is known."""
        with self._lock:
            if sha1 in self._named:
                return
            self._named.add(sha1)
            documents = [sha1]
            while documents:
                for found in _shown_by(self._document(documents.pop())):
                    if found not in self._named:
                        self._named.add(found)
                        documents.append(found)
                        self._series.append(found)
            self._series.append(sha1)

    def covers(self, sha1: str) -> bool:
        """Whether an artifact is one that the roots reach."""
        digest = bytes.fromhex(sha1)
        with self._lock:
            if sha1 in self._named or any(_holds(page, digest) for page in self._parts):
                return True
            return any(
                sha1 in found if isinstance(found, set) else _holds(found, digest) for found in self._more()
            )

    def _more(self) -> Iterator[set[str] | npt.NDArray[Any]]:
        """What documents that were not read yet name: of a series its pages and files, of a page its parts."""
        absent: tuple[list[str], list[str]] = [], []
        try:
            while self._series or self._pages:
                if self._pages:
                    page = self._pages.popleft()
                    try:
                        content = self._store.get_bytes(f"sha1://{page}/page.dat")
                    except SeriesviewError:
                        absent[1].append(page)
                        continue
                    whole = len(content) // DIGEST_BYTES * DIGEST_BYTES
                    self._parts.append(np.sort(np.frombuffer(content[:whole], f"S{DIGEST_BYTES}")))
                    yield self._parts[-1]
                    continue
                series = self._series.popleft()
                document = self._document(series)
                if document is None:
                    absent[0].append(series)
                    continue
                try:
                    manifest = parse_series_manifest(document)
                except SeriesviewError:
                    continue
                pages, files = _named_by(manifest)
                self._pages += pages - self._named
                self._named |= pages | files
                yield pages | files
        finally:
            # They may be stored later.
            self._series += absent[0]
            self._pages += absent[1]

    def _document(self, sha1: str) -> Any:
        """The JSON that is stored under a SHA-1; None where there is none."""
        uri = f"sha1://{sha1}/document.json"
        try:
            if self._store.size(uri) > _MAX_DOCUMENT_BYTES or self._store.get_range(uri, 0, 1) != b"{":
                return None
            return json.loads(self._store.get_bytes(uri))
        except (ValueError, RecursionError, SeriesviewError, OSError):
            return None


def _shown_by(document: Any) -> Iterator[str]:
    """SHA-1s of the workspaces and series that a workspace or a figure names; of none other."""
    if not isinstance(document, dict):
        return
    if is_workspace(document):
        entries = document.get("series")
        named = (
            [one.get("uri") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
        )
    elif isinstance(document.get("workspace"), str):
        named = [document["workspace"]]
    elif isinstance(document.get("data"), dict) and isinstance(document.get("type"), str):
        named = [json.dumps(document["data"])]
    else:
        return
    for text in named:
        yield from _URI.findall(text) if isinstance(text, str) else ()


def _named_by(manifest: SeriesManifest) -> tuple[set[str], set[str]]:
    """SHA-1s of the pages of a series' arrays, and of the files of its segments."""
    pages = {uri for _, array in arrays_of(manifest) for uri in array.pages}
    files = {
        uri
        for segment in manifest.segments
        for uri in (segment.timestamps_uri, segment.values_uri)
        if uri is not None
    }
    return {parse_uri(uri)[0] for uri in pages}, {
        digest for uri in files for digest in parse_uri(uri)[::2] if digest is not None
    }


def _holds(page: npt.NDArray[Any], digest: bytes) -> bool:
    place = int(np.searchsorted(page, np.bytes_(digest)))
    return place < len(page) and bytes(page[place]) == digest.rstrip(b"\0")
