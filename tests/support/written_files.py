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

_RIG = """
import sys, time
import numpy as np
path, rate, channels, seconds = sys.argv[1], *map(int, sys.argv[2:])
samples = np.random.default_rng(1).normal(0, 60, (rate // 20, channels)).astype(np.int16)
with open(path, "wb", buffering=0) as file:
    began = time.monotonic()
    for number in range(20 * seconds):
        # A converter has its samples when their time has passed.
        time.sleep(max(began + (number + 1) / 20 - time.monotonic(), 0))
        file.write((samples + np.int16(number % 7)).tobytes())
        if number % 20 == 19:
            print(time.time(), flush=True)
"""


class Rig:
    """A process that writes int16 samples in real time, and tells when each second of them was written (time.time)."""

    def __init__(self, path: Path, rate: int, channels: int, seconds: int) -> None:
        command = [sys.executable, "-c", _RIG, str(path), *map(str, (rate, channels, seconds))]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def second(self) -> float:
        """When the next second was written, once it is."""
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def rest(self) -> list[float]:
        """When those after it were, once all are."""
        return [float(line) for line in self._process.communicate()[0].split()]


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
