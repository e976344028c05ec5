"""The tools: read-out, statistics and export of a selection, panel menus, picture, link, help."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from browsing import Viewer
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from recordings import Builder, Recording, noise
from scipy import signal
from viewer_places import Places, show

RATE = 1000.0
SCALE = 0.5
LABELS = ["a10", "a9", "<img src=x onerror=\"document.title='run'\">", '=1+1, "x"', "b2", "b1"]
GROUPS = ["B", "B", "A", "A", "A", "B"]
CLOSE = {"samplesPerColumn": 1, "columnsPerSample": 4, "leftColumn": 8000}
WIDE = {"samplesPerColumn": 80, "columnsPerSample": 1, "leftColumn": 0}
FAR = {"samplesPerColumn": 12, "columnsPerSample": 1, "leftColumn": 1000}


@pytest.fixture(scope="module")
def recording(builder: Builder) -> Recording:
    random = np.random.default_rng(43)
    segments = [noise(random, 30_000, 6, "int16"), noise(random, 20_000, 6, "int16")]
    built = builder.regular("tools", segments, gaps=[5.0], scale=SCALE, unit="uV", full_resolution="store")
    channels = [
        {"id": name, "label": label, "group": group}
        for name, label, group in zip(built.channels, LABELS, GROUPS, strict=True)
    ]
    return builder.changed(built, channels=channels)


@pytest.fixture
def viewer(page: Page, places: Places, builder: Builder, recording: Recording) -> Viewer:
    workspace = builder.workspace("tools", [("ContinuousTraces", "tools", recording.uri)])
    return show(page, places.address("static", workspace))


def select(page: Page, viewer: Viewer, first: int, last: int) -> None:
    """Select from one column of the screen to another."""
    box = viewer.box()
    page.keyboard.down("Alt")
    page.mouse.move(box["x"] + first + 0.5, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + last - 20, box["y"] + 40)
    page.mouse.move(box["x"] + last + 0.5, box["y"] + 40)
    page.mouse.up()
    page.keyboard.up("Alt")
    viewer.wait_until("seriesview.state().selection !== undefined")


def selected(viewer: Viewer, recording: Recording) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Times (n,) and physical values (n, 6) of the samples in the selection."""
    span = viewer.state()["selection"]
    segments = zip(recording.starts, recording.segments, strict=True)
    times = np.concatenate([start + np.arange(len(one)) / RATE for start, one in segments])
    inside = (times >= span["start"] - 1e-9) & (times <= span["end"] + 1e-9)
    return times[inside], np.concatenate(recording.segments)[inside] * SCALE


