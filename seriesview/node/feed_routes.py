"""The endpoints /feed/*."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from seriesview.node.bucket_routes import allowed_channel
from seriesview.node.canonical import canonical_json
from seriesview.node.feeds import PAGE_MESSAGES, Feeds, Subfeed
from seriesview.node.names import is_channel_name, is_sha1
from seriesview.node.node import Node
from seriesview.node.requests import (
    InvalidRequest,
    Refused,
    answer,
    caller_of,
    check_fields,
    json_body,
)
from seriesview.node.waiting import seconds_of, wait_unless_gone

LOCAL = "*local*"
"""In place of a channel: what this node has, asked for by its own clients."""

_FEED_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_JSON = "application/json"
_MAX_POSITION = 2**53


class _Watch(NamedTuple):
    name: str
    subfeed: Subfeed
    position: int


def feed_routes() -> list[Route]:
    """Return the routes of /feed."""
    return [
        Route("/feed/createFeed", _create, methods=["POST"]),
        Route("/feed/deleteFeed", _delete, methods=["POST"]),
        Route("/feed/getFeedId", _feed_id_of_name, methods=["POST"]),
        Route("/feed/getFeedInfo", _info, methods=["POST"]),
        Route("/feed/appendMessages", _append, methods=["POST"]),
        Route("/feed/getNumLocalMessages", _num_messages, methods=["POST"]),
        Route("/feed/watchForNewMessages", _watch, methods=["POST"]),
    ]


async def _create(request: Request) -> Response:
    check_fields(await _clients_body(request), {}, {})
    return answer({"success": True, "feedId": await _feeds(request).create()})


async def _delete(request: Request) -> Response:
    body = await _clients_body(request)
    check_fields(body, {"feedId": str}, {})
    # One that is gone already is no error to the daemon's clients.
    await _feeds(request).delete(_feed_id(body))
    return answer({"success": True})


async def _feed_id_of_name(request: Request) -> Response:
    body = await _clients_body(request)
    check_fields(body, {"feedName": str}, {})
    key = {"type": "feed_id_for_name", "feed_name": body["feedName"]}
    found, feed_id = await _node(request).mutables.get(key)
    if not found:
        return answer({"success": False, "feedId": None})
    return answer({"success": True, "feedId": feed_id})


async def _info(request: Request) -> Response:
    body = await _clients_body(request)
    check_fields(body, {"feedId": str}, {})
    return answer({"success": True, "isWriteable": await _feeds(request).is_writeable(_feed_id(body))})


async def _append(request: Request) -> Response:
    body = await _clients_body(request)
    check_fields(body, {"feedId": str, "subfeedHash": str, "messages": list}, {})
    subfeed, messages = _subfeed(body), body["messages"]
    if not all(isinstance(message, dict | list) for message in messages):
        raise InvalidRequest("field messages must hold objects")
    try:
        canonical_json(messages)
    except ValueError as error:
        raise InvalidRequest(f"field messages: {error}") from None
    await _feeds(request).append(subfeed, messages)
    return answer({"success": True})


async def _num_messages(request: Request) -> Response:
    body = await _clients_body(request)
    check_fields(body, {"feedId": str, "subfeedHash": str}, {})
    (number,) = await _feeds(request).num_messages([_subfeed(body)])
    return answer({"success": True, "numMessages": number})


async def _watch(request: Request) -> Response:
    body = await json_body(request)
    optional = {"waitMsec": float, "maxNumMessages": int, "signed": bool}
    check_fields(body, {"subfeedWatches": dict}, optional)
    watches = [_checked(request, name, watch) for name, watch in body["subfeedWatches"].items()]
    most = int(body.get("maxNumMessages", 0)) or _MAX_POSITION
    if most < 0:
        raise InvalidRequest("field maxNumMessages must not be negative")
    ends, all_named = await _ends(request, watches, seconds_of(body.get("waitMsec", 0)))
    spans = [
        (watch, min(end, watch.position + most))
        for watch, end in zip(watches, ends, strict=True)
        if all_named or end > watch.position
    ]
    pieces = _written(_feeds(request), spans, body.get("signed", False))
    if sum(end - watch.position for watch, end in spans) > PAGE_MESSAGES:
        return StreamingResponse(pieces, media_type=_JSON)
    return Response(b"".join([piece async for piece in pieces]), media_type=_JSON)


async def _ends(request: Request, watches: list[_Watch], seconds: float) -> tuple[list[int], bool]:
    """Wait for news; returns how many messages each subfeed has, and whether it had to wait."""
    feeds, loop = _feeds(request), asyncio.get_running_loop()
    subfeeds = [watch.subfeed for watch in watches]
    until = loop.time() + seconds
    has_waited = False
    with feeds.watching(subfeeds) as news:
        while True:
            news.clear()
            ends = await feeds.num_messages(subfeeds)
            is_new = any(end > watch.position for watch, end in zip(watches, ends, strict=True))
            left = until - loop.time()
            if is_new or left <= 0 or _node(request).closing.is_set():
                return ends, has_waited or not is_new
            has_waited = True
            waiting = asyncio.ensure_future(news.wait())
            try:
                if not await wait_unless_gone(request, waiting, left):
                    return ends, True
            finally:
                waiting.cancel()


async def _written(feeds: Feeds, spans: list[tuple[_Watch, int]], is_signed: bool) -> AsyncIterator[bytes]:
    """Yield the pieces of an answer: all messages may be more than fits into memory."""
    yield b'{"success":true,"messages":{'
    for index, (watch, end) in enumerate(spans):
        yield b"%b%b:[" % (b"," if index else b"", canonical_json(watch.name))
        comma = ""
        async for texts in feeds.messages(watch.subfeed, watch.position, end, is_signed):
            if texts:
                yield (comma + ",".join(texts)).encode("ascii")
                comma = ","
        yield b"]"
    yield b"}}"


def _checked(request: Request, name: str, watch: Any) -> _Watch:
    if not isinstance(watch, dict):
        raise InvalidRequest("field subfeedWatches must hold objects")
    check_fields(watch, {"feedId": str, "subfeedHash": str, "channelName": str, "position": int}, {})
    channel, position = watch["channelName"], int(watch["position"])
    if not 0 <= position <= _MAX_POSITION:
        raise InvalidRequest("field position must be a number from 0")
    if channel == LOCAL:
        _check_client(request)
    elif not is_channel_name(channel):
        raise InvalidRequest(f"field channelName must be {LOCAL} or a channel's name")
    else:
        allowed_channel(_node(request), channel, caller_of(request), "requestFeeds")
    return _Watch(name, _subfeed(watch), position)


async def _clients_body(request: Request) -> dict[str, Any]:
    """Return the body of a request that only kachery clients may make; raises Refused."""
    _check_client(request)
    return await json_body(request)


def _check_client(request: Request) -> None:
    caller = caller_of(request)
    if not caller.is_client or caller.origin is not None:
        raise Refused("Feeds are for kachery clients of this node; others may watch them on a channel.")


def _feed_id(body: dict[str, Any]) -> str:
    if _FEED_ID.fullmatch(body["feedId"]) is None:
        raise InvalidRequest("field feedId must be 64 hexadecimal digits")
    return str(body["feedId"])


def _subfeed(body: dict[str, Any]) -> Subfeed:
    if not is_sha1(body["subfeedHash"]):
        raise InvalidRequest("field subfeedHash must be 40 hexadecimal digits")
    return _feed_id(body), body["subfeedHash"]


def _node(request: Request) -> Node:
    node: Node = request.app.state.node
    return node


def _feeds(request: Request) -> Feeds:
    return _node(request).feeds
