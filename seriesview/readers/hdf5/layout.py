"""Where the samples of an HDF5 dataset lie in its file, where they can be read without the HDF5 library."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.errors import IntegrityError
from seriesview.layout.layouts import ChunkedLayout, ContiguousLayout, Filter, Layout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.hdf5.file import file_of

_FILTERS: dict[int, Filter] = {h5py.h5z.FILTER_SHUFFLE: "shuffle", h5py.h5z.FILTER_DEFLATE: "deflate"}
_READABLE: tuple[tuple[Filter, ...], ...] = ((), ("shuffle",), ("deflate",), ("shuffle", "deflate"))


def dataset_layout(dataset: h5py.Dataset, dtype: np.dtype[Any], by_row: bool) -> Layout | None:
    """Layout of samples of `dtype` (as stored), or None where only the HDF5 library can read them.

    `by_row` False: the first of two dimensions is channels.
    """
    if not _is_plain(dataset, dtype):
        return None
    if dataset.chunks is None:
        return _contiguous(dataset, dtype, by_row)
    return _chunked(dataset, dtype, by_row)


def _is_plain(dataset: h5py.Dataset, dtype: np.dtype[Any]) -> bool:
    """Whether the values' bytes are numpy's: no odd precision, offset or padding."""
    stored = dataset.id.get_type()
    if isinstance(stored, h5py.h5t.TypeEnumID):
        stored = stored.get_super()
        dtype = dtype if dataset.dtype.kind != "b" else np.dtype(np.int8)
    return bool(stored == h5py.h5t.py_create(np.dtype(dtype.str)))


def _contiguous(dataset: h5py.Dataset, dtype: np.dtype[Any], by_row: bool) -> Layout | None:
    offset = dataset.id.get_offset()
    if offset is None or dataset.id.get_create_plist().get_external_count():
        return None
    rows, columns = (*dataset.shape, 1)[:2]
    num_samples, num_channels = (rows, columns) if by_row else (columns, rows)
    step, leap = dtype.itemsize, dtype.itemsize * columns
    return ContiguousLayout(
        path=file_of(dataset),
        dtype=dtype,
        num_samples=num_samples,
        num_channels=num_channels,
        offset=offset,
        row_stride=leap if by_row else step,
        channel_stride=step if by_row else leap,
    )


def _chunked(dataset: h5py.Dataset, dtype: np.dtype[Any], by_row: bool) -> Layout | None:
    filters = _filters(dataset, dtype)
    shape, chunk_shape = (*dataset.shape, 1)[:2], (*dataset.chunks, 1)[:2]
    # The values inside a chunk can be turned only where one of its dimensions is 1.
    if filters is None or not (by_row or 1 in chunk_shape):
        return None
    table = _chunk_table(dataset, shape, chunk_shape)
    if table is None:
        return None
    is_missing = bool((table[..., 1] == 0).any())
    fill_value: Any = dataset.fillvalue if is_missing else 0
    if int(fill_value) != float(fill_value) if np.issubdtype(dtype, np.integer) else False:
        return None
    if not by_row:
        table = table.transpose(1, 0, 2)
        shape, chunk_shape = shape[::-1], chunk_shape[::-1]
    layout = ChunkedLayout(
        path=file_of(dataset),
        dtype=dtype,
        num_samples=shape[0],
        num_channels=shape[1],
        chunk_shape=(chunk_shape[0], chunk_shape[1]),
        filters=filters,
        chunks=np.ascontiguousarray(table.reshape(-1, 2)),
        fill_value=float(fill_value),
    )
    return layout if _is_as_read(layout, dataset, by_row) else None


def _filters(dataset: h5py.Dataset, dtype: np.dtype[Any]) -> tuple[Filter, ...] | None:
    properties = dataset.id.get_create_plist()
    names: list[Filter] = []
    for index in range(properties.get_nfilters()):
        code, _, values, _ = properties.get_filter(index)
        if code not in _FILTERS:
            return None
        if code == h5py.h5z.FILTER_SHUFFLE and values and values[0] != dtype.itemsize:
            return None
        names.append(_FILTERS[code])
    return tuple(names) if tuple(names) in _READABLE else None


def _chunk_table(
    dataset: h5py.Dataset, shape: tuple[int, ...], chunk_shape: tuple[int, ...]
) -> npt.NDArray[np.int64] | None:
    """Offset and size of each chunk (chunk rows, chunk columns, 2).

    None where one was written without its filters, or is said to lie behind the file's end.
    """
    grid = tuple(-(-size // chunk) for size, chunk in zip(shape, chunk_shape, strict=True))
    stored = [info for info in _stored_chunks(dataset, grid, chunk_shape) if info.byte_offset is not None]
    table = np.zeros((*grid, 2), np.int64)
    if not stored:
        return table
    end = file_of(dataset).stat().st_size
    if any(info.filter_mask or info.byte_offset + info.size > end for info in stored):
        return None
    rank = len(dataset.shape)
    # Unsigned, since a damaged index can hold anything.
    corners = np.array([info.chunk_offset for info in stored], np.uint64).reshape(-1, rank)
    places = corners // np.array(chunk_shape[:rank], np.uint64)
    inside = (places < np.array(grid[:rank], np.uint64)).all(axis=1)
    extents = np.array([(info.byte_offset, info.size) for info in stored], np.int64)
    columns = places[inside, 1] if rank == 2 else 0
    table[places[inside, 0], columns] = extents[inside]
    return table


def _stored_chunks(dataset: h5py.Dataset, grid: tuple[int, ...], chunk_shape: tuple[int, ...]) -> list[Any]:
    stored: list[Any] = []
    if hasattr(dataset.id, "chunk_iter"):
        # A callback that returns something ends the walk.
        dataset.id.chunk_iter(stored.append)
        return stored
    rank = len(dataset.shape)
    for place in np.ndindex(*grid[:rank]):
        corner = tuple(index * size for index, size in zip(place, chunk_shape, strict=False))
        stored.append(dataset.id.get_chunk_info_by_coord(corner))
    return stored


def _is_as_read(layout: ChunkedLayout, dataset: h5py.Dataset, by_row: bool) -> bool:
    """Whether bytes and filters are what they seem, where files exist in which they are not.

    Files can say that chunks at the edges are not filtered, which shows nowhere but in their size; and libraries
    exist that count chunks without the user block.
    """
    written = np.flatnonzero(layout.chunks[:, 1])
    if not written.size:
        return True
    if dataset.file.userblock_size:
        columns = -(-layout.num_channels // layout.chunk_shape[1])
        row, column = divmod(int(written[0]), columns)
        corner = (row * layout.chunk_shape[0], column * layout.chunk_shape[1])
        corner = corner if by_row else corner[::-1]
        _, raw = dataset.id.read_direct_chunk(corner[: len(dataset.shape)])
        with layout.path.open("rb") as file:
            file.seek(int(layout.chunks[written[0], 0]))
            if file.read(len(raw)) != raw:
                return False
    chunk_bytes = layout.chunk_shape[0] * layout.chunk_shape[1] * layout.dtype.itemsize
    whole = (layout.chunks[:, 1] == chunk_bytes).reshape(-1, -(-layout.num_channels // layout.chunk_shape[1]))
    doubtful = []
    if layout.filters and layout.num_samples % layout.chunk_shape[0] and whole[-1].any():
        doubtful.append((len(whole) - 1, int(np.argmax(whole[-1]))))
    if layout.filters and layout.num_channels % layout.chunk_shape[1] and whole[:, -1].any():
        doubtful.append((int(np.argmax(whole[:, -1])), whole.shape[1] - 1))
    return all(_chunk_is_as_read(layout, dataset, by_row, *place) for place in doubtful)


def _chunk_is_as_read(
    layout: ChunkedLayout, dataset: h5py.Dataset, by_row: bool, row: int, column: int
) -> bool:
    first, left = row * layout.chunk_shape[0], column * layout.chunk_shape[1]
    last = min(first + layout.chunk_shape[0], layout.num_samples)
    right = min(left + layout.chunk_shape[1], layout.num_channels)
    where = (slice(first, last), slice(left, right))
    try:
        expected = dataset[(where if by_row else where[::-1])[: len(dataset.shape)]]
        with SampleFile(layout) as samples:
            read = samples.read(first, last, range(left, right))
    except (OSError, IntegrityError):
        # Whatever is wrong with it is for the library to say, when it is read.
        return False
    if len(dataset.shape) == 2 and not by_row:
        expected = expected.T
    return bool(np.ascontiguousarray(expected, read.dtype).tobytes() == read.tobytes())
