"""A linked recording that is moved or changed: whole bins and the reason, and samples again once they are found."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browsing import Viewer
from expected_pictures import assert_same, expected_picture
from playwright.sync_api import Page
from recordings import Builder, Recording, noise
from static_servers import StaticServer
from viewer_places import CHANNEL, Places, Surroundings, show, start_backend
from waiting import MOST_SECONDS

from seriesview.figures.node_access import permit_links
from seriesview.store import open_store

CLOSE = {"samplesPerColumn": 1, "columnsPerSample": 2, "leftColumn": 5000}
NOTES = "(seriesview.panels()[0].painted?.notes.join() ?? '')"


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[Surroundings]:
    own = Surroundings(tmp_path)
    yield own
    own.end()


def opened(
    page: Page, surroundings: Surroundings, recording: Recording, builder: Builder, server: StaticServer
) -> Viewer:
    workspace = builder.workspace("lost", [("ContinuousTraces", recording.name, recording.uri)])
    permit_links(surroundings.storage, CHANNEL, print)
    surroundings.node()
    start_backend(surroundings)
    places = Places(f"http://127.0.0.1:{surroundings.port}", server, server, surroundings.storage)
    return show(page, places.address("tasks", workspace))


@pytest.mark.parametrize("loss", ["moved", "appended to"])
def test_bins_are_drawn_with_the_reason_until_the_file_is_found(
    page: Page, surroundings: Surroundings, tmp_path: Path, static_server: StaticServer, loss: str
) -> None:
    builder = Builder(open_store(surroundings.storage, "embedded"), tmp_path)
    recording = builder.regular(
        "lost", [noise(np.random.default_rng(74), 30_000, 6, "int16")], full_resolution="link"
    )
    viewer = opened(page, surroundings, recording, builder, static_server)
    raw, elsewhere = tmp_path / "lost.h5", tmp_path / "elsewhere"
    elsewhere.mkdir()
    content = raw.read_bytes()
    if loss == "moved":
        raw.rename(elsewhere / "renamed.h5")
    else:
        raw.write_bytes(content + b"more")
    viewer.set_state(**CLOSE)
    panel = viewer.panel()
    assert panel.painted["error"] is None
    assert panel.painted["isComplete"]
    note = " ".join(panel.painted["notes"])
    assert "raw samples cannot be reached" in note
    assert {"moved": "is gone", "appended to": "changed (size was"}[loss] in note
    assert "seriesview relink" in note
    assert str(tmp_path) not in note
    assert len(np.unique(panel.pixels.reshape(-1, 4), axis=0)) > 2
    # What needs no samples has no note.
    viewer.set_state(samplesPerColumn=64, columnsPerSample=1, leftColumn=0)
    panel = viewer.panel()
    assert panel.painted["notes"] == []
    assert_same(panel, expected_picture(recording, panel, viewer.timeline()), "levels")
    viewer.set_state(**CLOSE)
    if loss == "moved":
        command = ["seriesview", "relink", recording.uri, str(elsewhere)]
        subprocess.run(command, env=surroundings.environment(), check=True, timeout=MOST_SECONDS)
    else:
        raw.write_bytes(content)
        command = ["seriesview", "relink", recording.uri, str(elsewhere)]
        subprocess.run(command, env=surroundings.environment(), check=True, timeout=MOST_SECONDS)
    viewer.wait_until(f"!{NOTES}.includes('reached') && seriesview.panels()[0].painted.isComplete")
    panel = viewer.panel()
    assert_same(panel, expected_picture(recording, panel, viewer.timeline()), "found")
