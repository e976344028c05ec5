"""Pixels of traces whose samples lie otherwise in time: several rates, wall clocks, no rate at all."""

from __future__ import annotations

import numpy as np
import pytest
from expected_pictures import assert_same, expected_picture, random_frame, random_settings
from playwright.sync_api import Page
from recordings import Builder, Recording, noise, with_holes
from viewer_places import Places, show


def test_rates_that_divide_are_exact(page: Page, places: Places, source: str, builder: Builder) -> None:
    random = np.random.default_rng(11)
    recordings = [
        builder.regular(f"at {rate:g} Hz", [noise(random, int(rate * 20), 3, "int16")], rate)
        for rate in (1000.0, 2000.0, 250.0)
    ]
    uri = builder.workspace("rates", [("ContinuousTraces", each.name, each.uri) for each in recordings])
    viewer = show(page, places.address(source, uri))
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    assert timeline["ticksPerSecond"] == 1000
    for turn, (ticks, parts) in enumerate([(1, 4), (1, 1), (1, 2), (4, 1), (12, 1), (56, 1), (1, 8)]):
        left = int(random.integers(0, int(15_000 * parts / ticks)))
        settings = {str(number): random_settings(each, random) for number, each in enumerate(recordings)}
        viewer.set_state(samplesPerColumn=ticks, columnsPerSample=parts, leftColumn=left, panels=settings)
        for number, recording in enumerate(recordings):
            panel = viewer.panel(str(number))
            assert panel.frame["columns"] == columns
            assert_same(panel, expected_picture(recording, panel, timeline), (source, turn, recording.name))


def test_series_are_placed_by_wall_clock(page: Page, places: Places, builder: Builder) -> None:
    random = np.random.default_rng(12)
    early, late, without = (
        builder.regular(name, [noise(random, 6000, 2, "int16")]) for name in ("early", "late", "without")
    )
    early = builder.changed(early, session_start="2024-03-01T09:00:00+01:00")
    late = builder.changed(late, session_start="2024-03-01T08:00:02.2504Z")
    recordings = [late, early, without]
    uri = builder.workspace("clocks", [("ContinuousTraces", each.name, each.uri) for each in recordings])
    viewer = show(page, places.address("tasks", uri))
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    assert timeline["sessionStart"].startswith("2024-03-01T09:00:00")
    assert timeline["startTime"] == pytest.approx(2.2504)
    for turn in range(6):
        viewer.set_state(**random_frame(timeline, columns, random, 6.0))
        for number, recording in enumerate(recordings):
            panel = viewer.panel(str(number))
            shift = 2.2504 if recording is late else 0.0
            expected = expected_picture(recording, panel, timeline, shift=shift, tick_zero=2.2504)
            assert_same(panel, expected, (turn, recording.name))


def test_seconds_since_1970_are_kept_to_the_microsecond(page: Page, places: Places, builder: Builder) -> None:
    random = np.random.default_rng(13)
    start = 1_700_000_000.123456
    path = builder.directory / "epoch.npy"
    samples = noise(random, 30_000, 2, "int16")
    np.save(path, samples)
    uri = builder.series("epoch", path, sampling_frequency=1e6, start_time=start)
    recording = Recording("epoch", uri, [samples], [start], 1e6, channels=("0", "1"))
    viewer = show(
        page, places.address("static", builder.workspace("epoch", [("ContinuousTraces", "epoch", uri)]))
    )
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    assert timeline["sessionStart"].startswith("2023-11-14T22:13:20")
    for turn in range(4):
        viewer.set_state(**random_frame(timeline, columns, random))
        panel = viewer.panel()
        assert_same(panel, expected_picture(recording, panel, timeline, tick_zero=start), turn)


def test_irregular_samples_through_a_backend(page: Page, places: Places, builder: Builder) -> None:
    random = np.random.default_rng(14)
    times = np.cumsum(random.exponential(0.01, 20_000))
    times[7000:] += 30
    times[300:310] = times[300]
    samples = with_holes(noise(random, len(times), 3, "float32"), random)
    recording = builder.irregular("irregular", samples, times, full_resolution="store")
    uri = builder.workspace("irregular", [("ContinuousTraces", recording.name, recording.uri)])
    viewer = show(page, places.address("tasks", uri))
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    tick_zero = timeline["startTime"] - timeline["shifts"].get(recording.uri, 0.0)
    assert tick_zero == times[0]
    for turn in range(10):
        frame = random_frame(timeline, columns, random)
        settings = random_settings(recording, random)
        viewer.set_state(**frame, panels={"0": settings})
        panel = viewer.panel()
        expected = expected_picture(recording, panel, timeline, tick_zero=tick_zero)
        assert_same(panel, expected, (turn, settings))
