"""A build in a thread of this process, which pages follow meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from seriesview.build.progress import Report
from seriesview.errors import BuildError, SeriesviewError
from seriesview.figures.finding import ToBuild
from seriesview.figures.stored import ToShow
from seriesview.live.live_build import LiveBuild

if TYPE_CHECKING:
    from seriesview.figures.server import FigureServer


class Building:
    """Builds from `start` on; `live` is what pages follow."""

    def __init__(
        self, meant: ToBuild, progress: Report, when_ended: Callable[[], None] = lambda: None
    ) -> None:
        """`when_ended` is called in its thread, behind all."""
        self.meant = meant
        self.live = LiveBuild(meant.label, progress, follows=meant.following is not None)
        self._when_ended = when_ended
        self._servers: list[FigureServer] = []
        self._shown: ToShow | None = None
        self._problem: BaseException | None = None
        # A thread that waits for a disk must not keep the process.
        self._thread = threading.Thread(target=self._run, name="build", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def show_on(self, server: FigureServer) -> None:
        """Have a server answer pages that follow it, and let them read what it is made of, and becomes."""
        if server in self._servers:
            return
        self._servers.append(server)
        server.follow(self.live)
        self.live.on_change(lambda: self._let_read(server))
        self._let_read(server)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end; whether it has come."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def stop(self, seconds: float) -> bool:
        """Have it end, and wait so long for that; whether it has. It goes on from there another time."""
        self.live.stop()
        return self.wait(seconds)

    @property
    def has_ended(self) -> bool:
        """Whether it is built, or has failed."""
        return self._shown is not None or self._problem is not None

    @property
    def shown(self) -> ToShow | None:
        """What is to be shown; None where it is not built, or not yet."""
        return self._shown

    @property
    def is_in_vain(self) -> bool:
        """Whether it has failed, and there is nothing of it to be seen."""
        return self._problem is not None and not self.live.is_shown

    def result(self) -> ToShow:
        """What is to be shown, once it has ended. Raises what the build raised; KeyboardInterrupt: it was stopped."""
        if self._problem is not None:
            raise self._problem
        assert self._shown is not None
        return self._shown

    def _let_read(self, server: FigureServer) -> None:
        for uri in self.live.artifacts:
            server.show(uri)
        if self._shown is not None:
            server.show(self._shown.uri)

    def _run(self) -> None:
        try:
            shown = self.meant.run(self.live.progress, self.live)
            # Before pages hear of it.
            self._shown = shown
            for server in list(self._servers):
                server.show(shown.uri)
            self.live.finish(shown.uri)
        except SeriesviewError as error:
            self._problem = error
            self.live.fail(error)
        except KeyboardInterrupt as stopped:
            self._problem = stopped
        except BaseException as error:
            self._problem = error
            self.live.fail(BuildError(f"{type(error).__name__}: {error}", code="internal-error"))
        finally:
            self._when_ended()
