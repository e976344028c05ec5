"""Signals of one rate of a record as a recording: linked where they lie plain in one file a segment, else joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout, RecordsLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.protocol import Decision, Missing, ReadOptions, Recording, Segment
from seriesview.readers.sample_types import checked_rate
from seriesview.readers.signals import Measured, set_channels, type_by_label
from seriesview.readers.wfdb.formats import OWN, bits_of
from seriesview.readers.wfdb.header import SignalSpec
from seriesview.readers.wfdb.record import Part, WfdbRecord, without_samples
from seriesview.readers.wfdb.samples import PartSamples, invalid_of

# Leads of electrocardiograms, modified ones too.
_LEAD = re.compile(r"M?L?I{1,3}|aV[RLF]|M?C?V[1-9]?R?|V[1-9]-V[1-9]|CM[1-5]|MCL[1-6]", re.IGNORECASE)


def sample_groups(record: WfdbRecord) -> dict[str, tuple[int, ...]]:
    """Indices of the signals of each rate, called by it, such as `360 Hz`."""
    groups: dict[str, list[int]] = {}
    for index in range(len(record.signals)):
        groups.setdefault(f"{group_rate(record, index):.12g} Hz", []).append(index)
    return {name: tuple(indices) for name, indices in groups.items()}


def group_rate(record: WfdbRecord, index: int) -> float:
    """Hz of a signal."""
    return record.header.frame_rate * record.signals[index].samples_per_frame


class WfdbRecording(Recording):
    """Samples (n, C) of signals of one rate; segments of a record follow one another, and their gaps are gaps.

    Where gain or baseline of a signal change from segment to segment, samples are physical values, float64.
    """

    def __init__(self, record: WfdbRecord, indices: Sequence[int], path: Path, options: ReadOptions) -> None:
        self.type = "continuous"
        self.path = path
        self._parts = record.parts
        self._indices = tuple(indices)
        self._per_frame = record.signals[indices[0]].samples_per_frame
        self._current: tuple[int, PartSamples] | None = None
        self._firsts = np.cumsum([0, *(part.num_frames * self._per_frame for part in record.parts)])
        self.num_samples = int(self._firsts[-1])
        if not self.num_samples:
            raise ReaderError(without_samples(record), file=record.header.path)
        rate = checked_rate(options.sampling_frequency, path) or group_rate(record, indices[0])
        self.sampling_frequency = rate
        zero = record.header.start.zero(options.session_start)
        self.session_start = record.header.start.session_start
        segments = _segments(record.parts, record.header.frame_rate, self._per_frame, zero)
        self.start_time = segments[0].start_time
        self.segments = segments if len(segments) > 1 else None
        self.files = record.files
        specs = [self._specs(column) for column in range(len(indices))]
        changing = [record.signals[i].label for i, told in zip(indices, specs, strict=True) if _changes(told)]
        self._is_physical = bool(changing)
        said = f"{', '.join(changing[:5])}: gain, baseline or unit change from segment to segment: float64, physical"
        self.decisions = (*record.decisions, *([Decision(said)] if changing else []))
        self._linked: SampleFile | None = None
        self.layout = None if changing else _layout(record.parts, self._indices, self._per_frame)
        if self.layout is not None:
            self.dtype = self.layout.dtype.newbyteorder("=")
            self._linked = SampleFile(self.layout)
        else:
            self.dtype = np.dtype(np.float64 if changing else self._joined_type())
        self._missing = [self._missing_of(column) for column in range(len(indices))]
        signals = [
            self._measured(told[0] if told else record.signals[i], missing)
            for i, told, missing in zip(indices, specs, self._missing, strict=True)
        ]
        set_channels(self, signals, options)

    def _specs(self, column: int) -> list[SignalSpec]:
        """What each part says of a signal."""
        places = ((part, part.columns[self._indices[column]]) for part in self._parts)
        return [part.header.signals[at] for part, at in places if at is not None]

    def _joined_type(self) -> str:
        formats = {spec.format for column in range(len(self._indices)) for spec in self._specs(column)}
        return "int16" if all(bits_of(each) <= 16 for each in formats) else "int32"

    def _missing_of(self, column: int) -> int | None:
        """What stands for a sample that is missing, as it is stored here."""
        if self._is_physical:
            return None
        lowest = int(np.iinfo(self.dtype.str).min)
        if self.layout is not None:
            return lowest
        places = ((part, part.columns[self._indices[column]]) for part in self._parts)
        found = {invalid_of(part, at) for part, at in places if at is not None}
        return found.pop() if len(found) == 1 else lowest

    def _measured(self, spec: SignalSpec, missing: int | None) -> Measured:
        bias = 0 if self.layout is None else OWN[spec.format].bias
        return Measured(
            label=spec.label,
            unit=spec.unit,
            scale=1.0 if self._is_physical else 1 / spec.gain,
            offset=0.0 if self._is_physical else -(spec.baseline + bias) / spec.gain,
            type="ECG" if _LEAD.fullmatch(spec.label) else type_by_label(spec.label),
            missing=None if missing is None else Missing((missing,)),
        )

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        if self._linked is not None:
            self._linked.read_into(first_sample, out)
            return
        done = 0
        while done < len(out):
            at = first_sample + done
            number = int(np.searchsorted(self._firsts, at, side="right")) - 1
            begin = at - int(self._firsts[number])
            count = min(int(self._firsts[number + 1]) - at, len(out) - done)
            done += self._read_part(number, begin, out[done : done + count])

    def _read_part(self, number: int, begin: int, out: npt.NDArray[Any]) -> int:
        """Fill the beginning of `out` with samples of one part; how many these are."""
        part = self._parts[number]
        places = [(column, part.columns[index]) for column, index in enumerate(self._indices)]
        there = [(column, at) for column, at in places if at is not None]
        for column, at in places:
            if at is None:
                missing = self._missing[column]
                out[:, column] = np.nan if missing is None else missing
        if not there:
            return len(out)
        samples = self._samples_of(number, [at for _, at in there])
        first_frame, within = divmod(begin, self._per_frame)
        frames = min(-(-(within + len(out)) // self._per_frame), samples.block_frames)
        count = min(len(out), frames * self._per_frame - within)
        if samples.are_frames and self._same_missing(part):
            out[:count] = samples.read_frames(first_frame, count)
            return count
        for (column, at), values in zip(there, samples.read(first_frame, frames), strict=True):
            self._put(out[:count, column], values[within : within + count], part, at, self._missing[column])
        return count

    def _same_missing(self, part: Part) -> bool:
        """Whether a part's samples are stored here as they are in its file, signal by signal."""
        return not self._is_physical and all(
            index == part.columns[index] and missing == invalid_of(part, index)
            for index, missing in zip(self._indices, self._missing, strict=True)
        )

    def _put(
        self, out: npt.NDArray[Any], values: npt.NDArray[Any], part: Part, at: int, missing: int | None
    ) -> None:
        invalid = invalid_of(part, at)
        if self._is_physical:
            spec = part.header.signals[at]
            np.divide(values.astype(np.float64) - spec.baseline, spec.gain, out=out)
            out[values == invalid] = np.nan
            return
        out[...] = values
        if missing is not None and invalid != missing:
            out[values == invalid] = missing

    def _samples_of(self, number: int, indices: list[int]) -> PartSamples:
        if self._current is None or self._current[0] != number:
            if self._current is not None:
                self._current[1].close()
            self._current = (number, PartSamples(self._parts[number], indices))
        return self._current[1]

    def close(self) -> None:
        """Let go of the files."""
        if self._linked is not None:
            self._linked.close()
        if self._current is not None:
            self._current[1].close()
            self._current = None


