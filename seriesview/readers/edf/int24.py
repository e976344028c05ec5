"""Samples of 24 bits, little-endian, in records: BDF."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.layout.byte_file import ByteFile
from seriesview.readers.edf.header import Header, Signal

_SAMPLE = 3
_SCRATCH_BYTES = 1 << 20
# Records with so much beside what is wanted are not read whole.
_SPARSE = 4
# Samples that are turned at once stay in the processor's cache; rows a power of two apart would not.
_TILE, _BETWEEN = 256, 5


class Int24Samples:
    """Reads signals of one rate as int32, in little memory."""

    def __init__(self, header: Header, signals: tuple[Signal, ...]) -> None:
        self._header = header
        self._offsets = [signal.record_offset for signal in signals]
        self._per_record = signals[0].samples_per_record
        self._file = ByteFile(header.path)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` int32 (n, signals) with samples from `first_sample` on."""
        lowest = min(self._offsets)
        extent = max(self._offsets) + self._per_record * _SAMPLE - lowest
        stride = self._header.record_bytes
        is_sparse = (
            stride > _SPARSE * len(self._offsets) * self._per_record * _SAMPLE or extent > _SCRATCH_BYTES
        )
        most = max(1, _SCRATCH_BYTES // (_SAMPLE * len(self._offsets)))
        done = 0
        while done < len(out):
            record, begin = divmod(first_sample + done, self._per_record)
            count = min(self._per_record - begin, len(out) - done)
            place = self._header.data_offset + record * stride
            if is_sparse or count < self._per_record:
                count = min(count, most)
                self._read_apart(place + begin * _SAMPLE, out[done : done + count])
                done += count
                continue
            records = min((len(out) - done) // count, max(1, (_SCRATCH_BYTES - extent) // stride))
            # Each value is read with the byte before it, which shifting drops.
            scratch = np.empty(1 + (records - 1) * stride + extent, np.uint8)
            self._file.read_into(scratch[1:], place + lowest)
            for number in range(records):
                offsets = [number * stride + offset - lowest for offset in self._offsets]
                self._turn(scratch, offsets, out[done : done + count])
                done += count

    def _read_apart(self, place: int, out: npt.NDArray[Any]) -> None:
        """Samples of one record, from a place in its first signal's on, each signal by itself."""
        length = len(out) * _SAMPLE
        scratch = np.empty(1 + length * len(self._offsets), np.uint8)
        for number, offset in enumerate(self._offsets):
            self._file.read_into(scratch[1 + number * length :][:length], place + offset)
        self._turn(scratch, [number * length for number in range(len(self._offsets))], out)

    def _turn(self, scratch: npt.NDArray[np.uint8], offsets: Sequence[int], out: npt.NDArray[Any]) -> None:
        """Put runs of samples that begin behind a byte at each offset into the columns of `out`."""
        steps = {after - before for before, after in pairwise(offsets)}
        turned = np.empty((len(offsets), _TILE + _BETWEEN), np.int32)
        for first in range(0, len(out), _TILE):
            count = min(_TILE, len(out) - first)
            tile = turned[:, :count]
            if len(steps) <= 1:
                strides = (next(iter(steps), 0), _SAMPLE)
                begin = offsets[0] + first * _SAMPLE
                tile[...] = np.ndarray(tile.shape, "<i4", scratch.data, begin, strides)
            else:
                for row, offset in zip(tile, offsets, strict=True):
                    row[...] = np.ndarray((count,), "<i4", scratch.data, offset + first * _SAMPLE, (_SAMPLE,))
            np.right_shift(tile.T, 8, out=out[first : first + count])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
