"""Builds, and the removal of artifacts, keep out of each other's way: a lock that ends with its process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seriesview.errors import StoreError
from seriesview.store.faults import write_fault
from seriesview.store.layout import lock_path
from seriesview.store.permissions import sharing_of


@contextmanager
def building(directory: Path) -> Iterator[None]:
    """Hold off the removal of artifacts while something is built; waits while artifacts are removed.

    A directory that is not there yet, or cannot be written, is not locked: there is nothing of this user's to remove.
    """
    descriptor = None
    with suppress(StoreError):
        descriptor = _open(directory) if directory.is_dir() else None
    try:
        if descriptor is not None:
            # Where a file system has no locks, removing refuses.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_SH)
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


def _open(directory: Path) -> int:
    path = lock_path(directory)
    try:
        sharing = sharing_of(directory)
        if not path.parent.is_dir():
            path.parent.mkdir(sharing.new_directory_mode(), exist_ok=True)
            sharing.adopt_directory(path.parent)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, sharing.file_mode())
        if is_new:
            sharing.adopt_file(descriptor)
    except OSError as error:
        raise write_fault(directory, error) from error
    return descriptor
