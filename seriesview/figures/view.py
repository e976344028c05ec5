"""A view that this process answers: a link to what is shown, until it is closed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from seriesview.errors import BackendError, FormatError
from seriesview.figures.browser import has_browser, open_address, opened_browser, ssh_line
from seriesview.figures.finding import ToShow
from seriesview.figures.published import PublishedPage
from seriesview.figures.server import FigureServer
from seriesview.store import Store
from seriesview.workspace.workspace import Workspace, open_workspace


class View:
    """What is shown, and a link to it, from its making to `close()`, or for as long as a `with` block runs.

    A node and a backend answer it in threads of this process, or a node that serves the storage directory already.
    What was exported or published is answered by whoever serves it, and needs none.
    """

    def __init__(
        self,
        shown: ToShow | PublishedPage,
        *,
        channel: str | None = None,
        host: str = "localhost",
        port: int | None = None,
        allow_hosts: tuple[str, ...] = (),
        shows_all: bool = False,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        """The arguments are those of `FigureServer`. Raises NodeError, BackendError, StoreError."""
        self._shown = shown
        self._server: FigureServer | None = None
        self._open = ExitStack()
        if isinstance(shown, ToShow):
            self._server = FigureServer(
                shown.storage_dir,
                channel,
                host=host,
                port=port,
                allow_hosts=allow_hosts,
                shows_all=shows_all,
                announce=announce,
            )
            self._server.start()
        try:
            self._url = self.link()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """The first link; one browser can follow it, within the hour."""
        return self._url

    def link(self) -> str:
        """A new link, for one more browser. Raises BackendError where nothing answers it any more."""
        if isinstance(self._shown, PublishedPage):
            return self._shown.link
        if self._server is None:
            raise BackendError("this view was closed; make another one")
        return self._server.link(self._shown.uri, self._shown.label, self._shown.state)

    @property
    def uri(self) -> str | None:
        """URI of the data that are shown; None of an export that does not name them."""
        return self._shown.workspace if isinstance(self._shown, PublishedPage) else self._shown.uri

    @property
    def label(self) -> str:
        """What it is called; an export's is in its page alone."""
        return self._shown.label if isinstance(self._shown, ToShow) else ""

    @property
    def storage_dir(self) -> Path | None:
        """The storage directory that holds it; None of an export."""
        return self._shown.storage_dir if isinstance(self._shown, ToShow) else None

    @cached_property
    def workspace(self) -> Workspace | None:
        """The workspace that is shown, opened; None where it is a series, a figure or an export."""
        if not isinstance(self._shown, ToShow):
            return None
        directory = self._shown.storage_dir
        try:
            return open_workspace(self._shown.uri, Store(directory, "embedded", f"store in {directory}"))
        except FormatError:
            return None

    @property
    def ssh_line(self) -> str | None:
        """What to type on the computer at the other end of this SSH session before links work there; else None."""
        server = self._server
        return ssh_line(server.port) if server is not None and server.is_on_loopback else None

    def open_browser(self) -> bool:
        """Open a browser on `url`; returns whether there is a screen to open one on."""
        if not has_browser():
            return False
        if isinstance(self._shown, PublishedPage):
            open_address(self._url)
        else:
            self._open.enter_context(opened_browser(self._url))
        return True

    def close(self) -> bool:
        """Answer links no more; returns whether everything has ended, running tasks included."""
        self._open.close()
        server, self._server = self._server, None
        return server is None or server.stop()

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<seriesview.View of {self.label or self.uri or self._url!r}>"
