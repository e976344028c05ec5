"""Files in and out of the storage directory: /store, /storeFile, /linkFile, /downloadFileData."""

import asyncio
import json
import os
import threading
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seriesview.documents.expectations import Given, Instance, Number, expected
from seriesview.errors import MissingArtifactError, NodeError, SeriesviewError
from seriesview.node.fetching import local_file
from seriesview.node.file_keys import FileKey
from seriesview.node.hashing import HashedFile, hash_local_file
from seriesview.node.link_policy import check_linkable, check_sendable
from seriesview.node.node import Node
from seriesview.node.receiving import Destination, receive_file
from seriesview.node.requests import Body, Whole, answer, body_of, caller_of
from seriesview.node.sending import FileResponse
from seriesview.store.paths import artifact_path
from seriesview.store.writer import AtomicWriter

MTIME_TOLERANCE = 0.002
"""Seconds that a modification time may differ from the one in the request, as for the daemon."""


def file_routes() -> list[Route]:
    """Return the routes of files."""
    return [
        Route("/store", _store, methods=["POST"]),
        Route("/storeFile", _store_file, methods=["POST"]),
        Route("/linkFile", _link_file, methods=["POST"]),
        Route("/downloadFileData", _download, methods=["POST"]),
    ]


async def _store(request: Request) -> Response:
    node: Node = request.app.state.node
    if not {"content-length", "transfer-encoding"} & set(request.headers):
        raise HTTPException(403, "Missing Content-Length in header")
    destination = Destination(
        node.writer, lambda sha1: artifact_path(node.directory, sha1), with_manifest=True
    )
    try:
        received = await receive_file(request, destination)
    except SeriesviewError as error:
        # kachery-client shows the text of an answer, not that of an error.
        return answer({"success": False, "error": str(error), "sha1": None, "manifestSha1": None})
    return answer(_stored(received.sha1, received.manifest_sha1))


def _absolute(name: str) -> Path:
    if not name.startswith("/") or "\0" in name:
        raise expected("an absolute path")
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        raise expected("the name of a file") from None
    return Path(os.path.normpath(name))


class _LocalFile(Body):
    local_file_path: Annotated[Path, Instance(str, "an absolute path"), AfterValidator(_absolute)]


class _KnownFile(_LocalFile):
    size: Whole
    mtime: Annotated[float, Number()]


class _Download(Body):
    file_key: FileKey
    start_byte: Whole = 0
    end_byte: Annotated[Whole | None, Given()] = None


async def _store_file(request: Request) -> Response:
    node: Node = request.app.state.node
    path = (await body_of(request, _LocalFile)).local_file_path
    check_linkable(node, caller_of(request), path)
    hashed = await _hash(request, path, node.writer)
    await asyncio.wrap_future(node.threads.submit(_put_manifest, node, hashed))
    return answer(_stored(hashed.sha1, hashed.manifest_sha1))


async def _link_file(request: Request) -> Response:
    asked = await body_of(request, _KnownFile)
    node: Node = request.app.state.node
    path = asked.local_file_path
    check_linkable(node, caller_of(request), path)
    hashed = await _hash(request, path, None)
    is_same = hashed.mtime - MTIME_TOLERANCE <= asked.mtime <= hashed.mtime + MTIME_TOLERANCE
    if hashed.size != asked.size or not is_same:
        raise NodeError(f"{path} is not as the request says: its size or modification time differs")
    await asyncio.wrap_future(node.threads.submit(_put_link, node, path, hashed))
    return answer(_stored(hashed.sha1, hashed.manifest_sha1))


async def _download(request: Request) -> Response:
    asked = await body_of(request, _Download)
    node: Node = request.app.state.node
    key = asked.file_key
    path = local_file(node.directory, key.sha1)
    if path is None:
        raise MissingArtifactError(f"{key.sha1} is not in the storage directory")
    span = (asked.start_byte, asked.end_byte)
    headers = {"Cache-Control": "no-store"}
    return FileResponse(
        path, node.threads, headers, span, node.directory, partial(check_sendable, node, path)
    )


def _put_link(node: Node, path: Path, hashed: HashedFile) -> None:
    """Write the link of a hash, unless its bytes are stored."""
    if not node.writer.holds(hashed.sha1, hashed.size):
        link = {
            "path": str(path),
            "manifestSha1": hashed.manifest_sha1,
            "stat": {"size": hashed.size, "mtime": hashed.mtime},
            "_writingProcess": "daemon",
        }
        node.writer.put_link(json.dumps(link, separators=(",", ":")).encode("ascii"), hashed.sha1)
    _put_manifest(node, hashed)


def _put_manifest(node: Node, hashed: HashedFile) -> None:
    if hashed.chunk_manifest is not None and hashed.manifest_sha1 is not None:
        node.writer.put(memoryview(hashed.chunk_manifest), hashed.manifest_sha1)
    node.writer.flush()


async def _hash(request: Request, path: Path, copy_to: AtomicWriter | None) -> HashedFile:
    """Hash a local file in a thread, and store it if `copy_to` is given; given up when the client goes away."""
    node: Node = request.app.state.node
    stop = threading.Event()
    caller = caller_of(request)

    def check(descriptor: int) -> None:
        check_linkable(node, caller, path, descriptor)

    work = asyncio.wrap_future(node.long_calls.submit(hash_local_file, path, copy_to, stop, check))
    gone = asyncio.ensure_future(request.receive())
    both: list[asyncio.Future[Any]] = [work, gone]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise HTTPException(400, "the client went away")
        return work.result()
    finally:
        stop.set()
        gone.cancel()
        if not work.done():
            work.cancel()


def _stored(sha1: str, manifest_sha1: str | None) -> dict[str, Any]:
    return {"success": True, "error": None, "sha1": sha1, "manifestSha1": manifest_sha1}
