"""Waiting for what comes, however late a busy machine lets it come."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

from seriesview.node.server import NodeThread

T = TypeVar("T")

MOST_SECONDS = 300.0
"""Longer than a busy machine ever takes."""
_PAUSE_SECONDS = 0.01


def until(
    condition: Callable[[], T],
    what: str = "what is waited for",
    seconds: float = MOST_SECONDS,
    process: subprocess.Popen[Any] | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> T:
    """What a condition gives once that is something.

    AssertionError after so many seconds, or where a process that sees to it ends before.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        has_ended = process is not None and process.poll() is not None
        if has_ended and (found := condition()):
            return found
        assert not has_ended, f"{what}: the process ended before"
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        # The one pause between two looks.
        pause(_PAUSE_SECONDS)
    return found


def num_long_polls(node: NodeThread) -> int:
    """How many requests wait at a node of this process for something to happen."""
    return _num_tasks(node, "_disconnected")


def num_requests(node: NodeThread) -> int:
    """How many requests a node of this process answers just now."""
    return _num_tasks(node, "RequestResponseCycle.run_asgi")


def _num_tasks(node: NodeThread, name: str) -> int:
    assert node._loop is not None
    coroutines = [task.get_coro() for task in asyncio.all_tasks(node._loop)]
    return sum(getattr(coroutine, "__qualname__", "") == name for coroutine in coroutines)
