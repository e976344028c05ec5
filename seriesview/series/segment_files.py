"""Samples of a series made with `SVSeries`: one timestamps file and one values file a segment."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import IntegrityError
from seriesview.series.arrays import PartCache
from seriesview.series.manifest import SegmentInfo, SeriesManifest
from seriesview.store.uris import parse_uri

if TYPE_CHECKING:
    from seriesview.store import Store

WHOLE_BYTES = 32 * 2**20
"""A file up to this size is read whole, and kept for the next time."""

Selection = slice | npt.NDArray[np.intp]


def width(channels: Selection) -> int:
    """How many channels are chosen."""
    return channels.stop - channels.start if isinstance(channels, slice) else len(channels)


class SegmentFiles:
    """Samples of a series made with `SVSeries`: one values file a segment."""

    def __init__(self, store: Store, manifest: SeriesManifest, cache: PartCache) -> None:
        self._store = store
        self._manifest = manifest
        self._cache = cache
        self._checked: dict[int, tuple[int, ...]] = {}
        """Of a large file whose SHA-1 is right, by segment: what changes with each change of it."""
        self._first = [0, *accumulate(segment.num_samples for segment in manifest.segments)]
        self._sample_bytes = np.dtype(manifest.dtype).itemsize * manifest.num_channels

    def read(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Samples [first, last) of the chosen channels (n, C)."""
        self._cache.will_read((last - first) * self._sample_bytes, at_once=True)
        number = bisect_right(self._first, first) - 1
        pieces = [np.empty((0, self._manifest.num_channels), self._manifest.dtype)]
        while first < last:
            begin, end = self._first[number : number + 2]
            if first < end:
                rows = self._rows(number, first - begin, min(last, end) - begin)
                pieces.append(rows.astype(self._manifest.dtype, copy=False))
                first = end
            number += 1
        rows = pieces[-1] if len(pieces) <= 2 else np.concatenate(pieces)
        return rows[:, channels]

    def close(self) -> None:
        """Nothing is open."""

    def _rows(self, number: int, first: int, last: int) -> npt.NDArray[Any]:
        """Samples [first, last) of a segment (n, C); a large file is read by range, once its SHA-1 was checked."""
        segment = self._manifest.segments[number]
        assert segment.values_uri is not None
        dtype = np.dtype(segment.values_dtype).newbyteorder("<")
        row_bytes = dtype.itemsize * self._manifest.num_channels
        size = segment.num_samples * row_bytes
        if size <= WHOLE_BYTES:
            values = load_values(self._store, segment, self._manifest.num_channels, self._cache)
            return values[first:last]
        self._check(number, segment.values_uri, size)
        data = self._store.get_range(segment.values_uri, first * row_bytes, last * row_bytes)
        return np.frombuffer(data, dtype).reshape(-1, self._manifest.num_channels)

    def _check(self, number: int, uri: str, size: int) -> None:
        status = self._store.path(uri).stat()
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        if self._checked.get(number) == stamp:
            return
        if status.st_size != size:
            what = f"{uri}: {status.st_size} bytes, the manifest says {size}"
            raise IntegrityError(what, sha1=parse_uri(uri)[0])
        self._cache.will_read(size)
        hasher = hashlib.sha1(usedforsecurity=False)
        for block in self._store.blocks(uri):
            hasher.update(block)
        if hasher.hexdigest() != parse_uri(uri)[0]:
            raise IntegrityError(f"{uri}: the stored bytes have another SHA-1", sha1=parse_uri(uri)[0])
        self._checked[number] = stamp


def load_values(
    store: Store, segment: SegmentInfo, num_channels: int, cache: PartCache | None = None
) -> npt.NDArray[Any]:
    """The values file of a segment (num_samples, C), checked by SHA-1; raises IntegrityError."""
    assert segment.values_uri is not None
    assert segment.values_dtype is not None
    shape = (segment.num_samples, num_channels)
    return _load(store, segment.values_uri, segment.values_dtype, shape, cache)


def load_timestamps(
    store: Store, segment: SegmentInfo, cache: PartCache | None = None
) -> npt.NDArray[np.float64 | np.float32]:
    """The timestamps file of a segment (num_samples,), checked by SHA-1; raises IntegrityError."""
    assert segment.timestamps_uri is not None
    assert segment.timestamps_dtype is not None
    shape = (segment.num_samples,)
    return _load(store, segment.timestamps_uri, segment.timestamps_dtype, shape, cache)


def _load(
    store: Store, uri: str, dtype: str, shape: Sequence[int], cache: PartCache | None
) -> npt.NDArray[Any]:
    values = np.dtype(dtype).newbyteorder("<")
    size = math.prod(shape) * values.itemsize
    digest = bytes.fromhex(parse_uri(uri)[0])
    data = None if cache is None else cache.get(digest)
    if data is None:
        if cache is not None:
            cache.will_read(size)
        data = np.frombuffer(store.get_bytes(uri, size=size), np.uint8)
        if cache is not None:
            cache.put(digest, data)
    elif data.nbytes != size:
        what = f"{uri}: {data.nbytes} bytes, the manifest says {tuple(shape)} of {dtype}"
        raise IntegrityError(what, sha1=digest.hex())
    return data.view(values).reshape(shape)
