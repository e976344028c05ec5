"""Panels whose samples are filtered in the viewer: pixels, links, what is said further out, numbers and files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import Viewer, wait_for
from expected_pictures import assert_same, expected_picture
from playwright.sync_api import Page, expect
from recordings import Builder, Recording
from scipy import signal
from viewer_places import Places, show

from seriesview import build_workspace
from seriesview.store import Store

RATE = 1000.0
STEPS: list[dict[str, Any]] = [{"bandpass": [20, 200], "order": 3}, {"reference": "median"}]
CHANNELS = 6


def slow_and_fast(random: np.random.Generator, count: int) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A drift in common, and noise of each channel."""
    drift = 900 * np.sin(np.arange(count) / 700)[:, np.newaxis]
    return np.round(drift + 60 * random.standard_normal((count, CHANNELS)) + 100).astype(np.int16)


def filtered_by_scipy(samples: np.ndarray[Any, np.dtype[np.int16]]) -> np.ndarray[Any, np.dtype[np.int16]]:
    sos = signal.butter(3, [20, 200], "bandpass", fs=RATE, output="sos")
    passed = signal.sosfiltfilt(sos, samples.astype(float), axis=0)
    return np.rint(passed - np.median(passed, axis=1, keepdims=True)).astype(np.int16)


@pytest.fixture(scope="module")
def recording(builder: Builder) -> Recording:
    random = np.random.default_rng(14)
    segments = [slow_and_fast(random, count) for count in (20_000, 7000)]
    return builder.regular("filtered", segments, gaps=[1.5], scale=0.25, unit="uV", full_resolution="store")


@pytest.fixture(scope="module")
def workspace(builder: Builder, recording: Recording) -> str:
    return builder.workspace("filters", [("ContinuousTraces", recording.name, recording.uri)])


@pytest.fixture(scope="module")
def filtered(recording: Recording) -> Recording:
    """What scipy makes of whole segments, rounded as integers are."""
    return replace(recording, segments=[filtered_by_scipy(samples) for samples in recording.segments])


def at(samples_per_column: int, columns_per_sample: int, left: int, **panel: Any) -> dict[str, Any]:
    frame = {
        "samplesPerColumn": samples_per_column,
        "columnsPerSample": columns_per_sample,
        "leftColumn": left,
    }
    return frame | {"panels": {"0": {"steps": STEPS, **panel}}}


def test_pixels_are_those_of_samples_that_scipy_filtered(
    page: Page, places: Places, source: str, workspace: str, filtered: Recording
) -> None:
    viewer = show(page, places.address(source, workspace))
    timeline = viewer.timeline()
    for rung, left in [
        ((1, 1), 100),
        ((1, 4), 30),
        ((3, 1), -20),
        ((24, 1), 300),
        ((16, 1), 900),
        ((1, 2), 39_700),
    ]:
        viewer.set_state(**at(*rung, left))
        panel = viewer.panel()
        assert_same(panel, expected_picture(filtered, panel, timeline), (source, rung, left))
    viewer.set_state(**at(1, 1, 500, isRaw=True))
    assert viewer.panel().pixels.any()
    viewer.set_state(**at(1, 1, 500, withRaw=True))
    below = viewer.panel()
    assert (below.pixels != expected_picture(filtered, below, timeline)).any()


def test_a_link_restores_the_filter_and_a_key_shows_raw_samples(
    page: Page, places: Places, workspace: str, recording: Recording, filtered: Recording
) -> None:
    state = {"columns": 600, "view": 0} | at(2, 1, 400)
    viewer = show(page, places.address("tasks", workspace, state))
    assert viewer.state()["panels"]["0"]["steps"] == STEPS
    timeline = viewer.timeline()
    assert_same(viewer.panel(), expected_picture(filtered, viewer.panel(), timeline), "link")
    badge = viewer.inside.locator(".badge")
    expect(badge).to_have_text("20–200 Hz, − median")
    viewer.inside.locator(".picture").focus()
    page.keyboard.press("f")
    expect(badge).to_have_text("raw: 20–200 Hz, − median")
    viewer.wait()
    assert_same(viewer.panel(), expected_picture(recording, viewer.panel(), timeline), "raw")
    page.keyboard.press("f")
    viewer.wait()
    assert "isRaw" not in viewer.state()["panels"]["0"]
    page.keyboard.press("m")
    menu = viewer.inside.locator("dialog[open]")
    menu.get_by_label("Reference", exact=True).select_option("Channels by name")
    names = menu.get_by_label("Channels to reference to")
    names.fill("nowhere")
    names.press("Tab")
    expect(menu.locator(".tools-filter-name")).to_have_text("There is no channel nowhere, or more than one.")
    expect(names).to_have_value("nowhere")
    assert viewer.state()["panels"]["0"]["steps"] == STEPS
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    wait_for(page, lambda: viewer.panel_keys() == ["0", "0.again"])
    viewer.wait()
    assert_same(
        viewer.panel("0.again"), expected_picture(recording, viewer.panel("0.again"), timeline), "beside"
    )
    assert_same(viewer.panel("0"), expected_picture(filtered, viewer.panel("0"), timeline), "beside raw")


