"""Where the viewer is shown from: a node with a backend, a figurl parent with files only, plain static files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from browsing import Viewer
from playwright.sync_api import BrowserContext, Frame, Page
from serving_processes import CHANNEL, HIDDEN, Process, Surroundings
from static_servers import VIEWER, StaticServer

from seriesview.figures.node_access import connect, new_token
from seriesview.node.pages import figure_path

__all__ = [
    "CHANNEL",
    "HIDDEN",
    "SOURCES",
    "Guard",
    "Places",
    "Process",
    "Surroundings",
    "show",
    "start_backend",
    "view_frame",
]

SOURCES = ("tasks", "parent", "static")
"""The node's page with a backend; a parent of generation N; plain files. There is "channel" too: generation K."""


class Guard:
    """Collects what no page may do: raise errors that nobody catches, ask other hosts than the tests' own."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("request", lambda request: self._look(request.url))

    def _look(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in (
            "127.0.0.1",
            "localhost",
        ):
            self.foreign.append(address)

    def check(self) -> None:
        assert not self.foreign, f"asked other hosts: {self.foreign}"
        assert not self.errors, f"uncaught errors in the page: {self.errors}"


@dataclass
class Places:
    """Addresses under which a workspace is shown from each source."""

    node: str | None
    files: StaticServer
    viewer_host: StaticServer
    storage: Path

    def address(self, source: str, uri: str, state: dict[str, Any] | None = None, how: str = "query") -> str:
        """Where to open a workspace (its URI), shown from this source."""
        sha1 = uri.removeprefix("sha1://")[:40]
        if source == "tasks":
            assert self.node is not None
            return self.let_in(self.node + figure_path("/view/seriesview", sha1, CHANNEL, "test", state))
        more = "" if state is None else f"s={quote(json.dumps(state))}"
        if source == "static":
            export = {"format": "seriesview-export/1", "workspace": uri, "left_out": []}
            self.files.documents[f"/{sha1}/export.json"] = export
            self.files.folders[f"/{sha1}/"] = VIEWER
            return f"{self.files.address}/{sha1}/" + (f"?{more}" if more else "")
        view = quote(f"{self.viewer_host.address}/viewer/index.html", safe="")
        generation = "generation_k" if source == "channel" else "generation_n"
        return (
            f"{self.files.address}/parents/{generation}.html?view={view}&data={quote(uri, safe='')}"
            f"&storage={quote(self.files.address, safe='')}&how={how}" + (f"&{more}" if more else "")
        )

    def let_in(self, link: str) -> str:
        """A link that a browser can open that was never here; the node's own need a token."""
        if self.node is None or not link.startswith(self.node):
            return link
        client = connect(self.storage, ("127.0.0.1", int(self.node.rpartition(":")[2])))
        sha1 = parse_qs(urlsplit(link).query)["d"][0]
        return f"{link}#token={new_token(client, f'sha1://{sha1}/figure.json')}"


def start_backend(surroundings: Surroundings, *options: str) -> Process:
    """A backend of the node that already runs, ready."""
    process = surroundings.start("seriesview-start-backend", "--channel", CHANNEL, "--no-node", *options)
    process.wait_for(f"backend {process.pid} answers")
    return process


def view_frame(page: Page) -> Frame:
    """The frame that the viewer is in: the page's own, or that of its iframe."""
    if "/f?" not in page.url and "/parents/" not in page.url:
        return page.main_frame
    frame = page.wait_for_selector("iframe", state="attached").content_frame()
    assert frame is not None
    frame.wait_for_url("**/view*/**")
    return frame


def show(page: Page, address: str) -> Viewer:
    """Open an address, and wait until the viewer shows everything."""
    page.goto(address)
    return Viewer(page, view_frame(page)).wait()
