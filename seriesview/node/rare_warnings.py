"""Warnings in the node's log about what may happen thousands of times."""

import logging
import time

_SILENT_SECONDS = 60.0
_MOST_SUBJECTS = 1000
_log = logging.getLogger("seriesview.node")


class RareWarnings:
    """Says each thing at most once a minute."""

    def __init__(self) -> None:
        self._silent_until: dict[str, float] = {}

    def say(self, subject: str, text: str) -> None:
        """Log a text, unless something was said of the same subject a moment ago."""
        now = time.monotonic()
        if now < self._silent_until.get(subject, 0.0):
            return
        if len(self._silent_until) >= _MOST_SUBJECTS:
            self._silent_until.clear()
        self._silent_until[subject] = now + _SILENT_SECONDS
        _log.warning("%s", text)
