"""MiniSEED 2 and 3: each channel, or those of an instrument that were recorded together, on the wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording, Segment
from seriesview.readers.sample_types import checked_rate, describe, make_channels
from seriesview.readers.seismic.miniseed_index import Index, Trace, index_of, is_record, unpacked


@dataclass(frozen=True)
class _Series:
    """What is shown together: channels with the same rate and the same segments."""

    name: str
    traces: tuple[Trace, ...]


class MiniSeedRecording(Recording):
    """Samples (n, C) of channels that were recorded together; gaps are segments, time 0 is the first sample."""

    def __init__(self, path: Path, series: _Series, index: Index, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: MiniSEED holds continuous series only, not {options.type}", file=path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: the times of its samples stand in the file", file=path)
        self.type = "continuous"
        self.path = path
        self._traces = series.traces
        first = series.traces[0]
        self.dtype = np.dtype(first.dtype)
        self.sampling_frequency = checked_rate(options.sampling_frequency or first.rate, path)
        self.num_samples = sum(count for _, count in first.segments)
        began = first.segments[0][0]
        # Dates have microseconds; what is finer stands in the first sample's time.
        zero = began // 1000 * 1000
        if len(first.segments) > 1:
            self.segments = tuple(Segment((start - zero) / 1e9, count) for start, count in first.segments)
        self.start_time = (began - zero) / 1e9
        self.session_start = _moment(zero, path)
        self.unit = ""
        names = [trace.name for trace in series.traces]
        self.channels = make_channels(len(names), options, path, names)
        self.preferred_rows = max(1, first.pieces[0].count)
        describe(self, options)
        self.decisions = (*index.notes, *_overlaps(series.traces))
        self._firsts = [np.cumsum([0, *(piece.count for piece in trace.pieces)]) for trace in series.traces]
        self._file = path.open("rb")
        self._blocks: dict[int, tuple[int, list[npt.NDArray[Any]]]] = {}

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on; a block of each channel stays unpacked."""
        for column in range(len(self._traces)):
            self._read_channel(column, first_sample, out[:, column])

    def _read_channel(self, column: int, first_sample: int, out: npt.NDArray[Any]) -> None:
        trace, firsts = self._traces[column], self._firsts[column]
        filled = 0
        while filled < len(out):
            position = first_sample + filled
            number = int(np.searchsorted(firsts, position, side="right")) - 1
            piece, begin = trace.pieces[number], position - int(firsts[number])
            offset, samples = self._blocks.get(column, (-1, []))
            if offset != piece.offset:
                samples = unpacked(self.path, self._file, trace, piece)
                self._blocks[column] = (piece.offset, samples)
            count = min(len(out) - filled, piece.count - begin)
            begin += piece.skip
            out[filled : filled + count] = samples[piece.number][begin : begin + count]
            filled += count

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
        self._blocks.clear()


def _moment(nanoseconds: int, path: Path) -> str:
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)).isoformat()
    except OverflowError:
        raise ReaderError("its first record has no date that can be", file=path) from None


def _overlaps(traces: tuple[Trace, ...]) -> list[Decision]:
    count = sum(trace.num_overlaps for trace in traces)
    return (
        [Decision(f"stretches that overlap those before them: {count}; each time is shown once")]
        if count
        else []
    )


class MiniSeedReader:
    """Reader of MiniSEED files, through pymseed."""

    name = "miniseed"

    def can_read(self, path: Path) -> bool:
        """Whether the file begins with a data record of version 2 or 3, or with the headers of a SEED volume."""
        try:
            with path.open("rb") as file:
                head = file.read(64)
        except OSError:
            return False
        return is_record(head) or (head[:8] == b"000001V " and head[8:11] in (b"005", b"008", b"010", b"011"))

    def candidates(self, path: Path) -> list[Candidate]:
        """Each series; channels that hold texts, with that as the problem."""
        index = index_of(path)
        if not index.traces and not index.problems:
            raise ReaderError(
                "no samples that pymseed can read in its records",
                advice="headers without samples are none; where ObsPy reads some (old records without a blockette 1000 "
                "are such), write them anew: obspy.read(PATH).write('new.mseed')",
                file=path,
            )
        found = []
        for series in _series_of(index):
            first, options = series.traces[0], {"dataset": series.name}
            shape = (sum(count for _, count in first.segments), len(series.traces))
            found.append(
                Candidate(
                    series.name, "continuous", first.dtype, shape, first.rate, None, options, role="seismic"
                )
            )
        for source, problem in index.problems:
            name = Trace(source, 1.0, "").name
            found.append(Candidate(name, None, "?", (), None, None, {}, problem))
        return found

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the series that `dataset` names, or the only one; raises ReaderError."""
        index = index_of(path)
        series = {each.name: each for each in _series_of(index)}
        names = ", ".join(series)
        if not series:
            raise ReaderError("no samples in it", file=path)
        if options.dataset is None and len(series) > 1:
            raise ReaderError(f"holds several channels; set `dataset:` to one of {names}", file=path)
        chosen = options.dataset if options.dataset is not None else next(iter(series))
        if chosen not in series:
            raise ReaderError(f"dataset: there is no {chosen!r}; there are {names}", file=path)
        return MiniSeedRecording(path, series[chosen], index, options)


def _series_of(index: Index) -> list[_Series]:
    """Channels of one instrument (all but the last letter the same) with the same segments are one series."""
    groups: dict[tuple[str, float, str, tuple[int, ...]], list[Trace]] = {}
    for trace in index.traces:
        counts = tuple(count for _, count in trace.segments)
        groups.setdefault((trace.name[:-1], trace.rate, trace.dtype, counts), []).append(trace)
    found: list[_Series] = []
    for members in groups.values():
        together = all(_is_simultaneous(members[0], each) for each in members)
        for traces in [members] if together else [[each] for each in members]:
            name = traces[0].name if len(traces) == 1 else f"{traces[0].name[:-1]}[{_letters(traces)}]"
            found.append(_Series(name, tuple(traces)))
    names = [each.name for each in found]
    return [
        each
        if names.count(each.name) == 1
        else _Series(f"{each.name} {each.traces[0].rate:g} Hz {each.traces[0].dtype}", each.traces)
        for each in found
    ]


def _letters(traces: list[Trace]) -> str:
    return "".join(trace.name[-1:] for trace in traces)


def _is_simultaneous(one: Trace, other: Trace) -> bool:
    half = 0.5e9 / one.rate
    pairs = zip(one.segments, other.segments, strict=True)
    return all(abs(a[0] - b[0]) <= half for a, b in pairs)
