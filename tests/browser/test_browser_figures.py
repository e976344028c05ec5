"""Figures of one series, and of arrays that were put together in Python, on the node's page."""

from __future__ import annotations

import numpy as np
import pytest
from expected_pictures import assert_same, expected_picture
from playwright.sync_api import Page
from recordings import Builder, noise
from viewer_places import Places, show

import seriesview
from seriesview.store import Store

CLOSE = {"samplesPerColumn": 1, "columnsPerSample": 2, "leftColumn": 5000}


@pytest.mark.parametrize("how", ["link", "store"])
def test_a_figure_of_one_series_zooms_to_its_samples(
    page: Page, places: Places, builder: Builder, store: Store, how: str
) -> None:
    """As `seriesview serve results/series/NAME.json`, `figurl()` and notebooks show it."""
    samples = noise(np.random.default_rng(11), 60_000, 3, "int16")
    recording = builder.regular(f"alone-{how}", [samples], unit="uV", full_resolution=how)
    uri = seriesview.open_series(recording.uri, store).figurl().to_uri()
    assert uri == recording.uri
    viewer = show(page, places.address("tasks", uri))
    far = viewer.panel()
    assert_same(far, expected_picture(recording, far, viewer.timeline()), "far")
    viewer.set_state(**CLOSE)
    close = viewer.panel()
    assert_same(close, expected_picture(recording, close, viewer.timeline()), "close")


def test_arrays_of_python_show_at_any_size(
    page: Page, places: Places, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """24 channels of 60 s at 30 kHz, as one series and in a view."""
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(store.directory))
    rate, seconds, channels = 30_000, 60, 24
    times = np.arange(rate * seconds) / rate
    values = np.zeros((len(times), channels), np.float32)
    values[:, :] = np.sin(times * 40)[:, None].astype(np.float32)
    values[1_000_000, 3] = 7
    series = seriesview.SVSeries.from_numpy(
        type="continuous",
        sampling_frequency=rate,
        start_time=0,
        end_time=seconds,
        segment_duration=seconds,
        timestamps=times,
        values=values,
    )
    view = seriesview.MultiPanelView()
    view.add_continuous_traces_panel(series, label="many")
    for figure in (series.figurl(), view.figurl(label="many")):
        viewer = show(page, places.address("tasks", figure.to_uri()))
        for state in ({}, {"samplesPerColumn": 1, "columnsPerSample": 1, "leftColumn": 999_800}):
            viewer.set_state(**state)
            panel = viewer.panel()
            assert panel.painted["error"] is None
            assert panel.pixels.any()
            assert len(panel.lanes) == channels
