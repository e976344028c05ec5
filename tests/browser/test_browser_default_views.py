"""What a view shows at first, as its manifest says: page, mode, order, gains; lanes of intervals; coloured marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from browsing import PanelPicture, Viewer
from expected_pictures import assert_same
from PIL import ImageColor
from playwright.sync_api import Page, expect
from polyline_reference import draw_spans
from recordings import Builder, noise
from viewer_places import Places, show

from seriesview.workspace.manifest import build_workspace, view_from_config

Floats = npt.NDArray[np.float64]
RATE = 1000.0
SECONDS = 60
STAGES = ("W", "R", "N1", "N2", "N3")
FRAMES = ((192, 1, 0), (12, 1, 700), (1, 1, 20_000), (1, 6, 90_000))
TYPES = ["EMG", "EEG", "TRIG", "EEG", "EOG"]
HEAT = [
    "440154",
    "482475",
    "414487",
    "355f8d",
    "2a788e",
    "21918c",
    "22a884",
    "44bf70",
    "7ad151",
    "bddf26",
    "fde725",
]
ENDS = (20.0, 100.0)


class Session:
    """A minute of traces of several types, of intervals and of spikes with depths and amplitudes."""

    def __init__(self, builder: Builder) -> None:
        random = np.random.default_rng(7)
        samples = noise(random, int(SECONDS * RATE), 5, "int16")
        samples[:, 0] //= 8
        self.traces = builder.regular(
            "typed",
            [samples],
            full_resolution="store",
            channel_labels=["chin", "Cz", "sync", "Pz", "LOC"],
            channel_types=TYPES,
            bad_channels=["Pz"],
            unit="uV",
        )
        starts = np.sort(np.round(random.uniform(0, SECONDS - 6, 60), 3))
        lengths = np.where(random.random(60) < 0.3, 0.0, np.round(random.exponential(2.0, 60), 3))
        self.intervals = np.stack([starts, starts + lengths], axis=1)
        self.labels = random.integers(0, len(STAGES), 60)
        path = Path(builder.directory) / "stages.csv"
        rows = [
            f"{start:.3f},{end:.3f},{STAGES[label]}"
            for (start, end), label in zip(self.intervals, self.labels, strict=True)
        ]
        path.write_text("\n".join(["start,end,label", *rows, ""]))
        self.times = np.sort(random.uniform(0, SECONDS, 3000))
        self.spikes = np.stack([random.uniform(0, 3800, 3000), random.uniform(*ENDS, 3000)], axis=1)
        drift = builder.irregular(
            "drift",
            self.spikes,
            self.times,
            type="discrete",
            full_resolution="store",
            channel_labels=["depth", "amplitude"],
        )
        self.typical = builder.store.get_json(drift.uri)["channels"][1]["typical"]
        self.markers = np.sort(random.uniform(0, SECONDS, 90))
        markers = Path(builder.directory) / "markers.csv"
        rows = [f"{time:.6f},S {number % 3}" for number, time in enumerate(self.markers)]
        markers.write_text("\n".join(["time,label", *rows, ""]))
        self.uris = {
            "markers": builder.series("markers", markers, type="event"),
            "typed": self.traces.uri,
            "stages": builder.series("stages", path, type="interval"),
            "drift": drift.uri,
        }


@pytest.fixture(scope="module")
def session(builder: Builder) -> Session:
    return Session(builder)


def workspace(builder: Builder, session: Session, *panels: dict[str, Any], **view: Any) -> str:
    """A workspace of a view of panels, the first of traces, which set the grid."""
    first = {"type": "ContinuousTraces", "series": "typed"}
    whole = view_from_config({"label": "View", "panels": [first, *panels], **view})
    kinds = {name: builder.store.get_json(uri)["type"] for name, uri in session.uris.items()}
    document = build_workspace("first", list(session.uris.items()), [whole], types=kinds)
    return str(builder.store.put_json(document, name="workspace.json"))


def go(viewer: Viewer, frame: tuple[int, int, int], height: int = 150) -> PanelPicture:
    """Panel 1 at a frame."""
    ticks, parts, left = frame
    panels = {"0": {"height": 60}, "1": {"height": height}}
    viewer.set_state(samplesPerColumn=ticks, columnsPerSample=parts, leftColumn=left, panels=panels)
    return viewer.panel("1")


def columns_of(times: Floats, frame: dict[str, int]) -> Floats:
    """Columns of a picture, with their fractions, of view times."""
    return times * RATE * frame["columnsPerSample"] / frame["samplesPerColumn"] - frame["leftColumn"]


@pytest.mark.parametrize("frame", FRAMES)
def test_a_lane_has_a_bar_for_each_interval_and_a_line_for_one_of_no_length(
    page: Page, places: Places, builder: Builder, session: Session, source: str, frame: tuple[int, int, int]
) -> None:
    uri = workspace(
        builder, session, {"type": "IntervalLanes", "series": "stages", "lanes": ["absent", *STAGES]}
    )
    panel = go(show(page, places.address(source, uri)), frame)
    assert panel.painted["isComplete"]
    assert [lane["label"] for lane in panel.lanes] == ["absent", *STAGES]
    width = panel.pixels.shape[1]
    edges = np.stack(
        [
            np.floor(columns_of(session.intervals[:, 0], panel.frame) + 1e-6),
            np.ceil(columns_of(session.intervals[:, 1], panel.frame) - 1e-6),
        ],
        axis=1,
    )
    for lane in panel.lanes:
        expected = np.zeros(width, bool)
        full = np.zeros(width, bool)
        for (first, end), label in zip(edges, session.labels, strict=True):
            if STAGES[label] != lane["label"]:
                continue
            last = max(end, first + 1)
            inside = np.arange(max(first, 0), min(max(last, 0), width), dtype=int)
            expected[inside] = True
            full[inside] = last - first <= 3
            if 0 <= first < width:
                full[int(first)] = True
        row = panel.pixels[(lane["top"] + lane["bottom"]) // 2]
        np.testing.assert_array_equal(row[:, 3] > 0, expected, err_msg=f"{lane['label']} {frame}")
        color = ImageColor.getrgb(lane["color"])[:3]
        np.testing.assert_array_equal((row[:, :3] == color).all(axis=1) & (row[:, 3] > 0), full)


def test_lanes_take_the_place_of_bands_and_are_told_under_the_cursor(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    plain = show(page, places.address("static", workspace(builder, session)))
    assert plain.inside.locator(".strips .row").count() == 1
    uri = workspace(builder, session, {"type": "IntervalLanes", "series": "stages"})
    viewer = show(page, places.address("static", uri))
    assert viewer.inside.locator(".strips .row").count() == 0
    panel = go(viewer, (12, 1, 0))
    number = int(np.argmax(session.intervals[:, 1] - session.intervals[:, 0]))
    start, end = session.intervals[number]
    column = int((start + end) / 2 * RATE / 12)
    panel = go(viewer, (12, 1, column - 100))
    lane = next(each for each in panel.lanes if each["label"] == STAGES[session.labels[number]])
    box = viewer.box("1")
    page.mouse.move(box["x"] + 100, box["y"] + (lane["top"] + lane["bottom"]) / 2)
    told = viewer.inside.locator(".tools-readout")
    told.wait_for()
    assert re.search(rf"{lane['label']}\s*{start:g}.* … {end:g}.* s", told.inner_text()), told.inner_text()


def test_markers_are_lines_across_all_panels_unless_they_are_very_many(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    lines = {"type": "RasterPlot", "series": "markers", "label": "stimuli", "lines": True}
    uri = workspace(builder, session, lines, times="seconds")
    viewer = show(page, places.address("static", uri))
    # Beside the strip of the intervals.
    assert viewer.inside.locator(".strips .name").all_inner_texts() == ["stages", "stimuli"]
    # As the view says it, not h:m:s.
    assert viewer.inside.locator(".time-unit").inner_text() == "s"
    ink = """() => {
      const canvas = document.querySelector('.edges');
      const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, 1);
      return Array.from({length: canvas.width}, (_, x) => x).filter(x => data[4 * x + 3] > 0);
    }"""
    go(viewer, (12, 1, 0))
    frame = viewer.frame()
    columns = np.floor(columns_of(session.markers, frame) + 1e-6).astype(int)
    visible = columns[(columns >= 0) & (columns < frame["columns"])]
    viewer.wait_until(f"({ink})().length > 0")
    found = set(viewer.inside.evaluate(ink))
    assert len(visible) > 5
    assert set(visible) <= found
    go(viewer, (192, 1, 0))
    assert not set(viewer.inside.evaluate(ink)) - {
        int(each)
        for edge in session.intervals.T
        for each in np.floor(columns_of(edge, viewer.frame()) + 1e-6)
    }


def shade(values: Floats, low: float, high: float) -> npt.NDArray[np.int64]:
    places = np.floor((values - low) / (high - low) * 256)
    return np.clip(places, 0, 255).astype(np.int64)


def heat() -> npt.NDArray[np.uint8]:
    stops = np.array([ImageColor.getrgb(f"#{stop}") for stop in HEAT], np.float64)
    place = np.arange(256) / 255 * (len(stops) - 1)
    return np.stack(
        [np.floor(np.interp(place, np.arange(len(stops)), stops[:, part]) + 0.5) for part in range(3)], axis=1
    ).astype(np.uint8)


@pytest.mark.parametrize("frame", FRAMES)
def test_a_spike_is_one_mark_at_its_depth_in_the_colour_of_its_amplitude(
    page: Page, places: Places, builder: Builder, session: Session, source: str, frame: tuple[int, int, int]
) -> None:
    panels = {"type": "EventAmplitudes", "series": "drift", "y": "depth", "color": "amplitude"}
    panel = go(show(page, places.address(source, workspace(builder, session, panels))), frame)
    lane = panel.lanes[0]
    expected = np.zeros_like(panel.pixels)
    height, width = expected.shape[:2]
    low, _, high = session.typical
    shades, colors = shade(session.spikes[:, 1], low, high), heat()
    columns = np.floor(columns_of(session.times, panel.frame)).astype(int)
    rows = np.floor(lane["center"] - (session.spikes[:, 0] - lane["baseline"]) * lane["pixelsPerUnit"] + 0.5)
    for number in np.argsort(shades, kind="stable"):
        column, row = columns[number], int(rows[number])
        if -1 <= column <= width and -1 <= row <= height:
            ink = (*colors[255 - shades[number]], 255)
            expected[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = ink
    assert_same(panel, expected, (source, frame))
    assert any(note.startswith("colour: amplitude") for note in panel.painted["notes"])
    axis = panel.painted["valueAxis"]
    assert axis["low"] < session.spikes[:, 0].min() < session.spikes[:, 0].max() < axis["high"]


def page_samples(session: Session, lanes: list[dict[str, Any]]) -> list[Floats]:
    (segment,) = session.traces.segments
    return [segment[:, session.traces.channels.index(lane["id"])].astype(np.float64) for lane in lanes]


def page_spans(samples: Floats, frame: dict[str, int]) -> Iterator[tuple[int, Floats]]:
    """Stored values of the corners and ends that the polyline has in each column of a page."""
    counted = np.arange(len(samples))
    for column in range(frame["columns"]):
        ends = np.array([column, column + 1]) * frame["samplesPerColumn"] / frame["columnsPerSample"]
        inside = samples[(counted >= ends[0]) & (counted <= ends[1])]
        yield column, np.concatenate([np.interp(ends, counted, samples), inside])


def test_a_view_opens_on_its_page_and_a_link_on_its_own_range(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    uri = workspace(builder, session, page=10)
    address = places.address("static", uri)
    viewer = show(page, address)
    frame = viewer.frame()
    seconds = frame["columns"] * frame["samplesPerColumn"] / frame["columnsPerSample"] / RATE
    assert (frame["leftColumn"], seconds) == (0, 10)
    panel = viewer.panel("0")
    expected = np.zeros_like(panel.pixels)
    for lane, samples in zip(panel.lanes, page_samples(session, panel.lanes), strict=True):
        draw_spans(expected, page_spans(samples, frame), session.traces.scale, session.traces.offset, lane)
    assert_same(panel, expected, frame)
    # From page to page.
    page.keyboard.press("PageDown")
    viewer.wait_until("seriesview.frame().leftColumn > 0")
    assert viewer.frame()["leftColumn"] == frame["columns"]
    page.keyboard.press("0")
    viewer.wait_until("seriesview.frame().samplesPerColumn > 40")
    viewer.wait_for_link(f"{viewer.frame()['samplesPerColumn']}")
    moved = viewer.frame()
    page.reload()
    again = show(page, page.url)
    assert again.frame() == moved


def test_traces_are_drawn_at_first_as_the_view_says(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    keys = {"type": "ContinuousTraces", "series": "typed", "order": "type"}
    uri = workspace(
        builder,
        session,
        {**keys, "gains": {"EOG": 2}},
        keys,
        {**keys, "mode": "image"},
        {**keys, "channels_per_screen": 2},
    )
    viewer = show(page, places.address("static", uri))
    gained, plain, image, tall = (viewer.panel(key) for key in "1234")
    assert [lane["label"] for lane in plain.lanes] == ["Cz", "Pz (bad)", "LOC", "chin", "sync"]
    for lane, other, factor in zip(gained.lanes, plain.lanes, [1, 1, 2, 1, 1], strict=True):
        assert lane["pixelsPerUnit"] == pytest.approx(factor * other["pixelsPerUnit"])
    # Muscles have a scale of their own: they are eight times as small.
    assert plain.lanes[3]["pixelsPerUnit"] > 3 * plain.lanes[0]["pixelsPerUnit"]
    assert any(note.startswith("height of a lane: EEG ") for note in plain.painted["notes"])
    assert {lane["pixelsPerUnit"] for lane in image.lanes} == {0}
    assert tall.painted["height"] > 2 * plain.painted["height"]
    viewer.set_state(panels={"3": {"mode": "stacked"}})
    assert all(lane["pixelsPerUnit"] for lane in viewer.panel("3").lanes)


def test_types_of_channels_are_listed_and_choose_among_them(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    viewer = show(page, places.address("static", workspace(builder, session)))
    viewer.inside.get_by_role("button", name="Menu of typed").click()
    viewer.inside.get_by_label("Type", exact=True).select_option("EEG")
    viewer.inside.get_by_role("button", name="Only these").click()
    expect(viewer.inside.locator(".tools-channels")).to_contain_text("EEG · bad")
    page.keyboard.press("Escape")
    viewer.wait_until("seriesview.state().panels['0'].channels?.length === 2")
    assert [lane["label"] for lane in viewer.panel("0").lanes] == ["Cz", "Pz (bad)"]


def test_what_an_empty_panel_says_leads_to_what_there_is(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    markers = {"type": "RasterPlot", "series": "markers", "label": "stimuli"}
    uri = workspace(builder, session, markers, {"type": "IntervalLanes", "series": "stages"})
    viewer = show(page, places.address("static", uri))
    gap = int(np.argmax(np.diff(session.markers)))
    left = int((session.markers[gap] + 1e-3) * RATE) * 32
    viewer.set_state(samplesPerColumn=1, columnsPerSample=32, leftColumn=left)
    said = viewer.inside.locator(".absence")
    said.nth(1).get_by_text("nothing in this window").wait_for()
    # Not of the traces, of which there are some.
    assert not said.nth(0).is_visible()
    before, after = said.nth(1).get_by_role("button").all()
    assert before.inner_text().startswith("‹ last at 0:00:")
    viewer.change(after.click)
    frame = viewer.frame()
    middle = viewer.time_at(frame, frame["columns"] / 2)
    assert middle == pytest.approx(session.markers[gap + 1], abs=1e-3)
    viewer.panel("1")
    said.nth(1).wait_for(state="hidden")


def test_what_is_to_be_known_of_how_a_recording_was_read_stands_at_its_panel(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    manifest = builder.store.get_json(session.uris["typed"])
    notes = ["its .meta says fileSizeBytes=9, the file has 8: <b>all</b> is read", "another"]
    named = [{**channel, "label": f"a rather long {channel['label']}"} for channel in manifest["channels"]]
    changed = builder.store.put_json(manifest | {"notes": notes, "channels": named}, name="series.json")
    panel = {"type": "ContinuousTraces", "series": "typed", "label": "eeg"}
    view = view_from_config({"label": "View", "panels": [panel]})
    document = build_workspace("noted", [("typed", changed)], [view], types={"typed": "continuous"})
    uri = str(builder.store.put_json(document, name="workspace.json"))
    page.set_viewport_size({"width": 1000, "height": 600})
    viewer = show(page, places.address("static", uri))
    mark = viewer.inside.get_by_role("button", name="2 notes on eeg")
    assert mark.get_attribute("title") == "\n".join(notes)
    mark.click()
    assert viewer.inside.locator(".warnings li").all_inner_texts() == notes
    page.keyboard.press("Escape")
    viewer.inside.locator(".warnings").wait_for(state="hidden")
    # Names have the room that they need, and are told in full where there is not enough.
    gutter = viewer.inside.locator(".panel .gutter").bounding_box()
    assert gutter is not None
    assert 110 < gutter["width"] <= 200
    page.mouse.move(gutter["x"] + 20, gutter["y"] + 4)
    top = viewer.panel("0").lanes[0]
    assert viewer.inside.locator(".panel .gutter").get_attribute("title") == top["label"]
    assert top["label"].startswith("a rather long ")


def test_stages_are_steps_over_the_whole_session(
    page: Page, places: Places, builder: Builder, session: Session
) -> None:
    uri = workspace(
        builder, session, {"type": "IntervalLanes", "series": "stages", "lanes": list(STAGES)}, page=10
    )
    viewer = show(page, places.address("static", uri))
    viewer.inside.locator(".overview .name", has_text="Hypnogram").wait_for()
    ink = viewer.inside.evaluate(
        """() => {
          const canvas = document.querySelector('.overview-strip canvas');
          const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          return {width: canvas.width, height: canvas.height, data: [...data]};
        }"""
    )
    pixels = np.array(ink["data"], np.int64).reshape(ink["height"], ink["width"], 4)[..., :3].sum(axis=2)
    for (start, end), label in zip(session.intervals, session.labels, strict=True):
        if end - start < 1:
            continue
        # Over the picture behind it, which is pale.
        column = int((start + end) / 2 / SECONDS * ink["width"])
        row = round((label + 0.5) / len(STAGES) * ink["height"])
        assert pixels[row - 2 : row + 2, column].min() < 250, (start, label)
