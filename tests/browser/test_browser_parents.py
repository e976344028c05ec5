"""The viewer in figurl pages of other makes, played: each refuses every message that it does not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from expected_pictures import assert_same, expected_picture, random_frame, random_settings
from playwright.sync_api import BrowserContext, Page
from recordings import Builder, Recording, noise
from viewer_places import Places, show


@pytest.fixture(scope="module")
def recording(builder: Builder) -> Recording:
    samples = noise(np.random.default_rng(31), 40_000, 6, "uint16")
    return builder.regular("through parents", [samples], full_resolution="store")


@pytest.fixture(scope="module")
def workspace(builder: Builder, recording: Recording) -> str:
    return builder.workspace("parents", [("ContinuousTraces", recording.name, recording.uri)])


def refused(page: Page) -> set[str]:
    """Types of requests that the parent did not understand."""
    return set(page.evaluate("record.refused.map(message => message.request?.type ?? message.type)"))


def record(page: Page, what: str) -> list[Any]:
    return list(page.evaluate(f"record.{what}"))


@pytest.mark.parametrize("how", ["query", "message"])
def test_generation_n_gives_files_and_keeps_the_state(
    page: Page,
    new_context: Callable[..., BrowserContext],
    places: Places,
    workspace: str,
    recording: Recording,
    how: str,
) -> None:
    viewer = show(page, places.address("parent", workspace, how=how))
    # It asks once whether there are tasks, which such a parent does not know.
    assert refused(page) <= {"initiateTask"}
    frame = {"samplesPerColumn": 5, "columnsPerSample": 1, "leftColumn": 1234}
    viewer.set_state(**frame, panels={"0": {"gain": 1.5, "channels": ["4", "0"]}})
    panel = viewer.panel()
    assert_same(panel, expected_picture(recording, panel, viewer.timeline()), how)
    viewer.wait_for_link('"leftColumn":1234')
    assert any(request.get("responseType") == "binary" for request in record(page, "requests"))
    again = show(new_context().new_page(), page.url)
    assert again.state() == viewer.state()
    np.testing.assert_array_equal(again.panel().pixels, panel.pixels)


def test_generation_k_runs_tasks(page: Page, places: Places, workspace: str, recording: Recording) -> None:
    viewer = show(page, places.address("channel", workspace))
    assert refused(page) <= {"getFileDataUrl"}
    random = np.random.default_rng(32)
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    for turn in range(6):
        frame, settings = random_frame(timeline, columns, random), random_settings(recording, random)
        viewer.set_state(**frame, panels={"0": settings})
        panel = viewer.panel()
        assert_same(panel, expected_picture(recording, panel, timeline), (turn, settings))
    assert "seriesview.get_window.1" in places.files.tasks
    asked = {request["type"] for request in record(page, "requests")}
    assert asked <= {"getFigureData", "getFileData", "initiateTask"}
    assert refused(page) <= {"getFileDataUrl"}


@pytest.mark.parametrize("source", ["parent", "tasks"])
def test_moves_in_quick_succession_are_not_taken_back_by_the_parents_reports(
    page: Page, places: Places, builder: Builder, source: str
) -> None:
    recording = builder.regular("quick", [noise(np.random.default_rng(3), 90_000, 2, "int16")])
    uri = builder.workspace("quick", [("ContinuousTraces", recording.name, recording.uri)])
    viewer = show(page, places.address(source, uri))
    viewer.inside.evaluate("""() => {
      for (const leftColumn of [100, 200, 300]) seriesview.setState({samplesPerColumn: 2, leftColumn}, 'push');
    }""")
    viewer.wait_for_link('"leftColumn":300')
    # A report that is late would come now: that none does is no event.
    page.wait_for_timeout(300)
    assert viewer.frame()["leftColumn"] == 300
