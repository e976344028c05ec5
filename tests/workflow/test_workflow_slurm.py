"""The workflow on clusters: the same configuration, Slurm and any other batch system, the same URIs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from slurm_cluster import can_limit_memory, missing, running_cluster
from test_workflow import build, flat, run, write_config

import seriesview

# A cluster without accounting has no sacct; without these, minutes pass between two looks at a job.
ON_LOOPBACK = [
    "--slurm-init-seconds-before-status-checks=2",
    "--seconds-between-status-checks=2",
    "--latency-wait=5",
]
SUBMIT = 'setsid sh "$1" > "$1.out" 2>&1 < /dev/null & echo $!\n'


def prepared(directory: Path, *names: str) -> None:
    """A configuration of some of: a recording, the same one in shares, and events that take much memory."""
    directory.mkdir()
    raw = flat(directory, "raw.dat")
    np.save(directory / "spikes.npy", np.arange(4_000_000) / 1000)
    spikes = {"path": "spikes.npy", "type": "event"}
    datasets = {"raw": raw, "shared": raw | {"label": "raw", "scatter": 2}, "spikes": spikes}
    (directory / "scratch").mkdir()
    write_config(directory, {name: datasets[name] for name in names}, scratch=str(directory / "scratch"))


def uris_in(directory: Path, *names: str) -> dict[str, str]:
    results = {name: directory / "results" / "series" / f"{name}.json" for name in names}
    return {name: json.loads(path.read_text())["uri"] for name, path in results.items()}


@pytest.fixture(scope="module")
def uris(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What one process makes of them."""
    directory = tmp_path_factory.mktemp("here") / "alone"
    prepared(directory, "raw", "spikes")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        built = seriesview.build_workspace("config.yaml").series
    return {name: series.uri for name, series in built.items()}


def test_slurm_builds_the_same_series_with_more_memory_where_it_ran_out(
    tmp_path: Path, uris: dict[str, str]
) -> None:
    lacking = missing()
    assert lacking is None, lacking
    directory = tmp_path / "cluster"
    prepared(directory, "raw", "spikes")
    # Sockets have short paths.
    with tempfile.TemporaryDirectory(dir="/tmp") as short, running_cluster(Path(short) / "slurm"):
        run(directory, "seriesview", "init", "--slurm")
        memory = ["--set-resources", "chunk:mem_mb=500*attempt"]
        build(directory, "--profile", "slurm", "--", *ON_LOOPBACK, *memory)
    assert uris_in(directory, "raw", "spikes") == uris
    log = (directory / "results/logs/snakemake.log").read_text()
    assert "SLURM jobid" in log
    if can_limit_memory():
        assert "dataset spikes: memory ran out at its samples" in log
        assert not list((directory / "results/failures").iterdir())


def test_any_other_batch_system_builds_the_same_series(tmp_path: Path, uris: dict[str, str]) -> None:
    directory = tmp_path / "generic"
    prepared(directory, "raw", "shared")
    (directory / "submit.sh").write_text(SUBMIT)
    options = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", "sh submit.sh", "--jobs", "4"]
    build(directory, "--", *options, "--seconds-between-status-checks=1")
    assert set(uris_in(directory, "raw", "shared").values()) == {uris["raw"]}
    assert not list((directory / "scratch").iterdir())
    assert "with external jobid" in (directory / "results/logs/snakemake.log").read_text()
