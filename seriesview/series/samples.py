"""Where the raw samples of a series come from: values parts, a linked file, or the files of its segments."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from seriesview.errors import FINDING, IntegrityError, MissingArtifactError
from seriesview.layout.layouts import ChunkedLayout, ContiguousLayout, Layout
from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.manifest import ArrayInfo, ContiguousLink, LinkInfo, SeriesManifest
from seriesview.series.segment_files import SegmentFiles, Selection

if TYPE_CHECKING:
    from seriesview.layout.sample_file import SampleFile
    from seriesview.store import Store


class SampleSource(Protocol):
    """Reads samples by their index in the whole series."""

    def read(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Samples [first, last) of the chosen channels (n, C); the caller does not write into them."""
        ...

    def close(self) -> None:
        """Let go of open files."""
        ...


class StoredSamples:
    """Samples in values parts."""

    def __init__(self, store: Store, info: ArrayInfo, cache: PartCache) -> None:
        self._array = ArrayReader(store, info, cache)

    def read(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Samples [first, last) of the chosen channels (n, C)."""
        return self._array.read(first, last)[:, channels]

    def close(self) -> None:
        """Nothing is open."""


class LinkedSamples:
    """Samples in the file that the series was made from; its size and modification time are checked."""

    def __init__(self, store: Store, link: LinkInfo, manifest: SeriesManifest, cache: PartCache) -> None:
        self._store = store
        self._link = link
        self._manifest = manifest
        self._cache = cache
        self._sample_bytes = np.dtype(manifest.dtype).itemsize * manifest.num_channels
        self._file: SampleFile | None = None
        self._path = Path()
        self._stamp = (0, 0)
        self._lock = threading.Lock()

    def read(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Samples [first, last) of the chosen channels (n, C)."""
        if self._file is None or self._stamp != _stamp(self._path):
            self._open()
        assert self._file is not None
        self._cache.will_read((last - first) * self._sample_bytes, at_once=True)
        self._cache.will_read(*self._reading_behind(first, last))
        out = np.empty((last - first, self._manifest.num_channels), np.dtype(self._manifest.dtype))
        self._file.read_into(first, out)
        return out[:, channels]

    def _reading_behind(self, first: int, last: int) -> tuple[int, int]:
        """What samples [first, last) are taken from: bytes of the file, or of its chunks once unpacked, and reads."""
        if isinstance(self._link, ContiguousLink):
            return (last - first) * self._link.row_stride, 1
        rows, columns = self._link.chunk_shape
        chunk_rows = -(-last // rows) - first // rows if first < last else 0
        chunk_columns = -(-self._manifest.num_channels // columns)
        chunk_bytes = rows * columns * np.dtype(self._manifest.dtype).itemsize
        return chunk_rows * chunk_columns * chunk_bytes, chunk_rows * chunk_columns + 1

    def close(self) -> None:
        """Let go of the linked file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self) -> None:
        """Open the linked file again, which raises MissingArtifactError where it is not the same any more."""
        # Only linked series need what reads chunks.
        from seriesview.layout.sample_file import SampleFile

        with self._lock:
            layout = link_layout(self._store, self._link, self._manifest, self._cache)
            self._path, self._stamp = layout.path, _stamp(layout.path)
            if self._file is None:
                opened = SampleFile(layout)
                try:
                    self._store.check_opened(self._link.uri, opened.descriptor)
                except BaseException:
                    opened.close()
                    raise
                self._file = opened


def link_layout(
    store: Store, link: LinkInfo, manifest: SeriesManifest, cache: PartCache | None = None
) -> Layout:
    """Where the linked samples lie; raises MissingArtifactError where the file moved or changed."""
    try:
        path = store.path(link.uri)
    except MissingArtifactError as error:
        if error.code == "artifact-missing":
            raise error.advised(f"{FINDING} finds raw files") from error
        raise
    dtype = np.dtype(manifest.dtype).newbyteorder("<" if link.byte_order == "little" else ">")
    shape = (manifest.num_samples, manifest.num_channels)
    if isinstance(link, ContiguousLink):
        return ContiguousLayout(path, dtype, *shape, link.offset, link.row_stride, link.channel_stride)
    chunks = ArrayReader(store, link.chunks, cache)
    table = chunks.read(0, len(chunks)).astype(np.int64, copy=False)
    # Deflate makes what it cannot compress larger by less than this.
    most = 2 * math.prod(link.chunk_shape) * dtype.itemsize + 1024
    if len(table) and not (table.min() >= 0 and table[:, 1].max() <= most and table[:, 0].max() < 2**62):
        raise IntegrityError(
            f"{link.uri}: its table of chunks has impossible bytes; build the series again",
            sha1=link.uri[7:47],
        )
    return ChunkedLayout(path, dtype, *shape, link.chunk_shape, link.filters, table, link.fill_value)


def open_samples(store: Store, manifest: SeriesManifest, cache: PartCache) -> SampleSource | None:
    """The source of a series' raw samples, or None where it has none."""
    if isinstance(manifest.values, ArrayInfo):
        return StoredSamples(store, manifest.values, cache)
    if manifest.values is not None:
        return LinkedSamples(store, manifest.values, manifest, cache)
    if manifest.segments and all(segment.values_uri for segment in manifest.segments):
        return SegmentFiles(store, manifest, cache)
    return None


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (-1, 0)
    return status.st_size, status.st_mtime_ns
