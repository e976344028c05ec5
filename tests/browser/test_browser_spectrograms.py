"""Power densities over an axis of frequencies: columns are means of them, in decibels."""

import re

import numpy as np
import pytest
from browsing import Viewer
from playwright.sync_api import Page, expect
from recordings import Builder
from series_builder import store_series
from viewer_places import Places, show

FREQUENCIES = [2.0, 4.0, 6.0, 8.0]
LOW, HIGH = 1e-3, 1e3
RATE = 2.0


@pytest.fixture(scope="module")
def powers() -> np.ndarray:
    random = np.random.default_rng(7)
    found = 10.0 ** random.uniform(-3, 3, (6000, len(FREQUENCIES)))
    found[500:700] = np.nan
    return found.astype(np.float32)


@pytest.fixture
def viewer(page: Page, places: Places, builder: Builder, powers: np.ndarray) -> Viewer:
    document = builder.store.get_json(
        store_series(builder.store, [powers], (16, 64, 256), (1024,), rate=RATE, part_rows=512, kind="means")
    )
    channels = [{**channel, "typical": [LOW, 1.0, HIGH]} for channel in document["channels"]]
    more = {"unit": "uV^2/Hz", "channels": channels, "spectrogram": {"frequencies": FREQUENCIES}}
    uri = builder.store.put_json({**document, **more}, name="series.json")
    workspace = builder.workspace("power", [("ProbabilityDensity", "power", uri)])
    return show(page, places.address("static", workspace))


def test_columns_are_means_in_decibels(viewer: Viewer, powers: np.ndarray) -> None:
    for step in (2, 16, 64):
        viewer.set_state(samplesPerColumn=step, columnsPerSample=1, leftColumn=0)
        panel = viewer.panel()
        assert [lane["label"] for lane in panel.lanes] == ["8 Hz", "6 Hz", "4 Hz", "2 Hz"]
        colors: dict[int, tuple[int, ...]] = {}
        for column in range(min(panel.pixels.shape[1], 6000 // step - 1)):
            part = powers[column * step : (column + 1) * step].astype(np.float64)
            for lane in panel.lanes:
                channel = FREQUENCIES.index(float(lane["label"].split()[0]))
                numbers = part[~np.isnan(part[:, channel]), channel]
                [pixel] = {tuple(row) for row in panel.pixels[lane["top"] : lane["bottom"], column].tolist()}
                if not len(numbers):
                    assert pixel[3] == 0
                    continue
                index = (10 * np.log10(numbers.mean() / LOW)) / (10 * np.log10(HIGH / LOW)) * 256
                if abs(index - round(index)) > 1e-3:
                    assert colors.setdefault(int(np.floor(index)), pixel) == pixel
        # Some neighbours of the 256 are the same colour.
        assert len(set(colors.values())) > max(20, 0.95 * len(colors))


def test_the_read_out_and_the_axis_tell_decibels_and_hertz(
    page: Page, viewer: Viewer, powers: np.ndarray
) -> None:
    viewer.set_state(samplesPerColumn=1, columnsPerSample=4, leftColumn=0)
    box = viewer.box()
    page.mouse.move(box["x"] + 40.5, box["y"] + 10)
    expect(viewer.inside.locator(".tools-readout")).to_contain_text("dB re uV^2/Hz")
    text = viewer.inside.locator(".tools-readout").inner_text()
    told = {
        float(frequency): float(decibels)
        for frequency, decibels in re.findall(r"(\d) Hz\s*(-?[\d.]+)\s*dB", text.replace("\u2212", "-"))
    }
    for frequency, decibels in told.items():
        expected = 10 * np.log10(powers[10, FREQUENCIES.index(frequency)])
        assert decibels == pytest.approx(expected, abs=0.1)
    assert told
