"""Syncing the directories of new files a moment after they were answered for.

A file is on disk, whole, before it gets its name; the name itself is on disk once its directories are synced, which
takes longer than all else in storing a small file. So that is done for all files of a second together. A process
that is killed loses nothing; a machine that loses power may lose the names of that second, never bytes under a name.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from seriesview.errors import StoreError
from seriesview.store.writer import AtomicWriter

SYNC_SECONDS = 1.0

_log = logging.getLogger("seriesview.node")


class LateSync:
    """Flushes writers a second after they were used; costs nothing while they are not."""

    def __init__(self, writers: tuple[AtomicWriter, ...], threads: ThreadPoolExecutor) -> None:
        self._writers = writers
        self._threads = threads
        self._timer: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """Flush in a second; called in the event loop."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SYNC_SECONDS, self._begin)

    def stop(self) -> None:
        """Flush now, for the last time."""
        if self._timer is not None:
            self._timer.cancel()
        self._flush()

    def _begin(self) -> None:
        self._timer = None
        self._threads.submit(self._flush)

    def _flush(self) -> None:
        for writer in self._writers:
            try:
                writer.flush()
            except StoreError as error:
                _log.warning("%s", error)
