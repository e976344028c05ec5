"""The endpoints /task/*: requests are checked here, and the broker does the rest."""

import json
import re
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seriesview.documents.expectations import OneOf, Words
from seriesview.errors import NodeError
from seriesview.node.broker import TaskBroker
from seriesview.node.bucket_routes import allowed_channel, check_token
from seriesview.node.buckets import URL_PREFIX, parse_bucket_path
from seriesview.node.channels import Channel
from seriesview.node.names import ChannelName, Sha1, is_sha1
from seriesview.node.node import Node
from seriesview.node.receiving import Destination, receive_file
from seriesview.node.requests import (
    AnyObject,
    AnyText,
    Body,
    InvalidRequest,
    Milliseconds,
    Refused,
    Whole,
    answer,
    body_of,
    caller_of,
    checked_body,
)
from seriesview.node.task_errors import forgotten
from seriesview.node.task_records import FUNCTION_TYPES, TASK_STATUSES, Task, TaskStatus
from seriesview.node.waiting import seconds_of, wait_unless_gone
from seriesview.terms import FunctionType

INSTANCE_HEADER = "kachery-backend-instance"
"""A backend may say here which one it is, the same in all its requests: up to 64 of A-Z a-z 0-9 _ -."""
POLL_HEADER = "kachery-backend-poll"
"""Such a backend may number its polls, 1, 2, ...: this one's number, and of which the answer arrived last (0: none)."""

LONGEST_POLL_SECONDS = 60.0
"""Polls are answered after this long, so that what a channel no longer allows ends."""
MAX_ID_CHARACTERS = 1000

_FUNCTION_PATTERN = r"[A-Za-z0-9@_-]+(?:\.[A-Za-z0-9@_-]+)*"
_INSTANCE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_POLL = re.compile(r"([1-9][0-9]{0,14}) (0|[1-9][0-9]{0,14})", re.ASCII)
_JSON = "application/json"


FunctionName = Annotated[str, Words(1, 400, _FUNCTION_PATTERN, said="the name of a task function")]
TaskId = Annotated[str, Words(pattern=r"[A-Za-z0-9_-]{1,40}", said="up to 40 of A-Z a-z 0-9 _ -")]
FunctionKind = Annotated[FunctionType, OneOf(*FUNCTION_TYPES)]
BackendId = Annotated[str, Words(1, MAX_ID_CHARACTERS, said=f"1 to {MAX_ID_CHARACTERS} characters")]


class _Function(Body):
    channel_name: ChannelName
    task_function_id: FunctionName
    task_function_type: FunctionKind


class _Poll(Body):
    task_functions: list[_Function]
    timeout_msec: Milliseconds
    backend_id: BackendId | None = None


class _TaskRequest(_Function):
    task_kwargs: AnyObject
    timeout_msec: Milliseconds
    backend_id: BackendId | None = None


class _Task(Body):
    channel_name: ChannelName
    task_id: TaskId


class _Wait(_Task):
    task_function_type: FunctionKind
    timeout_msec: Milliseconds
    task_result_url: AnyText | None = None


class _Update(_Task):
    status: Annotated[TaskStatus, OneOf(*TASK_STATUSES)]
    error_message: AnyText | None = None


class _Result(Body):
    channel_name: ChannelName
    task_id: Sha1
    size: Whole


class _Finished(_Task):
    task_hash: Sha1
    stored_in: AnyText | None = None
    bucket_url: AnyText | None = None


def task_routes() -> list[Route]:
    """Return the routes of /task."""
    return [
        Route("/task/registerTaskFunctions", _register, methods=["POST"]),
        Route("/task/requestTask", _request, methods=["POST"]),
        Route("/task/waitForTaskResult", _wait, methods=["POST"]),
        Route("/task/updateTaskStatus", _update, methods=["POST"]),
        Route("/task/createSignedTaskResultUploadUrl", _sign, methods=["POST"]),
        Route("/task/finishTask", _finish, methods=["POST"]),
    ]


