"""Which artifacts are kept: what workspaces, and other stored manifests, reach; what else seriesview may remove."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from seriesview.errors import SeriesviewError
from seriesview.series.packing import DIGEST_BYTES, MAX_PACK_PARTS, MAX_PAGE_BYTES
from seriesview.store import RecordedWorkspace, Store, parse_uri
from seriesview.store.reading import MOST_JSON_BYTES, parse_json
from seriesview.store.record import record_files
from seriesview.store.stored import stored_file

UNFINISHED_SECONDS = 24 * 3600.0
"""Packs that nothing reaches are kept so long after their writer's last line: a killed build can go on with them."""

_URI = re.compile(r"sha1://([0-9a-f]{40})(?:/[^/?#]*)?(?:\?manifest=([0-9a-f]{40}))?")


class _References(NamedTuple):
    """What a document names, as SHA-1s: what may be documents themselves, and packs, which are not opened."""

    artifacts: frozenset[str]
    packs: frozenset[str]


class Reach:
    """What documents of a store reach, as SHA-1s; each document is read once, whatever it is."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, _References] = {}

    def of(self, sha1s: Iterable[str]) -> set[str]:
        """These documents and all that they reach; what is not there is passed over."""
        found: set[str] = set()
        packs: set[str] = set()
        left = list(sha1s)
        while left:
            sha1 = left.pop()
            if sha1 not in found:
                found.add(sha1)
                references = self._next(sha1)
                packs |= references.packs
                left += references.artifacts - found
        return found | packs

    def _next(self, sha1: str) -> _References:
        if sha1 not in self._known:
            packs: set[str] = set()
            self._known[sha1] = _References(frozenset(self._references(sha1, packs)), frozenset(packs))
        return self._known[sha1]

    def _references(self, sha1: str, packs: set[str]) -> Iterator[str]:
        """What a JSON document names: URIs anywhere in it, and `packs` of arrays; nothing of other artifacts."""
        uri = f"sha1://{sha1}/document.json"
        try:
            size = self._store.size(uri)
            if not 2 <= size <= MOST_JSON_BYTES or self._store.get_range(uri, 0, 1) not in (b"{", b"["):
                return
            document = parse_json(self._store.get_bytes(uri, verify=False, size=size))
        except (ValueError, SeriesviewError):
            return
        left: list[Any] = [document]
        while left:
            value = left.pop()
            if isinstance(value, str):
                for match in _URI.finditer(value):
                    yield from (digest for digest in match.groups() if digest is not None)
            elif isinstance(value, list):
                left += value
            elif isinstance(value, dict):
                left += value.values()
                if "part_rows" in value and isinstance(value.get("pages"), list):
                    packs.update(self._packs(value["pages"], value.get("pack_parts")))

    def _packs(self, pages: list[Any], pack_parts: Any) -> Iterator[str]:
        """The packs that pages list; where they do not say how, everything that they list."""
        listed = pack_parts if type(pack_parts) is int and 1 <= pack_parts <= MAX_PACK_PARTS else 0
        for page in pages:
            match = _URI.match(page) if isinstance(page, str) else None
            if match is None:
                continue
            uri = f"sha1://{match[1]}/page.dat"
            try:
                size = self._store.size(uri)
                if size > MAX_PAGE_BYTES:
                    continue
                digests = self._store.get_bytes(uri, verify=False, size=size)
            except SeriesviewError:
                continue
            for start in range(0, len(digests) - DIGEST_BYTES + 1, (1 + listed) * DIGEST_BYTES):
                yield digests[start : start + DIGEST_BYTES].hex()


@dataclass(frozen=True)
class KeptWorkspace:
    """A workspace of a store: bytes in the store that it reaches, and those that no other kept one reaches."""

    workspace: RecordedWorkspace
    num_bytes: int
    own_bytes: int
    is_there: bool


@dataclass
class Garbage:
    """What may be removed: bytes by SHA-1, forgotten workspaces that hold some of it, and the record as it was read."""

    sizes: dict[str, int] = field(default_factory=dict)
    forgotten: list[RecordedWorkspace] = field(default_factory=list)
    num_unreached: int = 0
    """How many of them nothing reaches: left by builds that were killed."""
    known: dict[str, int] = field(default_factory=dict)

    @property
    def num_bytes(self) -> int:
        """Bytes in all."""
        return sum(self.sizes.values())


def kept_workspaces(store: Store) -> list[KeptWorkspace]:
    """The workspaces that are kept, oldest first, with their sizes. Raises StoreError."""
    reach = Reach(store)
    workspaces = store.recorded_workspaces()
    reached = [reach.of([_sha1(workspace)]) for workspace in workspaces]
    times: dict[str, int] = {}
    for found in reached:
        for sha1 in found:
            times[sha1] = times.get(sha1, 0) + 1
    sizes = {sha1: store.stored_size(sha1) for sha1 in times}
    return [
        KeptWorkspace(
            workspace,
            sum(sizes[sha1] or 0 for sha1 in found),
            sum(sizes[sha1] or 0 for sha1 in found if times[sha1] == 1),
            sizes[_sha1(workspace)] is not None,
        )
        for workspace, found in zip(workspaces, reached, strict=True)
    ]


def find_garbage(store: Store, unfinished_seconds: float = UNFINISHED_SECONDS) -> Garbage:
    """What seriesview stored itself and nobody needs; docs/store.md says the rules. Raises StoreError."""
    garbage = Garbage()
    own: dict[tuple[str, int], float] = {}
    documents: set[tuple[str, int | None]] = set()
    in_use: set[str] = set()
    for file in record_files(store.directory):
        garbage.known[file.name] = file.num_bytes
        for artifact in file.artifacts:
            if file.is_running:
                in_use.add(artifact.sha1)
            if not artifact.found and file.owner is not None:
                noted = (artifact.sha1, file.owner)
                own[noted] = max(file.modified, own.get(noted, 0.0))
            if artifact.kind == "json":
                documents.add((artifact.sha1, file.owner))
    reach = Reach(store)
    kept = reach.of(map(_sha1, store.recorded_workspaces()))
    forgotten = store.recorded_workspaces(forgotten=True)
    # What somebody need not keep any more releases nothing that others stored.
    released: dict[int | None, set[str]] = {}
    for workspace in forgotten:
        released.setdefault(workspace.owner, set()).update(reach.of([_sha1(workspace)]))
    # A series made in Python, a figure: whoever stored it may have sent its link.
    kept |= reach.of(sha1 for sha1, owner in documents if sha1 not in released.get(owner, ()))
    oldest = time.time() - unfinished_seconds
    for (sha1, owner), modified in own.items():
        is_released = sha1 in released.get(owner, ())
        if sha1 in kept or sha1 in in_use or (not is_released and modified > oldest):
            continue
        status = stored_file(store.directory, sha1)
        # Nobody's record says of another's file that seriesview stored it.
        if status is not None and status.st_uid == owner:
            garbage.sizes[sha1] = status.st_size
            garbage.num_unreached += not is_released
    garbage.forgotten = [
        workspace for workspace in forgotten if reach.of([_sha1(workspace)]) & garbage.sizes.keys()
    ]
    return garbage


def _sha1(workspace: RecordedWorkspace) -> str:
    return parse_uri(workspace.uri)[0]
