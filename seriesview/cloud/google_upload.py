"""One object into a resumable upload session of Google Cloud Storage: what is stored already is not sent again."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from seriesview.cloud.buckets import BucketError, checked_blocks, timeout

if TYPE_CHECKING:
    import requests

PIECE_BYTES = 64 * 1024

DONE, INCOMPLETE, EXISTS, NO_SESSION = "done", "incomplete", "exists", "no session"
OTHER_BYTES = "other bytes"

_STATUS = {200: DONE, 201: DONE, 308: INCOMPLETE, 412: EXISTS, 404: NO_SESSION, 410: NO_SESSION}
_RANGE = re.compile(r"bytes=0-(\d+)")


class SessionUpload:
    """Sends an artifact's bytes to a session's address, which alone gives the right to: it is never shown."""

    def __init__(
        self, http: requests.Session, blocks: Iterable[memoryview | bytes], size: int, sha1: str
    ) -> None:
        self._http = http
        self._blocks = blocks
        self._size = size
        self._sha1 = sha1
        self._crc32c = b""
        self.session = ""
        self.offset = 0
        """Bytes that are stored."""

    def begin(self, session: str) -> None:
        """Start from the first byte, or where `ask` says, in a session."""
        self.session, self.offset = session, 0

    def send(self) -> str:
        """Send the bytes that are not stored yet; one of DONE, OTHER_BYTES, INCOMPLETE, EXISTS, NO_SESSION.

        Raises what `requests` raises, and SeriesviewError where the bytes are not those of the hash.
        """
        first = f"{self.offset}-{self._size - 1}"
        return self._answer(
            self._http.put(
                self.session,
                data=Body(self._read(), self._size - self.offset),
                headers={"Content-Range": f"bytes {first}/{self._size}"},
                timeout=timeout(),
            )
        )

    def ask(self) -> str:
        """Find out how much is stored, after a connection was lost; as `send`."""
        headers = {"Content-Range": f"bytes */{self._size}", "Content-Length": "0"}
        return self._answer(self._http.put(self.session, headers=headers, timeout=timeout()))

    def _read(self) -> Iterator[bytes]:
        import google_crc32c

        checksum = google_crc32c.Checksum()

        def add(block: memoryview | bytes) -> memoryview | bytes:
            checksum.update(bytes(block))
            return block

        yield from checked_blocks(map(add, self._blocks), self._sha1, self.offset)
        self._crc32c = checksum.digest()

    def _answer(self, response: requests.Response) -> str:
        status = _STATUS.get(response.status_code)
        if status is None:
            response.raise_for_status()
            raise BucketError(
                f"the bucket answered an upload with status {response.status_code}; try again later"
            )
        if status == INCOMPLETE:
            match = _RANGE.fullmatch(response.headers.get("Range", ""))
            last = int(match[1]) if match else 0
            # Storage keeps many bytes or none: an emulator says "0-0" for none.
            self.offset = last + 1 if last else 0
        elif status == DONE and not self._is_right(response.json()):
            return OTHER_BYTES
        return status

    def _is_right(self, description: Any) -> bool:
        """Compare the checksum of what was sent, where all of it was read in one go, to that of what is stored."""
        stored = description.get("crc32c") if isinstance(description, dict) else None
        return not self._crc32c or not isinstance(stored, str) or base64.b64decode(stored) == self._crc32c


class Body:
    """Content to send, of a size that is known; gone through again from its start where `blocks` can be."""

    def __init__(self, blocks: Iterable[memoryview | bytes], size: int) -> None:
        self._blocks = blocks
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            for start in range(0, len(block), PIECE_BYTES):
                yield bytes(block[start : start + PIECE_BYTES])
