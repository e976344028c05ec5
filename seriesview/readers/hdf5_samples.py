"""Samples of an HDF5 dataset: by byte range where the layout allows it, else through the HDF5 library."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ChunkedLayout, Layout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.hdf5_file import one_line
from seriesview.readers.hdf5_layout import dataset_layout
from seriesview.readers.sample_types import stored_dtype, unsupported_reason

_MOST_THREADS = 4
_SMALL_CHUNK_BYTES = 2048
_BLOCK_BYTES = 4 << 20
# Registered numbers of filters that files of recordings use.
_FILTER_NAMES = {
    4: "szip",
    307: "bzip2",
    32001: "Blosc",
    32004: "LZ4",
    32008: "bitshuffle",
    32013: "ZFP",
    32015: "Zstandard",
    32017: "SZ",
    32018: "FCIDECOMP",
    32024: "SZ3",
    32026: "Blosc2",
    32028: "SPERR",
}


def samples_problem(dataset: h5py.Dataset) -> str | None:
    """Why a dataset's values cannot be shown as samples; None where they can. Takes no look at filters."""
    shape = dataset.shape
    if shape is None:
        return "it is empty"
    if len(shape) not in (1, 2):
        return f"it has {len(shape)} dimensions (shape {shape}); 1 or 2 can be shown"
    reason = unsupported_reason(dataset.dtype)
    if reason is not None:
        return reason
    return f"no samples: its shape is {shape}" if 0 in shape else None


def missing_filter(dataset: h5py.Dataset) -> str | None:
    """What is missing to unpack a dataset, and where it is to be had; None where all its filters are there."""
    properties = dataset.id.get_create_plist()
    for index in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(index)
        if h5py.h5z.filter_avail(code) or (_load_plugins() and h5py.h5z.filter_avail(code)):
            continue
        given = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
        known = _FILTER_NAMES.get(code) or given.split(";")[0].strip() or "unknown"
        return (
            f"compressed with the HDF5 filter {known} (number {code}), which is not installed; "
            "the package hdf5plugin has the usual ones: pip install hdf5plugin"
        )
    return None


def _load_plugins() -> bool:
    try:
        importlib.import_module("hdf5plugin")
    except ImportError:
        return False
    return True


class Hdf5Samples:
    """Samples (num_samples, num_channels) of a dataset of one or two dimensions; `dtype` is native, bool as uint8.

    `order` F: the first of two dimensions is channels. Raises ReaderError where they cannot be read.
    """

    def __init__(self, dataset: h5py.Dataset, path: Path, order: Literal["C", "F"] = "C") -> None:
        self._where = f"{path}: {dataset.name}"
        problem = samples_problem(dataset) or missing_filter(dataset)
        if problem is not None:
            raise ReaderError(f"{self._where}: {problem}")
        self._by_row = order == "C" or len(dataset.shape) == 1
        stored = stored_dtype(dataset.dtype, self._where)
        stored = np.dtype(stored.str)
        self.dtype = stored.newbyteorder("=")
        shape = (*dataset.shape, 1)[:2]
        self.num_samples, self.num_channels = shape if self._by_row else shape[::-1]
        self.layout: Layout | None = dataset_layout(dataset, stored, self._by_row)
        chunks = (*(dataset.chunks or (1, 1)), 1)[:2]
        self.preferred_rows: int = chunks[0] if self._by_row else chunks[1]
        self._file: SampleFile | None = None
        self._slabs: _Slabs | None = None
        if self.layout is not None and not _has_tiny_chunks(self.layout):
            self._file = SampleFile(self.layout, threads())
        else:
            self._slabs = _Slabs(dataset, self._by_row, self.dtype, self.preferred_rows)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C), C-contiguous, with samples from `first_sample` on. Raises ReaderError."""
        if self._file is not None:
            self._file.read_into(first_sample, out)
        elif self._slabs is not None:
            try:
                self._slabs.read_into(first_sample, out)
            except OSError as error:
                raise ReaderError(
                    f"{self._where}: samples {first_sample} to {first_sample + len(out)} cannot be read: "
                    f"{one_line(error)}"
                ) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


def threads() -> int:
    """How many threads unpack: one a core that this process may use, up to four."""
    return min(_MOST_THREADS, len(os.sched_getaffinity(0)))


def _has_tiny_chunks(layout: Layout) -> bool:
    """Whether the work around each chunk would outweigh its samples."""
    if not isinstance(layout, ChunkedLayout):
        return False
    return layout.chunk_shape[0] * layout.chunk_shape[1] * layout.dtype.itemsize < _SMALL_CHUNK_BYTES


class _Slabs:
    """Reads through the HDF5 library, whole rows of chunks at a time, each once in a pass over all samples."""

    def __init__(self, dataset: h5py.Dataset, by_row: bool, dtype: np.dtype[Any], rows: int) -> None:
        self._dataset = dataset
        self._by_row = by_row
        self._dtype = dtype
        self._num_samples, self._num_channels = (*dataset.shape, 1)[:2] if by_row else dataset.shape[::-1]
        row_bytes = self._num_channels * dtype.itemsize
        self._rows = rows * max(1, min(_BLOCK_BYTES, _BLOCK_BYTES) // (rows * row_bytes))
        self._first = 0
        self._kept = np.empty((0, self._num_channels), dtype)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        done = 0
        while done < len(out):
            sample = first_sample + done
            if not self._first <= sample < self._first + len(self._kept):
                self._first = sample // self._rows * self._rows
                self._kept = self._read(self._first, min(self._first + self._rows, self._num_samples))
            begin = sample - self._first
            piece = self._kept[begin : begin + len(out) - done]
            out[done : done + len(piece)] = piece
            done += len(piece)

    def _read(self, first: int, last: int) -> npt.NDArray[Any]:
        if not self._by_row:
            values: npt.NDArray[Any] = self._dataset[:, first:last].T
        else:
            values = self._dataset[first:last].reshape(last - first, self._num_channels)
        return values.astype(self._dtype, copy=False)
