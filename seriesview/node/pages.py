"""The page that shows a figure, the views in it, and the artifacts that they read."""

import json
import os
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from seriesview.node.bucket_routes import allowed_channel
from seriesview.node.buckets import parse_bucket_path
from seriesview.node.config import ViewFiles
from seriesview.node.fetching import local_file
from seriesview.node.link_policy import check_sendable
from seriesview.node.names import is_origin
from seriesview.node.node import Node
from seriesview.node.packing import content_response, packed_response
from seriesview.node.reach import NOT_SHOWN
from seriesview.node.requests import caller_of
from seriesview.node.sending import FileResponse
from seriesview.store.paths import artifact_path

PAGE_PATH = "/f"
PAGE_FILES = "/page/"
VIEW_FILES = "/view/"
ARTIFACT_FILES = "/files/"

_PAGE_FOLDER = Path(__file__).parent / "page"
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
}
_PART = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9_@.-]*", re.ASCII)
# A notebook shows the page in a frame: through a proxy from the same origin, else from another port of loopback. The
# view is in that frame too.
_FRAMED_BY = "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*"
_COMMON_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; object-src 'none'; "
_PAGE_POLICY = (
    _COMMON_POLICY
    # Of blobs, because Firefox takes the address of what a view gives to be saved for the frame's next one.
    + "script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {reached}; frame-src {frames} blob:; "
    + _FRAMED_BY
)
_VIEW_POLICY = (
    _COMMON_POLICY
    + "script-src 'self'; worker-src 'self' blob:; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "
    "connect-src 'self'; " + _FRAMED_BY
)
_BACKEND_POLICY = (
    _COMMON_POLICY
    # It reads a description from any bucket, and this node is not among what it reaches.
    + "script-src 'self'; style-src 'self'; img-src data:; frame-ancestors 'none'; "
    "connect-src https: http://localhost:* http://127.0.0.1:*"
)
_BUCKET_HOST = "https://storage.googleapis.com"


def figure_path(
    view: str, data: str, channel: str, label: str, state: Mapping[str, object] | None = None
) -> str:
    """Return the path and query of a node's page that shows a figure.

    `view` is `/view/NAME` or an address, `data` the SHA-1 of the figure's data, `state` what the link holds of the
    view's state.
    """
    return _page_with({"v": view, "d": data, "channel": channel, "label": label}, state)


def live_path(
    view: str, key: str, channel: str, label: str, state: Mapping[str, object] | None = None
) -> str:
    """Return the same of a page that shows what there is of a figure while it is made; `key` names the build."""
    return _page_with({"v": view, "live": key, "channel": channel, "label": label}, state)


def _page_with(fields: dict[str, str], state: Mapping[str, object] | None) -> str:
    if state is not None:
        fields["s"] = json.dumps(state, separators=(",", ":"), allow_nan=False)
    query = "&".join(f"{name}={quote(value, safe='/:')}" for name, value in fields.items())
    return f"{PAGE_PATH}?{query}"


def origin_of_view(view: str) -> str | None:
    """Return the origin of a view that a link names by its address; None: it is none, or one of the node's own."""
    if view.startswith("gs://"):
        return _BUCKET_HOST
    try:
        parts = urlsplit(view)
    except ValueError:
        return None
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin if is_origin(origin) else None


def page_routes() -> list[Route]:
    """Return the routes of the page, the views and the artifacts."""
    return [
        Route(f"{ARTIFACT_FILES}{{path:path}}", _artifact, methods=["GET"]),
        Route(f"{VIEW_FILES}{{path:path}}", _view_file, methods=["GET"]),
        Route(f"{PAGE_FILES}{{path:path}}", _page_file, methods=["GET"]),
        Route(PAGE_PATH, _page, methods=["GET"]),
    ]


