"""SHA-1 of bytes as they stream past, and kachery's chunk manifest of large files."""

import hashlib
import json

from seriesview.store.paths import CHUNK_BYTES


class ChunkHasher:
    """Hashes a stream as a whole and in kachery's chunks of 20,000,000 bytes."""

    def __init__(self, size_hint: int | None = None) -> None:
        """Start; with a `size_hint` of at most one chunk the second hash over each byte is saved."""
        self.size = 0
        self._whole = hashlib.sha1(usedforsecurity=False)
        self._chunked = size_hint is None or size_hint > CHUNK_BYTES
        # The first chunk's hash is that of all bytes so far: no second one is taken until it ends.
        self._chunk = self._whole
        self._chunk_start = 0
        self._chunks: list[dict[str, int | str]] = []

    def add(self, data: memoryview) -> None:
        """Take the next bytes (a one-dimensional view of unsigned bytes)."""
        if not self._chunked:
            self._whole.update(data)
            self.size += len(data)
            return
        position = 0
        while position < len(data):
            piece = data[position : position + self._chunk_start + CHUNK_BYTES - self.size]
            self._whole.update(piece)
            if self._chunk is not self._whole:
                self._chunk.update(piece)
            position += len(piece)
            self.size += len(piece)
            if self.size == self._chunk_start + CHUNK_BYTES:
                self._close_chunk()

    def sha1(self) -> str:
        """Return the SHA-1 of all bytes so far."""
        return self._whole.hexdigest()

    def chunk_manifest(self) -> bytes | None:
        """Return the chunk manifest (compact JSON), None where one chunk is enough; ends the stream."""
        if not self._chunked or self.size <= CHUNK_BYTES:
            return None
        if self.size > self._chunk_start:
            self._close_chunk()
        manifest = {"size": self.size, "sha1": self.sha1(), "chunks": self._chunks}
        return json.dumps(manifest, separators=(",", ":")).encode("ascii")

    def _close_chunk(self) -> None:
        self._chunks.append(
            {"start": self._chunk_start, "end": self.size, "sha1": self._chunk.hexdigest()},
        )
        self._chunk_start = self.size
        self._chunk = hashlib.sha1(usedforsecurity=False)


def sha1_digest(data: memoryview) -> bytes:
    """Return the 20-byte SHA-1 of a view of bytes."""
    return hashlib.sha1(data, usedforsecurity=False).digest()
