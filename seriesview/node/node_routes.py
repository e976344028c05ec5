"""What the node says of itself, sessions of browsers, and stopping it."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from seriesview.documents.expectations import Flag, Words
from seriesview.node.access import SESSION_PATH, cookie_name
from seriesview.node.callers import Caller
from seriesview.node.channels import PERMISSIONS
from seriesview.node.names import Sha1
from seriesview.node.node import Node
from seriesview.node.proxies import is_forwarded
from seriesview.node.requests import AnyText, Body, answer, body_of
from seriesview.node.tokens import SESSION_SECONDS

_COOKIE_PATH = r"/(?:[A-Za-z0-9_.~@%+-]{1,200}/){0,20}"


def node_routes() -> list[Route]:
    """Return the routes that have to do with the node itself."""
    return [
        Route("/probe", _probe, methods=["GET", "POST"]),
        Route("/stats", _stats, methods=["GET"]),
        Route("/halt", _halt, methods=["GET", "POST"]),
        Route(SESSION_PATH, _session, methods=["GET"]),
        Route(SESSION_PATH, _open_session, methods=["POST"]),
        Route("/newLinkToken", _new_link_token, methods=["POST"]),
    ]


async def _probe(request: Request) -> Response:
    node: Node = request.app.state.node
    if request.client is not None:
        node.broker.note_start(request.client.host)
    return answer(
        {
            "success": True,
            "daemonVersion": f"seriesview {_version()}",
            "nodeId": node.identity.node_id,
            # Told to nobody beyond a proxy: no kachery client has the directory there.
            "kacheryStorageDir": None if is_forwarded(request.scope) else str(node.directory),
            **({"isForFigures": True} if node.config.is_for_figures else {}),
        }
    )


async def _stats(request: Request) -> Response:
    node: Node = request.app.state.node
    return answer({"success": True, "channels": [channel.name for channel in node.channels.all()]})


async def _halt(request: Request) -> Response:
    node: Node = request.app.state.node
    node.stop_server()
    return answer({"success": True})


class _Link(Body):
    shown: tuple[Sha1, ...] = ()
    front: Annotated[bool, Flag()] = False


class _Token(Body):
    token: AnyText
    path: Annotated[str, Words(pattern=_COOKIE_PATH, said="the path of a folder")] = "/"


async def _new_link_token(request: Request) -> Response:
    """Give a kachery client a token for a link that one browser can follow, to the figures that it names, or to the
    front page."""
    node: Node = request.app.state.node
    has_body = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
    asked = await body_of(request, _Link) if has_body else _Link()
    await node.gate.add(list(asked.shown))
    return answer({"success": True, "token": node.sessions.new_link_token(asked.front)})


async def _session(request: Request) -> Response:
    """Tell the page what it may do: who asks, what a channel permits them, and which views may be shown."""
    node: Node = request.app.state.node
    caller: Caller | None = getattr(request.state, "caller", None)
    channel = node.channels.get(request.query_params.get("channel", ""))
    permissions: list[str] = []
    if caller is not None and channel is not None:
        permissions = [one for one in PERMISSIONS if channel.allows(caller, one)]
    windows = node.config.windows
    return answer(
        {
            "success": True,
            "name": caller.name if caller else None,
            # Whoever is not known is not told what there is.
            "channelExists": channel is not None if caller else None,
            "permissions": permissions,
            # Whether POST /window answers requests without a backend ID.
            "answersWindows": (
                "requestTasks" in permissions
                and channel is not None
                and windows is not None
                and windows.serves(channel.name, None)
            ),
            "bucketUrl": channel.bucket_url if caller and channel else None,
            "views": sorted(node.config.views),
            "viewOrigins": list(node.config.view_origins),
            "showsAll": not node.gate.is_there,
            "front": None if node.config.front is None else node.config.front.key,
        }
    )


async def _open_session(request: Request) -> Response:
    """Exchange a token, of a link or of a browser's user, for a cookie that scripts cannot read."""
    node: Node = request.app.state.node
    asked = await body_of(request, _Token)
    called = (request.headers.get("host", "").lower(), request.headers.get("origin", ""))
    caller: Caller | None = getattr(request.state, "caller", None)
    secret = node.sessions.exchange_link(asked.token, *called, caller is not None and caller.sees_front)
    if secret is None:
        name = node.tokens.name_of(asked.token)
        if name is None:
            raise HTTPException(403, "This link was used already or has expired; ask for a new one.")
        secret = node.sessions.open(name, *called, asked.token)
    response = JSONResponse({"success": True})
    response.set_cookie(
        cookie_name(node.port),
        secret,
        max_age=int(SESSION_SECONDS),
        # Behind a proxy, others' pages may have the same origin under another path.
        path=asked.path,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def _version() -> str:
    try:
        return version("seriesview")
    except PackageNotFoundError:
        return "unknown"
