"""Trying again after faults that pass: growing pauses that can be ended at once. What stays is said in words."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

FIRST_PAUSE = 0.5
MOST_PAUSE = 32.0
"""Seconds; each pause is twice the one before, and up to a quarter of it longer."""
TRIES = 8
FIRST_CONTACT_TRIES = 4


class StoppedError(Exception):
    """The publishing was ended while this waited for another try."""


class Retrying:
    """Tries again until it works, `is_passing` denies it, or the tries are used up. Safe in threads.

    `told` puts the fault that ends it in words; None for what is none of the service's.
    """

    def __init__(
        self, is_passing: Callable[[Exception], bool], told: Callable[[Exception], Exception | None]
    ) -> None:
        self.is_passing = is_passing
        self._told = told
        self._stopped = threading.Event()
        self._has_answered = False

    def call(self, function: Callable[[], Result]) -> Result:
        """What `function` returns; raises its last error in words, or StoppedError."""
        failed = 0
        while True:
            try:
                result = function()
            except Exception as error:
                failed += 1
                self.pause(error, failed)
            else:
                self._has_answered = True
                return result

    def pause(self, error: Exception, failed: int) -> None:
        """Wait after so many tries failed in a row; raises StoppedError, or `error` in words."""
        # A service that never answered is probably not there, or not reachable from here.
        most = TRIES if self._has_answered else FIRST_CONTACT_TRIES
        if not self.is_passing(error) or failed >= most:
            told = self._told(error)
            if told is None:
                raise error
            raise told from error
        seconds = min(FIRST_PAUSE * 2 ** (failed - 1), MOST_PAUSE) * random.uniform(1, 1.25)
        if self._stopped.wait(seconds):
            raise StoppedError from error

    def stop(self) -> None:
        """End all waiting, now and later."""
        self._stopped.set()
