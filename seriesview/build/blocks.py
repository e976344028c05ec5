"""Blocks of samples from a recording, read in a thread ahead of the work, into a few reused buffers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from seriesview.build.grid import Stretch
from seriesview.layout.layouts import RecordsLayout
from seriesview.readers.protocol import Recording

_BLOCK_BYTES = 4 << 20
_BUFFERS = 4


class ReadInto(Protocol):
    """Fills `out` (n, C) with samples from `first_sample` of the series on."""

    def __call__(self, first_sample: int, out: npt.NDArray[Any], /) -> None:
        """Fill the buffer."""
        ...


@dataclass(frozen=True)
class Block:
    """Samples (n, C) of a segment, from its sample `first` on; valid until the next block is asked for."""

    segment: int
    first: int
    samples: npt.NDArray[Any]
    begins_stretch: bool


def block_samples(dtype: np.dtype[Any], num_channels: int, alignment: int, preferred_rows: int = 1) -> int:
    """Samples a block: about 4 MiB, a multiple of `alignment`, and of the recording's own rows where they are large."""
    unit = alignment
    row_bytes = dtype.itemsize * num_channels
    target = max(1, _BLOCK_BYTES // row_bytes)
    common = int(np.lcm(alignment, max(1, preferred_rows)))
    if common * row_bytes <= 2 * _BLOCK_BYTES:
        unit = common
    return max(1, target // unit) * unit


def preferred_rows(recording: Recording) -> int:
    """Rows that are best read together, as the reader says, or else the layout: whole records."""
    if recording.preferred_rows == 1 and isinstance(recording.layout, RecordsLayout):
        return recording.layout.samples_per_record
    return recording.preferred_rows


class BlockReader:
    """Iterates over the blocks of some stretches, in order, while a thread reads ahead.

    Memory: four buffers of one block each. Errors of the reading thread are raised here.
    """

    def __init__(
        self,
        read_into: ReadInto,
        dtype: np.dtype[Any],
        num_channels: int,
        segment_lengths: Sequence[int],
        stretches: Sequence[Stretch],
        samples_per_block: int,
    ) -> None:
        self._read_into = read_into
        self._segment_firsts = [0, *accumulate(segment_lengths)]
        self._stretches = stretches
        self._samples_per_block = samples_per_block
        self._free: queue.SimpleQueue[npt.NDArray[Any] | None] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[tuple[Block, npt.NDArray[Any]] | BaseException | None] = (
            queue.SimpleQueue()
        )
        longest = max((stretch.last - stretch.first for stretch in stretches), default=0)
        for _ in range(_BUFFERS):
            self._free.put(np.empty((min(samples_per_block, longest), num_channels), dtype))
        self._thread = threading.Thread(target=self._run, name="read", daemon=True)

    def __enter__(self) -> BlockReader:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._free.put(None)
        while self._thread.is_alive():
            self._thread.join(0.05)
            while not self._ready.empty():
                self._ready.get()

    def __iter__(self) -> Iterator[Block]:
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            block, buffer = item
            yield block
            self._free.put(buffer)

    def _run(self) -> None:
        try:
            for stretch in self._stretches:
                for first in range(stretch.first, stretch.last, self._samples_per_block):
                    buffer = self._free.get()
                    if buffer is None:
                        return
                    last = min(first + self._samples_per_block, stretch.last)
                    samples = buffer[: last - first]
                    self._read_into(self._segment_firsts[stretch.segment] + first, samples)
                    block = Block(stretch.segment, first, samples, first == stretch.first)
                    self._ready.put((block, buffer))
        except BaseException as error:
            self._ready.put(error)
        else:
            self._ready.put(None)
