"""Windows for whoever asks the node of this process: read at once, with no task between."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
        self._threads = ThreadPoolExecutor(self._limits.workers, "seriesview-window")
        self._lock = threading.Lock()
        self._num_open = 0
        self._is_used = False
        self._is_closed = False

    def serves(self, channel: str, backend_id: str | None) -> bool:
        """Whether requests on a channel that carry this ID, or none, are answered here."""
        is_mine = backend_id is None if self._backend_id is None else self._backend_id.matches(backend_id)
        return is_mine and channel in self._channels

    def start(
        self, kwargs: Mapping[str, Any], is_given_up: Callable[[], bool]
    ) -> Future[tuple[bytes | memoryview, ...]]:
        """Begin to read the window that get_window would give of these arguments; its answer, in pieces.

        4 bytes, little-endian, say how long the JSON behind them is: `{status: "finished", result}` with `{dtype,
        shape}` in place of the array, whose bytes follow, or `{status: "error", errorMessage}` as a task has it.
        """
        with self._lock:
            self._is_used = True
            problem = self._reason_to_refuse()
            if problem is None:
                future = self._threads.submit(self._answer, kwargs, is_given_up)
                self._num_open += 1
        if problem is not None:
            refused: Future[tuple[bytes | memoryview, ...]] = Future()
            refused.set_result(_problem(problem))
            return refused
        # It is called at once where all is done by now, and wants the lock.
        future.add_done_callback(self._end)
        return future

    def was_used(self) -> bool:
        """Whether a window was asked for since this was called last."""
        with self._lock:
            was_used, self._is_used = self._is_used, self._num_open > 0
            return was_used

    def close(self) -> None:
        """Begin no further ones, and wait for those that are being read."""
        with self._lock:
            self._is_closed = True
        self._threads.shutdown(cancel_futures=True)

    def _reason_to_refuse(self) -> TaskError | None:
        if self._is_closed:
            return TaskError("the backend is stopping; ask again in a moment", code="backend-stopping")
        waiting = self._num_open - self._limits.workers
        if waiting < self._limits.max_waiting:
            return None
        return TaskError(
            f"the backend is busy: {waiting} windows wait already; ask again later", code="too-busy"
        )

    def _end(self, _: object) -> None:
        with self._lock:
            self._num_open -= 1

    def _answer(
        self, kwargs: Mapping[str, Any], is_given_up: Callable[[], bool]
    ) -> tuple[bytes | memoryview, ...]:
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