async def _page(request: Request) -> Response:
    node: Node = request.app.state.node
    frames = "'self'"
    views = parse_qs(request.url.query).get("v", [])
    # Those of all channels: in the page another one than the link's can be set.
    urls = [channel.bucket_url for channel in node.channels.all() if channel.bucket_url]
    buckets = sorted({"/".join(url.split("/")[:3]) for url in urls})
    reached = " ".join(["'self'", *buckets])
    origin = origin_of_view(views[0]) if views else None
    if origin in node.config.view_origins:
        frames = f"'self' {origin}"
    headers = {"Content-Security-Policy": _PAGE_POLICY.format(frames=frames, reached=reached)}
    return _static(request, _PAGE_FOLDER, "index.html", headers)


async def _page_file(request: Request) -> Response:
    path = _sent_path(request, PAGE_FILES)
    policy = _BACKEND_POLICY if path == "backend.html" else _COMMON_POLICY
    return _static(request, _PAGE_FOLDER, path, {"Content-Security-Policy": policy})


async def _view_file(request: Request) -> Response:
    node: Node = request.app.state.node
    name, slash, path = _sent_path(request, VIEW_FILES).partition("/")
    folder = node.config.views.get(name)
    if folder is None:
        return _not_found()
    if not slash:
        query = request.scope["query_string"].decode("latin-1")
        return Response(status_code=308, headers={"Location": f"{name}/{query and '?'}{query}"})
    path = f"{path}index.html" if not path or path.endswith("/") else path
    return _static(request, folder, path, {"Content-Security-Policy": _VIEW_POLICY})


async def _artifact(request: Request) -> Response:
    """Send an artifact of the storage directory, else of the channel's bucket, to whoever may request its files.

    A linked file is the linker's own, outside the storage directory: only kachery clients get it.
    """
    node: Node = request.app.state.node
    place = parse_bucket_path(_sent_path(request, ARTIFACT_FILES))
    if place is None or place.kind != "file":
        return _not_found()
    caller = caller_of(request)
    allowed_channel(node, place.channel, caller, "requestFiles")
    stored = artifact_path(node.directory, place.sha1)
    path: Path | None = stored
    is_shown = await node.gate.shows(caller, place.sha1)
    if not is_shown and not node.buckets.exists(place.path):
        return PlainTextResponse(f"sha1://{place.sha1}: {NOT_SHOWN}", 404)
    if not is_shown:
        # What was uploaded to a channel is for everybody.
        path = None
    elif not os.path.isfile(stored):  # noqa: PTH113  (faster)
        path = local_file(node.directory, place.sha1) if caller.is_client else None
    check = None if path in (None, stored) else partial(check_sendable, node, path)
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        # Asked for again each time: what is found damaged can be mended.
        "Cache-Control": "private, no-cache",
        "Vary": "Cookie, Authorization",
    }
    root = node.buckets.directory if path is None else node.directory
    path = path or node.buckets.location(place.path)
    return FileResponse(path, node.threads, headers, root=root, check=check)


def _static(request: Request, folder: ViewFiles, path: str, headers: Mapping[str, str]) -> Response:
    """Send a file of a folder of web pages; nothing above it, nothing hidden, no listing."""
    parts = path.split("/")
    content_type = _CONTENT_TYPES.get(os.path.splitext(path)[1])  # noqa: PTH122
    if content_type is None or not all(_PART.fullmatch(part) for part in parts):
        return _not_found()
    described = {"Content-Type": content_type, "Cache-Control": "no-cache", **headers}
    if isinstance(folder, Mapping):
        return content_response(request, folder[path], described) if path in folder else _not_found()
    root = os.path.realpath(folder)
    real = os.path.realpath(os.path.join(root, *parts))  # noqa: PTH118
    if not real.startswith(root + os.sep) or not os.path.isfile(real):  # noqa: PTH113
        return _not_found()
    packed = packed_response(request, Path(real), described)
    if packed is not None:
        return packed
    return FileResponse(Path(real), request.app.state.node.threads, {**described, "Vary": "Accept-Encoding"})


def _sent_path(request: Request, prefix: str) -> str:
    """Return a request's path as it was sent, so that %2F is no slash, without its prefix."""
    sent: str = request.scope["raw_path"].decode("latin-1")
    return sent.removeprefix(prefix)


def _not_found() -> Response:
    return PlainTextResponse("There is no such file.", 404)
