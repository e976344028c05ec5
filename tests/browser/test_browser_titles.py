"""Each name is said once: by the page around, above a view, or above its only panel."""

from __future__ import annotations

import numpy as np
import pytest
from browsing import Viewer
from PIL import Image
from playwright.sync_api import Page, expect
from recordings import Builder, Recording, noise
from viewer_places import Places, show


@pytest.fixture(scope="module")
def recording(builder: Builder) -> Recording:
    return builder.regular("named", [noise(np.random.default_rng(7), 20_000, 2, "int16")])


def heading(viewer: Viewer) -> bool:
    """Whether the view has a heading that is seen."""
    return bool(viewer.inside.locator(".top h1:not(.unseen)").count())


def test_the_only_panel_of_a_view_is_titled_alone(
    page: Page, places: Places, builder: Builder, recording: Recording
) -> None:
    one = [("ContinuousTraces", recording.name, recording.uri)]
    viewer = show(page, places.address("static", builder.workspace(recording.name, one)))
    assert not heading(viewer)
    expect(viewer.inside.get_by_role("heading", name="named")).to_have_count(2)
    assert page.title().startswith("named")
    with page.expect_download() as waiting:
        page.keyboard.press("p")
    picture = Image.open(waiting.value.path())
    stack = viewer.inside.locator(".stack").bounding_box()
    axis = viewer.inside.locator(".axis-row").bounding_box()
    assert stack is not None
    assert axis is not None
    assert picture.height == round(stack["height"]) + round(axis["height"])
    viewer = show(page, places.address("static", builder.workspace("a session", one)))
    assert heading(viewer)
    second = builder.regular("other", [noise(np.random.default_rng(8), 20_000, 2, "int16")])
    two = [*one, ("ContinuousTraces", second.name, second.uri)]
    viewer = show(page, places.address("static", builder.workspace(recording.name, two)))
    assert heading(viewer)


def test_what_the_page_around_says_is_not_said_again(
    page: Page, places: Places, builder: Builder, recording: Recording
) -> None:
    two = [("ContinuousTraces", name, recording.uri) for name in ("one", "two")]
    assert not heading(show(page, places.address("tasks", builder.workspace("test", two))))
    assert page.locator("h1#label").inner_text() == "test"
    assert heading(show(page, places.address("tasks", builder.workspace("another", two))))
    assert heading(show(page, places.address("parent", builder.workspace("test", two))))
