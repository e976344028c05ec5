"""What figures show: the artifacts that answers about them are made of, so that others of a store stay unread."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
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
_DIGEST = f"S{DIGEST_BYTES}"
_Read = Callable[[str], bool]


class Shown:
    """What some roots reach: workspaces, figures and series, and their arrays; never a linked file, which holds more.

    Documents are read when something is asked for that those before them do not name, and those first that were asked
    for themselves: of thousands of roots a few are looked at. Safe in threads.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        """Held by the thread that reads documents; what is known is answered meanwhile."""
        self._named: set[str] = set()
        self._unread: OrderedDict[str, _Read] = OrderedDict()
        self._parts = _Digests()

    def add(self, sha1: str) -> None:
        """Show one more root, by its SHA-1; where it is not stored, only its name is known."""
        with self._lock:
            if sha1 not in self._named:
                self._named.add(sha1)
                self._unread[sha1] = self._read_document

    def covers(self, sha1: str) -> bool:
        """Whether an artifact is one that the roots reach."""
        if self._knows(sha1):
            return True
        absent: dict[str, _Read] = {}
        with self._reading:
            try:
                while not self._knows(sha1):
                    with self._lock:
                        if not self._unread:
                            return False
                        document, read = self._unread.popitem(last=False)
                    if not read(document):
                        absent[document] = read
                return True
            finally:
                # They may be stored later.
                with self._lock:
                    self._unread |= absent

    def _knows(self, sha1: str) -> bool:
        with self._lock:
            if sha1 in self._unread:
                # What it names will be asked for next.
                self._unread.move_to_end(sha1, last=False)
            return sha1 in self._named or sha1 in self._parts

    def _read_document(self, sha1: str) -> bool:
        """Name what a workspace, a figure or a series names; whether it is stored."""
        document = self._document(sha1)
        if document is None:
            return False
        pages: set[str] = set()
        files: set[str] = set()
        with suppress(SeriesviewError):
            pages, files = _named_by(parse_series_manifest(document))
        named = dict.fromkeys(_shown_by(document), self._read_document) | dict.fromkeys(
            pages, self._read_page
        )
        with self._lock:
            for found in named.keys() - self._named:
                self._unread[found] = named[found]
                self._unread.move_to_end(found, last=False)
            self._named |= named.keys() | files
        return True

    def _read_page(self, sha1: str) -> bool:
        """Take the digests that a page lists; whether it is stored."""
        try:
            content = self._store.get_bytes(f"sha1://{sha1}/page.dat")
        except SeriesviewError:
            return False
        with self._lock:
            self._parts.add(content)
        return True

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


class _Digests:
    """A set of digests in 20 bytes each: sorted arrays, each more than twice as long as the next."""

    def __init__(self) -> None:
        self._sorted: list[npt.NDArray[Any]] = []

    def add(self, content: bytes) -> None:
        """Take the digests that follow one another in some bytes; a rest is passed over."""
        whole = len(content) // DIGEST_BYTES * DIGEST_BYTES
        last = np.sort(np.frombuffer(content[:whole], _DIGEST))
        while self._sorted and len(self._sorted[-1]) <= 2 * len(last):
            # It is made of two that are sorted, which this way of sorting sees.
            last = np.sort(np.concatenate([self._sorted.pop(), last]), kind="stable")
        self._sorted.append(last)

    def __contains__(self, sha1: str) -> bool:
        digest = bytes.fromhex(sha1)
        for digests in self._sorted:
            place = int(np.searchsorted(digests, np.bytes_(digest)))
            if place < len(digests) and bytes(digests[place]) == digest.rstrip(b"\0"):
                return True
        return False
