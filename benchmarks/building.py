"""Building against passes that only read and hash (and write) the same bytes, in the same run.

`SERIESVIEW_BENCH_BYTES` sets the size of the recordings (2e9), `SERIESVIEW_BENCH_DIR` where they lie.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ROUNDS = 3
_BLOCK = 1 << 20

_BUILD = """
import json, sys, time
from pathlib import Path
from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import dataset_from_config
from seriesview.store import open_store
config, directory = json.loads(sys.argv[1]), Path(sys.argv[2])
store = open_store(directory / "kachery", "embedded")
began = time.perf_counter()
build_artifacts(dataset_from_config("bench", config), Job(store, directory / "ledger.jsonl"))
store.close()
seconds = time.perf_counter() - began
print(json.dumps([seconds, int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])]))
"""


def build(config: dict[str, Any], directory: Path) -> tuple[float, float, int]:
    """Seconds, peak MB and bytes written of one build in a process of its own."""
    work = Path(tempfile.mkdtemp(dir=directory))
    # What other runs left to be written back is not this one's to wait for.
    os.sync()
    arguments = [sys.executable, "-c", _BUILD, json.dumps(config), str(work)]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    seconds, kilobytes = json.loads(done.stdout)
    written = sum(path.stat().st_size for path in (work / "kachery" / "sha1").rglob("*") if path.is_file())
    shutil.rmtree(work)
    return seconds, kilobytes / 1000, written


def read_and_hash(path: Path) -> float:
    """Seconds to read a file and take its SHA-1."""
    began = time.perf_counter()
    digest, buffer = hashlib.sha1(), bytearray(_BLOCK)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
    return time.perf_counter() - began


def read_hash_write_sync(path: Path) -> float:
    """Seconds to read a file, take its SHA-1, write a copy and sync it."""
    copy = path.with_suffix(".copy")
    began = time.perf_counter()
    digest, buffer = hashlib.sha1(), bytearray(_BLOCK)
    with path.open("rb", buffering=0) as file, copy.open("wb", buffering=0) as out:
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
            out.write(memoryview(buffer)[:count])
        os.fsync(out.fileno())
    seconds = time.perf_counter() - began
    copy.unlink()
    return seconds


def h5py_slabs(path: Path) -> float:
    """Seconds for h5py to read the dataset by slabs of 30,000 samples."""
    began = time.perf_counter()
    with h5py.File(path, "r") as file:
        dataset = file["data"]
        for first in range(0, len(dataset), 30_000):
            dataset[first : first + 30_000]
    return time.perf_counter() - began


def compare(
    label: str, limit: Callable[[], float], target: float, config: dict[str, Any], directory: Path
) -> None:
    """Print the median ratio of limit to build, the two taken in turns."""
    ratios, peaks, seconds_of = [], [], []
    written = 0
    for _ in range(ROUNDS):
        before = limit()
        seconds, peak, written = build(config, directory)
        ratios.append((before + limit()) / 2 / seconds)
        peaks.append(peak)
        seconds_of.append(seconds)
    size = Path(config["path"]).stat().st_size
    print(
        f"{label}: ratio {statistics.median(ratios):.2f} (aim {target}), "
        f"{size / statistics.median(seconds_of) / 1e6:.0f} MB/s, "
        f"peak {max(peaks):.0f} MB, written {100 * written / size:.1f} % of the file",
        flush=True,
    )


def samples(count: int, channels: int, dtype: str, seed: int) -> np.ndarray:
    """A block of noise with slow drift, as recordings have it."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(0, 200, (count, channels)) + 300 * np.sin(np.arange(count) / 5000)[:, None]
    stored: np.ndarray = noise.astype(dtype)
    return stored


def write_flat(path: Path, num_bytes: int, channels: int, dtype: str) -> int:
    """Write a flat file of about `num_bytes`; how many samples it has."""
    block = samples(2_000_000 // channels, channels, dtype, 1)
    repeats = max(1, num_bytes // block.nbytes)
    with path.open("wb") as file:
        for _ in range(repeats):
            file.write(block.tobytes())
    return repeats * len(block)


def write_hdf5(path: Path, num_bytes: int, channels: int, **storage: Any) -> None:
    """Write an HDF5 file with one dataset `data` of int16."""
    block = samples(8192 * 8, channels, "int16", 2)
    repeats = max(1, num_bytes // block.nbytes)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("data", (repeats * len(block), channels), "int16", **storage)
        dataset.attrs["sampling_rate"] = 30000.0
        for index in range(repeats):
            dataset[index * len(block) : (index + 1) * len(block)] = block


def main() -> None:
    """Make the recordings and compare."""
    num_bytes = int(float(os.environ.get("SERIESVIEW_BENCH_BYTES", "2e9")))
    directory = Path(tempfile.mkdtemp(dir=os.environ.get("SERIESVIEW_BENCH_DIR")))
    try:
        flat = directory / "flat.dat"
        for channels, dtype, label in ((32, "int16", "32 x int16"), (384, "int16", "384 x int16")):
            write_flat(flat, num_bytes, channels, dtype)
            config = {"path": str(flat), "reader": "binary", "dtype": dtype, "channels": channels}
            config |= {"sampling_frequency": 30000.0}
            compare(f"flat {label}, linked", lambda: read_and_hash(flat), 0.9, config, directory)
            if channels == 32:
                stored = config | {"full_resolution": "store"}
                compare(f"flat {label}, stored", lambda: read_hash_write_sync(flat), 0.8, stored, directory)
        write_flat(flat, 400_000_000, 1, "float32")
        config = {
            "path": str(flat),
            "reader": "binary",
            "dtype": "float32",
            "channels": 1,
            "sampling_frequency": 1e3,
        }
        compare("flat 1 x float32, linked", lambda: read_and_hash(flat), 0.9, config, directory)
        flat.unlink()
        hdf5 = directory / "recording.h5"
        config = {"path": str(hdf5), "dataset": "/data"}
        write_hdf5(hdf5, num_bytes, 32)
        compare("contiguous HDF5, linked", lambda: read_and_hash(hdf5), 0.9, config, directory)
        write_hdf5(hdf5, num_bytes, 32, chunks=(8192, 32))
        compare("chunked HDF5, linked", lambda: read_and_hash(hdf5), 0.9, config, directory)
        write_hdf5(hdf5, num_bytes // 4, 32, chunks=(8192, 32), compression="gzip", shuffle=True)
        compare("gzip HDF5 against h5py reading slabs", lambda: h5py_slabs(hdf5), 2.5, config, directory)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
