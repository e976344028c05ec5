"""Samples of an HDF5 dataset: by byte range where the layout allows it, else through the HDF5 library."""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError, RequestError, one_line
from seriesview.layout.layouts import ChunkedLayout, ContiguousLayout, Layout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.hdf5.extent import extent_problem
from seriesview.readers.hdf5.file import attribute, dtype_of
from seriesview.readers.hdf5.layout import dataset_layout
from seriesview.readers.hdf5.missing import meant_dtype
from seriesview.readers.hdf5.reach import check_unchanged, elsewhere, missing_part
from seriesview.readers.hdf5.slabs import Folded, Slabs
from seriesview.readers.sample_types import stored_dtype, unsupported_reason

SINGLE_VALUE = "it holds a single value, not samples"

_MOST_THREADS = 4
_SMALL_CHUNK_BYTES = 2048
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
    if shape is None or "MATLAB_empty" in dataset.attrs:
        return "it is empty"
    reason = _dtype_problem(dataset)
    if reason is not None:
        return reason
    if len(shape) == 0:
        return SINGLE_VALUE
    if len(shape) > 2:
        return f"it has {len(shape)} dimensions (shape {shape}); 1 or 2 can be shown"
    return (
        f"no samples: its shape is {shape}"
        if 0 in shape
        else _missing_source(dataset) or extent_problem(dataset)
    )


def dtype_name(dataset: h5py.Dataset) -> str:
    """Its dtype in one word, as far as that is known."""
    dtype = dtype_of(dataset)
    return "" if dtype is None else dtype.name if dtype.names is None else "records"


def _dtype_problem(dataset: h5py.Dataset) -> str | None:
    dtype = dtype_of(dataset)
    if dtype is None:
        return (
            f"its values are of a type of {dataset.id.get_type().get_size()} bytes that numpy does not know"
        )
    if dtype.kind == "S" or h5py.check_string_dtype(dtype) or _is_matlab_text(dataset):
        return "it holds text, not samples"
    if h5py.check_ref_dtype(dtype):
        return "it holds references to other objects, not samples"
    if h5py.check_vlen_dtype(dtype):
        return "its values are lists, each of its own length"
    if dtype.names is not None:
        return f"its values are records of {', '.join(dtype.names)}, not single numbers"
    return unsupported_reason(dtype)


def _is_matlab_text(dataset: h5py.Dataset) -> bool:
    return bool(attribute(dataset, "MATLAB_class") == "char")


def _missing_source(dataset: h5py.Dataset) -> str | None:
    name = missing_part(dataset)
    return None if name is None else f"a part of it is in {name}, which is not there"


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
    """Samples (num_samples, num_channels) of a dataset of one or two dimensions; `dtype` is native, bool as uint8, and
    of the signedness that `_Unsigned` says.

    `order` F: the first of two dimensions is channels. `columns`: values of one dimension are whole frames of so
    many channels. Raises ReaderError where they cannot be read.
    """

    def __init__(
        self,
        dataset: h5py.Dataset,
        path: Path,
        order: Literal["C", "F"] = "C",
        columns: int | None = None,
    ) -> None:
        self._where = (str(path), str(dataset.name))
        problem = samples_problem(dataset) or missing_filter(dataset)
        if problem is not None:
            raise ReaderError(problem, file=self._where)
        self._by_row = order == "C" or len(dataset.shape) == 1
        stored = stored_dtype(dataset.dtype, self._where)
        stored = np.dtype(stored.str)
        meant = meant_dtype(dataset, stored)
        self.dtype = meant.newbyteorder("=")
        shape = (*dataset.shape, 1)[:2]
        self.num_samples, self.num_channels = shape if self._by_row else shape[::-1]
        if columns is not None:
            self.num_samples, self.num_channels = self.num_samples // columns, columns
        try:
            layout = _meaning(dataset_layout(dataset, stored, self._by_row), meant)
        except (OSError, RuntimeError) as error:
            raise ReaderError(
                f"where its samples lie cannot be read: {one_line(error)}; the file was damaged: "
                "copy or write it again",
                file=self._where,
            ) from error
        self.layout: Layout | None = layout if columns is None else _folded(layout, columns)
        chunks = (*(dataset.chunks or (1, 1)), 1)[:2]
        self.preferred_rows: int = chunks[0] if self._by_row else chunks[1]
        if columns is not None:
            self.preferred_rows = max(1, self.preferred_rows // columns)
        self._file: SampleFile | None = None
        self._slabs: Slabs | Folded | None = None
        self._elsewhere = elsewhere(dataset)
        if self.layout is not None and not _has_tiny_chunks(self.layout):
            self._file = SampleFile(self.layout, _default_threads())
        else:
            self._slabs = (
                Slabs(dataset, self._by_row, self.dtype)
                if columns is None
                else Folded(dataset, columns, self.dtype)
            )

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C), C-contiguous, with samples from `first_sample` on; safe from any thread.

        Raises RequestError for samples that there are not, ReaderError or IntegrityError where they cannot be read.
        """
        if not 0 <= first_sample <= first_sample + len(out) <= self.num_samples:
            raise RequestError(
                f"samples {first_sample} to {first_sample + len(out)}: it has samples 0 to "
                f"{self.num_samples}",
                file=self._where,
            )
        if self._file is not None:
            self._file.read_into(first_sample, out)
        elif self._slabs is not None:
            try:
                check_unchanged(self._elsewhere)
                self._slabs.read_into(first_sample, out)
                check_unchanged(self._elsewhere)
            except (OSError, RuntimeError) as error:
                raise ReaderError(
                    f"samples {first_sample} to {first_sample + len(out)} cannot be read: {one_line(error)}",
                    file=self._where,
                ) from error

    def unpack_with(self, threads: int) -> None:
        """Let so many threads unpack, in place of one a core that this process may use, up to four."""
        if self._file is not None and self.layout is not None:
            self._file.close()
            self._file = SampleFile(self.layout, threads)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        if self._slabs is not None:
            self._slabs.close()


def _meaning(layout: Layout | None, dtype: np.dtype[Any]) -> Layout | None:
    """The layout with its samples taken for `dtype`, which has as many bits as they are stored with."""
    if layout is None or layout.dtype == dtype:
        return layout
    if not isinstance(layout, ContiguousLayout):
        assert isinstance(layout, ChunkedLayout)
        fill = np.array(int(layout.fill_value), layout.dtype).view(dtype)
        return replace(layout, dtype=dtype, fill_value=float(fill))
    return replace(layout, dtype=dtype)


def _folded(layout: Layout | None, columns: int) -> Layout | None:
    """The layout of one channel as whole frames of several; None where they lie in chunks, which may cut them."""
    if not isinstance(layout, ContiguousLayout):
        return None
    return replace(
        layout,
        num_samples=layout.num_samples // columns,
        num_channels=columns,
        row_stride=layout.row_stride * columns,
        channel_stride=layout.row_stride,
    )


def _default_threads() -> int:
    return min(_MOST_THREADS, len(os.sched_getaffinity(0)))


def _has_tiny_chunks(layout: Layout) -> bool:
    """Whether the work around each chunk would outweigh its samples."""
    if not isinstance(layout, ChunkedLayout):
        return False
    return layout.chunk_shape[0] * layout.chunk_shape[1] * layout.dtype.itemsize < _SMALL_CHUNK_BYTES
