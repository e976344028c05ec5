"""Writing artifacts so that a valid name never holds anything but the whole file."""

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seriesview.store.direct import write_directly
from seriesview.store.faults import write_fault
from seriesview.store.folders import Folder
from seriesview.store.paths import artifact_path, enter_storage, link_path, open_parent, staging_directory
from seriesview.store.permissions import Sharing, sharing_of
from seriesview.store.processes import own_name
from seriesview.store.scratch import Scratch, ScratchFile
from seriesview.store.staging import StagedFile, remove_leftovers

_MAX_UNSYNCED = 4096
_RETRIES = 3


class AtomicWriter:
    """Writes into one kachery storage directory; safe from many threads and processes at once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.scratch: Scratch | None = None
        """Where packs are written first, if not in the storage directory itself."""
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
        self.put_beside(text, link_path(self.directory, sha1))

    def put_beside(self, content: bytes, path: Path) -> None:
        """Write a file below the directory that is no artifact, replacing an older one; raises StoreError."""
        with self.stage() as staged:
            staged.write(memoryview(content))
            os.fsync(staged.descriptor)
            AtomicWriter.give_name(self, staged, path)

    def holds(self, sha1: str, size: int) -> bool:
        """Return whether a stored file of this hash is there with this size; raises StoreError."""
        return self.has_file(artifact_path(self.directory, sha1), size)

    def has_file(self, path: Path, size: int) -> bool:
        """Return whether a regular file is there below the directory, with this size; raises StoreError."""
        try:
            with open_parent(self.directory, path) as folder:
                status = folder.find(path.name)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise write_fault(self.directory, error) from error
        return status is not None and status.st_size == size

    @contextmanager
    def stage(self) -> Iterator[StagedFile]:
        """Open a new staged file, removed unless published; any OSError inside becomes a StoreError."""
        try:
            staged = self.open_here()
            try:
                yield staged
            finally:
                staged.close()
        except OSError as error:
            raise write_fault(self.directory, error) from error

    def publish(self, staged: StagedFile, target: Path) -> None:
        """Sync a staged file to disk and give it its final name, replacing what had it; raises OSError."""
        os.fsync(staged.descriptor)
        self.give_name(staged, target)

    def give_name(self, staged: StagedFile, target: Path) -> None:
        """Give a staged file its final name, whether or not it is on disk; raises OSError.

        One on scratch is copied beside it first, checked and synced.
        """
        if isinstance(staged, ScratchFile):
            whole = self.open_here()
            try:
                staged.copy_to(whole, target.name)
                os.fsync(whole.descriptor)
                self._rename(whole, target)
            finally:
                whole.close()
            return
        self._rename(staged, target)

    def _rename(self, staged: StagedFile, target: Path) -> None:
        for attempt in range(_RETRIES + 1):
            try:
                with self._parent(target) as folder:
                    staged.folder.rename(staged.name, folder, target.name)
                break
            except FileNotFoundError:
                # The folder was removed as an empty one, a moment after it was made.
                if attempt == _RETRIES or staged.folder.find(staged.name) is None:
                    raise
            except PermissionError:
                # Another user's new directory has its group rights a moment after its name.
                if attempt == _RETRIES:
                    raise
                time.sleep(0.05)
        self._note_unsynced(target.parent)

    def open_appending(self, path: Path) -> int:
        """Open a new file below the storage directory for appending, which others only read; raises OSError."""
        sharing = self._prepare()
        with self._parent(path) as folder:
            descriptor = folder.create_file(path.name, os.O_WRONLY | os.O_APPEND, sharing.file_mode(0o044))
        sharing.adopt_file(descriptor, 0o040)
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
            self._sharing = sharing_of(self.directory)
            with self._parent(self._staging / "leftovers") as staging:
                remove_leftovers(staging)
        return self._sharing

    def open_staged(self) -> StagedFile:
        """Open a file for a pack, on scratch where there is one, for its user to publish and to close.

        Raises OSError, and StoreError of scratch.
        """
        return self.open_here() if self.scratch is None else self.scratch.open_staged()

    def open_here(self) -> StagedFile:
        """Open one in the storage directory itself; raises OSError."""
        sharing = self._prepare()
        name = own_name(".tmp")
        folder = self._parent(self._staging / name)
        try:
            descriptor = folder.create_file(name, os.O_RDWR, sharing.file_mode())
            try:
                sharing.adopt_file(descriptor)
            except BaseException:
                os.close(descriptor)
                folder.unlink(name)
                raise
        except BaseException:
            folder.close()
            raise
        return StagedFile(folder, name, descriptor)

    def _parent(self, path: Path) -> Folder:
        """Open the folder of a path below the directory, made where it is missing; raises OSError."""
        try:
            return open_parent(self.directory, path)
        except FileNotFoundError:
            self._make_parent(path)
            return open_parent(self.directory, path)

    def _make_parent(self, path: Path) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        sharing = self._sharing or sharing_of(self.directory)
        names = path.relative_to(self.directory).parts[:-1]
        above = Folder.at(self.directory)
        for depth, name in enumerate(names):
            is_new = above.make(name, sharing.new_directory_mode())
            inner = enter_storage(above, names[:1]) if depth == 0 else above.enter(name)
            if is_new:
                sharing.adopt_folder(inner)
                if depth:
                    # Its maker may have been killed before it could share it.
                    sharing.adopt_folder(above)
                self._note_unsynced(self.directory.joinpath(*names[:depth]))
            above.close()
            above = inner
        above.close()

    def _note_unsynced(self, path: Path) -> None:
        with self._lock:
            self._unsynced.add(str(path))
            full = len(self._unsynced) >= _MAX_UNSYNCED
        if full:
            self.flush()


def _sync_directory(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot sync a directory and need not
            raise
    finally:
        os.close(descriptor)