async def _register(request: Request) -> Response:
    asked = await body_of(request, _Poll)
    backend_id = asked.backend_id
    functions = [
        (one.channel_name, one.task_function_id, one.task_function_type) for one in asked.task_functions
    ]
    instance = request.headers.get(INSTANCE_HEADER)
    if instance is not None and _INSTANCE.fullmatch(instance) is None:
        raise InvalidRequest(f"header {INSTANCE_HEADER} must be up to 64 of A-Z a-z 0-9 _ -")
    served = _served_channels(request, {function[0] for function in functions}, instance)
    functions = [function for function in functions if function[0] in served]
    numbers = _POLL.fullmatch(request.headers.get(POLL_HEADER, "")) if instance is not None else None
    number, received = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    broker = _broker(request)
    address = request.client.host if request.client else ""
    is_local = caller_of(request).local
    owner = broker.owner(backend_id)
    poll = broker.open_poll(functions, owner, address, instance, is_local, number, received)
    if instance is not None and functions:
        request.scope["state"]["call_when_lost"](partial(broker.lose_connection, poll))
    is_there = False
    try:
        seconds = seconds_of(asked.timeout_msec, LONGEST_POLL_SECONDS)
        still_open = await wait_unless_gone(request, poll.ready, seconds)
        # Nothing is handed to whom it was taken back from meanwhile.
        check_token(_node(request), caller_of(request))
        is_there = still_open and _served_channels(request, served, instance) == served
    finally:
        tasks = broker.close_poll(poll, is_gone=not is_there)
    described = b",".join(_described(task, backend_id) for task in tasks)
    return Response(b'{"success":true,"requestedTasks":[%b]}' % described, media_type=_JSON)


async def _request(request: Request) -> Response:
    node, account = _node(request), caller_of(request).account
    asked = await body_of(request, _TaskRequest)
    channel = await channel_to_ask(request, asked.channel_name, asked.task_kwargs)
    broker = _broker(request)
    owner = broker.owner(asked.backend_id)
    function_id, function_type = asked.task_function_id, asked.task_function_type
    try:
        task = broker.request(channel.name, function_id, function_type, asked.task_kwargs, owner)
    except ValueError as error:
        raise InvalidRequest(f"field taskKwargs: {error}") from None
    node.quotas.add_task(account, task)
    if not task.is_final:
        await wait_unless_gone(request, task.when_final(), seconds_of(asked.timeout_msec))
    said = {"success": True, "taskId": task.task_id, **_outcome(task)}
    if function_type != "action":
        path = node.buckets.result_path(channel.name, task.result_hash)
        node.gate.hand_out(path)
        said["taskResultUrl"] = node.buckets.url(path)
    if task.status == "waiting" and "backends" in request.query_params:
        # What a kachery daemon does not say, and the node's page asks for.
        said["backends"] = broker.prospect(task)
    return answer(said)


async def channel_to_ask(request: Request, name: str, kwargs: dict[str, Any]) -> Channel:
    """Return the channel on which the caller may ask a task of these arguments; raises NodeError, Refused.

    HTTPException 429 where they wait for too much already.
    """
    node, caller = _node(request), caller_of(request)
    channel = _channel(request, name, "requestTasks")
    node.quotas.check_task(caller.account, body_bytes(request))
    await node.gate.check_arguments(caller, kwargs)
    return channel


