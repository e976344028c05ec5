"""/window: a stretch of a series out of this process, to whoever may ask for tasks, with no task between."""

import asyncio
import json
import threading
from contextlib import ExitStack

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from seriesview.node import task_errors
from seriesview.node.access import WINDOW_PATH
from seriesview.node.names import ChannelName
from seriesview.node.node import Node
from seriesview.node.requests import AnyObject, Body, InvalidRequest, body_of, caller_of
from seriesview.node.task_routes import BackendId, body_bytes, channel_to_ask
from seriesview.node.waiting import MAX_SECONDS, wait_unless_gone

_HEADERS = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}


class _Window(Body):
    channel_name: ChannelName
    task_kwargs: AnyObject
    backend_id: BackendId | None = None


def window_routes() -> list[Route]:
    """Return the route of /window."""
    return [Route(WINDOW_PATH, _window, methods=["POST"])]


async def _window(request: Request) -> Response:
    """Answer a request as for a task, less its function, with what `Windows` makes of its arguments."""
    node: Node = request.app.state.node
    windows = node.config.windows
    if windows is None:
        return PlainTextResponse("This node answers no windows; ask for them by a task.", 404)
    asked = await body_of(request, _Window)
    channel = await channel_to_ask(request, asked.channel_name, asked.task_kwargs)
    try:
        # As a backend would get them.
        kwargs = json.loads(node.broker.canonical(asked.task_kwargs))
    except ValueError as error:
        raise InvalidRequest(f"field taskKwargs: {error}") from None
    if not windows.serves(channel.name, asked.backend_id):
        said = task_errors.not_here(channel.name, asked.backend_id is not None)
        text = json.dumps({"status": "error", "errorMessage": said}).encode("ascii")
        return _Pieces((len(text).to_bytes(4, "little"), text))
    given_up = threading.Event()
    account = caller_of(request).account
    with node.quotas.holding(account, body_bytes(request)):
        future = asyncio.wrap_future(windows.start(kwargs, given_up.is_set))
        try:
            if await wait_unless_gone(request, future, MAX_SECONDS):
                answer = await future
                sending = ExitStack()
                sending.enter_context(node.quotas.sending(account, sum(len(piece) for piece in answer)))
                return _Pieces(answer, sending)
        finally:
            given_up.set()
            future.cancel()
    return Response(status_code=499)


class _Pieces(Response):
    """Bytes that are not put together before they are sent."""

    def __init__(self, pieces: tuple[bytes | memoryview, ...], sending: ExitStack | None = None) -> None:
        """`sending` is closed when they are sent, or will not be."""
        super().__init__(headers=_HEADERS, media_type="application/octet-stream")
        self.headers["Content-Length"] = str(sum(len(piece) for piece in pieces))
        self._pieces = pieces
        self._sending = ExitStack() if sending is None else sending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        with self._sending:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