def _changes(specs: Sequence[SignalSpec]) -> bool:
    return len({(spec.gain, spec.baseline, spec.unit) for spec in specs}) > 1


def _segments(parts: Sequence[Part], frame_rate: float, per_frame: int, zero: float) -> tuple[Segment, ...]:
    """Parts that follow one another are one segment."""
    found: list[Segment] = []
    end = -1
    for part in parts:
        count = part.num_frames * per_frame
        if part.first_frame == end:
            found[-1] = Segment(found[-1].start_time, found[-1].num_samples + count)
        else:
            found.append(Segment(zero + part.first_frame / frame_rate, count))
        end = part.first_frame + part.num_frames
    return tuple(found)


def _layout(
    parts: Sequence[Part], indices: Sequence[int], per_frame: int
) -> ContiguousLayout | RecordsLayout | FilesLayout | None:
    pieces = [_piece(part, indices, per_frame) for part in parts]
    plain = [piece for piece in pieces if piece is not None]
    if len(plain) < len(pieces) or len({piece.dtype for piece in plain}) != 1:
        return None
    return plain[0] if len(plain) == 1 else FilesLayout(tuple(plain))


def _piece(part: Part, indices: Sequence[int], per_frame: int) -> ContiguousLayout | RecordsLayout | None:
    """Where the samples of a part lie; None where they are packed, in several files, skewed or not all there."""
    places = [part.columns[index] for index in indices]
    there = [at for at in places if at is not None]
    signals = [part.header.signals[at] for at in there]
    if len(there) < len(places) or len({(s.file, s.format, s.byte_offset) for s in signals}) > 1:
        return None
    kind = OWN.get(signals[0].format)
    if kind is None or kind.dtype is None or any(signal.skew for signal in signals):
        return None
    dtype = np.dtype(kind.dtype)
    width = part.header.places[there[0]][0]
    before = [part.header.places[at][1] for at in there]
    if per_frame == 1 and before == list(range(before[0], before[0] + len(before))):
        return ContiguousLayout(
            path=part.file(there[0]),
            dtype=dtype,
            num_samples=part.num_frames,
            num_channels=len(there),
            offset=signals[0].byte_offset + before[0] * dtype.itemsize,
            row_stride=width * dtype.itemsize,
            channel_stride=dtype.itemsize,
        )
    return RecordsLayout(
        path=part.file(there[0]),
        dtype=dtype,
        num_samples=part.num_frames * per_frame,
        offset=signals[0].byte_offset,
        record_stride=width * dtype.itemsize,
        samples_per_record=per_frame,
        channel_offsets=tuple(place * dtype.itemsize for place in before),
    )
