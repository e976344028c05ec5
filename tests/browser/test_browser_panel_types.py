"""A type of panel is one module and its name in the registry: one that only tests have is drawn, read out, offered."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from browsing import PanelPicture, Viewer
from playwright.sync_api import Page, expect
from recordings import Builder, Recording, noise
from viewer_places import Places, show

from seriesview.store import Store
from seriesview.viewer.files import viewer_files
from seriesview.viewer.joined import joined

MODULE = Path(__file__).parent / "crossings.js"
REGISTRY = "panels/registry.js"
SCALE = 0.5
THRESHOLD = 200.0


@pytest.fixture(scope="module")
def recording(builder: Builder) -> Recording:
    samples = noise(np.random.default_rng(77), 40_000, 3, "int16")
    return builder.regular("crossings", [samples], scale=SCALE, unit="uV", full_resolution="store")


@pytest.fixture(scope="module")
def workspace(store: Store, recording: Recording) -> str:
    """A workspace as no seriesview writes it: Python, and the format, know nothing of the type."""
    panels = [
        {"type": "Crossings", "label": "Crossed", "data": {"series": "probe", "threshold": THRESHOLD}},
        {"type": "ContinuousTraces", "label": "Probe", "data": {"series": "probe"}},
    ]
    document = {
        "format": "seriesview-workspace/1",
        "label": "toy",
        "series": [{"name": "probe", "uri": recording.uri}],
        "views": [{"label": "View", "panels": panels}],
    }
    return store.put_json(document, "workspace.json")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The viewer as exported folders have it, with one module and its registration more."""
    files = viewer_files()
    registry = files[REGISTRY].decode()
    registry = registry.replace("import ", "import { crossings } from './crossings.js';\nimport ", 1)
    registry, found = re.subn(
        r"^export const TYPES = \[", "export const TYPES = [crossings, ", registry, flags=re.MULTILINE
    )
    assert found == 1
    more = {REGISTRY: registry.encode(), "panels/crossings.js": MODULE.read_bytes()}
    folder = tmp_path_factory.mktemp("bundle")
    for path, content in joined({**files, **more}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def opened(page: Page, places: Places, workspace: str, viewer: Path | None) -> Viewer:
    address = places.address("static", workspace)
    if viewer is not None:
        places.files.folders[f"/{workspace.removeprefix('sha1://')[:40]}/"] = viewer
    return show(page, address)


def filled(panel: PanelPicture) -> npt.NDArray[np.bool_]:
    """(channels, columns): whether a channel's row is drawn in a column."""
    rows = [panel.pixels[lane["top"] : lane["bottom"], :, 3] > 0 for lane in panel.lanes]
    assert all((row.all(axis=0) == row.any(axis=0)).all() for row in rows)
    return np.array([row.any(axis=0) for row in rows])


def expected(panel: PanelPicture, recording: Recording, side: str) -> npt.NDArray[np.bool_]:
    """By brute force, of the samples in each closed column."""
    values = recording.segments[0] * SCALE
    step = panel.frame["samplesPerColumn"]
    found = []
    for column in range(panel.frame["leftColumn"], panel.frame["leftColumn"] + panel.frame["columns"]):
        inside = values[column * step : (column + 1) * step + 1] if column >= 0 else values[:0]
        above, below = (inside >= THRESHOLD).any(axis=0), (inside <= -THRESHOLD).any(axis=0)
        found.append({"above": above, "below": below, "both": above | below}[side])
    return np.array(found).T


def test_a_type_that_a_bundle_registers_is_drawn(
    page: Page, places: Places, bundle: Path, workspace: str, recording: Recording
) -> None:
    viewer = opened(page, places, workspace, bundle)
    for step, left in ((1, 5000), (12, 100), (64, -20)):
        viewer.set_state(samplesPerColumn=step, columnsPerSample=1, leftColumn=left)
        panel = viewer.panel("0")
        assert panel.painted["type"] == "Crossings"
        drawn = filled(panel)
        np.testing.assert_array_equal(drawn, expected(panel, recording, "above"))
        assert drawn.any()
        assert not drawn.all()
    # As large a part of the room as it asks for, beside traces of three channels.
    heights = [viewer.panel(key).painted["height"] for key in ("0", "1")]
    assert heights[1] / heights[0] == pytest.approx(1.5 + 3 / 4, rel=0.02)


def test_its_menu_offers_what_it_says_and_links_keep_that(
    page: Page, places: Places, bundle: Path, workspace: str, recording: Recording
) -> None:
    viewer = opened(page, places, workspace, bundle)
    viewer.set_state(samplesPerColumn=12, columnsPerSample=1, leftColumn=100)
    page.keyboard.press("m")
    menu = viewer.inside.get_by_role("dialog", name="Crossed")
    expect(menu.get_by_role("group", name="Channels")).to_be_visible()
    assert menu.get_by_role("group", name="Gain").count() == 0
    for side, label in (("below", "Below"), ("both", "Both"), ("above", "Automatic")):
        menu.get_by_role("radio", name=label).check()
        viewer.wait()
        panel = viewer.panel("0")
        np.testing.assert_array_equal(filled(panel), expected(panel, recording, side))
        assert viewer.state()["panels"]["0"].get("side") == (None if side == "above" else side)
    menu.get_by_role("radio", name="Both").check()
    viewer.wait_for_link('"side":"both"')
    page.reload()
    viewer.wait()
    np.testing.assert_array_equal(filled(viewer.panel("0")), expected(viewer.panel("0"), recording, "both"))
    viewer.set_state(panels={"0": {"side": "sideways"}, "1": {"side": "below"}})
    assert all("side" not in settings for settings in viewer.state()["panels"].values())


def test_its_values_are_read_out(
    page: Page, places: Places, bundle: Path, workspace: str, recording: Recording
) -> None:
    viewer = opened(page, places, workspace, bundle)
    viewer.set_state(samplesPerColumn=1, columnsPerSample=4, leftColumn=8000)
    box = viewer.box("0")
    lane = viewer.panel("0").lanes[1]
    page.mouse.move(box["x"] + 201.5, box["y"] + (lane["top"] + lane["bottom"]) / 2)
    read = viewer.inside.locator(".tools-readout")
    expect(read.locator("b")).to_contain_text("#2050")
    # The channel under the cursor first.
    label, value = read.locator("span").all_inner_texts()[:2]
    assert label == lane["label"]
    assert float(value.split()[0]) == recording.segments[0][2050, 1] * SCALE


def test_a_viewer_that_does_not_know_a_type_says_so(page: Page, places: Places, workspace: str) -> None:
    viewer = opened(page, places, workspace, None)
    assert "Panels of type Crossings are not known here" in viewer.text()
    assert viewer.panel("1").painted["error"] is None
