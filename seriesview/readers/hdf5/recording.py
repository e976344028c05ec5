"""One opened HDF5 dataset as a recording: its samples, and their rate or timestamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.clocks import ClockError
from seriesview.readers.hdf5.clock import Start, TimesClock, times_clock
from seriesview.readers.hdf5.facts import vector_length
from seriesview.readers.hdf5.file import file_of, naming
from seriesview.readers.hdf5.missing import missing_of
from seriesview.readers.hdf5.reach import elsewhere
from seriesview.readers.hdf5.samples import Hdf5Samples, missing_filter, samples_problem
from seriesview.readers.hdf5.scaling import Scaling, scaling_of
from seriesview.readers.moments import zone_called
from seriesview.readers.protocol import Channel, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels


@dataclass(frozen=True)
class Sources:
    """The datasets of a recording, and what the file says of them.

    `name`: how messages call the dataset. `rate` in Hz, or None where `times` has a time for each sample, in
    `time_unit` where that is configured. `start`: when a recording with a rate began, and `session_start` what the
    file says beside. `found_times`: what `timestamps:` could name. `order` F: the first
    of two dimensions of `samples` is channels. `columns`: of one dimension they are
    frames of so many channels. `scaling`: in place of what the samples' attributes say.
    """

    name: str
    samples: h5py.Dataset
    times: h5py.Dataset | None = None
    rate: float | None = None
    found_times: str = ""
    time_unit: str | None = None
    start: Start = field(default_factory=Start)
    scaling: Scaling | None = None
    session_start: str | None = None
    labels: Sequence[str] | None = None
    decisions: tuple[Decision, ...] = ()
    order: Literal["C", "F"] = "C"
    columns: int | None = None


class Hdf5Recording(Recording):
    """Samples (n, C) of a dataset; the file is closed with the recording. Raises ReaderError."""

    def __init__(self, path: Path, file: h5py.File, sources: Sources, options: ReadOptions) -> None:
        self.path = path
        self.type = options.type or "continuous"
        self._name = sources.name
        self._file = file
        self._times: Hdf5Samples | None = None
        self._clock: TimesClock | None = None
        with naming(path, sources.name):
            self._samples = Hdf5Samples(sources.samples, path, sources.order, sources.columns)
            try:
                self._set_times(sources, options)
                channels = make_channels(self._samples.num_channels, options, path, sources.labels)
            except BaseException:
                self._close_samples()
                raise
        self.dtype = self._samples.dtype
        self.num_samples = self._samples.num_samples
        self.layout = self._samples.layout
        self.source = file_of(sources.samples)
        read = (sources.samples, *(() if sources.times is None else (sources.times,)))
        places = [
            place for each in read for place in (file_of(each), *(other.path for other in elsewhere(each)))
        ]
        self.files = tuple(dict.fromkeys(place for place in places if place not in (path, self.source)))
        self.preferred_rows = self._samples.preferred_rows
        self.start_time = 0.0 if self._clock is not None else sources.start.start_time
        clock = sources.start if self._clock is None else self._clock
        self.session_start = _in_zone_of(clock.session_start, sources.session_start) or sources.session_start
        self.decisions = (*sources.decisions, *clock.decisions)
        self._set_meaning(sources, channels, options)

    def _set_times(self, sources: Sources, options: ReadOptions) -> None:
        if sources.times is None:
            self.sampling_frequency = checked_rate(sources.rate, self.path)
            if self.sampling_frequency is None:
                fitting = f"; {sources.found_times} has as many values" if sources.found_times else ""
                raise ReaderError(
                    f"no rate in this file; set `sampling_frequency:` (Hz) or `timestamps:`, "
                    f"the path of a dataset with the time of each sample{fitting}",
                    file=self.path,
                )
            if self.type == "discrete":
                raise ReaderError(
                    "type: a discrete series needs `timestamps:`, the path of their dataset", file=self.path
                )
            return
        self.sampling_frequency = None
        name = str(sources.times.name)
        problem = samples_problem(sources.times) or missing_filter(sources.times)
        length = vector_length(sources.times)
        if problem is None and length is None:
            problem = f"its shape is {sources.times.shape}, not one time a sample"
        elif problem is None and length != self._samples.num_samples:
            problem = f"it holds {length} times, but there are {self._samples.num_samples} samples"
        if problem is not None:
            raise ReaderError(f"timestamps: {name}: {problem}", file=self.path)
        is_row = len(sources.times.shape) == 2 and sources.times.shape[0] == 1
        self._times = Hdf5Samples(sources.times, self.path, "F" if is_row else "C")
        zone = zone_called(options.timezone, self.path)
        try:
            self._clock = times_clock(sources.times, self._times.dtype, sources.time_unit, zone)
        except ClockError as error:
            raise ReaderError(f"timestamps: {name}: {error}", file=self.path) from error

    def _set_meaning(self, sources: Sources, channels: tuple[Channel, ...], options: ReadOptions) -> None:
        scaling = sources.scaling or scaling_of(sources.samples, len(channels))
        self.unit, self.scale, self.offset = scaling.unit, scaling.scale, scaling.offset
        self.missing, decisions = missing_of(sources.samples, self.dtype, self.scale, self.offset)
        self.decisions += (*scaling.decisions, *decisions)
        self.channels = scaling.of_channels(channels)
        self.scale_problem = scaling.problem
        describe(self, options)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on. Raises ReaderError."""
        with naming(self.path, self._name):
            self._samples.read_into(first_sample, out)

    def unpack_with(self, threads: int) -> None:
        """Let so many threads unpack samples."""
        self._samples.unpack_with(threads)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,). Raises ReaderError where there are none."""
        if self._times is None or self._clock is None:
            raise ReaderError(f"{self._name}: this dataset has no timestamps", file=self.path)
        times = np.empty((last_sample - first_sample, 1), self._times.dtype)
        with naming(self.path, self._name):
            self._times.read_into(first_sample, times)
        return self._clock.seconds(times[:, 0])

    def close(self) -> None:
        """Let go of the file."""
        self._close_samples()
        self._file.close()

    def _close_samples(self) -> None:
        self._samples.close()
        if self._times is not None:
            self._times.close()


def _in_zone_of(session_start: str | None, other: str | None) -> str | None:
    """The moment told in the zone of another one, where both have a zone: the clock of the place."""
    if session_start is None or other is None:
        return session_start
    moment, zone = datetime.fromisoformat(session_start), datetime.fromisoformat(other).tzinfo
    return session_start if moment.tzinfo is None or zone is None else moment.astimezone(zone).isoformat()
