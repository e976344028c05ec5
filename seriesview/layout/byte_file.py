"""A file that is read by byte range, from any thread."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seriesview.errors import IntegrityError
from seriesview.layout.remote_path import RemotePath

Bytes = npt.NDArray[np.uint8]


class ByteFile:
    """Positional reads of a file; nothing is mapped, buffered or shared between calls."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ranges = path.ranges() if isinstance(path, RemotePath) else None
        self._descriptor = -1
        if self._ranges is not None:
            return
        # A pipe in the place of a file would make opening wait for a writer.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)

    @property
    def descriptor(self) -> int:
        """Of the open file."""
        return self._descriptor

    @property
    def size(self) -> int:
        """Bytes of the file, as it is now; of a remote one as it was when it was opened."""
        return self._ranges.size if self._ranges is not None else os.fstat(self._descriptor).st_size

    def read_into(self, out: Bytes, position: int) -> None:
        """Fill the contiguous uint8 array from byte `position` on. Raises IntegrityError where the file ends first."""
        view = out.reshape(-1).data
        filled = 0
        while filled < len(view):
            if self._ranges is not None:
                count = self._ranges.read_into(view[filled:], position + filled)
            else:
                count = os.preadv(self._descriptor, [view[filled:]], position + filled)
            if count == 0:
                raise IntegrityError(
                    f"ends at byte {self.size}, but samples lie at bytes "
                    f"{position} to {position + len(view)}; the file was cut short: copy or write it again",
                    file=self.path,
                )
            filled += count

    def read(self, num_bytes: int, position: int) -> Bytes:
        """uint8 (num_bytes,) from byte `position` on. Raises IntegrityError where the file ends first."""
        out = np.empty(num_bytes, np.uint8)
        self.read_into(out, position)
        return out

    def close(self) -> None:
        """Let go of the file; closing twice does no harm."""
        if self._ranges is not None:
            self._ranges.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
