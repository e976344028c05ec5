"""Waiting for several tasks in one request: browsers open only a few connections to a node."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seriesview.node.bucket_routes import allowed_channel
from seriesview.node.names import ChannelName, is_sha1
from seriesview.node.node import Node
from seriesview.node.requests import AnyObject, Body, Milliseconds, answer, body_of, caller_of
from seriesview.node.task_errors import forgotten
from seriesview.node.waiting import seconds_of, wait_unless_gone

_LOOK_SECONDS = 0.25
_LONGEST_SECONDS = 30.0


def task_watching_routes() -> list[Route]:
    """Return the route that a browser waits for its tasks on."""
    return [Route("/task/watchTasks", _watch, methods=["POST"])]


class _Watched(Body):
    channel_name: ChannelName
    tasks: AnyObject
    timeout_msec: Milliseconds


async def _watch(request: Request) -> Response:
    """Answer as soon as the status of a task is another than the one in the request.

    What a kachery daemon does not have. A task that a backend has is `pending`, one that waits for a backend which is
    busy `queued`; `waiting` is one that no backend may ever take, and `backends` says which there are.
    """
    asked = await body_of(request, _Watched)
    node: Node = request.app.state.node
    channel = allowed_channel(node, asked.channel_name, caller_of(request), "requestTasks").name
    known = asked.tasks
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds_of(asked.timeout_msec, _LONGEST_SECONDS)
    while True:
        outcomes = {task_id: _outcome(node, channel, task_id) for task_id in known}
        changed = {
            task_id: outcome for task_id, outcome in outcomes.items() if outcome["status"] != known[task_id]
        }
        left = until - loop.time()
        tasks = [node.broker.find(channel, task_id) for task_id in known]
        endings = [task.when_final() for task in tasks if task and not task.is_final]
        if changed or not endings or left <= 0 or node.closing.is_set():
            return answer({"success": True, "tasks": changed})
        if not await _wait(request, endings, min(left, _LOOK_SECONDS)):
            return answer({"success": True, "tasks": {}})


async def _wait(request: Request, endings: "list[asyncio.Future[None]]", seconds: float) -> bool:
    """Wait until one of the tasks is over; returns whether the client is still there."""
    waiting = asyncio.ensure_future(asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED))
    try:
        return await wait_unless_gone(request, waiting, seconds)
    finally:
        waiting.cancel()


def _outcome(node: Node, channel: str, task_id: str) -> dict[str, Any]:
    task = node.broker.find(channel, task_id)
    if task is None:
        if is_sha1(task_id) and node.broker.has_result(channel, task_id):
            return {"status": "finished"}
        return {"status": "error", "errorMessage": forgotten()}
    if task.error_message is not None:
        return {"status": task.status, "errorMessage": task.error_message}
    if task.status != "waiting":
        return {"status": task.status}
    if task.holder is not None:
        return {"status": "pending"}
    prospect = node.broker.prospect(task)
    return {"status": "queued"} if prospect == "busy" else {"status": "waiting", "backends": prospect}
