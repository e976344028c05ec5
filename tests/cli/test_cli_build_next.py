"""What a build says to do next can be typed as it stands, wherever the program lies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(sys.executable).with_name("seriesview")
CONFIG = """
workspace: w
store: {storage_dir: storage}
results: the results
datasets:
  one: {path: one.npy, sampling_frequency: 10}
"""


@pytest.mark.parametrize("place", ["path", "here", "elsewhere"])
def test_the_commands_to_go_on_with(tmp_path: Path, place: str) -> None:
    np.save(tmp_path / "one.npy", np.arange(100, dtype=np.int16))
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "own environment").mkdir()
    (tmp_path / "own environment" / "seriesview").symlink_to(PROGRAM)
    called = {"path": "seriesview", "here": "'own environment/seriesview'", "elsewhere": str(PROGRAM)}[place]
    outside = [
        folder for folder in os.environ["PATH"].split(":") if not (Path(folder) / "seriesview").exists()
    ]
    path = ":".join([str(PROGRAM.parent), *outside] if place == "path" else outside)
    environment = {**os.environ, "PATH": path, "HOME": str(tmp_path / "home")}
    environment.pop("KACHERY_STORAGE_DIR", None)

    def typed(line: str) -> str:
        return subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, check=True, text=True, stdout=subprocess.PIPE
        ).stdout

    said = typed(f"{called} build").splitlines()
    following = [line.strip() for line in said if line.startswith(f"  {called} ")]
    assert f"{called} serve 'the results/workspace.json'" in following
    assert "1 series" in typed(next(line for line in following if " info " in line))
