"""Samples at fixed strides of a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.layout.apart import ApartSamples
from seriesview.layout.byte_file import ByteFile
from seriesview.layout.layouts import ContiguousLayout
from seriesview.layout.runs import Run
from seriesview.layout.unpacking import thread_workspace, whole_rows

_SCRATCH_BYTES = 1 << 20


class ContiguousSamples:
    """Reads samples of a contiguous layout."""

    def __init__(self, layout: ContiguousLayout, file: ByteFile, reads_ahead: bool) -> None:
        self._layout = layout
        self._file = file
        self._apart = ApartSamples(layout, file, reads_ahead)

    def read_into(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run]) -> None:
        """Fill `out` (n, chosen channels) of native byte order, the runs saying which channels go where."""
        layout = self._layout
        everything = len(runs) == 1 and runs[0].length == layout.num_channels
        if layout.is_row_major and everything and out.flags.c_contiguous:
            self._file.read_into(out.reshape(-1).view(np.uint8), self._position(first_sample, 0))
            if not layout.dtype.isnative:
                out.byteswap(inplace=True)
            return
        lowest, highest = runs[0].first, runs[-1].last
        if self._extent(1, highest - lowest) <= layout.row_stride:
            self._read_strided(first_sample, out, Run(lowest, 0, highest - lowest), runs)
        else:
            self._apart.read_into(first_sample, out, runs)

    def _read_strided(
        self, first_sample: int, out: npt.NDArray[Any], covering: Run, runs: Sequence[Run]
    ) -> None:
        """Read the bytes from the first to the last channel of `covering`, gaps included, and pick the runs."""
        layout = self._layout
        rows = min(len(out), max(1, _SCRATCH_BYTES // layout.row_stride))
        are_neighbours = layout.channel_stride == layout.dtype.itemsize
        scratch = thread_workspace().take("rows", self._extent(rows, covering.length))
        values = np.ndarray(
            (rows, covering.length),
            out.dtype if are_neighbours else layout.dtype,
            scratch.data,
            strides=(layout.row_stride, layout.channel_stride),
        )
        pairs = []
        for run in runs:
            start = run.first - covering.first
            pair = out[:, run.out : run.out + run.length], values[:, start : start + run.length]
            pairs.append(whole_rows(*pair) if are_neighbours else pair)
        for begin in range(0, len(out), rows):
            count = min(rows, len(out) - begin)
            part = scratch[: self._extent(count, covering.length)]
            self._file.read_into(part, self._position(first_sample + begin, covering.first))
            for columns, chosen in pairs:
                columns[begin : begin + count] = chosen[:count]
            if are_neighbours and not layout.dtype.isnative:
                out[begin : begin + count].byteswap(inplace=True)

    def _position(self, sample: int, channel: int) -> int:
        layout = self._layout
        return layout.offset + sample * layout.row_stride + channel * layout.channel_stride

    def _extent(self, num_samples: int, num_channels: int) -> int:
        layout = self._layout
        return (
            (num_samples - 1) * layout.row_stride
            + (num_channels - 1) * layout.channel_stride
            + layout.dtype.itemsize
        )
