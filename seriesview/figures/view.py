"""A view that this process answers: a link to what is shown, until it is closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from seriesview.build.progress import Report
from seriesview.errors import BackendError, FormatError
from seriesview.figures.browser import has_browser, open_address, opened_browser, ssh_line
from seriesview.figures.finding import Showable, ToShow, to_show
from seriesview.figures.published import PublishedPage
from seriesview.figures.server import FigureServer, ServerOptions
from seriesview.series.default_store import chosen_store
from seriesview.store import Store
from seriesview.workspace.workspace import Workspace, open_workspace


def view(
    what: Showable,
    *,
    directory: str | PathLike[str] | None = None,
    store: Store | str | Path | None = None,
    open_browser: bool = False,
    channel: str | None = None,
    host: str = "localhost",
    port: int | None = None,
    allow_hosts: Sequence[str] = (),
    shows_all: bool = False,
    announce: Callable[[str], None] = lambda _: None,
    progress: Report = lambda _: None,
    **keys: Any,
) -> View:
    """Show something in a browser, as `seriesview view` does: build what is missing, and answer a link to it.

    `what`: a recording, or several; a config.yaml or a folder with one; a workspace, a series, a view or a figure; a
    URI, a file of results, a link of any age or the address of something published. Recordings get a folder of their
    own with a config.yaml, `directory` if not beside the first; `keys` say what they do not, as in the configuration
    (`dtype`, `channels`, `sampling_frequency`, `reader`, ...). `store` is where stored data are, or where to build to.

    Links show what is shown, with `shows_all` the whole storage directory. `host`, `port`, `allow_hosts`, `channel`:
    where and how they are answered. `announce` gets lines for people, `progress` the steps of a build; nothing is
    printed. Raises SeriesviewError.
    """
    notes: list[str] = []

    def told(line: str) -> None:
        notes.append(line)
        announce(line)

    shown = to_show(
        what,
        lambda: chosen_store(store),
        directory=directory,
        store=store,
        given=keys,
        announce=told,
        progress=progress,
    )
    made = View(
        shown,
        announce,
        channel=channel,
        host=host,
        port=port,
        allow_hosts=tuple(allow_hosts),
        shows_all=shows_all,
    )
    made.notes = tuple(notes)
    if open_browser:
        made.open_browser()
    return made


class View:
    """What is shown, and a link to it, from its making to `close()`, or for as long as a `with` block runs.

    A node and a backend answer it in threads of this process, or a node that serves the storage directory already.
    What was exported or published is answered by whoever serves it, and needs none.
    """

    notes: tuple[str, ...] = ()
    """Lines that people should know: what was guessed, what is left out, where things are."""

    def __init__(
        self,
        shown: ToShow | PublishedPage,
        announce: Callable[[str], None] = lambda _: None,
        **server: Unpack[ServerOptions],
    ) -> None:
        """`announce` gets lines for people. Raises NodeError, BackendError, StoreError."""
        self._shown = shown
        self._server: FigureServer | None = None
        self._open = ExitStack()
        if isinstance(shown, ToShow):
            self._server = FigureServer(shown.storage_dir, announce=announce, index=shown.index, **server)
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
        if self._shown.index is not None:
            return self._server.index_link()
        return self._server.link(self._shown.uri, self._shown.label, self._shown.state)

    @property
    def uri(self) -> str | None:
        """URI of the data that are shown; None of an export that does not name them."""
        return self._shown.workspace if isinstance(self._shown, PublishedPage) else self._shown.uri or None

    @property
    def label(self) -> str:
        """What it is called; an export's is in its page alone."""
        return self._shown.label if isinstance(self._shown, ToShow) else ""

    @property
    def storage_dir(self) -> Path | None:
        """The storage directory that holds it; None of an export."""
        return self._shown.storage_dir if isinstance(self._shown, ToShow) else None

    @property
    def left_out(self) -> tuple[str, ...]:
        """What recordings hold, or a configuration names, and is not shown, and why; a line each."""
        return self._shown.left_out if isinstance(self._shown, ToShow) else ()

    @cached_property
    def workspace(self) -> Workspace | None:
        """The workspace that is shown, opened; None where it is a series, a figure or an export."""
        if not isinstance(self._shown, ToShow) or self._shown.index is not None:
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
