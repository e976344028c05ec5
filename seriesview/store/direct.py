"""Writing past the page cache: a part is written once and seldom read at once, so copying it there is lost time."""

import errno
import fcntl
import os
from contextlib import suppress

from seriesview.store.folders import Folder

DIRECT_BYTES = 1 << 19
"""Smaller writes are not worth their own disk access."""

ALIGNMENT = 4096
"""Memory that begins at a multiple of so many bytes can be written directly."""


def write_directly(descriptor: int, data: memoryview) -> int:
    """Write as much of `data` past the page cache as its address and the file system allow; how many bytes.

    `data` is a one-dimensional view of unsigned bytes. Less than `DIRECT_BYTES`, memory that is not aligned as the
    disk wants it and file systems without direct access give 0. What is left is for an ordinary write at the file's
    position. Raises OSError (no space, say).
    """
    whole = len(data) // ALIGNMENT * ALIGNMENT
    if whole < DIRECT_BYTES or not hasattr(os, "O_DIRECT"):
        return 0
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    written = 0
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_DIRECT)
        while written < whole and written % ALIGNMENT == 0:
            step = os.write(descriptor, data[written:whole])
            if step == 0:
                break
            written += step
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)
    return written


def open_directly(folder: Folder, name: str) -> int | None:
    """Open a file a second time, for `write_directly_at`; None where its file system cannot do that."""
    if hasattr(os, "O_DIRECT"):
        with suppress(OSError):
            return folder.open_file(name, os.O_WRONLY | os.O_DIRECT)
    return None


def write_directly_at(descriptor: int, data: memoryview, offset: int) -> int:
    """As `write_directly`, at a place of a file that `open_directly` opened; safe in several threads."""
    whole = len(data) // ALIGNMENT * ALIGNMENT
    if whole < DIRECT_BYTES or offset % ALIGNMENT:
        return 0
    written = 0
    try:
        while written < whole and written % ALIGNMENT == 0:
            step = os.pwrite(descriptor, data[written:whole], offset + written)
            if step == 0:
                break
            written += step
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    return written
