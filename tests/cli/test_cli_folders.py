"""Folders on the command line."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from rig_reader import RigReader, install_rig, write_rig

from seriesview.cli.init import command as init
from seriesview.cli.inspect import command as inspect
from seriesview.pipeline.own_folder import own_folder
from seriesview.readers import Candidate


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install_rig(tmp_path / "plugin", monkeypatch)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    streams: dict[str, dict[str, Any]] = {"ap": {"clock": "own"}, "lfp": {"rate": 250}}
    return write_rig(Path("2024.01.02 run"), streams)


def said(command: Any, *arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    return done.output


def test_inspect_says_what_a_folder_holds(folder: Path) -> None:
    text = said(inspect, f"{folder}/")
    assert "reader rig" in text
    assert "continuous, int16, 4000 samples x 3 channels, 1000 Hz, uV" in text
    assert "nothing synchronizes its clock" in text
    entries = yaml.safe_load(text[text.index("datasets:") :])["datasets"]
    assert entries["2024_01_02_run_lfp"] == {"path": f"{folder}/", "dataset": "lfp"}
    document = json.loads(said(inspect, str(folder), "--json"))
    assert document["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert [each["name"] for each in document["candidates"]] == ["2024_01_02_run_ap", "2024_01_02_run_lfp"]


def test_inspect_lists_the_recordings_of_a_folder(folder: Path) -> None:
    Path("data").mkdir()
    shutil.move(folder, "data/run")
    np.save("data/wheel.npy", np.zeros((200, 3), np.int16))
    text = said(inspect, "data")
    assert "data: a folder of 2 recordings" in text
    assert "  data/run: a folder, reader rig\n  data/wheel.npy: 1.33 kB, reader npy" in text
    assert text.strip().endswith("seriesview inspect data/run")
    found = json.loads(said(inspect, "data", "--json"))["recordings"]
    assert found == [{"path": "data/run", "reader": "rig"}, {"path": "data/wheel.npy", "reader": "npy"}]


def test_init_writes_every_stream_of_a_folder(folder: Path) -> None:
    np.savez("a.npz", lfp=np.zeros((2000, 3), np.int16), lfp_times=np.arange(2000) / 100)
    said(init, str(folder), "a.npz")
    content = yaml.safe_load(Path("config.yaml").read_text())
    assert list(content["datasets"]) == ["2024_01_02_run_ap", "2024_01_02_run_lfp", "a"]
    assert content["workspace"] == "2024.01.02 run"


def test_what_streams_can_be_read_as_too_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = RigReader.candidates

    def twice(self: RigReader, path: Path) -> list[Candidate]:
        found = plain(self, path)
        return [*found, *(replace(each, label=f"{each.label} again") for each in found)]

    monkeypatch.setattr(RigReader, "candidates", twice)
    text = said(init, str(folder))
    assert "2024.01.02 run ap and 1 more: can be read as continuous too" in text
    assert "left out" not in text + Path("config.yaml").read_text()
    assert "can be read as continuous too" in Path("config.yaml").read_text()
    told: list[str] = []
    assert own_folder([str(folder)], announce=told.append).left_out == ()
    assert not any("can be read" in line for line in told)
