"""Bytes that are put down for a while: in memory while they are few, else in a temporary file without a name."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import IO

from seriesview.layout.byte_file import Bytes


class Scratch:
    """Written and read by position; safe from any thread, for places that nobody else writes at that time.

    Up to `memory_bytes` are held in memory. What is written raises OSError where the disk is full.
    """

    def __init__(self, memory_bytes: int = 0) -> None:
        self._memory_bytes = memory_bytes
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """By which this process opens the file, if `memory_bytes` is 0 and something was written."""
        assert self._file is not None
        return Path(f"/proc/self/fd/{self._file.fileno()}")

    def write(self, data: memoryview, position: int) -> None:
        """Put bytes down at a place: in memory at the end of what is there."""
        with self._lock:
            if self._file is None and position + data.nbytes <= self._memory_bytes:
                self._memory[position:] = data
                return
            if self._file is None:
                file = tempfile.TemporaryFile(prefix="seriesview-", buffering=0)  # noqa: SIM115
                _write(file, memoryview(self._memory), 0)
                self._file, self._memory = file, bytearray()
        _write(self._file, data, position)

    def read_into(self, out: Bytes, position: int) -> None:
        """Fill a contiguous array of bytes with what was written from a place on."""
        view = out.reshape(-1).data
        if self._file is None:
            view[:] = self._memory[position : position + len(view)]
            return
        filled = 0
        while filled < len(view):
            count = os.preadv(self._file.fileno(), [view[filled:]], position + filled)
            assert count, "read behind what was written"
            filled += count

    def close(self) -> None:
        """Let go of everything."""
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None


def _write(file: IO[bytes], data: memoryview, position: int) -> None:
    """Write all of it: a disk that is nearly full takes a part."""
    while data.nbytes:
        written = os.pwrite(file.fileno(), data, position)
        data, position = data[written:], position + written
