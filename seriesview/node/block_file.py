"""Writing a stream of pieces in large blocks past the page cache.

An upload is seldom read at once, and memory for 100 MB of cache costs more time than the disk. Where the file system
cannot do that, blocks are written the ordinary way.
"""

import mmap
import os

from seriesview.store.direct import write_directly
from seriesview.store.staging import StagedFile

BLOCK_BYTES = 2**20
_WRITE_BEHIND_BYTES = 2**23


class BlockFile:
    """Collects pieces in a block of memory, and writes each block that is full."""

    def __init__(self, staged: StagedFile) -> None:
        self._staged = staged
        self._block = memoryview(mmap.mmap(-1, BLOCK_BYTES))  # starts at a page, as direct writes need it
        self._filled = 0
        self.size = 0
        """Bytes written so far."""
        self._begun = 0

    def add(self, piece: bytes) -> None:
        """Take the next bytes; raises OSError."""
        view = memoryview(piece)
        while len(view):
            part = view[: BLOCK_BYTES - self._filled]
            self._block[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            view = view[len(part) :]
            if self._filled == BLOCK_BYTES:
                self._write()

    def finish(self) -> None:
        """Write what is left; raises OSError."""
        self._write()

    def _write(self) -> None:
        block = self._block[: self._filled]
        written = write_directly(self._staged.descriptor, block)
        self._staged.write(block[written:])
        self.size += self._filled
        self._filled = 0
        if not written and self.size - self._begun >= _WRITE_BEHIND_BYTES:
            # Has the kernel begin to write now, so that the sync at the end has little left to do.
            os.posix_fadvise(
                self._staged.descriptor, self._begun, self.size - self._begun, os.POSIX_FADV_DONTNEED
            )
            self._begun = self.size
