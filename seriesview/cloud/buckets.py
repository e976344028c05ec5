"""What is asked of a bucket, whichever service has it, and how its faults are said."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from seriesview.cloud.bucket_address import BucketAddress
from seriesview.errors import Code, SeriesviewError

THREADS = 8
"""Requests at once: a pool of the libraries' connections has ten."""

LARGE_BYTES = 8 * 1024 * 1024
"""From here on the libraries' own uploads take several requests."""

CONNECT_SECONDS = 15.0
SILENT_SECONDS = 90.0
"""How long to wait for a byte before a connection is given up."""

FaultKind = Literal["credentials", "forbidden", "missing", "unreachable", "other"]


def timeout() -> tuple[float, float]:
    """Seconds to connect, and without a byte."""
    return CONNECT_SECONDS, SILENT_SECONDS


class BucketError(SeriesviewError):
    """A bucket refuses, is not there, or cannot be reached."""

    code: Code = "bucket-unusable"

    def __init__(self, message: str, kind: FaultKind = "other") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class StoredObject:
    """What a listing says of an object. `md5` is in lowercase hexadecimal digits, None where it is not known."""

    size: int
    md5: str | None


@dataclass(frozen=True)
class Serving:
    """With which headers an object is served."""

    content_type: str
    cache_control: str


FOREVER = "public, max-age=31536000, immutable"
ARTIFACT = Serving("application/octet-stream", FOREVER)


class Bucket(Protocol):
    """A bucket of a service. All methods may be called by several threads, and raise BucketError."""

    address: BucketAddress

    @property
    def account(self) -> str:
        """Who this is, for people."""
        ...

    @property
    def base_url(self) -> str:
        """The web address below which the bucket's objects can be read by all, if they are public."""
        ...

    def list(self, prefix: str, is_deep: bool = True) -> dict[str, StoredObject]:
        """Objects whose names begin with `prefix`, by name; only those without a later slash unless `is_deep`."""
        ...

    def put(self, name: str, content: bytes, serving: Serving, only_new: bool = False) -> bool:
        """Write an object; False where it is there already and `only_new`."""
        ...

    def put_large(
        self, name: str, blocks: Iterable[memoryview | bytes], size: int, sha1: str, serving: Serving
    ) -> bool:
        """Write a new object of many bytes as they are read, never with another SHA-1; False where it is there."""
        ...

    def find(self, name: str) -> StoredObject | None:
        """What is known of an object, None where there is none."""
        ...

    def read(self, name: str, start: int, end: int) -> bytes:
        """Bytes [start, end) of an object that has so many."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object."""
        ...

    def cors(self) -> Sequence[Mapping[str, Any]]:
        """The bucket's CORS rules, as its service writes them."""
        ...

    def set_cors(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace the bucket's CORS rules."""
        ...

    def close(self) -> None:
        """End waiting for another try, and close the connections."""
        ...


def put_artifact(
    bucket: Bucket, name: str, blocks: Iterable[memoryview | bytes], size: int, sha1: str
) -> bool:
    """Write a new object that has this SHA-1, whose blocks can be read again; False where it is there.

    Raises BucketError, and SeriesviewError where the bytes are others.
    """
    if size > LARGE_BYTES:
        return bucket.put_large(name, blocks, size, sha1, ARTIFACT)
    content = b"".join(bytes(block) for block in blocks)
    if hashlib.sha1(content, usedforsecurity=False).hexdigest() != sha1:
        raise wrong_bytes(sha1)
    return bucket.put(name, content, ARTIFACT, only_new=True)


def missing_library(package: str, extra: str, scheme: str) -> BucketError:
    """The fault of a service whose library is not installed."""
    return BucketError(
        f"{scheme}:// needs the package {package}, which is not installed; "
        f"run: pip install 'seriesview[{extra}]'"
    )


def checked_blocks(
    blocks: Iterable[memoryview | bytes],
    sha1: str,
    start: int = 0,
    on_block: Callable[[int], None] = lambda _: None,
) -> Iterator[bytes]:
    """The bytes from `start` on, the last of them only if all together have this SHA-1; raises SeriesviewError."""
    hasher = hashlib.sha1(usedforsecurity=False)
    held = b""
    position = 0
    for block in blocks:
        hasher.update(block)
        begin = max(start - position, 0)
        position += len(block)
        if begin < len(block):
            if held:
                yield held
            held = bytes(block[begin:])
            on_block(len(held))
    if hasher.hexdigest() != sha1:
        raise wrong_bytes(sha1)
    if held:
        yield held


def wrong_bytes(sha1: str) -> SeriesviewError:
    """The fault of an artifact whose bytes are not those of its name."""
    return SeriesviewError(
        f"SHA-1 {sha1} has other bytes in the store than its name says; run `seriesview verify`"
    )