def body_bytes(request: Request) -> int:
    """Return how many bytes a request's body has, at most."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else _node(request).limits.json_bytes


async def _wait(request: Request) -> Response:
    asked = await body_of(request, _Wait)
    channel = _channel(request, asked.channel_name, "requestTasks")
    function_type, task_id = asked.task_function_type, asked.task_id
    broker = _broker(request)
    task = broker.find(channel.name, task_id)
    if task is None:
        if _has_result(broker, channel.name, function_type, task_id, asked.task_result_url or ""):
            return answer({"success": True, "status": "finished"})
        return answer({"success": True, "status": "error", "errorMessage": forgotten()})
    if not task.is_final:
        await wait_unless_gone(request, task.when_final(), seconds_of(asked.timeout_msec))
        # The same calculation may have failed and be under way once more.
        task = broker.find(channel.name, task_id) or task
    return answer({"success": True, **_outcome(task)})


async def _update(request: Request) -> Response:
    asked = await body_of(request, _Update)
    channel = _channel(request, asked.channel_name, "provideTasks")
    _broker(request).update(channel.name, asked.task_id, asked.status, asked.error_message)
    return answer({"success": True})


async def _sign(request: Request) -> Response:
    asked = await body_of(request, _Result)
    channel, size = _channel(request, asked.channel_name, "provideTasks"), asked.size
    buckets = _node(request).buckets
    path = _result_path(request, channel, asked.task_id, size)
    _node(request).quotas.check_result(caller_of(request).account, size)
    return answer({"success": True, "signedUrl": buckets.signed_put_url(path, size)})


async def _finish(request: Request) -> Response:
    """Store the result that is the body, and set the status `finished`: one request in place of three.

    What a kachery daemon does not have; the query says channelName, taskId and taskHash. With storedIn=bucket the
    body is empty: the result is in the channel's public bucket, which bucketUrl names. Where the channel has another
    one now, nothing is done, and isStored is false. The answer says which bucket the channel has.
    """
    asked = checked_body(_Finished, dict(request.query_params))
    channel, task_id = _channel(request, asked.channel_name, "provideTasks"), asked.task_id
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or len(length) > 18 or "transfer-encoding" in request.headers:
        raise InvalidRequest("header Content-Length is needed, and no Transfer-Encoding")
    node, size = _node(request), int(length)
    if asked.stored_in is not None:
        name = _result_path(request, channel, asked.task_hash, 0)
        if asked.stored_in != "bucket" or size:
            raise InvalidRequest("storedIn must be bucket, and the body empty")
        if channel.bucket_url is None or asked.bucket_url not in (None, channel.bucket_url):
            return answer({"success": True, "isStored": False, **_bucket_of(channel)})
        await node.buckets.elsewhere.note(name, channel.bucket_url)
        node.broker.update(channel.name, task_id, "finished")
        return answer({"success": True, **_bucket_of(channel)})
    name = _result_path(request, channel, asked.task_hash, size)
    path = node.buckets.location(name)
    node.quotas.check_result(caller_of(request).account, size)
    destination = Destination(
        node.buckets.result_writer, lambda _: path, size=size, is_immutable=False, is_quick=True
    )
    await receive_file(request, destination)
    node.results.stored(size)
    await node.buckets.elsewhere.forget(name)
    node.broker.update(channel.name, task_id, "finished")
    return answer({"success": True, **_bucket_of(channel)})


def _served_channels(request: Request, names: set[str], instance: str | None) -> set[str]:
    """Return the channels on which a backend may answer; raises Refused, NodeError.

    kachery-client gives up all of its channels when it is told of an error, so that it is served on those that there
    are, as the daemon does; the log names the others. Who has a name is told.
    """
    served, refusal = set(), None
    for name in names:
        try:
            served.add(_channel(request, name, "provideTasks").name)
        except NodeError as error:
            if instance is not None or isinstance(error, InvalidRequest):
                raise
            refusal = error if isinstance(error, Refused) else refusal
            said = f"a backend is not served on one of its channels: {error}"
            _node(request).warnings.say(f"channel {name}", said)
    if refusal is not None and not served:
        raise refusal
    return served


def _bucket_of(channel: Channel) -> dict[str, str]:
    return {} if channel.bucket_url is None else {"bucketUrl": channel.bucket_url}


def _has_result(
    broker: TaskBroker, channel: str, function_type: FunctionType, task_id: str, url: str
) -> bool:
    """Return whether the result of a task is stored that was requested before the node started."""
    if function_type == "pure-calculation":
        return is_sha1(task_id) and broker.has_result(channel, task_id)
    if function_type == "action":
        return False
    try:
        location = urlsplit(url).path
    except ValueError:
        return False
    path = parse_bucket_path(location.removeprefix(f"{URL_PREFIX}/"))
    if path is None or path.channel != channel or path.kind != "result":
        return False
    return broker.has_result_of(channel, task_id, path.sha1)


def _result_path(request: Request, channel: Channel, task_hash: str, size: int) -> str:
    """Return the bucket path for a result of a size; raises NodeError."""
    largest = _broker(request).limits.max_result_bytes
    if size > largest:
        raise NodeError(f"a result of {size} bytes cannot be stored: at most {largest} are allowed")
    return _node(request).buckets.result_path(channel.name, task_hash)


def _described(task: Task, backend_id: str | None) -> bytes:
    """Return a task as its backend is told of it."""
    said = {
        "channelName": task.offer.channel,
        "backendId": backend_id,
        "taskId": task.task_id,
        # For a task with a backend ID this is not the plain hash: its result must be stored out of others' reach.
        "taskHash": task.result_hash,
        "taskFunctionId": task.offer.function_id,
        "taskFunctionType": task.offer.function_type,
    }
    return b'%b,"kwargs":%b}' % (json.dumps(said, separators=(",", ":")).encode()[:-1], task.kwargs)


def _outcome(task: Task) -> dict[str, Any]:
    if task.error_message is None:
        return {"status": task.status}
    return {"status": task.status, "errorMessage": task.error_message}


def _channel(request: Request, name: str, permission: str) -> Channel:
    """Return a channel on which the caller has a permission; raises Refused, NodeError."""
    return allowed_channel(_node(request), name, caller_of(request), permission)


def _node(request: Request) -> Node:
    node: Node = request.app.state.node
    return node


def _broker(request: Request) -> TaskBroker:
    return _node(request).broker
