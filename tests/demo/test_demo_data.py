"""The demo's files: heart recordings as the installed package has them, and the command that writes them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from seriesview.cli.demo_data import command
from seriesview.demo.decoding import bin_centers
from seriesview.demo.files import DEMO_DIRECTORY, DEMO_FILES, write_demo_data
from seriesview.demo.heart import HEART_FILES, copy_heart_recordings
from seriesview.errors import SeriesviewError


def test_heart_recordings_are_copied(tmp_path):
    pytest.importorskip("heartpy")
    copies = copy_heart_recordings(tmp_path / "demo data")
    assert [path.name for path in copies] == list(HEART_FILES)
    assert copies[2].read_text().startswith("datetime,hr")
    assert sorted(path.name for path in (tmp_path / "demo data").iterdir()) == sorted(HEART_FILES)


def test_the_files_that_are_written_are_those_that_the_configuration_names(tmp_path):
    pytest.importorskip("heartpy")
    config = (Path(__file__).parents[2] / "config.yaml").read_text()
    named = set(re.findall(r"path: (\S+)", config))
    assert named == set(DEMO_FILES)
    written = write_demo_data(tmp_path / DEMO_DIRECTORY, seconds=5)
    assert {str(path.relative_to(tmp_path)) for path in written} == named


def test_the_bin_centers_of_the_configuration_are_the_sessions():
    config = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text())
    panels = [panel for view in config["views"] for panel in view["panels"]]
    centers = next(panel["bin_centers"] for panel in panels if panel["type"] == "ProbabilityDensity")
    assert centers == bin_centers().tolist()


def test_without_heartpy_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "heartpy", None)
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delitem(sys.modules, "heartpy")
    with pytest.raises(SeriesviewError, match=r"pip install 'seriesview\[demo\]'"):
        copy_heart_recordings(tmp_path)


def test_the_command_writes_the_session_and_names_it(tmp_path):
    result = CliRunner().invoke(command, [str(tmp_path / "out"), "--seconds", "5", "--no-heart"])
    assert result.exit_code == 0, result.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["session.nwb"]
    assert "session.nwb" in result.output


def test_the_module_runs_without_arguments_into_a_usage_message():
    done = subprocess.run(
        [sys.executable, "-m", "seriesview.demo"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "directory" in done.stderr
