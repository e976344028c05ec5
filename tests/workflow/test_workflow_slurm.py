"""The workflow on a cluster: the same configuration, the profile for Slurm, a real Slurm."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from slurm_cluster import missing, running_cluster
from test_workflow import ROOT, build, flat, write_config

# A cluster without accounting has no sacct; without these, minutes pass between two looks at a job.
ON_LOOPBACK = [
    "--slurm-status-command=squeue",
    "--slurm-no-account",
    "--slurm-init-seconds-before-status-checks=2",
    "--seconds-between-status-checks=2",
    "--latency-wait=5",
]


def test_a_cluster_builds_the_same_workspace(tmp_path: Path) -> None:
    lacking = missing()
    assert lacking is None, lacking
    uris = []
    for name in ("here", "cluster"):
        directory = tmp_path / name
        directory.mkdir()
        write_config(directory, {"raw": flat(directory, "raw.dat")})
        if name == "here":
            build(directory)
        else:
            shutil.copytree(ROOT / "profiles", directory / "profiles")
            # Sockets have short paths.
            with (
                tempfile.TemporaryDirectory(dir="/tmp") as short,
                running_cluster(Path(short) / "slurm"),
            ):
                build(directory, "--profile", "profiles/slurm", "--", *ON_LOOPBACK)
            assert "SLURM jobid" in (directory / "results/logs/snakemake.log").read_text()
        uris.append(json.loads((directory / "results/workspace.json").read_text())["uri"])
    assert uris[0] == uris[1]
