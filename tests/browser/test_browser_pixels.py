"""Every pixel of traces is that of the polyline through all raw samples, whatever the zoom and the source."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from expected_pictures import assert_same, expected_picture, random_frame, random_settings
from playwright.sync_api import Page
from recordings import Builder, Recording, noise, with_holes
from viewer_places import Places, show

ROOM = {"width": 760, "height": 1700}
PAN = (1, 7, -3, 250, -511, 512)


@pytest.fixture(scope="module")
def recordings(builder: Builder) -> list[Recording]:
    """One recording of every dtype, at one rate; with gaps, missing samples, infinities, each way of storing."""
    random = np.random.default_rng(20260101)

    def short(dtype: str) -> npt.NDArray[Any]:
        return noise(random, int(random.integers(2000, 6000)), 2, dtype)

    with_infinities = noise(random, 5000, 2, "float64")
    with_infinities[[70, 900, 2500, 2501], [0, 1, 0, 0]] = [np.inf, -np.inf, np.inf, np.inf]
    pieces = [noise(random, count, 6, "int16") for count in (70001, 32768, 900, 1)]
    holes = with_holes(noise(random, 12000, 5, "float32"), random)
    return [
        builder.regular(
            "int16", pieces, gaps=[1.23437, 0.51219, 2.30061], full_resolution="store", scale=0.195
        ),
        builder.regular("float32", [holes], full_resolution="store"),
        builder.regular("float64", [with_holes(short("float64"), random)], full_resolution="store"),
        builder.regular("infinite", [with_infinities], full_resolution="store"),
        *[
            builder.regular(dtype, [short(dtype)], full_resolution="store", scale=-0.5, offset=3.0)
            for dtype in ("int8", "uint8", "uint16", "int32", "uint32", "int64", "float16")
        ],
    ]


@pytest.fixture(scope="module")
def workspace(builder: Builder, recordings: Sequence[Recording]) -> str:
    return builder.workspace("dtypes", [("ContinuousTraces", each.name, each.uri) for each in recordings])


@pytest.mark.parametrize("seed", [1, 2])
def test_traces_are_the_polyline_through_all_samples(
    page: Page, places: Places, source: str, workspace: str, recordings: list[Recording], seed: int
) -> None:
    random = np.random.default_rng(seed)
    page.set_viewport_size(ROOM)
    viewer = show(page, places.address(source, workspace))
    timeline = viewer.timeline()
    assert timeline["ticksPerSecond"] == recordings[0].rate
    columns = viewer.frame()["columns"]
    for turn in range(8):
        most_seconds = (3.0, np.inf)[int(random.integers(2))]
        frame = random_frame(timeline, columns, random, most_seconds)
        settings = {str(number): random_settings(each, random) for number, each in enumerate(recordings)}
        viewer.set_state(**frame, panels=settings)
        assert viewer.frame() == frame | {"columns": columns}
        for number, recording in enumerate(recordings):
            panel = viewer.panel(str(number))
            what = (source, turn, recording.name, settings[str(number)])
            assert panel.frame == frame | {"columns": columns}, what
            assert [lane["id"] for lane in panel.lanes] == settings[str(number)]["channels"], what
            assert_same(panel, expected_picture(recording, panel, timeline), what)


def test_segments_begin_at_the_nearest_whole_column(
    page: Page, places: Places, workspace: str, recordings: list[Recording]
) -> None:
    viewer = show(page, places.address("static", workspace))
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    for start in recordings[0].starts:
        for ticks, parts in ((1, 32), (1, 3), (7, 1), (56, 1), (640, 1)):
            left = int(start * 1000 * parts / ticks) - columns // 2
            viewer.set_state(samplesPerColumn=ticks, columnsPerSample=parts, leftColumn=left)
            panel = viewer.panel()
            assert panel.frame["samplesPerColumn"] == ticks
            assert_same(panel, expected_picture(recordings[0], panel, timeline), (start, ticks, parts))


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_few_samples_fill_the_screen(page: Page, places: Places, builder: Builder, count: int) -> None:
    samples = np.random.default_rng(count).integers(-100, 100, (count, 1)).astype("int16")
    recording = builder.regular(f"{count} samples", [samples], rate=10.0, full_resolution="store")
    uri = builder.workspace("few", [("ContinuousTraces", recording.name, recording.uri)])
    viewer = show(page, places.address("static", uri))
    panel = viewer.panel()
    assert_same(panel, expected_picture(recording, panel, viewer.timeline()), count)
    drawn = np.flatnonzero(panel.pixels[..., 3].any(axis=0))
    wanted = 0.3 * (count - 1) / count * panel.frame["columns"]
    assert len(drawn) >= max(wanted, 1)


def test_linked_samples_through_a_backend(page: Page, places: Places, builder: Builder) -> None:
    """They stay in the file that they came from: flat, or in packed chunks."""
    random = np.random.default_rng(8)
    flat = builder.regular("linked", [noise(random, 30_000, 6, "int16")], full_resolution="link")
    packed = builder.regular(
        "packed", [noise(random, 30_000, 3, "int32")], chunks=(500, 2), full_resolution="link"
    )
    uri = builder.workspace("links", [("ContinuousTraces", each.name, each.uri) for each in (flat, packed)])
    viewer = show(page, places.address("tasks", uri))
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    for turn in range(8):
        viewer.set_state(**random_frame(timeline, columns, random))
        for number, recording in enumerate((flat, packed)):
            panel = viewer.panel(str(number))
            assert_same(panel, expected_picture(recording, panel, timeline), (turn, recording.name))


def test_without_raw_samples_zoom_ends_at_whole_bins(
    page: Page, places: Places, source: str, builder: Builder
) -> None:
    random = np.random.default_rng(9)
    recording = builder.regular("levels only", [noise(random, 90_000, 6, "int16")], full_resolution="omit")
    uri = builder.workspace("levels", [("ContinuousTraces", recording.name, recording.uri)])
    viewer = show(page, places.address(source, uri))
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    assert min(timeline["ladder"]) == 16
    for wanted in timeline["ladder"][:-1:3]:
        viewer.set_state(
            samplesPerColumn=wanted, columnsPerSample=1, leftColumn=int(random.integers(-50, 90))
        )
        panel = viewer.panel()
        assert panel.frame["samplesPerColumn"] == wanted
        assert_same(panel, expected_picture(recording, panel, timeline), (source, wanted))
    viewer.set_state(samplesPerColumn=1, columnsPerSample=8, leftColumn=0)
    assert viewer.frame()["samplesPerColumn"] == 16
    assert viewer.frame()["columns"] == columns


def test_panning_moves_every_pixel_by_as_many_columns(page: Page, places: Places, workspace: str) -> None:
    """No shimmer: what is seen twice looks the same twice."""
    random = np.random.default_rng(5)
    viewer = show(page, places.address("static", workspace))
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    for rung in ((1, 8), (1, 1), (12, 1), (64, 1)):
        left = 520 + int(random.integers(0, max(50_000 * rung[1] // rung[0] - 520, 1)))
        viewer.set_state(samplesPerColumn=rung[0], columnsPerSample=rung[1], leftColumn=left)
        before = viewer.panel()
        assert before.frame["leftColumn"] == left
        for distance in PAN:
            viewer.set_state(leftColumn=left + distance)
            after = viewer.panel()
            assert after.lanes == before.lanes
            assert after.frame["leftColumn"] == left + distance
            kept = columns - abs(distance)
            first, second = (0, distance) if distance > 0 else (-distance, 0)
            np.testing.assert_array_equal(
                after.pixels[:, first : first + kept], before.pixels[:, second : second + kept]
            )
    assert timeline == viewer.timeline()


def test_lanes_follow_the_settings(
    page: Page, places: Places, workspace: str, recordings: list[Recording]
) -> None:
    viewer = show(page, places.address("static", workspace))
    every = list(recordings[0].channels)
    viewer.set_state(panels={"0": {"height": 240}})
    lanes = viewer.panel().lanes
    assert [lane["id"] for lane in lanes] == every
    assert all(above["bottom"] <= below["top"] for above, below in pairwise(lanes))
    assert len({lane["color"] for lane in lanes}) > 1
    viewer.set_state(panels={"0": {"height": 240, "gain": 2.5, "offsets": {"3": 12.5}}})
    for before, after in zip(lanes, viewer.panel().lanes, strict=True):
        assert after["pixelsPerUnit"] == pytest.approx(before["pixelsPerUnit"] * 2.5)
        assert after["offset"] == (12.5 if after["id"] == "3" else 0)
    viewer.set_state(panels={"0": {"height": 240, "mode": "overlaid"}})
    panel = viewer.panel()
    assert {(lane["top"], lane["bottom"]) for lane in panel.lanes} == {(0, panel.pixels.shape[0])}
