"""A store in a bucket, written and read through a local cache, for those whose machines share no file system."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from seriesview.cloud.bucket_address import BucketAddress
from seriesview.errors import (
    IntegrityError,
    MissingArtifactError,
    StoreError,
    artifact_damaged,
    artifact_missing,
)
from seriesview.store.bucket_objects import BucketObjects
from seriesview.store.cache import note_bucket
from seriesview.store.chunks import sha1_digest
from seriesview.store.paths import artifact_path, record_directory
from seriesview.store.processes import is_running, writer_of
from seriesview.store.record import RecordedArtifact, RecordedWorkspace
from seriesview.store.room import Room
from seriesview.store.staging import StagedFile
from seriesview.store.store import Store
from seriesview.store.stored import stored_file
from seriesview.store.trimming import CACHE_BYTES, Trimming
from seriesview.store.uploads import Uploads
from seriesview.store.uris import parse_uri, sha1_uri
from seriesview.store.writer import AtomicWriter

_MOST_RECORD_BYTES = 1 << 28
_TRIES = 3


class BucketWriter(AtomicWriter):
    """Writes into a cache, and from there into the bucket; what the bucket has is written nowhere."""

    def __init__(self, directory: Path, objects: BucketObjects, trimming: Trimming) -> None:
        super().__init__(directory)
        self.uploads = Uploads(objects)
        self._objects = objects
        self._trimming = trimming

    def holds(self, sha1: str, size: int) -> bool:
        """Whether the bucket has it with this size, or the cache, out of which it is sent then."""
        if self.uploads.is_under_way(sha1) or self._objects.artifact_size(sha1) == size:
            return True
        # A killed build may have left it there, and what makes room may take it away.
        path = artifact_path(self.directory, sha1)
        if super().holds(sha1, size):
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                self.uploads.add(sha1, path, descriptor, size)
                return True
        return False

    def give_name(self, staged: StagedFile, target: Path) -> None:
        """See `AtomicWriter`; the file is sent from then on."""
        descriptor = os.dup(staged.descriptor)
        try:
            self.keep(staged, target)
        except BaseException:
            os.close(descriptor)
            raise
        self.uploads.add(target.name, target, descriptor, os.fstat(descriptor).st_size)

    def keep(self, staged: StagedFile, target: Path) -> None:
        """Give a staged file its name in the cache alone."""
        size = os.fstat(staged.descriptor).st_size
        super().give_name(staged, target)
        self._trimming.added(size)

    def flush(self) -> None:
        """See `AtomicWriter`; all of it is in the bucket then. Raises BucketError."""
        super().flush()
        self.uploads.wait()


class BucketStore(Store):
    """See `Store`; what is on disk there when a call returns is in the bucket here. All calls may raise BucketError.

    Names in the bucket are those of a storage directory, which are also those of what is published. Beside the
    artifacts each process that writes has one object of its own, its record.
    """

    takes_links = False

    def __init__(
        self, address: BucketAddress, directory: Path, cache_bytes: int = CACHE_BYTES, trusts: bool = False
    ) -> None:
        """Use `directory` as the cache. With `trusts` what is fetched is not checked: whoever asks will do so."""
        self.address = address
        self.objects = BucketObjects(address)
        self._trusts = trusts
        self._writing = BucketWriter(directory, self.objects, Trimming(directory, cache_bytes))
        self._recorded_bytes: dict[str, int] = {}
        description = f"{address}, through the cache {directory}"
        super().__init__(directory, "embedded", description, writer=self._writing)

    @property
    def place(self) -> str:
        """See `Store`."""
        return str(self.address)

    def place_of(self, uri: str) -> str:
        """See `StoredArtifacts`."""
        return self.objects.artifact_place(parse_uri(uri)[0])

    def exists(self, uri: str) -> bool:
        """See `StoredArtifacts`; what only the cache has is not there."""
        return self.stored_size(parse_uri(uri)[0]) is not None

    def size(self, uri: str) -> int:
        """See `StoredArtifacts`."""
        sha1 = parse_uri(uri)[0]
        size = self.stored_size(sha1)
        if size is None:
            # Others may have stored it since.
            size = self.objects.look_again(sha1)
        if size is None:
            raise artifact_missing(sha1, self.address)
        return size

    def stored_size(self, sha1: str) -> int | None:
        """See `StoredArtifacts`."""
        return self.objects.artifact_size(sha1)

    def get_chunk(self, digest: bytes, artifact: bytes, start: int, end: int, verify: bool = True) -> bytes:
        """See `StoredArtifacts`; what the cache does not have comes alone, and is kept there by its own SHA-1."""
        sha1, part = artifact.hex(), digest.hex()
        if stored_file(self.directory, sha1) is not None:
            try:
                return super().get_chunk(digest, artifact, start, end, verify)
            except IntegrityError:
                self._forget(sha1)
        if stored_file(self.directory, part) is not None:
            try:
                return self.get_part(digest, verify, end - start)
            except (IntegrityError, MissingArtifactError):
                # Damaged, or gone to make room; as an object of its own it need not be there.
                self._forget(part)
        size = self.size(sha1_uri(sha1, "pack.dat"))
        if not 0 <= start <= end <= size:
            raise IntegrityError(
                f"{self.objects.artifact_place(sha1)} has {size} bytes, but bytes {start} to {end} were asked for",
                sha1=sha1,
            )
        data = self.objects.artifact_range(sha1, start, end)
        if not verify:
            return data
        if sha1_digest(memoryview(data)) != digest:
            raise self._damaged(sha1, f"has at bytes {start} to {end} others than those of SHA-1 {part}")
        with self._writing.stage() as staged:
            staged.write(memoryview(data))
            self._writing.keep(staged, artifact_path(self.directory, part))
        return data

    def link_file(self, *_: Any, **__: Any) -> NoReturn:
        """Raises StoreError: what a link leads to is on one machine."""
        raise StoreError(
            f"{self.address}: a store in a bucket keeps no links to files of a machine",
            advice="use full_resolution: store or omit",
        )

    def room(self) -> Room:
        """See `Store`: a bucket has no end, and the cache is kept within bounds."""
        return Room(num_bytes=None)

    def removable_directory(self) -> NoReturn:
        """Raises StoreError: a build on another machine could not be seen."""
        raise StoreError(
            f"{self.address}: nothing is removed from a bucket, where a build on another machine could not be seen",
            advice=f"remove its prefix with the service's own tools; {self.directory}/sha1, its cache, may go",
        )

    def check_writable(self) -> None:
        """See `Store`; raises BucketError also where the bucket is not there."""
        note_bucket(self.directory, self.address)
        super().check_writable()
        self._send_left_records()

    def recorded_artifacts(self) -> Iterator[RecordedArtifact]:
        """See `Store`."""
        self._fetch_records()
        return super().recorded_artifacts()

    def recorded_workspaces(self, forgotten: bool = False) -> list[RecordedWorkspace]:
        """See `Store`."""
        self._fetch_records()
        return super().recorded_workspaces(forgotten)

    def flush(self) -> None:
        """See `Store`; the record is in the bucket too."""
        super().flush()
        name = self._record.name if self._record else None
        if name is not None:
            self._send_record(record_directory(self.directory) / name)

    @contextmanager
    def as_stored(self) -> Iterator[Store]:
        """See `Store`: nothing comes from the cache, nor is checked on its way."""
        with tempfile.TemporaryDirectory(prefix="seriesview-") as directory:
            yield BucketStore(self.address, Path(directory), cache_bytes=1 << 28, trusts=True)

    def __reduce__(self) -> tuple[Any, ...]:
        return BucketStore, (self.address, self.directory)

    def _get(self, sha1: str, verify: bool, size: int | None, most_bytes: int | None = None) -> bytes:
        try:
            return super()._get(sha1, verify, size, most_bytes)
        except IntegrityError:
            if stored_file(self.directory, sha1) is None:
                raise
            self._forget(sha1)
            return super()._get(sha1, verify, size, most_bytes)

    def _forget(self, sha1: str) -> None:
        """Let go of what the cache has in place of an artifact; it is fetched anew."""
        artifact_path(self.directory, sha1).unlink(missing_ok=True)

    def _open(self, sha1: str) -> tuple[int, Path, int | None]:
        for attempt in range(_TRIES):
            try:
                return super()._open(sha1)
            except MissingArtifactError as error:
                # It may go to make room before it is opened.
                if error.code != "artifact-missing" or attempt == _TRIES - 1:
                    raise
                self._fetch(sha1)
        raise AssertionError

    def _fetch(self, sha1: str) -> None:
        """Bring an artifact into the cache."""
        size = self.objects.look_again(sha1)
        if size is None:
            raise artifact_missing(sha1, self.address)
        hasher = hashlib.sha1(usedforsecurity=False)
        with self._writing.stage() as staged:
            for block in self.objects.artifact_blocks(sha1, size):
                hasher.update(block)
                staged.write(memoryview(block))
            if hasher.hexdigest() != sha1 and not self._trusts:
                raise self._damaged(sha1, f"does not have the bytes of SHA-1 {sha1}")
            self._writing.keep(staged, artifact_path(self.directory, sha1))

    def _damaged(self, sha1: str, what: str) -> IntegrityError:
        advice = "delete that object and build its series again"
        return artifact_damaged(self.objects.artifact_place(sha1), what, sha1, advice)

    def _send_left_records(self) -> None:
        """Send what processes that were killed recorded here."""
        there = self.objects.records()
        folder = record_directory(self.directory)
        for path in folder.glob("*.jsonl") if folder.is_dir() else ():
            if is_running(path.name) is False and there.get(path.name, -1) < path.stat().st_size:
                self._send_record(path)

    def _fetch_records(self) -> None:
        """Bring the records of all who write into this bucket into the cache."""
        folder = record_directory(self.directory)
        for name, size in self.objects.records().items():
            path = folder / name
            if not name.endswith(".jsonl") or "/" in name or not 0 < size <= _MOST_RECORD_BYTES:
                continue
            # Nobody else knows better what processes of this machine recorded.
            if path.exists() and (writer_of(name) is not None or path.stat().st_size >= size):
                continue
            self._writing.put_beside(self.objects.record(name, size), path)

    def _send_record(self, path: Path) -> None:
        content = path.read_bytes()
        if self._recorded_bytes.get(path.name) != len(content):
            self.objects.put_record(path.name, content)
            self._recorded_bytes[path.name] = len(content)
