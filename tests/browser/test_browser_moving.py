"""Every way of moving: mouse, fingers, keys, the overview, times, events and gaps, back and forward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
from browsing import Viewer
from playwright.sync_api import BrowserContext, Page, expect
from recordings import Builder, Recording, noise
from viewer_places import Places, show

RATE = 1000.0
MIDDLE = {"samplesPerColumn": 12, "columnsPerSample": 1, "leftColumn": 1000}


@dataclass(frozen=True)
class Session:
    """A workspace of 6 channels with a gap, events, and two kinds of intervals."""

    workspace: str
    traces: Recording
    event_times: np.ndarray
    laps: np.ndarray


@pytest.fixture(scope="module")
def session(builder: Builder) -> Session:
    random = np.random.default_rng(41)
    traces = builder.regular(
        "voltage",
        [noise(random, 30_000, 6, "int16"), noise(random, 20_000, 6, "int16")],
        gaps=[5.0],
        full_resolution="store",
        scale=0.5,
        unit="uV",
    )
    times = np.sort(random.uniform(0.5, 54, 40))
    laps = np.array([[2.0, 6.5], [10.25, 12.0], [30.0, 41.5]])
    path = Path(builder.directory) / "events.h5"
    with h5py.File(path, "w") as file:
        file["spikes"] = np.stack([times, np.arange(len(times)) % 4], axis=1)
        file["laps"] = laps
    spikes = builder.series("spikes", path, dataset="/spikes", type="event")
    bands = builder.series("laps", path, dataset="/laps", type="interval")
    panels = [("ContinuousTraces", "voltage", traces.uri), ("RasterPlot", "spikes", spikes)]
    return Session(builder.workspace("moving", panels, [("laps", bands)]), traces, times, laps)


@pytest.fixture
def viewer(page: Page, places: Places, session: Session) -> Viewer:
    shown = show(page, places.address("static", session.workspace))
    shown.set_state(**MIDDLE)
    return shown


def test_the_wheel_zooms_under_the_cursor(page: Page, viewer: Viewer) -> None:
    box = viewer.box()
    page.mouse.move(box["x"] + 200.5, box["y"] + 20)
    for turn in (-120, -120, 120, -120, 240):
        before = viewer.frame()
        under = viewer.time_at(before, 200)
        after = viewer.change(lambda turn=turn: page.mouse.wheel(0, turn))
        closer = after["samplesPerColumn"] / after["columnsPerSample"] < before["samplesPerColumn"]
        assert closer == (turn < 0)
        column = after["samplesPerColumn"] / after["columnsPerSample"] / RATE
        assert viewer.time_at(after, 200) == pytest.approx(under, abs=column)


def test_the_wheel_sideways_or_with_shift_moves(page: Page, viewer: Viewer) -> None:
    box = viewer.box()
    page.mouse.move(box["x"] + 200, box["y"] + 20)
    after = viewer.change(lambda: page.mouse.wheel(70, 0))
    assert after == viewer.frame() | MIDDLE | {"leftColumn": 1070}
    page.keyboard.down("Shift")
    after = viewer.change(lambda: page.mouse.wheel(0, -30))
    page.keyboard.up("Shift")
    assert after["leftColumn"] == 1040


def drag(page: Page, box: dict[str, float], begin: float, end: float, y: float = 20) -> None:
    page.mouse.move(box["x"] + begin, box["y"] + y)
    page.mouse.down()
    page.mouse.move(box["x"] + (begin + end) / 2, box["y"] + y)
    page.mouse.move(box["x"] + end, box["y"] + y)
    page.mouse.up()


def test_dragging_moves_by_whole_columns(page: Page, viewer: Viewer) -> None:
    drag(page, viewer.box(), 300, 180)
    viewer.wait_until("seriesview.frame().leftColumn === 1120")
    drag(page, viewer.box(), 50, 360)
    viewer.wait_until("seriesview.frame().leftColumn === 810")
    assert viewer.frame()["samplesPerColumn"] == 12


def test_a_box_zooms_to_what_is_in_it(page: Page, viewer: Viewer) -> None:
    before = viewer.frame()
    wanted = [viewer.time_at(before, 100), viewer.time_at(before, 300)]
    page.keyboard.down("Shift")
    after = viewer.change(lambda: drag(page, viewer.box(), 100, 300))
    page.keyboard.up("Shift")
    shown = [viewer.time_at(after, 0), viewer.time_at(after, after["columns"])]
    assert shown[0] <= wanted[0] + 0.05
    assert shown[1] >= wanted[1] - 0.05
    assert shown[1] - shown[0] < 1.6 * (wanted[1] - wanted[0])


def test_a_double_click_zooms_in_and_with_alt_out(page: Page, viewer: Viewer) -> None:
    box = viewer.box()
    before = viewer.frame()
    closer = viewer.change(lambda: page.mouse.dblclick(box["x"] + 150, box["y"] + 20))
    assert closer["samplesPerColumn"] < before["samplesPerColumn"]
    page.keyboard.down("Alt")
    page.mouse.dblclick(box["x"] + 150, box["y"] + 20)
    page.keyboard.up("Alt")
    viewer.wait_until(f"seriesview.frame().samplesPerColumn === {before['samplesPerColumn']}")


def test_fingers_move_and_zoom(
    new_context: Callable[..., BrowserContext], places: Places, session: Session
) -> None:
    page = new_context(has_touch=True).new_page()
    viewer = show(page, places.address("static", session.workspace))
    viewer.set_state(**MIDDLE)
    box = viewer.box()
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *xs: float) -> None:
        points = [{"x": box["x"] + x, "y": box["y"] + 20, "id": number} for number, x in enumerate(xs)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 300)
    touch("touchMove", 260)
    touch("touchMove", 200)
    touch("touchEnd")
    viewer.wait_until("seriesview.frame().leftColumn === 1100")
    under = viewer.time_at(viewer.frame(), 250)
    touch("touchStart", 200)
    touch("touchStart", 200, 300)
    touch("touchMove", 150, 350)
    touch("touchMove", 50, 450)
    touch("touchEnd")
    viewer.wait_until("seriesview.frame().samplesPerColumn === 3")
    assert viewer.time_at(viewer.frame(), 250) == pytest.approx(under, abs=0.02)


@pytest.mark.parametrize(
    ("key", "moved"),
    [
        ("ArrowLeft", lambda columns: -round(columns / 10)),
        ("ArrowRight", lambda columns: round(columns / 10)),
        ("PageUp", lambda columns: -columns),
        ("PageDown", lambda columns: columns),
    ],
)
def test_keys_move(page: Page, viewer: Viewer, key: str, moved: Callable[[int], int]) -> None:
    before = viewer.frame()
    after = viewer.change(lambda: page.keyboard.press(key))
    assert after["leftColumn"] - before["leftColumn"] == pytest.approx(moved(before["columns"]), abs=1)


def test_keys_zoom_and_go_to_the_ends(page: Page, viewer: Viewer) -> None:
    closer = viewer.change(lambda: page.keyboard.press("+"))
    assert closer["samplesPerColumn"] == 10
    assert viewer.change(lambda: page.keyboard.press("-"))["samplesPerColumn"] == 12
    first = viewer.change(lambda: page.keyboard.press("Home"))
    assert viewer.time_at(first, 0) == pytest.approx(0, abs=0.02)
    last = viewer.change(lambda: page.keyboard.press("End"))
    assert viewer.time_at(last, last["columns"]) == pytest.approx(55, abs=0.02)
    every = viewer.change(lambda: page.keyboard.press("0"))
    assert viewer.time_at(every, 0) <= 0
    assert viewer.time_at(every, every["columns"]) >= 55


def test_the_overview_is_a_way_to_any_time(page: Page, viewer: Viewer) -> None:
    strip = viewer.inside.locator(".overview-strip").bounding_box()
    assert strip is not None
    width = viewer.box()["width"]

    def click() -> None:
        page.mouse.click(strip["x"] + width * 0.8, strip["y"] + strip["height"] / 2)

    after = viewer.change(click)
    assert viewer.time_at(after, after["columns"] / 2) == pytest.approx(0.8 * 55, abs=0.2)


@pytest.mark.parametrize(("text", "time"), [("43.5", 43.5), ("0:00:12.25", 12.25), ("#20000", 20.0)])
def test_going_to_a_time(page: Page, viewer: Viewer, text: str, time: float) -> None:
    field = viewer.inside.get_by_label("Go to time")
    field.fill(text)
    after = viewer.change(lambda: field.press("Enter"))
    assert viewer.time_at(after, after["columns"] // 2) == pytest.approx(time, abs=0.012)


def test_a_time_that_is_none_is_refused_in_words(viewer: Viewer) -> None:
    field = viewer.inside.get_by_label("Go to time")
    field.fill("yesterday")
    field.press("Enter")
    expect(viewer.inside.get_by_role("alert").filter(has_text="yesterday")).to_be_visible()


@pytest.mark.parametrize("what", ["Event", "Gap", "Interval", "Interval end"])
def test_next_and_previous(page: Page, viewer: Viewer, session: Session, what: str) -> None:
    """From the left edge on; a pointer that moves a little on a button changes nothing."""
    places = {
        "Event": session.event_times,
        "Gap": np.array([30.0]),
        "Interval": session.laps[:, 0],
        "Interval end": session.laps[:, 1],
    }[what]
    viewer.inside.get_by_label("What to look for").select_option(label=what)
    viewer.set_state(leftColumn=700, samplesPerColumn=4)
    left = viewer.time_at(viewer.frame(), 0)
    found = []
    for step in range(min(3, int((places > left).sum()))):
        button = viewer.inside.get_by_role("button", name="Next", exact=True)
        after = viewer.change(lambda: button.click(position={"x": 5 + step, "y": 8}))  # noqa: B023
        found.append(viewer.time_at(after, after["columns"] // 2))
    np.testing.assert_allclose(found, places[places > left][: len(found)], atol=0.006)
    if len(found) > 1:
        after = viewer.change(
            lambda: viewer.inside.get_by_role("button", name="Previous", exact=True).click()
        )
        assert viewer.time_at(after, after["columns"] // 2) == pytest.approx(found[-2], abs=0.006)


def test_keys_find_beginnings_of_intervals_and_with_alt_ends(
    page: Page, viewer: Viewer, session: Session
) -> None:
    viewer.set_state(leftColumn=0, samplesPerColumn=4)
    page.mouse.move(5, 5)
    found = []
    for key in ("i", "i", "Alt+i", "Shift+I", "Alt+Shift+i"):
        after = viewer.change(lambda: page.keyboard.press(key))  # noqa: B023
        found.append(viewer.time_at(after, after["columns"] // 2))
    laps = session.laps
    np.testing.assert_allclose(
        found, [laps[0, 0], laps[1, 0], laps[1, 1], laps[1, 0], laps[0, 1]], atol=0.006
    )


def test_the_search_begins_at_the_pointer_and_goes_on_from_what_was_found(
    page: Page, viewer: Viewer, session: Session
) -> None:
    viewer.set_state(leftColumn=0, samplesPerColumn=12)
    times = session.event_times
    box = viewer.box()
    page.mouse.move(box["x"] + 300, box["y"] + 30)
    viewer.wait_until("!document.querySelector('.cursor').hidden")
    pointed = viewer.time_at(viewer.frame(), 300)
    found = []
    for jitter in range(3):
        after = viewer.change(lambda: page.keyboard.press("e"))
        found.append(viewer.time_at(after, after["columns"] // 2))
        page.mouse.move(box["x"] + 299 + jitter, box["y"] + 31)
    np.testing.assert_allclose(found, times[times > pointed][:3], atol=0.018)


def test_back_and_forward(page: Page, viewer: Viewer) -> None:
    """Steps of the history are those that a user would call steps; each shows its picture again."""
    viewer.wait_for_link('"leftColumn":1000')
    before = viewer.panel().pixels
    viewer.set_state(leftColumn=2500, samplesPerColumn=5)
    viewer.wait_for_link('"leftColumn":2500')
    moved = viewer.panel().pixels
    viewer.change(page.go_back)
    np.testing.assert_array_equal(viewer.panel().pixels, before)
    viewer.change(page.go_forward)
    np.testing.assert_array_equal(viewer.panel().pixels, moved)
