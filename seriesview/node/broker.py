"""Brings tasks and backends together: matching, merging, leases, outcomes. Knows nothing of HTTP.

A backend is known by its polls alone. One that names itself (INSTANCE_HEADER in `task_routes`) is alive while it has
an open poll, and for `lease_seconds` after its last poll or status; so a backend that is too busy to poll sends
`running` for a task now and then. Others are told apart by address and functions: a poll that follows shortly on
another's end, with no sign of a client that starts, is taken for the same backend's next one, and a poll that its
client closed is that backend's last.
"""

import asyncio
import hashlib
import hmac
import itertools
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from seriesview.node import task_errors
from seriesview.node.canonical import canonical_json, javascript_json, task_hash_of_json
from seriesview.node.providers import Prospect, Providers
from seriesview.node.task_ids import new_task_id, protected_hash, time_of_task_id
from seriesview.node.task_queues import TaskQueues
from seriesview.node.task_records import (
    BrokerLimits,
    Offer,
    Poll,
    Provider,
    Task,
    TaskStatus,
)
from seriesview.terms import FunctionType

_TEND_SECONDS = 0.5
_CLOCK_SECONDS = 2.0
"""How far the clocks of this machine and of the storage's may be apart."""


class Results(Protocol):
    """Where results are stored."""

    def result_path(self, channel: str, sha1: str) -> str:
        """Return the bucket path of a result."""

    def exists(self, path: str) -> bool:
        """Return whether something is stored under a bucket path."""

    def note_used(self, path: str) -> None:
        """Note that what is stored under a bucket path is asked for again."""

    def stored(self, path: str) -> float:
        """Return when that was stored, in seconds since 1970; OSError where there is nothing."""


