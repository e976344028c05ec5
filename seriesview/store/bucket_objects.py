"""The objects of a store in a bucket, named as in a storage directory: artifacts and records."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from seriesview.cloud.bucket_address import BucketAddress
from seriesview.cloud.buckets import Bucket, Serving, put_artifact
from seriesview.cloud.open_bucket import open_bucket
from seriesview.store.paths import artifact_path

ABSENT_SECONDS = 600.0
"""So long what was not there is taken not to be there; what is there stays."""
_ASKED_BEFORE_LISTING = 2
_BLOCK_BYTES = 8 << 20
_RECORDS = "seriesview/record/"
_RECORD = Serving("application/jsonl", "no-cache")


class BucketObjects:
    """Artifacts and records below one address. Safe in threads and after a fork; raises BucketError."""

    def __init__(self, address: BucketAddress) -> None:
        self.address = address
        self._opened: tuple[int, Bucket] | None = None
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._asked: Counter[str] = Counter()
        self._absent: dict[str, float] = {}
        """When a SHA-1 was not there, or all that begin so and are not known."""

    @property
    def bucket(self) -> Bucket:
        """This process's connection to it."""
        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = os.getpid(), open_bucket(self.address)
            return self._opened[1]

    def close(self) -> None:
        """End waiting for another try, and close the connections; the next question opens others."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None and opened[0] == os.getpid():
            opened[1].close()

    def artifact_place(self, sha1: str) -> str:
        """The address of an artifact's object."""
        return f"{self.address}/{_artifact_name(sha1)}"

    def artifact_size(self, sha1: str) -> int | None:
        """Bytes of an artifact, None where there is none; of many with a beginning in common one listing tells."""
        size = self._sizes.get(sha1)
        if size is not None:
            return size
        beginning, now = sha1[:2], time.monotonic()
        if any(now - self._absent.get(each, -ABSENT_SECONDS) < ABSENT_SECONDS for each in (sha1, beginning)):
            return None
        self._asked[beginning] += 1
        if self._asked[beginning] <= _ASKED_BEFORE_LISTING:
            found_size = self.look_again(sha1)
            if found_size is None:
                self._absent[sha1] = now
            return found_size
        listed = self.bucket.list(self.address.name(f"sha1/{beginning}/"))
        for name, found in listed.items():
            named = name.rpartition("/")[2]
            # Others may write what lies elsewhere.
            if name == self.address.name(_artifact_name(named)):
                self._sizes[named] = found.size
        self._absent[beginning] = now
        return self._sizes.get(sha1)

    def look_again(self, sha1: str) -> int | None:
        """As `artifact_size`, whatever was known."""
        found = self.bucket.find(self.address.name(_artifact_name(sha1)))
        if found is None:
            self._sizes.pop(sha1, None)
            return None
        self._sizes[sha1] = found.size
        return found.size

    def artifact_range(self, sha1: str, start: int, end: int) -> bytes:
        """Bytes [start, end) of an artifact that has so many, not checked."""
        return self.bucket.read(self.address.name(_artifact_name(sha1)), start, end)

    def artifact_blocks(self, sha1: str, size: int) -> Iterator[bytes]:
        """The bytes of an artifact of this size, not checked."""
        return self._blocks(_artifact_name(sha1), size)

    def put_artifact(self, sha1: str, blocks: Iterable[memoryview | bytes], size: int) -> None:
        """Write an artifact that is not there with this size; SeriesviewError where the bytes are others."""
        name = self.address.name(_artifact_name(sha1))
        if self._sizes.get(sha1) not in (None, size):
            # None of ours: an object that is there is not written over otherwise.
            self.bucket.delete(name)
        put_artifact(self.bucket, name, blocks, size, sha1)
        self._sizes[sha1] = size

    def records(self) -> dict[str, int]:
        """Names and bytes of the records."""
        prefix = self.address.name(_RECORDS)
        return {name[len(prefix) :]: found.size for name, found in self.bucket.list(prefix).items()}

    def record(self, name: str, size: int) -> bytes:
        """The first bytes of a record, which has so many at least."""
        return b"".join(self._blocks(f"{_RECORDS}{name}", size))

    def put_record(self, name: str, content: bytes) -> None:
        """Write a record, in place of what it was before."""
        self.bucket.put(self.address.name(f"{_RECORDS}{name}"), content, _RECORD)

    def _blocks(self, path: str, size: int) -> Iterator[bytes]:
        name = self.address.name(path)
        for start in range(0, size, _BLOCK_BYTES):
            yield self.bucket.read(name, start, min(start + _BLOCK_BYTES, size))


def _artifact_name(sha1: str) -> str:
    return artifact_path(Path(), sha1).as_posix()
