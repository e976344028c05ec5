"""The resident backend: takes tasks by long poll, runs them in a few threads, reports every outcome."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from seriesview.backend.backend_id import BackendId
from seriesview.backend.client import DaemonClient, Unreachable
from seriesview.backend.health import HEALTH_FUNCTION, Health
from seriesview.backend.logs import LOGGER_NAME, explained, fields, log_cause, one_line_traceback
from seriesview.backend.memory import give_back_memory
from seriesview.backend.outcomes import Outcome, encode_result, failure
from seriesview.backend.polling import LongPoll, RequestedTask
from seriesview.backend.reporting import Reporter, ResultBucket
from seriesview.backend.stopping import Stopping
from seriesview.backend.work import Work, WorkQueue
from seriesview.errors import BackendError, SeriesviewError, TaskError
from seriesview.tasks.failures import public_error

_log = logging.getLogger(LOGGER_NAME)

_PAUSE_AFTER_REFUSAL = 5.0
_LEAVING_SECONDS = 1.0
_THREADS_A_WORKER = 2
_BATCH_SECONDS = 0.01
"""While all workers have something to do tasks are fetched several at a time."""


@dataclass(frozen=True)
class Function:
    """A task function: its type in the protocol, and what is called with the task's arguments."""

    type: str
    call: Callable[[Mapping[str, Any]], object]


@dataclass(frozen=True)
class BackendLimits:
    """How much the backend takes on."""

    workers: int = 4
    """Tasks that run at the same time."""
    max_waiting: int = 5000
    """Tasks that wait for a worker; further ones are answered with an error."""
    max_waiting_bytes: int = 64 * 2**20
    """Their arguments, as JSON."""
    max_result_bytes: int = 96 * 2**20
    """A result, as JSON."""
    keep_seconds: float = 600.0
    """How long an outcome is kept while the daemon is away."""
    grace_seconds: float = 5.0
    """How long tasks that run may take when the backend stops."""
    idle_seconds: float = 30.0
    """After so long without a task `when_idle` is called, once."""


