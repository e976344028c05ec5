"""The node's application: its routes, and what errors look like."""

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from seriesview.errors import IntegrityError, MissingArtifactError, SeriesviewError, StoreError
from seriesview.node.access import Access
from seriesview.node.bucket_routes import bucket_routes
from seriesview.node.buckets import URL_PREFIX
from seriesview.node.callers import Caller
from seriesview.node.feed_routes import feed_routes
from seriesview.node.files import file_routes
from seriesview.node.front import front_routes
from seriesview.node.loading import loading_routes
from seriesview.node.mutables import mutable_routes
from seriesview.node.node import Node
from seriesview.node.node_routes import node_routes
from seriesview.node.pages import ARTIFACT_FILES, page_routes
from seriesview.node.requests import Refused
from seriesview.node.task_routes import task_routes
from seriesview.node.task_watching import task_watching_routes
from seriesview.node.window_routes import window_routes

_log = logging.getLogger("seriesview.node")


def build_app(node: Node) -> ASGIApp:
    """Return the ASGI application that serves a node."""
    app = Starlette(
        routes=[*_routes(), *node.config.routes],
        exception_handlers={
            HTTPException: _http_problem,
            SeriesviewError: _problem,
            Exception: _fault,
        },
    )
    app.state.node = node
    return Access(app, node)


def _routes() -> list[BaseRoute]:
    # Those first that are asked for most: they are tried in this order.
    return [
        *window_routes(),
        *task_routes(),
        *bucket_routes(),
        *task_watching_routes(),
        *page_routes(),
        *feed_routes(),
        *file_routes(),
        *loading_routes(),
        *mutable_routes(),
        *node_routes(),
        *front_routes(),
    ]


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(error.detail, error.status_code, error.headers)


async def _problem(request: Request, error: Exception) -> Response:
    status = 500
    if isinstance(error, Refused):
        status = 403
    elif isinstance(error, MissingArtifactError) and request.url.path.startswith(
        (f"{URL_PREFIX}/", ARTIFACT_FILES)
    ):
        status = 404
    caller: Caller | None = getattr(request.state, "caller", None)
    if isinstance(error, StoreError | IntegrityError) and status == 500 and not (caller and caller.is_client):
        # Its text may name folders of this machine.
        _log.warning("%s", error)
        return PlainTextResponse("The node cannot use its storage; its log says why.", status)
    # A file's name may hold bytes that are no text.
    return PlainTextResponse(str(error).encode("utf-8", "backslashreplace"), status)


async def _fault(request: Request, error: Exception) -> Response:
    """Answer for a bug: what it is stands in the log alone."""
    return PlainTextResponse("Something went wrong in the node; its log says what.", 500)
