"""Each type of panel: what is where in its picture. And panels as such: hidden, resized, of other views."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from browsing import PanelPicture, Viewer
from expected_pictures import assert_same, expected_picture
from PIL import ImageColor
from playwright.sync_api import Page
from recordings import Builder, noise
from viewer_places import Places, show

Floats = npt.NDArray[np.float64]
UNITS = 5
EVENTS = 400
MANY = 1_000_000
FRAMES = ((192, 1, 0), (12, 1, 700), (1, 1, 20_000), (1, 6, 90_000))
"""Samples a column, columns a sample, left column; of a view at 1000 Hz."""


class Session:
    """60 seconds of every type of series."""

    def __init__(self, builder: Builder) -> None:
        random = np.random.default_rng(61)
        self.traces = builder.regular("traces", [noise(random, 60_000, 6, "int16")], full_resolution="store")
        self.times = np.sort(random.uniform(0, 60, EVENTS))
        self.units = random.integers(0, UNITS, EVENTS)
        self.amplitudes = random.uniform(20, 120, EVENTS).astype(np.float32)
        dense = np.sort(random.uniform(0, 60, MANY))
        self.laps = np.array([[5.0, 12.5], [20.0, 31.0]])
        angle = np.arange(3000) / 3000 * 4 * np.pi
        self.places = np.stack([np.sin(angle) * 40, np.cos(angle * 0.5) * 25], axis=1).astype(np.float32)
        self.peaks = (np.arange(600) // 40) % 12
        density = np.full((600, 12), 0.01, np.float32)
        density[np.arange(600), self.peaks] = 0.9
        path = Path(builder.directory) / "panels.h5"
        with h5py.File(path, "w") as file:
            file["spikes"] = np.stack([self.times, self.units], axis=1)
            file["dense"] = np.stack([dense, np.arange(MANY) % 8], axis=1)
            file["laps"] = self.laps
        self.uris = {
            "spikes": builder.series("spikes", path, dataset="/spikes", type="event"),
            "dense": builder.series("dense", path, dataset="/dense", type="event"),
            "laps": builder.series("laps", path, dataset="/laps", type="interval"),
            "traces": self.traces.uri,
        }
        self.points = builder.irregular(
            "amplitudes", self.amplitudes[:, None], self.times, type="discrete", full_resolution="store"
        )
        self.position = builder.regular("position", [self.places], 50.0, full_resolution="store")
        self.density = builder.regular("density", [density], 10.0, full_resolution="store")
        for recording in (self.points, self.position, self.density):
            self.uris[recording.name] = recording.uri


@pytest.fixture(scope="module")
def session(builder: Builder) -> Session:
    return Session(builder)


def opened(
    page: Page, places: Places, builder: Builder, session: Session, source: str, *panels: str
) -> Viewer:
    """A view of traces, which set the grid, and panels `TYPE of SERIES`."""
    named = [("ContinuousTraces", "traces", session.uris["traces"])]
    for panel in panels:
        kind, name = panel.split(" of ")
        named.append((kind, name, session.uris[name]))
    uri = builder.workspace("panels", named, [("laps", session.uris["laps"])])
    viewer = show(page, places.address(source, uri))
    assert viewer.timeline()["ticksPerSecond"] == 1000
    return viewer


def go(viewer: Viewer, frame: tuple[int, int, int], **settings: Any) -> None:
    """Show a frame, with settings for panel 1."""
    ticks, parts, left = frame
    panels = {"0": {"height": 60}, "1": {"height": 150} | settings}
    viewer.set_state(samplesPerColumn=ticks, columnsPerSample=parts, leftColumn=left, panels=panels)


def edges_of(panel: PanelPicture) -> Floats:
    """View times of the edges of a picture's columns, seconds."""
    frame = panel.frame
    columns = frame["leftColumn"] + np.arange(frame["columns"] + 1)
    return columns * frame["samplesPerColumn"] / frame["columnsPerSample"] / 1000


