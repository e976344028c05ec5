"""Samples of an HDF5 dataset through the HDF5 library, whole rows of chunks at a time."""

from __future__ import annotations

import threading
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.layout.layouts import ContiguousLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.layout.scratch import Scratch

_SLAB_BYTES = 4 << 20
_LARGE_SLAB_BYTES = 64 << 20


class Folded:
    """Reads a dataset of one dimension as frames of `columns` values; safe from any thread. `dtype` is native."""

    def __init__(self, dataset: h5py.Dataset, columns: int, dtype: np.dtype[Any]) -> None:
        self._dataset = dataset
        self._columns = columns
        self._dtype = dtype
        self._lock = threading.Lock()

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples, which there must be. Raises what h5py raises (OSError, RuntimeError)."""
        first, last = (sample * self._columns for sample in (first_sample, first_sample + len(out)))
        with self._lock:
            values = self._dataset[first:last]
        out[...] = values.astype(self._dtype, copy=False).reshape(out.shape)

    def close(self) -> None:
        """Nothing is kept."""


class Slabs:
    """Reads each chunk once in a pass over all samples; safe from any thread.

    A slab is one or more rows of chunks. It is held in memory up to 64 MiB, or as one chunk; a larger one goes
    to a scratch file, chunk by chunk. `by_row` False: the first of two dimensions is channels; `dtype` is native.
    """

    def __init__(self, dataset: h5py.Dataset, by_row: bool, dtype: np.dtype[Any]) -> None:
        self._dataset = dataset
        self._by_row = by_row
        self._dtype = dtype
        turn = slice(None) if by_row else slice(None, None, -1)
        self._num_samples, self._num_channels = (*dataset.shape, 1)[:2][turn]
        rows, self._columns = (*(dataset.chunks or (1, self._num_channels)), 1)[:2][turn]
        row_bytes = self._num_channels * dtype.itemsize
        self._rows = rows * max(1, _SLAB_BYTES // (rows * row_bytes))
        slab_bytes = min(self._rows, self._num_samples) * row_bytes
        self._is_large = slab_bytes > _LARGE_SLAB_BYTES and self._columns < self._num_channels
        self._first = self._last = 0
        self._kept = np.empty((0, self._num_channels), dtype)
        self._scratch = Scratch()
        self._lock = threading.Lock()

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples, which there must be. Raises what h5py raises (OSError, RuntimeError)."""
        done = 0
        with self._lock:
            while done < len(out):
                sample = first_sample + done
                if not self._first <= sample < self._last:
                    self._load(sample // self._rows * self._rows)
                piece = out[done : done + self._last - sample]
                self._copy(sample - self._first, piece)
                done += len(piece)

    def close(self) -> None:
        """Let go of what is kept."""
        with self._lock:
            self._first = self._last = 0
            self._kept = self._kept[:0]
            self._scratch.close()

    def _load(self, first: int) -> None:
        last = min(first + self._rows, self._num_samples)
        self._first = self._last = first
        if self._is_large:
            self._to_scratch(first, last)
        else:
            values = self._dataset[first:last] if self._by_row else self._dataset[:, first:last].T
            self._kept = values.reshape(last - first, self._num_channels).astype(self._dtype, copy=False)
        self._last = last

    def _copy(self, begin: int, out: npt.NDArray[Any]) -> None:
        if not self._is_large:
            out[...] = self._kept[begin : begin + len(out)]
            return
        step = self._dtype.itemsize
        with SampleFile(
            ContiguousLayout(
                path=self._scratch.path,
                dtype=self._dtype,
                num_samples=self._last - self._first,
                num_channels=self._num_channels,
                offset=0,
                row_stride=step,
                channel_stride=step * (self._last - self._first),
            )
        ) as file:
            file.read_into(begin, out)

    def _to_scratch(self, first: int, last: int) -> None:
        """Write the slab to the scratch file, channel after channel."""
        position = 0
        for left in range(0, self._num_channels, self._columns):
            right = min(left + self._columns, self._num_channels)
            if self._by_row:
                values = self._dataset[first:last, left:right].T
            else:
                values = self._dataset[left:right, first:last]
            rows = np.ascontiguousarray(values, self._dtype)
            self._scratch.write(rows.view(np.uint8).data, position)
            position += rows.nbytes
