"""The files that a dataset is read from: what identifies them, and a file's SHA-1, taken once for all its datasets."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from seriesview.build.made import origin_of
from seriesview.build.results import read_in, write_in
from seriesview.errors import BuildError, FormatError
from seriesview.layout.layouts import files_of
from seriesview.layout.remote_path import as_text, is_remote, located
from seriesview.layout.remote_servers import shown
from seriesview.readers.protocol import Recording
from seriesview.store.folders import Folder
from seriesview.store.locking import has_no_locks
from seriesview.store.uris import check_hash

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class SourceIdentity:
    """What tells one state of a file from another without reading it. `path` is absolute, links resolved.

    Of a folder: the bytes of all that is in it, and the latest time in it. Of a file that is not there `size` is -1.
    """

    path: str
    size: int
    mtime_ns: int
    inode: int

    @property
    def mtime(self) -> float:
        """Modification time as kachery records it."""
        path = located(self.path)
        return path.stat().st_mtime if path.is_file() and not is_remote(path) else self.mtime_ns / 1e9


@dataclass(frozen=True)
class RecordingIdentity:
    """What tells one state of all that decides a recording from another: the files of its samples, then others.

    Of what is in memory there is no file, and `num_bytes` alone is known.
    """

    samples: tuple[SourceIdentity, ...]
    others: tuple[SourceIdentity, ...] = ()
    num_bytes: int = 0

    @property
    def size(self) -> int:
        """Bytes of the files of samples."""
        return sum(file.size for file in self.samples) or self.num_bytes

    def as_json(self) -> dict[str, Any]:
        """As shards and ledgers note it."""
        samples, others = (
            tuple(replace(file, path=shown(file.path)) for file in files)
            for files in (self.samples, self.others)
        )
        told = asdict(RecordingIdentity(samples, others, self.num_bytes))
        found: dict[str, Any] = json.loads(json.dumps(told))
        return found

    def as_result(self) -> dict[str, Any]:
        """As results tell it: the first file, and the `files` beside it, where there are any."""
        first, *more = self.samples + self.others or (None,)
        if first is None:
            return {"path": "", "size": self.num_bytes, "mtime": 0.0}
        told = {"path": shown(first.path), "size": first.size, "mtime": first.mtime}
        files = [{"path": shown(file.path), "size": file.size, "mtime_ns": file.mtime_ns} for file in more]
        return {**told, "files": files} if files else told

    def check_unchanged(self) -> None:
        """Raise BuildError if a file is no longer what it was."""
        for file in self.samples + self.others:
            check_unchanged(file)


def in_memory(num_bytes: int) -> RecordingIdentity:
    """Identity of what no file holds; the caller sees to it that it does not change."""
    return RecordingIdentity((), (), num_bytes)


def sample_files(recording: Recording) -> tuple[Path, ...]:
    """The files that hold the recording's samples, or a folder: not the opened one where that only links to them."""
    if recording.layout is not None:
        return files_of(recording.layout)
    if recording.source is not None:
        return (recording.source,)
    # A reader that says which files of a folder decide needs no others.
    return () if recording.files and recording.path.is_dir() else (recording.path,)


def identify_recording(recording: Recording) -> RecordingIdentity:
    """Identity of every file that decides the recording. Raises OSError where one of its samples is gone."""
    recording = origin_of(recording)
    samples = tuple(identify(path) for path in sample_files(recording))
    opened = () if recording.path.is_dir() else (recording.path,)
    others = {file.path: file for file in map(_if_there, (*opened, *recording.files))}
    held = {file.path for file in samples}
    return RecordingIdentity(samples, tuple(others[path] for path in sorted(others.keys() - held)))


def identify(path: Path) -> SourceIdentity:
    """Identity of the file or folder that `path` leads to. Raises OSError."""
    real = path.resolve(strict=True)
    status = real.stat()
    if not stat.S_ISDIR(status.st_mode):
        return SourceIdentity(as_text(real), status.st_size, status.st_mtime_ns, status.st_ino)
    size, latest = 0, status.st_mtime_ns
    for folder, folders, files in os.walk(real):
        for name in (*folders, *files):
            with suppress(FileNotFoundError):
                found = os.lstat(os.path.join(folder, name))  # noqa: PTH118
                size += found.st_size if stat.S_ISREG(found.st_mode) else 0
                latest = max(latest, found.st_mtime_ns)
    return SourceIdentity(str(real), size, latest, status.st_ino)


