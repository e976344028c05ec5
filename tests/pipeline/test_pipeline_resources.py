"""What jobs ask a cluster for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from seriesview.build.dataset import Dataset, dataset_from_config
from seriesview.pipeline.resources import ASSUMED_BYTES, Demand, demand_of, memory_mb, run_minutes


def sparse(path: Path, num_bytes: int, **entry: Any) -> Dataset:
    with path.open("wb") as file:
        file.truncate(num_bytes)
    return dataset_from_config("raw", {"path": str(path)} | entry)


def flat(path: Path, num_bytes: int, channels: int) -> Dataset:
    return sparse(path, num_bytes, dtype="int16", channels=channels, sampling_frequency=30000)


def test_memory_does_not_grow_with_a_recording_but_with_its_events(tmp_path: Path) -> None:
    small, large, probe = (
        demand_of(flat(tmp_path / f"{size}-{channels}.dat", size, channels))
        for size, channels in ((64_000, 1), (32_000_000_000, 32), (76_800_000_000, 384))
    )
    assert small.memory_mb == large.memory_mb == probe.memory_mb
    assert [each.num_bytes for each in (small, large)] == [64_000, 32_000_000_000]
    np.lib.format.open_memmap(tmp_path / "spikes.npy", "w+", "f8", (20_000_000,))
    events = demand_of(dataset_from_config("spikes", {"path": str(tmp_path / "spikes.npy"), "type": "event"}))
    # It was measured to take 1,015 MB.
    assert 1015 < events.memory_mb < 1500


@pytest.mark.parametrize(
    ("chunks", "measured", "most"),
    [((30_000, 64), 167, 600), ((100_000, 256), 256, 800), ((600_000, 1), 162, 1000)],
    ids=str,
)
def test_chunks_that_are_unpacked_whole_are_held(
    tmp_path: Path, chunks: tuple[int, int], measured: int, most: int
) -> None:
    path = tmp_path / "chunks.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", (600_000, 256), "i2", chunks=chunks, compression="gzip")
        # Chunks of zeros take no space: the file is as large as its samples would make it.
        data[0, 0] = 1
    with path.open("r+b") as whole:
        whole.truncate(200_000_000)
    found = demand_of(dataset_from_config("raw", {"path": str(path), "sampling_frequency": 30000}))
    assert measured < found.memory_mb < most


def test_what_is_not_there_yet_is_assumed_and_known_once_it_is(tmp_path: Path) -> None:
    path = tmp_path / "made.dat"
    entry = {"path": str(path), "dtype": "int16", "channels": 4, "sampling_frequency": 1000}
    dataset = dataset_from_config("made", entry)
    before = demand_of(dataset)
    assert (before.num_bytes, before.is_known) == (ASSUMED_BYTES, False)
    path.write_bytes(b"\0" * 800)
    assert demand_of(dataset) == Demand(800, before.memory_mb - 200)
    assert not demand_of(dataset_from_config("far", {"path": "https://example.org/a.edf"})).is_known


def test_what_cannot_be_opened_takes_no_more_than_its_file_says(tmp_path: Path) -> None:
    assert demand_of(sparse(tmp_path / "broken.edf", 50_000_000)).num_bytes == 50_000_000


def test_each_attempt_asks_for_twice_as_much() -> None:
    demands = [Demand(1_200_000_000, 200), Demand(1_200_000_000, 900)]
    assert [memory_mb(demands, attempt) for attempt in (1, 2, 3)] == [1300, 2600, 5200]
    first = run_minutes(demands)
    assert [run_minutes(demands, attempt) for attempt in (1, 2, 3)] == [first, 2 * first, 4 * first]


def test_jobs_of_a_group_add_up_their_bytes_and_start_once() -> None:
    job = [Demand(24_000_000_000, 200)]
    assert run_minutes(job) == 31
    assert run_minutes(job, is_grouped=True) == 22
    assert run_minutes([job[0].shared_by(20)]) == 12
