"""How many connections the node takes, so that it never runs out of files, and what it says where there are more."""

import asyncio
import logging
import resource
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_WANTED_FILES = 65_536
_BACKLOG = 4096
_SILENT_SECONDS = 60.0
_log = logging.getLogger("seriesview.node")


@dataclass(frozen=True)
class ConnectionLimits:
    """Shares of the files that the process may have open."""

    answered: int
    """Connections whose requests are answered; further ones get 503."""
    kept: int
    """Connections that stay open at all."""
    backlog: int
    """Connections that are taken at once: asyncio goes on to take that many also when there are no files left."""


def connection_limits() -> ConnectionLimits:
    """Raise the limit of open files as far as is allowed, and share it out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    # Each connection may need a second file: the one that it stores or loads.
    return ConnectionLimits(max(files * 2 // 5, 16), max(files // 2, 16), max(min(files // 10, _BACKLOG), 16))


class TooManyConnections:
    """Says that connections are turned away, at most once a minute."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def say(self) -> None:
        """Log it, unless that was done a moment ago."""
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _SILENT_SECONDS
            _log.warning(
                "connections are turned away: there are more than the open files allow; raise the limit (ulimit -n)"
            )

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle what goes wrong in the event loop; without files left asyncio would log it thousands of times."""
        if "out of system resource" in context.get("message", ""):
            self.say()
        else:
            loop.default_exception_handler(context)
