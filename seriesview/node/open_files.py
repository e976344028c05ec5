"""How many connections the node takes, so that it never runs out of files, and what it says where there are more."""

import asyncio
import resource
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from seriesview.node.rare_warnings import RareWarnings

_WANTED_FILES = 65_536
_BACKLOG = 4096


@dataclass(frozen=True)
class ConnectionLimits:
    """Shares of the files that the process may have open."""

    answered: int
    """Connections whose requests are answered; further ones get 503."""
    answered_strangers: int
    """Those of them that showed no credential: the rest is a reserve for whoever is known."""
    kept: int
    """Connections that stay open at all."""
    kept_strangers: int
    """Those of them that showed no credential."""
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
    return ConnectionLimits(
        answered=max(files * 2 // 5, 16),
        answered_strangers=max(files // 5, 8),
        kept=max(files // 2, 16),
        kept_strangers=max(files // 4, 8),
        backlog=max(min(files // 10, _BACKLOG), 16),
    )


class NoFilesLeft:
    """Handles what goes wrong in the event loop: without files left asyncio would log it thousands of times."""

    def __init__(self, warnings: RareWarnings) -> None:
        self._warnings = warnings

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log it."""
        if "out of system resource" in context.get("message", ""):
            self._warnings.say(
                "files", "connections wait: there are no open files left; raise the limit (ulimit -n)"
            )
        else:
            loop.default_exception_handler(context)
