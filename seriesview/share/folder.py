"""An exported folder while it is being written: whole files or none, and a note of everything that was written.

Files are listed in SHA1SUMS, which `sha1sum --check` reads. While an export is under way a journal lists what it
writes, so that a killed one can be completed, and so that nothing is ever removed that an export did not write.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from seriesview.errors import SeriesviewError
from seriesview.store.layout import artifact_path

EXPORT_FORMAT = "seriesview-export/1"
DESCRIPTION_FILE = "export.json"
SUMS_FILE = "SHA1SUMS"
WORKING_DIRECTORY = ".seriesview-export"

_SUM_LINE = re.compile(r"([0-9a-f]{40})  (?:\./)?(.+)")
_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space, then run the export again: it goes on where it stopped",
    errno.EDQUOT: "your disk quota is used up; free some space, then run the export again",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "permission denied; choose another folder",
    errno.EPERM: "permission denied; choose another folder",
    errno.ENOTDIR: "it, or something above it, is a file; choose another folder",
    errno.EEXIST: "a file is where a folder is needed; choose another folder",
}


class ExportFolder:
    """Writes an exported folder; open it with `open_folder`. Safe in threads."""

    def __init__(self, directory: Path, journal: Path) -> None:
        self.directory = directory
        self.num_written = 0
        self.bytes_written = 0
        self.num_removed = 0
        self._journal = journal
        self._lock = threading.Lock()
        self._noted = set(_read_journal(journal))
        self._owned = self._noted | set(read_sums(directory))
        self._sums: dict[str, str] = {}

    def has_artifact(self, sha1: str, size: int) -> bool:
        """Whether an artifact is there with this size; it is then one of the folder's files."""
        path = artifact_path(self.directory, sha1)
        if not _has_size(path, size):
            return False
        self._sums[path.relative_to(self.directory).as_posix()] = sha1
        return True

    def put_artifact(self, sha1: str, blocks: Iterable[memoryview | bytes]) -> None:
        """Write an artifact of this hash; SeriesviewError where the bytes have another one."""
        path = artifact_path(self.directory, sha1)
        self._write(path.relative_to(self.directory).as_posix(), blocks, sha1)

    def put_file(self, name: str, content: bytes) -> None:
        """Write a file of this path in the folder, unless it is there with these bytes."""
        sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        path = self.directory / name
        if _has_size(path, len(content)) and path.read_bytes() == content:
            self._sums[name] = sha1
        else:
            self._write(name, [content], sha1)

    def finish(self, description: dict[str, Any]) -> None:
        """Write export.json, when everything else is there, and remove what earlier exports wrote and is obsolete."""
        with _explained(self.directory):
            text = (json.dumps(description, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode(
                "ascii"
            )
            self._sums[DESCRIPTION_FILE] = hashlib.sha1(text, usedforsecurity=False).hexdigest()
            obsolete = self._owned - set(self._sums) - {SUMS_FILE}
            self._note(obsolete)
            sums = "".join(f"{sha1}  {name}\n" for name, sha1 in sorted(self._sums.items()))
            for name, content in ((SUMS_FILE, sums.encode()), (DESCRIPTION_FILE, text)):
                if (
                    not _has_size(self.directory / name, len(content))
                    or (self.directory / name).read_bytes() != content
                ):
                    self._write(name, [content], None)
            for name in sorted(obsolete):
                self._remove(name)
            self._journal.unlink()

    def _write(self, name: str, blocks: Iterable[memoryview | bytes], sha1: str | None) -> None:
        path = self.directory / name
        staged = self._journal.parent / f"{secrets.token_hex(8)}.tmp"
        with _explained(self.directory):
            self._note([name])
            size = 0
            hasher = hashlib.sha1(usedforsecurity=False)
            try:
                with staged.open("xb", buffering=0) as file:
                    for block in blocks:
                        hasher.update(block)
                        view = memoryview(block)
                        while len(view):
                            view = view[file.write(view) or 0 :]
                        size += len(block)
                    os.fsync(file.fileno())
                if sha1 is not None and hasher.hexdigest() != sha1:
                    raise SeriesviewError(
                        f"SHA-1 {sha1} has other bytes in the store than its name says; run `seriesview verify`"
                    )
                path.parent.mkdir(parents=True, exist_ok=True)
                staged.replace(path)
            finally:
                staged.unlink(missing_ok=True)
        with self._lock:
            self.num_written += 1
            self.bytes_written += size
            if sha1 is not None:
                self._sums[name] = sha1

    def _note(self, names: Iterable[str]) -> None:
        """Say in the journal that these files are an export's, before they are."""
        with self._lock:
            fresh = [name for name in names if name not in self._noted]
            self._noted.update(fresh)
            self._owned.update(fresh)
            with self._journal.open("ab") as journal:
                journal.write("".join(f"{json.dumps(name)}\n" for name in fresh).encode())

    def _remove(self, name: str) -> None:
        path = self.directory / name
        with suppress(FileNotFoundError):
            path.unlink()
            self.num_removed += 1
        for parent in path.parents:
            if parent == self.directory:
                break
            try:
                parent.rmdir()
            except OSError:
                break


@contextmanager
def open_folder(directory: Path) -> Iterator[ExportFolder]:
    """Open a folder for writing an export into it: new, empty, or an export; raises SeriesviewError."""
    working = directory / WORKING_DIRECTORY
    journal = working / "journal"
    with ExitStack() as stack:
        with _explained(directory):
            _check_is_ours(directory)
            working.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(journal.open("ab"))
            if not _lock(lock.fileno()) or not journal.exists():
                raise SeriesviewError(
                    f"{directory}: another export is being written here; wait until it is done"
                )
            for leftover in working.glob("*.tmp"):
                leftover.unlink(missing_ok=True)
            folder = ExportFolder(directory, journal)
        yield folder
        # Where the export failed, its journal stays: the next one goes on from there.
        with suppress(OSError):
            shutil.rmtree(working)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_export(directory: Path) -> bool:
    """Whether a folder is an export, or one that was not finished."""
    return (directory / WORKING_DIRECTORY / "journal").is_file() or read_description(directory) is not None


def is_unfinished(directory: Path) -> bool:
    """Whether an export was begun here that did not end."""
    return (directory / WORKING_DIRECTORY / "journal").is_file()


def read_description(directory: Path) -> dict[str, Any] | None:
    """What export.json says; None where there is none of a known format."""
    try:
        description = json.loads((directory / DESCRIPTION_FILE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    is_known = isinstance(description, dict) and description.get("format") == EXPORT_FORMAT
    return description if is_known else None


def read_sums(directory: Path) -> dict[str, str]:
    """SHA-1 of each file, by its path in the folder, as SHA1SUMS says; only paths that stay in it."""
    try:
        lines = (directory / SUMS_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        match = _SUM_LINE.fullmatch(line)
        if match and _stays_inside(match[2]):
            found[match[2]] = match[1]
    return found


def free_bytes(directory: Path) -> int:
    """Free bytes where the folder is, or will be."""
    place = directory.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def _check_is_ours(directory: Path) -> None:
    if not directory.exists() or is_export(directory):
        return
    # What begins with a dot (.git, .DS_Store) is not in an export's way.
    if any(not path.name.startswith(".") for path in directory.iterdir()):
        raise SeriesviewError(
            f"{directory}: this folder is not empty and not an export of seriesview; name a new or an empty one"
        )


def _read_journal(journal: Path) -> Iterator[str]:
    for line in journal.read_bytes().splitlines():
        # A killed export can leave the last line torn.
        with suppress(ValueError):
            name = json.loads(line)
            if isinstance(name, str) and _stays_inside(name):
                yield name


def _stays_inside(name: str) -> bool:
    return not name.startswith("/") and all(part not in ("", ".", "..") for part in name.split("/"))


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except (FileNotFoundError, NotADirectoryError):
        return False


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = _ADVICE.get(error.errno or 0, f"{error.strerror or error}; check the folder")
        raise SeriesviewError(f"{directory} cannot be written: {reason}") from error
