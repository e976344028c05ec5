"""Recordings whose samples a file gives by byte range, most often by their layout alone."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

from seriesview.readers.protocol import Recording


class Samples(Protocol):
    """An open file of samples, such as `seriesview.layout.sample_file.SampleFile`."""

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class LaidOutRecording(Recording):
    """Reads from `_samples`, which a format opens once it knows where its samples lie."""

    _samples: Samples

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        self._samples.read_into(first_sample, out)

    def close(self) -> None:
        """Let go of the files."""
        self._samples.close()