def in_default_order(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return values[:, [2, 3, 4, 0, 1, 5]]


UNITS = {"nV": 1e-3, "µV": 1.0, "uV": 1.0, "mV": 1e3}


def read_out(viewer: Viewer) -> tuple[str, dict[str, list[float]]]:
    box = viewer.inside.locator(".tools-readout")
    expect(box).to_be_visible()
    texts = box.locator("span").all_inner_texts()
    values = {}
    for label, text in zip(texts[::2], texts[1::2], strict=True):
        factor = UNITS[text.split()[-1]]
        values[label] = [float(number) * factor for number in re.findall(r"-?\d[\d.e+-]*", text)]
    return box.locator("b").inner_text(), values


def test_the_read_out_has_the_sample_at_the_finest_zoom(
    page: Page, viewer: Viewer, recording: Recording
) -> None:
    viewer.set_state(**CLOSE)
    box = viewer.box()
    page.mouse.move(box["x"] + 201.5, box["y"] + 20)
    expect(viewer.inside.locator(".tools-readout b")).to_have_text("0:00:02.050  #2050")
    values = read_out(viewer)[1]
    for column, label in enumerate(LABELS):
        assert values[label] == pytest.approx([recording.segments[0][2050, column] * SCALE], rel=1e-12)


def test_above_it_has_the_lowest_and_highest(page: Page, viewer: Viewer, recording: Recording) -> None:
    viewer.set_state(**FAR)
    box = viewer.box()
    page.mouse.move(box["x"] + 100.5, box["y"] + 20)
    expect(viewer.inside.locator(".tools-readout b")).to_have_text("0:00:13.200")
    values = read_out(viewer)[1]
    samples = recording.segments[0][1100 * 12 : 1101 * 12 + 1] * SCALE
    for column, label in enumerate(LABELS):
        expected = [samples[:, column].min(), samples[:, column].max()]
        assert values[label] == pytest.approx(expected, rel=1e-12)


def test_keys_move_the_cursor_and_select(page: Page, viewer: Viewer) -> None:
    viewer.set_state(**FAR)
    page.keyboard.press("Alt+ArrowRight")
    said = viewer.inside.locator("[role=status].said")
    expect(said).to_contain_text(re.compile("[nµm]V"))
    before = said.inner_text()
    page.keyboard.press("Alt+ArrowDown")
    expect(said).not_to_have_text(before)
    for _ in range(3):
        page.keyboard.press("Alt+Shift+ArrowRight")
    span = viewer.state()["selection"]
    assert span["end"] - span["start"] == pytest.approx(4 * 12 / RATE)
    page.keyboard.press("z")
    viewer.wait_until("seriesview.frame().samplesPerColumn === 1")
    page.keyboard.press("Escape")
    assert "selection" not in viewer.state()
    expect(viewer.inside.locator(".cursor")).to_be_hidden()


@pytest.mark.parametrize(("edges", "frame"), [((100, 240), FAR), ((10, 600), WIDE)])
def test_statistics_are_those_of_all_samples(
    page: Page, viewer: Viewer, recording: Recording, edges: tuple[int, int], frame: dict[str, int]
) -> None:
    viewer.set_state(**frame)
    select(page, viewer, *edges)
    values = in_default_order(selected(viewer, recording)[1])
    viewer.inside.get_by_role("button", name="Statistics").click()
    dialog = viewer.inside.get_by_role("dialog", name="Statistics of the selection")
    rows = dialog.locator("tbody tr")
    expect(rows).to_have_count(6)
    found = [[cell.strip() for cell in row.split("\t")] for row in rows.all_inner_texts()]
    assert [row[0] for row in found] == [LABELS[index] for index in (2, 3, 4, 0, 1, 5)]
    bar = viewer.panel().lanes[0]["shownUnit"]["unit"]
    assert {row[1] for row in found} == {bar}
    numbers = np.array([[float(cell) for cell in row[2:]] for row in found])
    factor = UNITS[bar]
    np.testing.assert_array_equal(numbers[:, 0], len(values))
    means = [values.mean(axis=0), np.sqrt((values**2).mean(axis=0)), values.std(axis=0)]
    # One step is SCALE; means have two digits more.
    np.testing.assert_allclose(numbers[:, 1:4] * factor, np.column_stack(means), rtol=0, atol=SCALE / 100)
    ends = [values.min(axis=0), values.max(axis=0)]
    np.testing.assert_allclose(numbers[:, 4:] * factor, np.column_stack(ends), rtol=1e-12)
    decimals = {len(cell.partition(".")[2]) for row in found for cell in row[6:]}
    assert decimals == {1 if bar == "µV" else 4}


def test_a_selection_has_a_power_spectrum_beside_its_statistics(
    page: Page, viewer: Viewer, recording: Recording
) -> None:
    viewer.set_state(**FAR)
    select(page, viewer, 100, 400)
    values = in_default_order(selected(viewer, recording)[1])
    viewer.inside.get_by_role("button", name="Statistics").click()
    dialog = viewer.inside.get_by_role("dialog", name="Statistics of the selection")
    picture = dialog.get_by_role("img", name="Power spectrum of tools")
    expect(picture.locator("path")).to_have_count(6)
    expect(picture.get_by_text("dB re uV²/Hz")).to_be_visible()
    with page.expect_download() as waiting:
        dialog.get_by_role("button", name="Save the spectrum").click()
    _, *lines = csv.reader(io.StringIO(Path(waiting.value.path()).read_text()))
    found = np.array(lines, dtype=float)
    length = 2 * (len(found) - 1)
    assert length == 512
    frequencies, density = signal.welch(values, RATE, nperseg=length, axis=0)
    np.testing.assert_allclose(found, np.column_stack([frequencies, density]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["csv", "npy"])
def test_a_selection_is_exported(page: Page, viewer: Viewer, recording: Recording, kind: str) -> None:
    viewer.set_state(**FAR, panels={"0": {"channels": [recording.channels[3], recording.channels[0]]}})
    select(page, viewer, 50, 300)
    times, values = selected(viewer, recording)
    viewer.inside.get_by_role("button", name="Export").click()
    dialog = viewer.inside.get_by_role("dialog", name="Export the selection")
    dialog.get_by_label("Format").select_option(kind)
    with page.expect_download() as waiting:
        dialog.get_by_role("button", name="Save", exact=True).click()
    name = waiting.value.suggested_filename
    assert re.fullmatch(rf"tools_[\w.-]+\.{kind}", name), name
    content = Path(waiting.value.path()).read_bytes()
    if kind == "npy":
        array = np.load(io.BytesIO(content), allow_pickle=False)
    else:
        head, *lines = csv.reader(io.StringIO(content.decode()))
        assert head == ["time [s]", """'=1+1, "x" [uV]""", "a10 [uV]"]
        array = np.array(lines, dtype=float)
    np.testing.assert_array_equal(array, np.column_stack([times, values[:, [3, 0]]]))


def test_the_picture_has_the_pixels_of_the_screen(page: Page, viewer: Viewer) -> None:
    viewer.set_state(**FAR)
    pixels = viewer.panel().pixels
    with page.expect_download() as waiting:
        page.keyboard.press("p")
    picture = np.asarray(Image.open(waiting.value.path()).convert("RGBA"))
    left = round(viewer.box()["x"])
    height, width = pixels.shape[:2]
    drawn = pixels[:, :, 3] == 255
    matches = [
        top
        for top in range(picture.shape[0] - height + 1)
        if (picture[top : top + height, left : left + width][drawn] == pixels[drawn]).all()
    ]
    assert len(matches) == 1


def test_channels_are_chosen_and_ordered_in_the_menu(
    page: Page, viewer: Viewer, recording: Recording
) -> None:
    ids = recording.channels

    def are_shown(channels: list[str] | None) -> None:
        wanted = "undefined" if channels is None else json.dumps(json.dumps(channels, separators=(",", ":")))
        viewer.wait_until(f"JSON.stringify(seriesview.state().panels[0].channels) === {wanted}")

    viewer.inside.get_by_role("button", name="Menu of tools").click()
    menu = viewer.inside.get_by_role("dialog", name="tools")
    rows = menu.locator(".tools-channels li:visible")
    assert labels(rows) == [LABELS[index] for index in (2, 3, 4, 0, 1, 5)]
    menu.get_by_label("Group").select_option("A")
    expect(rows).to_have_count(3)
    menu.get_by_role("button", name="Only these").click()
    are_shown([ids[2], ids[3], ids[4]])
    rows.nth(1).get_by_role("checkbox").uncheck()
    are_shown([ids[2], ids[4]])
    rows.nth(0).locator(".tools-handle").press("ArrowDown")
    rows.nth(1).locator(".tools-handle").press("ArrowDown")
    are_shown([ids[4], ids[2]])
    rows.last.get_by_role("spinbutton").fill("2.5")
    rows.last.get_by_role("spinbutton").press("Enter")
    assert viewer.state()["panels"]["0"]["offsets"] == {ids[2]: 2.5}
    menu.get_by_label("Group").select_option("")
    menu.get_by_label("Filter").fill("a1")
    menu.get_by_role("button", name="Show").click()
    menu.get_by_label("Order").select_option("label")
    are_shown([ids[2], ids[0], ids[4]])
    menu.get_by_label("Overlaid").check()
    menu.get_by_role("button", name="Larger").click()
    settings = viewer.state()["panels"]["0"]
    assert (settings["mode"], settings["gain"]) == ("overlaid", 1.25)
    menu.get_by_role("button", name="Reset this panel").click()
    are_shown(None)
    viewer.inside.get_by_role("dialog", name="tools").get_by_role("button", name="Hide this panel").click()
    assert viewer.state()["panels"]["0"]["hidden"] is True
    viewer.inside.get_by_role("button", name="+ tools").click()
    assert "hidden" not in viewer.state()["panels"]["0"]
    assert page.title() != "run"


def labels(rows: Locator) -> list[str]:
    return list(rows.locator("label").evaluate_all("all => all.map(one => one.childNodes[1].data)"))


def test_the_link_is_copied_and_what_it_is_good_for_is_said(page: Page, viewer: Viewer) -> None:
    viewer.set_state(**FAR)
    button = viewer.inside.get_by_role("button", name="Copy the link")
    button.click()
    dialog = viewer.inside.get_by_role("dialog", name="Link to this picture")
    expect(dialog).to_contain_text("works on this computer only")
    address = dialog.get_by_label("Link to this picture").input_value()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()
    again = show(page, address)
    assert again.frame() | FAR == again.frame()


def test_the_help_has_all_keys_and_keeps_the_focus(page: Page, viewer: Viewer) -> None:
    page.keyboard.press("?")
    dialog = viewer.inside.get_by_role("dialog", name="Keys and moves")
    for key in ("Home", "g", "Shift+E", "Alt+\u2190", "?"):
        expect(dialog.locator("kbd").get_by_text(key, exact=True)).to_have_count(1)
    keys = dialog.locator("kbd").all_text_contents()
    assert len(set(keys)) == len(keys), "each key does one thing"
    before = viewer.frame()
    page.keyboard.press("ArrowRight")
    for _ in range(3):
        page.keyboard.press("Tab")
        assert viewer.inside.evaluate("!document.activeElement.closest('#viewer')")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert viewer.frame() == before


def test_values_are_read_in_the_unit_of_the_panel_with_the_digits_of_the_data(
    page: Page, places: Places, builder: Builder
) -> None:
    """Counts of 0.195 uV have three decimals, float32 at most seven digits; both in the unit of the scale bar."""
    random = np.random.default_rng(195)
    counts = builder.regular("counts", [noise(random, 30_000, 8, "int16") // 16], scale=0.195, unit="uV")
    floats = builder.regular("floats", [noise(random, 30_000, 8, "float32")], unit="V")
    panels = [("ContinuousTraces", one.name, one.uri) for one in (counts, floats)]
    viewer = show(page, places.address("tasks", builder.workspace("digits", panels)))
    viewer.set_state(**CLOSE)
    for key, recording, decimals in (("0", counts, 3), ("1", floats, None)):
        box = viewer.box(key)
        page.mouse.move(box["x"] + 201.5, box["y"] + 20)
        texts = viewer.inside.locator(".tools-readout span")
        expect(texts.first).to_be_visible()
        expect(viewer.inside.locator(".tools-readout b")).to_have_text("0:00:02.050  #2050")
        lanes = viewer.panel(key).lanes
        shown = lanes[0]["shownUnit"]
        names = texts.all_inner_texts()[::2]
        for label, text in zip(names, texts.all_inner_texts()[1::2], strict=True):
            number, unit = text.split()
            assert unit == shown["unit"]
            column = [lane["label"] for lane in lanes].index(label)
            expected = recording.segments[0][2050, column] * recording.scale * shown["factor"]
            if decimals is None:
                assert float(number) == pytest.approx(expected, rel=1e-6)
                assert len(number.lstrip("-0.").replace(".", "")) <= 7
            else:
                assert float(number) == pytest.approx(expected, abs=1e-9)
                assert len(number.partition(".")[2]) == decimals - round(np.log10(shown["factor"]))


@pytest.mark.parametrize("place", ["tasks", "static"])
def test_64_bit_integers_are_told_to_the_last_digit(
    page: Page, places: Places, builder: Builder, place: str
) -> None:
    """Where a double holds neither them nor their neighbours; missing ones are no data."""
    samples = np.arange(30_000, dtype=np.int64)[:, None] * np.array([1, -3]) + np.array([2**62, 5 - 2**61])
    samples[2050, 1] = 2**63 - 1
    recording = builder.regular("stamps", [samples], full_resolution="store", missing=2**63 - 1)
    uri = builder.workspace("stamps", [("ContinuousTraces", recording.name, recording.uri)])
    viewer = show(page, places.address(place, uri))
    viewer.set_state(**CLOSE)
    box = viewer.box()
    page.mouse.move(box["x"] + 201.5, box["y"] + 20)
    expect(viewer.inside.locator(".tools-readout b")).to_have_text("0:00:02.050  #2050")
    texts = viewer.inside.locator(".tools-readout span").all_inner_texts()
    assert dict(zip(texts[::2], texts[1::2], strict=True)) == {"0": str(2**62 + 2050), "1": "no data"}
    page.mouse.move(box["x"] + 205.5, box["y"] + 20)
    expect(viewer.inside.locator(".tools-readout b")).to_have_text("0:00:02.051  #2051")
    texts = viewer.inside.locator(".tools-readout span").all_inner_texts()
    assert str(5 - 2**61 - 3 * 2051) in texts
