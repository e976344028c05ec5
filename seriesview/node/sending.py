"""Sending a file over HTTP: whole or by range, read in a thread a block at a time."""

import os
import re
import stat
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from seriesview.errors import MissingArtifactError, NodeError
from seriesview.node.one_thread import OneThread, ShortCalls
from seriesview.store.faults import read_fault
from seriesview.store.folders import OddFileError
from seriesview.store.paths import open_parent

_BLOCK_BYTES = 2**19
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)


class FileResponse(Response):
    """Bytes of one file: GET and HEAD, one range, If-Range and If-None-Match."""

    def __init__(
        self,
        path: Path,
        threads: ThreadPoolExecutor | ShortCalls,
        headers: Mapping[str, str],
        span: tuple[int, int | None] | None = None,
        root: Path | None = None,
        check: Callable[[int], None] | None = None,
    ) -> None:
        """Send `path`, with `headers` (an ETag must be a strong one).

        With a `span` the bytes [start, end) are the whole answer, whatever range is asked for; end None: all.
        Below `root` no symbolic link is followed; `check` raises where the file, once it is open, is not to be sent.
        """
        super().__init__(headers={"Accept-Ranges": "bytes", **headers}, media_type="application/octet-stream")
        del self.headers["Content-Length"]
        self._path = path
        self._threads = threads
        self._span = span
        self._root = root
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; MissingArtifactError where it is not there, StoreError where it cannot be read."""
        thread = OneThread(self._threads)
        thread.start(_open, self._path, self._root, self._check)
        descriptor: int | None = None
        try:
            descriptor, status = await thread.result()
            start, end = self._choose(Headers(scope=scope), status)
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            if scope["method"] == "HEAD" or start == end:
                await send({"type": "http.response.body", "body": b""})
                return
            while start < end:
                thread.start(os.pread, descriptor, min(_BLOCK_BYTES, end - start), start)
                block = await thread.result()
                if not block:
                    raise NodeError(f"{self._path.name} shrank while it was being sent")
                start += len(block)
                await send({"type": "http.response.body", "body": block, "more_body": start < end})
        finally:
            opened = await thread.rest()
            if descriptor is None and isinstance(opened, tuple):
                descriptor = opened[0]
            if descriptor is not None:
                os.close(descriptor)

    def _choose(self, asked: Headers, status: os.stat_result) -> tuple[int, int]:
        """Return the bytes [start, end) to send, with status and headers set for them."""
        size = status.st_size
        if self._span is not None:
            start, end = self._span[0], size if self._span[1] is None else min(self._span[1], size)
            if not 0 <= start <= end:
                raise NodeError(f"startByte must be from 0 to endByte and to the {size} bytes of the file")
            self.headers["Content-Length"] = str(end - start)
            return start, end
        tag = self.headers.setdefault("ETag", f'"{status.st_mtime_ns:x}-{size:x}"')
        # A proxy that packs answers makes tags weak.
        if tag in [one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(",")]:
            self.status_code = 304
            return 0, 0
        span = None if asked.get("if-range", tag) != tag else _parse_range(asked.get("range"), size)
        start, end = span or (0, size)
        if start > end:
            self.status_code = 416
            self.headers["Content-Range"] = f"bytes */{size}"
            self.headers["Content-Length"] = "0"
            return 0, 0
        if span is not None:
            self.status_code = 206
            self.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self.headers["Content-Length"] = str(end - start)
        return start, end


def _parse_range(text: str | None, size: int) -> tuple[int, int] | None:
    """Return the bytes [start, end) that a Range header asks for, None for all; start > end: there are none."""
    match = _RANGE.fullmatch(text.strip()) if text else None
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        count = min(int(match[2]), size)
        return (size - count, size) if count else (1, 0)
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < start:
        return None
    return (start, end) if start < size else (1, 0)


def _open(path: Path, root: Path | None, check: Callable[[int], None] | None) -> tuple[int, os.stat_result]:
    try:
        if root is not None and path.is_relative_to(root):
            with open_parent(root, path) as folder:
                descriptor = folder.open_file(path.name)
        else:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, OddFileError) as error:
        raise MissingArtifactError(f"{path.name} is not here") from error
    except OSError as error:
        raise read_fault(path.name, error) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise MissingArtifactError(f"{path.name} is not a file")
        if check is not None:
            check(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status
