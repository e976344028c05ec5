"""Files that are being written, under names that kachery does not look at, and what killed writers left of them.

A name tells which process writes it. On this host that process is looked for; a living one, on whatever host, touches
what it writes at least once an hour.
"""

import errno
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from seriesview.store.direct import DIRECT_BYTES, open_directly, write_directly_at
from seriesview.store.folders import Folder
from seriesview.store.processes import is_running

TOUCH_SECONDS = 3600.0
"""A living writer touches what it has not finished so often."""
LEFTOVER_SECONDS = 24 * 3600.0
"""A staged file that nobody has touched for this long belonged to a writer that was killed."""


class StagedFile:
    """A file being written under a name that kachery does not look at."""

    def __init__(self, folder: Folder, name: str, descriptor: int) -> None:
        self.folder = folder
        self.name = name
        self.descriptor = descriptor
        self.is_closed = False
        self._direct: int | None = None
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.folder.path / self.name

    def write(self, data: memoryview) -> None:
        """Append all of `data` (a one-dimensional view of unsigned bytes); raises OSError."""
        written = 0
        while written < len(data):
            step = os.write(self.descriptor, data[written:])
            if step == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written += step

    def write_at(self, data: memoryview, offset: int) -> None:
        """Write all of `data` at a place; several threads may do so at once. Raises OSError."""
        written = 0
        if len(data) >= DIRECT_BYTES:
            with self._lock:
                if self._direct is None:
                    self._direct = open_directly(self.folder, self.name) or -1
            if self._direct > 0:
                written = write_directly_at(self._direct, data, offset)
        while written < len(data):
            step = os.pwrite(self.descriptor, data[written:], offset + written)
            if step == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written += step

    def close(self) -> None:
        """Let go of it, and remove it unless it has another name by now; closing twice does no harm."""
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
            os.close(self.descriptor)
            if self._direct is not None and self._direct > 0:
                os.close(self._direct)
            with suppress(OSError):
                self.folder.unlink(self.name)
            self.folder.close()

    def touch(self) -> None:
        """Show others that its writer is at work."""
        with self._lock, suppress(OSError):
            if not self.is_closed:
                os.utime(self.descriptor)


def remove_leftovers(staging: Folder, seconds: float = LEFTOVER_SECONDS) -> None:
    """Remove staged files of writers that ended on this host, and those not touched for `seconds`, where possible."""
    oldest = time.time() - seconds
    with suppress(OSError):
        for name in staging.names():
            with suppress(OSError):
                status = staging.find(name) if name.endswith(".tmp") else None
                if status is not None and (status.st_mtime < oldest or is_running(name) is False):
                    staging.unlink(name)
