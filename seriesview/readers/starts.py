"""When a recording began, of which a file may tell the time of day alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Start:
    """The clock at the recording's time 0, local: as a date and time, or else seconds since midnight, if known."""

    session_start: str | None
    seconds_of_day: float = 0.0

    def zero(self, configured: str | None) -> float:
        """Seconds to add to the recording's own times, so that those without a date count from midnight."""
        return self.seconds_of_day if self.session_start is None and configured is None else 0.0
