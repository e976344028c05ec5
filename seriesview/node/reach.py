"""A node that shows some figures alone: browsers and holders of tokens get nothing but what these are made of."""

from __future__ import annotations

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from seriesview.node.requests import Refused

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from seriesview.node.callers import Caller

NOT_SHOWN = (
    "this is not among what is shown here; `seriesview view` shows its link, and with `--all` everything in the "
    "storage directory can be read"
)
_SHA1 = re.compile(r"[0-9a-f]{40}", re.ASCII)
_MOST_RESULTS = 100_000


class Reach(Protocol):
    """Which artifacts may be read; used in threads."""

    def add(self, sha1: str) -> None:
        """Let what an artifact reaches be read."""

    def covers(self, sha1: str) -> bool:
        """Return whether an artifact may be read."""


class Gate:
    """Asks a reach for callers who have not the storage directory; without one all that a channel permits is open."""

    def __init__(self, reach: Reach | None, threads: Executor) -> None:
        self._reach = reach
        self._threads = threads
        self._results: OrderedDict[str, None] = OrderedDict()

    @property
    def is_there(self) -> bool:
        """Whether there is something that is not shown."""
        return self._reach is not None

    async def add(self, sha1s: list[str]) -> None:
        """Show what artifacts reach."""
        if self._reach is not None:
            for sha1 in sha1s:
                await self._run(self._reach.add, sha1)

    async def shows(self, caller: Caller, sha1: str) -> bool:
        """Return whether a caller may read an artifact."""
        if self._reach is None or caller.is_client:
            return True
        return bool(await self._run(self._reach.covers, sha1))

    async def check_arguments(self, caller: Caller, kwargs: dict[str, Any]) -> None:
        """Raise Refused where a task is asked about an artifact that a caller may not read."""
        if self._reach is None or caller.is_client:
            return
        for sha1 in dict.fromkeys(_SHA1.findall(json.dumps(kwargs))):
            if not await self._run(self._reach.covers, sha1):
                raise Refused(f"sha1://{sha1}: {NOT_SHOWN}")

    def hand_out(self, path: str) -> None:
        """Note where a result lies that a caller is told of; others are not read, such as those of earlier nodes."""
        if self._reach is not None:
            self._results[path] = None
            self._results.move_to_end(path)
            if len(self._results) > _MOST_RESULTS:
                self._results.popitem(last=False)

    def gives_result(self, path: str) -> bool:
        """Return whether a result may be read by whoever knows where it lies."""
        return self._reach is None or path in self._results

    async def _run(self, call: Callable[[str], Any], sha1: str) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, sha1)
