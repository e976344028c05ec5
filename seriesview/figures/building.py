"""A build in a thread of this process, which a page follows meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable

from seriesview.build.progress import Report
from seriesview.errors import BuildError, SeriesviewError
from seriesview.figures.finding import ToBuild
from seriesview.figures.stored import ToShow
from seriesview.live.live_build import LiveBuild


class Building:
    """Builds from `start` on; `live` is what a page follows."""

    def __init__(
        self,
        meant: ToBuild,
        progress: Report,
        when_built: Callable[[ToShow], None],
        when_ended: Callable[[], None],
    ) -> None:
        """`when_built` is called with what is to be shown before the page hears of it, `when_ended` behind all."""
        self.live = LiveBuild(meant.label, progress, follows=meant.following is not None)
        self._meant = meant
        self._when_built = when_built
        self._when_ended = when_ended
        self._shown: ToShow | None = None
        self._problem: BaseException | None = None
        # A thread that waits for a disk must not keep the process.
        self._thread = threading.Thread(target=self._run, name="build", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

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

    def _run(self) -> None:
        try:
            shown = self._meant.run(self.live.progress, self.live)
            self._when_built(shown)
            self._shown = shown
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
