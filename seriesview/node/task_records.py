"""What the broker keeps in memory: tasks under way, and the backends that take them."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

from seriesview.terms import FunctionType

FUNCTION_TYPES: tuple[FunctionType, ...] = get_args(FunctionType)

TaskStatus = Literal["waiting", "pending", "queued", "running", "finished", "error"]
TASK_STATUSES: tuple[TaskStatus, ...] = ("waiting", "pending", "queued", "running", "finished", "error")

MAX_ERROR_CHARACTERS = 999
"""Longer error messages are cut: the clients of the protocol refuse them."""


@dataclass(frozen=True)
class BrokerLimits:
    """How much the broker holds, and how long it waits; seconds, bytes, counts."""

    unprovided_seconds: float = 10.0
    """A task that no backend offers to run for this long ends in an error."""
    lease_seconds: float = 30.0
    """A backend that neither polls nor reports for this long is taken for dead."""
    gone_seconds: float = 8.0
    """The same, for one on this machine that closed its poll without waiting for the answer.

    It may have been killed, or told to stop and be finishing what it has.
    """
    successor_seconds: float = 3.0
    """A poll that comes within this time of another one's end can be the next one of a backend without tasks."""
    pause_seconds: float = 0.35
    """The same for one with tasks, where its usual pause is not longer: kachery-client pauses 0.1 s between polls.

    A backend that was killed between two polls and started again mostly takes longer, and knows nothing of those tasks.
    """
    longest_task_seconds: float = 24 * 3600.0
    """A task of which nothing is heard for this long ends in an error even though its backend polls."""
    kept_seconds: float = 600.0
    """How long the outcome of a task can be asked for by its ID."""
    max_kept: int = 20_000
    max_queued: int = 20_000
    max_queued_bytes: int = 256 * 1024 * 1024
    max_kwargs_bytes: int = 100_000
    max_result_bytes: int = 2**30
    max_polls: int = 1000
    max_batch: int = 32
    """Most tasks in the answer to one poll."""
    max_attempts: int = 2
    """A task whose backends died this often is not given to another one."""


class Offer(NamedTuple):
    """What a backend can run, and what a task needs: they match when they are equal."""

    channel: str
    function_id: str
    function_type: FunctionType
    owner: bytes
    """Keyed hash of the backend ID; empty where there is none."""


@dataclass(eq=False, slots=True)
class Task:
    """One task, from its request until its outcome is forgotten."""

    offer: Offer
    task_id: str
    result_hash: str
    """40 hex digits under which the result is stored."""
    kwargs: bytes
    """JSON; emptied at the end."""
    status: TaskStatus = "waiting"
    error_message: str | None = None
    number: int = 0
    """Tasks of a lower number are older."""
    is_queued: bool = False
    since: float = 0.0
    """When it was queued, or when its backend was last heard of it."""
    attempts: int = 0
    holder: "Provider | None" = None
    final: "asyncio.Future[None] | None" = None
    """Done when the status is final; made by whoever waits first."""

    @property
    def is_final(self) -> bool:
        """Return whether the task is over."""
        return self.status in ("finished", "error")

    def conclude(self, status: TaskStatus, error_message: str | None) -> None:
        """Set the final status and wake whoever waits."""
        self.status = status
        self.error_message = error_message
        self.kwargs = b""
        self.holder = None
        self.wake()

    def wake(self) -> None:
        """Have all who wait look at the status."""
        if self.final is not None and not self.final.done():
            self.final.set_result(None)

    def when_final(self) -> "asyncio.Future[None]":
        """Return a future, shared by all who wait, that is done when the task is over or the node stops."""
        if self.final is None:
            self.final = asyncio.get_running_loop().create_future()
            if self.is_final:
                self.final.set_result(None)
        return self.final


@dataclass(eq=False, slots=True)
class Provider:
    """A backend, as far as its polls tell them apart."""

    key: tuple[object, ...]
    is_named: bool
    """Whether it says which backend it is; others are told apart by when they poll."""
    is_local: bool
    patience: float
    """Seconds without a sign of life after which it is taken for dead."""
    last_seen: float
    idle_since: float
    pause: float = 0.0
    """Its usual time between two polls, seconds."""
    offers: frozenset[Offer] = frozenset()
    polls: "set[Poll]" = field(default_factory=set)
    tasks: dict[Task, None] = field(default_factory=dict)
    is_closed: bool = False
    """Whether no later poll can be this backend's."""
    last_number: int = 0
    """Of its polls, where it numbers them."""
    handed: "tuple[int, list[Task]]" = (0, [])
    """The number of the poll that was answered last, and the tasks in that answer."""


@dataclass(eq=False, slots=True)
class Poll:
    """An open long poll of a backend."""

    provider: Provider
    owner: bytes
    offers: frozenset[Offer]
    ready: "asyncio.Future[None]"
    """Done when there are tasks, or the node stops."""
    tasks: list[Task] = field(default_factory=list)
    number: int = 0
    """1, 2, ... where the backend numbers its polls."""