class Backend:
    """Answers tasks on some channels until it is stopped."""

    def __init__(
        self,
        client: DaemonClient,
        channels: Sequence[str],
        functions: Mapping[str, Function],
        backend_id: BackendId | None = None,
        limits: BackendLimits | None = None,
        when_idle: Callable[[], None] | None = None,
        bucket: ResultBucket | None = None,
        was_used: Callable[[], bool] = lambda: False,
    ) -> None:
        """Answer with `functions` (ID -> function), and with the health check.

        With `backend_id` only requests that carry it are answered, without it only those that carry none. Results
        go into `bucket` where there is one. `was_used` says whether what `when_idle` lets go of was used without a
        task since it was asked last.
        """
        self._client = client
        self._channels = tuple(channels)
        self._limits = limits or BackendLimits()
        self._functions = {**functions, HEALTH_FUNCTION: Function("query", lambda _: self.health())}
        self._when_idle = when_idle
        self._was_used = was_used
        self._stopping = Stopping()
        self._health = Health()
        self._reporter = Reporter(client, self._limits.keep_seconds, self._stopping, bucket)
        self._poll = LongPoll(
            client, self._channels, {name: one.type for name, one in self._functions.items()}, backend_id
        )
        self._queue = WorkQueue(self._limits.max_waiting, self._limits.max_waiting_bytes)
        # Health is answered while all workers are busy.
        self._health_queue = WorkQueue(100, 2**20)
        self._running: dict[Work, None] = {}
        self._threads: list[threading.Thread] = []
        self._poller: threading.Thread | None = None

    def start(self) -> None:
        """Register, then answer in threads of their own; raises BackendError where registering is refused."""
        first = self._poll.wait(0.001)
        # More threads than run tasks: the others wait for the daemon, with what came of theirs.
        slots = threading.BoundedSemaphore(self._limits.workers)
        for number in range(_THREADS_A_WORKER * self._limits.workers):
            self._start_thread(f"seriesview-worker-{number}", lambda: self._work(self._queue, slots))
        self._start_thread("seriesview-health", lambda: self._work(self._health_queue, nullcontext()))
        self._poller = self._start_thread("seriesview-poll", lambda: self._poll_until_stopped(first))

    def health(self) -> dict[str, Any]:
        """How this backend is doing; sent to whoever asks for `seriesview.get_health.1`."""
        return {
            "status": "stopping" if self._stopping.has_begun else "ok",
            "version": version("seriesview"),
            "channels": list(self._channels),
            "workers": self._limits.workers,
            "running": self._queue.num_running,
            "waiting": self._queue.num_waiting,
            "is_connected": self._client.is_connected,
            **self._health.summary(),
        }

    def stop(self) -> bool:
        """Take no more tasks, finish or report what is under way within the grace; returns whether all ended."""
        self._stopping.begin(self._limits.grace_seconds)
        problem = _stopping()
        waiting = self._queue.close() + self._health_queue.close()
        if self._client.is_node:
            # A kachery daemon would hand tasks to a poll that was closed; there it is left to end by itself.
            self._poll.cut()
            self._leave()
        for work in waiting:
            if self._stopping.seconds_left() > 0:
                self._answer(work, failure(problem))
        for thread in self._threads:
            thread.join(self._stopping.seconds_left())
        stopped = TaskError(
            "the backend was stopped before this task was done; ask again", code="backend-stopping"
        )
        for work in list(self._running):
            self._answer(work, failure(stopped))
        self._poll.cut()
        return not any(thread.is_alive() for thread in self._threads)

    def _leave(self) -> None:
        if self._poller is not None:
            # What it has just got is answered for; only then is it known what was lost on the way.
            self._poller.join(min(_LEAVING_SECONDS, self._stopping.seconds_left()))
            if not self._poller.is_alive():
                with suppress(BackendError):
                    self._poll.leave()

    def _start_thread(self, name: str, run: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    # Polling

    def _poll_until_stopped(self, first: list[RequestedTask]) -> None:
        for task in first:
            self._accept(task)
        pause, lost_since = 0.0, None
        idle_since: float | None = time.monotonic()
        while not self._stopping.has_begun:
            try:
                tasks = self._poll.wait()
            except Exception as error:
                if self._stopping.has_begun:
                    break
                if lost_since is None:
                    lost_since = time.monotonic()
                    _log.warning(fields("disconnected", error=explained(error)))
                pause = min(max(2 * pause, 0.02), self._client.longest_pause)
                self._stopping.pause(pause if isinstance(error, Unreachable) else _PAUSE_AFTER_REFUSAL)
                continue
            if lost_since is not None:
                _log.info(fields("connected", seconds_lost=time.monotonic() - lost_since))
            pause, lost_since = 0.0, None
            for task in tasks:
                self._accept(task)
            if self._queue.num_waiting > self._limits.workers:
                time.sleep(_BATCH_SECONDS)
            if self._was_used() or tasks or self._running:
                idle_since = time.monotonic()
            elif idle_since is not None and time.monotonic() - idle_since >= self._limits.idle_seconds:
                idle_since = None
                self._rest()
        self._poll.close()

    def _rest(self) -> None:
        """Let go of what is only kept for speed."""
        if self._when_idle is not None:
            self._when_idle()
        give_back_memory()

    def _accept(self, task: RequestedTask) -> None:
        """Queue a task, or say at once why not."""
        self._health.count("requests")
        function = self._functions.get(task.function_id)
        if function is None or task.channel not in self._channels:
            problem = f"this backend does not provide {task.function_id}"
            return self._reject(task, TaskError(problem, code="no-backend"))
        if task.function_type != function.type:
            problem = (
                f"{task.function_id} is of type {function.type}, and was requested as {task.function_type}"
            )
            return self._reject(task, TaskError(problem, code="bad-request"))
        queue = self._health_queue if task.function_id == HEALTH_FUNCTION else self._queue
        admission = queue.add(task)
        if admission == "joined":
            self._health.count("joined")
        elif admission == "full":
            problem = f"the backend is busy: {queue.num_waiting} tasks wait already; ask again later"
            self._reject(task, TaskError(problem, code="too-busy"))
        elif admission == "closed":
            self._reject(task, _stopping())
        return None

    def _reject(self, task: RequestedTask, problem: TaskError) -> None:
        # In the polling thread: while rejections are reported no further tasks come in.
        self._health.count("rejected")
        begin = time.monotonic()
        outcome, error = self._report([task], failure(problem))
        self._log_task(task.function_id, outcome, begin, begin, begin, 1, error)

    # Working

    def _work(self, queue: WorkQueue, slots: AbstractContextManager[object]) -> None:
        while True:
            with slots:
                work = queue.take()
                if work is None:
                    return
                self._running[work] = None
                begin = time.monotonic()
                outcome = self._run(work)
                end = time.monotonic()
            try:
                self._answer(work, outcome, begin, end)
            finally:
                self._running.pop(work, None)

    def _run(self, work: Work) -> Outcome:
        function = self._functions[work.function_id]
        try:
            value = function.call(work.kwargs)
            if function.type == "action":
                return Outcome()
            return Outcome(encode_result(value, self._limits.max_result_bytes))
        except SeriesviewError as error:
            cause = error.__cause__
            if cause is not None and str(cause) != str(error):
                self._log_cause(work, cause)
            return failure(error)
        except MemoryError as error:
            return failure(public_error(error))
        except Exception as error:
            self._log_cause(work, error)
            return failure(public_error(error))

    def _answer(
        self, work: Work, outcome: Outcome, begin: float | None = None, end: float | None = None
    ) -> None:
        """Report to all who wait for a piece of work, those included who join while it is being reported."""
        queue = self._health_queue if work.function_id == HEALTH_FUNCTION else self._queue
        now = time.monotonic()
        while tasks := queue.take_unanswered(work):
            told, problem = self._report(tasks, outcome)
            self._count(told, len(tasks), problem)
            self._log_task(
                work.function_id, told, work.received, begin or now, end or now, len(tasks), problem
            )

    def _report(self, tasks: list[RequestedTask], outcome: Outcome) -> tuple[Outcome, SeriesviewError | None]:
        """Return what was told to those who wait, and why that did not reach them, if so."""
        try:
            return self._reporter.report(tasks, outcome), None
        except BackendError as error:
            return outcome, error
        except Exception as error:
            # Out of memory, say: nobody must be left waiting.
            _log.error(fields("fault", traceback=one_line_traceback(error)))
            if outcome.result is None:
                return outcome, BackendError(type(error).__name__)
            problem = TaskError(f"the result cannot be sent ({type(error).__name__})")
            return self._report(tasks, failure(problem))

    def _count(self, outcome: Outcome, number: int, problem: SeriesviewError | None) -> None:
        if problem is not None:
            self._health.count("unreported", number)
        else:
            self._health.count("failed" if outcome.error is not None else "finished", number)

    def _log_cause(self, work: Work, error: BaseException) -> None:
        log_cause(work.function_id, error)

    def _log_task(
        self,
        function_id: str,
        outcome: Outcome,
        received: float,
        begin: float,
        end: float,
        number: int,
        problem: SeriesviewError | None,
    ) -> None:
        line = fields(
            "task",
            task=function_id,
            outcome=outcome.status if problem is None else "unreported",
            milliseconds=1000 * (time.monotonic() - received),
            waited=1000 * (begin - received),
            ran=1000 * (end - begin),
            size=None if outcome.result is None else len(outcome.result),
            requests=number,
            error=outcome.error,
            problem=None if problem is None else str(problem),
        )
        _log.log(logging.INFO if problem is None and outcome.error is None else logging.WARNING, line)


def _stopping() -> TaskError:
    return TaskError("the backend is stopping; ask again in a moment", code="backend-stopping")
