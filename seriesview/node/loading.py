"""/loadFile: brings a file from a channel's bucket into the storage directory, telling how far it is."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from seriesview.errors import SeriesviewError
from seriesview.node.fetching import Progress, fetch
from seriesview.node.file_keys import FileKey
from seriesview.node.node import Node
from seriesview.node.one_thread import OneThread
from seriesview.node.requests import AnyText, Body, body_of, caller_of

PROGRESS_SECONDS = 2.0


def loading_routes() -> list[Route]:
    """Return the route of /loadFile."""
    return [Route("/loadFile", _load_file, methods=["POST"])]


class _File(Body):
    file_key: FileKey
    channel_name: AnyText = ""


async def _load_file(request: Request) -> Response:
    asked = await body_of(request, _File)
    node: Node = request.app.state.node
    name = asked.channel_name
    channel = node.channels.get(name)
    problem = ""
    if channel is None:
        problem = f"this node has no channel {name!r:.60}" if name else "no channel was named"
    elif not channel.allows(caller_of(request), "requestFiles"):
        problem = f"requestFiles is not permitted on channel {name}"
    records = _records(node, asked.file_key, None if problem else name, problem)
    return StreamingResponse(records, media_type="application/octet-stream")


async def _records(node: Node, key: FileKey, channel: str | None, problem: str) -> AsyncIterator[bytes]:
    """Yield the records of the answer: progress, then finished or error."""
    progress = Progress()
    thread = OneThread(node.long_calls)
    thread.start(fetch, node.directory, node.writer, node.buckets, key, channel, progress)
    work = asyncio.ensure_future(thread.result())
    try:
        while not (await asyncio.wait([work], timeout=PROGRESS_SECONDS))[0]:
            yield _progress(progress)
        path = work.result()
    except SeriesviewError as error:
        yield _record({"type": "error", "error": str(error)})
    else:
        if path is None:
            reason = problem or f"it is not in the bucket of channel {channel}"
            yield _record(
                {"type": "error", "error": f"{key.sha1} is not in the storage directory, and {reason}"}
            )
            return
        if progress.total:
            yield _progress(progress)
        yield _record({"type": "finished", "localFilePath": str(path)})
    finally:
        progress.stop.set()
        await thread.rest()


def _progress(progress: Progress) -> bytes:
    return _record({"type": "progress", "bytesLoaded": progress.loaded, "bytesTotal": progress.total})


def _record(value: dict[str, Any]) -> bytes:
    text = json.dumps(value).encode("ascii")
    return b"%d#%b" % (len(text), text)
