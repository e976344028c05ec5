"""`Series.window` of 1500 columns, warm: percentiles for each rung of the ladder, grouped by what it is read from."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seriesview.envelope.bins import level_factors
from seriesview.envelope.reduce import LevelReducer
from seriesview.series.arrays import ArrayWriter
from seriesview.series.manifest import (
    ArrayInfo,
    ChannelInfo,
    ContiguousLink,
    LevelInfo,
    LinkInfo,
    SegmentInfo,
    SeriesManifest,
)
from seriesview.series.series import Series
from seriesview.store import Store, open_store

COLUMNS = 1500
CALLS = 200
BETWEEN = (1000, 10_007)
"""Samples a column that no level's bins make up."""
LIMITS_MS = {32: {"levels": 1.0, "samples": 4.0}, 384: {"levels": 15.0, "samples": 15.0}}


def recording(num_samples: int, num_channels: int) -> npt.NDArray[np.int16]:
    """Noise on a slow wave (n, C)."""
    random = np.random.default_rng(1)
    block = random.integers(-200, 200, (min(num_samples, 30_000), num_channels), np.int16)
    return np.resize(block, (num_samples, num_channels))


def store_array(store: Store, rows: npt.NDArray[np.int16]) -> ArrayInfo:
    with ArrayWriter(store, rows.dtype, rows.shape[1:]) as writer:
        writer.append(rows)
        return writer.finish()


def make_series(store: Store, samples: npt.NDArray[np.int16], raw: Path | None) -> Series:
    """A series with its samples linked in the file `raw`, or stored where that is None."""
    num_samples, num_channels = samples.shape
    values: ArrayInfo | LinkInfo
    if raw is None:
        values = store_array(store, samples)
    else:
        samples.tofile(raw)
        values = ContiguousLink(store.hash_and_link(raw), 0, 2 * num_channels, 2)
    levels = []
    for factor in level_factors([num_samples], num_channels):
        reducer = LevelReducer(samples.dtype, num_channels, factor)
        bins = np.concatenate([reducer.add(samples), reducer.finish()])
        levels.append(LevelInfo(factor, store_array(store, bins)))
    manifest = SeriesManifest(
        type="continuous",
        dtype="int16",
        channels=tuple(ChannelInfo(str(c), str(c)) for c in range(num_channels)),
        segments=(SegmentInfo(0.0, num_samples / 30_000, num_samples),),
        sampling_frequency=30_000.0,
        values=values,
        levels=tuple(levels),
    )
    return Series(manifest, store)


def time_rung(series: Series, samples_per_column: int, calls: int) -> list[float]:
    """Milliseconds of each of `calls` windows at places one column apart, the first ones not counted."""
    room = series.segments[0].num_samples - 1 - COLUMNS * samples_per_column
    places = max(room // samples_per_column, 1)
    taken = []
    for call in range(calls + 5):
        first = call * 7 % places * samples_per_column
        begin = time.perf_counter()
        series.window(0, first, samples_per_column, COLUMNS)
        taken.append(1000 * (time.perf_counter() - begin))
    return taken[5:]


def main() -> None:
    """Print p50 and p99 of each class of rungs, and the slowest rung of it."""
    calls = int(os.environ.get("SERIESVIEW_BENCH_CALLS", CALLS))
    for num_channels, num_samples in ((32, 2_000_000), (384, 200_000)):
        with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as directory:
            store = open_store(Path(directory) / "store", "embedded")
            samples = recording(num_samples, num_channels)
            for how in ("linked", "stored"):
                raw = Path(directory) / "raw.dat" if how == "linked" else None
                with make_series(store, samples, raw) as series:
                    print_classes(series, how, calls)
                    print_between(series, how)


def print_classes(series: Series, how: str, calls: int) -> None:
    rungs = [r for r in series.zoom_ladder(0) if r >= 2 and r * COLUMNS < series.segments[0].num_samples]
    for name in ("levels", "samples"):
        if name == "levels" and how == "stored":
            continue
        chosen = [r for r in rungs if (series.factor_used(0, r) == 1) == (name == "samples")]
        taken = {rung: time_rung(series, rung, calls) for rung in chosen}
        limit = LIMITS_MS[len(series.channels)][name]
        every = [value for values in taken.values() for value in values]
        worst = max(taken, key=lambda rung: np.percentile(taken[rung], 99))
        p50, p99, worst_p99 = (
            np.percentile(every, 50),
            np.percentile(every, 99),
            np.percentile(taken[worst], 99),
        )
        source = name if name == "levels" else f"{name} ({how})"
        print(
            f"{len(series.channels)} channels, {source}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, "
            f"slowest rung {worst} samples a column: p99 {worst_p99:.2f} ms; limit {limit:g} ms"
        )


def print_between(series: Series, how: str) -> None:
    """Processor time of windows whose columns fall onto no bins, and of the same made of all samples."""
    for step in BETWEEN:
        columns = min(COLUMNS, (series.segments[0].num_samples - 2) // step)
        everything = slice(0, len(series.channels))
        ways: list[Callable[[], object]] = [
            partial(series.window, 0, 1, step, columns),
            partial(series._pyramid.from_samples, 0, 1, step, columns, everything),
        ]
        medians = []
        for make in ways:
            make()
            medians.append(np.median([processor_milliseconds(make) for _ in range(9)]))
        print(
            f"{len(series.channels)} channels, {columns} columns of {step} samples ({how}): {medians[0]:.1f} ms of the "
            f"processor, of all samples {medians[1]:.1f}",
            flush=True,
        )


def processor_milliseconds(make: Callable[[], object]) -> float:
    begin = time.process_time()
    make()
    return 1000 * (time.process_time() - begin)


if __name__ == "__main__":
    main()
