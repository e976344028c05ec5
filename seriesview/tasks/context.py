"""What tasks run with: the store, the limits, and what is kept between tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seriesview.series.arrays import PartCache
from seriesview.series.series import Series
from seriesview.store.uris import parse_uri
from seriesview.tasks.limits import TaskLimits
from seriesview.tasks.opening import open_checked
from seriesview.tasks.reading_limit import count_reading
from seriesview.tasks.series_cache import SeriesCache

if TYPE_CHECKING:
    from seriesview.store import Store


class TaskContext:
    """One for all tasks of a process; safe in threads."""

    def __init__(self, store: Store, limits: TaskLimits | None = None) -> None:
        self.store = store
        self.limits = TaskLimits() if limits is None else limits
        self._parts = PartCache(self.limits.part_cache_bytes, count_reading)
        self._series = SeriesCache(self.limits.series_cache_bytes, self.limits.max_open_series)

    @contextmanager
    def series(self, uri: str) -> Iterator[Series]:
        """The series that a URI names, open until the block ends; raises SeriesviewError."""
        sha1 = parse_uri(uri)[0]
        with self._series.opened(
            sha1, lambda: open_checked(self.store, uri, self.limits, self._parts)
        ) as series:
            yield series

    def release(self) -> None:
        """Let go of everything kept that no task uses, memory and files; later tasks open it again."""
        self._series.clear()
        self._parts.clear()
