"""Samples of channels that lie far apart in a file: a stretch of each is read, and they are put together."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.layout.byte_file import ByteFile
from seriesview.layout.layouts import ContiguousLayout, RecordsLayout
from seriesview.layout.runs import Run
from seriesview.layout.unpacking import put_turned

_SCRATCH_BYTES = 4 << 20
_AHEAD_BYTES = 32 << 20
_LINE_BYTES = 64


@dataclass(frozen=True)
class _Held:
    """Samples [first, last) of some channels, as bytes (channels, a stretch and what is left over)."""

    first: int
    last: int
    channels: tuple[int, ...]
    stretches: npt.NDArray[np.uint8]


class ApartSamples:
    """Reads samples of channels that follow one another, in the whole file or in large records; safe from any thread.

    With `reads_ahead`, whoever asks for one block behind the other has them out of up to 32 MiB that are read at once:
    else blocks of many channels would be very many small reads.
    """

    def __init__(self, layout: ContiguousLayout | RecordsLayout, file: ByteFile, reads_ahead: bool) -> None:
        self._layout = layout
        self._file = file
        self._reads_ahead = reads_ahead
        self._step = layout.dtype.itemsize if isinstance(layout, RecordsLayout) else layout.row_stride
        self._held: _Held | None = None
        self._scratch = np.empty(0, np.uint8)
        self._end = -1
        self._lock = threading.Lock()

    def read_into(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run]) -> None:
        """Fill `out` (n, chosen channels) of native byte order, the runs saying which channels go where."""
        if not self._reads_ahead:
            self._fill(first_sample, out, runs)
            return
        with self._lock:
            self._fill(first_sample, out, runs)
            self._end = first_sample + len(out)

    def _fill(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run]) -> None:
        channels = tuple(channel for run in runs for channel in run.channels)
        done = 0
        while done < len(out):
            sample = first_sample + done
            held = self._stretches(sample, len(out) - done, channels)
            count = min(held.last - sample, len(out) - done)
            values = np.ndarray(
                (count, len(channels)),
                self._layout.dtype,
                held.stretches.data,
                (sample - held.first) * self._step,
                (self._step, held.stretches.shape[1]),
            )
            first = 0
            for run in runs:
                columns = out[done : done + count, run.out : run.out + run.length]
                put_turned(columns, values[:, first : first + run.length])
                first += run.length
            done += count

    def _stretches(self, sample: int, count: int, channels: tuple[int, ...]) -> _Held:
        """Samples from `sample` on, at most `count` but for what is read ahead, of these channels."""
        held = self._held
        if held is not None and held.channels == channels and held.first <= sample < held.last:
            return held
        goes_on = sample == self._end or (held is not None and sample == held.last)
        # What is held is let go before as much is read.
        held = self._held = None
        is_ahead = self._reads_ahead and goes_on
        most = max(1, (_AHEAD_BYTES if is_ahead else _SCRATCH_BYTES) // (self._step * len(channels)))
        last = min(sample + (most if is_ahead else min(most, count)), self._end_of_stretch(sample))
        size = (last - sample - 1) * self._step + self._layout.dtype.itemsize
        stretches = self._room(len(channels), size)
        for channel, stretch in zip(channels, stretches, strict=True):
            self._file.read_into(stretch[:size], self._position(sample, channel))
        found = _Held(sample, last, channels, stretches)
        if is_ahead:
            self._held = found
        return found

    def _room(self, num_channels: int, size: int) -> npt.NDArray[np.uint8]:
        """Rows of at least `size` bytes, the same ones as before where that does."""
        # Rows that begin a power of two apart would share few places of a cache.
        pitch = (-(-size // _LINE_BYTES) | 1) * _LINE_BYTES
        if not self._reads_ahead:
            return np.empty((num_channels, pitch), np.uint8)
        if self._scratch.size < num_channels * pitch:
            self._scratch = np.empty(num_channels * pitch, np.uint8)
        return self._scratch[: num_channels * pitch].reshape(num_channels, pitch)

    def _end_of_stretch(self, sample: int) -> int:
        """The sample behind the last one that lies evenly behind this one."""
        layout = self._layout
        if isinstance(layout, ContiguousLayout):
            return layout.num_samples
        record = sample // layout.samples_per_record
        return min((record + 1) * layout.samples_per_record, layout.num_samples)

    def _position(self, sample: int, channel: int) -> int:
        layout = self._layout
        if isinstance(layout, ContiguousLayout):
            return layout.offset + sample * layout.row_stride + channel * layout.channel_stride
        record, within = divmod(sample, layout.samples_per_record)
        begin = layout.offset + record * layout.record_stride + layout.channel_offsets[channel]
        return begin + within * layout.dtype.itemsize
