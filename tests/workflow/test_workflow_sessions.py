"""Sessions as jobs of the workflow: here and on a cluster, with recordings that other rules make, and in a report."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from test_workflow import SNAKEFILE, build, flat
from test_workflow_module import manifest, snakemake
from test_workflow_slurm import SUBMIT

import seriesview

ENTRY = {"reader": "binary", "dtype": "int16", "channels": 6, "sampling_frequency": 1000}
SESSIONS: dict[str, Any] = {
    "path": "data/{subject}/raw.dat",
    "label": "{subject}",
    "datasets": {"raw": ENTRY, "times": {"path": "data/{subject}/times.csv", "type": "event"}},
}
WORKFLOW = ["--snakefile", str(SNAKEFILE), "--configfile", "config.yaml"]


def write_session(here: Path, subject: str, seed: int = 0) -> None:
    folder = here / "data" / subject
    folder.mkdir(parents=True)
    flat(folder, "raw.dat", samples=2000, seed=seed)
    (folder / "times.csv").write_text("time\n0.25\n0.75\n")


def write_config(here: Path, sessions: dict[str, Any] = SESSIONS) -> None:
    content = {"workspace": "lab", "store": {"storage_dir": "kachery storage"}, "sessions": sessions}
    (here / "config.yaml").write_text(yaml.safe_dump(content))


def sessions_of(here: Path) -> dict[str, dict[str, Any]]:
    index = json.loads((here / "results/sessions.json").read_text())
    return {each["id"]: each for each in index["sessions"]}


def test_a_bad_session_stops_no_other_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "a directory"
    here.mkdir()
    for number in (3, 4):
        write_session(here, f"rat{number}", number)
    (here / "data/rat3/times.csv").unlink()
    write_config(here)

    done = snakemake(here, *WORKFLOW, status=1)
    assert (
        "seriesview: error: session rat3: partly built: times: path: data/rat3/times.csv: no such"
        in done.stderr
    )
    found = sessions_of(here)
    assert [each["state"] for each in found.values()] == ["partly built", "built"]
    assert found["rat3"]["streams"] == ["raw"]
    # The same as one process makes.
    monkeypatch.chdir(here)
    alone = seriesview.build_sessions("config.yaml", results="alone", store="other", progress=lambda _: None)
    assert {each["id"]: each["workspace"] for each in alone.sessions} == {
        name: each["workspace"] for name, each in found.items()
    }

    # What failed is tried again, and what comes, goes or is called otherwise costs what it should.
    (here / "data/rat3/times.csv").write_text("time\n1.5\n")
    write_session(here, "rat99", 99)
    kept = (here / "results/artifacts/rat4/raw.json").stat().st_mtime_ns
    (here / "submit.sh").write_text(SUBMIT)
    cluster = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", "sh submit.sh"]
    snakemake(here, *WORKFLOW, *cluster, "--jobs", "2", "--seconds-between-status-checks=1")
    assert {each["state"] for each in sessions_of(here).values()} == {"built"}
    write_config(here, {**SESSIONS, "id": "day1_{subject}"})
    assert "to read 0 bytes" in build(here, "--report", "report.zip").stdout
    assert not (here / "results/rat4").exists()
    assert (here / "results/artifacts/day1_rat4/raw.json").stat().st_mtime_ns == kept
    with zipfile.ZipFile(here / "report.zip") as report:
        names = [name.partition("/raw/")[2].partition("/")[2] for name in report.namelist()]
    assert {"sessions.html", "day1_rat4.html", "day1_rat4/raw.png"} <= set(names)


FOREIGN = """
module seriesview:
    snakefile: {snakefile!r}
    config:
        {{
            "store": {{"storage_dir": "kachery storage"}},
            "sessions": {{
                "table": "sessions.tsv",
                "datasets": {{
                    "filtered": {{"path": rules.filter.output[0], "timestamps": "times/{{id}}.npy"}}
                }},
            }},
        }}

use rule * from seriesview as seriesview_*

rule count:
    default_target: True
    input: "results/rat1/workspace.json", "results/sessions.tsv"
    output: "count.txt"
    shell: "wc -l < {{input[1]}} > {{output}}"
"""
MAKING = """
rule times:
    output: "times/{{id}}.npy"
    wildcard_constraints: id="rat[0-9]"
    shell: "cp times.npy {{output}}"

rule filter:
    input: "data/{{id}}/raw.npy"
    output: temp("filtered/{{id}}.npy")
    wildcard_constraints: id="rat[0-9]"
    shell: "cp {{input}} {{output}}"
"""


def test_sessions_of_a_table_have_recordings_that_rules_make(tmp_path: Path) -> None:
    for subject in ("rat1", "rat2"):
        (tmp_path / "data" / subject).mkdir(parents=True)
        np.save(tmp_path / "data" / subject / "raw.npy", np.ones((1900, 6), np.int16))
    np.save(tmp_path / "times.npy", 5 + np.arange(1900) / 1000)
    (tmp_path / "sessions.tsv").write_text("id\trig\nrat1\tA\nrat2\tB\ngone\tB\n")
    (tmp_path / "Snakefile").write_text((MAKING + FOREIGN).format(snakefile=str(SNAKEFILE)))
    # A session without a recording: the index says so, and what needs it goes on.
    snakemake(tmp_path)
    assert (tmp_path / "count.txt").read_text().strip() == "4"
    found = sessions_of(tmp_path)
    assert [each["state"] for each in found.values()] == ["built", "built", "failed"]
    assert "filtered/gone.npy: no such file" in found["gone"]["cause"]
    assert not (tmp_path / "filtered/rat1.npy").exists()
    filtered = manifest(tmp_path, "results/series/rat1/filtered.json")
    assert filtered["segments"][0]["num_samples"] == 1900
    assert filtered["segments"][0]["start_time"] == 5
    assert "link" not in filtered["values"]
    # A session's workspace is a target by itself, and fails where it is not whole.
    done = snakemake(tmp_path, "results/gone/workspace.json", status=1)
    assert "session gone: failed: filtered: " in done.stderr
