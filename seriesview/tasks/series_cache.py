"""Opened series that are kept between tasks; each is closed when nobody uses it and others need the room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from seriesview.series.series import Series


class SeriesCache:
    """At most `max_bytes` and `max_series` of opened series (those in use are kept in any case), by SHA-1.

    Safe in threads. A series that many ask for at once is opened once.
    """

    def __init__(self, max_bytes: int, max_series: int) -> None:
        self._max_bytes = max_bytes
        self._max_series = max_series
        self._bytes = 0
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @contextmanager
    def opened(self, sha1: str, opener: Callable[[], tuple[Series, int]]) -> Iterator[Series]:
        """The series, opened with `opener`, which also says its bytes in memory, where it is not here."""
        with self._lock:
            entry = self._entries.setdefault(sha1, _Entry())
            self._entries.move_to_end(sha1)
            entry.users += 1
        try:
            with entry.opening:
                if entry.series is None:
                    entry.series, num_bytes = opener()
                    with self._lock:
                        entry.num_bytes = num_bytes
                        self._bytes += num_bytes
            yield entry.series
        finally:
            with self._lock:
                entry.users -= 1
                dropped = self._over(self._max_bytes, self._max_series)
            _close(dropped)

    def clear(self) -> None:
        """Let go of every series that is not in use."""
        with self._lock:
            dropped = self._over(0, 0)
        _close(dropped)

    def _over(self, max_bytes: int, max_series: int) -> list[_Entry]:
        """Take out unused series, the least recently used first, until the rest fits."""
        dropped = []
        for sha1, entry in list(self._entries.items()):
            fits = self._bytes <= max_bytes and len(self._entries) <= max_series
            if entry.users == 0 and (not fits or entry.series is None):
                del self._entries[sha1]
                self._bytes -= entry.num_bytes
                dropped.append(entry)
        return dropped


class _Entry:
    """One series and how many tasks use it; without a series while it is being opened, or when that failed."""

    def __init__(self) -> None:
        self.series: Series | None = None
        self.num_bytes = 0
        self.users = 0
        self.opening = threading.Lock()


def _close(entries: list[_Entry]) -> None:
    for entry in entries:
        if entry.series is not None:
            entry.series.close()