def test_what_a_command_asks_for_is_on_where_it_fits(page: Page, places: Places, workspace: str) -> None:
    steps = [{"highpass": 20}, {"notch": 50}]
    viewer = show(page, places.address("static", workspace, {"filter": {"steps": steps}}))
    assert viewer.state()["panels"]["0"]["steps"] == steps
    viewer = show(page, places.address("static", workspace, {"filter": {"preset": "lfp"}}))
    assert viewer.state()["panels"]["0"]["steps"] == [{"bandpass": [1, 300]}]
    viewer = show(page, places.address("static", workspace, {"filter": {"preset": "sleep"}}))
    assert "steps" not in viewer.state()["panels"]["0"]
    expect(viewer.inside.locator(".said")).to_have_text(
        "No panel of this view can be filtered as was asked for."
    )
    unknown = {"panels": {"0": {"steps": [{"resample": 100}]}}}
    viewer = show(page, places.address("static", workspace, unknown))
    expect(viewer.inside.locator(".said")).to_have_text(
        "Filters that the link asks for are not known here: raw samples are shown."
    )


@pytest.fixture(scope="module")
def long(builder: Builder) -> Recording:
    """So many channels that a second and no more is filtered at once."""
    samples = np.random.default_rng(7).integers(-900, 900, (20_000, 700)).astype(np.int16)
    return builder.regular("long", [samples], rate=2500.0, full_resolution="store")


def test_further_out_raw_samples_stand_in_and_say_so(
    page: Page, places: Places, builder: Builder, long: Recording
) -> None:
    uri = builder.workspace("far", [("ContinuousTraces", long.name, long.uri)])
    steps = [{"highpass": 100}, {"reference": "median"}]
    shown = {"steps": steps, "channels": ["3", "5"], "mode": "stacked"}
    viewer = show(page, places.address("static", uri))
    far = {"samplesPerColumn": 16, "columnsPerSample": 1, "leftColumn": 0}
    viewer.set_state(**far, panels={"0": shown})
    notice = viewer.inside.locator(".raw-notice")
    expect(notice).to_contain_text("raw, not filtered")
    expect(notice).to_contain_text("filtered traces show closer than 2 s")
    line = "{from: DATASET, steps: [{highpass: 100}, {reference: median}]}"
    expect(notice.locator("code")).to_have_text(line)
    pale = viewer.panel()
    assert_same(pale, expected_picture(long, pale, viewer.timeline()), "raw, in pale colours")
    viewer.inside.locator(".picture").hover(position={"x": 200, "y": 50})
    expect(viewer.inside.locator(".tools-readout")).to_contain_text("raw, not filtered")
    viewer.set_state(**far | {"samplesPerColumn": 1}, panels={"0": shown})
    expect(notice).to_be_hidden()
    assert viewer.panel().lanes[0]["color"] != pale.lanes[0]["color"]


def test_numbers_of_a_selection_are_those_of_filtered_samples(
    page: Page, places: Places, workspace: str, filtered: Recording
) -> None:
    viewer: Viewer = show(page, places.address("static", workspace))
    viewer.set_state(**at(2, 1, 400), selection={"start": 1.0, "end": 1.9995})
    viewer.inside.locator(".picture").focus()
    page.keyboard.press("t")
    table = viewer.inside.locator(".tools-tables table")
    expect(table.locator("caption")).to_have_text("filtered: 20–200 Hz, − median")
    cells = table.locator("tbody tr").first.locator("td")
    expect(cells.nth(1)).to_have_text("1000")
    stored = filtered.segments[0][1000:2000, 0] * 0.25
    found = [float(cells.nth(number).inner_text().replace("−", "-")) for number in range(2, 7)]
    expected = [stored.mean(), np.sqrt((stored**2).mean()), stored.std(), stored.min(), stored.max()]
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("where", ["static", "tasks"])
def test_a_series_that_was_built_so_is_used_by_itself_and_computed_with_a_backend_or_without(
    page: Page, places: Places, store: Store, tmp_path: Path, where: str
) -> None:
    """Far out its levels are drawn over the raw panel, too; close its samples are computed from those of its source."""
    samples = slow_and_fast(np.random.default_rng(21), 30_000)
    np.save(tmp_path / "raw.npy", samples)
    config = {
        "workspace": "bands",
        "store": {"storage_dir": str(store.directory)},
        "results": str(tmp_path / "results"),
        "datasets": {
            "raw": {
                "path": str(tmp_path / "raw.npy"),
                "sampling_frequency": RATE,
                "full_resolution": "store",
            },
            "band": {"from": "raw", "steps": STEPS, "full_resolution": "compute"},
        },
        "views": [
            {
                "label": "both",
                "panels": [{"type": "ContinuousTraces", "series": name} for name in ("raw", "band")],
            }
        ],
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    built = build_workspace(tmp_path / "config.yaml")
    recording = Recording(
        "band",
        built.series["band"].uri,
        [filtered_by_scipy(samples)],
        [0.0],
        RATE,
        channels=tuple(str(number) for number in range(CHANNELS)),
    )
    viewer = show(page, places.address(where, built.uri))
    timeline = viewer.timeline()
    assert min(timeline["ladder"]) == 1
    for rung, left in [((1, 1), 100), ((3, 1), 700), ((32, 1), 0)]:
        viewer.set_state(**at(*rung, left))
        for key in ("0", "1"):
            panel = viewer.panel(key)
            assert_same(panel, expected_picture(recording, panel, timeline), (rung, key))
