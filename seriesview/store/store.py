"""The store: artifacts by hash, in a kachery storage directory."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

from seriesview.errors import (
    FormatError,
    IntegrityError,
    MissingArtifactError,
    StoreError,
    link_refused,
)
from seriesview.store.buffers import BytesLike, byte_view
from seriesview.store.chunks import ChunkHasher, sha1_digest
from seriesview.store.client import ClientWriter
from seriesview.store.faults import read_fault, write_fault
from seriesview.store.links import link_to, read_link
from seriesview.store.locking import building
from seriesview.store.packs import StagedPack
from seriesview.store.paths import artifact_path
from seriesview.store.reading import (
    read_blocks,
)
from seriesview.store.record import (
    Record,
    RecordedArtifact,
    RecordedWorkspace,
    recorded_artifacts,
    recorded_workspaces,
)
from seriesview.store.room import Room, room_in
from seriesview.store.scratch import Scratch
from seriesview.store.staging import StagedFile
from seriesview.store.stored import StoredArtifacts
from seriesview.store.uris import artifact_name, parse_uri, sha1_uri
from seriesview.store.writer import AtomicWriter


class Store(StoredArtifacts):
    """Puts and gets artifacts; safe in threads, and for any number of processes on one directory.

    `put_bytes`, `put_json`, `put_file` and the links are on disk when they return, together with every part
    put before them by this store; parts alone are so after `flush`.
    """

    takes_links = True
    """Whether recordings can be linked instead of copied."""

    def __init__(
        self,
        directory: Path,
        mode: Literal["embedded", "daemon"],
        description: str,
        client: ClientWriter | None = None,
        writer: AtomicWriter | None = None,
    ) -> None:
        """Use `directory`, writing through `client` or by `writer` where one is given; `open_store` chooses."""
        super().__init__(directory)
        self.mode = mode
        self.description = description
        self._writer = writer or AtomicWriter(directory)
        self._client = client
        self._record = None if client else Record(self._writer)

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return str(self.directory)

    def put_bytes(self, data: BytesLike, name: str = "file.dat") -> str:
        """Store the bytes of a contiguous buffer and return their URI; raises StoreError, FormatError."""
        return self._put(byte_view(data), name, "file")

    def put_json(self, value: Any, name: str = "file.json") -> str:
        """Store compact JSON with sorted keys and return its URI; raises FormatError for NaN and infinity."""
        try:
            text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise FormatError(f"{name} cannot be written as JSON: {error}") from error
        return self._put(memoryview(text.encode("ascii")), name, "json")

    def put_file(self, path: Path | str, name: str | None = None) -> str:
        """Copy a file into the store and return its URI; StoreError also where it changes meanwhile."""
        path = Path(path)
        name = artifact_name(path) if name is None else name
        hasher = ChunkHasher()
        if self._client:
            for block in read_blocks(path):
                hasher.add(block)
            sha1 = hasher.sha1()
            if not self._writer.holds(sha1, hasher.size):
                self._client.put_file(path, sha1, hasher.size)
        else:
            self._writer.flush()
            with self._writer.stage() as staged:
                for block in read_blocks(path):
                    hasher.add(block)
                    staged.write(block)
                sha1 = hasher.sha1()
                self._note(sha1, "file", hasher.size, name)
                if not self._writer.holds(sha1, hasher.size):
                    self._writer.publish(staged, artifact_path(self.directory, sha1))
            self._writer.flush()
        return sha1_uri(sha1, name, self._put_chunk_manifest(hasher))

    def put_part(self, data: BytesLike, record: bool = True) -> bytes:
        """Store a part (any C-contiguous buffer, not copied), return its 20-byte SHA-1; raises StoreError."""
        view = byte_view(data)
        digest = sha1_digest(view)
        sha1 = digest.hex()
        if record:
            self._note(sha1, "part", len(view))
        (self._client or self._writer).put(view, sha1)
        return digest

    def stage_pack(self) -> StagedPack:
        """Begin a pack, to be written part by part; raises StoreError."""
        try:
            staged = self._client.stage() if self._client else self._writer.open_staged()
        except OSError as error:
            raise write_fault(self.directory, error) from error
        return StagedPack(self.directory, staged, self._keep_pack)

    def _keep_pack(self, staged: StagedFile, sha1: str, size: int) -> None:
        if self._client:
            if not self._writer.holds(sha1, size):
                self._client.put_file(staged.path, sha1, size)
            return
        os.fsync(staged.descriptor)
        self._note(sha1, "pack", size)
        if not self._writer.holds(sha1, size):
            self._writer.give_name(staged, artifact_path(self.directory, sha1))

    def link_file(self, path: Path | str, sha1: str, size: int, mtime: float, name: str | None = None) -> str:
        """Link a file whose hash, size and modification time the caller knows, and return its URI.

        Nothing is linked where the bytes are stored already. StoreError also where the file changed since.
        """
        path = Path(path)
        name = artifact_name(path) if name is None else name
        uri = sha1_uri(sha1, name)
        link = link_to(path, size, mtime)
        try:
            link.check()
        except MissingArtifactError as error:
            raise link_refused(error) from error
        if self._writer.holds(sha1, size):
            self._note(sha1, "file", size, name)
            return uri
        stored = artifact_path(self.directory, sha1)
        if os.path.lexists(stored):
            raise StoreError(
                f"{stored} is truncated, and kachery prefers it to a link; delete it and try again"
            )
        try:
            known = read_link(self.directory, sha1)
        except (IntegrityError, StoreError):
            known = None
        if known is not None and known == link and known.leads_to_it():
            self._note(sha1, "link", size, name, found=True)
            return uri
        if self._client:
            self._client.link_file(link.path, sha1)
        else:
            self._note(sha1, "link", size, name)
            self._writer.put_link(link.to_bytes(), sha1)
            self._writer.flush()
        return uri

    def hash_and_link(
        self, path: Path | str, progress: Callable[[int], None] | None = None, name: str | None = None
    ) -> str:
        """Hash a file, link it, return its URI; `progress` gets the bytes hashed so far. StoreError."""
        path = Path(path)
        hasher = hashlib.sha1(usedforsecurity=False)
        done = 0
        try:
            status = path.stat()
        except OSError as error:
            raise read_fault(path, error) from error
        for block in read_blocks(path):
            hasher.update(block)
            done += len(block)
            if progress:
                progress(done)
        return self.link_file(path, hasher.hexdigest(), status.st_size, status.st_mtime, name)

    def has_pack(self, digest: bytes, size: int) -> bool:
        """Return whether a pack is stored with this size, and record that it is used; raises StoreError."""
        self._note(digest.hex(), "pack", size)
        return self._writer.holds(digest.hex(), size)

    def room(self) -> Room:
        """Return how much can still be stored; raises StoreError."""
        return room_in(self.directory)

    def check_writable(self) -> None:
        """Make the storage directory if missing, and try a write; raises StoreError."""
        if not self._client:
            with self._writer.stage() as staged:
                staged.write(memoryview(b"\0"))

    @contextmanager
    def writing_first_on(self, scratch: str | None) -> Iterator[None]:
        """Let packs be written into a folder of this process's there, and come here whole; None: here at once.

        Not where they go through a daemon. Raises StoreError where there is no such place.
        """
        made = None if scratch is None or self._client else Scratch(scratch)
        self._writer.scratch = made
        try:
            yield
        finally:
            self._writer.scratch = None
            if made is not None:
                made.remove()

    def record_artifact(self, uri: str, kind: str, size: int) -> None:
        """Note that seriesview put an artifact here; puts and links do so themselves. StoreError, FormatError."""
        sha1, name, _ = parse_uri(uri)
        self._note(sha1, kind, size, name)

    def record_workspace(self, uri: str, label: str = "") -> None:
        """Note that seriesview put a workspace here, on disk on return; raises StoreError, FormatError."""
        parse_uri(uri)
        if self._record:
            self._record.add_workspace(uri, label)
            self.flush()

    def recorded_artifacts(self) -> Iterator[RecordedArtifact]:
        """Yield the artifacts that seriesview put here, repeats included; raises StoreError."""
        return recorded_artifacts(self.directory)

    def recorded_workspaces(self, forgotten: bool = False) -> list[RecordedWorkspace]:
        """Return the workspaces that seriesview put here and keeps, or those forgotten, oldest first; StoreError."""
        return recorded_workspaces(self.directory, forgotten)

    def forget_workspace(self, uri: str) -> None:
        """Note that a workspace need not be kept any more, on disk on return; raises StoreError, FormatError."""
        parse_uri(uri)
        if self._record:
            self._record.forget_workspace(uri)
            self.flush()

    def removable_directory(self) -> Path:
        """Return the directory that artifacts can be removed from; raises StoreError where there is none."""
        return self.directory

    @contextmanager
    def as_stored(self) -> Iterator["Store"]:
        """Give a store that reads what is stored, right or not, and none of what is kept of it elsewhere."""
        yield self

    @contextmanager
    def building(self) -> Iterator[None]:
        """Hold off the removal of artifacts."""
        with nullcontext() if self._client else building(self.directory):
            yield

    def flush(self) -> None:
        """Return when everything put so far would survive a power cut; raises StoreError."""
        if self._record:
            self._writer.flush()
            self._record.flush()

    def close(self) -> None:
        """Flush and close the record; the store can be used again."""
        self.flush()
        if self._record:
            self._record.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return Store, (self.directory, self.mode, self.description, self._client)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, view: memoryview, name: str, kind: str) -> str:
        hasher = ChunkHasher(len(view))
        hasher.add(view)
        sha1 = hasher.sha1()
        uri = sha1_uri(sha1, name)
        if self._client:
            self._client.put(view, sha1)
        else:
            self._writer.flush()
            self._note(sha1, kind, len(view), name)
            self._writer.put(view, sha1)
            self._writer.flush()
        manifest = self._put_chunk_manifest(hasher)
        return sha1_uri(sha1, name, manifest) if manifest else uri

    def _put_chunk_manifest(self, hasher: ChunkHasher) -> str | None:
        manifest = hasher.chunk_manifest()
        if manifest is None:
            return None
        return parse_uri(self._put(memoryview(manifest), "manifest.json", "manifest"))[0]

    def _note(self, sha1: str, kind: str, size: int, name: str = "", found: bool | None = None) -> None:
        if self._record:
            if found is None:
                found = kind != "link" and self._writer.holds(sha1, size)
            self._record.add_artifact(RecordedArtifact(sha1, size, kind, name, found))
