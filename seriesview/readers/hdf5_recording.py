"""One opened HDF5 dataset as a recording: its samples, and their rate or timestamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.hdf5_file import naming
from seriesview.readers.hdf5_samples import Hdf5Samples
from seriesview.readers.protocol import ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels


@dataclass(frozen=True)
class Sources:
    """The datasets of a recording, and what the file says of them.

    `name`: how messages call the dataset. `rate` in Hz, or None where `times` has a time in seconds for each
    sample. `order` F: the first of two dimensions of `samples` is channels.
    """

    name: str
    samples: h5py.Dataset
    times: h5py.Dataset | None = None
    rate: float | None = None
    start_time: float = 0.0
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    session_start: str | None = None
    labels: Sequence[str] | None = None
    order: Literal["C", "F"] = "C"


class Hdf5Recording(Recording):
    """Samples (n, C) of a dataset; the file is closed with the recording. Raises ReaderError."""

    def __init__(self, path: Path, file: h5py.File, sources: Sources, options: ReadOptions) -> None:
        self.path = path
        self.type = options.type or "continuous"
        self._name = sources.name
        self._file = file
        self._times: Hdf5Samples | None = None
        with naming(path, sources.name):
            self._samples = Hdf5Samples(sources.samples, path, sources.order)
            try:
                self._set_times(sources)
                self.channels = make_channels(self._samples.num_channels, options, path, sources.labels)
            except BaseException:
                self._close_samples()
                raise
        self.dtype = self._samples.dtype
        self.num_samples = self._samples.num_samples
        self.layout = self._samples.layout
        self.preferred_rows = self._samples.preferred_rows
        self.start_time, self.unit = sources.start_time, sources.unit
        self.scale, self.offset = sources.scale, sources.offset
        self.session_start = sources.session_start
        describe(self, options)

    def _set_times(self, sources: Sources) -> None:
        if sources.times is None:
            self.sampling_frequency = checked_rate(sources.rate, self.path)
            if self.sampling_frequency is None:
                raise ReaderError(
                    f"{self.path}: no rate in this file; set `sampling_frequency:` (Hz) or `timestamps:`, "
                    "the path of a dataset with the time of each sample"
                )
            if self.type == "discrete":
                raise ReaderError(
                    f"{self.path}: type: a discrete series needs `timestamps:`, the path of their dataset"
                )
            return
        self.sampling_frequency = None
        name = str(sources.times.name)
        if len(sources.times.shape or (1, 1)) != 1:
            raise ReaderError(
                f"{self.path}: timestamps: {name} has the shape {sources.times.shape}, not one time a sample"
            )
        if len(sources.times) != self._samples.num_samples:
            raise ReaderError(
                f"{self.path}: timestamps: {name} holds {len(sources.times)} times, "
                f"but there are {self._samples.num_samples} samples"
            )
        self._times = Hdf5Samples(sources.times, self.path)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on. Raises ReaderError."""
        with naming(self.path, self._name):
            self._samples.read_into(first_sample, out)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,). Raises ReaderError where there are none."""
        if self._times is None:
            raise ReaderError(f"{self.path}: {self._name}: this dataset has no timestamps")
        times = np.empty((last_sample - first_sample, 1), self._times.dtype)
        with naming(self.path, self._name):
            self._times.read_into(first_sample, times)
        return times[:, 0].astype(np.float64)

    def close(self) -> None:
        """Let go of the file."""
        self._close_samples()
        self._file.close()

    def _close_samples(self) -> None:
        self._samples.close()
        if self._times is not None:
            self._times.close()
