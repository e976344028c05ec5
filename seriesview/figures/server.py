"""A node and a backend in threads of this process, for the figures of one storage directory."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from seriesview.errors import BackendError, NodeError
from seriesview.figures.index import SessionsFront
from seriesview.figures.live_routes import LiveRoutes
from seriesview.figures.node_access import check_front, connect, new_token, permit_links, shows_all
from seriesview.figures.place import VIEW_PATH, channel_name, views
from seriesview.store.daemon import find_node
from seriesview.store.uris import parse_uri

if TYPE_CHECKING:
    from seriesview.backend.backend import Backend
    from seriesview.backend.client import DaemonClient
    from seriesview.backend.direct_windows import DirectWindows
    from seriesview.live.live_build import LiveBuild
    from seriesview.node.reach import Reach
    from seriesview.node.server import NodeThread

_COMING_UP_SECONDS = 3.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("", "0.0.0.0", "::")


class ServerOptions(TypedDict, total=False):
    """Where and how links are answered, as `FigureServer` takes it."""

    channel: str | None
    host: str
    port: int | None
    allow_hosts: tuple[str, ...]
    shows_all: bool


class FigureServer:
    """Answers links to figures from `start` to `stop`, or for as long as a `with` block runs.

    A node that serves the storage directory already is used instead of one of its own.
    """

    def __init__(
        self,
        storage_dir: Path,
        channel: str | None = None,
        *,
        host: str = "localhost",
        port: int | None = None,
        allow_hosts: tuple[str, ...] = (),
        shows_all: bool = False,
        index: Path | None = None,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Listen on `host` and `port`: without a port on kachery's usual one or, where that is taken, any.

        Links reach what the figures are made of that links were made to; with `shows_all` the whole directory.
        `index` is a folder of results whose sessions the front page lists; links reach those too.
        `channel` is FIGURL_CHANNEL where it is not given, else `seriesview`. `announce` gets lines for people.
        """
        self._directory = storage_dir.expanduser().absolute()
        self.channel = channel_name(channel)
        self._host = host
        self._port = port
        self._allow_hosts = allow_hosts
        self._shows_all = shows_all
        self._announce = announce
        self._live_routes = LiveRoutes()
        self._reached: Reach | None = None
        self._index = None if index is None else SessionsFront(index, self.channel)
        self._node: NodeThread | None = None
        self._client: DaemonClient | None = None
        self._backend: Backend | None = None
        self._windows: DirectWindows | None = None
        self._at = ("127.0.0.1", 0)

    @property
    def address(self) -> str:
        """Where browsers find it: http://HOST:PORT."""
        name = "127.0.0.1" if self._at[0] in _LOOPBACK else self._at[0]
        if self._node is not None and self._host not in _LOOPBACK:
            own = socket.gethostname() if self._host in _EVERYWHERE else self._host
            name = self._allow_hosts[0] if self._allow_hosts else own
        return f"http://[{name}]:{self.port}" if ":" in name else f"http://{name}:{self.port}"

    @property
    def port(self) -> int:
        """The node's port."""
        return self._at[1]

    @property
    def is_on_loopback(self) -> bool:
        """Whether links work on this machine only."""
        return self._at[0] in _LOOPBACK and (self._node is None or self._host in _LOOPBACK)

    def start(self) -> None:
        """Return when links are answered; raises NodeError, BackendError, StoreError."""
        from seriesview.backend.backend import Backend
        from seriesview.backend.direct_windows import DirectWindows
        from seriesview.backend.functions import functions_of, open_context

        self._directory.mkdir(parents=True, exist_ok=True)
        permit_links(self._directory, self.channel, self._announce)
        context = open_context(self._directory)
        self._windows = DirectWindows(context, [self.channel])
        try:
            self._at = self._find() or self._start_node()
            self._client = connect(self._directory, self._at)
            self._announce(self._what_is_shown())
            if self._index is not None and self._node is None:
                check_front(self._client, self._index.key)
            backend = Backend(
                self._client,
                [self.channel],
                functions_of(context),
                when_idle=context.release,
                was_used=self._windows.was_used,
            )
            backend.start()
            self._backend = backend
        except BaseException:
            self.stop()
            raise

    def stop(self) -> bool:
        """Stop what was started here; returns whether everything has ended, running tasks included."""
        has_ended = self._backend is None or self._backend.stop()
        if self._client is not None:
            self._client.close()
        if self._node is not None:
            self._node.stop()
        if self._windows is not None:
            has_ended = self._windows.close() and has_ended
        has_ended = self._live_routes.close() and has_ended
        self._live_routes = LiveRoutes()
        self._backend, self._client, self._node, self._windows = None, None, None, None
        return has_ended

    def __enter__(self) -> FigureServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def index_link(self) -> str:
        """A new link to the index of sessions; one browser can follow it, within the hour."""
        if self._client is None:
            raise BackendError("the server of figures is not started, or has ended")
        return f"{self.address}/#token={new_token(self._client, to_front=True)}"

    @property
    def has_own_node(self) -> bool:
        """Whether links are answered by this process, and not by a node of another one."""
        return self._node is not None

    def follow(self, live: LiveBuild) -> None:
        """Answer the pages of a build that is under way, where the node is this process's own."""
        self._live_routes.add(live)

    def live_path(self, live: LiveBuild, label: str, state: Mapping[str, Any] | None = None) -> str:
        """Path, query and fragment of a new link to a build that is followed; it works once."""
        from seriesview.node.pages import live_path

        if self._client is None:
            raise BackendError("the server of figures is not started, or has ended")
        page = live_path(VIEW_PATH, live.key, self.channel, label, state)
        return f"{page}#token={new_token(self._client)}"

    def show(self, uri: str) -> None:
        """Let those who are here already read what a URI reaches."""
        if self._reached is not None:
            self._reached.add(parse_uri(uri)[0])

    def path(self, uri: str, label: str, state: Mapping[str, Any] | None = None) -> str:
        """Path, query and fragment of a new link to the figure whose data `uri` names; it works once."""
        from seriesview.node.pages import figure_path

        if self._client is None:
            raise BackendError("the server of figures is not started, or has ended")
        page = figure_path(VIEW_PATH, parse_uri(uri)[0], self.channel, label, state)
        return f"{page}#token={new_token(self._client, uri)}"

    def link(self, uri: str, label: str, state: Mapping[str, Any] | None = None) -> str:
        """A new link to the figure whose data `uri` names; one browser can follow it, within the hour."""
        return f"{self.address}{self.path(uri, label, state)}"

    def _find(self) -> tuple[str, int] | None:
        found = find_node(self._directory)
        if found is None:
            return None
        daemon, at = found
        self._announce(f"{daemon.address} serves {self._directory} already, and is used")
        return at

    def _start_node(self) -> tuple[str, int]:
        from seriesview.node.config import NodeConfig
        from seriesview.node.server import NodeThread

        ports = [self._port] if self._port is not None else [_usual_port(), 0]
        for port in ports:
            node = NodeThread(
                NodeConfig(
                    self._directory,
                    self._host,
                    port,
                    allow_hosts=self._allow_hosts,
                    views=views(),
                    is_for_figures=True,
                    reach=self._reach(),
                    front=self._index,
                    windows=self._windows,
                    routes=self._live_routes.routes(),
                )
            )
            try:
                node.start()
            except NodeError:
                # Another process may have been quicker.
                if (at := self._comes_up(port == ports[-1])) is not None:
                    return at
                if port == ports[-1]:
                    raise
                continue
            self._node = node
            return ("127.0.0.1" if self._host in (*_LOOPBACK, *_EVERYWHERE) else self._host), node.port
        raise AssertionError("not reached")

    def _reach(self) -> Reach | None:
        from seriesview.store.opening import open_store
        from seriesview.workspace.shown import Shown

        if self._shows_all:
            return None
        shown = Shown(open_store(self._directory, "embedded"))
        if self._index is not None:
            self._index.show_in(shown)
        self._reached = shown
        return shown

    def _what_is_shown(self) -> str:
        assert self._client is not None
        if not shows_all(self._client):
            also = "; that node was not started with --all" if self._shows_all else " (--all: everything)"
            return f"links show what they were made for, and nothing else in {self._directory}{also}"
        whose = "" if self._node is not None else f", as channel {self.channel} of that node permits"
        return f"whoever has a link can read all in {self._directory} whose hash they know{whose}"

    def _comes_up(self, may_wait: bool) -> tuple[str, int] | None:
        deadline = time.monotonic() + (_COMING_UP_SECONDS if may_wait else 0.0)
        while True:
            if (at := self._find()) is not None or time.monotonic() >= deadline:
                return at
            time.sleep(0.1)


def _usual_port() -> int:
    with suppress(ValueError):
        port = int(os.environ.get("KACHERY_DAEMON_PORT", "20431"))
        if 0 < port < 65536:
            return port
    return 0
