"""Runs the resident backend in this process until a signal stops it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from seriesview.backend.backend import Backend, BackendLimits, Function
from seriesview.backend.backend_id import BackendId
from seriesview.backend.client import DaemonClient
from seriesview.backend.logs import LOGGER_NAME, fields, write_to_stderr
from seriesview.backend.reporting import ResultBucket
from seriesview.errors import BackendError, SeriesviewError
from seriesview.store.cache import local_directory

if TYPE_CHECKING:
    from seriesview.backend.app_client import AppClient
    from seriesview.backend.direct_windows import DirectWindows
    from seriesview.node.config import ViewFiles
    from seriesview.node.server import NodeThread

SWITCH_SECONDS = 0.0005
"""Threads that only send and receive get their turn this soon while others calculate."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1", "[::1]")
_INTERRUPTED = 130
_COMING_UP_SECONDS = 3.0
_log = logging.getLogger(LOGGER_NAME)


def serve_functions(
    open_functions: Callable[[Path], tuple[Mapping[str, Function], Callable[[], None] | None]],
    channels: Sequence[str],
    backend_id: BackendId | None = None,
    limits: BackendLimits | None = None,
    storage_dir: Path | None = None,
    may_start_node: bool = True,
    announce: Callable[[str], None] = print,
    views: Callable[[], Mapping[str, ViewFiles]] = dict,
    prepare: Callable[[DaemonClient], None] = lambda _: None,
    windows: Callable[[Path], DirectWindows] | None = None,
) -> None:
    """Answer tasks on `channels` until SIGTERM, SIGINT or SIGHUP; `announce` gets lines for whoever started this.

    `open_functions` gets the storage directory and gives the functions by ID, and what lets go of their memory.
    Where no daemon or node answers a node is started in this process, which shows `views()` (name -> folder of web
    pages), and answers `windows` of its storage directory without a task. `prepare` is called once a daemon or node
    answers. Raises BackendError, NodeError, StoreError.
    """
    client = DaemonClient(storage_dir)
    opened: list[DirectWindows] = []

    def open_windows(directory: Path) -> DirectWindows | None:
        if windows is not None:
            opened.append(windows(directory))
        return opened[0] if opened else None

    start_node = partial(
        _own_node, client, channels, storage_dir, may_start_node, announce, views, open_windows
    )
    connected = partial(_node_where_none_answers, client, start_node, announce)

    def make_backend() -> Backend:
        prepare(client)
        functions, when_idle = open_functions(client.directory)
        was_used = opened[0].was_used if opened else lambda: False
        return Backend(client, channels, functions, backend_id, limits, when_idle, was_used=was_used)

    _serve(
        client, connected, make_backend, lambda: announce(_ready_line(client, channels, backend_id)), opened
    )


def serve_through_app(
    open_functions: Callable[[Path], tuple[Mapping[str, Function], Callable[[], None] | None]],
    client: AppClient,
    channel: str,
    backend_id: BackendId | None = None,
    limits: BackendLimits | None = None,
    announce: Callable[[str], None] = print,
    bucket: ResultBucket | None = None,
) -> None:
    """Answer tasks that come to an app elsewhere, as `serve_functions`; results go into `bucket`, or to the app.

    `client` is connected. Raises BackendError, StoreError.
    """

    def make_backend() -> Backend:
        functions, when_idle = open_functions(client.directory)
        return Backend(client, (channel,), functions, backend_id, limits, when_idle, bucket)

    where = f"through the app at {client.address}, storage {client.directory}"
    line = f"backend {os.getpid()} answers {_whom(backend_id)} on channel {channel}, {where}"
    _serve(client, nullcontext, make_backend, lambda: announce(line))


