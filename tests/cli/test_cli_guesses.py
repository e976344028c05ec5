"""What was guessed of files, and what they leave open, as `inspect`, `init` and `view` say it."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from link_client import Browser
from served_links import Served
from serving_processes import Surroundings

from seriesview.cli.init import command as init
from seriesview.cli.inspect import command as inspect
from seriesview.cli.view import command as view

TURNED = "5000 samples of 8 channels, as its first dimension is the shorter one"


def record(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["sampling_rate"] = 1000
        file["voltage"] = np.zeros((8, 5000), np.int16)
        file["onsets"] = np.array([0.5, 1.25, 1.5])
    return path


def test_which_dimension_was_taken_for_channels_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record(tmp_path / "a.h5")
    np.save(tmp_path / "b.npy", np.zeros((8, 5000)))
    monkeypatch.chdir(tmp_path)
    for name in ("a.h5", "b.npy"):
        assert f"guessed: {TURNED}" in CliRunner().invoke(inspect, [name]).output
        assert TURNED in CliRunner().invoke(init, [name, "--out", f"{name}.yaml"]).output
    found = json.loads(CliRunner().invoke(inspect, [str(path), "--json"]).output)["candidates"]
    (decision,) = [each for each in found[1]["decisions"] if each["is_guess"]]
    assert TURNED in decision["text"]


def test_view_leaves_out_what_the_file_leaves_open_and_shows_the_rest(surroundings: Surroundings) -> None:
    path = record(surroundings.directory / "a.h5")
    own = {"KACHERY_STORAGE_DIR": "", "KACHERY_DAEMON_PORT": str(surroundings.port)}
    served = Served(surroundings, "seriesview", "view", str(path), **own)
    browser = Browser()
    workspace = browser.figure_data(browser.open(served.links()[0]))
    assert [series["name"] for series in workspace["series"]] == ["a_voltage"]
    assert f"left out: {path} /onsets: the rate of 1000 Hz" in served.process.written
    assert TURNED in served.process.written
    assert served.process.stop() == 0


def test_view_says_why_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros((300, 2), np.int16)
        file["x"].attrs.update(fs=10.0, gain=1000.0)
    said = str(CliRunner().invoke(view, ["a.h5"]).exception)
    assert "its attribute gain is 1000" in said
    assert "--scale SCALE" in said
