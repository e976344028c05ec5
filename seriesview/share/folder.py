"""An exported folder while it is being written: whole files or none, and a note of everything that was written.

Files are listed in SHA1SUMS, which `sha1sum --check` reads. While an export is under way a journal lists what it
writes, so that a killed one can be completed, and so that nothing is ever removed that an export did not write. Others
may be able to write to the folder: everything is reached through open folders, and no symbolic link is followed.
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
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from seriesview.errors import SeriesviewError
from seriesview.store.folders import Folder, OddFileError
from seriesview.store.locking import has_no_locks
from seriesview.store.paths import artifact_path

EXPORT_FORMAT = "seriesview-export/1"
DESCRIPTION_FILE = "export.json"
SUMS_FILE = "SHA1SUMS"
WORKING_DIRECTORY = ".seriesview-export"

_JOURNAL = "journal"
_STAGED = ".tmp"
_MOST_BYTES = 1 << 28
"""Of a list of files, each of some 100 bytes."""

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

    def __init__(self, root: Folder, working: Folder, journal: int) -> None:
        self.directory = root.path
        self.num_written = 0
        self.bytes_written = 0
        self.num_removed = 0
        self._root = root
        self._working = working
        self._journal = journal
        self._lock = threading.Lock()
        self._noted = set(_read_journal(journal))
        self._owned = self._noted | set(_own_sums(root))
        self._sums: dict[str, str] = {}

    def has_artifact(self, sha1: str, size: int) -> bool:
        """Whether an artifact is there with this size; it is then one of the folder's files."""
        name = _artifact_name(sha1)
        with _explained(self.directory):
            is_there = self._size(name) == size
        if is_there:
            self._sums[name] = sha1
        return is_there

    def put_artifact(self, sha1: str, blocks: Iterable[memoryview | bytes]) -> None:
        """Write an artifact of this hash; SeriesviewError where the bytes have another one."""
        self._write(_artifact_name(sha1), blocks, sha1)

    def put_file(self, name: str, content: bytes) -> None:
        """Write a file of this path in the folder, unless it is there with these bytes."""
        sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        with _explained(self.directory):
            is_there = self._holds(name, content)
        if is_there:
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
                if not self._holds(name, content):
                    self._write(name, [content], None)
            for name in sorted(obsolete):
                self._remove(name)
            self._working.unlink(_JOURNAL)

    def _write(self, name: str, blocks: Iterable[memoryview | bytes], sha1: str | None) -> None:
        staged = f"{secrets.token_hex(8)}{_STAGED}"
        # By the list of files a later export knows what it may remove: that is not for others to write.
        mode = 0o644 if name == SUMS_FILE else 0o666
        with _explained(self.directory):
            self._note([name])
            size = 0
            hasher = hashlib.sha1(usedforsecurity=False)
            descriptor = self._working.create_file(staged, os.O_WRONLY, mode)
            try:
                with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123
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
                *above, last = name.split("/")
                with self._made(above) as folder:
                    self._working.rename(staged, folder, last)
            finally:
                with suppress(FileNotFoundError):
                    self._working.unlink(staged)
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
            data = "".join(f"{json.dumps(name)}\n" for name in fresh).encode()
            while data:
                data = data[os.write(self._journal, data) :]

    def _size(self, name: str) -> int | None:
        """Bytes of a regular file, None where there is none; raises OSError."""
        *above, last = name.split("/")
        try:
            with self._root.enter(*above) as folder:
                status = folder.find(last)
        except FileNotFoundError:
            return None
        return None if status is None else status.st_size

    def _holds(self, name: str, content: bytes) -> bool:
        if self._size(name) != len(content):
            return False
        *above, last = name.split("/")
        with self._root.enter(*above) as folder:
            return folder.read(last, len(content) + 1) == content

    def _made(self, names: list[str]) -> Folder:
        folder = self._root.enter()
        for name in names:
            folder.make(name, 0o777)
            with folder:
                folder = folder.enter(name)
        return folder

    def _remove(self, name: str) -> None:
        """Remove a regular file, and the folders that are empty without it; what is behind a link stays."""
        names = name.split("/")
        with suppress(FileNotFoundError, OddFileError):
            with self._root.enter(*names[:-1]) as folder:
                if folder.find(names[-1]) is None:
                    return
                folder.unlink(names[-1])
            self.num_removed += 1
            for depth in range(len(names) - 1, 0, -1):
                with self._root.enter(*names[: depth - 1]) as above:
                    if not above.remove_empty(names[depth - 1]):
                        break


