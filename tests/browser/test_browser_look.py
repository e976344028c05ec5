"""What a user sees while waiting, on small screens, with long names and without a mouse."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from recordings import Builder, Recording, noise
from static_servers import VIEWER, StaticServer
from viewer_places import Places, show

LONG = "A session with a name that somebody took great care to make as long as names of sessions can be"
CLOSE = {"samplesPerColumn": 1, "columnsPerSample": 4, "leftColumn": 8000}


@pytest.fixture(scope="module")
def recording(builder: Builder) -> Recording:
    samples = noise(np.random.default_rng(91), 40_000, 6, "int16")
    return builder.regular("look", [samples], scale=1e-6, unit="volts", full_resolution="store")


@pytest.fixture(scope="module")
def workspace(builder: Builder, recording: Recording) -> str:
    return builder.workspace(LONG, [("ContinuousTraces", recording.name, recording.uri)])


@pytest.mark.parametrize("width", [600, 1000, 1600])
def test_a_long_name_leaves_the_tools_their_room(
    new_context: Callable[..., BrowserContext], places: Places, workspace: str, width: int
) -> None:
    page = new_context(viewport={"width": width, "height": 700}).new_page()
    viewer = show(page, places.address("static", workspace))
    top = viewer.inside.locator(".top").bounding_box()
    assert top is not None
    assert top["height"] < (40 if width > 640 else 70)
    assert viewer.inside.evaluate("document.documentElement.scrollWidth <= innerWidth")
    name = viewer.inside.locator(".overview .name")
    assert name.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_a_panel_that_waits_says_so(page: Page, storage: Path, workspace: str) -> None:
    host = SlowServer(storage, {"/": VIEWER})
    host.documents["/export.json"] = {"format": "seriesview-export/1", "workspace": workspace, "left_out": []}
    try:
        viewer = show(page, f"{host.address}/")
        busy = viewer.inside.locator(".panel .busy")
        expect(busy).to_be_hidden()
        host.may_answer.clear()
        viewer.inside.evaluate(
            f"seriesview.setState({{...seriesview.state(), ...{CLOSE}}})".replace("'", '"')
        )
        expect(busy).to_be_visible()
        expect(busy).to_have_text("Loading…")
        host.may_answer.set()
        expect(busy).to_be_hidden()
    finally:
        host.may_answer.set()
        host.close()


class SlowServer(StaticServer):
    """Artifacts come when they may."""

    def __init__(self, storage: Path, folders: dict[str, Path]) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()
        super().__init__(storage, folders)

    def content(self, path: str) -> tuple[bytes, str] | None:
        if "/sha1/" in path:
            self.may_answer.wait(30)
        return super().content(path)


def test_a_tap_reads_out_what_it_is_on(
    new_context: Callable[..., BrowserContext], places: Places, workspace: str
) -> None:
    page = new_context(viewport={"width": 600, "height": 700}, has_touch=True).new_page()
    viewer = show(page, places.address("static", workspace))
    viewer.set_state(**CLOSE)
    box = viewer.box()
    before = viewer.frame()
    page.touchscreen.tap(box["x"] + 201.5, box["y"] + 60)
    read_out = viewer.inside.locator(".tools-readout")
    expect(read_out.locator("b")).to_have_text("0:00:02.050000  #2050")
    assert viewer.frame() == before
    # It stays, and goes with the next move.
    page.wait_for_timeout(300)
    expect(read_out).to_be_visible()
    browser = page.context.new_cdp_session(page)
    for kind, x in (("touchStart", 300), ("touchMove", 260), ("touchMove", 200)):
        points = [{"x": box["x"] + x, "y": box["y"] + 60}]
        browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    browser.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    viewer.wait_until("seriesview.frame().leftColumn === 8100")
    expect(read_out).to_be_hidden()


def test_an_image_says_what_its_colours_stand_for(page: Page, places: Places, workspace: str) -> None:
    viewer = show(page, places.address("static", workspace))
    viewer.set_state(panels={"0": {"mode": "image"}})
    (note,) = viewer.panel().painted["notes"]
    assert note.startswith("colours: mean ± "), note
    assert note.endswith("V"), note
    viewer.set_state(panels={"0": {"mode": "image", "gain": 2}})
    assert viewer.panel().painted["notes"] != [note]


def test_statistics_are_in_units_with_few_digits(page: Page, places: Places, workspace: str) -> None:
    viewer = show(page, places.address("static", workspace, {"selection": {"start": 1, "end": 2}}))
    viewer.inside.get_by_role("button", name="Statistics").click()
    dialog = viewer.inside.get_by_role("dialog", name="Statistics of the selection")
    row = dialog.locator("tbody tr").first
    expect(row).to_contain_text("mV")
    cells = [float(cell) for cell in row.inner_text().split("\t")[2:]]
    assert cells[0] == 1001
    assert 1 <= max(abs(cell) for cell in cells[1:]) < 1000
