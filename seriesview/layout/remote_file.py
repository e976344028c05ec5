"""Files behind https, s3 and gs, read by range."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import quote

from seriesview.layout.remote_servers import RemoteServer, shown, tried

if TYPE_CHECKING:
    from concurrent.futures import Future

    from _typeshed import WriteableBuffer

HEADER_BLOCK_BYTES = 256 << 10
"""What readers of headers get at a time: metadata lie scattered, and a round trip costs more than this."""
_SAMPLES_BLOCK_BYTES = 4 << 20
_CACHE_BLOCKS = 16
_AHEAD = 3


class RemoteRanges:
    """Ranges of a remote file, fetched in blocks, those ahead while others are used; safe from any thread."""

    def __init__(
        self,
        server: RemoteServer,
        size: int,
        url: str,
        block_bytes: int = _SAMPLES_BLOCK_BYTES,
        kept: int = _CACHE_BLOCKS,
    ) -> None:
        # Imported where something is remote.
        from concurrent.futures import ThreadPoolExecutor

        self._server = server
        self._shown = shown(url)
        self._block_bytes = block_bytes
        self._kept = kept
        self.size = size
        self._blocks: OrderedDict[int, Future[bytes]] = OrderedDict()
        self._last = -2
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_AHEAD + 1, thread_name_prefix="fetch")

    def read_into(self, view: memoryview, position: int) -> int:
        """Fill as much of `view` as one block has from byte `position` on; 0 behind the end."""
        if position >= self.size or not len(view):
            return 0
        number, begin = divmod(position, self._block_bytes)
        block = self._block(number)
        count = min(len(view), len(block) - begin)
        view[:count] = block[begin : begin + count]
        return count

    def close(self) -> None:
        """Fetch no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _block(self, number: int) -> bytes:
        with self._lock:
            # Blocks that follow one another are a pass over the file.
            ahead = _AHEAD if number == self._last + 1 else 0
            if number != self._last:
                for each in range(number, number + 1 + ahead):
                    if each not in self._blocks and each * self._block_bytes < self.size:
                        self._blocks[each] = self._threads.submit(self._fetch, each)
            self._last = number
            if number not in self._blocks:
                self._blocks[number] = self._threads.submit(self._fetch, number)
            self._blocks.move_to_end(number)
            wanted = self._blocks[number]
            while len(self._blocks) > self._kept:
                self._blocks.popitem(last=False)[1].cancel()
        try:
            return wanted.result()
        except BaseException:
            with self._lock:
                self._blocks.pop(number, None)
            raise

    def _fetch(self, number: int) -> bytes:
        first = number * self._block_bytes
        length = min(self._block_bytes, self.size - first)

        def read() -> bytes:
            found = self._server.read(first, length)
            if len(found) != length:
                raise ConnectionError(f"{len(found)} bytes came where {length} were asked for")
            return found

        found: bytes = tried(read, self._shown)
        return found


class RemoteFile(io.RawIOBase):
    """A remote file as Python has files. `ranges` are the caller's."""

    def __init__(self, ranges: RemoteRanges, url: str) -> None:
        self._url = url
        self._ranges = ranges
        self._position = 0

    def __repr__(self) -> str:
        # By which h5py calls the file.
        return quote(self._url, safe=":/?&=%+@,;~#!$'()*")

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The next byte that is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._ranges.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill as much of the buffer as one block has."""
        with memoryview(buffer) as view:
            count = self._ranges.read_into(view.cast("B"), self._position)
        self._position += count
        return count
