"""The front page: what there is to see, for those who are let in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from seriesview.node.bucket_routes import allowed_channel
from seriesview.node.requests import caller_of

if TYPE_CHECKING:
    from seriesview.node.node import Node

FRONT_PATH = "/"
FRONT_FILES = "/front/"

_NONE = "This node has no front page. A link that `seriesview serve` or `view` prints leads to what it shows."
_NOT_FOR_THEM = (
    "The link that let this browser in leads to one figure. Who runs this node can print a link to all sessions: "
    "`seriesview serve`, without an argument."
)


def front_routes() -> list[Route]:
    """Return the routes of the front page and of what it shows."""
    return [
        Route(FRONT_PATH, _front, methods=["GET"]),
        Route(f"{FRONT_FILES}{{path:path}}", _file, methods=["GET"]),
    ]


async def _front(request: Request) -> Response:
    node: Node = request.app.state.node
    front = node.config.front
    if front is None:
        return PlainTextResponse(_NONE, 404)
    # Browsers keep what stands behind a # across this.
    return Response(status_code=307, headers={"Location": f"view/{front.view}/", "Cache-Control": "no-store"})


async def _file(request: Request) -> Response:
    """Send what the front page shows to whoever may request files of its channel, and came to see it."""
    node: Node = request.app.state.node
    front = node.config.front
    if front is None:
        return PlainTextResponse(_NONE, 404)
    caller = caller_of(request)
    allowed_channel(node, front.channel, caller, "requestFiles")
    if not caller.sees_front:
        return PlainTextResponse(_NOT_FOR_THEM, 403)
    path = request.path_params["path"]
    found = await asyncio.get_running_loop().run_in_executor(node.threads, front.read, path)
    if found is None:
        return PlainTextResponse("There is no such file.", 404)
    content, content_type = found
    headers = {
        "Content-Type": content_type,
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie, Authorization",
    }
    return Response(content, headers=headers)
