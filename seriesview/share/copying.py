"""Copying what a plan says, artifact by artifact, to wherever it is shared; manifests last."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from seriesview.series.array_info import ArrayInfo
from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.packing import LEFT_OUT_DIGEST, pages_of
from seriesview.series.samples import SampleSource, open_samples
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
        copied: dict[str, str] = {}
        for choice in plan.choices:
            copying.with_sources(choice, copied)
        uris = {choice.name: copied[choice.name] for choice in plan.choices}
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

    def with_sources(self, choice: Choice, copied: dict[str, str]) -> str:
        """Copy a series, what it is derived from first, unless it is among those `copied`; its manifest's URI."""
        if choice.name not in copied:
            source = choice.source_choice
            uri = None if source is None else self.with_sources(source, copied)
            copied[choice.name] = self.series(choice, uri)
        return copied[choice.name]

    def series(self, choice: Choice, source: str | None) -> str:
        """Copy all that goes along of a series, its manifest last, whose source has that URI; the manifest's URI."""
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
        return self.document(choice.new_document(values, arrays, files, source), parse_uri(choice.uri)[1])

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
        """Copy an array's pages and those of its packs that are there."""
        reader = ArrayReader(self._store, array, PartCache())
        for page in array.pages:
            self._file(parse_uri(page)[0], None)
        for pack in range(array.num_packs):
            self._pack(reader, pack)

    def _samples(self, choice: Choice) -> ArrayInfo:
        """Write the packs of raw samples that go along, and pages; the array as it is in the copy."""
        chosen = choice.samples
        values = choice.manifest.values
        reader = ArrayReader(self._store, values, PartCache()) if isinstance(values, ArrayInfo) else None
        source = open_samples(self._store, choice.manifest, PartCache())
        assert source is not None
        entries = []
        try:
            for pack in range(chosen.num_packs):
                parts = chosen.parts_of_pack(pack)
                if reader and all(chosen.has_part(part) == reader.info.has_part(part) for part in parts):
                    entries.append(self._pack(reader, pack))
                    continue
                # What is left of a pack is another pack.
                rows = [_read(source, chosen, part) if chosen.has_part(part) else None for part in parts]
                entries.append(self._new_pack(rows))
        finally:
            source.close()
        return replace(chosen, pages=self._pages(entries))

    def _moved_array(self, series: str, array: ArrayInfo, seconds: int) -> ArrayInfo:
        """Write an array of times with `seconds` added; the array as it is in the copy."""
        reader = ArrayReader(self._store, array, PartCache(0))
        entries = [
            self._new_pack(
                [moved_times(reader.part(part), seconds, series) for part in array.parts_of_pack(pack)]
            )
            for pack in range(array.num_packs)
        ]
        return replace(array, pages=self._pages(entries))

    def _moved_file(self, choice: Choice, uri: str, seconds: int) -> str:
        """Write a segment's timestamps with `seconds` added; the URI of the copy."""
        segment = next(each for each in choice.manifest.segments if each.timestamps_uri == uri)
        rows = np.frombuffer(self._store.get_bytes(uri), np.dtype(segment.timestamps_dtype).newbyteorder("<"))
        return sha1_uri(self._put(moved_times(rows, seconds, choice.name).tobytes()), parse_uri(uri)[1])

    def _pack(self, reader: ArrayReader, pack: int) -> bytes:
        """Copy a pack as it is, unless all of it was left out; its entry in a page."""
        if size := reader.info.pack_bytes(pack):
            self._file(reader.pack_digest(pack).hex(), size)
        return reader.entry(pack)

    def _new_pack(self, parts: Sequence[npt.NDArray[Any] | None]) -> bytes:
        """Write a pack of these parts, None for one that is left out; its entry in a page."""
        there = [rows.tobytes() for rows in parts if rows is not None]
        digests = iter([hashlib.sha1(data, usedforsecurity=False).digest() for data in there])
        pack = bytes.fromhex(self._put(b"".join(there))) if there else LEFT_OUT_DIGEST
        return pack + b"".join(LEFT_OUT_DIGEST if rows is None else next(digests) for rows in parts)

    def _pages(self, entries: Sequence[bytes]) -> tuple[str, ...]:
        return tuple(sha1_uri(self._put(page), "page.dat") for page in pages_of(entries))

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


def _read(source: SampleSource, samples: ArrayInfo, part: int) -> npt.NDArray[Any]:
    """A part of raw samples out of a linked file, little-endian and in one piece."""
    first = part * samples.part_rows
    rows = source.read(first, min(first + samples.part_rows, samples.shape[0]), slice(0, samples.shape[1]))
    return np.ascontiguousarray(rows, np.dtype(samples.dtype).newbyteorder("<"))
