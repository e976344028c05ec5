"""Files that another process writes, as a rig does, as much at a time as a test says."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import struct, sys
pipe = sys.stdin.buffer
with open(sys.argv[1], "ab", buffering=0) as file:
    while header := pipe.read(8):
        file.write(pipe.read(*struct.unpack("<q", header)))
        print("written", flush=True)
"""


class Writer:
    """A process that appends to a file."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", _PROGRAM, str(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def write(self, content: bytes) -> None:
        """Return when it is written."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(struct.pack("<q", len(content)) + content)
        self._process.stdin.flush()
        assert self._process.stdout.readline() == b"written\n"

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
