"""A view of what is being built: exact where there is something, hatched where there is nothing yet, and then whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import PanelPicture, Viewer, wait_for
from closed_port import CLOSED_PORT
from expected_pictures import assert_same, expected_picture
from gated_recordings import CHANNELS, RATE, Gate, write_gated
from playwright.sync_api import BrowserContext, Page, expect
from recordings import Recording
from scipy import signal
from viewer_places import HIDDEN, show, view_frame

from seriesview.figures.finding import ToBuild, meant
from seriesview.figures.view import View
from seriesview.store import open_store

NUM_SAMPLES = 1_200_000
HATCHED = "hatched: not built yet at this zoom"


class Half:
    """A view whose build waits in the middle of a recording."""

    def __init__(self, view: View, recording: Recording, gate: Gate, path: Path) -> None:
        self.view, self.recording, self.gate, self.path = view, recording, gate, path

    def expected(self, panel: PanelPicture, viewer: Viewer) -> Any:
        return expected_picture(self.recording, panel, viewer.timeline())


@pytest.fixture
def half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Half]:
    for name in (*HIDDEN, "KACHERY_STORAGE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))
    # Its values grow all the time: what is typical of its beginning is not of all of it.
    monkeypatch.setattr("seriesview.live.snapshot._TYPICAL_STRETCHES", 1)
    path = tmp_path / "night.gated"
    samples, gate = write_gated(path, NUM_SAMPLES, monkeypatch, tmp_path / "readers")
    found = meant(path, lambda: open_store(tmp_path / "store", "embedded"), store=tmp_path / "store")
    assert isinstance(found, ToBuild)
    ids = tuple(str(number) for number in range(CHANNELS))
    recording = Recording("night", "local:night", [samples], [0.0], RATE, channels=ids)
    with View(found, port=0) as view:
        yield Half(view, recording, gate, path)
        gate.open()


def unbuilt(viewer: Viewer) -> list[list[int]]:
    """Runs of columns that are hatched."""
    return list(viewer.inside.evaluate("seriesview.panels()[0].painted.unbuilt"))


def scales(viewer: Viewer) -> Any:
    """Baselines of lanes, and how much each holds, whatever room there is for all of them."""
    lanes = viewer.panel().painted["lanes"]
    height = lanes[-1]["bottom"]
    return [(lane["baseline"], round(height / lane["pixelsPerUnit"])) for lane in lanes]


def whole_session(viewer: Viewer) -> dict[str, int]:
    """The closest zoom at which the whole session fits."""
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    fitting = (rung for rung in timeline["ladder"] if rung * columns >= NUM_SAMPLES)
    return {"samplesPerColumn": next(fitting), "columnsPerSample": 1, "leftColumn": -5}


def test_what_is_there_is_exact_and_what_is_not_is_hatched(
    page: Page, new_context: Callable[..., BrowserContext], half: Half
) -> None:
    viewer = show(page, half.view.url)
    # The first seconds, from their first sample on.
    frame = viewer.frame()
    assert frame["leftColumn"] == 0
    seconds = frame["columns"] * frame["samplesPerColumn"] / frame["columnsPerSample"] / RATE
    assert 8 < seconds < 15
    panel = viewer.panel()
    assert_same(panel, half.expected(panel, viewer), "the first seconds")
    expect(viewer.inside.locator(".building")).to_contain_text("exact at every zoom up to")
    # Closer, and behind what is built.
    for place in (
        {"samplesPerColumn": 1, "columnsPerSample": 2, "leftColumn": 2 * 1_000_000},
        {"samplesPerColumn": 40, "columnsPerSample": 1, "leftColumn": 1_100_000 // 40},
        {"samplesPerColumn": 256, "columnsPerSample": 1, "leftColumn": 900_000 // 256},
    ):
        viewer.set_state(**place)
        panel = viewer.panel()
        assert_same(panel, half.expected(panel, viewer), place)
        assert unbuilt(viewer) == []
    # Filtered, too.
    steps = [{"highpass": RATE / 20}, {"reference": "mean"}]
    viewer.set_state(
        samplesPerColumn=3, columnsPerSample=1, leftColumn=1_100_000 // 3, panels={"0": {"steps": steps}}
    )
    (samples,) = half.recording.segments
    sections = signal.butter(5, RATE / 20, "highpass", fs=RATE, output="sos")
    # Far from both ends of a stretch it is what the whole gives.
    stretch = slice(1_095_000, 1_115_000)
    passed = signal.sosfiltfilt(sections, samples[stretch].astype(float), axis=0)
    filtered = replace(half.recording, segments=[samples.copy()])
    filtered.segments[0][stretch] = np.rint(passed - passed.mean(axis=1, keepdims=True))
    assert_same(viewer.panel(), expected_picture(filtered, viewer.panel(), viewer.timeline()), steps)
    viewer.set_state(panels={"0": {}})
    # From far away: exact up to where it is built.
    far = whole_session(viewer)
    viewer.set_state(**far)
    wait_for(page, lambda: unbuilt(viewer) and unbuilt(viewer)[0][0] > 200, "half of it is built")
    viewer.wait_until("seriesview.figure().series['local:night'].preview")
    wait_for(page, lambda: viewer.panel().painted["notes"][0].startswith(HATCHED), "the note")
    wait_for(page, lambda: "a preview, of a few samples" in viewer.panel().painted["notes"][0], "the preview")
    panel = viewer.panel()
    ((first, end),) = unbuilt(viewer)
    wanted = half.expected(panel, viewer)
    wanted[:, first:end] = 0
    assert_same(panel, wanted, "half of it")
    # It lies over those columns alone, and the preview in it, paler than the traces.
    hatching, coloured = viewer.inside.evaluate(
        """() => {
          const canvas = document.querySelector('canvas.unbuilt');
          const {width, height} = canvas;
          const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
          const coloured = new Set();
          for (let at = 0; at < data.length; at += 4)
            if (Math.abs(data[at] - data[at + 2]) > 20 && data[at + 3]) coloured.add(at / 4 % width);
          return [Array.from({length: width}, (_, x) => data[4 * x + 3] > 0), coloured.size];
        }"""
    )
    assert np.flatnonzero(hatching).tolist() == list(range(first, end))
    # A slow machine gets through fewer stretches in its second.
    assert coloured > 0
    # It tells no number; what is built does.
    box = viewer.box()
    readings = viewer.inside.locator(".tools-readout span")
    page.mouse.move(box["x"] + first - 20, box["y"] + 40)
    expect(readings.nth(1)).to_contain_text("\u2026")
    page.mouse.move(box["x"] + (first + end) // 2, box["y"] + 40)
    expect(readings).to_have_count(0)
    expect(viewer.inside.locator(".tools-readout b")).to_be_visible()
    before = viewer.state()
    held = scales(viewer)
    better = viewer.inside.get_by_role("button", name="Scales of the whole recording")
    expect(better).to_be_hidden()
    half.gate.open()
    wait_for(page, lambda: "live=" not in page.url, "the link of what was built")
    assert f"d={(half.view.uri or '')[7:47]}" in page.url
    viewer.wait_until("Object.values(seriesview.figure().series).every(({state}) => state !== 'building')")
    viewer.wait()
    after = viewer.state()
    assert {key: after[key] for key in far} == {key: before[key] for key in far}
    expect(viewer.inside.locator(".building")).to_be_hidden()
    # Better scales are offered, and nothing more.
    expect(better).to_be_visible()
    assert scales(viewer) == held
    panel = viewer.panel()
    assert_same(panel, half.expected(panel, viewer), "with the scales that it had")
    better.click()
    expect(better).to_be_hidden()
    assert scales(viewer) != held
    # Every pixel as in a page that never saw it being built.
    fresh = show(new_context().new_page(), half.view.link())
    for place in (far, {"samplesPerColumn": 40, "columnsPerSample": 1, "leftColumn": 1_100_000 // 40}):
        for each in (viewer, fresh):
            each.set_state(**place)
        panel = viewer.panel()
        assert_same(panel, half.expected(panel, viewer), place)
        assert_same(fresh.panel(), panel.pixels, place)
        assert unbuilt(viewer) == []


def test_a_build_that_fails_says_so_and_stays_to_be_seen(page: Page, half: Half) -> None:
    viewer = show(page, half.view.url)
    with half.path.open("ab") as file:
        file.write(bytes(2 * CHANNELS))
    half.gate.open()
    said = viewer.inside.locator(".building.has-failed")
    expect(said).to_contain_text("while it was read")
    # All levels were made before that.
    viewer.set_state(**whole_session(viewer))
    wait_for(page, lambda: unbuilt(viewer) == [], "all of it")
    panel = viewer.panel()
    assert_same(panel, half.expected(panel, viewer), "all of it")


def test_a_page_that_is_loaded_again_goes_on(page: Page, half: Half, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seriesview.live.live_build.QUIET_SECONDS", 1.0)
    monkeypatch.setattr("seriesview.figures.live_routes._WAIT_SECONDS", 1.0)
    viewer = show(page, half.view.url)
    # The disk stalls.
    expect(viewer.inside.locator(".building")).to_contain_text("nothing was heard of it for")
    viewer.set_state(samplesPerColumn=2, columnsPerSample=1, leftColumn=500)
    viewer.wait_for_link('"samplesPerColumn":2,')
    page.reload()
    again = Viewer(page, view_frame(page)).wait()
    assert again.frame()["samplesPerColumn"] == 2
    half.view.close()
    # The command has ended.
    expect(again.inside.locator(".building.has-failed")).to_contain_text("goes on from there")
