"""What waits to be run: a bounded queue in which equal pure calculations are one piece of work."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from seriesview.backend.polling import RequestedTask

PURE_CALCULATION = "pure-calculation"

Admission = Literal["queued", "joined", "full", "closed"]


@dataclass(eq=False)
class Work:
    """One call of a function, and all who wait for it."""

    function_id: str
    function_type: str
    kwargs: Mapping[str, Any] = field(repr=False)
    key: tuple[str, ...] = field(repr=False)
    num_bytes: int
    received: float
    """`time.monotonic()` of the first request."""
    unanswered: dict[tuple[str, str], RequestedTask] = field(default_factory=dict, repr=False)
    """By channel and task ID, so that a task that is handed out twice is answered once."""


class WorkQueue:
    """Work in the order of its arrival; safe in threads."""

    def __init__(self, max_waiting: int, max_bytes: int) -> None:
        """Hold at most `max_waiting` pieces of work that wait, with `max_bytes` of arguments as JSON."""
        self._max_waiting = max_waiting
        self._max_bytes = max_bytes
        self._waiting: deque[Work] = deque()
        self._waiting_bytes = 0
        self._under_way: dict[tuple[str, ...], Work] = {}
        self._is_closed = False
        self._changed = threading.Condition()

    @property
    def num_waiting(self) -> int:
        """Pieces of work that nobody has begun."""
        return len(self._waiting)

    @property
    def num_running(self) -> int:
        """Pieces of work that were begun and are not answered yet."""
        return max(0, len(self._under_way) - len(self._waiting))

    def add(self, task: RequestedTask) -> Admission:
        """Queue a task, or let it join equal work that is under way."""
        arguments = json.dumps(task.kwargs, sort_keys=True, separators=(",", ":"))
        is_pure = task.function_type == PURE_CALCULATION
        key = (task.function_id, *((arguments,) if is_pure else (task.channel, task.task_id)))
        with self._changed:
            work = self._under_way.get(key)
            admission: Admission = "joined"
            if work is None:
                if self._is_closed:
                    return "closed"
                if (
                    len(self._waiting) >= self._max_waiting
                    or self._waiting_bytes + len(arguments) > self._max_bytes
                ):
                    return "full"
                work = Work(
                    task.function_id, task.function_type, task.kwargs, key, len(arguments), time.monotonic()
                )
                self._under_way[key] = work
                self._waiting.append(work)
                self._waiting_bytes += work.num_bytes
                self._changed.notify()
                admission = "queued"
            work.unanswered.setdefault((task.channel, task.task_id), task)
            return admission

    def take(self) -> Work | None:
        """Return the next piece of work, waiting for it; None when the queue is closed."""
        with self._changed:
            while not self._waiting:
                if self._is_closed:
                    return None
                self._changed.wait()
            work = self._waiting.popleft()
            self._waiting_bytes -= work.num_bytes
            return work

    def take_unanswered(self, work: Work) -> list[RequestedTask]:
        """Return who is to be answered now; where there is nobody left the work is over and cannot be joined."""
        with self._changed:
            tasks = list(work.unanswered.values())
            work.unanswered.clear()
            if not tasks:
                self._under_way.pop(work.key, None)
            return tasks

    def close(self) -> list[Work]:
        """Take no more; return the work that nobody has begun, which is for the caller to answer."""
        with self._changed:
            self._is_closed = True
            waiting = list(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            self._changed.notify_all()
            return waiting
