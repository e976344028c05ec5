"""A value that lies exactly between two rows of pixels is drawn on the lower one: rows are rounded half up."""

from __future__ import annotations

import numpy as np
import pytest
from browsing import PanelPicture, Viewer
from expected_pictures import assert_same, expected_picture
from playwright.sync_api import Page
from recordings import Builder, Recording
from viewer_places import Places, show

OFFSETS = (0.0, 1.0, -3.0)
FRAMES = ((1, 8, 1600), (1, 1, 300), (3, 1, 10), (80, 1, -4))


@pytest.fixture(scope="module")
def recording(builder: Builder) -> Recording:
    """Whole numbers around 0, each with its negative: their mean is 0."""
    numbers = np.random.default_rng(57).integers(-300, 301, 10_000).astype("int16")
    return builder.regular("ties", [np.concatenate([numbers, -numbers])[:, None]], full_resolution="store")


def at_scale(viewer: Viewer, rows: float, offset: float) -> PanelPicture:
    """The panel with exactly so many rows of pixels to the unit, as a gain gives them."""
    for height in range(301, 311):
        settings = {"height": height, "offsets": {"0": offset}}
        viewer.set_state(panels={"0": settings})
        gain = rows / viewer.panel().lanes[0]["pixelsPerUnit"]
        for steps in (0, -1, 1, -2, 2):
            viewer.set_state(panels={"0": settings | {"gain": gain + steps * float(np.spacing(gain))}})
            panel = viewer.panel()
            if panel.lanes[0]["pixelsPerUnit"] == rows:
                return panel
    raise AssertionError(f"no gain gives {rows} rows to the unit")


@pytest.mark.parametrize("rows", [0.5, 1.5, 0.25])
def test_ties_are_rounded_half_up(
    page: Page, places: Places, source: str, builder: Builder, recording: Recording, rows: float
) -> None:
    workspace = builder.workspace("ties", [("ContinuousTraces", "ties", recording.uri)])
    viewer = show(page, places.address(source, workspace))
    timeline = viewer.timeline()
    for offset in OFFSETS:
        lane = at_scale(viewer, rows, offset).lanes[0]
        values = recording.segments[0].astype(float) + lane["offset"] - lane["baseline"]
        assert np.count_nonzero((lane["center"] - values * rows) % 1 == 0.5) > 1000
        for samples, columns, left in FRAMES:
            viewer.set_state(samplesPerColumn=samples, columnsPerSample=columns, leftColumn=left)
            panel = viewer.panel()
            assert panel.lanes[0] == lane
            assert_same(panel, expected_picture(recording, panel, timeline), (source, rows, offset, samples))
