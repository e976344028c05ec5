"""Windows that the node answers itself, in a page that `seriesview view` leads to: the same pictures, without tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from browsing import wait_for
from expected_pictures import assert_same, expected_picture
from playwright.sync_api import Error, Page, Route
from recordings import Builder, Recording, noise
from viewer_places import show

from seriesview.figures.server import FigureServer
from seriesview.store import open_store

CLOSE = {"samplesPerColumn": 1, "columnsPerSample": 2, "leftColumn": 5000}
BETWEEN = {"samplesPerColumn": 3, "columnsPerSample": 1, "leftColumn": 1000}
FUNCTION = "get_window"


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    builder = Builder(open_store(tmp_path / "store", "embedded"), tmp_path)
    samples = noise(np.random.default_rng(11), 60_000, 6, "int16")
    return builder.regular("direct", [samples], unit="uV", full_resolution="link")


@pytest.fixture
def server(recording: Recording, tmp_path: Path) -> Iterator[FigureServer]:
    with FigureServer(tmp_path / "store", port=0) as running:
        yield running


def watched(page: Page) -> tuple[list[str], list[str]]:
    """The windows that a page asks for directly, and by task."""
    direct: list[str] = []
    by_task: list[str] = []
    page.on("request", lambda asked: direct.append(asked.url) if asked.url.endswith("/window") else None)
    page.on(
        "request", lambda asked: by_task.append(asked.url) if FUNCTION in (asked.post_data or "") else None
    )
    return direct, by_task


def test_they_are_asked_for_directly(page: Page, server: FigureServer, recording: Recording) -> None:
    direct, by_task = watched(page)
    viewer = show(page, server.link(recording.uri, "direct"))
    for state in ({}, CLOSE, BETWEEN):
        viewer.set_state(**state)
        panel = viewer.panel()
        assert_same(panel, expected_picture(recording, panel, viewer.timeline()), str(state))
    assert direct
    assert not by_task


@pytest.mark.parametrize("status", [404, 500])
def test_tasks_stand_in_where_they_are_not_answered(
    page: Page, server: FigureServer, recording: Recording, status: int
) -> None:
    direct, by_task = watched(page)
    page.route("**/window", lambda route: route.fulfill(status=status, body="no"))
    viewer = show(page, server.link(recording.uri, "by task"))
    viewer.set_state(**CLOSE)
    panel = viewer.panel()
    assert_same(panel, expected_picture(recording, panel, viewer.timeline()), "by task")
    assert by_task
    assert len(direct) < len(by_task)


def test_what_was_paged_past_is_given_up(page: Page, server: FigureServer, recording: Recording) -> None:
    viewer = show(page, server.link(recording.uri, "given up"))
    viewer.set_state(**BETWEEN)
    page.wait_for_load_state("networkidle")
    held: list[Route] = []
    ended: list[str] = []
    page.on("requestfailed", lambda asked: ended.append(asked.url))
    page.route("**/window", lambda route: held.append(route))
    for number in (1, 2):
        before = len(held)
        place = BETWEEN | {"leftColumn": 1000 + 4000 * number}
        viewer.inside.evaluate("place => seriesview.setState({...seriesview.state(), ...place})", place)
        wait_for(page, lambda before=before: len(held) > before)
    wait_for(page, lambda: ended)
    page.unroute("**/window")
    for route in held:
        with suppress(Error):
            # Of those that were given up.
            route.continue_()
    panel = viewer.wait().panel()
    assert_same(panel, expected_picture(recording, panel, viewer.timeline()), "in the end")
