"""How large an HDF5 dataset says it is, and how much of that there is: a file of a kilobyte can claim a petabyte."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

_MOST_BYTES = 1 << 62
_MOST_WHOLE_BYTES = 2 << 30
_MOST_CHUNK_BYTES = 1 << 30
# A recording may be preallocated, or have gaps that were never written; not many times what there is of it.
_LARGE_GAP_BYTES = 1 << 30
_MOST_GAPS = 64
_MOST_EMPTY_CHUNKS = 1 << 24


class Refused(Exception):  # noqa: N818 - `readable` makes an error of it, with the recording's path in front
    """An object must not be read, or cannot be; the message names it."""


def extent_problem(dataset: h5py.Dataset) -> str | None:
    """Why a dataset is not as large as it says; None where it is."""
    shape, itemsize = dataset.shape or (), dataset.id.get_type().get_size()
    count = _product(shape)
    claimed = count * itemsize
    if claimed > _MOST_BYTES:
        return f"its shape {shape} is more than any file can hold; the file was damaged, or made to mislead"
    if dataset.chunks is not None:
        problem = _chunks_problem(dataset, itemsize)
        if problem is not None:
            return problem
    missing = claimed - _written_bytes(dataset, claimed, itemsize)
    if missing > _LARGE_GAP_BYTES and missing * _MOST_GAPS > claimed * (_MOST_GAPS - 1):
        return (
            f"its shape is {shape}, but next to nothing of that was ever written ({claimed - missing} of {claimed} "
            "bytes); write the file again with as many rows as there are"
        )
    return None


def whole(dataset: h5py.Dataset) -> npt.NDArray[Any]:
    """All values of a dataset that is small enough for memory. Raises Refused, and what h5py raises."""
    problem = extent_problem(dataset)
    num_bytes = _product(dataset.shape or ()) * dataset.id.get_type().get_size()
    if problem is None and num_bytes > _MOST_WHOLE_BYTES:
        problem = f"its {num_bytes} bytes are too many to be read at once, as labels, times of events and the like are"
    if problem is not None:
        raise Refused(f"{dataset.name}: {problem}")
    return np.asarray(dataset[()])


def _product(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= int(length)
    return count


def _chunks_problem(dataset: h5py.Dataset, itemsize: int) -> str | None:
    chunk_bytes = _product(dataset.chunks) * itemsize
    if chunk_bytes > _MOST_CHUNK_BYTES:
        return (
            f"its chunks are of {chunk_bytes} bytes, each of which has to be unpacked as a whole; "
            "write it again with chunks of about a megabyte"
        )
    grid = _product(
        tuple(-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    )
    if grid > _MOST_EMPTY_CHUNKS and grid > 4 * dataset.id.get_num_chunks():
        return (
            f"it is cut into {grid} chunks, most of which were never written; write the file again with as many "
            "rows as there are, in chunks of about a megabyte"
        )
    return None


def _written_bytes(dataset: h5py.Dataset, claimed: int, itemsize: int) -> int:
    """Bytes of the values that were ever written, unpacked; no more than are claimed."""
    if claimed <= _LARGE_GAP_BYTES:
        return claimed
    if dataset.is_virtual:
        points = sum(int(source.vspace.get_select_npoints()) for source in dataset.virtual_sources())
        return min(claimed, points * itemsize)
    if dataset.chunks is not None:
        return min(claimed, int(dataset.id.get_num_chunks()) * _product(dataset.chunks) * itemsize)
    properties = dataset.id.get_create_plist()
    if properties.get_layout() == h5py.h5d.CONTIGUOUS and not properties.get_external_count():
        return min(claimed, int(dataset.id.get_storage_size()))
    return claimed
