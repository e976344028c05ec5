"""Events over traces: units in their colours, a list to choose from, next and previous of one, markers as lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from browsing import Viewer
from playwright.sync_api import Page, expect
from recordings import Builder, noise
from viewer_places import Places, show

from seriesview.workspace.manifest import build_workspace, view_from_config

RATE = 10_000.0
SECONDS = 20
CLOSE = {"samplesPerColumn": 1, "columnsPerSample": 2, "leftColumn": 0}
WIDE = {"samplesPerColumn": 16, "columnsPerSample": 1, "leftColumn": 1000}
# Of unit 2 nobody knows on which trace it is.
BEST = {"0": "1", "1": "3"}
# Of traces under units.
PLAIN = (0x94, 0x94, 0x94)


class Session:
    """Four traces, three units over them, and markers."""

    def __init__(self, builder: Builder) -> None:
        random = np.random.default_rng(87)
        samples = noise(random, round(SECONDS * RATE), 4, "int16")
        traces = builder.regular("over traces", [samples], RATE, full_resolution="store")
        self.times = np.sort(np.round(random.uniform(0, SECONDS, 400) * RATE) / RATE)
        self.units = random.integers(0, 3, 400)
        # One that is seldom.
        self.units[self.units == 1] = 0
        self.units[[60, 390]] = 1
        path = Path(builder.directory) / "over.h5"
        with h5py.File(path, "w") as file:
            file["units"] = np.stack([self.times, self.units], axis=1)
            file["markers"] = np.stack([np.arange(1.0, 20.0), np.arange(19) % 2], axis=1)
        uris = {
            "traces": traces.uri,
            "units": builder.series("units", path, dataset="/units", type="event", best_channels=BEST),
            "markers": builder.series(
                "marks", path, dataset="/markers", type="event", channel_labels=["tone", "light"]
            ),
        }
        panels: list[dict[str, Any]] = [
            {"type": "ContinuousTraces", "series": "traces", "over": ["units", "markers"]},
            {"type": "RasterPlot", "series": "units"},
        ]
        types = {"traces": "continuous", "units": "event", "markers": "event"}
        view = view_from_config({"label": "over", "panels": panels})
        document = build_workspace("over", list(uris.items()), [view], types=types)
        self.uri = str(builder.store.put_json(document, name="workspace.json"))

    def of(self, unit: int) -> list[float]:
        return [float(time) for time in self.times[self.units == unit]]


@pytest.fixture(scope="module")
def session(builder: Builder) -> Session:
    return Session(builder)


def opened(page: Page, places: Places, session: Session, source: str = "static") -> Viewer:
    viewer = show(page, places.address(source, session.uri))
    viewer.set_state(**CLOSE)
    return viewer


def inks(viewer: Viewer, key: str = "0") -> set[tuple[int, ...]]:
    pixels = viewer.panel(key).pixels
    return {tuple(map(int, pixel)) for pixel in np.unique(pixels[pixels[:, :, 3] == 255], axis=0)[:, :3]}


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


@pytest.mark.parametrize("source", ["tasks", "static"])
def test_the_trace_around_a_spike_has_the_colour_of_its_unit(
    page: Page, places: Places, session: Session, source: str
) -> None:
    viewer = opened(page, places, session, source)
    time = session.of(0)[2]
    viewer.set_state(leftColumn=round(time * RATE * 2) - 100)
    raster = {lane["id"]: rgb(lane["color"]) for lane in viewer.panel("1").lanes}
    panel = viewer.panel()
    lane = next(lane for lane in panel.lanes if lane["id"] == BEST["0"])
    rows = panel.pixels[lane["top"] : lane["bottom"]]
    near, far = rows[:, 95:105].reshape(-1, 4), rows[:, 40:60].reshape(-1, 4)
    own = [*raster["0"], 255]
    assert (near == own).all(axis=1).any()
    others = [other for other in session.times if abs(other - time) < 0.01 and other != time]
    if not others:
        assert not (far == own).all(axis=1).any()
    expect(viewer.inside.locator(".notes").first).to_contain_text("of 1 of 3 it is not known on which trace")


def test_units_are_chosen_in_a_list_and_the_link_holds_them(
    page: Page, places: Places, session: Session
) -> None:
    viewer = opened(page, places, session)
    viewer.set_state(leftColumn=round(session.of(0)[0] * RATE * 2) - 100)
    assert PLAIN in inks(viewer)
    page.keyboard.press("u")
    units = viewer.inside.locator("dialog fieldset").first
    expect(units.locator("li").nth(0)).to_contain_text(f"{len(session.of(0))} on 1")
    expect(units.locator("li").nth(2)).to_contain_text("on a channel that is not known")
    units.get_by_role("button", name="None").click()
    viewer.wait()
    assert viewer.state()["panels"]["0"]["over"] == {"0": []}
    assert PLAIN not in inks(viewer)
    units.get_by_label("Filter units").fill("on 3")
    row = units.locator("li")
    expect(row).to_have_count(1)
    only = row.get_by_role("button", name="Only")
    only.press("Enter")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(only).to_be_focused()
    units.get_by_role("button", name="Only these").click()
    viewer.wait()
    assert viewer.state()["panels"]["0"]["over"] == {"0": ["1"]}
    page.keyboard.press("Escape")
    state = viewer.state()
    again = show(page, places.address("static", session.uri, state))
    assert again.state()["panels"]["0"]["over"] == {"0": ["1"]}
    expect(again.inside.locator(".notes").first).to_contain_text("1 of 3 are chosen")


def middle(viewer: Viewer) -> float:
    frame = viewer.frame()
    return float(viewer.time_at(frame, frame["columns"] // 2))


def test_keys_go_to_the_next_and_previous_of_this_unit(page: Page, places: Places, session: Session) -> None:
    viewer = opened(page, places, session)
    rare = session.of(1)
    page.keyboard.press("u")
    row = viewer.inside.locator("dialog fieldset").first.locator("li").nth(1)
    viewer.change(lambda: row.get_by_role("button", name="Next of").click())
    page.keyboard.press("Escape")
    assert middle(viewer) == pytest.approx(rare[0], abs=1e-4)
    viewer.change(lambda: page.keyboard.press("n"))
    assert middle(viewer) == pytest.approx(rare[1], abs=1e-4)
    page.keyboard.press("n")
    expect(viewer.inside.locator(".said")).to_contain_text("There is no event of 1")
    viewer.change(lambda: page.keyboard.press("N"))
    assert middle(viewer) == pytest.approx(rare[0], abs=1e-4)
    # Any event again.
    viewer.change(lambda: page.keyboard.press("e"))
    assert middle(viewer) == pytest.approx(min(session.times[session.times > rare[0]]), abs=1e-4)
    # This is the unit in whose row the pointer is.
    box = viewer.box("1")
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] * 5 / 6)
    lane = viewer.panel("1").lanes[-1]
    time = viewer.time_at(viewer.frame(), 5)
    viewer.change(lambda: page.keyboard.press("n"))
    expected = min(each for each in session.of(int(lane["id"])) if each > time)
    assert middle(viewer) == pytest.approx(expected, abs=1e-4)


def test_markers_are_lines_with_labels_until_they_are_too_many(
    page: Page, places: Places, session: Session
) -> None:
    viewer = opened(page, places, session)
    lines = viewer.inside.locator(".over-lines").first
    notes = viewer.inside.locator(".notes").first
    viewer.set_state(**WIDE)
    expect(lines).to_be_visible()
    expect(notes).not_to_contain_text("too many to be lines")
    page.keyboard.press("0")
    viewer.wait()
    expect(lines).to_be_visible()
    labels = viewer.inside.evaluate(
        "document.querySelector('.over-lines').getContext('2d').getImageData(0, 0, 720, 12).data.some(value => value)"
    )
    assert labels