@contextmanager
def open_folder(directory: Path) -> Iterator[ExportFolder]:
    """Open a folder for writing an export into it: new, empty, or an export; raises SeriesviewError."""
    with ExitStack() as stack:
        with _explained(directory):
            _check_is_ours(directory)
            directory.mkdir(parents=True, exist_ok=True)
            root = stack.enter_context(Folder.at(directory))
            root.make(WORKING_DIRECTORY, 0o755)
            working = stack.enter_context(root.enter(WORKING_DIRECTORY))
            if not _is_own(working.status()):
                raise SeriesviewError(
                    f"{directory}: an export that another user began lies here unfinished; have it completed, or "
                    f"remove {WORKING_DIRECTORY}"
                )
            journal = _open_journal(working)
            stack.callback(os.close, journal)
            found = working.find(_JOURNAL)
            if not _lock(journal) or found is None or not os.path.samestat(found, os.fstat(journal)):
                raise SeriesviewError(
                    f"{directory}: another export is being written here; wait until it is done"
                )
            _clear(working)
            folder = ExportFolder(root, working, journal)
        yield folder
        # Where the export failed, its journal stays: the next one goes on from there.
        with suppress(OSError):
            _clear(working)
            root.remove_empty(WORKING_DIRECTORY)


def _open_journal(working: Folder) -> int:
    flags = os.O_RDWR | os.O_APPEND
    try:
        return working.create_file(_JOURNAL, flags, 0o644)
    except FileExistsError:
        return working.open_file(_JOURNAL, flags)


def _clear(working: Folder) -> None:
    for name in working.names():
        if name.endswith(_STAGED):
            working.unlink(name)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if not has_no_locks(error):
            raise
        raise SeriesviewError(
            f"its file system has no working locks (flock: {error.strerror}), so another export into the same folder "
            "could not be seen; export into a folder of another one, and copy it"
        ) from error
    return True


def _is_own(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and nobody else can write to it."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def is_export(directory: Path) -> bool:
    """Whether a folder is an export, or one that was not finished."""
    return is_unfinished(directory) or read_description(directory) is not None


def is_unfinished(directory: Path) -> bool:
    """Whether an export was begun here that did not end."""
    with suppress(OSError), Folder.at(directory) as root, root.enter(WORKING_DIRECTORY) as working:
        return working.find(_JOURNAL) is not None
    return False


def read_description(directory: Path) -> dict[str, Any] | None:
    """What export.json says; None where there is none of a known format."""
    try:
        with Folder.at(directory) as root:
            description = json.loads(root.read(DESCRIPTION_FILE, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    is_known = isinstance(description, dict) and description.get("format") == EXPORT_FORMAT
    return description if is_known else None


def read_sums(directory: Path) -> dict[str, str]:
    """SHA-1 of each file, by its path in the folder, as SHA1SUMS says; only paths that stay in it."""
    try:
        with Folder.at(directory) as root:
            return _sums(root.read(SUMS_FILE, _MOST_BYTES))
    except OSError:
        return {}


def open_listed(directory: Path, name: str) -> int:
    """Open a file that SHA1SUMS lists, by way of no symbolic link, and return its descriptor; raises OSError."""
    *above, last = name.split("/")
    with Folder.at(directory) as root, root.enter(*above) as folder:
        return folder.open_file(last)


def _own_sums(root: Folder) -> dict[str, str]:
    """What SHA1SUMS says where this user wrote it: another's list gives no right to remove what it names."""
    try:
        descriptor = root.open_file(SUMS_FILE)
    except OSError:
        return {}
    with open(descriptor, "rb") as file:  # noqa: PTH123
        return _sums(file.read(_MOST_BYTES)) if _is_own(os.fstat(descriptor)) else {}


def _sums(content: bytes) -> dict[str, str]:
    found = {}
    for line in content.decode("utf-8", errors="replace").splitlines():
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


def _read_journal(journal: int) -> Iterator[str]:
    for line in os.pread(journal, _MOST_BYTES, 0).splitlines():
        # A killed export can leave the last line torn.
        with suppress(ValueError, RecursionError):
            name = json.loads(line)
            if isinstance(name, str) and _stays_inside(name):
                yield name


def _stays_inside(name: str) -> bool:
    return not name.startswith("/") and all(part not in ("", ".", "..") for part in name.split("/"))


def _artifact_name(sha1: str) -> str:
    return artifact_path(Path(), sha1).as_posix()


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except OddFileError as error:
        raise SeriesviewError(
            f"{error.filename}: {error.strerror}; remove it, or choose another folder"
        ) from error
    except OSError as error:
        reason = _ADVICE.get(error.errno or 0, f"{error.strerror or error}; check the folder")
        raise SeriesviewError(f"{directory} cannot be written: {reason}") from error
