"""Typical values: one sample of each equal stretch, the same however the build was made, in bounded memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.build.artifacts import Job, build_artifacts, build_shard, gather_shards
from seriesview.build.dataset import dataset_from_config
from seriesview.build.shards import Shard
from seriesview.build.typical import MOST_VALUES, TypicalSamples, clipped_of, grid_rows, typical_of
from seriesview.envelope.missing import Missing, MissingValues
from seriesview.readers.protocol import Channel
from seriesview.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "kachery", "embedded")


@settings(deadline=None)
@given(st.integers(0, 2**45), st.integers(1, 5000))
def test_one_sample_of_each_stretch_is_looked_at(num_samples: int, channels: int) -> None:
    rows = grid_rows(num_samples, channels)
    count = len(rows)
    assert count == min(num_samples, 65536, max(1024, MOST_VALUES // channels))
    for number in {0, 1, count // 2, count - 1} & set(range(count)):
        assert number * num_samples // count <= rows[number] < (number + 1) * num_samples // count
    assert (np.diff(rows) > 0).all()


@pytest.mark.parametrize("period", [20, 64, 7.5])
def test_a_periodic_signal_shows_all_its_phases(period: float) -> None:
    rows = grid_rows(65536 * 20 * 16, 1)
    (found,) = typical_of(np.sin(2 * np.pi * rows / period)[:, np.newaxis], None)
    assert found is not None
    assert found[0] < -0.95
    assert abs(found[1]) < 0.35
    assert found[2] > 0.95


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 3000), st.integers(1, 5), st.integers(1, 700), st.data())
def test_blocks_in_any_cut_give_the_same(count: int, shards: int, unit: int, data: Any) -> None:
    samples = np.random.default_rng(count).integers(-300, 300, (count, 2)).astype(np.int16)
    expected = samples[grid_rows(count, 2)]

    def read_into(first: int, out: np.ndarray) -> None:
        out[:] = samples[first : first + len(out)]

    pieces = []
    for index in range(shards):
        typical = TypicalSamples(np.dtype(np.int16), 2, count, Shard(index, shards).samples(count))
        for first in data.draw(st.lists(st.integers(0, count), max_size=4)):
            typical.take(first, samples[first : first + data.draw(st.integers(0, 900))])
        typical.complete(read_into, np.dtype(np.int16), unit, count)
        pieces.append(typical.samples)
    np.testing.assert_array_equal(np.concatenate(pieces), expected)


def test_extremes_are_not_typical_and_what_is_not_finite_is_left_out() -> None:
    values = np.arange(1000.0)
    values[:5], values[5:8], values[8:10] = 1e36, np.nan, -np.inf
    assert typical_of(values[:, np.newaxis], None) == [(20.0, 507.0, 994.0)]
    assert typical_of(np.full((9, 1), np.nan), None) == [None]
    assert typical_of(np.full((9, 1), 2**63 - 1), None) == [(2**63 - 1,) * 3]


def test_what_reaches_a_limit_is_clipped_and_what_is_missing_is_not() -> None:
    values = np.tile(np.arange(-4, 4, dtype=np.int16)[:, np.newaxis], (1, 4))
    missing = MissingValues(values.dtype, (Missing((-4,)),) * 4)
    limits = [(-4.0, 3.0), (-2.5, 100.0), None, (-100.0, 100.0)]
    channels = [Channel(str(number), "", limits=ends) for number, ends in enumerate(limits)]
    assert clipped_of(values, None, channels) == [2 / 8, 2 / 8, None, 0]
    assert clipped_of(values, missing, channels) == [1 / 7, 1 / 7, None, 0]
    assert clipped_of(np.full((3, 1), np.nan), None, channels[:1]) == [None]


def manifest_of(config: dict[str, Any], store: Store, directory: Path, shards: int = 0) -> dict[str, Any]:
    dataset = dataset_from_config("raw", config)
    if not shards:
        found: dict[str, Any] = build_artifacts(dataset, Job(store, directory / "raw.jsonl"))["manifest"]
        return found
    pieces = [
        build_shard(dataset, Job(store, directory / f"{n}.jsonl"), Shard(n, shards)) for n in range(shards)
    ]
    gathered: dict[str, Any] = gather_shards(dataset, Job(store, directory / "all.jsonl"), pieces)["manifest"]
    return gathered


@pytest.mark.parametrize("resolution", ["link", "store", "omit"])
def test_packed_chunks_give_the_same_in_one_job_and_in_many(
    tmp_path: Path, store: Store, resolution: str
) -> None:
    samples = np.random.default_rng(1).normal(0, 300, (150_000, 3)).astype(np.int16)
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file.create_dataset("x", data=samples, chunks=(5000, 3), compression="gzip")
    config = {"path": str(tmp_path / "raw.h5"), "dataset": "/x", "sampling_frequency": 100}
    config |= {"full_resolution": resolution}
    whole = manifest_of(config, store, tmp_path)
    taken = samples[grid_rows(150_000, 3)]
    expected = [list(found or ()) for found in typical_of(taken, None)]
    assert [channel["typical"] for channel in whole["channels"]] == expected
    assert manifest_of(config, store, tmp_path, shards=3) == whole


def test_events_have_none(tmp_path: Path, store: Store) -> None:
    (tmp_path / "spikes.csv").write_text("time,unit\n1,a\n2,b\n")
    manifest = manifest_of({"path": str(tmp_path / "spikes.csv"), "type": "event"}, store, tmp_path)
    assert all("typical" not in channel for channel in manifest["channels"])
