"""Missing values of integers are drawn as NaN is: not at all, whatever the zoom, the dtype and the source."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from expected_pictures import assert_same, expected_picture, random_frame, random_settings
from playwright.sync_api import Page
from recordings import Array, Builder, Recording, noise, with_holes
from viewer_places import Places, show

ROOM = {"width": 760, "height": 1100}
FILLS = {"int16": -9999, "uint8": 255, "int64": 2**63 - 1, "uint32": 2**32 - 1, "float32": -1e30}


def with_fills(random: np.random.Generator, count: int, channels: int, dtype: str) -> tuple[Array, Array]:
    """Samples with a fill in them, as they are stored; and as float64, NaN in their place."""
    samples = noise(random, count, channels, dtype)
    fill = np.dtype(dtype).type(FILLS[dtype])
    samples[samples == fill] = 0
    holes = np.isnan(with_holes(samples.astype(np.float64), random))
    marked = samples.astype(np.float64)
    marked[holes] = np.nan
    samples[holes] = fill
    return samples, marked


def recording_of(
    builder: Builder, random: np.random.Generator, dtype: str, how: str = "store"
) -> tuple[str, Recording]:
    """A recording of two segments whose samples, as a test sees them, are NaN where they are missing."""
    pieces = [with_fills(random, count, 3, dtype) for count in (9000, 2500)]
    fill = FILLS[dtype]
    name = f"{dtype} {how}"
    built = builder.regular(
        name, [stored for stored, _ in pieces], gaps=[1.23437], full_resolution=how, missing=fill, scale=0.5
    )
    return name, replace(built, segments=[marked for _, marked in pieces])


def check(page: Page, address: str, recordings: list[Recording], random: np.random.Generator) -> None:
    page.set_viewport_size(ROOM)
    viewer = show(page, address)
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    for turn in range(6):
        frame = random_frame(timeline, columns, random, (2.0, np.inf)[turn % 2])
        settings = {str(number): random_settings(each, random) for number, each in enumerate(recordings)}
        viewer.set_state(**frame, panels=settings)
        for number, recording in enumerate(recordings):
            panel = viewer.panel(str(number))
            assert_same(panel, expected_picture(recording, panel, timeline), (turn, recording.name, frame))


def test_traces_are_those_of_samples_with_nan(
    page: Page, places: Places, source: str, builder: Builder
) -> None:
    random = np.random.default_rng(31)
    recordings = [recording_of(builder, random, dtype)[1] for dtype in FILLS]
    uri = builder.workspace("missing", [("ContinuousTraces", each.name, each.uri) for each in recordings])
    check(page, places.address(source, uri), recordings, random)


@pytest.mark.parametrize("dtype", ["int16", "int64"])
def test_linked_samples_through_a_backend(page: Page, places: Places, builder: Builder, dtype: str) -> None:
    random = np.random.default_rng(32)
    name, recording = recording_of(builder, random, dtype, "link")
    uri = builder.workspace("missing", [("ContinuousTraces", name, recording.uri)])
    check(page, places.address("tasks", uri), [recording], random)
