"""The link is the picture: opened elsewhere it shows the same pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page
from recordings import Builder, noise
from viewer_places import Places, show


@pytest.fixture(scope="module")
def workspace(builder: Builder) -> str:
    random = np.random.default_rng(51)
    one, other = (
        builder.regular(
            name, [noise(random, 20_000, 6, "int16")], full_resolution="store", unit="uV", scale=0.2
        )
        for name in ("one", "other")
    )
    return builder.workspace(
        "links", [("ContinuousTraces", "one", one.uri), ("ContinuousTraces", "other", other.uri)]
    )


def test_a_link_shows_the_same_pixels_elsewhere(
    page: Page, new_context: Callable[..., BrowserContext], places: Places, workspace: str, source: str
) -> None:
    viewer = show(page, places.address(source, workspace))
    panels = {
        "0": {"channels": ["5", "1", "2"], "gain": 2.2, "offsets": {"1": 33.5}, "height": 150},
        "1": {"mode": "overlaid", "gain": 0.5, "height": 101},
    }
    viewer.set_state(samplesPerColumn=1, columnsPerSample=4, leftColumn=4321, panels=panels, time="clock")
    viewer.wait_for_link('"leftColumn":4321')
    again = show(new_context().new_page(), places.let_in(page.url))
    assert again.state() == viewer.state()
    for key in ("0", "1"):
        there, here = again.panel(key), viewer.panel(key)
        assert there.frame["leftColumn"] == 4321
        assert there.pixels.any()
        np.testing.assert_array_equal(there.pixels, here.pixels)


def test_another_screen_shows_all_that_the_sender_saw(
    new_context: Callable[..., BrowserContext], places: Places, workspace: str
) -> None:
    """A wider one more of it, with the same pixels; a narrower one the same from further out."""
    state = {
        "view": 0,
        "samplesPerColumn": 12,
        "columnsPerSample": 1,
        "leftColumn": 100,
        "columns": 500,
        "panels": {"0": {"height": 120}},
    }
    pictures = {}
    for width in (420, 600, 1400):
        page = new_context(viewport={"width": width, "height": 500}).new_page()
        viewer = show(page, places.address("static", workspace, state))
        frame = viewer.frame()
        shown = [viewer.time_at(frame, 0), viewer.time_at(frame, frame["columns"])]
        assert shown[0] <= 1.2
        assert shown[1] >= 7.2
        assert (frame["samplesPerColumn"] == 12) == (frame["columns"] >= 500)
        pictures[width] = viewer.panel().pixels
    np.testing.assert_array_equal(pictures[600][:, :500], pictures[1400][:, :500])


@pytest.mark.parametrize(
    "state",
    [
        {
            "view": 7,
            "samplesPerColumn": -3,
            "columns": "many",
            "panels": {"0": {"channels": ["nobody"], "gain": -1}},
        },
        {
            "leftColumn": 1e300,
            "columnsPerSample": 5.5,
            "panels": [1, 2],
            "selection": {"start": "a"},
            "time": 7,
        },
        {
            "panels": {"0": {"mode": "wild", "offsets": {"0": None}, "height": 1e9}, "99": {}},
            "more": {"a": [1]},
        },
        {"samplesPerColumn": 12, "columnsPerSample": 12, "leftColumn": -1e15, "columns": 0},
    ],
)
def test_a_spoilt_link_shows_something_all_the_same(
    page: Page, places: Places, workspace: str, state: dict[str, object]
) -> None:
    viewer = show(page, places.address("static", workspace, state))
    panel = viewer.panel()
    assert panel.painted["error"] is None
    assert panel.pixels.any()


def test_a_link_that_is_copied_opens_the_picture(
    page: Page, new_context: Callable[..., BrowserContext], places: Places, workspace: str
) -> None:
    viewer = show(page, places.address("tasks", workspace))
    viewer.set_state(samplesPerColumn=5, columnsPerSample=1, leftColumn=777)
    viewer.inside.get_by_role("button", name="Copy the link").click()
    field = viewer.inside.get_by_label("Link to this picture", exact=True).and_(
        viewer.inside.locator("input")
    )
    link = field.input_value()
    assert "works on this computer only" in viewer.text()
    again = show(new_context().new_page(), places.let_in(link))
    assert again.state() == viewer.state()
