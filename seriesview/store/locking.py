"""Builds, and the removal of artifacts, keep out of each other's way: a lock that ends with its process."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seriesview.errors import StoreError
from seriesview.store.faults import write_fault
from seriesview.store.folders import Folder
from seriesview.store.paths import lock_path
from seriesview.store.permissions import sharing_of

MOST_SECONDS = 600.0
"""Artifacts are removed within minutes: a lock that is held for longer is held for something else."""
_PAUSE_SECONDS = 0.2
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


def has_no_locks(error: OSError) -> bool:
    """Whether a lock failed because its file system has none that work, not because somebody holds it."""
    return error.errno in _NO_LOCKS


@contextmanager
def building(directory: Path) -> Iterator[None]:
    """Hold off the removal of artifacts while something is built; waits while artifacts are removed.

    A directory that is not there yet, or cannot be written, is not locked: there is nothing of this user's to remove.
    Raises StoreError where the lock is held for more than `MOST_SECONDS`.
    """
    descriptor = None
    with suppress(StoreError):
        descriptor = _open(directory) if directory.is_dir() else None
    try:
        if descriptor is not None:
            _wait_for_lock(directory, descriptor)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def removing(directory: Path) -> Iterator[None]:
    """Hold off builds while artifacts are removed; raises StoreError where one is running."""
    descriptor = _open(directory)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"a build into {directory} is running; try again when it is done") from error
        except OSError as error:
            raise StoreError(
                f"{directory} is on a file system without locks, so a running build could not be seen; "
                "nothing is removed there"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(directory: Path, descriptor: int) -> None:
    until = time.monotonic() + MOST_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise StoreError(
                    f"{lock_path(directory)} has been locked for {MOST_SECONDS:.0f} s, as it is while artifacts are "
                    "removed; find out who does so (`fuser` tells) and end that process"
                ) from None
            time.sleep(_PAUSE_SECONDS)
        except OSError:
            return  # a file system without locks: there, removing refuses
        else:
            return


def _open(directory: Path) -> int:
    path = lock_path(directory)
    try:
        sharing = sharing_of(directory)
        with Folder.at(directory) as root:
            is_new = root.make(path.parent.name, sharing.new_directory_mode())
            with root.enter(path.parent.name) as folder:
                if is_new:
                    sharing.adopt_folder(folder)
                try:
                    descriptor = folder.create_file(path.name, os.O_RDWR, sharing.file_mode())
                except FileExistsError:
                    return folder.open_file(path.name, os.O_RDWR)
        sharing.adopt_file(descriptor)
    except OSError as error:
        raise write_fault(directory, error) from error
    return descriptor
