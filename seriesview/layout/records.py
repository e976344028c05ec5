"""Samples in records, in each of which one channel follows the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.layout.apart import ApartSamples
from seriesview.layout.byte_file import ByteFile
from seriesview.layout.layouts import LARGE_RECORD_BYTES, RecordsLayout
from seriesview.layout.runs import Run
from seriesview.layout.unpacking import put_turned, thread_workspace

_SCRATCH_BYTES = 1 << 20


@dataclass(frozen=True)
class _Even:
    """Channels `step` bytes apart in a record, the first at `offset`; they go to the columns from `out` on."""

    offset: int
    step: int
    out: int
    length: int


class RecordsSamples:
    """Reads samples of a layout in records."""

    def __init__(self, layout: RecordsLayout, file: ByteFile, reads_ahead: bool) -> None:
        self._layout = layout
        self._file = file
        self._apart = ApartSamples(layout, file, reads_ahead)

    def read_into(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run]) -> None:
        """Fill `out` (n, chosen channels) of native byte order, the runs saying which channels go where."""
        layout = self._layout
        offsets = layout.channel_offsets
        chosen = [(offsets[c], run.out + c - run.first) for run in runs for c in run.channels]
        lowest = min(offset for offset, _ in chosen)
        record_bytes = layout.samples_per_record * layout.dtype.itemsize
        extent = max(offset for offset, _ in chosen) + record_bytes - lowest
        if extent > LARGE_RECORD_BYTES:
            self._apart.read_into(first_sample, out, runs)
            return
        evens = list(_even_runs(chosen))
        filled = 0
        for record, begin, count, samples in self._stretches(first_sample, len(out), extent):
            # Of a record that is read in part no more than is needed: the last one may not be whole.
            first, last = begin * layout.dtype.itemsize, (begin + samples) * layout.dtype.itemsize
            size = (count - 1) * layout.record_stride + extent - record_bytes + last - first
            scratch = thread_workspace().take("records", size)
            self._file.read_into(scratch, layout.offset + record * layout.record_stride + lowest + first)
            block = out[filled : filled + count * samples]
            filled += len(block)
            for even in evens:
                values = np.ndarray(
                    (count, samples, even.length),
                    layout.dtype,
                    scratch.data,
                    even.offset - lowest,
                    (layout.record_stride, layout.dtype.itemsize, even.step),
                )
                columns = block[:, even.out : even.out + even.length]
                put_turned(columns.reshape(values.shape), values)

    def _stretches(
        self, first_sample: int, num_samples: int, extent: int
    ) -> Iterator[tuple[int, int, int, int]]:
        """First record, first sample in each, records, and samples of each, of what is read at once."""
        per_record = self._layout.samples_per_record
        most = max(1, (_SCRATCH_BYTES - extent) // self._layout.record_stride)
        end = first_sample + num_samples
        while first_sample < end:
            record, begin = divmod(first_sample, per_record)
            if begin or end - first_sample < per_record:
                count, samples = 1, min(per_record - begin, end - first_sample)
            else:
                count, samples = min(most, (end - first_sample) // per_record), per_record
            yield record, begin, count, samples
            first_sample += count * samples


def _even_runs(chosen: Sequence[tuple[int, int]]) -> Iterator[_Even]:
    """The chosen channels (offset, column) as runs that lie evenly, for which one copy does."""
    position = 0
    while position < len(chosen):
        offset, out = chosen[position]
        length, step = 1, 0
        for next_offset, next_out in chosen[position + 1 :]:
            apart = next_offset - (offset + (length - 1) * step)
            if next_out != out + length or (length > 1 and apart != step):
                break
            length, step = length + 1, apart
        yield _Even(offset, step, out, length)
        position += length
