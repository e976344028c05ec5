"""What becomes of a job at one of whose datasets its process ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import until

from seriesview.pipeline.marks import left_behind
from seriesview.pipeline.results import Results, read_failure
from seriesview.pipeline.snakemake import end_own_jobs

PROGRAM = """
import os, signal, sys
from seriesview.cli.main import main
from seriesview.pipeline import steps, whole_dataset
made = whole_dataset.made_samples
def made_or_not(dataset, *more):
    if dataset.name == "bad":
        print("there", flush=True)
        sys.stdin.read()
        os.kill(os.getpid(), int(os.environ["NUMBER"]))
    return made(dataset, *more)
whole_dataset.made_samples = made_or_not
shard = steps.build_shard
steps.build_shard = lambda dataset, *more: made_or_not(dataset) or shard(dataset, *more)
main(sys.argv[1:])
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "storage"))
    Path("scratch").mkdir()
    np.arange(4000, dtype="int16").tofile("raw.dat")
    entry = {"path": "raw.dat", "dtype": "int16", "channels": 2, "sampling_frequency": 1000}
    Path("entries.json").write_text(json.dumps({"datasets": {"bad": entry, "good": entry | {"label": "g"}}}))


def start(number: int, *more: str) -> subprocess.Popen[str]:
    words = [
        "build-chunk",
        "--entries",
        "entries.json",
        "--results",
        "results",
        "--out",
        "outcome.json",
        *more,
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words, "--mode", "embedded", "--scratch", "$HERE/scratch"],
        env=os.environ | {"NUMBER": str(number), "HERE": str(Path.cwd())},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    return process


def outcomes() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("outcome.json").read_text())["datasets"]
    return found


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [
        (signal.SIGKILL, 137, "its process was killed at its samples (SIGKILL); build again"),
        (
            signal.SIGSEGV,
            0,
            "the library that reads it crashed at its samples (SIGSEGV); check the file with the program that wrote it",
        ),
    ],
)
def test_the_others_are_built_and_it_is_told_why_one_is_not(number: int, status: int, reason: str) -> None:
    process = start(number)
    _, said = process.communicate()
    assert process.returncode == status
    assert f"seriesview: error: dataset bad: {reason}" in said
    assert {name: each["state"] for name, each in outcomes().items()} == {"bad": "failed", "good": "built"}
    assert outcomes()["bad"]["error"]["message"] == reason
    assert read_failure(Results().failures, "bad") == reason
    assert not list(Path("scratch").iterdir())


def test_a_share_of_a_dataset_that_is_killed_is_told() -> None:
    entries = json.loads(Path("entries.json").read_text())["datasets"]
    Path("entries.json").write_text(json.dumps({"datasets": {"bad": entries["bad"]}}))
    process = start(signal.SIGKILL, "--shard", "0/2")
    process.communicate()
    assert process.returncode == 137
    assert (
        read_failure(Results().failures, "bad")
        == "its process was killed at its samples (SIGKILL); build again"
    )


def test_nothing_goes_on_without_the_process_that_started_it() -> None:
    process = start(signal.SIGTERM)
    (mark,) = left_behind(Path("results/building"), ["bad"]).values()
    process.kill()
    process.wait()
    until(lambda: not mark.runs, "the other one has ended too")
    (mark,) = left_behind(Path("results/building"), ["bad"]).values()
    assert mark.stopped_by == "SIGTERM"
    process.communicate()


def test_a_job_that_is_told_to_end_leaves_its_mark_and_nothing_on_scratch() -> None:
    process = start(signal.SIGTERM)
    (folder,) = Path("scratch").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    process.terminate()
    assert process.wait() == 143
    (mark,) = left_behind(Path("results/building"), ["bad"]).values()
    assert (mark.stopped_by, mark.runs) == ("SIGTERM", False)
    assert not list(Path("scratch").iterdir())
    process.communicate()


def test_ctrl_c_ends_both() -> None:
    process = start(signal.SIGTERM)
    (mark,) = left_behind(Path("results/building"), ["bad"]).values()
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert not mark.runs
    assert not list(Path("results/building").iterdir())
    process.communicate()


def test_snakemake_in_a_job_tells_what_runs_below_it_alone() -> None:
    program = "import time; print('there', flush=True); time.sleep(300)"
    shell = subprocess.Popen(
        ["sh", "-c", '"$0" -c "$1" build-chunk; echo $?', sys.executable, program],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert shell.stdout is not None
    assert shell.stdout.readline() == "there\n"
    end_own_jobs()
    assert shell.communicate()[0].strip() == "143"
