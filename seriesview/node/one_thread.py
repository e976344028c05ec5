"""Calls in a pool's threads, one after the other."""

import asyncio
import resource
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

_SLOW_SECONDS = 0.005
_SLOW_CALLS = 4
_SLOW_FOR_SECONDS = 10.0
_WHOSE: int = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)


class ShortCalls:
    """Decides whether short calls to a disk are made right here, which is quicker than to change threads.

    Where several in a row had to wait (for a network file system, say) they are made in threads for a while.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._num_slow = 0
        self._slow_until = 0.0

    def pool(self) -> ThreadPoolExecutor | None:
        """Return the pool to use, None for none."""
        return self._pool if time.monotonic() < self._slow_until else None

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Make a call without a thread."""
        begin, waits = time.monotonic(), _num_waits()
        try:
            return function(*arguments)
        finally:
            # Time in which another process had the processor says nothing about the disk.
            took = time.monotonic() - begin
            self._num_slow = self._num_slow + 1 if took > _SLOW_SECONDS and _num_waits() > waits else 0
            if self._num_slow == _SLOW_CALLS:
                self._num_slow = 0
                self._slow_until = time.monotonic() + _SLOW_FOR_SECONDS


def _num_waits() -> int:
    return resource.getrusage(_WHOSE).ru_nvcsw


class OneThread:
    """Runs one call at a time; the task that uses it may be cancelled at any moment."""

    def __init__(self, pool: ThreadPoolExecutor | ShortCalls) -> None:
        """Use a pool's threads, or none where calls are short."""
        self._short = pool if isinstance(pool, ShortCalls) else ShortCalls(pool)
        self._pool = pool.pool() if isinstance(pool, ShortCalls) else pool
        self._job: Future[Any] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the last call is still running or waiting for a thread."""
        return self._job is not None and not self._job.done()

    def start(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Begin a call; the one before must have ended."""
        if self._pool is not None:
            self._job = self._pool.submit(function, *arguments)
            return
        self._job = Future()
        try:
            self._job.set_result(self._short.run(function, *arguments))
        except Exception as error:
            self._job.set_exception(error)

    async def result(self) -> Any:
        """Return what the last call returned, or raise what it raised; None where there was none."""
        if self._job is None:
            return None
        return self._job.result() if self._job.done() else await asyncio.wrap_future(self._job)

    async def rest(self) -> Any:
        """Wait for the last call to end; return what it returned, None where it raised or never ran."""
        job = self._job
        if job is None:
            return None
        if not job.done():
            await asyncio.wait([asyncio.wrap_future(job)])
        return None if job.cancelled() or job.exception() is not None else job.result()
