"""Copying what a plan says, artifact by artifact, to wherever it is shared; manifests last."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from seriesview.series.array_info import PAGE_PARTS, ArrayInfo, num_parts
from seriesview.series.arrays import LEFT_OUT_DIGEST, ArrayReader, PartCache
from seriesview.series.samples import open_samples
from seriesview.share.choice import Choice, json_bytes
from seriesview.share.dates import is_of_times, moved_times
from seriesview.share.plan import Plan, shared_workspace
from seriesview.store import Store, parse_uri, sha1_uri

_THREADS = 4
_AT_ONCE = 2
"""Artifacts under way for each thread."""
_MOST_BYTES = 128 * 1024 * 1024
"""Of the artifacts under way, which may be in memory."""


class Target(Protocol):
    """Where artifacts go: a folder, or one file."""

    def has_artifact(self, sha1: str, size: int) -> bool:
        """Whether an artifact is there with this size; it is wanted there."""
        ...

    def put_artifact(self, sha1: str, blocks: Iterable[memoryview | bytes]) -> None:
        """Write an artifact of this hash, whose blocks can be read again. Called by several threads."""
        ...


def write_artifacts(
    plan: Plan,
    store: Store,
    target: Target,
    on_bytes: Callable[[int], None],
    threads: int = _THREADS,
    on_failure: Callable[[], None] = lambda: None,
) -> str:
    """Write everything that a plan's workspace reaches, its manifest last; the URI of that manifest.

    `on_bytes` hears how many bytes were dealt with, those that were there already included. `on_failure` is called
    when something failed or was interrupted, while other artifacts are still under way.
    """
    with _Copying(store, target, on_bytes, threads, on_failure) as copying:
        uris = {choice.name: copying.series(choice) for choice in plan.choices}
        copying.wait()
        document = shared_workspace(plan.workspace, uris).to_json_dict()
        uri = copying.document(document, "workspace.json")
        copying.wait()
        return uri


class _Blocks:
    """Blocks that are read anew each time they are gone through."""

    def __init__(self, read: Callable[[], Iterable[memoryview | bytes]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[memoryview | bytes]:
        return iter(self._read())


class _Copying:
    """Copies artifacts in a few threads, so that waiting for the disk, or the network, overlaps."""

    def __init__(
        self,
        store: Store,
        target: Target,
        on_bytes: Callable[[int], None],
        threads: int,
        on_failure: Callable[[], None],
    ) -> None:
        self._store = store
        self._target = target
        self._on_bytes = on_bytes
        self._on_failure = on_failure
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="seriesview-share")
        self._under_way: deque[tuple[Future[None], int]] = deque()
        self._bytes_under_way = 0
        self._most = _AT_ONCE * threads
        self._seen: set[str] = set()

    def series(self, choice: Choice) -> str:
        """Copy all that goes along of a series, its manifest last; the manifest's URI."""
        seconds = 0 if choice.clock is None else choice.clock.seconds
        arrays: dict[str, ArrayInfo] = {}
        files: dict[str, str] = {}
        for name, array in choice.kept_arrays():
            if seconds and is_of_times(name):
                arrays[name] = self._moved_array(choice.name, array, seconds)
            else:
                self._array(array)
        for name, uri, size in choice.kept_files():
            if seconds and name.startswith("timestamps"):
                files[uri] = self._moved_file(choice, uri, seconds)
            else:
                self._file(parse_uri(uri)[0], size)
        values = self._samples(choice) if choice.rows else None
        self.wait()
        if choice.is_unchanged:
            sha1 = parse_uri(choice.uri)[0]
            self._file(sha1, self._store.size(choice.uri))
            self.wait()
            return sha1_uri(sha1, parse_uri(choice.uri)[1])
        return self.document(choice.new_document(values, arrays, files), parse_uri(choice.uri)[1])

    def document(self, document: Mapping[str, Any], name: str) -> str:
        """Write a manifest, return its URI."""
        data = json_bytes(document)
        return sha1_uri(self._put(data), name)

    def wait(self, allowed: int = 0, allowed_bytes: int = 0) -> None:
        """Return when at most so many artifacts, of so many bytes, are under way; raises what failed."""
        while self._under_way and (len(self._under_way) > allowed or self._bytes_under_way > allowed_bytes):
            future, size = self._under_way.popleft()
            future.result()
            self._bytes_under_way -= size
            self._on_bytes(size)

    def _array(self, array: ArrayInfo) -> None:
        """Copy an array's pages and those of its parts that are there."""
        reader = ArrayReader(self._store, array, PartCache())
        for page in array.pages:
            self._file(parse_uri(page)[0], None)
        for part in range(reader.num_parts):
            if array.has_part(part):
                self._file(reader.digest(part).hex(), reader.part_shape(part)[0] * array.row_bytes)

    def _samples(self, choice: Choice) -> ArrayInfo:
        """Write the parts of raw samples that go along, and pages; the array as it is in the copy."""
        manifest = choice.manifest
        shape = (manifest.num_samples, manifest.num_channels)
        digests = [LEFT_OUT_DIGEST] * num_parts(shape[0], choice.part_rows)
        parts = [
            part
            for first, last in choice.rows
            for part in range(first // choice.part_rows, num_parts(last, choice.part_rows))
        ]
        if isinstance(manifest.values, ArrayInfo):
            reader = ArrayReader(self._store, manifest.values, PartCache())
            for part in parts:
                digests[part] = reader.digest(part)
                self._file(digests[part].hex(), reader.part_shape(part)[0] * choice.row_bytes)
        else:
            for part, rows in self._read_samples(choice, parts):
                digests[part] = bytes.fromhex(self._put(rows.data.cast("B")))
        return ArrayInfo(manifest.dtype, shape, choice.part_rows, self._pages(digests), choice.left_out_rows)

    def _moved_array(self, series: str, array: ArrayInfo, seconds: int) -> ArrayInfo:
        """Write an array of times with `seconds` added; the array as it is in the copy."""
        reader = ArrayReader(self._store, array, PartCache(0))
        digests = []
        for part in range(reader.num_parts):
            rows = moved_times(reader.part(part), seconds, series)
            digests.append(bytes.fromhex(self._put(rows.data.cast("B"))))
        return replace(array, pages=self._pages(digests))

    def _moved_file(self, choice: Choice, uri: str, seconds: int) -> str:
        """Write a segment's timestamps with `seconds` added; the URI of the copy."""
        segment = next(each for each in choice.manifest.segments if each.timestamps_uri == uri)
        rows = np.frombuffer(self._store.get_bytes(uri), np.dtype(segment.timestamps_dtype).newbyteorder("<"))
        return sha1_uri(self._put(moved_times(rows, seconds, choice.name).tobytes()), parse_uri(uri)[1])

    def _pages(self, digests: list[bytes]) -> tuple[str, ...]:
        pages = [b"".join(digests[i : i + PAGE_PARTS]) for i in range(0, len(digests), PAGE_PARTS)]
        return tuple(sha1_uri(self._put(page), "page.dat") for page in pages)

    def _read_samples(self, choice: Choice, parts: Iterable[int]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """(part, its samples) out of the linked file, little-endian and in one piece."""
        manifest = choice.manifest
        source = open_samples(self._store, manifest, PartCache())
        assert source is not None
        try:
            for part in parts:
                first = part * choice.part_rows
                last = min(first + choice.part_rows, manifest.num_samples)
                rows = source.read(first, last, slice(0, manifest.num_channels))
                yield part, np.ascontiguousarray(rows, np.dtype(manifest.dtype).newbyteorder("<"))
        finally:
            source.close()

    def _put(self, data: bytes | memoryview) -> str:
        """Write bytes that are at hand; their SHA-1."""
        sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        if not self._is_known(sha1, len(data)):
            self._submit(sha1, len(data), lambda: [data])
        return sha1

    def _file(self, sha1: str, size: int | None) -> None:
        """Copy an artifact of the store."""
        uri = sha1_uri(sha1, "file.dat")
        size = self._store.size(uri) if size is None else size
        if not self._is_known(sha1, size):
            self._submit(sha1, size, lambda: self._store.blocks(uri))

    def _is_known(self, sha1: str, size: int) -> bool:
        if sha1 in self._seen:
            self._on_bytes(size)
            return True
        self._seen.add(sha1)
        if self._target.has_artifact(sha1, size):
            self._on_bytes(size)
            return True
        return False

    def _submit(self, sha1: str, size: int, read: Callable[[], Iterable[memoryview | bytes]]) -> None:
        self.wait(self._most, _MOST_BYTES)
        blocks = _Blocks(read)
        self._under_way.append((self._pool.submit(lambda: self._target.put_artifact(sha1, blocks)), size))
        self._bytes_under_way += size

    def __enter__(self) -> _Copying:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is not None:
            self._on_failure()
        self._pool.shutdown(wait=True, cancel_futures=True)
