"""What building costs, by the gigabyte: seconds of the processor, bytes and artifacts of views, memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.building import samples, write_flat, write_hdf5
from benchmarks.measuring import amount, print_table
from benchmarks.recording_files import edf

Recording = tuple[str, Callable[[Path], Path], dict[str, Any]]

_BUILD = """
import json, resource, sys
from pathlib import Path
from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import dataset_from_config
from seriesview.build.series import build_series
from seriesview.store import open_store

def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

config, directory = json.loads(sys.argv[1]), Path(sys.argv[2])
store = open_store(directory / "kachery", "embedded")
dataset = dataset_from_config("recording", config)
before = spent()
build_series(dataset, build_artifacts(dataset, Job(store, directory / "ledger.jsonl")), store)
store.close()
# Not as getrusage has it, which counts what the process was forked from.
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
print(json.dumps([spent() - before, 1024 * peak]))
"""


def recordings(num_bytes: int) -> Iterator[Recording]:
    """Labels of recordings of so many bytes, how they are written into a folder, and their entries.

    That of EDF is smaller, as it is made in memory.
    """

    def flat(channels: int) -> Callable[[Path], Path]:
        def write(folder: Path) -> Path:
            write_flat(folder / "flat.dat", num_bytes, channels, "int16")
            return folder / "flat.dat"

        return write

    def packed(folder: Path) -> Path:
        write_hdf5(folder / "a.h5", num_bytes, 32, chunks=(8192, 32), compression="gzip", shuffle=True)
        return folder / "a.h5"

    def records(folder: Path) -> Path:
        return edf(folder, samples(num_bytes // 256 // 16384 * 16384 or 16384, 32, "int16", 1))

    keys = {"reader": "binary", "dtype": "int16", "sampling_frequency": 30_000.0}
    yield "flat, 32 x int16, linked", flat(32), {**keys, "channels": 32}
    yield "flat, 384 x int16, linked", flat(384), {**keys, "channels": 384}
    yield "flat, 384 x int16, stored", flat(384), {**keys, "channels": 384, "full_resolution": "store"}
    yield "EDF, 32 channels, linked", records, {}
    yield "HDF5, gzip and shuffle, linked", packed, {"dataset": "/data"}


def print_cost(directory: Path, num_bytes: int) -> None:
    """Print what recordings of so many bytes take, and what that comes to for more."""
    costs, cores = [], []
    for label, write, keys in recordings(num_bytes):
        with TemporaryDirectory(dir=directory) as name:
            path = write(Path(name))
            entry = {"path": str(path), **keys}
            command = [sys.executable, "-c", _BUILD, json.dumps(entry), name]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, peak = json.loads(done.stdout)
            files = [each for each in (Path(name) / "kachery" / "sha1").rglob("*") if each.is_file()]
            stored = sum(each.stat().st_size for each in files)
            gigabytes = path.stat().st_size / 1e9
            costs.append(
                [
                    label,
                    f"{gigabytes:.2f} GB",
                    f"{seconds / gigabytes:.2f} s",
                    f"{peak / 1e6:.0f} MB",
                    f"{seconds / gigabytes / 3.6:.2f} h",
                    f"{1000 * stored / gigabytes / 1e9:,.0f} GB",
                    amount(1000 * len(files) / gigabytes),
                ]
            )
            cores.append([label, *(amount(rate * seconds / gigabytes) for rate in (1, 10, 100))])
    print_table(
        (
            "recording",
            "measured on",
            "processor a GB",
            "memory",
            "processor a TB*",
            "stored a TB*",
            "artifacts a TB*",
        ),
        costs,
    )
    print_table(("cores* to build as fast as it comes", "1 GB/s", "10 GB/s", "100 GB/s"), cores)
