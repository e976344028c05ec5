"""Who may ask what: Host and Origin checks, credentials, CORS, and time limits on slow clients."""

import asyncio
import ipaddress
import logging
import re
import socket
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Literal

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seriesview.node.buckets import URL_PREFIX, base_url
from seriesview.node.callers import CLIENTS, Caller
from seriesview.node.names import is_origin
from seriesview.node.node import Node
from seriesview.node.proxies import ForwardedError, forwarded, parse_proxies
from seriesview.node.tokens import Session, digest_of

CODE_HEADER = b"kachery-client-auth-code"
HUB_HOST = "seriesview-node.invalid"
"""A host name that never resolves: clients that reach the node as their proxy may use it for the hub."""
HUB_PATHS = ("/api/getChannelBucketBaseUrl",)
SESSION_PATH = "/session"

Policy = Literal["open", "callers", "clients"]

_OPEN = ("/probe", SESSION_PATH, "/f", "/", *HUB_PATHS)
_STATIC_FOLDERS = ("/page/", "/view/")
_OPEN_FOLDERS = (f"{URL_PREFIX}/", *_STATIC_FOLDERS)
WINDOW_PATH = "/window"
_CALLERS = ("/task/", "/feed/", "/files/", "/front/", "/live/", "/createSignedFileUploadUrl", WINDOW_PATH)
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?(:[0-9]{1,5})?", re.ASCII)
_DRAINED_BYTES = 2**28
_DRAIN_SECONDS = 5.0
_log = logging.getLogger("seriesview.node")


def _lets_in(scope: Scope) -> bool:
    """Return whether a request is for pages that hold nothing, or for letting a browser in by its token.

    These are answered under every name: only the token says that a proxy's name means this node.
    """
    path: str = scope["path"]
    if scope["method"] == "POST":
        return path == SESSION_PATH
    return scope["method"] in ("GET", "HEAD") and (path in ("/f", "/") or path.startswith(_STATIC_FOLDERS))


def policy_of(path: str) -> Policy:
    """Return who may ask for a path: anybody, any caller with a credential, or kachery clients alone."""
    if path in _OPEN or path.startswith(_OPEN_FOLDERS):
        return "open"
    if path.startswith(_CALLERS):
        return "callers"
    return "clients"


