"""When the backend is to stop, and until when what is under way may take."""

from __future__ import annotations

import threading
import time


class Stopping:
    """Set once; whoever pauses wakes up then."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._deadline: float | None = None

    def begin(self, grace_seconds: float) -> None:
        """Stop; what is under way has `grace_seconds`."""
        self._deadline = time.monotonic() + grace_seconds
        self._event.set()

    @property
    def has_begun(self) -> bool:
        """Whether the backend stops."""
        return self._event.is_set()

    def seconds_left(self) -> float:
        """Seconds until everything must be over, 0 or more; infinity while nothing stops."""
        return float("inf") if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def pause(self, seconds: float) -> None:
        """Sleep, less long where the backend begins to stop meanwhile or has to be over."""
        if self.has_begun:
            time.sleep(min(seconds, self.seconds_left()))
        else:
            self._event.wait(seconds)

    def wait(self) -> None:
        """Return when the backend is to stop."""
        self._event.wait()
