"""Asking for tasks on the tests' channel, at once or in a thread."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from serving_processes import CHANNEL
from waiting import MOST_SECONDS

from seriesview.backend.requesting import request_task
from seriesview.errors import SeriesviewError

ask = partial(request_task, channel=CHANNEL, timeout=MOST_SECONDS)


class Asked(threading.Thread):
    """A request in a thread of its own, and what came of it."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(daemon=True)
        self._call = partial(ask, *arguments, **more)
        self.answer: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._call()
        except SeriesviewError as error:
            self.answer = error

    def result(self, seconds: float = MOST_SECONDS) -> Any:
        self.join(seconds)
        assert not self.is_alive()
        return self.answer
