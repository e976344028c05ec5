"""Where the raw samples of a series come from: values parts, linked files, or the files of its segments."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from seriesview.errors import FINDING, IntegrityError, MissingArtifactError
from seriesview.layout.few_open import FewOpen
from seriesview.layout.layouts import ChunkedLayout, ContiguousLayout, RecordsLayout
from seriesview.layout.pieces import Pieces
from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.computed import ComputedSamples
from seriesview.series.derivation import ComputedValues
from seriesview.series.links import ContiguousLink, FilesLink, OneLink, RecordsLink, reading_behind
from seriesview.series.manifest import ArrayInfo, SeriesManifest
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

    def __init__(
        self, store: Store, link: OneLink, dtype: str, shape: tuple[int, int], cache: PartCache
    ) -> None:
        self._store = store
        self._link = link
        self._dtype = np.dtype(dtype)
        self._shape = shape
        self._cache = cache
        self._file: SampleFile | None = None
        self._path = Path()
        self._stamp = (0, 0)
        self._lock = threading.Lock()

    def read(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Samples [first, last) of the chosen channels (n, C)."""
        chosen = _chosen(channels, self._shape[1])
        out = _block(last - first, len(chosen), self._dtype, self._cache)
        self.read_into(first, out, chosen)
        return out

    def read_into(self, first: int, out: npt.NDArray[Any], channels: Sequence[int]) -> None:
        """Fill `out` (n, chosen channels) with samples from `first` on."""
        file = self._opened()
        last = first + len(out)
        self._cache.will_read(
            *reading_behind(self._link, first, last, self._shape[1], len(channels), self._dtype.itemsize)
        )
        file.read_into(first, out, None if channels == range(self._shape[1]) else channels)

    def read_each(self, firsts: Sequence[int], count: int, channels: Selection) -> npt.NDArray[Any]:
        """`count` samples of the chosen channels from each of `firsts` on (blocks, count, C)."""
        chosen = _chosen(channels, self._shape[1])
        file = self._opened()
        behind = (self._shape[1], len(chosen), self._dtype.itemsize)
        for first in firsts:
            self._cache.will_read(*reading_behind(self._link, first, first + count, *behind))
        out = np.empty((len(firsts), count, len(chosen)), self._dtype)
        file.read_each_into(firsts, out, None if chosen == range(self._shape[1]) else chosen)
        return out

    def close(self) -> None:
        """Let go of the linked file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _opened(self) -> SampleFile:
        if self._file is None or self._stamp != _stamp(self._path):
            self._open()
        assert self._file is not None
        return self._file

    def _open(self) -> None:
        """Open the linked file again, which raises MissingArtifactError where it is not the same any more."""
        # Only linked series need what reads chunks.
        from seriesview.layout.sample_file import SampleFile

        with self._lock:
            layout = link_layout(self._store, self._link, self._dtype, self._shape, self._cache)
            self._path, self._stamp = layout.path, _stamp(layout.path)
            if self._file is None:
                opened = SampleFile(layout, reads_ahead=False)
                try:
                    self._store.check_opened(self._link.uri, opened.descriptor)
                except BaseException:
                    opened.close()
                    raise
                self._file = opened


def read_each(
    source: SampleSource, firsts: Sequence[int], count: int, channels: Selection
) -> npt.NDArray[Any]:
    """`count` samples of the chosen channels from each of `firsts` on (blocks, count, C), at least one block."""
    if isinstance(source, LinkedSamples):
        return source.read_each(firsts, count, channels)
    return np.stack([source.read(first, first + count, channels) for first in firsts])


_MOST_OPEN_FILES = 2
"""Of one series: a backend keeps many of them."""


class LinkedFiles:
    """Samples in several files, each checked as the one of `LinkedSamples` is; few of them are open."""

    def __init__(
        self, store: Store, link: FilesLink, dtype: str, num_channels: int, cache: PartCache
    ) -> None:
        def open_piece(number: int) -> LinkedSamples:
            piece = link.files[number]
            return LinkedSamples(store, piece.link, dtype, (piece.num_samples, num_channels), cache)

        self._dtype = np.dtype(dtype)
        self._num_channels = num_channels
        self._cache = cache
        self._pieces = Pieces([piece.num_samples for piece in link.files])
        self._opened = FewOpen(open_piece, _MOST_OPEN_FILES)

    def read(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Samples [first, last) of the chosen channels (n, C)."""
        chosen = _chosen(channels, self._num_channels)
        out = _block(last - first, len(chosen), self._dtype, self._cache)
        for number, begin, count, done in self._pieces.parts(first, last - first):
            with self._opened.opened(number) as piece:
                piece.read_into(begin, out[done : done + count], chosen)
        return out

    def close(self) -> None:
        """Let go of the files."""
        self._opened.close()


def _chosen(channels: Selection, num_channels: int) -> Sequence[int]:
    """The numbers of the channels that are chosen."""
    return range(num_channels)[channels] if isinstance(channels, slice) else [int(each) for each in channels]


def _block(num_samples: int, num_channels: int, dtype: np.dtype[Any], cache: PartCache) -> npt.NDArray[Any]:
    cache.will_read(num_samples * num_channels * dtype.itemsize, at_once=True)
    return np.empty((num_samples, num_channels), dtype)


def link_layout(
    store: Store, link: OneLink, dtype: np.dtype[Any], shape: tuple[int, int], cache: PartCache | None = None
) -> ContiguousLayout | RecordsLayout | ChunkedLayout:
    """Where the linked samples (n, C) lie; raises MissingArtifactError where the file moved or changed."""
    try:
        path = store.path(link.uri)
    except MissingArtifactError as error:
        if error.code == "artifact-missing":
            raise error.advised(f"{FINDING} finds raw files") from error
        raise
    dtype = dtype.newbyteorder("<" if link.byte_order == "little" else ">")
    if isinstance(link, ContiguousLink):
        return ContiguousLayout(path, dtype, *shape, link.offset, link.row_stride, link.channel_stride)
    if isinstance(link, RecordsLink):
        stride, samples, offsets = link.records.stride, link.records.samples, link.records.channel_offsets
        return RecordsLayout(path, dtype, shape[0], link.offset, stride, samples, offsets)
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
    if isinstance(manifest.values, FilesLink):
        return LinkedFiles(store, manifest.values, manifest.dtype, manifest.num_channels, cache)
    if isinstance(manifest.values, ComputedValues):
        return None if manifest.source is None else ComputedSamples(store, manifest, cache, open_samples)
    if manifest.values is not None:
        shape = (manifest.num_samples, manifest.num_channels)
        return LinkedSamples(store, manifest.values, manifest.dtype, shape, cache)
    if manifest.segments and all(segment.values_uri for segment in manifest.segments):
        return SegmentFiles(store, manifest, cache)
    return None


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (-1, 0)
    return status.st_size, status.st_mtime_ns
