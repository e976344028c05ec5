"""Figures in a notebook: an iframe on a server that runs in the notebook's process, started when it is needed."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from html import escape
from pathlib import Path

from seriesview.errors import BackendError, SeriesviewError
from seriesview.figures.jupyter import Way, way_to_browser
from seriesview.figures.server import FigureServer
from seriesview.series.showing import Figure

HEIGHT = 600
"""Pixels of a page in a notebook."""

_lock = threading.Lock()
_servers: dict[tuple[int, Path, str], FigureServer] = {}


def figure_html(figure: Figure) -> str:
    """The figure as a piece of HTML; where it cannot be shown, the reason in words."""
    try:
        framed, linked = _addresses(figure)
    except (SeriesviewError, OSError) as error:
        return f"<p>seriesview: this figure cannot be shown: {escape(str(error))}</p>"
    return (
        f'<iframe src="{escape(framed)}" title="{escape(figure.label)}" width="100%" height="{HEIGHT}" '
        'style="border: 0" referrerpolicy="origin" allowfullscreen></iframe>'
        f'<p><a href="{escape(linked)}" target="_blank" rel="noopener">{escape(figure.label)}, '
        f"in a tab of its own (stored in {escape(str(figure.storage_dir))})</a></p>"
    )


def _addresses(figure: Figure) -> tuple[str, str]:
    """Two links: each can be followed once."""
    way = way_to_browser()
    for is_last in (False, True):
        server = _server(figure.storage_dir, way)
        try:
            paths = [figure.path_on(server) for _ in range(2)]
            return way.base(server.port) + paths[0], way.base(server.port) + paths[1]
        except BackendError:
            # It may have used another process's node, which has ended.
            _forget(figure.storage_dir, way)
            if is_last:
                raise
    raise AssertionError("not reached")


def _server(storage_dir: Path, way: Way) -> FigureServer:
    """The process's server for a storage directory, started if need be."""
    with _lock:
        key = (os.getpid(), storage_dir.absolute(), way.host)
        server = _servers.get(key)
        if server is None:
            server = FigureServer(storage_dir, host=way.host, port=0)
            server.start()
            _servers[key] = server
            _at_exit(server.stop)
        return server


def _at_exit(stop: Callable[[], object]) -> None:
    """Stop a server at the end of the process, while its threads can still finish."""
    # The one that is public runs when thread pools are closed already.
    register = getattr(threading, "_register_atexit", atexit.register)
    register(stop)


def _forget(storage_dir: Path, way: Way) -> None:
    with _lock:
        server = _servers.pop((os.getpid(), storage_dir.absolute(), way.host), None)
    if server is not None:
        server.stop()
