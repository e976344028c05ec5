"""The endpoints /feed/*."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from seriesview.documents.expectations import Flag, Instance, Integer, Words, expected
from seriesview.node.bucket_routes import allowed_channel
from seriesview.node.canonical import canonical_json
from seriesview.node.feeds import PAGE_MESSAGES, Feeds, Subfeed
from seriesview.node.names import Sha1, is_channel_name
from seriesview.node.node import Node
from seriesview.node.requests import (
    AnyText,
    Body,
    Checked,
    InvalidRequest,
    Milliseconds,
    Refused,
    Whole,
    answer,
    body_of,
    caller_of,
)
from seriesview.node.waiting import seconds_of, wait_unless_gone

LOCAL = "*local*"
"""In place of a channel: what this node has, asked for by its own clients."""

_JSON = "application/json"
_MAX_POSITION = 2**53


class _Watch(NamedTuple):
    name: str
    subfeed: Subfeed
    position: int


class _Name(Body):
    feed_name: AnyText


class _Feed(Body):
    feed_id: Annotated[str, Words(pattern=r"[0-9a-f]{64}", said="64 lower-case hexadecimal digits")]


class _Subfeed(_Feed):
    subfeed_hash: Sha1

    @property
    def subfeed(self) -> Subfeed:
        """Feed and hash."""
        return self.feed_id, self.subfeed_hash


class _Messages(_Subfeed):
    messages: list[Annotated[Any, Instance((dict, list), "an object")]]


def _named(channel: str) -> str:
    if channel != LOCAL and not is_channel_name(channel):
        raise expected(f"{LOCAL} or the name of a channel")
    return channel


class _SubfeedWatch(_Subfeed):
    channel_name: Annotated[AnyText, AfterValidator(_named)]
    position: Annotated[int, Integer(0, _MAX_POSITION, may_have_point=True)]


class _Watches(Body):
    subfeed_watches: dict[AnyText, _SubfeedWatch]
    wait_msec: Milliseconds = 0
    max_num_messages: Whole = 0
    signed: Annotated[bool, Flag()] = False


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
    await _clients_body(request, Body)
    return answer({"success": True, "feedId": await _feeds(request).create()})


async def _delete(request: Request) -> Response:
    asked = await _clients_body(request, _Feed)
    # One that is gone already is no error to the daemon's clients.
    await _feeds(request).delete(asked.feed_id)
    return answer({"success": True})


async def _feed_id_of_name(request: Request) -> Response:
    asked = await _clients_body(request, _Name)
    key = {"type": "feed_id_for_name", "feed_name": asked.feed_name}
    found, feed_id = await _node(request).mutables.get(key)
    if not found:
        return answer({"success": False, "feedId": None})
    return answer({"success": True, "feedId": feed_id})


async def _info(request: Request) -> Response:
    asked = await _clients_body(request, _Feed)
    return answer({"success": True, "isWriteable": await _feeds(request).is_writeable(asked.feed_id)})


async def _append(request: Request) -> Response:
    asked = await _clients_body(request, _Messages)
    try:
        canonical_json(asked.messages)
    except ValueError as error:
        raise InvalidRequest(f"messages: {error}") from None
    await _feeds(request).append(asked.subfeed, asked.messages)
    return answer({"success": True})


async def _num_messages(request: Request) -> Response:
    asked = await _clients_body(request, _Subfeed)
    (number,) = await _feeds(request).num_messages([asked.subfeed])
    return answer({"success": True, "numMessages": number})


async def _watch(request: Request) -> Response:
    asked = await body_of(request, _Watches)
    watches = [_allowed(request, name, watch) for name, watch in asked.subfeed_watches.items()]
    most = asked.max_num_messages or _MAX_POSITION
    ends, all_named = await _ends(request, watches, seconds_of(asked.wait_msec))
    spans = [
        (watch, min(end, watch.position + most))
        for watch, end in zip(watches, ends, strict=True)
        if all_named or end > watch.position
    ]
    pieces = _written(_feeds(request), spans, asked.signed)
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


def _allowed(request: Request, name: str, asked: _SubfeedWatch) -> _Watch:
    if asked.channel_name == LOCAL:
        _check_client(request)
    else:
        allowed_channel(_node(request), asked.channel_name, caller_of(request), "requestFeeds")
    return _Watch(name, asked.subfeed, asked.position)


async def _clients_body(request: Request, kind: type[Checked]) -> Checked:
    """Return the body of a request that only kachery clients may make; raises Refused."""
    _check_client(request)
    return await body_of(request, kind)


def _check_client(request: Request) -> None:
    caller = caller_of(request)
    if not caller.is_client or caller.origin is not None:
        raise Refused("Feeds are for kachery clients of this node; others may watch them on a channel.")


def _node(request: Request) -> Node:
    node: Node = request.app.state.node
    return node


def _feeds(request: Request) -> Feeds:
    return _node(request).feeds