class Access:
    """ASGI middleware: lets in what may come in, and says who it is in `scope["state"]["caller"]`."""

    def __init__(self, app: ASGIApp, node: Node) -> None:
        self._app = app
        self._node = node
        self._hosts = _own_names(node)
        self._proxies = parse_proxies(node.config.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and hand it on, or refuse it."""
        if scope["type"] != "http":
            return
        exchange = _Exchange(self._node.limits.stall_seconds, scope, receive, send)
        try:
            try:
                scope = forwarded(scope, self._proxies)
                refusal = self._admit(scope, exchange)
            except ForwardedError as problem:
                refusal = PlainTextResponse(f"The proxy in front of this node: {problem}.", 400)
            except HTTPException as problem:
                refusal = PlainTextResponse(problem.detail, problem.status_code, problem.headers)
            if not scope["state"]["identify"]("caller" in scope["state"]):
                exchange.end_at_once()
                refusal = PlainTextResponse(
                    "This node answers more requests than it has room for.", 503, {"Retry-After": "1"}
                )
            if refusal is not None:
                await refusal(scope, exchange.receive, exchange.send)
            else:
                await self._app(scope, exchange.receive, exchange.send)
        except ClientGoneError:
            pass

    def _admit(self, scope: Scope, exchange: "_Exchange") -> Response | None:
        """Return None where the request may go on, else the answer that refuses it."""
        headers = scope["headers"]
        hosts = [value for name, value in headers if name == b"host"]
        host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""
        path = scope["path"]
        session = self._session(scope)
        if not self._is_own(host, scope) and not self._is_let_in(host, scope, session):
            return PlainTextResponse(
                "This node is not called by that name; start it with --allow-host NAME.", 403
            )
        url = f"{scope['scheme']}://{host}"
        hub = _name_of(host) == HUB_HOST
        base_url.set(None if hub else url)
        if hub and path not in HUB_PATHS:
            return PlainTextResponse("Only the hub's questions are answered under this name.", 403)
        policy = policy_of(path)
        origins = [value for name, value in headers if name == b"origin"]
        origin: str | None = None
        if origins:
            origin = origins[0].decode("latin-1")
            if origin in (url, f"https://{host}") or self._is_page(origin, scope, session):
                # https, or another name: a proxy, which reaches the node by http.
                origin = None
            elif len(origins) > 1 or not self._is_welcome(origin, path, policy):
                return PlainTextResponse("Web pages of this origin may not use this node.", 403)
            else:
                exchange.allow_origin(origin)
        if scope["method"] == "OPTIONS":
            return _preflight(origin)
        return self._identify(scope, policy, origin, bool(origins), session)

    def _identify(
        self, scope: Scope, policy: Policy, origin: str | None, has_origin: bool, session: Session | None
    ) -> Response | None:
        """Find out who asks; returns None or a refusal."""
        local = _is_loopback(scope.get("client"))
        given = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _CREDENTIALS}
        name: str | None = None
        token, account, sees_front = b"", "", True
        if CODE_HEADER in given:
            if not self._node.codes.accepts(given[CODE_HEADER]):
                return PlainTextResponse("Incorrect or invalid client authorization code.", 403)
            name = CLIENTS
        elif given.get(b"authorization", "").lower().startswith("bearer "):
            shown = given[b"authorization"][7:].strip()
            name = self._node.tokens.name_of(shown)
            if name is None:
                return PlainTextResponse("Incorrect token.", 403)
            token, account = digest_of(shown), name
        elif session and origin is None and (has_origin or scope["method"] in ("GET", "HEAD")):
            name, token, account = session.name, session.token_digest, session.account
            sees_front = session.sees_front
        if name is not None:
            scope["state"]["caller"] = Caller(name, origin, local, token, account, sees_front)
            if not scope["path"].startswith(_STATIC_FOLDERS):
                self._node.quotas.check_request(account)
        if policy == "open" or (name is not None and (policy == "callers" or name == CLIENTS)):
            return None
        if name is not None:
            return PlainTextResponse("This is for clients that have the storage directory.", 403)
        return PlainTextResponse(
            "Missing client auth code (KACHERY-CLIENT-AUTH-CODE); it is in the storage directory.", 403
        )

    def _session(self, scope: Scope) -> Session | None:
        """Return the session whose cookie a browser sends, None where there is none."""
        for name, value in scope["headers"]:
            if name == b"cookie":
                try:
                    morsel = SimpleCookie(value.decode("latin-1")).get(cookie_name(self._node.port))
                except CookieError:
                    return None
                session = None if morsel is None else self._node.sessions.find(morsel.value)
                return session if session and self._node.tokens.allow(session) else None
        return None

    def _is_welcome(self, origin: str, path: str, policy: Policy) -> bool:
        """Return whether web pages of another origin may use a path."""
        if not is_origin(origin) or policy == "clients" or path == SESSION_PATH or path in HUB_PATHS:
            return False
        channels = self._node.channels
        if path.startswith(f"{URL_PREFIX}/"):
            channel = channels.get(path[len(URL_PREFIX) + 1 :].partition("/")[0])
            return channel is not None and origin in channel.origins
        return channels.is_origin_allowed(origin)

    def _is_let_in(self, host: str, scope: Scope, session: Session | None) -> bool:
        """Return whether a request under a name that the node does not know, a proxy's, may go on."""
        return _name_of(host) is not None and (
            _lets_in(scope) or (session is not None and session.host == host)
        )

    def _is_page(self, origin: str, scope: Scope, session: Session | None) -> bool:
        """Return whether a page of another origin is the node's own, behind a proxy that has a name of its own."""
        if session is not None and session.origin == origin:
            return True
        return is_origin(origin) and _lets_in(scope) and not self._node.channels.is_origin_allowed(origin)

    def _is_own(self, host: str, scope: Scope) -> bool:
        """Return whether a Host header names this node: a page of any other name was brought here by DNS."""
        name = _name_of(host)
        if name is None:
            return False
        if name in self._hosts:
            return True
        server = scope.get("server")
        return server is not None and _same_address(name, server[0])


class ClientGoneError(Exception):
    """Nobody takes the answer any more."""


class _Exchange:
    """One request and its answer: stall limits, CORS headers, and what is left of a refused body."""

    def __init__(self, seconds: float, scope: Scope, receive: Receive, send: Send) -> None:
        self._seconds = seconds
        self._receive = receive
        self._send = send
        self._transport: asyncio.Transport = scope["state"]["transport"]
        self._has_body = scope["method"] in ("POST", "PUT")
        self._announced = _content_length(scope)
        self._body_ended = False
        self._origin: str | None = None
        self._ends_at_once = False

    def allow_origin(self, origin: str) -> None:
        self._origin = origin

    def end_at_once(self) -> None:
        """Close the connection with the answer, whatever the client still sends."""
        self._ends_at_once = True

    async def receive(self) -> Message:
        if self._body_ended:
            return await self._receive()
        try:
            async with asyncio.timeout(self._seconds):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "nothing arrived for too long") from None
        self._body_ended = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            if self._origin is not None:
                headers["Access-Control-Allow-Origin"] = self._origin
                headers["Access-Control-Expose-Headers"] = "Content-Length, Content-Range, ETag"
                headers["Cross-Origin-Resource-Policy"] = "cross-origin"
                headers.add_vary_header("Origin")
            else:
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
            status = message["status"]
            is_early = not self._body_ended and (status >= 400 or self._has_body)
            if self._ends_at_once or (is_early and (status == 408 or not await self._drained())):
                headers["Connection"] = "close"
        if self._transport.get_write_buffer_size() == 0:
            await self._send(message)  # nothing to wait for
        else:
            try:
                async with asyncio.timeout(self._seconds):
                    await self._send(message)
            except TimeoutError:
                self._transport.abort()
                raise ClientGoneError from None
        if self._transport.is_closing() and message.get("more_body", False):
            raise ClientGoneError

    async def _drained(self) -> bool:
        """Read what a client still sends, so that it can read the answer; False where it is too much."""
        left = _DRAINED_BYTES
        if self._announced > left:
            return False
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while left > 0 and not self._body_ended:
                    message = await self._receive()
                    left -= len(message.get("body", b""))
                    self._body_ended = not message.get("more_body", False)
        except TimeoutError:
            return False
        return self._body_ended


