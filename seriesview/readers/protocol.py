"""What a reader gives: one small protocol for every file format.

A reader is a class without arguments, found through the entry point group `seriesview.readers`. It says whether
a file is its own, lists what the file holds, and opens one dataset of it as a `Recording`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import Layout
from seriesview.terms import SeriesType as SeriesType


@dataclass(frozen=True)
class Missing:
    """Stored values that stand for no value: the listed ones, those below `below` and those above `above`."""

    values: tuple[int | float, ...] = ()
    below: int | float | None = None
    above: int | float | None = None


@dataclass(frozen=True)
class Decision:
    """What a reader decided about a dataset, in one line for people; `is_guess` where the file leaves it open.

    `is_warning` where nothing is open and people should know all the same: a recording that was cut off, a clock that
    nothing synchronizes, channels that were left out. Builds say guesses and warnings, `inspect` says all.
    """

    text: str
    is_guess: bool = False
    is_warning: bool = False


# A table of units may have a million.
@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a series; what is None is taken from the series."""

    id: str
    label: str
    unit: str | None = None
    scale: float | None = None
    offset: float | None = None
    group: str | None = None
    x: float | None = None
    y: float | None = None
    missing: Missing | None = None
    type: str | None = None
    """What it measures, as BIDS names types of channels: EEG, EOG, EMG, ECG, RESP, SEEG, LFP, ADC, TRIG, MISC, ..."""
    bad: bool = False
    best_channel: str | None = None
    """Of a sorted unit: id, else label, of the channel of its recording on which its spikes are largest."""
    limits: tuple[float, float] | None = None
    """Lowest and highest stored value that its converter gives: samples that reach one are clipped."""
    sample_shift: float | None = None
    """How much later than the sample's time it was taken, in samples: where one converter serves several channels."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch without a gap: the time of its first sample in seconds from the recording's zero, and its samples."""

    start_time: float
    num_samples: int


@dataclass(frozen=True)
class ReadOptions:
    """What the configuration says about one dataset; None where it says nothing and the file decides."""

    dataset: str | None = None
    type: SeriesType | None = None
    dtype: str | None = None
    channels: int | None = None
    sampling_frequency: float | None = None
    timestamps: str | None = None
    timezone: str | None = None
    start_time: float | None = None
    session_start: str | None = None
    unit: str | None = None
    scale: float | None = None
    offset: float | None = None
    channel_labels: tuple[str, ...] | None = None
    limits: tuple[float, float] | None = None
    byte_offset: int = 0
    order: Literal["C", "F"] = "C"
    allow_truncated: bool = False
    header_lines: int | None = None
    follow_external: bool = False
    missing: Missing | None = None


Role = Literal[
    "spike-band",  # wide or high band of extracellular electrodes
    "lfp",
    "eeg",  # and other channels of one polygraphic recording
    "analog",
    "seismic",  # of seismometers: shown by wall clock
    "ttl",  # levels or edges of digital lines, sync too
    "markers",  # instants with names
    "annotations",  # stretches of time with names
    "stages",  # of sleep
    "units",  # sorted
    "drift",  # time, depth and amplitude of spikes
]


@dataclass(frozen=True)
class Candidate:
    """A dataset in a file or folder that can be shown (`problem` None), or one that cannot, and why.

    `options` are the configuration keys that open it, beside `path`. `panel` is the type of panel that shows it best,
    where its type alone does not say so. `decisions` are what the options rest on; what is decided when it is opened
    is the recording's. `label` is what people call it, where `dataset` does not say that. `role` is what it is in a
    recording, from which default views are made.
    """

    dataset: str | None
    type: SeriesType | None
    dtype: str
    shape: tuple[int, ...]
    sampling_frequency: float | None
    unit: str | None
    options: dict[str, Any]
    problem: str | None = None
    panel: str | None = None
    decisions: tuple[Decision, ...] = ()
    label: str | None = None
    role: Role | None = None


class Recording(ABC):
    """One opened dataset. Times are seconds from the recording's own zero; sample indices are half-open ranges.

    `sampling_frequency` is None where the samples have timestamps of their own. `layout` is None where
    samples cannot be read by byte range from the file as it is. `source` is the file that really holds the
    samples, where `path` only links to it. Physical value = stored * scale + offset. `missing` are stored values
    that stand for none, in channels that have no such list of their own. `decisions` are what people should know of
    how the file was understood: clock, unit, rate, what is missing, what was left out. `scale_problem`: why the file
    leaves scale and offset open, and what to set; None where they are known, or configured.
    For `event` and `interval` recordings `num_samples` is the number of events or intervals and `dtype` is
    float64 (their times); they are read with `events()` or `intervals()`.
    `segments`: where the format knows them, each stretch of a recording with a rate; their samples follow one another
    and are all there are; None: one segment, from `start_time`. `files`: every file beside `path` and the layout's that
    decides the result (headers, markers, channel maps); when one of them changes it is built again. `clock`: the device
    by whose clock the times are, where nothing ties that to others of the same path; panels of several say so.
    `span`: where events or intervals must be searched for in all samples: first and last time that they can have.
    Whoever only looks at what a file holds does not ask how many there are. `has_means`: samples are densities of what
    lies about them, as of power, so that what many of them say together is their mean, and not their range.
    """

    type: SeriesType
    path: Path
    dtype: np.dtype[np.generic]
    num_samples: int
    channels: tuple[Channel, ...]
    sampling_frequency: float | None
    start_time: float = 0.0
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    session_start: str | None = None
    label: str | None = None
    missing: Missing | None = None
    decisions: tuple[Decision, ...] = ()
    scale_problem: str | None = None
    layout: Layout | None = None
    source: Path | None = None
    preferred_rows: int = 1
    segments: tuple[Segment, ...] | None = None
    files: tuple[Path, ...] = ()
    clock: str | None = None
    span: tuple[float, float] | None = None
    has_means: bool = False

    @property
    def num_channels(self) -> int:
        """How many channels the recording has."""
        return len(self.channels)

    @abstractmethod
    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C), of the native-order dtype and C-contiguous, with samples from `first_sample` on."""

    def unpack_with(self, threads: int) -> None:  # noqa: B027
        """Let so many threads unpack samples, where these are packed; asked for before the first are read."""

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,) of a recording whose sampling_frequency is None."""
        raise ReaderError("this dataset has no timestamps", file=self.path)

    def events(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint32]]:
        """Sorted times (events,) and the index of each into `channels`."""
        raise ReaderError("this dataset holds no events", file=self.path)

    def intervals(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint32], Sequence[str]]:
        """Start and end times (n, 2), sorted by start, the index of each one's label, and the labels."""
        raise ReaderError("this dataset holds no intervals", file=self.path)

    def close(self) -> None:  # noqa: B027
        """Let go of the file."""

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Reader(Protocol):
    """One file format. A reader with a true attribute `reads_folders` is asked about folders, too.

    With `owns_folders` no other one is asked what is in a folder of its, which may be very many files. One with
    `reads_remote` is asked about addresses, which are paths that open files for reading and nothing else. One with
    `follows` opens recordings that are still written: their samples lie at the end of a file, by their layout."""

    name: str

    def can_read(self, path: Path) -> bool:
        """Whether the file looks like this format (by its content where it has a signature, else by its name)."""
        ...

    def candidates(self, path: Path) -> list[Candidate]:
        """Everything in the file that looks like a recording, what cannot be shown too, with the reason.

        Several streams, rates and types are several candidates, in the order in which people look at them.
        """
        ...

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the dataset that the options choose; raises ReaderError."""
        ...
