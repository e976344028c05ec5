"""How much may be read for one request: counted where a limit is set, so that nobody's manifest keeps a server busy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from seriesview.errors import RequestError

READ_BYTES = 64 * 1024
"""What a read counts beside its bytes, for the time that a small one takes."""

MAX_BYTES_AT_ONCE = 256 * 2**20
"""Bytes of one array that is put together in memory."""

_left: ContextVar[int | None] = ContextVar("bytes that may be read", default=None)


@contextmanager
def reading_at_most(num_bytes: int) -> Iterator[None]:
    """Within the block, in this thread, reading more than `num_bytes` in all raises RequestError."""
    token = _left.set(num_bytes)
    try:
        yield
    finally:
        _left.reset(token)


def count_reading(num_bytes: int, at_once: bool = False) -> None:
    """Count bytes that are about to be read, `at_once` into memory; RequestError where it is too much."""
    left = _left.get()
    if left is None:
        return
    if num_bytes + READ_BYTES > left or (at_once and num_bytes > MAX_BYTES_AT_ONCE):
        raise RequestError(
            "too much would have to be read for this; ask for less, or for whole bins of a level"
        )
    _left.set(left - num_bytes - READ_BYTES)
