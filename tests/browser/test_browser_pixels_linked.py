"""Traces of samples that stay in their files are exact, in records as in several files, and name what is lost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from expected_pictures import assert_same, expected_picture, random_frame, random_settings
from laid_reader import install_laid, write_laid
from playwright.sync_api import Page
from recordings import Builder, Recording, noise
from viewer_places import Places, show

ROOM = {"width": 760, "height": 1100}
LENGTHS, STARTS = (21_000, 9_000), (0.0, 22.34375)


def laid(
    builder: Builder, name: str, folder: Path, edges: tuple[int, ...], seed: int, **way: Any
) -> Recording:
    """A recording of two segments whose samples lie in files that end at these samples, each laid in the same way."""
    samples = noise(np.random.default_rng(seed), sum(LENGTHS), 6, "int16")
    pieces = [samples[a:b] for a, b in pairwise([0, *edges, len(samples)])]
    path = write_laid(folder, pieces, name, segments=list(zip(STARTS, LENGTHS, strict=True)), **way)
    uri = builder.series(name, path)
    manifest = builder.store.get_json(uri)
    assert set(manifest["values"]) == ({"files"} if edges else {"link"})
    return Recording(
        name,
        uri,
        [samples[: LENGTHS[0]], samples[LENGTHS[0] :]],
        [segment["start_time"] for segment in manifest["segments"]],
        manifest["sampling_frequency"],
        channels=tuple(channel["id"] for channel in manifest["channels"]),
    )


def test_every_pixel_is_that_of_the_samples_in_their_files(
    page: Page, places: Places, builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_laid(monkeypatch)
    recordings = [
        laid(builder, "records", tmp_path / "records", (), 1, form="records", per_record=250),
        laid(builder, "files", tmp_path / "files", (7_000, 15_001, 25_500), 2, form="rows-of-more"),
        laid(builder, "apart", tmp_path / "apart", (), 3, form="behind-one-another", byte_order="big"),
    ]
    uri = builder.workspace("linked", [("ContinuousTraces", each.name, each.uri) for each in recordings])
    page.set_viewport_size(ROOM)
    viewer = show(page, places.address("tasks", uri))
    timeline, columns = viewer.timeline(), viewer.frame()["columns"]
    random = np.random.default_rng(5)
    for turn in range(8):
        frame = random_frame(timeline, columns, random, (1.5, np.inf)[turn % 2])
        settings = {str(number): random_settings(each, random) for number, each in enumerate(recordings)}
        viewer.set_state(**frame, panels=settings)
        for number, recording in enumerate(recordings):
            panel = viewer.panel(str(number))
            assert_same(panel, expected_picture(recording, panel, timeline), (turn, recording.name, frame))
    # One of several files is gone: what lies in it is whole bins, with the reason.
    (tmp_path / "files" / "files-1.dat").rename(tmp_path / "elsewhere.dat")
    viewer.set_state(samplesPerColumn=1, columnsPerSample=2, leftColumn=2 * 9_000)
    panel = viewer.panel("1")
    note = " ".join(panel.painted["notes"])
    assert panel.painted["error"] is None
    assert "raw samples cannot be reached" in note
    assert "is gone" in note
