"""Recordings on a disk that stalls: a build reads half of one, and waits at a gate until that is opened.

A gate is a pipe beside the recording. Whoever only looks at samples goes through that of the disk alone.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from installed_readers import install_reader

from seriesview.readers import Candidate, Channel, ReadOptions, Recording

CHANNELS, RATE = 32, 1000.0
stalled: list[Path] = []
"""Recordings that were to be read, once for each time that a disk did not answer."""


def gate_of(path: Path) -> Path:
    return path.with_suffix(".gate")


def disk_of(path: Path) -> Path:
    return path.with_suffix(".disk")


class GatedRecording(Recording):
    """Rows of int16 samples; from the middle on nothing is read while there is a gate."""

    def __init__(self, path: Path) -> None:
        self.type = "continuous"
        self.path = path
        self.dtype = np.dtype(np.int16)
        self.channels = tuple(Channel(str(number), f"c{number}") for number in range(CHANNELS))
        self.sampling_frequency = RATE
        self.unit = "uV"
        self.num_samples = path.stat().st_size // (2 * CHANNELS)
        self._rows = np.memmap(path, np.int16, "r", shape=(self.num_samples, CHANNELS))

    def read_into(self, first_sample: int, out: npt.NDArray[np.int16]) -> None:
        is_build = threading.current_thread().name == "read"
        gate = gate_of(self.path) if is_build else disk_of(self.path)
        if first_sample + len(out) > self.num_samples // 2 and gate.exists():
            if not is_build:
                stalled.append(self.path)
            gate.read_bytes()
        out[:] = self._rows[first_sample : first_sample + len(out)]


class GatedReader:
    name = "gated"

    def can_read(self, path: Path) -> bool:
        return path.suffix == ".gated"

    def candidates(self, path: Path) -> list[Candidate]:
        return [Candidate(None, "continuous", "int16", (0, CHANNELS), RATE, "uV", {})]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        return GatedRecording(path)


class Gate:
    """A gate of a recording: closed until `open`."""

    def __init__(self, pipe: Path) -> None:
        self._pipe = pipe
        os.mkfifo(pipe)

    def open(self) -> None:
        """Let whoever waits, or will come, go on; once is enough."""
        pipe = self._pipe
        if not pipe.exists():
            return
        # For reading too, so that nobody has to wait there.
        descriptor = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        pipe.unlink(missing_ok=True)
        os.close(descriptor)


def write_gated(
    path: Path, num_samples: int, monkeypatch: pytest.MonkeyPatch, place: Path
) -> tuple[npt.NDArray[np.int16], Gate]:
    """Write a recording and let its reader be found; its samples (n, 32), and its gate, which is closed."""
    random = np.random.default_rng(3)
    some = random.normal(0, 300, (50_000, CHANNELS)).astype(np.int16)
    samples = (
        np.resize(some, (num_samples, CHANNELS)) + np.arange(num_samples)[:, None] // (num_samples // 100) * 8
    )
    samples = samples.astype(np.int16)
    samples.tofile(path)
    install_reader(place, "gated", "gated_recordings:GatedReader", monkeypatch)
    return samples, Gate(gate_of(path))
