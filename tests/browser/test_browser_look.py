"""What a user sees while waiting, on small screens, with long names and without a mouse."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from browsing import ARGUMENTS, PROGRAM, Picture, Viewer
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from recordings import Builder, Recording, noise
from static_servers import VIEWER, StaticServer
from viewer_places import Places, show
from waiting import MOST_SECONDS

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
            self.may_answer.wait(MOST_SECONDS)
        return super().content(path)


def test_a_tap_reads_out_what_it_is_on(
    new_context: Callable[..., BrowserContext], places: Places, workspace: str
) -> None:
    page = new_context(viewport={"width": 600, "height": 700}, has_touch=True).new_page()
    viewer = show(page, places.address("static", workspace))
    viewer.set_state(**CLOSE)
    box = viewer.box()
    before = viewer.frame()
    viewer.inside.evaluate("addEventListener('click', () => { globalThis.isTapped = true; })")
    page.touchscreen.tap(box["x"] + 201.5, box["y"] + 60)
    read_out = viewer.inside.locator(".tools-readout")
    expect(read_out.locator("b")).to_have_text("0:00:02.050  #2050")
    assert viewer.frame() == before
    # It stays after all events of the tap, of which the click is the last, and goes with the next move.
    viewer.wait_until("globalThis.isTapped")
    viewer.inside.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
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
    assert note.startswith("colours: median ± "), note
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


def test_where_zoom_ends_for_want_of_samples_is_said(
    page: Page, places: Places, source: str, builder: Builder
) -> None:
    samples = noise(np.random.default_rng(92), 40_000, 6, "int16")
    omitted = builder.regular("omitted", [samples], full_resolution="omit")
    workspace = builder.workspace("ends", [("ContinuousTraces", omitted.name, omitted.uri)])
    viewer = show(page, places.address(source, workspace))
    assert viewer.panel().painted["notes"] == []
    viewer.set_state(samplesPerColumn=16, leftColumn=200)
    (note,) = viewer.panel().painted["notes"]
    assert note == "zoom ends here, at bins of 16 samples: stored without raw samples"


@pytest.mark.parametrize("source", ["parent", "static"])
def test_files_alone_say_where_samples_of_a_linked_recording_are(
    page: Page, places: Places, builder: Builder, source: str
) -> None:
    """The linked file may hold more than was meant: it is not read."""
    samples = noise(np.random.default_rng(94), 40_000, 6, "int16")
    linked = builder.regular("a linked one", [samples], full_resolution="link")
    workspace = builder.workspace("linked", [("ContinuousTraces", linked.name, linked.uri)])
    viewer = show(page, places.address(source, workspace))
    viewer.set_state(samplesPerColumn=1, columnsPerSample=4, leftColumn=200)
    assert viewer.frame()["samplesPerColumn"] == 16
    (note,) = viewer.panel().painted["notes"]
    assert note.startswith("zoom ends here, at bins of 16 samples: ")
    assert "only a backend reads" in note


def test_values_that_are_not_there_are_not_made_up(
    page: Page, places: Places, source: str, builder: Builder
) -> None:
    """Without raw samples only the ranges of bins are known, which hold the values: no marks at their ends."""
    random = np.random.default_rng(93)
    times = np.sort(random.uniform(0, 60, 3000))
    values = random.uniform(0, 100, (3000, 1))
    points = builder.irregular("points", values, times, type="discrete", full_resolution="omit")
    workspace = builder.workspace("ranges", [("EventAmplitudes", points.name, points.uri)])
    viewer = show(page, places.address(source, workspace))
    viewer.set_state(samplesPerColumn=1, columnsPerSample=1, leftColumn=int(30_000 - 1000 * times[0]))
    panel = viewer.panel()
    assert panel.painted["notes"] == ["stored without raw samples: ranges of bins of 64 samples are shown"]
    lane = panel.lanes[0]
    left = panel.frame["leftColumn"]
    columns = np.floor((times - times[0]) * 1000).astype(int) - left
    seen = [index for index, column in enumerate(columns) if 5 < column < panel.frame["columns"] - 5]
    assert len(seen) > 10
    for index in seen:
        drawn = np.flatnonzero(panel.pixels[:, columns[index], 3])
        assert len(drawn) == drawn[-1] - drawn[0] + 1
        row = round(lane["center"] - (values[index, 0] - lane["baseline"]) * lane["pixelsPerUnit"])
        assert drawn[0] <= row <= drawn[-1]


def test_events_of_the_selection_are_exported(page: Page, places: Places, builder: Builder) -> None:
    random = np.random.default_rng(95)
    times = np.sort(random.uniform(0, 10, 50))
    units = np.arange(50) % 3
    path = builder.directory / "exported_events.h5"
    with h5py.File(path, "w") as file:
        file["spikes"] = np.stack([times, units], axis=1)
    uri = builder.series("exported events", path, dataset="/spikes", type="event")
    channels = [channel["id"] for channel in builder.store.get_json(uri)["channels"]]
    workspace = builder.workspace("events", [("RasterPlot", "units", uri)])
    state = {"selection": {"start": 2, "end": 7}, "panels": {"0": {"channels": [channels[2], channels[0]]}}}
    viewer = show(page, places.address("static", workspace, state))
    viewer.inside.get_by_role("button", name="Export").click()
    dialog = viewer.inside.get_by_role("dialog", name="Export the selection")
    dialog.get_by_label("Format").select_option("npy")
    with page.expect_download() as waiting:
        dialog.get_by_role("button", name="Save", exact=True).click()
    inside = (times >= 2) & (times <= 7) & (units != 1)
    expected = np.column_stack([times[inside], units[inside]])
    np.testing.assert_array_equal(np.load(waiting.value.path(), allow_pickle=False), expected)


@pytest.mark.parametrize("ratio", [1, 1.1, 1.25, 1.5, 2])
def test_the_screen_shows_the_pixels_of_the_pictures(
    browser: Browser, places: Places, builder: Builder, recording: Recording, ratio: float
) -> None:
    """At every zoom of the browser a pixel of a picture is one of the screen; an emulated ratio would tell nothing."""
    panels = [("ContinuousTraces", f"look {number}", recording.uri) for number in range(5)]
    workspace = builder.workspace("many", panels)
    options = [f"--force-device-scale-factor={ratio}", "--window-size=1003,901"]
    own = browser.browser_type.launch(executable_path=PROGRAM, args=ARGUMENTS + options)
    try:
        page = own.new_context(no_viewport=True).new_page()
        viewer = show(page, places.address("static", workspace))
        assert page.evaluate("devicePixelRatio") == pytest.approx(ratio)
        for height in (None, 73, 74.5, 80.2, 91.9):
            settings = {key: {} if height is None else {"height": height} for key in viewer.panel_keys()}
            viewer.set_state(samplesPerColumn=16, leftColumn=0, panels=settings)
            page.mouse.move(1, 1)
            page.evaluate("new Promise(shown => requestAnimationFrame(() => requestAnimationFrame(shown)))")
            screen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
            for key in viewer.panel_keys():
                assert_shown(viewer, key, screen, ratio)
    finally:
        own.close()


def assert_shown(viewer: Viewer, key: str, screen: Picture, ratio: float) -> None:
    left, top = viewer.inside.evaluate(
        "key => { const {x, y} = seriesview.panels().find(panel => panel.key === key)"
        ".canvas.getBoundingClientRect(); return [x, y]; }",
        key,
    )
    assert [left * ratio, top * ratio] == pytest.approx([round(left * ratio), round(top * ratio)], abs=0.05)
    pixels = viewer.panel(key).pixels
    height, width = pixels.shape[:2]
    shown = screen[round(top * ratio) :, round(left * ratio) :][:height, :width]
    drawn = pixels[..., 3] == 255
    assert (shown[drawn] == pixels[drawn][:, :3]).all(), (key, left, top, ratio)


def test_what_is_cut_off_is_marked_and_said(page: Page, places: Places, builder: Builder) -> None:
    samples = np.random.default_rng(5).normal(0, 20, (40_000, 1)).astype("float32")
    samples[20_000] = 1e6
    recording = builder.regular("one artefact", [samples], full_resolution="store")
    uri = builder.workspace("cut", [("ContinuousTraces", recording.name, recording.uri)])
    viewer = show(page, places.address("static", uri))
    panel = viewer.panel()
    assert panel.painted["valueAxis"]["high"] < 1000
    ((first, last),) = panel.painted["cut"]["above"]
    column = 20_000 // panel.frame["samplesPerColumn"] - panel.frame["leftColumn"]
    assert first <= column <= last <= first + 2
    assert panel.painted["cut"]["below"] == []
    assert "cut off above" in viewer.inside.locator(".panel .notes").inner_text()
    marked = viewer.inside.evaluate(
        "['above', 'below'].map(side => { const canvas = document.querySelector(`.cuts.${side} canvas`);"
        " const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);"
        " return Array.from({length: canvas.width}, (_, x) => data[4 * x + 3]).flatMap((on, x) => on ? [x] : []); })"
    )
    assert column in marked[0]
    assert marked[1] == []
    viewer.set_state(panels={"0": {"gain": 1e-5}})
    assert viewer.panel().painted["cut"]["above"] == []
    assert "cut off" not in viewer.inside.locator(".panel .notes").inner_text()
