"""`seriesview init` of many files: the pattern that they have in common."""

from __future__ import annotations

from pathlib import Path

import edf_files
import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from seriesview.cli.main import cli
from seriesview.config import load_config
from seriesview.config.sessions import sessions_of
from seriesview.pipeline.session_patterns import session_pattern


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touched(*paths: str) -> list[str]:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    return list(paths)


def pattern(paths: list[str]) -> str | None:
    found = session_pattern(paths)
    return None if found is None else found.pattern


def test_many_paths_have_a_pattern(here: Path) -> None:
    numbers = [f"{number:02}" for number in range(1, 13)]
    assert pattern(touched(*(f"night {number}.edf" for number in numbers))) == "night {subject}.edf"
    bids = touched(*(f"b/sub-{n}/ses-{m}/eeg/sub-{n}_ses-{m}_eeg.edf" for n in numbers for m in "ab"))
    assert pattern(bids) == "b/sub-{subject}/ses-{session}/eeg/sub-{subject}_ses-{session}_eeg.edf"
    runs = touched(*(f"d/rat{n}/2026-01-{n}_g0/r.ap.bin" for n in numbers))
    assert pattern(runs) == "d/rat{subject}/2026-01-{subject}_g0/r.ap.bin"
    days = touched(*(f"e/r{n}/2026-0{m}-11_g0/r{n}.ap.bin" for n in numbers for m in (1, 2)))
    assert pattern(days) == "e/r{subject}/2026-{session}-11_g0/r{subject}.ap.bin"
    assert pattern(touched(*(f"odd[{n}].dat" for n in numbers))) == "odd[[]{subject}].dat"
    assert pattern(touched("a.edf", "b.edf")) is None
    assert pattern(touched(*(f"x{n}.edf" for n in numbers[:7]), "y.csv")) is None


def test_a_folder_in_bids_and_fifty_files_become_sessions(here: Path) -> None:
    for subject in ("01", "02", "03"):
        folder = here / f"study/sub-{subject}/eeg"
        folder.mkdir(parents=True)
        edf_files.write(folder / f"sub-{subject}_task-rest_eeg.edf", [edf_files.signal(100, 5, "EEG Cz")])
    done = CliRunner().invoke(cli, ["init", "study"], standalone_mode=False)
    assert done.return_value == 0, done.output
    assert "3 sessions, by the pattern study/sub-{subject}/eeg/*_eeg.edf" in done.output
    content = load_config(here / "config.yaml")
    assert [each.id for each in sessions_of(content)] == ["01", "02", "03"]
    for number in range(50):
        np.zeros((10, 2), np.int16).tofile(here / f"r{number}.dat")
    files = [f"r{number}.dat" for number in range(50)]
    done = CliRunner().invoke(cli, ["init", *files, "--out", "many.yaml"], standalone_mode=False)
    assert "50 sessions, by the pattern r{subject}.dat" in done.output
    assert "fill in first: defaults." in done.output
    written = yaml.safe_load((here / "many.yaml").read_text())
    assert written["sessions"] == {"path": "r{subject}.dat"}
    assert len((here / "many.yaml").read_text().splitlines()) < 30