def _serve(
    client: DaemonClient,
    connected: Callable[[], AbstractContextManager[None]],
    make_backend: Callable[[], Backend],
    when_ready: Callable[[], None],
    windows: Sequence[DirectWindows] = (),
) -> None:
    """Run a backend while the client is `connected`, until a signal comes."""
    sys.setswitchinterval(SWITCH_SECONDS)
    write_to_stderr()
    stop = threading.Event()
    with _signals(stop), connected():
        backend = make_backend()
        backend.start()
        when_ready()
        with _health_on_signal(backend):
            stop.wait()
        _log.info(fields("stopping"))
        has_ended = backend.stop()
        for each in windows:
            has_ended = each.close() and has_ended
        _log.info(fields("stopped", **backend.health()))
    client.close()
    if not has_ended:
        # A task that does not end would keep the process.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


@contextmanager
def _node_where_none_answers(
    client: DaemonClient, start_node: Callable[[], NodeThread], announce: Callable[[str], None]
) -> Iterator[None]:
    """Connect to the daemon or node that answers, else to one of our own for as long as the block runs."""
    with ExitStack() as stack:
        if not client.connect():
            node = start_node()
            try:
                stack.enter_context(node)
            except SeriesviewError:
                # Another process may have been quicker, whose node is about to answer.
                if not _comes_up(client):
                    raise
                announce(f"a node has come up at {client.address} meanwhile; it is used")
        if not client.is_connected and not client.connect():
            raise BackendError(f"the node that was started does not answer at {client.address}")
        yield


def _comes_up(client: DaemonClient) -> bool:
    """Connect within a few seconds."""
    deadline = time.monotonic() + _COMING_UP_SECONDS
    while time.monotonic() < deadline:
        if client.connect():
            return True
        time.sleep(0.1)
    return False


def _own_node(
    client: DaemonClient,
    channels: Sequence[str],
    storage_dir: Path | None,
    may_start_node: bool,
    announce: Callable[[str], None],
    views: Callable[[], Mapping[str, ViewFiles]],
    open_windows: Callable[[Path], DirectWindows | None],
) -> NodeThread:
    host = os.environ.get("KACHERY_DAEMON_HOST", "localhost")
    if not may_start_node or host.lower() not in _LOOPBACK:
        raise BackendError(
            f"no kachery daemon or node answers at {client.address}; start one (`seriesview node`), or set "
            "KACHERY_DAEMON_HOST and KACHERY_DAEMON_PORT to where one is"
        )
    from seriesview.node.config import NodeConfig
    from seriesview.node.server import NodeThread

    port = os.environ.get("KACHERY_DAEMON_PORT", "20431")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise BackendError(f"KACHERY_DAEMON_PORT is {port!r:.40}; a port from 1 to 65535 is expected")
    named = os.environ.get("KACHERY_STORAGE_DIR") or storage_dir
    directory = local_directory(named).absolute() if named else Path.home() / "kachery-storage"
    announce(
        f"no kachery daemon or node answers at {client.address}: starting a node in this process, "
        f"storage {directory}; it ends with this backend"
    )
    address = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    windows = open_windows(directory)
    return NodeThread(
        NodeConfig(directory, address, int(port), tuple(channels), views=views(), windows=windows)
    )


def _ready_line(client: DaemonClient, channels: Sequence[str], backend_id: BackendId | None) -> str:
    node = client.daemon.node_id[:8] if client.daemon is not None else "?"
    return (
        f"backend {os.getpid()} answers {_whom(backend_id)} on channel {', '.join(channels)}, through {client.address} "
        f"(node {node}), storage {client.directory}"
    )


def _whom(backend_id: BackendId | None) -> str:
    return "requests without a backend ID" if backend_id is None else "only requests with its backend ID"


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Set `stop` at the first signal to stop; a second one ends the process at once."""

    def handle(number: int, _: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            os._exit(_INTERRUPTED)
        stop.set()

    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before: dict[signal.Signals, Any] = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _health_on_signal(backend: Backend) -> Iterator[None]:
    """Log how the backend is doing at each SIGUSR1."""

    def handle(*_: object) -> None:
        # Not in the handler: it may have interrupted whoever holds the log.
        threading.Thread(target=lambda: _log.info(fields("health", **backend.health())), daemon=True).start()

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)