def _content_length(scope: Scope) -> int:
    """Return how many bytes a request's body has, 0 where its headers do not say it."""
    values = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(values[0]) if values and values[0].isdigit() and len(values[0]) < 19 else 0


_CREDENTIALS = (CODE_HEADER, b"authorization")


def cookie_name(port: int) -> str:
    """Return the name of a node's cookie: browsers do not tell the ports of a host apart."""
    return f"seriesview-node-{port}"


def _preflight(origin: str | None) -> Response:
    if origin is None:
        return Response(status_code=204, headers={"Allow": "GET, HEAD, POST, PUT, OPTIONS"})
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT",
            "Access-Control-Allow-Headers": "Content-Type, Authorization, Range",
            "Access-Control-Allow-Private-Network": "true",
            "Access-Control-Max-Age": "600",
        },
    )


def _own_names(node: Node) -> frozenset[str]:
    """Return the names that this node is called by."""
    names = {"localhost", "127.0.0.1", "[::1]", HUB_HOST}
    host = node.config.host.lower()
    if host and host not in ("0.0.0.0", "::"):
        names.add(f"[{host}]" if ":" in host else host)
    if not _is_loopback((host, 0)) and host != "localhost":
        # This machine's own names: whoever could point them elsewhere runs the local network.
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names | {name.lower().rstrip(".") for name in node.config.allow_hosts})


def _name_of(host: str) -> str | None:
    match = _HOST.fullmatch(host)
    return match[1] if match else None


def _same_address(name: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(name.strip("[]")) == _plain(ipaddress.ip_address(address))
    except ValueError:
        return False


def _is_loopback(client: tuple[str, int] | None) -> bool:
    return client is not None and _is_loopback_address(client[0])


@lru_cache(1024)
def _is_loopback_address(address: str) -> bool:
    try:
        return _plain(ipaddress.ip_address(address)).is_loopback
    except ValueError:
        return False


def _plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
