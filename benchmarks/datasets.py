"""A thousand small recordings: what building them costs in processor time, as jobs of Snakemake and in one process.

`SERIESVIEW_BENCH_DATASETS` sets how many there are (1000); more than that are built by Snakemake alone.
`SERIESVIEW_BENCH_DIR` says where they lie.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Spent, print_table, processor_seconds, run
from seriesview.pipeline import workflow_file

_SHAPE = (2500, 32)
_KEYS = {"reader": "binary", "dtype": "int16", "channels": _SHAPE[1], "sampling_frequency": 1000}
_STORE = {"storage_dir": "kachery", "mode": "embedded"}
_MOST_IN_ONE_PROCESS = 1000
_CORES = ("--cores", "2")


def make_recordings(folder: Path, count: int) -> dict[str, dict[str, Any]]:
    """Entries of so many recordings of 160 kB that are written into a folder."""
    rng = np.random.default_rng(0)
    entries: dict[str, dict[str, Any]] = {}
    for number in range(count):
        np.cumsum(rng.integers(-20, 21, _SHAPE), axis=0).astype("<i2").tofile(folder / f"{number}.dat")
        entries[f"d{number}"] = {"path": f"{number}.dat", **_KEYS}
    return entries


def read_hash_write(folder: Path, count: int) -> None:
    """Read each recording, take its SHA-1, and write as many bytes, which is about what its picture has."""
    for number in range(count):
        content = (folder / f"{number}.dat").read_bytes()
        name = hashlib.sha1(content).hexdigest()
        (folder / f"{name}.copy").write_bytes(content)
        (folder / f"{name}.copy").unlink()


def by_snakemake(folder: Path, entries: dict[str, dict[str, Any]]) -> list[tuple[str, Spent, str]]:
    """What each command takes that plans or builds them, one after the other, and its jobs."""

    def configure(some: dict[str, dict[str, Any]]) -> None:
        config = {"workspace": "many", "store": _STORE, "datasets": some}
        (folder / "config.yaml").write_text(json.dumps(config))

    rules = ("--snakefile", str(workflow_file()), "--configfile", "config.yaml", *_CORES)
    log = folder / "results" / "logs" / "snakemake.log"
    configure(dict(list(entries.items())[:1]))
    found = [("`seriesview build` of one", run(folder, "build", *_CORES), "")]
    configure(entries)
    found.append(("`seriesview build -n`, one built yet", run(folder, "build", *_CORES, "-n"), ""))
    built = run(folder, "build", *_CORES)
    found.append(("`seriesview build`", built, f"{log.read_text().count('Finished jobid')}"))
    found.append(("`seriesview build`, nothing to do", run(folder, "build", *_CORES), "0"))
    found.append(("`seriesview build -n`, all built", run(folder, "build", *_CORES, "-n"), ""))
    found.append(("`snakemake`, nothing to do", run(folder, *rules, program="snakemake"), "0"))
    return found


def in_one_process(folder: Path, entries: dict[str, dict[str, Any]]) -> list[tuple[str, Spent, str]]:
    """What `build-chunk` takes of all of them, again, and when all are called otherwise."""
    words = ("--entries", "-", "--results", "chunked", "--out", "outcome.json", "--storage-dir", "other")

    def chunk() -> Spent:
        return run(
            folder, "build-chunk", *words, "--mode", "embedded", text=json.dumps({"datasets": entries})
        )

    found = [("`build-chunk` of all, in one process", chunk(), ""), ("  nothing changed", chunk(), "")]
    for entry in entries.values():
        entry["label"] = "New"
    return [*found, ("  every label changed", chunk(), "")]


def main() -> None:
    """Print what each way takes."""
    count = int(float(os.environ.get("SERIESVIEW_BENCH_DATASETS", 1000)))
    with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as directory:
        folder = Path(directory)
        entries = make_recordings(folder, count)
        limit = processor_seconds(lambda: read_hash_write(folder, count))
        found = by_snakemake(folder, entries)
        if count <= _MOST_IN_ONE_PROCESS:
            found += in_one_process(folder, entries)
        rows = [
            [
                what,
                f"{spent.seconds:.1f}",
                f"{spent.seconds / limit:.1f}",
                jobs,
                f"{spent.peak_bytes / 1e6:.0f} MB",
            ]
            for what, spent, jobs in found
        ]
        rows.append(["reading, hashing and writing them", f"{limit:.2f}", "1", "", ""])
        print_table(
            (f"{count:,} recordings of 160 kB", "processor, s", "of the limit", "jobs", "largest process"),
            rows,
        )


if __name__ == "__main__":
    main()
