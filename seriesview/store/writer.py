"""Writing artifacts so that a valid name never holds anything but the whole file."""

import errno
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seriesview.store.direct import write_directly
from seriesview.store.faults import write_fault
from seriesview.store.layout import artifact_path, link_path, staging_directory
from seriesview.store.permissions import Sharing, sharing_of

LEFTOVER_SECONDS = 24 * 3600.0
"""A staged file that nobody has written to for this long belonged to a writer that was killed."""

_MAX_UNSYNCED = 4096
_RETRIES = 3


class StagedFile:
    """A file being written under a name that kachery does not look at."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def write(self, data: memoryview) -> None:
        """Append all of `data` (a one-dimensional view of unsigned bytes); raises OSError."""
        written = 0
        while written < len(data):
            step = os.write(self.descriptor, data[written:])
            if step == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written += step


class AtomicWriter:
    """Writes into one kachery storage directory; safe from many threads and processes at once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._staging = staging_directory(directory)
        self._sharing: Sharing | None = None
        self._unsynced: set[str] = set()
        self._lock = threading.Lock()

    def put(self, data: memoryview, sha1: str) -> bool:
        """Store bytes whose hash is known; returns whether they had to be written. Raises StoreError."""
        target = artifact_path(self.directory, sha1)
        if self.holds(sha1, len(data)):
            return False
        with self.stage() as staged:
            staged.write(data[write_directly(staged.descriptor, data) :])
            self.publish(staged, target)
        return True

    def put_link(self, text: bytes, sha1: str) -> None:
        """Write the link file of a hash, replacing an older one; raises StoreError."""
        with self.stage() as staged:
            staged.write(memoryview(text))
            self.publish(staged, link_path(self.directory, sha1))

    def holds(self, sha1: str, size: int) -> bool:
        """Return whether a stored file of this hash is there with this size; raises StoreError."""
        try:
            return artifact_path(self.directory, sha1).stat().st_size == size
        except FileNotFoundError:
            return False
        except OSError as error:
            raise write_fault(self.directory, error) from error

    @contextmanager
    def stage(self) -> Iterator[StagedFile]:
        """Open a new staged file, removed unless published; any OSError inside becomes a StoreError."""
        try:
            path, descriptor = self._open_staged()
            try:
                yield StagedFile(path, descriptor)
            finally:
                os.close(descriptor)
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise write_fault(self.directory, error) from error

    def publish(self, staged: StagedFile, target: Path) -> None:
        """Sync a staged file to disk and give it its final name, replacing what had it; raises OSError."""
        os.fsync(staged.descriptor)
        self.give_name(staged, target)

    def give_name(self, staged: StagedFile, target: Path) -> None:
        """Give a staged file its final name, whether or not it is on disk; raises OSError."""
        for attempt in range(_RETRIES + 1):
            try:
                staged.path.rename(target)
                break
            except FileNotFoundError:
                if not staged.path.exists():
                    raise
                self._make_directories(target.parent)
            except PermissionError:
                # Another user's new directory has its group rights a moment after its name.
                if attempt == _RETRIES:
                    raise
                time.sleep(0.05)
        else:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target))
        self._note_unsynced(target.parent)

    def open_appending(self, path: Path) -> int:
        """Open a new file below the storage directory for appending; raises OSError."""
        sharing = self._prepare()
        self._make_directories(path.parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, sharing.file_mode())
        sharing.adopt_file(descriptor)
        self._note_unsynced(path.parent)
        return descriptor

    def flush(self) -> None:
        """Sync the directories that got new names since the last time; raises StoreError."""
        with self._lock:
            unsynced, self._unsynced = self._unsynced, set()
        try:
            for path in sorted(unsynced):
                _sync_directory(path)
        except OSError as error:
            raise write_fault(self.directory, error) from error

    def prepare(self) -> None:
        """Make the storage directory where it is missing, and clear old leftovers; raises StoreError."""
        try:
            self._prepare()
        except OSError as error:
            raise write_fault(self.directory, error) from error

    def _prepare(self) -> Sharing:
        if self._sharing is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            sharing = sharing_of(self.directory)
            self._sharing = sharing
            self._make_directories(self._staging)
            remove_leftovers(self._staging)
        return self._sharing

    def _open_staged(self) -> tuple[Path, int]:
        sharing = self._prepare()
        path = self._staging / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}.tmp"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, sharing.file_mode())
        except FileNotFoundError:
            self._make_directories(self._staging)
            descriptor = os.open(path, flags, sharing.file_mode())
        try:
            sharing.adopt_file(descriptor)
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return path, descriptor

    def _make_directories(self, path: Path) -> None:
        sharing = self._sharing or sharing_of(self.directory)
        try:
            path.mkdir(sharing.new_directory_mode())
        except FileExistsError:
            if not path.is_dir():
                raise
            return
        except FileNotFoundError:
            if path == self.directory:
                path.mkdir(parents=True, exist_ok=True)
                return
            self._make_directories(path.parent)
            self._make_directories(path)
            return
        sharing.adopt_directory(path)
        if path.parent != self.directory:
            # Its maker may have been killed before it could share it.
            sharing.adopt_directory(path.parent)
        self._note_unsynced(path.parent)

    def _note_unsynced(self, path: Path) -> None:
        with self._lock:
            self._unsynced.add(str(path))
            full = len(self._unsynced) >= _MAX_UNSYNCED
        if full:
            self.flush()


def remove_leftovers(staging: Path, seconds: float = LEFTOVER_SECONDS) -> None:
    """Remove staged files last written to more than `seconds` ago; what cannot be removed stays."""
    oldest = time.time() - seconds
    with suppress(OSError), os.scandir(staging) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.name.endswith(".tmp") and entry.stat(follow_symlinks=False).st_mtime < oldest:
                    Path(entry.path).unlink()


def _sync_directory(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot sync a directory and need not
            raise
    finally:
        os.close(descriptor)
