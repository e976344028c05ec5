"""A view that this process answers: a link to what is shown, until it is closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

from seriesview.errors import BackendError, FormatError
from seriesview.figures.browser import has_browser, open_address, opened_browser, ssh_line
from seriesview.figures.published import PublishedPage
from seriesview.figures.server import FigureServer, ServerOptions
from seriesview.figures.stored import ToShow
from seriesview.series.default_store import chosen_store
from seriesview.store import Store, open_store
from seriesview.workspace.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from seriesview.build.progress import Report
    from seriesview.figures.building import Building
    from seriesview.figures.finding import Showable, ToBuild

_PATIENCE_SECONDS = 3.0
"""For a build to come to its next step, when it is stopped."""


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
    printed. It returns at once, and what is to be built is built in a thread: links, and a browser that it opens, show
    what there is of it. `wait()` returns when all is built, and raises what the build raised. Raises SeriesviewError.
    """
    from seriesview.figures.building_figure import BuildingFigure
    from seriesview.figures.finding import meant

    notes: list[str] = []

    def told(line: str) -> None:
        notes.append(line)
        announce(line)

    found = (
        what.building
        if isinstance(what, BuildingFigure)
        else meant(
            what, lambda: chosen_store(store), directory=directory, store=store, given=keys, announce=told
        )
    )
    made = View(
        found,
        announce,
        progress,
        channel=channel,
        host=host,
        port=port,
        allow_hosts=tuple(allow_hosts),
        shows_all=shows_all,
    )
    made.notes = tuple(notes)
    try:
        if open_browser:
            made.open_browser()
    except BaseException:
        made.close()
        raise
    return made


