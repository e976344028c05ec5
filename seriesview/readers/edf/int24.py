"""Samples of 24 bits, little-endian, in records: BDF."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.layout.byte_file import ByteFile
from seriesview.readers.edf.header import Header, Signal

_SAMPLE = 3
_SCRATCH_BYTES = 4 << 20
# Records with so much beside what is wanted are not read whole.
_SPARSE = 4


class Int24Samples:
    """Reads signals of one rate as int32, in little memory."""

    def __init__(self, header: Header, signals: tuple[Signal, ...]) -> None:
        self._header = header
        self._signals = signals
        self._per_record = signals[0].samples_per_record
        self._file = ByteFile(header.path)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` int32 (n, signals) with samples from `first_sample` on."""
        lowest = min(signal.record_offset for signal in self._signals)
        highest = max(signal.record_offset for signal in self._signals)
        extent = highest + self._per_record * _SAMPLE - lowest
        wanted = len(self._signals) * self._per_record * _SAMPLE
        is_sparse = self._header.record_bytes > _SPARSE * wanted or extent > _SCRATCH_BYTES
        done = 0
        while done < len(out):
            record, begin = divmod(first_sample + done, self._per_record)
            if is_sparse or begin or len(out) - done < self._per_record:
                count = min(self._per_record - begin, len(out) - done, _SCRATCH_BYTES // _SAMPLE)
                for column, signal in enumerate(self._signals):
                    place = self._place(record) + signal.record_offset + begin * _SAMPLE
                    self._unpack(place, count * _SAMPLE, 1, count, [(0, out[done : done + count, column])])
            else:
                records = (len(out) - done) // self._per_record
                records = min(records, max(1, (_SCRATCH_BYTES - extent) // self._header.record_bytes))
                count = records * self._per_record
                block = out[done : done + count]
                self._unpack(
                    self._place(record) + lowest,
                    (records - 1) * self._header.record_bytes + extent,
                    records,
                    self._per_record,
                    [(signal.record_offset - lowest, block[:, c]) for c, signal in enumerate(self._signals)],
                )
            done += count
        # Each value was read with the byte before it, which goes.
        out >>= 8

    def _place(self, record: int) -> int:
        return self._header.data_offset + record * self._header.record_bytes

    def _unpack(
        self,
        place: int,
        num_bytes: int,
        records: int,
        samples: int,
        columns: list[tuple[int, npt.NDArray[Any]]],
    ) -> None:
        """Put the four bytes that end with each sample's last one into columns, from offsets into what is read."""
        scratch = np.empty(1 + num_bytes, np.uint8)
        self._file.read_into(scratch[1:], place)
        for offset, column in columns:
            values = np.ndarray(
                (records, samples), "<i4", scratch.data, offset, (self._header.record_bytes, _SAMPLE)
            )
            column.reshape(values.shape)[...] = values

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
