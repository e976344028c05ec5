"""Reading what a kachery storage directory holds: stored artifacts, linked files, and stretches of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from seriesview.errors import (
    FormatError,
    IntegrityError,
    MissingArtifactError,
    artifact_missing,
    artifact_replaced,
    one_line,
    source_replaced,
)
from seriesview.store.chunks import sha1_digest
from seriesview.store.faults import read_fault
from seriesview.store.folders import OddFileError
from seriesview.store.links import read_link
from seriesview.store.paths import artifact_path, link_path, open_parent
from seriesview.store.reading import MOST_JSON_BYTES, blocks_of, parse_json, read_range, read_whole
from seriesview.store.uris import check_hash, parse_chunk_uri, parse_uri

Value = TypeVar("Value")


def stored_file(directory: Path, sha1: str) -> os.stat_result | None:
    """Return what the system says of an artifact's file in the store, its link's if it is linked; None: none is there.

    Raises FormatError.
    """
    check_hash(sha1)
    for path in (artifact_path(directory, sha1), link_path(directory, sha1)):
        with suppress(OSError), open_parent(directory, path) as folder:
            status = folder.find(path.name)
            if status is not None:
                return status
    return None


class StoredArtifacts:
    """Gets artifacts of one storage directory; safe in threads."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, uri: str) -> Path:
        """Return where the bytes of a URI lie: stored, or in a linked file, checked by size and modification time.

        Raises MissingArtifactError saying what changed.
        """
        descriptor, path, _ = self._open(parse_uri(uri)[0])
        os.close(descriptor)
        return path

    def place_of(self, uri: str) -> str:
        """Return where the bytes of a URI lie, for people; raises MissingArtifactError."""
        return str(self.path(uri))

    def stored_size(self, sha1: str) -> int | None:
        """Return the bytes of an artifact's file, or its link's, None where there is none; raises FormatError."""
        status = stored_file(self.directory, sha1)
        return None if status is None else status.st_size

    def blocks(self, uri: str) -> Iterator[memoryview]:
        """Yield the bytes of a URI in blocks, each valid until the next, not checked by SHA-1.

        Raises MissingArtifactError, and StoreError where the file changes meanwhile.
        """
        descriptor, path, _ = self._open(parse_uri(uri)[0])
        try:
            yield from blocks_of(descriptor, path)
        finally:
            os.close(descriptor)

    def check_opened(self, uri: str, descriptor: int) -> None:
        """Raise MissingArtifactError unless a file that was opened by its path is the one with the bytes of a URI."""
        right, path, _ = self._open(parse_uri(uri)[0])
        try:
            if not os.path.samestat(os.fstat(right), os.fstat(descriptor)):
                raise source_replaced(path, parse_uri(uri)[0])
        finally:
            os.close(right)

    def exists(self, uri: str) -> bool:
        """Return whether the bytes of a URI are stored, or linked and unchanged."""
        try:
            self.path(uri)
        except MissingArtifactError:
            return False
        return True

    def size(self, uri: str) -> int:
        """Return the number of bytes of a URI; raises MissingArtifactError."""
        descriptor, _, _ = self._open(parse_uri(uri)[0])
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def get_bytes(self, uri: str, verify: bool = True, size: int | None = None) -> bytes:
        """Return the bytes of a URI, of a piece of an artifact too; raises MissingArtifactError, IntegrityError.

        `verify` checks their SHA-1; a `size` that the caller knows is checked in any case.
        """
        chunk = parse_chunk_uri(uri)
        if chunk is not None:
            if size is not None and size != chunk.end - chunk.start:
                raise IntegrityError(f"{uri} has {chunk.end - chunk.start} bytes, {size} are expected")
            return self.get_chunk(
                bytes.fromhex(chunk.sha1), bytes.fromhex(chunk.artifact), chunk.start, chunk.end, verify
            )
        return self._get(parse_uri(uri)[0], verify, size)

    def get_part(self, digest: bytes, verify: bool = True, size: int | None = None) -> bytes:
        """Return the bytes of a part by its 20-byte SHA-1; checks and errors as `get_bytes`."""
        if len(digest) != 20:
            raise FormatError(f"a part's SHA-1 has 20 bytes, this one has {len(digest)}")
        return self._get(digest.hex(), verify, size)

    def get_chunk(self, digest: bytes, artifact: bytes, start: int, end: int, verify: bool = True) -> bytes:
        """Return bytes [start, end), with the SHA-1 `digest`, of an artifact; both SHA-1s have 20 bytes.

        Raises MissingArtifactError, RequestError, and IntegrityError, also where the artifact ends before.
        """
        descriptor, path, _ = self._open(artifact.hex())
        try:
            data = read_range(descriptor, path, start, end)
        finally:
            os.close(descriptor)
        if verify and sha1_digest(memoryview(data)) != digest:
            raise IntegrityError(
                f"SHA-1 {digest.hex()} is not that of the bytes {start} to {end} of {path}, which should have it; "
                "delete that file and build its series again",
                sha1=digest.hex(),
            )
        return data

    def get_json(self, uri: str) -> Any:
        """Return the JSON value of a URI; errors as `get_bytes`, and FormatError where it is not JSON."""
        return self.get_parsed(uri, parse_json)

    def get_parsed(self, uri: str, parse: Callable[[bytes], Value]) -> Value:
        """Return what `parse` makes of JSON, raising ValueError where it is none; errors as `get_json`."""
        try:
            return parse(self._get(parse_uri(uri)[0], True, None, MOST_JSON_BYTES))
        except ValueError as error:
            raise FormatError(f"{uri} is not JSON: {error}") from error

    def get_range(self, uri: str, start: int, end: int) -> bytes:
        """Return the bytes [start, end) of a URI, not checked by SHA-1.

        Raises MissingArtifactError, RequestError, and IntegrityError where the file ends before.
        """
        descriptor, path, _ = self._open(parse_uri(uri)[0])
        try:
            return read_range(descriptor, path, start, end)
        finally:
            os.close(descriptor)

    def _open(self, sha1: str) -> tuple[int, Path, int | None]:
        """Open the file with a hash's bytes: its descriptor, its path, and its size if a link says it.

        Raises MissingArtifactError, IntegrityError, StoreError.
        """
        stored = artifact_path(self.directory, sha1)
        try:
            with open_parent(self.directory, stored) as folder:
                return folder.open_file(stored.name), stored, None
        except FileNotFoundError:
            link = read_link(self.directory, sha1)
        except OddFileError as error:
            raise artifact_replaced(error.filename, sha1, one_line(error.strerror)) from error
        except OSError as error:
            raise read_fault(stored, error) from error
        if link is None:
            raise artifact_missing(sha1, self.directory)
        return link.open(), link.path, link.size

    def _get(self, sha1: str, verify: bool, size: int | None, most_bytes: int | None = None) -> bytes:
        descriptor, path, linked_size = self._open(sha1)
        try:
            wanted = linked_size if size is None else size
            return read_whole(descriptor, path, sha1 if verify else None, wanted, most_bytes)
        except IntegrityError as error:
            raise error.within(sha1=sha1) from error
        finally:
            os.close(descriptor)
