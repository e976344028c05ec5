"""Where what is made in Python is stored: never with another recording because its figures are shown at the moment."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bucket_servers import Service, s3, s3_port  # noqa: F401
from closed_port import CLOSED_PORT
from link_client import Browser

import seriesview
from seriesview.figures.server import FigureServer
from seriesview.node.config import NodeConfig
from seriesview.node.server import NodeThread
from seriesview.store import open_store

MADE = """
import numpy as np, seriesview
series = seriesview.SVSeries(type="continuous", sampling_frequency=10)
for start in (0, 1):
    times = start + np.arange(10) / 10
    series.add_numpy_segment(start_time=start, end_time=start + 1, timestamps=times, values=np.arange(10.0))
uri = series.to_uri()
assert seriesview.SVSeries.from_uri(uri).segments[1].get_samples()[1][3] == 3
print(uri)
"""


def make(tmp_path: Path, port: int, **more: str) -> tuple[str, str]:
    """The URI of a series that another process makes, and what it says beside."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KACHERY_")}
    environment |= {"HOME": str(tmp_path), "KACHERY_DAEMON_PORT": str(port), "NO_PROXY": "*", **more}
    done = subprocess.run(
        [sys.executable, "-c", MADE], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


@pytest.mark.parametrize("shows_all", [False, True])
def test_a_node_that_shows_a_recording_is_no_place_for_others(tmp_path: Path, shows_all: bool) -> None:
    folder = tmp_path / "night.nwb.seriesview" / "kachery-storage"
    with FigureServer(folder, port=0, shows_all=shows_all) as server:
        before = sorted(folder.rglob("*"))
        uri, said = make(tmp_path, server.port)
        assert sorted(folder.rglob("*")) == before
    own = tmp_path / "kachery-storage"
    assert said.count(f"are stored in {own}; KACHERY_STORAGE_DIR names another place") == 1
    assert open_store(own, "embedded").exists(uri)


def test_a_directory_that_is_named_is_used(tmp_path: Path) -> None:
    folder = tmp_path / "storage"
    with FigureServer(folder, port=0) as server:
        uri, said = make(tmp_path, server.port, KACHERY_STORAGE_DIR=str(folder))
    assert said == ""
    assert open_store(folder, "embedded").exists(uri)


def test_a_node_that_runs_for_all_is_used_and_said(tmp_path: Path) -> None:
    folder = tmp_path / "storage"
    with NodeThread(NodeConfig(folder, port=0)) as node:
        uri, said = make(tmp_path, node.port)
    assert said.count(f"are stored in {folder}") == 1
    assert open_store(folder, "embedded").exists(uri)


def test_a_store_in_a_bucket_is_shown_where_none_of_it_is(
    s3: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("KACHERY_STORAGE_DIR", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))
    monkeypatch.setenv("SERIESVIEW_CACHE_DIR", str(tmp_path / "rig"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    samples = np.random.default_rng(0).integers(-300, 300, (70_000, 6), dtype=np.int16)
    np.save(tmp_path / "raw.npy", samples)
    config = {"datasets": {"raw": {"path": str(tmp_path / "raw.npy"), "sampling_frequency": 1000}}}
    built = seriesview.build_workspace(config, results=tmp_path / "results", store=s3.address("lab"))
    monkeypatch.setenv("SERIESVIEW_CACHE_DIR", str(tmp_path / "desk"))
    with seriesview.view(built.uri, store=s3.address("lab"), port=0) as shown:
        browser = Browser()
        link = browser.open(shown.url)
        assert browser.figure_data(link)
        asked: dict[str, Any] = {
            "series_uri": built.series["raw"].uri,
            "segment": 0,
            "first_sample": 69_000,
            "samples_per_column": 1,
        }
        asked |= {"columns": 99, "channels": None}
        window = browser.task(link, "seriesview.get_window.1", asked)["result"]
        assert shown.workspace is not None
        assert np.array_equal(shown.workspace.series("raw").values(0, 69_000, 69_100), samples[69_000:69_100])
    values = np.frombuffer(base64.b64decode(window["values"]["data_b64"]), "<i2").reshape(-1, 6)
    assert np.array_equal(values, samples[69_000:69_100])
    # Of the samples only the part that was asked for came.
    (cache,) = (tmp_path / "desk").iterdir()
    assert sum(path.stat().st_size for path in (cache / "sha1").rglob("*") if path.is_file()) < samples.nbytes
