"""Opening series for tasks: the manifest may be anybody's, so what reading it would take is looked at first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from seriesview.errors import FormatError, TaskError
from seriesview.series.arrays import PartCache
from seriesview.series.derivation import ComputedValues
from seriesview.series.links import ChunkedLink, ContiguousLink, FilesLink, PlainLink, extent
from seriesview.series.manifest import (
    ArrayInfo,
    SeriesManifest,
    read_series_manifest,
)
from seriesview.series.named_arrays import arrays_of
from seriesview.series.series import Series
from seriesview.tasks.limits import TaskLimits

if TYPE_CHECKING:
    from seriesview.store import Store

_BYTES_PER_MANIFEST_BYTE = 10
_SERIES_BYTES = 64 * 1024
_CHUNK_CACHE_BYTES = 32 * 2**20
_MAX_INTEGER = 2**53
_MOST_SOURCES = 8


def load_document(store: Store, uri: str, limits: TaskLimits) -> Any:
    """The JSON of a manifest, checked by its SHA-1; TaskError where it is too large for one."""
    _size(store, uri, limits)
    return store.get_json(uri)


def _size(store: Store, uri: str, limits: TaskLimits) -> int:
    size = store.size(uri)
    if size > limits.max_manifest_bytes:
        raise TaskError(
            f"{uri} has {size} bytes, more than the {limits.max_manifest_bytes} of the largest manifest",
            code="too-large",
        )
    return size


def open_checked(store: Store, uri: str, limits: TaskLimits, cache: PartCache) -> tuple[Series, int]:
    """A series that can be read within the limits, and its bytes in memory; raises FormatError, TaskError."""
    size = _size(store, uri, limits)
    manifest = store.get_parsed(uri, read_series_manifest)
    check_manifest(manifest, limits)
    _check_sources(store, manifest, limits)
    return Series(manifest, store, uri, cache), _num_bytes(manifest, size)


def _check_sources(store: Store, manifest: SeriesManifest, limits: TaskLimits) -> None:
    """Check what samples are computed from, as far as it is there. Raises FormatError, TaskError."""
    for _ in range(_MOST_SOURCES):
        if not isinstance(manifest.values, ComputedValues) or manifest.source is None:
            return
        uri = manifest.source.uri
        if not store.exists(uri):
            return
        _size(store, uri, limits)
        manifest = store.get_parsed(uri, read_series_manifest)
        check_manifest(manifest, limits)
    raise FormatError(f"series manifest: computed from more than {_MOST_SOURCES} others, one after the other")


def check_manifest(manifest: SeriesManifest, limits: TaskLimits) -> None:
    """Raise FormatError for a series that takes more memory or time to read than a real one does."""
    for problem in _problems(manifest, limits):
        raise FormatError(f"series manifest: {problem}; a backend does not read such a series")


def _problems(manifest: SeriesManifest, limits: TaskLimits) -> Iterator[str]:
    lists = {
        "segments": (len(manifest.segments), limits.max_segments),
        "channels": (manifest.num_channels, limits.max_channels),
        "levels": (len(manifest.levels), limits.max_levels),
        "moments": (len(manifest.moments), limits.max_levels),
        "counts": (len(manifest.counts), limits.max_levels),
    }
    for name, (count, most) in lists.items():
        if count > most:
            yield f"{count} {name}, at most {most}"
    if manifest.num_samples > _MAX_INTEGER:
        yield f"more than {_MAX_INTEGER} samples"
    for name, array in arrays_of(manifest):
        yield from _array_problems(name, array, limits)
    yield from _link_problems(manifest, limits)
    for number, segment in enumerate(manifest.segments):
        if segment.values_dtype is not None and segment.timestamps_dtype is not None:
            sample_bytes = manifest.num_channels * np.dtype(segment.values_dtype).itemsize
            # What has levels is read by range, but for its times.
            read_bytes = 0 if manifest.levels else sample_bytes
            num_bytes = segment.num_samples * max(read_bytes, np.dtype(segment.timestamps_dtype).itemsize)
            if num_bytes > limits.max_file_bytes:
                yield f"a file of segment {number} of {num_bytes} bytes, at most {limits.max_file_bytes}"


def _array_problems(name: str, array: ArrayInfo, limits: TaskLimits) -> Iterator[str]:
    part_bytes = min(array.part_rows, array.shape[0]) * array.row_bytes
    if part_bytes > limits.max_part_bytes:
        yield f"{name} in parts of {part_bytes} bytes, at most {limits.max_part_bytes}"
    if len(array.pages) > limits.max_pages:
        yield f"{name} of {len(array.pages)} pages, at most {limits.max_pages}"


def _link_problems(manifest: SeriesManifest, limits: TaskLimits) -> Iterator[str]:
    values = manifest.values
    if isinstance(values, ChunkedLink):
        yield from _chunks_problems(values, manifest, limits)
    elif isinstance(values, FilesLink):
        if len(values.files) > limits.max_files:
            yield f"samples in {len(values.files)} linked files, at most {limits.max_files}"
        for piece in values.files:
            yield from _plain_problems(piece.link, piece.num_samples, manifest, limits)
    elif values is not None and not isinstance(values, ArrayInfo | ComputedValues):
        yield from _plain_problems(values, manifest.num_samples, manifest, limits)


def _plain_problems(
    link: PlainLink, num_samples: int, manifest: SeriesManifest, limits: TaskLimits
) -> Iterator[str]:
    if extent(link, num_samples, manifest.num_channels, np.dtype(manifest.dtype).itemsize) > _MAX_INTEGER:
        yield "a linked file with samples at impossible bytes"
    if isinstance(link, ContiguousLink) and link.row_stride > limits.max_part_bytes:
        yield f"linked samples {link.row_stride} bytes apart, at most {limits.max_part_bytes}"


def _chunks_problems(link: ChunkedLink, manifest: SeriesManifest, limits: TaskLimits) -> Iterator[str]:
    if link.chunks.num_bytes > limits.max_chunk_table_bytes:
        yield f"{link.chunks.shape[0]} chunks in a linked file"
    chunk_bytes = math.prod(link.chunk_shape) * np.dtype(manifest.dtype).itemsize
    if chunk_bytes > limits.max_chunk_bytes:
        yield f"linked samples in chunks of {chunk_bytes} bytes, at most {limits.max_chunk_bytes}"


def _num_bytes(manifest: SeriesManifest, document_bytes: int) -> int:
    """About what an opened series takes, its parts not counted."""
    chunks = (
        manifest.values.chunks.num_bytes + _CHUNK_CACHE_BYTES
        if isinstance(manifest.values, ChunkedLink)
        else 0
    )
    return _SERIES_BYTES + _BYTES_PER_MANIFEST_BYTE * document_bytes + chunks
