"""Running a node: in this process until it is told to stop, or in a thread."""

import asyncio
import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import uvicorn

from seriesview.errors import NodeError
from seriesview.node.app import build_app
from seriesview.node.config import NodeConfig
from seriesview.node.connection import connection_class
from seriesview.node.crowd import Crowd
from seriesview.node.memory import keep_freed_memory
from seriesview.node.node import Node
from seriesview.node.open_files import NoFilesLeft, connection_limits
from seriesview.node.rare_warnings import RareWarnings

_GRACE_SECONDS = 3
_TRIES = 10
"""A port that is free by IPv4 may be taken by IPv6."""
_LOOPBACK = [(int(socket.AF_INET), "127.0.0.1"), (int(socket.AF_INET6), "::1")]
"""Both, whatever the name resolves to: else another user could listen on the other one for this node's clients."""
_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_SECURITY_HEADERS = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")]


def run_node(config: NodeConfig, announce: Callable[[str], None] = print) -> None:
    """Serve until SIGTERM or SIGINT; `announce` gets one line when the node is ready. NodeError, StoreError."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        await _serve(config, stop, lambda node: announce(_ready_line(node)))

    asyncio.run(main())


class NodeThread:
    """A node in a thread of this process, for as long as a `with` block runs."""

    def __init__(self, config: NodeConfig) -> None:
        self.config = config
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._problem: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)

    @property
    def url(self) -> str:
        """The node's address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and return when clients are let in; raises NodeError, StoreError."""
        self._thread.start()
        self._ready.wait()
        if self._problem is not None:
            self._thread.join()
            raise self._problem

    def stop(self) -> None:
        """Stop, and return when nothing of it runs any more."""
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def __enter__(self) -> "NodeThread":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._problem = error
            if self._ready.is_set():
                logging.getLogger("seriesview.node").error("the node stopped: %s", error)
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()

        def note(node: Node) -> None:
            self.port = node.port
            self._ready.set()

        await _serve(self.config, self._stop, note)


class _Server(uvicorn.Server):
    """uvicorn's server, stopped by an event: no signals of its own, and no waking up while nothing happens."""

    def __init__(self, config: uvicorn.Config, stop: asyncio.Event, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        self._ready()
        await self._stop.wait()


async def _serve(config: NodeConfig, stop: asyncio.Event, ready: Callable[[Node], None]) -> None:
    warnings = RareWarnings()
    crowd = Crowd(connection_limits(), warnings)
    asyncio.get_running_loop().set_exception_handler(NoFilesLeft(warnings).handle)
    keep_freed_memory()
    sockets = _bind(config.host, config.port)
    try:
        node = Node(config, sockets[0].getsockname()[1], stop.set)
        try:
            await node.start()
            server = _Server(_uvicorn_config(node, crowd), stop, lambda: ready(node))
            closing = asyncio.create_task(_close_when(stop, node))
            await server.serve(sockets)
            closing.cancel()
        finally:
            await node.stop()
    finally:
        for listener in sockets:
            listener.close()


async def _close_when(stop: asyncio.Event, node: Node) -> None:
    await stop.wait()
    node.begin_stop()


def _uvicorn_config(node: Node, crowd: Crowd) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(node),
        http=connection_class(node.limits, crowd),
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        headers=_SECURITY_HEADERS,
        proxy_headers=False,
        backlog=crowd.limits.backlog,
        timeout_keep_alive=int(node.limits.idle_seconds),
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _bind(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen on a host's addresses, all to one port (0: any free one); raises NodeError."""
    for _ in range(_TRIES if port == 0 else 0):
        with suppress(NodeError):
            return _bind_to(host, port)
    return _bind_to(host, port)


def _bind_to(host: str, port: int) -> list[socket.socket]:
    addresses = _LOOPBACK if host == "localhost" else _addresses(host)
    sockets: list[socket.socket] = []
    for family, address in addresses:
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listener.bind((address, port))
            # Two processes can be bound to a port while neither listens.
            listener.listen()
        except OSError as error:
            listener.close()
            if sockets and error.errno in _NO_IPV6:
                continue
            for other in sockets:
                other.close()
            which = "--host" if error.errno == errno.EADDRNOTAVAIL else "--port"
            raise NodeError(
                f"cannot listen on {address} port {port}: {error.strerror}; choose another {which}"
            ) from error
        sockets.append(listener)
        port = listener.getsockname()[1]
    return sockets


def _addresses(host: str) -> list[tuple[int, str]]:
    """Return (address family, address) of a host's addresses, IPv4 first; raises NodeError."""
    try:
        found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise NodeError(f"--host {host}: no such address on this machine ({error.strerror})") from error
    addresses = dict.fromkeys((int(family), str(address[0])) for family, _, _, _, address in found)
    return sorted(addresses, key=lambda entry: entry[0] != socket.AF_INET)


def _ready_line(node: Node) -> str:
    channels = ", ".join(channel.name for channel in node.channels.all()) or "none"
    place = f"{node.buckets.default_url}, storage {node.directory}"
    return f"kachery node {node.identity.node_id[:8]} is ready at {place}, channels: {channels}"
