"""Long polls: an answer that waits for something, unless its client goes away."""

import asyncio
from typing import Any

from starlette.requests import Request

MAX_SECONDS = 24 * 3600.0


def seconds_of(milliseconds: float, longest: float = MAX_SECONDS) -> float:
    """Return how long a client wants to wait, in seconds, within reason."""
    # First limited, then divided: JSON has integers that no float holds.
    return min(max(milliseconds, 0.0), 1000 * longest) / 1000


async def wait_unless_gone(request: Request, future: "asyncio.Future[Any]", seconds: float) -> bool:
    """Wait until `future` is done or `seconds` are over; returns whether the client is still there.

    The request's body must have been read.
    """
    if future.done() or seconds <= 0:
        return not _is_closing(request)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait([future, gone], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return not gone.done()
    finally:
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _is_closing(request: Request) -> bool:
    transport = request.scope.get("state", {}).get("transport")
    return transport is not None and transport.is_closing()
