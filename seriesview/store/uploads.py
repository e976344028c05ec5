"""Artifacts on their way from a local cache into a bucket, in a few threads, so that a build need not wait for each."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from seriesview.cloud.buckets import BucketError
from seriesview.errors import SeriesviewError
from seriesview.store.bucket_objects import BucketObjects

_THREADS = 4
_MOST_UNDER_WAY = 16
_BLOCK_BYTES = 1 << 20


class Uploads:
    """Sends files; after one has failed no more are, and every call says why. Safe in threads and after a fork."""

    def __init__(self, objects: BucketObjects) -> None:
        self._objects = objects
        self._process = 0
        self._failure: SeriesviewError | None = None
        self._lock = threading.Lock()

    def add(self, sha1: str, path: Path, descriptor: int, size: int) -> None:
        """Send an open file, which is closed then; `path` is for messages. Waits while many are under way.

        Raises SeriesviewError where one before it failed.
        """
        try:
            self._begin()
            self._check()
            self._room.acquire()
        except BaseException:
            os.close(descriptor)
            raise
        with self._lock:
            future = self._pool.submit(self._send, sha1, path, descriptor, size)
            self._under_way[sha1] = future
        future.add_done_callback(self._done(sha1))

    def is_under_way(self, sha1: str) -> bool:
        """Whether an artifact is being sent."""
        return self._process == os.getpid() and sha1 in self._under_way

    def wait(self) -> None:
        """Return when everything is there; raises SeriesviewError where something could not be sent."""
        if self._process == os.getpid():
            with self._lock:
                futures = list(self._under_way.values())
            wait(futures)
            self._check()

    def _begin(self) -> None:
        with self._lock:
            if self._process != os.getpid():
                self._process = os.getpid()
                self._under_way: dict[str, Future[None]] = {}
                self._room = threading.BoundedSemaphore(_MOST_UNDER_WAY)
                self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="seriesview-upload")

    def _check(self) -> None:
        if self._failure is not None:
            raise copy.copy(self._failure)

    def _send(self, sha1: str, path: Path, descriptor: int, size: int) -> None:
        try:
            if self._failure is None:
                self._objects.put_artifact(sha1, _Blocks(descriptor), size)
        except BucketError as error:
            self._failure = error
        except SeriesviewError as error:
            # Not what its name says: it is made again.
            path.unlink(missing_ok=True)
            self._failure = error.at(str(path))
        except Exception as error:
            self._failure = SeriesviewError(f"{path} cannot be sent to {self._objects.address}: {error!r}")
        finally:
            os.close(descriptor)

    def _done(self, sha1: str) -> Callable[[Future[None]], None]:
        def let_go(future: Future[None]) -> None:
            with self._lock:
                if self._under_way.get(sha1) is future:
                    del self._under_way[sha1]
            self._room.release()

        return let_go


class _Blocks:
    """The bytes of an open file, from its start each time they are gone through."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __iter__(self) -> Iterator[bytes]:
        position = 0
        while block := os.pread(self._descriptor, _BLOCK_BYTES, position):
            position += len(block)
            yield block