def occupied(times: Floats, edges: Floats) -> npt.NDArray[np.bool_]:
    """Which of the closed columns hold one of these times."""
    return np.array([bool(((times >= a) & (times <= b)).any()) for a, b in pairwise(edges)])


def color_of(lane: dict[str, Any]) -> tuple[int, ...]:
    return (*ImageColor.getrgb(lane["color"])[:3], 255)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_raster_has_a_mark_where_a_unit_has_events(
    page: Page, places: Places, builder: Builder, session: Session, source: str, frame: tuple[int, int, int]
) -> None:
    viewer = opened(page, places, builder, session, source, "RasterPlot of spikes")
    go(viewer, frame)
    panel = viewer.panel("1")
    assert panel.painted["isComplete"]
    assert len(panel.lanes) == UNITS
    for lane in panel.lanes:
        unit = int(lane["id"])
        marked = panel.pixels[lane["top"] : lane["bottom"], :, 3] > 0
        np.testing.assert_array_equal(
            marked.any(axis=0), occupied(session.times[session.units == unit], edges_of(panel))
        )
        assert marked[: lane["bottom"] - lane["top"] - 1].all(axis=0).sum() == marked.any(axis=0).sum()


def test_a_million_events_cost_what_the_screen_costs(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    before = len(places.files.asked)
    viewer = opened(page, places, builder, session, "static", "RasterPlot of dense")
    panel = viewer.panel("1")
    assert len(panel.lanes) == 8
    shown = (edges_of(panel)[:-1] >= 0) & (edges_of(panel)[1:] <= 60)
    for lane in panel.lanes:
        assert (panel.pixels[lane["top"], shown, 3] > 0).all()
    sizes = []
    for path, wanted in places.files.asked[before:]:
        one = re.search(r"([0-9a-f]{40})$", path)
        content = places.files.content(f"x/sha1/aa/bb/cc/{one[1]}") if one else None
        if content:
            span = re.fullmatch(r"bytes=(\d+)-(\d+)", wanted or "")
            sizes.append(int(span[2]) + 1 - int(span[1]) if span else len(content[0]))
    assert len(sizes) > 3
    assert sum(sizes) < 0.2 * 12 * MANY


@pytest.mark.parametrize("frame", FRAMES)
def test_amplitudes_are_marks_at_time_and_value(
    page: Page, places: Places, builder: Builder, session: Session, source: str, frame: tuple[int, int, int]
) -> None:
    viewer = opened(page, places, builder, session, source, "EventAmplitudes of amplitudes")
    go(viewer, frame)
    panel = viewer.panel("1")
    assert panel.painted["error"] is None, panel.painted
    (lane,) = panel.lanes
    height, width = panel.pixels.shape[:2]
    expected = np.zeros_like(panel.pixels)
    edges = edges_of(panel)
    columns = np.floor((session.times * 1000) * frame[1] / frame[0]).astype(int) - frame[2]
    assert ((session.times >= edges[0]) & (session.times <= edges[-1])).any()
    for column, value in zip(columns, session.amplitudes.astype(np.float64), strict=True):
        row = int(np.floor(lane["center"] - (value - lane["baseline"]) * lane["pixelsPerUnit"] + 0.5))
        if -1 <= column <= width and -1 <= row <= height:
            expected[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = color_of(lane)
    assert_same(panel, expected, (source, frame))
    axis = panel.painted["valueAxis"]
    assert axis["low"] < session.amplitudes.min() < session.amplitudes.max() < axis["high"]


def test_a_position_is_drawn_against_time_and_beside_it_as_a_path(
    page: Page, places: Places, builder: Builder, session: Session, source: str
) -> None:
    """The path hides no column, and the menu turns it off."""
    page.set_viewport_size({"width": 1000, "height": 640})
    viewer = opened(page, places, builder, session, source, "Position of position")
    go(viewer, (80, 1, 0), height=200)
    panel = viewer.panel("1")
    assert_same(panel, expected_picture(session.position, panel, viewer.timeline()), source)
    ink = """() => {
      const canvas = document.querySelector('.panel[aria-label=position] .gutter');
      const {data} = canvas.getContext('2d').getImageData(0, 0, 112, canvas.height);
      return data.reduce((sum, value, at) => sum + (at % 4 === 3 && value === 255 && data[at - 1] === 0 ? 1 : 0), 0);
    }"""
    assert viewer.inside.evaluate(ink) > 100
    columns = viewer.frame()["columns"]
    viewer.inside.get_by_role("button", name="Menu of position").click()
    viewer.inside.get_by_label("Path in the plane").uncheck()
    page.keyboard.press("Escape")
    assert viewer.state()["panels"]["1"]["path"] is False
    assert viewer.frame()["columns"] > columns
    panel = viewer.panel("1")
    assert_same(panel, expected_picture(session.position, panel, viewer.timeline()), source)
    assert viewer.inside.evaluate(ink) < 100


def test_a_density_is_brightest_at_its_peak(
    page: Page, places: Places, builder: Builder, session: Session, source: str
) -> None:
    viewer = opened(page, places, builder, session, source, "ProbabilityDensity of density")
    go(viewer, (1, 1, 10_000), height=120)
    panel = viewer.panel("1")
    assert [int(lane["id"]) for lane in panel.lanes] == list(range(11, -1, -1))
    edges = edges_of(panel)
    checked = 0
    for column in range(panel.pixels.shape[1]):
        first, last = (int(np.floor(edge * 10 + 1e-9)) for edge in (edges[column], edges[column + 1]))
        peaks = set(session.peaks[first : last + 2])
        if len(peaks) > 1:
            continue
        checked += 1
        light = {
            int(lane["id"]): panel.pixels[(lane["top"] + lane["bottom"]) // 2, column, :3].astype(int).sum()
            for lane in panel.lanes
        }
        colors = {value for unit, value in light.items() if unit not in peaks}
        assert len(colors) == 1
        assert colors != {light[peaks.pop()]}
    assert checked > 300


def test_an_image_of_traces_fills_its_lanes(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    viewer = opened(page, places, builder, session, "static")
    viewer.set_state(panels={"0": {"mode": "image", "height": 120}}, samplesPerColumn=96, leftColumn=0)
    panel = viewer.panel("0")
    assert [lane["id"] for lane in panel.lanes] == list(session.traces.channels)
    shown = panel.pixels[:, : 60_000 // 96]
    assert (shown[..., 3] == 255).all()
    for lane in panel.lanes:
        rows = shown[lane["top"] : lane["bottom"]]
        assert (rows == rows[:1]).all()
        assert len(np.unique(rows[0], axis=0)) > 10


def test_intervals_are_bands(page: Page, places: Places, builder: Builder, session: Session) -> None:
    viewer = opened(page, places, builder, session, "static")
    viewer.set_state(samplesPerColumn=96, columnsPerSample=1, leftColumn=0)
    viewer.wait_until("document.querySelector('.strip')?.getAttribute('aria-label')?.includes('2 intervals')")
    painted = viewer.inside.evaluate(
        """async () => {
          await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
          const strip = document.querySelector('.strip');
          const {data} = strip.getContext('2d').getImageData(0, Math.floor(strip.height / 2), strip.width, 1);
          return Array.from({length: strip.width}, (_, column) => data[4 * column + 3] > 0);
        }"""
    )
    seconds = np.arange(len(painted)) * 0.096
    for begin, end in session.laps:
        assert np.array(painted)[(seconds > begin + 0.2) & (seconds < end - 0.2)].all()
    assert not np.array(painted)[(seconds > 12.8) & (seconds < 19.8)].any()


def test_panels_are_hidden_and_shown_again(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    viewer = opened(page, places, builder, session, "static", "RasterPlot of spikes")
    before = viewer.box("0")["height"]
    viewer.inside.get_by_role("button", name="Hide spikes").click()
    viewer.wait_until("seriesview.state().panels['1']?.hidden === true")
    viewer.wait()
    assert viewer.box("0")["height"] > before
    viewer.wait_for_link('"hidden":true')
    page.go_back()
    viewer.wait_until("!seriesview.state().panels['1']?.hidden")
    viewer.wait()
    assert viewer.box("0")["height"] == before
    assert viewer.panel("1").painted["isComplete"]


def test_hiding_a_panel_right_after_moving_is_a_step_of_its_own(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    viewer = opened(page, places, builder, session, "static", "RasterPlot of spikes")
    viewer.inside.evaluate("""() => {
      seriesview.setState({leftColumn: seriesview.frame().leftColumn + 7}, 'replace');
      const names = button => button.ariaLabel ?? button.title ?? button.textContent;
      [...document.querySelectorAll('button')].find(button => names(button) === 'Hide spikes').click();
    }""")
    left = viewer.frame()["leftColumn"]
    viewer.wait_for_link('"hidden":true')
    page.go_back()
    viewer.wait_until("!seriesview.state().panels['1']?.hidden")
    assert viewer.frame()["leftColumn"] == left


def test_panels_are_resized_by_dragging_and_by_keys(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    viewer = opened(page, places, builder, session, "static", "RasterPlot of spikes")
    handle = viewer.inside.get_by_role("separator", name="Height of traces")
    before = viewer.panel("0").painted["height"]
    place = handle.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 50, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.mouse.move(place["x"] + 50, place["y"] + place["height"] / 2 - 30)
    page.mouse.move(place["x"] + 50, place["y"] + place["height"] / 2 - 60)
    page.mouse.up()
    viewer.wait_until(f"seriesview.state().panels['0'].height === {before - 60}")
    assert viewer.panel("0").pixels.shape[0] == before - 60
    handle.focus()
    page.keyboard.press("ArrowDown")
    viewer.wait_until(f"seriesview.state().panels['0'].height > {before - 60}")
    assert viewer.panel("0").pixels.shape[0] > before - 60


def test_views_are_switched(page: Page, places: Places, builder: Builder, session: Session) -> None:
    views = [
        {"label": name, "panels": [{"type": kind, "label": series, "data": {"series": series}}]}
        for name, kind, series in (("One", "ContinuousTraces", "traces"), ("Other", "RasterPlot", "spikes"))
    ]
    document = {
        "format": "seriesview-workspace/1",
        "label": "views",
        "series": [{"name": name, "uri": session.uris[name]} for name in ("traces", "spikes")],
        "views": views,
    }
    viewer = show(
        page, places.address("static", str(builder.store.put_json(document, name="workspace.json")))
    )
    assert [viewer.panel(key).painted["type"] for key in viewer.panel_keys()] == ["ContinuousTraces"]
    viewer.inside.get_by_label("View", exact=True).select_option(label="Other")
    viewer.wait_until("seriesview.state().view === 1")
    viewer.wait()
    assert [viewer.panel(key).painted["type"] for key in viewer.panel_keys()] == ["RasterPlot"]
    viewer.wait_for_link('"view":1')
    page.go_back()
    viewer.wait_until("seriesview.state().view === 0")


def test_dark_and_light_are_told_apart(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    viewer = opened(page, places, builder, session, "static")
    light = viewer.panel("0").lanes
    page.emulate_media(color_scheme="dark")
    color = light[0]["color"]
    viewer.wait_until(f"seriesview.panels()[0].painted.lanes[0].color !== '{color}'")
    viewer.wait()
    dark = viewer.panel("0").lanes
    assert [lane["color"] for lane in dark] != [lane["color"] for lane in light]
    for lane, back in [(lane, (255, 255, 255)) for lane in light] + [(lane, (20, 20, 20)) for lane in dark]:
        assert contrast(color_of(lane)[:3], back) > 3


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(color: tuple[int, ...]) -> float:
        parts = [value / 255 for value in color]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
