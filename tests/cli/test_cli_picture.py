"""A picture that cannot be drawn fails no build, and is told by name."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seriesview.cli.main", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def test_a_picture_that_fails_is_named_and_the_build_goes_on(tmp_path: Path) -> None:
    np.save(tmp_path / "rat7.npy", np.arange(90_000, dtype=np.int16)[:, np.newaxis])
    (tmp_path / "config.yaml").write_text(
        "store: {storage_dir: storage, mode: embedded}\n"
        "datasets: {rat7: {path: rat7.npy, sampling_frequency: 100, full_resolution: omit}}\n"
    )
    assert run(tmp_path, "build", "config.yaml", "--cores", "1").returncode == 0
    result = json.loads((tmp_path / "results/series/rat7.json").read_text())
    # What the picture is drawn from is damaged.
    for level in result["manifest"]["levels"]:
        for page in level["pages"]:
            digest = page[7:47]
            path = tmp_path / "storage/sha1" / digest[:2] / digest[2:4] / digest[4:6] / digest
            path.unlink()
    store = ("--storage-dir", "storage", "--mode", "embedded")
    done = run(tmp_path, "picture", "results/series/rat7.json", *store, "--out", "rat7.png")
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "picture" in line]
    assert line.startswith("rat7: its overview picture could not be drawn (")
    assert Image.open(io.BytesIO((tmp_path / "rat7.png").read_bytes())).size[0] == 1280
