"""What a job asks a cluster for, memory and run time, from what is known of the recordings that it takes."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from seriesview.build.blocks import preferred_rows
from seriesview.build.dataset import Dataset
from seriesview.build.planning import bytes_to_read, path_here
from seriesview.errors import SeriesviewError
from seriesview.readers.protocol import Recording
from seriesview.readers.registry import open_recording

ASSUMED_BYTES = 10_000_000_000
"""Of a recording that is not there yet, or on another machine."""

_MB = 1_000_000
_STARTING_MB = 400
"""The two Snakemakes of a job, 194 MB each, and their shells."""
_BUILDING_MB = 200
_CONVERTING_MB = 200
"""More, where a library reads the samples."""
_COMPUTING_MB = 1000
"""More, where samples are computed: the blocks of some threads, as doubles."""
_CHUNK_COPIES = 4
_MOST_CHUNK_BYTES = 128 << 20
_EVENT_TIMES = 7
"""Events take so many times the bytes of their file; how many there are, only reading them tells."""
_MOST_EVENT_MB = 4000
_TEXTS = (".csv", ".tsv", ".txt")
_SMALL_BYTES = 16 << 20
"""Whatever is in there, `_BUILDING_MB` hold it."""

_BYTES_A_MINUTE = 20_000_000 * 60
_STARTING_MINUTES = 10.0
_GROUPED_MINUTES = 1.0
"""Of a job that shares its start with others."""
_DATASET_MINUTES = 2 / 60


@dataclass(frozen=True)
class Demand:
    """What building a dataset takes: the bytes that are read, and megabytes of memory; `is_known`: or assumed."""

    num_bytes: int
    memory_mb: int
    is_known: bool = True

    def shared_by(self, num_jobs: int) -> Demand:
        """What one of several jobs takes that share the samples."""
        return Demand(math.ceil(self.num_bytes / num_jobs), self.memory_mb, self.is_known)

    def computing(self) -> Demand:
        """What one takes that is made of the dataset by steps."""
        return Demand(self.num_bytes, self.memory_mb + _COMPUTING_MB, self.is_known)


NOT_KNOWN = Demand(ASSUMED_BYTES, _BUILDING_MB + _CONVERTING_MB, is_known=False)


def demand_of(dataset: Dataset) -> Demand:
    """What a dataset takes, as its file's size and header say; NOT_KNOWN where there is no file here.

    What cannot be opened takes nothing: its job only says so.
    """
    path = path_here(dataset)
    if path is None:
        return NOT_KNOWN
    size = bytes_to_read(dataset)
    if size <= _SMALL_BYTES:
        return Demand(size, _BUILDING_MB)
    if dataset.options.type in ("event", "interval") or path.suffix.lower() in _TEXTS:
        return Demand(size, _event_mb(size))
    try:
        with open_recording(path, dataset.reader, dataset.options) as recording:
            is_samples = recording.type not in ("event", "interval")
            return Demand(size, _samples_mb(recording) if is_samples else _event_mb(size))
    except (OSError, SeriesviewError):
        return Demand(size, _BUILDING_MB)


def _event_mb(num_bytes: int) -> int:
    return _BUILDING_MB + min(_EVENT_TIMES * num_bytes // _MB, _MOST_EVENT_MB)


def _samples_mb(recording: Recording) -> int:
    row_bytes = max(recording.num_channels, 1) * recording.dtype.itemsize
    chunk_bytes = min(preferred_rows(recording) * row_bytes, _MOST_CHUNK_BYTES)
    converting = _CONVERTING_MB if recording.layout is None else 0
    return _BUILDING_MB + converting + _CHUNK_COPIES * chunk_bytes // _MB


def memory_mb(demands: Collection[Demand], attempt: int = 1) -> int:
    """Megabytes of a job that builds one dataset after another, twice as many with each attempt."""
    largest = max((demand.memory_mb for demand in demands), default=_BUILDING_MB)
    return int((_STARTING_MB + largest) << attempt - 1)


def run_minutes(demands: Collection[Demand], attempt: int = 1, *, is_grouped: bool = False) -> int:
    """Minutes of a job, at 20 MB/s, twice as many with each attempt; jobs of a group start once."""
    starting = _GROUPED_MINUTES if is_grouped else _STARTING_MINUTES
    reading = sum(demand.num_bytes for demand in demands) / _BYTES_A_MINUTE
    return math.ceil(starting + len(demands) * _DATASET_MINUTES + reading) << attempt - 1
