"""How much may be read for one task: counted, so that nobody's manifest keeps a backend busy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from seriesview.errors import RequestError

READ_BYTES = 64 * 1024
"""What a read counts beside its bytes, for the time that a small one takes."""

MAX_BYTES_AT_ONCE = 256 * 2**20
"""Bytes of one array that is put together in memory."""


class _Budget:
    """Bytes that may be read yet, by all threads of a task."""

    def __init__(self, num_bytes: int, is_given_up: Callable[[], bool]) -> None:
        self.left = num_bytes
        self.is_given_up = is_given_up
        self.lock = threading.Lock()


_budget: ContextVar[_Budget | None] = ContextVar("what may be read", default=None)


@contextmanager
def reading_at_most(num_bytes: int, is_given_up: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Within the block, in this context, reading raises RequestError where it is more in all, or was given up."""
    token = _budget.set(_Budget(num_bytes, is_given_up))
    try:
        yield
    finally:
        _budget.reset(token)


def count_reading(num_bytes: int, reads: int, at_once: bool) -> None:
    """Count what is about to be read, as `PartCache` says it; RequestError where it is too much."""
    budget = _budget.get()
    if budget is None:
        return
    if budget.is_given_up():
        raise RequestError("nobody waits for this any more")
    counted = num_bytes + reads * READ_BYTES
    with budget.lock:
        if counted > budget.left or (at_once and num_bytes > MAX_BYTES_AT_ONCE):
            raise RequestError(
                "too much would have to be read for this; ask for less, or for whole bins of a level",
                code="too-large",
            )
        budget.left -= counted
