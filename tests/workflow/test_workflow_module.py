"""The workflow as a module of somebody's own, which makes the recordings, uses it twice and reads what it makes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from test_workflow import SNAKEFILE, flat, run

FOREIGN = """
module seriesview:
    snakefile: {snakefile!r}
    config: config["raw"]

use rule * from seriesview as raw_*


rule everything:
    default_target: True
    input:
        rules.raw_all.input,
        "views/sorted/workspace.json",
        "figure.txt",


rule record:
    input: "template.dat"
    output: "data/{{rig}}.dat"
    shell: "cp {{input}} {{output}}"


rule filter:
    input: "data/{{name}}.dat"
    output: temp("filtered/{{name}}.dat")
    shell: "tail -c +9601 {{input}} > {{output}}"


rule sort:
    input: "filtered/{{name}}.dat"
    output: "sorted/{{name}}.dat"
    shell: "head -c 96000 {{input}} > {{output}}"


rule figure:
    input: "views/raw/series/made.json"
    output: "figure.txt"
    shell: "cp {{input}} {{output}}"


FLAT = {{"reader": "binary", "dtype": "int16", "channels": 6, "sampling_frequency": 1000}}

module again:
    snakefile: {snakefile!r}
    config:
        {{
            "results": "views/sorted",
            "store": {{"storage_dir": "kachery storage"}},
            "defaults": FLAT,
            "datasets": {{
                "made": {{"path": rules.filter.output[0], "label": "Filtered"}},
                "units": {{"path": lambda wildcards: f"sorted/made{{wildcards.name[5:]}}.dat"}},
            }},
            "views": [
                {{"label": "Mine", "panels": [{{"type": "ContinuousTraces", "series": "units"}}]}}
            ],
        }}

use rule * from again as sorted_*
"""


def snakemake(directory: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return run(directory, sys.executable, "-m", "snakemake", "--cores", "2", *arguments, status=status)


def write_raw(directory: Path, datasets: dict[str, Any]) -> None:
    raw = {"results": "views/raw", "store": {"storage_dir": "kachery storage"}, "datasets": datasets}
    (directory / "outer.json").write_text(json.dumps({"raw": raw}))


def manifest(directory: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / name).read_text())["manifest"]
    return found


def test_another_workflow_makes_recordings_and_uses_it_twice(tmp_path: Path) -> None:
    here = tmp_path / "a directory"
    here.mkdir()
    entry = {key: value for key, value in flat(here, "template.dat").items() if key != "path"}
    (here / "Snakefile").write_text(f'configfile: "outer.json"\n{FOREIGN.format(snakefile=str(SNAKEFILE))}')
    there = flat(here, "there.dat", seed=1)
    made, gone = {**entry, "path": "data/made.dat"}, {**entry, "path": "gone.dat"}
    write_raw(here, {"made": made, "there": there, "gone": gone})

    # One that is missing is told, and stops no other.
    done = snakemake(here, "--keep-going", status=1)
    assert "seriesview: error: dataset gone: path: gone.dat: no such file" in done.stderr
    assert not (here / "views/raw/workspace.json").exists()
    assert (here / "views/raw/series/there.json").is_file()
    figure = (here / "figure.txt").stat().st_mtime_ns
    filtered = manifest(here, "views/sorted/series/made.json")
    assert filtered["label"] == "Filtered"
    assert filtered["segments"][0]["num_samples"] == 40_000 - 800
    # What goes with the run is not linked.
    assert not (here / "filtered/made.dat").exists()
    assert "link" not in filtered["values"]
    assert manifest(here, "views/sorted/series/units.json")["segments"][0]["num_samples"] == 8000
    assert manifest(here, "views/sorted/workspace.json")["views"][0]["label"] == "Mine"

    # Another name, and one less: of what was before nothing is left, and the others are not read again.
    kept = (here / "views/raw/artifacts/there.json").stat().st_mtime_ns
    write_raw(here, {"made": made, "there": there, "again": there})
    snakemake(here)
    write_raw(here, {"made": made, "there": {**there, "label": "Word"}})
    snakemake(here)
    found = manifest(here, "views/raw/workspace.json")
    assert [series["name"] for series in found["series"]] == ["made", "there"]
    assert (here / "views/raw/artifacts/there.json").stat().st_mtime_ns == kept
    assert (here / "figure.txt").stat().st_mtime_ns == figure
    assert not [path for name in ("gone", "again") for path in (here / "views").rglob(f"{name}.*")]
    assert "Nothing to be done" in snakemake(here).stderr

    # Of its own recording alone.
    flat(here, "template.dat", seed=5)
    snakemake(here)
    assert (here / "figure.txt").stat().st_mtime_ns != figure
    assert (here / "views/raw/artifacts/there.json").stat().st_mtime_ns == kept


def test_a_prefix_is_answered_with_the_key_to_use(tmp_path: Path) -> None:
    write_raw(tmp_path, {"raw": flat(tmp_path, "raw.dat")})
    (tmp_path / "Snakefile").write_text(
        f"""
configfile: "outer.json"

module seriesview:
    snakefile: {str(SNAKEFILE)!r}
    prefix: "mine"
    config: config["raw"]

use rule * from seriesview as raw_*
"""
    )
    done = snakemake(tmp_path, "-n", status=1)
    assert "results: mine/views/raw" in done.stdout + done.stderr


def test_no_command_grows_with_the_number_of_jobs(tmp_path: Path) -> None:
    datasets = {f"d{number:03}_{'x' * 90}": flat(tmp_path, f"{number}.dat") for number in range(120)}
    for name, entry in datasets.items():
        # What is large has a job of its own, and an outcome.
        with (tmp_path / entry["path"]).open("r+b") as file:
            file.truncate(300 << 20)
        assert len(name) < 100
    folder = "/".join(["r" * 200] * 5)
    (tmp_path / "config.json").write_text(json.dumps({"datasets": datasets, "results": folder}))
    planned = snakemake(tmp_path, "--snakefile", str(SNAKEFILE), "--configfile", "config.json", "-n", "-p")
    (line,) = [line for line in planned.stdout.splitlines() if "seriesview build-workspace" in line]
    assert len(line) < 1 << 17


def test_what_fits_on_no_command_line_is_told_all_the_same(tmp_path: Path) -> None:
    labels = [f"electrode at place number {number:04}" for number in range(2000)]
    entry = flat(tmp_path, "a.dat", channels=len(labels), samples=20)
    datasets = {name: {**entry, "channel_labels": labels} for name in ("one", "other")}
    (tmp_path / "config.json").write_text(
        json.dumps({"datasets": datasets, "store": {"storage_dir": "kachery storage"}})
    )
    snakemake(tmp_path, "--snakefile", str(SNAKEFILE), "--configfile", "config.json")
    for name in datasets:
        channels = manifest(tmp_path, f"results/series/{name}.json")["channels"]
        assert [channel["label"] for channel in channels] == labels
