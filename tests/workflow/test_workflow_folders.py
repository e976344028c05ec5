"""Folders, and files that belong to others, built by the real Snakemake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from closed_port import CLOSED_PORT
from rig_reader import EVENTS, HEADER, change_header, install_rig, write_rig

SNAKEFILE = Path(__file__).parent.parent.parent / "workflow" / "Snakefile"
NOTHING = "Nothing to be done"


def run(directory: Path, *command: str) -> str:
    variables = {key: value for key, value in os.environ.items() if key != "KACHERY_STORAGE_DIR"}
    variables |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "KACHERY_DAEMON_PORT": str(CLOSED_PORT),
    }
    done = subprocess.run(command, cwd=directory, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def snakemake(directory: Path) -> str:
    base = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--configfile", "config.yaml"]
    return run(directory, *base, "--cores", "2")


def times(directory: Path) -> dict[str, int]:
    return {path.stem: path.stat().st_mtime_ns for path in (directory / "results" / "artifacts").iterdir()}


def test_a_folder_is_built_again_when_a_file_that_decides_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_rig(tmp_path / "plugin", monkeypatch)
    here = tmp_path / "work"
    folder = write_rig(here / "my rig", {"ap": {}, "lfp": {"rate": 250}})
    (folder / EVENTS).write_text(json.dumps({"ttl": [[0.5, 0]]}))
    datasets = {name: {"path": "my rig", "dataset": name} for name in ("ap", "lfp", "ttl")}
    datasets["ap"]["scatter"] = 2  # type: ignore[assignment]
    content = {"datasets": datasets, "store": {"storage_dir": "kachery storage"}}
    (here / "config.yaml").write_text(yaml.safe_dump(content))
    run(here, "seriesview", "build", "--cores", "2")
    first = times(here)
    assert set(first) == {"ap", "lfp", "ttl"}
    assert "3 built already, 0 to build" in run(here, "seriesview", "build", "--cores", "2")
    assert NOTHING in snakemake(here)
    assert times(here) == first
    # Of the events alone.
    (folder / EVENTS).write_text(json.dumps({"ttl": [[0.5, 0], [0.75, 1]]}))
    run(here, "seriesview", "build", "--cores", "2")
    second = times(here)
    assert {name for name in first if first[name] != second[name]} == {"ttl"}
    # Of all of them, for Snakemake by itself too.
    change_header(folder, channels=["x", "y", "z"])
    snakemake(here)
    third = times(here)
    assert not set(third.values()) & set(second.values())
    series = json.loads((here / "results" / "series" / "ap.json").read_text())
    assert [channel["label"] for channel in series["manifest"]["channels"]] == ["x", "y", "z"]
    assert NOTHING in snakemake(here)
    # What nobody reads decides nothing.
    (folder / "notes.txt").write_text("good mouse")
    assert NOTHING in snakemake(here)
    # An older file in its place is another one.
    os.utime(folder / HEADER, ns=(10**18, 10**18))
    assert NOTHING not in snakemake(here)
