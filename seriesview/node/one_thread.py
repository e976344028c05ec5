"""Calls in a pool's threads, one after the other."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class OneThread:
    """Runs one call at a time; the task that uses it may be cancelled at any moment."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._job: Future[Any] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether the last call is still running or waiting for a thread."""
        return self._job is not None and not self._job.done()

    def start(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Begin a call; the one before must have ended."""
        self._job = self._pool.submit(function, *arguments)

    async def result(self) -> Any:
        """Return what the last call returned, or raise what it raised; None where there was none."""
        return None if self._job is None else await asyncio.wrap_future(self._job)

    async def rest(self) -> Any:
        """Wait for the last call to end; return what it returned, None where it raised or never ran."""
        job = self._job
        if job is None:
            return None
        if not job.done():
            await asyncio.wait([asyncio.wrap_future(job)])
        return None if job.cancelled() or job.exception() is not None else job.result()