class TaskBroker:
    """All tasks and backends of one node; belongs to one event loop."""

    def __init__(
        self, key: bytes, results: Results, limits: BrokerLimits | None = None, hides_results: bool = False
    ) -> None:
        self.limits = limits or BrokerLimits()
        self._key = hmac.digest(key, b"backend IDs", hashlib.sha256)
        self._hidden = hmac.digest(key, b"results", hashlib.sha256) if hides_results else b""
        self._results = results
        self._providers = Providers(self.limits)
        self._tasks: dict[tuple[str, str], Task] = {}
        self._queues = TaskQueues(self.limits)
        self._kept: deque[tuple[float, tuple[str, str], Task]] = deque()
        self._numbers = itertools.count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    # Requesters

    def owner(self, backend_id: str | None) -> bytes:
        """Return what stands for a backend ID here: a keyed hash; empty for None."""
        if backend_id is None:
            return b""
        return hmac.digest(self._key, backend_id.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def canonical(self, kwargs: dict[str, Any]) -> bytes:
        """Return arguments as backends get them; ValueError where they cannot be JSON or are too large."""
        canonical = canonical_json(kwargs)
        if len(canonical) > (most := self.limits.max_kwargs_bytes):
            raise ValueError(f"{len(canonical)} bytes of arguments, {most} are allowed")
        return canonical

    def request(
        self,
        channel: str,
        function_id: str,
        function_type: FunctionType,
        kwargs: dict[str, Any],
        owner: bytes = b"",
    ) -> Task:
        """Return the task that a request stands for, which may be another request's, or over already.

        Raises ValueError where `kwargs` cannot be JSON or are too large.
        """
        canonical = self.canonical(kwargs)
        offer = Offer(channel, function_id, function_type, owner)
        result_hash = protected_hash(task_hash_of_json(function_id, canonical), owner or self._hidden)
        if function_type != "pure-calculation":
            # Only the order of keys is lost by sorting, but functions that are not pure may look at it.
            return self._begin(Task(offer, new_task_id(), result_hash, javascript_json(kwargs)))
        same = self._tasks.get((channel, result_hash))
        if same is not None and not same.is_final:
            return same
        task = Task(offer, result_hash, result_hash, canonical)
        if self._has_result(task):
            self._results.note_used(self._results.result_path(channel, result_hash))
            task.conclude("finished", None)
            return task
        return self._begin(task)

    def find(self, channel: str, task_id: str) -> Task | None:
        """Return a task that is under way or whose outcome is still known."""
        return self._tasks.get((channel, task_id))

    def has_result(self, channel: str, result_hash: str) -> bool:
        """Return whether a result is stored."""
        return self._results.exists(self._results.result_path(channel, result_hash))

    def has_result_of(self, channel: str, task_id: str, result_hash: str) -> bool:
        """Return whether the result of a query that this broker does not know is stored."""
        try:
            path = self._results.result_path(channel, result_hash)
            return self._results.stored(path) > time_of_task_id(task_id) - _CLOCK_SECONDS
        except (OSError, ValueError):
            return False

    def prospect(self, task: Task) -> Prospect:
        """Return what a task that waits can expect."""
        return self._providers.prospect(task.offer)

    # Backends

    def note_start(self, address: str) -> None:
        """Note that a client at an address may just have started, so that it is not taken for an older one."""
        self._providers.note_start(address)

    def open_poll(
        self,
        functions: Iterable[tuple[str, str, FunctionType]],
        owner: bytes = b"",
        address: str = "",
        instance: str | None = None,
        is_local: bool = True,
        number: int = 0,
        received: int = 0,
    ) -> Poll:
        """Register what a backend can run for as long as its poll is open; raises NodeError.

        `functions` are (channel, function ID, type), `address` is where the backend is, `instance` what it calls
        itself. One that does may number its polls from 1, and say of which it `received` the answer last: what was
        in an answer that did not arrive is handed out again. The poll must be closed.
        """
        offers = frozenset(Offer(*function, owner) for function in functions)
        poll = self._providers.open_poll(offers, owner, address, instance, is_local)
        if self._is_closed:
            poll.ready.set_result(None)
            return poll
        if number and not self._follow_on(poll, number, received):
            poll.ready.set_result(None)
            return poll
        self._refuse_other_types(poll.offers)
        self._fill(poll)
        return poll

    def _follow_on(self, poll: Poll, number: int, received: int) -> bool:
        """End what came before a numbered poll; returns whether it is its backend's newest."""
        provider = poll.provider
        if number <= provider.last_number:
            return False
        poll.number = provider.last_number = number
        answered, handed = provider.handed
        lost = [] if received >= answered else [task for task in handed if task in provider.tasks]
        for task in lost:
            del provider.tasks[task]
            task.holder = None
            task.attempts -= 1
            task.status = "waiting"
        provider.handed = (answered, [])
        for other in provider.polls - {poll}:
            # Its backend has given it up, so nobody hears the answer.
            tasks, other.tasks = other.tasks, []
            lost += [task for task in tasks if not task.is_final]
            self._providers.close_poll(other, is_gone=False)
            if not other.ready.done():
                other.ready.set_result(None)
        self._requeue(sorted(lost, key=lambda task: task.number))
        return True

    def close_poll(self, poll: Poll, is_gone: bool = False) -> list[Task]:
        """Close a poll and return its tasks, which its backend now has.

        Where the client is gone, its tasks go to others and none are returned.
        """
        self._providers.close_poll(poll, is_gone)
        tasks, poll.tasks = poll.tasks, []
        if is_gone:
            self._requeue([task for task in tasks if not task.is_final])
            return []
        now = time.monotonic()
        handed = [task for task in tasks if not task.is_final]
        for task in handed:
            task.since = now
            task.attempts += 1
            task.holder = poll.provider
            poll.provider.tasks[task] = None
        if poll.number:
            poll.provider.handed = (poll.number, handed)
        self._tend_later()
        return handed

    def lose_connection(self, poll: Poll) -> None:
        """Note that the connection has ended on which a named backend polls, and `poll` was its last poll there."""
        self._providers.lose_connection(poll.provider)

    def update(
        self, channel: str, task_id: str, status: TaskStatus, error_message: str | None = None
    ) -> None:
        """Take a backend's report; what comes after the final status is ignored."""
        task = self._tasks.get((channel, task_id))
        message = task_errors.reported(error_message) if status == "error" else None
        if task is None:
            if status in ("finished", "error"):
                # From before a restart: whoever asked then may still ask for the outcome.
                offer = Offer(channel, "", "action", b"")
                self._settle(Task(offer, task_id, task_id, b""), status, message)
            return
        if task.is_final:
            return
        if task.holder is not None:
            self._providers.heard(task.holder)
        if status == "finished" and task.offer.function_type != "action" and not self._has_result(task):
            status, message = "error", task_errors.without_result()
        if status in ("finished", "error"):
            self._settle(task, status, message)
        else:
            task.status = status
            task.since = time.monotonic()

    def close(self) -> None:
        """Have all polls and waits answered with what is known now, so that the node can stop."""
        self._is_closed = True
        self._providers.release_polls()
        for task in self._tasks.values():
            task.wake()
        if self._timer is not None:
            self._timer.cancel()

    # Matching

    def _begin(self, task: Task) -> Task:
        if self._is_closed:
            problem: str | None = task_errors.stopping()
        else:
            problem = self._queues.reason_to_refuse(task) or self._providers.type_mismatch(task.offer)
        if problem is not None:
            task.conclude("error", problem)
            return task
        task.number = next(self._numbers)
        self._tasks[task.offer.channel, task.task_id] = task
        self._queues.push(task, time.monotonic())
        self._dispatch(task.offer)
        self._tend_later()
        return task

    def _requeue(self, tasks: list[Task]) -> None:
        """Put tasks, oldest first, before all others, and give them to whoever waits."""
        now = time.monotonic()
        for task in reversed(tasks):
            self._queues.push(task, now, is_first=True)
        for offer in dict.fromkeys(task.offer for task in tasks):
            self._dispatch(offer)

    def _hand(self, task: Task, poll: Poll) -> None:
        """Move the first task of its queue to a poll."""
        if not hmac.compare_digest(poll.owner, task.offer.owner):
            raise AssertionError("a task was matched to another backend ID")
        self._queues.take(task)
        poll.tasks.append(task)
        if not poll.ready.done():
            poll.ready.set_result(None)

    def _dispatch(self, offer: Offer) -> None:
        """Give waiting tasks of one kind to open polls."""
        while (task := self._queues.first(offer)) is not None:
            poll = self._providers.best_poll(offer)
            if poll is None:
                return
            self._hand(task, poll)

    def _fill(self, poll: Poll) -> None:
        """Give a new poll its share of what waits, oldest first."""
        waiting = [offer for offer in self._queues.offers() if offer in poll.offers]
        num_waiting = sum(self._queues.length(offer) for offer in waiting)
        num_sharing = max((self._providers.num_polling(offer) for offer in waiting), default=1)
        share = min(self.limits.max_batch, -(-num_waiting // num_sharing))
        for _ in range(share):
            tasks = [task for offer in waiting if (task := self._queues.first(offer)) is not None]
            if not tasks:
                return
            self._hand(min(tasks, key=lambda task: task.number), poll)

    def _refuse_other_types(self, offers: Iterable[Offer]) -> None:
        """End tasks that wait for a function which turns out to be of another type."""
        functions = {(offer.channel, offer.function_id, offer.owner) for offer in offers}
        for offer in [o for o in self._queues.offers() if (o.channel, o.function_id, o.owner) in functions]:
            problem = self._providers.type_mismatch(offer)
            if problem is not None:
                for task in self._queues.tasks(offer):
                    self._settle(task, "error", problem)

    # Outcomes

    def _has_result(self, task: Task) -> bool:
        return self.has_result(task.offer.channel, task.result_hash)

    def _settle(self, task: Task, status: TaskStatus, message: str | None) -> None:
        if task.holder is not None:
            task.holder.tasks.pop(task, None)
        self._queues.settled(task)
        task.conclude(status, message)
        key = (task.offer.channel, task.task_id)
        self._tasks[key] = task
        now = time.monotonic()
        self._kept.append((now, key, task))
        limits = self.limits
        while self._kept and (
            len(self._kept) > limits.max_kept or self._kept[0][0] < now - limits.kept_seconds
        ):
            _, old_key, old = self._kept.popleft()
            if self._tasks.get(old_key) is old:
                del self._tasks[old_key]

    # Time

    def _tend_later(self) -> None:
        if self._timer is None and not self._is_closed:
            self._timer = asyncio.get_running_loop().call_later(self._tend_interval(), self._tend)

    def _tend_interval(self) -> float:
        limits = self.limits
        shortest = min(limits.unprovided_seconds, limits.lease_seconds, limits.gone_seconds)
        return min(_TEND_SECONDS, max(0.01, shortest / 4))

    def _tend(self) -> None:
        """End or pass on what has waited for too long; runs while tasks are under way."""
        self._timer = None
        now = time.monotonic()
        for provider in self._providers.pop_dead():
            self._pass_on(provider)
        for provider in self._providers.busy():
            for task in [t for t in provider.tasks if now - t.since > self.limits.longest_task_seconds]:
                self._settle(task, "error", task_errors.not_heard_of(self.limits.longest_task_seconds))
        for offer in self._queues.offers():
            if not self._providers.num_alive(offer):
                self._end_unprovided(offer, now)
        if self._queues.num_tasks or self._providers.busy():
            self._tend_later()

    def _end_unprovided(self, offer: Offer, now: float) -> None:
        while (task := self._queues.first(offer)) is not None:
            if now - task.since < self.limits.unprovided_seconds:
                return
            self._settle(task, "error", task_errors.unprovided(task, self.limits.unprovided_seconds))

    def _pass_on(self, provider: Provider) -> None:
        """Give the tasks of a dead backend to others, or end them."""
        tasks = sorted(provider.tasks, key=lambda task: task.number)
        again = []
        for task in tasks:
            if task.offer.function_type == "action":
                self._settle(task, "error", task_errors.action_lost())
            elif task.attempts >= self.limits.max_attempts:
                self._settle(task, "error", task_errors.fatal(task.attempts))
            else:
                task.status = "waiting"
                again.append(task)
        provider.tasks.clear()
        self._requeue(again)
