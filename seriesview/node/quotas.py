"""What each holder of a token, and each browser, may ask of the node at most; kachery clients have no such limits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from seriesview.node.task_records import Task

_BURST_SECONDS = 5.0
"""What was not asked for during the last seconds may be asked for at once."""
_MOST_ACCOUNTS = 10_000


@dataclass(frozen=True)
class CallerLimits:
    """Limits of one caller, on all channels together."""

    requests: int = 500
    """Requests a second."""
    tasks: int = 1000
    """Tasks that were asked for and are not over."""
    argument_bytes: int = 4_000_000
    """Their arguments, as JSON."""
    result_bytes: int = 128 * 2**20
    """One result, and answers of windows that are not sent yet."""
    results_bytes: int = 50_000_000
    """Results a second."""


class Quotas:
    """Counts by account (`Caller.account`); belongs to one event loop."""

    def __init__(self, limits: CallerLimits) -> None:
        self.limits = limits
        self._accounts: dict[str, _Account] = {}

    def check_request(self, account: str) -> None:
        """Count a request; HTTPException 429 where there were too many."""
        if not account:
            return
        seconds = self._account(account).requests.seconds_until(1, self.limits.requests)
        if seconds > 0:
            raise too_many(f"more than {self.limits.requests} requests a second", seconds)

    def check_result(self, account: str, num_bytes: int) -> None:
        """Count a result that is about to be stored; HTTPException 413 where it is too large, 429 for too many."""
        if not account:
            return
        limits = self.limits
        if num_bytes > limits.result_bytes:
            raise HTTPException(
                413, f"a result of {num_bytes} bytes is not taken: at most {limits.result_bytes} are"
            )
        seconds = self._account(account).results.seconds_until(num_bytes, limits.results_bytes)
        if seconds > 0:
            raise too_many(f"more than {limits.results_bytes} bytes of results a second", seconds)

    def check_task(self, account: str, num_bytes: int) -> None:
        """Raise HTTPException 429 where a caller waits for too many tasks to ask for one more."""
        if not account:
            return
        limits, tasks = self.limits, self._account(account).tasks
        if len(tasks) >= limits.tasks:
            raise too_many(f"{limits.tasks} of your tasks wait for a backend", 1.0)
        if sum(tasks.values()) + num_bytes > limits.argument_bytes:
            raise too_many(
                f"your tasks that wait have more than {limits.argument_bytes} bytes of arguments", 1.0
            )

    def add_task(self, account: str, task: Task) -> None:
        """Count a task until it is over."""
        tasks = self._account(account).tasks if account and not task.is_final else {task: 0}
        if task not in tasks:
            tasks[task] = len(task.kwargs)
            task.when_final().add_done_callback(lambda _: tasks.pop(task, None))

    @contextmanager
    def holding(self, account: str, num_bytes: int) -> Iterator[None]:
        """Count what is as good as a task, with so many bytes of arguments, within the block."""
        tasks = self._account(account).tasks if account else {}
        mark = object()
        tasks[mark] = num_bytes
        try:
            yield
        finally:
            tasks.pop(mark, None)

    @contextmanager
    def sending(self, account: str, num_bytes: int) -> Iterator[None]:
        """Count what lies in memory until it is sent, within the block; HTTPException 429 where it is too much."""
        if not account:
            yield
            return
        limits, kept = self.limits, self._account(account)
        if kept.sending and kept.sending + num_bytes > limits.result_bytes:
            raise too_many(f"more than {limits.result_bytes} bytes of answers that you have not read", 1.0)
        kept.sending += num_bytes
        try:
            yield
        finally:
            kept.sending -= num_bytes

    def _account(self, name: str) -> "_Account":
        account = self._accounts.get(name)
        if account is None:
            if len(self._accounts) >= _MOST_ACCOUNTS:
                self._accounts = {key: one for key, one in self._accounts.items() if not one.is_idle()}
            account = self._accounts[name] = _Account()
        return account


class _Rate:
    """What a caller did lately: the time when all of it is paid off."""

    def __init__(self) -> None:
        self.until = 0.0

    def seconds_until(self, amount: float, a_second: float) -> float:
        """Count `amount` and return 0 where it is within the rate, else the seconds until it will be."""
        now = time.monotonic()
        begin = max(now, self.until)
        if begin - now > _BURST_SECONDS:
            return begin - now - _BURST_SECONDS
        self.until = begin + amount / a_second
        return 0.0


class _Account:
    def __init__(self) -> None:
        self.requests = _Rate()
        self.results = _Rate()
        self.tasks: dict[object, int] = {}
        self.sending = 0

    def is_idle(self) -> bool:
        return (
            not self.tasks
            and not self.sending
            and max(self.requests.until, self.results.until) < time.monotonic()
        )


def too_many(what: str, seconds: float) -> HTTPException:
    """Return the answer to a caller who is above a limit."""
    whole = max(1, round(seconds + 0.5))
    return HTTPException(
        429, f"Too much at once: {what}. Ask again in {whole} s.", {"Retry-After": str(whole)}
    )
