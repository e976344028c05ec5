"""What pages ask of builds that they follow: how far they are, and windows of what there is by now."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from seriesview.documents.expectations import Integer, Words
from seriesview.errors import SeriesviewError, coded
from seriesview.node.callers import LINKS
from seriesview.node.requests import Body, Refused, answer, body_of, caller_of
from seriesview.node.waiting import MAX_SECONDS, wait_unless_gone

if TYPE_CHECKING:
    # What is built by now needs nothing of what builds.
    from seriesview.live.live_build import LiveBuild
    from seriesview.live.snapshot import Preview, SnapshotWindow

_Rows = TypeVar("_Rows", "SnapshotWindow", "Preview")

LIVE_PATH = "/live/"
_WAIT_SECONDS = 20.0
_PAUSE_SECONDS = 0.15
_THREADS = 2
_MOST_COLUMNS = 16384
_NOT_YOURS = "a build is followed by the page of the process that runs it, and by nobody else"
_NO_STORE = {"Cache-Control": "no-store"}


class _Window(Body):
    series: Annotated[str, Words(1)]
    segment: Annotated[int, Integer(0)]
    first_sample: Annotated[int, Integer(0)]
    samples_per_column: Annotated[int, Integer(1)]
    columns: Annotated[int, Integer(1, _MOST_COLUMNS)]
    channels: tuple[Annotated[str, Words()], ...] | None = None


class LiveRoutes:
    """The routes of builds of this process, for browsers that came by a link to one."""

    def __init__(self) -> None:
        self._builds: dict[str, LiveBuild] = {}
        self._threads = ThreadPoolExecutor(_THREADS, "live")

    def add(self, live: LiveBuild) -> None:
        """Answer those who ask for a build."""
        self._builds[live.key] = live

    def routes(self) -> tuple[Route, ...]:
        """What a node is told."""
        place = f"{LIVE_PATH}{{key}}"
        return (
            Route(place, self._state, methods=["GET"]),
            Route(f"{place}/window", self._window, methods=["POST"]),
            Route(f"{place}/preview", self._preview, methods=["GET"]),
        )

    def close(self, seconds: float = 1.0) -> bool:
        """Answer no more windows, and let go of the recordings; whether that was done within so many seconds.

        A disk that is read may not answer: it goes on in a thread that does not keep the process.
        """
        closing = threading.Thread(target=self._close, name="live-close", daemon=True)
        closing.start()
        closing.join(seconds)
        return not closing.is_alive()

    def _close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for live in self._builds.values():
            live.close()

    async def _state(self, request: Request) -> Response:
        """Tell how far the build is; with `after` once that is newer, or nothing came for a while."""
        live = self._asked(request)
        if live is None:
            return _none()
        after = request.query_params.get("after", "")
        if after == str(live.version):
            await self._news(request, live)
        if after not in ("", "0"):
            # A build has news with every block that it reads, of which a screen shows a few a second.
            await asyncio.sleep(_PAUSE_SECONDS)
        # Not behind windows that wait for a disk.
        found = answer(await asyncio.to_thread(live.state))
        found.headers.update(_NO_STORE)
        return found

    @staticmethod
    async def _news(request: Request, live: LiveBuild) -> None:
        loop = asyncio.get_running_loop()
        changed, version = asyncio.Event(), live.version

        def tell() -> None:
            # At the end of the node there is nobody to be told.
            if not loop.is_closed():
                loop.call_soon_threadsafe(changed.set)

        end = live.on_change(tell)
        closing = asyncio.ensure_future(request.app.state.node.closing.wait())
        news = asyncio.ensure_future(changed.wait())
        try:
            if version == live.version:
                await asyncio.wait(
                    {closing, news}, timeout=_WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            end()
            closing.cancel()
            news.cancel()

    async def _window(self, request: Request) -> Response:
        """Send columns as raw bytes, the first ones of those that were asked for; what they are stands in a header."""
        live = self._asked(request)
        if live is None:
            return _none()
        asked = await body_of(request, _Window)
        snapshot = live.snapshot(asked.series)
        if snapshot is None:
            return PlainTextResponse("There is no such series.", 404)
        read = partial(
            snapshot.window,
            asked.segment,
            asked.first_sample,
            asked.samples_per_column,
            asked.columns,
            asked.channels,
        )
        return await self._sent(
            request, read, lambda found: {"columns": found.columns, "factor": found.factor}
        )

    async def _preview(self, request: Request) -> Response:
        """Send what a few samples all over a series are like, for where nothing is built yet."""
        live = self._asked(request)
        if live is None:
            return _none()
        snapshot = live.snapshot(request.query_params.get("series", ""))
        if snapshot is None:
            return PlainTextResponse("There is no such series.", 404)
        return await self._sent(request, snapshot.preview, lambda found: {"samples": found.samples})

    async def _sent(
        self, request: Request, read: Callable[[], _Rows], head: Callable[[_Rows], dict[str, int]]
    ) -> Response:
        """Send rows as raw bytes, with what they are in a header, or why there are none."""
        reading = asyncio.get_running_loop().run_in_executor(self._threads, read)
        try:
            if not await wait_unless_gone(request, reading, MAX_SECONDS):
                # Nothing is read for nobody, unless that has begun.
                reading.cancel()
                return Response(status_code=499)
            found = await reading
        except (SeriesviewError, OSError) as error:
            said = coded(error) if isinstance(error, SeriesviewError) else str(error)
            return PlainTextResponse(said.encode("utf-8", "backslashreplace"), 409)
        rows = found.rows.astype(found.rows.dtype.newbyteorder("<"), copy=False)
        headers = {**_NO_STORE, "Seriesview-Window": json.dumps(head(found))}
        return Response(rows.tobytes(), media_type="application/octet-stream", headers=headers)

    def _asked(self, request: Request) -> LiveBuild | None:
        """The build that is asked for; None where it does not run here. Raises Refused."""
        caller = caller_of(request)
        if caller.name != LINKS or caller.origin is not None:
            raise Refused(_NOT_YOURS)
        return self._builds.get(request.path_params["key"])


def _none() -> Response:
    return PlainTextResponse("No such build runs here.", 404)
