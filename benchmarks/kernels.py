"""The envelope's kernels, in ns per value, against a plain hashlib.sha1 pass over the same bytes in the same run.

Blocks are 1 MiB, so that samples stay in a core's cache as they do while a build reads them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.envelope.moments import MomentReducer
from seriesview.envelope.reduce import LevelMerger, LevelReducer
from seriesview.envelope.segment import SegmentReducer

BLOCK_BYTES = 1 << 20
_ROUNDS = 15
_SECONDS = 0.01

CASES: tuple[tuple[str, int, int, float, float], ...] = (
    ("int16", 32, 16, 0, 200),
    ("int16", 384, 16, 0, 200),
    ("int16", 32, 16, 0, 8000),
    ("uint16", 32, 16, 32768, 200),
    ("int16", 1, 64, 0, 200),
    ("int8", 32, 16, 0, 20),
    ("int32", 32, 16, 0, 1e6),
    ("float32", 1, 64, 0, 1),
    ("float32", 32, 16, 0, 1),
    ("float64", 1, 64, 0, 1),
    ("float16", 32, 16, 0, 1),
)
"""dtype, channels, base factor, mean and standard deviation of the samples."""


def nanoseconds(work: Callable[[], object], num_values: int) -> float:
    """The best time of `work`, in ns per value."""
    began = time.perf_counter()
    work()
    repeats = max(1, int(_SECONDS / (time.perf_counter() - began)))
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for _ in range(repeats):
            work()
        best = min(best, time.perf_counter() - began)
    return best / repeats / num_values * 1e9


def block(dtype: str, num_channels: int, mean: float, deviation: float) -> NDArray[Any]:
    """Seeded noise (n, C) of about BLOCK_BYTES, n a multiple of 1024."""
    rows = max(1, BLOCK_BYTES // (np.dtype(dtype).itemsize * num_channels * 1024)) * 1024
    noise = np.random.default_rng(1).normal(mean, deviation, (rows, num_channels))
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        noise = np.clip(noise, limits.min, limits.max)
    return noise.astype(dtype)


def main() -> None:
    """Print a line for each case: ns per value, and in brackets the ratio to SHA-1's time."""
    names = ("sha1", "level", "moments", "both", "merge")
    print(f"{'samples':28}" + "".join(f"{name:>15}" for name in names) + "   (ns/value; ratio to sha1)")
    for dtype, num_channels, factor, mean, deviation in CASES:
        samples = block(dtype, num_channels, mean, deviation)
        level = LevelReducer(dtype, num_channels, factor)
        moments = MomentReducer(dtype, num_channels)
        both = SegmentReducer(dtype, num_channels, factor)
        merger = LevelMerger(dtype, num_channels)
        bins = level.add(samples)
        works: tuple[Callable[[], object], ...] = (
            partial(hashlib.sha1, samples.data),
            partial(level.add, samples),
            partial(moments.add, samples),
            partial(both.add, samples),
            partial(merger.add, bins),
        )
        times = [nanoseconds(work, samples.size) for work in works]
        label = f"{dtype} x {num_channels}, sd {deviation:g}"
        print(
            f"{label:28}" + "".join(f"{spent:8.3f} ({spent / times[0]:.2f})" for spent in times), flush=True
        )


if __name__ == "__main__":
    main()
