"""Reading HDF5 recordings in blocks, against h5py reading the same slabs and against plain reads of the same bytes.

Slabs and blocks are whole rows of chunks of about 4 MiB, as builds choose them; h5py is fastest with such slabs. Other
work on the machine costs the ratio, since h5py needs one core: the first line says what all threads could do.
`SERIESVIEW_BENCH_HDF5_BYTES` sets the size of the recordings (4e8), `SERIESVIEW_BENCH_DIR` where they lie.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.build.blocks import block_samples
from seriesview.readers.hdf5.samples import Hdf5Samples

CHANNELS = 32
THREADS = min(4, len(os.sched_getaffinity(0)))
ROUNDS = 7
GZIP = {"compression": "gzip", "compression_opts": 4, "shuffle": True}


@dataclass(frozen=True)
class Case:
    """How a dataset is stored; the ratio to h5py to reach where it is compressed. Others are against plain reads."""

    label: str
    storage: dict[str, Any]
    aim: float | None = None


CASES = (
    Case("gzip, chunks of 8192 x 32", {"chunks": (8192, 32), **GZIP}, 2.5),
    Case("gzip, chunks of 32768 x 8", {"chunks": (32768, 8), **GZIP}, 2.5),
    Case("gzip, chunks of 32768 x 1", {"chunks": (32768, 1), **GZIP}, 2.5),
    Case("contiguous", {}),
    Case("chunks of 8192 x 32", {"chunks": (8192, 32)}),
    Case("chunks of 32768 x 1", {"chunks": (32768, 1)}),
)


def recording(num_samples: int) -> npt.NDArray[np.int16]:
    """Samples (n, C) of 30 kHz at 0.195 uV: a field potential that falls with its frequency, and noise of 10 uV."""
    random = np.random.default_rng(1)
    frequencies = np.fft.rfftfreq(num_samples, 1 / 30_000)
    amplitude = 1 / np.maximum(frequencies, 1)
    samples = np.empty((num_samples, CHANNELS), np.int16)
    for channel in range(CHANNELS):
        phases = np.exp(2j * np.pi * random.random(len(frequencies)))
        field = np.fft.irfft(amplitude * phases, num_samples)
        field *= 150 / field.std()
        samples[:, channel] = (field + random.normal(0, 10, num_samples)) / 0.195
    return samples


def write(path: Path, block: npt.NDArray[np.int16], num_bytes: int, storage: dict[str, Any]) -> None:
    """Write the block as often as fits; repeats are far behind what gzip sees."""
    repeats = max(1, num_bytes // block.nbytes)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("data", (repeats * len(block), CHANNELS), "int16", **storage)
        for first in range(0, len(dataset), len(block)):
            dataset[first : first + len(block)] = block


def read_in_blocks(path: Path) -> float:
    """Seconds for Hdf5Samples to read all samples."""
    with h5py.File(path, "r") as file:
        samples = Hdf5Samples(file["data"], path)
        rows = block_samples(samples.dtype, CHANNELS, 1, samples.preferred_rows)
        block = np.ones((rows, CHANNELS), np.int16)
        began = time.perf_counter()
        for first in range(0, samples.num_samples, rows):
            samples.read_into(first, block[: samples.num_samples - first])
        seconds: float = time.perf_counter() - began
        samples.close()
    return seconds


def read_by_h5py(path: Path) -> float:
    """Seconds for h5py to read all samples in slabs of the same size."""
    with h5py.File(path, "r") as file:
        dataset = file["data"]
        rows = block_samples(dataset.dtype, CHANNELS, 1, (dataset.chunks or (1,))[0])
        began = time.perf_counter()
        for first in range(0, len(dataset), rows):
            dataset[first : first + rows]
        return time.perf_counter() - began


def read_plainly(path: Path) -> float:
    """Seconds to read the file in pieces of 4 MiB into one buffer."""
    buffer = bytearray(b"\1" * (4 << 20))
    began = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.perf_counter() - began


def hashing_gain() -> float:
    """How much faster all threads together take SHA-1s than one: what the machine had to give at that moment."""
    data = bytes(8 << 20)

    def work(_: int) -> None:
        for _ in range(4):
            hashlib.sha1(data).digest()

    began = time.perf_counter()
    work(0)
    alone: float = time.perf_counter() - began
    with ThreadPoolExecutor(THREADS) as pool:
        began = time.perf_counter()
        list(pool.map(work, range(THREADS)))
    return THREADS * alone / (time.perf_counter() - began)


class Comparison:
    """One recording's times, a round at a time."""

    def __init__(self, case: Case, path: Path) -> None:
        self.case = case
        self.path = path
        self.is_packed = "compression" in case.storage
        self._limit: list[float] = []
        self._ours: list[float] = []
        self._ratios: list[float] = []

    def take(self) -> None:
        """Measure the limit before and after reading in blocks."""
        limit = read_by_h5py if self.is_packed else read_plainly
        before = limit(self.path)
        self._ours.append(read_in_blocks(self.path))
        self._limit += [before, limit(self.path)]
        self._ratios.append((self._limit[-2] + self._limit[-1]) / 2 / self._ours[-1])

    def report(self) -> None:
        """Print the median of the rounds' ratios, and the ratio of the best times of all rounds."""
        with h5py.File(self.path, "r") as file:
            num_bytes = file["data"].nbytes
        ours, limit = min(self._ours), min(self._limit)
        aim = f" (aim {self.case.aim})" if self.case.aim is not None else ""
        print(
            f"{self.case.label}, against {'h5py' if self.is_packed else 'plain reads'}: "
            f"ratio {statistics.median(self._ratios):.2f}, of best times {limit / ours:.2f}{aim}, "
            f"{num_bytes / ours / 1e6:.0f} against {num_bytes / limit / 1e6:.0f} MB/s, "
            f"file {100 * self.path.stat().st_size / num_bytes:.0f} % of the samples",
            flush=True,
        )


def main() -> None:
    """Write the recordings, and compare in rounds that each take in all of them."""
    num_bytes = int(float(os.environ.get("SERIESVIEW_BENCH_HDF5_BYTES", "4e8")))
    directory = Path(tempfile.mkdtemp(dir=os.environ.get("SERIESVIEW_BENCH_DIR")))
    block = recording(1 << 18)
    try:
        comparisons = []
        for index, case in enumerate(CASES):
            comparisons.append(Comparison(case, directory / f"{index}.h5"))
            write(comparisons[-1].path, block, num_bytes, case.storage)
        os.sync()
        gains = []
        for _ in range(ROUNDS):
            gains.append(hashing_gain())
            for comparison in comparisons:
                comparison.take()
        print(
            f"{num_bytes / 1e6:.0f} MB each; {THREADS} threads, which together take SHA-1s "
            f"{statistics.median(gains):.2f} times as fast as one (best round {max(gains):.2f})"
        )
        for comparison in comparisons:
            comparison.report()
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
