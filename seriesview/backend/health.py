"""How a backend is doing: counts of what it did, for the health check and the log."""

from __future__ import annotations

import threading
import time
from collections import Counter

from seriesview.backend.memory import resident_bytes

HEALTH_FUNCTION = "seriesview.get_health.1"


class Health:
    """Counts, since the backend was started; safe in threads."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._counts = Counter(requests=0, finished=0, failed=0, joined=0, rejected=0, unreported=0)
        self._lock = threading.Lock()

    def count(self, what: str, number: int = 1) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[what] += number

    def summary(self) -> dict[str, int | float]:
        """Counts, seconds since the start and megabytes of memory."""
        with self._lock:
            counts: dict[str, int | float] = dict(self._counts)
        return {
            "uptime_seconds": round(time.monotonic() - self._start, 1),
            **counts,
            "memory_mb": round(resident_bytes() / 1e6, 1),
        }
