"""The recording that spikes were sorted from: dat_path of params.py, and what time its samples have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.phy.params import Params
from seriesview.readers.protocol import Decision, Segment
from seriesview.readers.spikeglx.names import companion
from seriesview.readers.spikeglx.recording import session_start
from seriesview.readers.spikeglx.streams import Stream, StreamFile, open_file, single, streams_of

# A copied folder lies in or beside its recording's, at most so far down.
_FOLDERS_ABOVE = 4
_MOST_DIFFERENCE = 0.01


@dataclass(frozen=True)
class SampleClock:
    """Seconds of samples that are counted through all files: `segments` of a recording with a rate.

    `stream` is the recording where it is one of SpikeGLX, `files` are those that were found; `num_samples` is None
    where it is not known how many there are.
    """

    rate: float
    segments: tuple[Segment, ...] = ()
    session_start: str | None = None
    stream: Stream | None = None
    files: tuple[Path, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @property
    def device(self) -> str | None:
        """Whose clock it is, where the recording says that."""
        return None if self.stream is None else self.stream.clock

    @property
    def num_samples(self) -> int | None:
        """Samples of the recording."""
        return sum(segment.num_samples for segment in self.segments) if self.segments else None

    def seconds(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Times (n,) of samples (n,); those beyond the recording continue its first or last segment."""
        numbers = np.asarray(samples, np.float64)
        if not self.segments:
            return numbers / self.rate
        firsts = np.cumsum([0, *(segment.num_samples for segment in self.segments[:-1])])
        index = np.clip(np.searchsorted(firsts, numbers, side="right") - 1, 0, None)
        starts = np.array([segment.start_time for segment in self.segments])
        times: npt.NDArray[np.float64] = starts[index] + (numbers - firsts[index]) / self.rate
        return times


def clock_of(
    folder: Path,
    params: Params,
    given_rate: float | None = None,
    streams: Sequence[Stream] = (),
    likely: Stream | None = None,
) -> SampleClock:
    """The clock of a folder's spikes; `streams` of its run come first. Raises ReaderError where nothing says a rate.

    `likely`: what it is taken for sorted from where dat_path leads to no SpikeGLX recording.
    """
    files, said = _found(folder, params, streams)
    stream, start_time, origin = _stream_of(files, streams)
    if stream is None and likely is not None:
        stream = likely
        text = f"taken for sorted from {likely.first.path.name}, by the folder that it lies in"
        said.append(Decision(text, is_guess=True))
    rate = given_rate or params.sample_rate or (stream.rate if stream else None)
    if rate is None:
        raise ReaderError("no sample_rate in params.py: set `sampling_frequency:`", file=folder)
    if stream is not None and abs(stream.rate - rate) <= _MOST_DIFFERENCE * stream.rate:
        start, _ = session_start(stream.first if origin is None else origin)
        if given_rate is None:
            said.append(Decision(f"times by the clock of {stream.first.path.name}, {stream.rate:.9g} Hz"))
        segments = tuple(replace(each, start_time=start_time + each.start_time) for each in stream.segments)
        return SampleClock(given_rate or stream.rate, segments, start, stream, files, tuple(said))
    lengths = [_samples_in(file, params) for file in files]
    known = [length for length in lengths if length is not None]
    segments = (Segment(0.0, sum(known)),) if known and len(known) == len(lengths) else ()
    return SampleClock(rate, segments, None, None, files, tuple(said))


def _found(
    folder: Path, params: Params, streams: Sequence[Stream]
) -> tuple[tuple[Path, ...], list[Decision]]:
    """The files that dat_path names, where they are or have been copied to; none where one is missing."""
    found: list[Path] = []
    for text in params.dat_paths:
        path = _place(folder, text, streams)
        if path is None:
            # Not where it lay on another computer: who gets the series need not know that.
            is_placed = any(kind(text).is_absolute() for kind in (PurePosixPath, PureWindowsPath))
            named = f"a file {PureWindowsPath(text).name} elsewhere" if is_placed else text
            return (), [Decision(f"its recording is not here: dat_path is {named[:200]}", is_warning=True)]
        found.append(path)
    said = (
        "as dat_path says"
        if found[:1] == [folder / text for text in params.dat_paths[:1]]
        else "found by the name in dat_path"
    )
    return tuple(found), [Decision(f"sorted from {path}, {said}") for path in found[:1]]


def _place(folder: Path, text: str, streams: Sequence[Stream]) -> Path | None:
    """Where a file is: one of its run by its name, else as it is said, else by its name in the folder or one above."""
    name = text.replace("\\", "/").rpartition("/")[2]
    for stream in streams:
        for piece in stream.pieces:
            if piece.file.path.name == name:
                return piece.file.path
    try:
        places = [
            folder / text,
            *(above / name for above in [folder, *folder.resolve().parents[:_FOLDERS_ABOVE]]),
        ]
        return next((place for place in places if place.is_file()), None)
    except (OSError, ValueError):
        return None


def _stream_of(
    files: tuple[Path, ...], streams: Sequence[Stream]
) -> tuple[Stream | None, float, StreamFile | None]:
    """The SpikeGLX recording that the files are, or None; when it begins in its run, and the run's first file."""
    for run in streams:
        if [piece.file.path for piece in run.pieces] == list(files):
            return run, 0.0, None
        for piece in run.pieces:
            first, own = run.first.first_sample, piece.file.first_sample
            if list(files) == [piece.file.path] and first is not None and own is not None:
                return single(run.dataset, piece.file), (own - first) / run.rate, run.first
    try:
        opened = [open_file(companion(file, ".meta")) for file in files]
        if any(file.path != path for file, path in zip(opened, files, strict=True)) or not opened:
            return None, 0.0, None
        found = [single(opened[0].name.stream, opened[0])] if len(opened) == 1 else streams_of(opened)
    except ReaderError:
        return None, 0.0, None
    joined = found[0]
    is_whole = len(found) == 1 and [piece.file.path for piece in joined.pieces] == list(files)
    return (joined if is_whole and not any(piece.skip for piece in joined.pieces) else None), 0.0, None


def _samples_in(file: Path, params: Params) -> int | None:
    if params.num_channels is None or params.dtype is None:
        return None
    try:
        row = np.dtype(params.dtype).itemsize * params.num_channels
        return max(0, file.stat().st_size - params.offset) // row if row else None
    except (TypeError, ValueError, SyntaxError, OSError):
        return None
