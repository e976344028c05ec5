"""Linked recordings that moved: found again by their size and SHA-1, and linked where they are now."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seriesview.errors import IntegrityError, MissingArtifactError, SeriesviewError
from seriesview.store import Store, parse_uri
from seriesview.store.links import Link, read_link
from seriesview.store.paths import artifact_path
from seriesview.store.reading import read_blocks
from seriesview.upkeep.garbage import Reach


@dataclass(frozen=True)
class LinkedFile:
    """A recording that is linked, not stored: its SHA-1, its size in bytes, and where it was."""

    sha1: str
    size: int | None
    """None where neither a link nor the record of the store says it: then it cannot be looked for."""
    old_path: Path | None
    """None where no link says it any more."""
    name: str
    reason: str
    """Why it cannot be read there; empty where it can."""


@dataclass(frozen=True)
class RelinkedFile:
    """A recording that is linked, and where it is now; `path` None: not found."""

    file: LinkedFile
    path: Path | None

    @property
    def state(self) -> Literal["still there", "found", "not found"]:
        """What became of it."""
        if not self.file.reason:
            return "still there"
        return "not found" if self.path is None else "found"


@dataclass(frozen=True)
class Relinked:
    """What became of the recordings of a workspace, and what could not be looked into, in words."""

    files: tuple[RelinkedFile, ...]
    unreadable: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every recording is there."""
        return all(file.path is not None for file in self.files)


def linked_files(store: Store, uri: str) -> list[LinkedFile]:
    """The recordings that a workspace or a series reaches and that are links, by their old path. Raises StoreError."""
    reached = Reach(store).of([uri.removeprefix("sha1://")[:40]])
    named = _named_as_linked(store, uri)
    recorded = {
        artifact.sha1: artifact
        for artifact in store.recorded_artifacts()
        if artifact.kind == "link" and artifact.sha1 in reached
    }
    files = []
    for sha1 in reached:
        if os.path.lexists(artifact_path(store.directory, sha1)):
            continue
        try:
            link = read_link(store.directory, sha1)
            reason = "its link is gone"
        except IntegrityError as error:
            link, reason = None, str(error)
        record = recorded.get(sha1)
        if link is not None:
            name = record.name if record else link.path.name
            files.append(LinkedFile(sha1, link.size, link.path, name, _fault(link)))
        elif record is not None:
            files.append(LinkedFile(sha1, record.size, None, record.name, reason))
        elif sha1 in named:
            files.append(LinkedFile(sha1, None, None, named[sha1], f"{reason}, and with it its size"))
    return sorted(files, key=lambda file: (str(file.old_path), file.sha1))


def relink(
    store: Store,
    uri: str,
    places: Iterable[Path],
    progress: Callable[[Path, int, int], None] | None = None,
) -> Relinked:
    """Look below `places`, and at the old places, for the recordings that a workspace or a series is linked to.

    What is found is linked; files are only read. Only those of the right size are hashed, those of the same name
    first, each once whatever its names. `progress` gets a file, the bytes of it that were just hashed, and its size.
    Raises MissingArtifactError where there is no such workspace, StoreError.
    """
    if not store.exists(uri):
        raise MissingArtifactError(
            f"{uri} is not in the kachery storage {store.place}; `seriesview ls` lists its workspaces",
            sha1=uri.removeprefix("sha1://")[:40],
        )
    files = linked_files(store, uri)
    unreadable: list[str] = []
    found = _found(store, [file for file in files if file.reason], places, unreadable, progress)
    places_now = [found.get(file.sha1) if file.reason else file.old_path for file in files]
    return Relinked(tuple(map(RelinkedFile, files, places_now)), tuple(unreadable))


def _found(
    store: Store,
    files: Iterable[LinkedFile],
    places: Iterable[Path],
    unreadable: list[str],
    progress: Callable[[Path, int, int], None] | None,
) -> dict[str, Path]:
    """Where files were found, by SHA-1, each linked; `unreadable` gets a line for what cannot be looked into."""
    found: dict[str, Path] = {}
    wanted = list(files)
    sizes = {file.size for file in wanted if file.size is not None}
    candidates: dict[tuple[int, int], tuple[Path, os.stat_result]] = {}
    old_paths = [file.old_path for file in wanted if file.old_path is not None]
    # Path.is_file raises where a folder above may not be entered.
    old_files = [path for path in old_paths if os.path.isfile(path)]  # noqa: PTH113
    for path, status in _regular_files([*old_files, *places], unreadable):
        if status.st_size in sizes:
            candidates.setdefault((status.st_dev, status.st_ino), (path, status))
    names = {(file.size, file.old_path.name) for file in wanted if file.old_path is not None}
    likely = sorted(candidates.values(), key=lambda each: (each[1].st_size, each[0].name) not in names)
    left = {file.sha1: file for file in wanted}
    for path, status in likely:
        if status.st_size not in {file.size for file in left.values()}:
            continue
        try:
            sha1 = _sha1(path, status.st_size, progress)
            if sha1 in left:
                store.link_file(path, sha1, status.st_size, status.st_mtime, left[sha1].name or None)
                found[sha1] = Path(os.path.abspath(path))  # noqa: PTH100  (as links are)
                del left[sha1]
        except SeriesviewError as error:
            unreadable.append(str(error))
    return found


def _named_as_linked(store: Store, uri: str) -> dict[str, str]:
    """SHA-1s of the recordings that manifests link to, with their names; what cannot be read is passed over."""
    found = {}
    left = [uri]
    while left:
        try:
            document = store.get_json(left.pop())
            if "values" in document:
                values = document["values"]
                pieces = [values] if "link" in values else values["files"]
                for sha1, name, _ in (parse_uri(piece["link"]["uri"]) for piece in pieces):
                    found[sha1] = name
            elif "series" in document:
                left += [entry["uri"] for entry in document["series"]]
        except (SeriesviewError, KeyError, TypeError):
            continue
    return found


def _fault(link: Link) -> str:
    try:
        link.check()
    except MissingArtifactError as error:
        return error.reason
    return ""


def _sha1(path: Path, size: int, progress: Callable[[Path, int, int], None] | None) -> str:
    hasher = hashlib.sha1(usedforsecurity=False)
    for block in read_blocks(path):
        hasher.update(block)
        if progress:
            progress(path, len(block), size)
    return hasher.hexdigest()


def _regular_files(places: Iterable[Path], unreadable: list[str]) -> Iterator[tuple[Path, os.stat_result]]:
    """Files at and below some places; symbolic links are followed, each folder is entered once."""
    entered: set[tuple[int, int]] = set()
    left = list(reversed([*places]))
    while left:
        path = left.pop()
        try:
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                yield path, status
            elif stat.S_ISDIR(status.st_mode) and (status.st_dev, status.st_ino) not in entered:
                entered.add((status.st_dev, status.st_ino))
                left += sorted(path.iterdir(), reverse=True)
        except FileNotFoundError:
            # An old place, a symbolic link to nothing, or removed meanwhile.
            continue
        except OSError as error:
            unreadable.append(f"{path}: cannot be read ({error.strerror})")
