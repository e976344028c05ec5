"""The reader of BCI2000 .dat files: samples, linked, and stretches of time in which a state is not 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import RecordsLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.bci2000.header import SIGNATURES, Header, State, read_header
from seriesview.readers.laid_out import LaidOutRecording
from seriesview.readers.offers import Offer, open_offer
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels

SIGNALS, STATES = "signals", "states"
# Clocks of blocks, which change all the time.
_CLOCKS = frozenset({"SourceTime", "StimulusTime"})
_BLOCK_BYTES = 4 << 20
_MOST_STRETCHES = 2_000_000

Floats = npt.NDArray[np.float64]


class Bci2000Recording(LaidOutRecording):
    """Samples (n, C) in uV."""

    def __init__(self, path: Path, header: Header, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: {SIGNALS} are continuous, not {options.type}", file=path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: BCI2000 files have a rate; leave them out", file=path)
        self.type = "continuous"
        self.path = path
        self.num_samples, said = _rows(path, header)
        self.dtype = header.dtype.newbyteorder("=")
        self.sampling_frequency = checked_rate(options.sampling_frequency, path) or header.rate
        if self.sampling_frequency is None:
            raise ReaderError("its SamplingRate is not said; set `sampling_frequency` (Hz)", file=path)
        self.session_start = header.start
        self.unit = "uV"
        channels = make_channels(header.channels, options, path, header.labels)
        if header.gains is None:
            self.scale_problem = (
                "its SourceChGain does not say the gain of each channel; set `scale` (and `unit: uV`)"
            )
        else:
            scaled = zip(channels, header.gains, header.offsets, strict=True)
            channels = tuple(
                replace(channel, scale=gain, offset=-shift * gain) for channel, gain, shift in scaled
            )
        self.channels = channels
        itemsize = header.dtype.itemsize
        offsets = tuple(range(0, header.channels * itemsize, itemsize))
        self.layout = RecordsLayout(
            path, header.dtype, self.num_samples, header.length, header.row_bytes, 1, offsets
        )
        self.decisions = said
        describe(self, options)
        self._samples = SampleFile(self.layout)


class StateIntervals(Recording):
    """Stretches in which a state is not 0, labelled with its value where it has several; found in one pass."""

    type = "interval"
    channels = ()

    def __init__(self, path: Path, header: Header, options: ReadOptions) -> None:
        if options.type not in (None, "interval"):
            raise ReaderError(f"type: {STATES} are intervals, not {options.type}", file=path)
        rate = checked_rate(options.sampling_frequency, path) or header.rate
        if rate is None:
            raise ReaderError("its SamplingRate is not said; set `sampling_frequency` (Hz)", file=path)
        self.path = self.source = path
        self.dtype = np.dtype(np.float64)
        self.sampling_frequency = None
        self.session_start = options.session_start or header.start
        rows, said = _rows(path, header)
        self.span = (0.0, rows / rate)
        names = [each.name for each in header.states if each.name in _CLOCKS]
        left_out = (Decision(f"{' and '.join(names)} are left out: they are clocks"),) if names else ()
        self.decisions = (*said, *left_out)
        self._header, self._rate, self._rows = header, rate, rows

    @property
    def num_samples(self) -> int:  # type: ignore[override]
        """Number of intervals; reads the states of all samples."""
        return len(self.intervals()[0])

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Intervals have no samples. Raises ReaderError."""
        raise ReaderError("intervals have no samples to read", file=self.path)

    def intervals(self) -> tuple[Floats, npt.NDArray[np.uint32], Sequence[str]]:
        """Start and end times (n, 2), sorted by start, the index of each one's label, and the labels."""
        return self._intervals

    @cached_property
    def _intervals(self) -> tuple[Floats, npt.NDArray[np.uint32], Sequence[str]]:
        states = [each for each in self._header.states if each.name not in _CLOCKS]
        changes: list[list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]] = [[] for _ in states]
        last = np.zeros(len(states), np.int64)
        count = 0
        for first, vectors in self._vectors():
            for at, state in enumerate(states):
                values = values_of(vectors, state)
                places = np.flatnonzero(np.diff(values, prepend=last[at]))
                changes[at].append((first + places, values[places]))
                last[at] = values[-1]
                count += len(places)
            if count > _MOST_STRETCHES:
                raise ReaderError("its states change too often to be shown", file=self.path)
        bounds, labels = [np.empty((0, 2))], [np.empty(0, np.uint32)]
        texts: list[str] = []
        for state, found in zip(states, changes, strict=True):
            starts = np.concatenate([np.empty(0, np.int64), *(each for each, _ in found)])
            values = np.concatenate([np.empty(0, np.int64), *(each for _, each in found)])
            both = np.stack([starts, np.append(starts[1:], self._rows)[: len(starts)]], axis=1)
            distinct, which = np.unique(values[values != 0], return_inverse=True)
            bounds.append(both[values != 0] / self._rate)
            labels.append((which + len(texts)).astype(np.uint32))
            texts += [
                state.name if state.bits == 1 else f"{state.name} {value}" for value in distinct.tolist()
            ]
        times, indices = np.concatenate(bounds), np.concatenate(labels)
        order = np.lexsort((indices, times[:, 1], times[:, 0]))
        return times[order], indices[order], texts

    def _vectors(self) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
        """Vectors of states (n, bytes), so many at a time, with the number of the first."""
        header = self._header
        skipped = header.channels * header.dtype.itemsize
        offsets = tuple(range(skipped, skipped + header.state_bytes))
        layout = RecordsLayout(
            self.path, np.dtype(np.uint8), self._rows, header.length, header.row_bytes, 1, offsets
        )
        step = max(1, _BLOCK_BYTES // header.row_bytes)
        with SampleFile(layout) as samples:
            for first in range(0, self._rows if header.state_bytes else 0, step):
                yield first, samples.read(first, min(first + step, self._rows))


def values_of(vectors: npt.NDArray[np.uint8], state: State) -> npt.NDArray[np.int64]:
    """Values (n,) of a state in vectors (n, bytes)."""
    first, last = state.first_bit // 8, (state.first_bit + state.bits - 1) // 8
    found = np.zeros(len(vectors), np.int64)
    for place in range(first, last + 1):
        found |= vectors[:, place].astype(np.int64) << (8 * (place - first))
    return (found >> (state.first_bit % 8)) & ((1 << state.bits) - 1)


def _rows(path: Path, header: Header) -> tuple[int, tuple[Decision, ...]]:
    rows, left_over = divmod(max(0, path.stat().st_size - header.length), header.row_bytes)
    if rows == 0:
        raise ReaderError("no whole sample behind its header", file=path)
    if not left_over:
        return rows, ()
    text = f"{left_over} bytes behind the last whole sample are left out: it was cut off"
    return rows, (Decision(text, is_warning=True),)


class Bci2000Reader:
    """Reader of BCI2000 files."""

    name = "bci2000"

    def can_read(self, path: Path) -> bool:
        """Whether a .dat begins like a header of BCI2000."""
        if path.suffix.lower() != ".dat":
            return False
        try:
            with path.open("rb") as file:
                return file.read(16).startswith(SIGNATURES)
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """The samples, and the states. Raises ReaderError."""
        return [offer.candidate for offer in _offers(path)]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the samples, or the states where `dataset` names them; raises ReaderError."""
        return open_offer(_offers(path), options, path)


def _offers(path: Path) -> list[Offer]:
    header = read_header(path)
    signals = Candidate(
        dataset=SIGNALS,
        type="continuous",
        dtype=header.dtype.name,
        shape=(_rows(path, header)[0], header.channels),
        sampling_frequency=header.rate,
        unit="uV",
        options={"dataset": SIGNALS} | ({} if header.rate else {"sampling_frequency": None}),
        label=path.stem,
        role="eeg",
    )
    found = [Offer(signals, lambda options: Bci2000Recording(path, header, options))]
    if any(each.name not in _CLOCKS for each in header.states):
        states = Candidate(
            dataset=STATES,
            type="interval",
            dtype="float64",
            shape=(),
            sampling_frequency=None,
            unit=None,
            options={"dataset": STATES},
            label=STATES,
            role="annotations",
        )
        found.append(Offer(states, lambda options: StateIntervals(path, header, options)))
    return found
