"""The buckets over HTTP: reading, uploads to signed URLs, and the questions that go with them."""

import asyncio
from pathlib import Path
from typing import Annotated

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from seriesview.documents.expectations import Given
from seriesview.errors import MissingArtifactError, NodeError
from seriesview.node.buckets import URL_PREFIX, BucketPath, parse_bucket_path
from seriesview.node.callers import Caller
from seriesview.node.channels import Channel
from seriesview.node.fetching import Piece, Progress, copy_pieces, local_file
from seriesview.node.names import Sha1
from seriesview.node.node import Node
from seriesview.node.receiving import Destination, WrongContentError, receive_file
from seriesview.node.requests import (
    AnyText,
    Body,
    InvalidRequest,
    Refused,
    Whole,
    answer,
    body_of,
    caller_of,
)
from seriesview.node.sending import FileResponse

_FOR_EVER = "public, max-age=31536000, immutable"
_HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}


def bucket_routes() -> list[Route]:
    """Return the routes of buckets."""
    return [
        Route(f"{URL_PREFIX}/{{path:path}}", _get, methods=["GET"]),
        Route(f"{URL_PREFIX}/{{path:path}}", _put, methods=["PUT"]),
        Route("/createSignedFileUploadUrl", _create_signed_url, methods=["POST"]),
        Route("/uploadFile", _upload, methods=["POST"]),
        Route("/api/getChannelBucketBaseUrl", _bucket_base_url, methods=["POST"]),
    ]


async def _get(request: Request) -> Response:
    node: Node = request.app.state.node
    place = _place(request)
    if place is None or (place.kind == "result" and not node.gate.gives_result(place.path)):
        return _not_found()
    elsewhere = node.buckets.elsewhere.url(place.path) if place.kind == "result" else None
    if elsewhere is not None:
        where = {"Location": elsewhere, "Cache-Control": "no-cache"}
        return Response(status_code=307, headers=_HEADERS | where)
    headers = dict(_HEADERS)
    if place.kind == "file":
        headers |= {"ETag": f'"{place.sha1}"', "Cache-Control": _FOR_EVER}
    else:
        headers["Cache-Control"] = "no-cache"
    threads = node.short_calls if place.kind == "result" else node.threads
    return FileResponse(node.buckets.location(place.path), threads, headers, root=node.buckets.directory)


async def _put(request: Request) -> Response:
    node: Node = request.app.state.node
    place = _place(request)
    query = request.query_params
    if place is None or len(query.multi_items()) != len(query):
        return _not_found()
    if not node.buckets.permits_put(place.path, query):
        return PlainTextResponse("This upload URL is wrong or has expired; ask for a new one.", 403)
    path = node.buckets.location(place.path)
    is_file = place.kind == "file"
    destination = Destination(
        node.buckets.result_writer if place.kind == "result" else node.buckets.writer,
        lambda _: path,
        sha1=place.sha1 if is_file else None,
        size=int(query["size"]) if "size" in query else None,
        is_immutable=is_file,
        is_quick=place.kind == "result",
    )
    try:
        received = await receive_file(request, destination)
    except WrongContentError as error:
        return PlainTextResponse(str(error), 400)
    if not is_file:
        node.results.stored(received.size)
    return Response(status_code=200)


class _Channel(Body):
    channel_name: AnyText


class _File(_Channel):
    sha1: Sha1
    size: Annotated[Whole | None, Given()] = None


class _Upload(Body):
    sha1: Sha1
    channel: AnyText


async def _create_signed_url(request: Request) -> Response:
    asked = await body_of(request, _File)
    node: Node = request.app.state.node
    if asked.size is not None and asked.size > node.limits.file_bytes:
        raise InvalidRequest(f"size: at most {node.limits.file_bytes} is expected")
    channel = allowed_channel(node, asked.channel_name, caller_of(request), "provideFiles")
    path = node.buckets.file_path(channel.name, asked.sha1)
    if node.buckets.exists(path):
        return answer({"success": True, "alreadyUploaded": True})
    url = node.buckets.signed_put_url(path, asked.size)
    return answer({"success": True, "alreadyUploaded": False, "signedUrl": url})


async def _upload(request: Request) -> Response:
    asked = await body_of(request, _Upload)
    node: Node = request.app.state.node
    channel = allowed_channel(node, asked.channel, caller_of(request), "provideFiles")
    source = local_file(node.directory, asked.sha1)
    if source is None:
        raise MissingArtifactError(f"{asked.sha1} is not in the storage directory")
    target = node.buckets.location(node.buckets.file_path(channel.name, asked.sha1))
    await asyncio.wrap_future(node.long_calls.submit(_copy_into_bucket, node, source, target, asked.sha1))
    return answer({"success": True})


async def _bucket_base_url(request: Request) -> Response:
    """Answer the hub's question that kachery-client asks before an upload."""
    name = (await body_of(request, _Channel)).channel_name
    node: Node = request.app.state.node
    if node.channels.get(name) is None:
        raise NodeError(f"this node has no channel {name!r:.60}")
    return answer({"success": True, "url": node.buckets.bucket_url()})


def allowed_channel(node: Node, name: str, caller: Caller, permission: str) -> Channel:
    """Return a channel on which `caller` has a permission; raises NodeError, Refused."""
    channel = node.channels.get(name)
    if channel is None:
        raise NodeError(f"this node has no channel {name!r:.60}; `seriesview channel create` makes one")
    if not channel.allows(caller, permission):
        raise Refused(f"{permission} is not permitted to {caller.name} on channel {name}")
    return channel


def check_token(node: Node, caller: Caller) -> None:
    """Raise Refused where the token of a request that waited was taken back meanwhile."""
    if caller.token and not node.tokens.knows(caller.token, caller.name):
        raise Refused(f"the token of {caller.name} was taken back")


def _place(request: Request) -> BucketPath | None:
    """Return the bucket path of a request; the path as it was sent, so that %2F is no slash."""
    sent = request.scope["raw_path"].decode("latin-1")
    return parse_bucket_path(sent.removeprefix(f"{URL_PREFIX}/"))


def _not_found() -> Response:
    return PlainTextResponse("There is no such file in a bucket.", 404)


def _copy_into_bucket(node: Node, source: Path, target: Path, sha1: str) -> None:
    pieces = [Piece(source, 0, source.stat().st_size)]
    copy_pieces(pieces, sha1, node.buckets.writer, target, Progress())
