"""Downloads that nobody waits for any more are ended: what was paged past is not loaded before what is shown."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import MOST_SECONDS, wait_for
from playwright.sync_api import BrowserContext, Error, Page, Route
from recordings import Builder, noise
from static_servers import VIEWER, StaticServer
from viewer_places import Places, show

PLACE = {"samplesPerColumn": 8, "columnsPerSample": 1, "leftColumn": 0}
SCREENS = 8
WATCH_FETCHES = """
globalThis.ended = [];
const plain = globalThis.fetch;
globalThis.fetch = (address, request) => {
  request?.signal?.addEventListener('abort', () => ended.push(String(address)));
  return plain(address, request);
};
"""
AT_ONCE = 6


class HeldServer(StaticServer):
    """Sends half of each artifact and keeps the rest, while `holds`, until the browser goes away or it is let go."""

    def __init__(self, storage: Path, folders: dict[str, Path]) -> None:
        self.holds = False
        self.let_go = threading.Event()
        self.begun: list[str] = []
        self.ended: list[str] = []
        """SHA-1s whose answer was begun, and those that the browser did not wait for."""
        self.changed = threading.Condition()
        super().__init__(storage, folders)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        sha1 = request.path.rpartition("/")[2]
        found = self.content(request.path)
        if not self.holds or "/sha1/" not in request.path or found is None:
            super().answer(request)
            return
        data = found[0]
        self._note(self.begun, sha1)
        try:
            self._send(request, data)
        except OSError:
            self._note(self.ended, sha1)
            request.close_connection = True

    def _send(self, request: BaseHTTPRequestHandler, data: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data[: len(data) // 2])
        request.wfile.flush()
        while not self.let_go.wait(0.02):
            readable, _, _ = select.select([request.connection], [], [], 0)
            if readable:
                # Nothing is asked before an answer is whole: this is the end of the connection.
                raise ConnectionError
        request.wfile.write(data[len(data) // 2 :])

    def _note(self, where: list[str], sha1: str) -> None:
        with self.changed:
            where.append(sha1)
            self.changed.notify_all()

    def wait_for(self, condition: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, MOST_SECONDS)


@pytest.fixture(scope="module")
def workspace(builder: Builder) -> str:
    """Of samples in many small parts: a screen needs some, another screen others."""
    samples = noise(np.random.default_rng(8), 64_000, 16, "int16")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seriesview.series.packing.MAX_PART_BYTES", 2**16)
        recording = builder.regular("paged", [samples], rate=30_000.0, full_resolution="store")
    return builder.workspace("paged", [("ContinuousTraces", "paged", recording.uri)])


def test_what_was_paged_past_is_given_up_and_no_more_is_loaded_than_for_one_jump(
    page: Page, new_context: Callable[..., BrowserContext], storage: Path, workspace: str
) -> None:
    host = HeldServer(storage, {"/": VIEWER})
    host.documents["/export.json"] = {"format": "seriesview-export/1", "workspace": workspace, "left_out": []}
    try:
        jump = show(new_context().new_page(), f"{host.address}/")
        jump.set_state(**PLACE)
        columns = jump.frame()["columns"]
        jump.page.wait_for_load_state("networkidle")
        asked = len(host.asked)
        jump.set_state(**PLACE | {"leftColumn": SCREENS * columns})
        jump.page.wait_for_load_state("networkidle")
        needed = {path.rpartition("/")[2] for path, _ in host.asked[asked:]}
        viewer = show(page, f"{host.address}/")
        viewer.set_state(**PLACE)
        page.wait_for_load_state("networkidle")
        host.holds = True
        for screen in range(1, SCREENS + 1):
            page.keyboard.press("PageDown")
            painted = "seriesview.panels()[0].painted.frame.leftColumn"
            viewer.wait_until(f"{painted} === {screen * columns}")
        host.wait_for(lambda: set(host.begun) - set(host.ended) <= needed)
        assert host.ended
        host.let_go.set()
        viewer.wait()
        page.wait_for_load_state("networkidle")
        assert set(host.begun) - set(host.ended) <= needed
        panel = viewer.panel().painted
        assert panel["isComplete"]
        assert panel["error"] is None
        # What was given up comes when it is wanted after all.
        page.keyboard.press("PageUp")
        panel = viewer.wait().panel().painted
        assert panel["isComplete"]
        assert panel["error"] is None
    finally:
        host.let_go.set()
        host.close()


@pytest.mark.parametrize("is_slow", [False, True])
def test_results_of_tasks_that_nobody_waits_for_are_given_up_too(
    page: Page, places: Places, workspace: str, is_slow: bool
) -> None:
    """In the node's own page: the download of a result, and the waiting for a backend that is busy."""
    page.add_init_script(WATCH_FETCHES)
    viewer = show(page, places.address("tasks", workspace))
    viewer.set_state(**PLACE)
    page.wait_for_load_state("networkidle")
    what = "**/bucket/**" if not is_slow else "**/task/requestTask*"
    held: list[Route] = []
    page.route(what, lambda route: held.append(route))
    for screen in range(3):
        before = len(held)
        place = PLACE | {"leftColumn": 1500 * (screen + 1)}
        viewer.inside.evaluate("place => seriesview.setState({...seriesview.state(), ...place})", place)
        wait_for(page, lambda before=before: len(held) > before)
        assert screen == 0 or len(held) <= 3 * AT_ONCE
    if not is_slow:
        wait_for(page, lambda: page.evaluate("ended.filter(address => address.includes('/bucket/')).length"))
    page.unroute(what)
    for route in held:
        with suppress(Error):
            route.continue_()
    panel = viewer.wait().panel().painted
    assert panel["isComplete"]
    assert panel["error"] is None
