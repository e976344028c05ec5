"""Windows for whoever asks the node of this process: read at once, with no task between."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from seriesview.backend.backend import BackendLimits
from seriesview.backend.backend_id import BackendId
from seriesview.backend.logs import log_cause
from seriesview.backend.outcomes import failure
from seriesview.errors import TaskError
from seriesview.tasks.context import TaskContext
from seriesview.tasks.functions import run_window

WINDOW_FUNCTION = "seriesview.get_window.1"
"""The task function that gives the same."""
_LENGTH_BYTES = 4
_ALIGNED_BYTES = 8

Answer = tuple[bytes | memoryview, ...]
"""What is sent, in pieces."""


@dataclass(frozen=True)
class _Asked:
    kwargs: Mapping[str, Any]
    is_given_up: Callable[[], bool]
    answer: Future[Answer]


class DirectWindows:
    """Answers as a backend on these channels would, within the same limits, from `context`, to requests of its ID."""

    def __init__(
        self,
        context: TaskContext,
        channels: Sequence[str],
        backend_id: BackendId | None = None,
        limits: BackendLimits | None = None,
    ) -> None:
        """With `backend_id` only requests that carry it are answered, without it only those that carry none."""
        self._context = context
        self._channels = frozenset(channels)
        self._backend_id = backend_id
        self._limits = limits or BackendLimits()
        self._waiting: SimpleQueue[_Asked | None] = SimpleQueue()
        # One that waits for a disk must not keep the process.
        self._threads = [
            threading.Thread(target=self._work, name=f"seriesview-window-{number}", daemon=True)
            for number in range(self._limits.workers)
        ]
        self._lock = threading.Lock()
        self._num_open = 0
        self._is_started = self._is_used = self._is_closed = False

    def serves(self, channel: str, backend_id: str | None) -> bool:
        """Whether requests on a channel that carry this ID, or none, are answered here."""
        is_mine = backend_id is None if self._backend_id is None else self._backend_id.matches(backend_id)
        return is_mine and channel in self._channels

    def start(self, kwargs: Mapping[str, Any], is_given_up: Callable[[], bool]) -> Future[Answer]:
        """Begin to read the window that get_window would give of these arguments; its answer, in pieces.

        4 bytes, little-endian, say how long the JSON behind them is: `{status: "finished", result}` with `{dtype,
        shape}` in place of the array, whose bytes follow, or `{status: "error", errorMessage}` as a task has it.
        """
        answer: Future[Answer] = Future()
        with self._lock:
            self._is_used = True
            problem = self._reason_to_refuse()
            if problem is None:
                self._num_open += 1
                self._start_threads()
                self._waiting.put(_Asked(kwargs, is_given_up, answer))
        if problem is not None:
            answer.set_result(_problem(problem))
        else:
            # It is called at once where all is done by now, and wants the lock.
            answer.add_done_callback(self._end)
        return answer

    def was_used(self) -> bool:
        """Whether a window was asked for since this was called last."""
        with self._lock:
            was_used, self._is_used = self._is_used, self._num_open > 0
            return was_used

    def close(self, seconds: float = 1.0) -> bool:
        """Begin no further ones, and wait so long for those that are being read; returns whether they have ended."""
        with self._lock:
            self._is_closed = True
        with suppress(Empty):
            while (asked := self._waiting.get_nowait()) is not None:
                asked.answer.cancel()
        for _ in self._threads:
            self._waiting.put(None)
        end = time.monotonic() + seconds
        for thread in self._threads if self._is_started else ():
            thread.join(max(end - time.monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def _reason_to_refuse(self) -> TaskError | None:
        if self._is_closed:
            return TaskError("the backend is stopping; ask again in a moment", code="backend-stopping")
        waiting = self._num_open - self._limits.workers
        if waiting < self._limits.max_waiting:
            return None
        return TaskError(
            f"the backend is busy: {waiting} windows wait already; ask again later", code="too-busy"
        )

    def _start_threads(self) -> None:
        if not self._is_started:
            self._is_started = True
            for thread in self._threads:
                thread.start()

    def _work(self) -> None:
        while (asked := self._waiting.get()) is not None:
            if not asked.answer.set_running_or_notify_cancel():
                continue
            try:
                asked.answer.set_result(self._answer(asked.kwargs, asked.is_given_up))
            except BaseException as error:
                asked.answer.set_exception(error)

    def _end(self, _: object) -> None:
        with self._lock:
            self._num_open -= 1

    def _answer(self, kwargs: Mapping[str, Any], is_given_up: Callable[[], bool]) -> Answer:
        try:
            result, array = run_window(self._context, kwargs, is_given_up)
        except TaskError as error:
            cause = error.__cause__
            if cause is not None and str(cause) != str(error) and not is_given_up():
                log_cause(WINDOW_FUNCTION, cause)
            return _problem(error)
        return _head({"status": "finished", "result": result}), array.reshape(-1).view(np.uint8).data


def _problem(error: TaskError) -> tuple[bytes, ...]:
    return (_head({"status": "error", "errorMessage": failure(error).error}),)


def _head(said: dict[str, Any]) -> bytes:
    """The JSON with its length before it, padded so that numbers of any size can follow."""
    text = json.dumps(said, separators=(",", ":"), allow_nan=False).encode("ascii")
    text += b" " * (-(_LENGTH_BYTES + len(text)) % _ALIGNED_BYTES)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text
