"""A thousand small recordings: what building them costs, in processor time, beside reading, hashing and writing them.

`SERIESVIEW_BENCH_DATASETS` sets how many there are (1000), `SERIESVIEW_BENCH_DIR` where they lie.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.pipeline import workflow_file

_SHAPE = (2500, 32)
_KEYS = {"reader": "binary", "dtype": "int16", "channels": _SHAPE[1], "sampling_frequency": 1000}
_STORE = {"storage_dir": "kachery", "mode": "embedded"}


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


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor that this process and its children took for some work, and seconds that went by."""

    def spent() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(each.ru_utime + each.ru_stime for each in used)

    before, began = spent(), time.perf_counter()
    work()
    return spent() - before, time.perf_counter() - began


def run(folder: Path, *words: str, text: str | None = None, program: str = "seriesview") -> None:
    """Run a program that is installed beside this Python in a folder."""
    command = [str(Path(sys.executable).parent / program), *words]
    subprocess.run(command, cwd=folder, input=text, text=True, check=True, capture_output=True)


def main() -> None:
    """Print what each way takes."""
    count = int(float(os.environ.get("SERIESVIEW_BENCH_DATASETS", 1000)))
    with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as directory:
        folder = Path(directory)
        entries = make_recordings(folder, count)
        limit, _ = measured(lambda: read_hash_write(folder, count))

        def show(what: str, work: Callable[[], object]) -> None:
            processor, seconds = measured(work)
            print(
                f"{what:44s} {processor:7.1f} s of the processor, {processor / count:.4f} a dataset, "
                f"{processor / limit:5.1f} x the limit; {seconds:6.1f} s",
                flush=True,
            )

        print(f"{count} recordings; to read, hash and write them: {limit:.2f} s of the processor")

        def chunk() -> None:
            text = json.dumps({"datasets": entries})
            words = ("--results", "chunked", "--out", "outcome.json", "--storage-dir", "kachery")
            run(folder, "build-chunk", "--entries", "-", "--mode", "embedded", *words, text=text)

        show("one process (build-chunk)", chunk)
        show("  again, nothing changed", chunk)
        for entry in entries.values():
            entry["label"] = "New"
        show("  every label changed", chunk)
        config = {"workspace": "many", "store": {**_STORE, "storage_dir": "other"}, "datasets": entries}
        (folder / "config.yaml").write_text(json.dumps(config))
        rules = ("--snakefile", str(workflow_file()), "--configfile", "config.yaml", "--cores", "2")
        show("snakemake -n", lambda: run(folder, *rules, "-n", program="snakemake"))
        show("seriesview build, on two cores", lambda: run(folder, "build", "--cores", "2"))
        log = (folder / "results" / "logs" / "snakemake.log").read_text()
        print(f"  {log.count('Finished jobid')} jobs")
        show("  again, nothing changed", lambda: run(folder, "build", "--cores", "2"))
        show("  -n", lambda: run(folder, "build", "--cores", "2", "-n"))
        show("snakemake, nothing to do", lambda: run(folder, *rules, program="snakemake"))


if __name__ == "__main__":
    main()