def _if_there(path: Path) -> SourceIdentity:
    try:
        return identify(path)
    except OSError:
        return SourceIdentity(as_text(path.absolute()), -1, 0, 0)


def check_unchanged(source: SourceIdentity) -> None:
    """Raise BuildError if the file is no longer what it was when `source` was taken."""
    try:
        path = located(source.path)
        now = identify(path) if source.size >= 0 else _if_there(path)
    except OSError as error:
        raise BuildError(f"gone while it was read ({error.strerror})", file=shown(source.path)) from error
    if now != source:
        raise BuildError(
            f"changed while it was read ({source.size} bytes then, {now.size} now); "
            "build again when nothing writes to it, or set `full_resolution: store` once it is finished",
            file=shown(source.path),
        )


class HashRecord:
    """SHA-1s of whole files, kept between jobs, so that one hash of a file serves all its datasets.

    A file is known by its identity. While a job hashes a file it holds a lock on that file's entry; the lock
    goes with the process, however it ends. What another user noted is not believed: by it a link is made.
    """

    def __init__(self, directory: Path, source: SourceIdentity) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        key = hashlib.sha1(source.path.encode()).hexdigest()
        self._source = source
        self._directory = directory
        self._entry = f"{key}.json"
        self._lock_name = f"{key}.lock"
        self._lock_file: int | None = None

    def known(self, first: int | None = None) -> str | None:
        """Hex SHA-1 of the file as it is, or of its `first` bytes, if it has been taken."""
        try:
            with Folder.at(self._directory) as folder:
                status = folder.find(self._entry)
                if status is None or status.st_uid != os.geteuid():
                    return None
                entry = json.loads(read_in(folder, self._entry))
            sha1 = entry["sha1"] if first is None else entry["starts"][str(first)]
            return check_hash(sha1) if entry["source"] == asdict(self._source) else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError, FormatError):
            return None

    def claim(self, wait: bool = False) -> bool:
        """Whether this job now holds the right to hash the file; with `wait` once nobody else does."""
        with Folder.at(self._directory) as folder:
            try:
                descriptor = folder.create_file(self._lock_name, os.O_RDWR, 0o666)
            except FileExistsError:
                try:
                    descriptor = folder.open_file(self._lock_name, os.O_RDWR)
                except OSError:
                    # Another user's, or somebody's link: nobody is waited for.
                    return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            # Where locks do not work nobody is waited for.
            return has_no_locks(error)
        self._lock_file = descriptor
        return True

    def keep(self, sha1: str, starts: Mapping[int, str] | None = None) -> None:
        """Record the file's hash, and those of so many of its first bytes."""
        entry = {"source": asdict(self._source), "sha1": sha1, "starts": starts or {}}
        with Folder.at(self._directory) as folder:
            write_in(folder, self._entry, json.dumps(entry).encode())

    def release(self) -> None:
        """Give up the right to hash the file."""
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None


def hash_file(
    path: str,
    stop: threading.Event | None = None,
    first: int = 0,
    progress: Callable[[int], None] | None = None,
) -> tuple[str, str]:
    """Hex SHA-1s of the file and of its `first` bytes, of which it has as many; "" when `stop` was set before.

    `progress` gets numbers of bytes that were hashed.
    """
    digest, start, done = hashlib.sha1(), hashlib.sha1(), 0
    buffer = bytearray(_READ_BYTES)
    view = memoryview(buffer)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        while count := file.readinto(view[: first - done] if done < first else view):
            if stop is not None and stop.is_set():
                return "", ""
            digest.update(view[:count])
            done += count
            if progress is not None:
                progress(count)
            if done == first:
                start = digest.copy()
    return digest.hexdigest(), start.hexdigest()
