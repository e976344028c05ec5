"""Calls in a pool's threads, one after the other."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

_SLOW_SECONDS = 0.005
_SLOW_FOR_SECONDS = 60.0


class ShortCalls:
    """Decides whether short calls to a disk are made right here, which is quicker than to change threads.

    Where they turn out to take long (a network file system, say) they are made in threads for a while.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._mean = 0.0
        self._slow_until = 0.0

    def pool(self) -> ThreadPoolExecutor | None:
        """Return the pool to use, None for none."""
        return self._pool if time.monotonic() < self._slow_until else None

    def took(self, seconds: float) -> None:
        """Note how long a call took that was made without a thread."""
        self._mean += (seconds - self._mean) / 8
        if self._mean > _SLOW_SECONDS:
            self._mean = 0.0
            self._slow_until = time.monotonic() + _SLOW_FOR_SECONDS


class OneThread:
    """Runs one call at a time; the task that uses it may be cancelled at any moment."""

    def __init__(self, pool: ThreadPoolExecutor | ShortCalls) -> None:
        """Use a pool's threads, or none where calls are short."""
        self._short = pool if isinstance(pool, ShortCalls) else None
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
        begin = time.monotonic()
        try:
            self._job.set_result(function(*arguments))
        except Exception as error:
            self._job.set_exception(error)
        if self._short is not None:
            self._short.took(time.monotonic() - begin)

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