class View:
    """What is shown, and a link to it, from its making to `close()`, or for as long as a `with` block runs.

    A node and a backend answer it in threads of this process, or a node that serves the storage directory already.
    What was exported or published is answered by whoever serves it, and needs none. What is to be built is built in
    a thread: until `wait()` returns, links lead to a page that shows what there is of it.
    """

    notes: tuple[str, ...] = ()
    """Lines that people should know: what was guessed, what is left out, where things are."""

    def __init__(
        self,
        meant: ToShow | ToBuild | Building | PublishedPage,
        announce: Callable[[str], None] = lambda _: None,
        progress: Report = lambda _: None,
        when_built: Callable[[], None] = lambda: None,
        state: Mapping[str, Any] = MappingProxyType({}),
        **server: Unpack[ServerOptions],
    ) -> None:
        """`announce` gets lines for people, `progress` the steps of a build; `when_built` is called at its end, in its
        thread: of one that begins here; `state` is what links say of the viewer's state. Raises NodeError,
        BackendError, StoreError.
        """
        self._state = state
        self._server: FigureServer | None = None
        self._building: Building | None = None
        self._first: str | None = None
        self._is_linked = False
        self._open = ExitStack()
        self._meant: ToShow | ToBuild | PublishedPage
        if isinstance(meant, PublishedPage | ToShow):
            self._meant = meant
        else:
            # What is built by now needs nothing of what builds.
            from seriesview.figures.building import Building

            if isinstance(meant, Building):
                self._building = meant
            else:
                self._building = Building(meant, progress, when_built)
                self._building.start()
            self._meant = self._building.meant
        if isinstance(self._meant, PublishedPage):
            return
        index = self._meant.index if isinstance(self._meant, ToShow) else None
        self._server = FigureServer(self._meant.storage_dir, announce=announce, index=index, **server)
        try:
            self._server.start()
            if self._building is not None:
                self._building.show_on(self._server)
            if not self.is_followed:
                announce("it is shown when all of it is built: a node of another process answers its links")
        except BaseException:
            self.close()
            raise

    def end_following(self) -> bool:
        """Have recordings that are still followed end with what is written by now; whether there are any."""
        meant, building = self._meant, self._building
        following = None if building is None or isinstance(meant, ToShow | PublishedPage) else meant.following
        if following is None or following.has_ended or building is None or building.has_ended:
            return False
        following.end()
        return True

    def wait(self) -> None:
        """Return when what is shown is built. Raises what the build raised."""
        if self._building is not None:
            self._building.wait()
            self._building.result()

    @property
    def is_published(self) -> bool:
        """Whether it is shown from where it was exported or published to."""
        return isinstance(self._meant, PublishedPage)

    @property
    def is_built(self) -> bool:
        """Whether all is there that is to be shown."""
        return self._building is None or self._building.shown is not None

    @property
    def is_in_vain(self) -> bool:
        """Whether the build has failed, and there is nothing of it to be seen."""
        return self._building is not None and self._building.is_in_vain

    @property
    def is_followed(self) -> bool:
        """Whether a link leads, before all is built, to what there is of it; else there is none until then."""
        return self.is_built or (self._server is not None and self._server.has_own_node)

    @property
    def _shown(self) -> ToShow | PublishedPage:
        """What is shown; waited for where it is being built."""
        if isinstance(self._meant, ToShow | PublishedPage):
            return self._meant
        assert self._building is not None
        self._building.wait()
        return self._building.result()

    @property
    def url(self) -> str:
        """The first link; one browser can follow it, within the hour."""
        if self._first is None:
            self._first = self.link()
        return self._first

    def link(self) -> str:
        """A new link, for one more browser. Raises BackendError where nothing answers it any more."""
        if isinstance(self._meant, PublishedPage):
            return self._meant.link_with(self._state)
        if self._server is None:
            raise BackendError("this view was closed; make another one")
        if not self.is_built and self._building is not None and self._server.has_own_node:
            path = self._server.live_path(self._building.live, self.label, self._state or None)
            return f"{self._server.address}{path}"
        shown = self._shown
        assert isinstance(shown, ToShow)
        try:
            made = self._link_to(shown, self._server)
        except BackendError:
            # Whoever has a link waits for that node to come back.
            if self._is_linked or self._server.has_own_node:
                raise
            # The process whose node it was to use has ended, while this one built.
            self._server.stop()
            self._server.start()
            made = self._link_to(shown, self._server)
        self._is_linked = True
        return made

    def _link_to(self, shown: ToShow, server: FigureServer) -> str:
        if shown.index is not None:
            return server.index_link()
        return server.link(shown.uri, shown.label, {**(shown.state or {}), **self._state} or None)

    @property
    def uri(self) -> str | None:
        """URI of the data that are shown; None of an export that does not name them."""
        return self._shown.workspace if isinstance(self._shown, PublishedPage) else self._shown.uri or None

    @property
    def label(self) -> str:
        """What it is called; an export's is in its page alone."""
        return "" if isinstance(self._meant, PublishedPage) else self._meant.label

    @property
    def storage_dir(self) -> Path | None:
        """The storage directory that holds it; None of an export."""
        return None if isinstance(self._meant, PublishedPage) else self._meant.storage_dir

    @property
    def left_out(self) -> tuple[str, ...]:
        """What recordings hold, or a configuration names, and is not shown, and why; a line each."""
        return self._shown.left_out if isinstance(self._shown, ToShow) else ()

    @property
    def is_whole(self) -> bool:
        """Whether everything that was meant is shown, or can be."""
        return self._shown.is_whole if isinstance(self._shown, ToShow) else True

    @cached_property
    def workspace(self) -> Workspace | None:
        """The workspace that is shown, opened; None where it is a series, a figure or an export."""
        if not isinstance(self._shown, ToShow) or self._shown.index is not None:
            return None
        try:
            return open_workspace(self._shown.uri, open_store(self._shown.storage_dir, "embedded"))
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
        if isinstance(self._meant, PublishedPage):
            open_address(self.url)
        else:
            self._open.enter_context(opened_browser(self.url))
        return True

    def close(self) -> bool:
        """Answer links no more; returns whether everything has ended, running tasks included.

        A build that is under way is stopped; it goes on from there another time.
        """
        self._open.close()
        has_ended = self._building is None or self._building.stop(_PATIENCE_SECONDS)
        server, self._server = self._server, None
        return (server is None or server.stop()) and has_ended

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<seriesview.View of {self.label or self.uri or self.url!r}>"
