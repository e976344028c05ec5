"""Builds that end inside a pack, and packs that are altered afterwards."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_disks import small_disk_at

from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import Dataset, dataset_from_config
from seriesview.errors import StoreError
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import parse_series_manifest
from seriesview.series.packs import PartPool
from seriesview.store import Store, open_store, sha1_uri
from seriesview.store.paths import staging_directory
from seriesview.store.staging import StagedFile
from seriesview.upkeep.verification import Verifier


@pytest.fixture(autouse=True)
def _small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", 1 << 12)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 3 << 12)


def dataset(directory: Path, num_samples: int = 60_000) -> Dataset:
    path = directory / "raw.dat"
    np.random.default_rng(1).integers(-99, 99, (num_samples, 6)).astype("int16").tofile(path)
    config: dict[str, Any] = {"path": str(path), "reader": "binary", "dtype": "int16", "channels": 6}
    return dataset_from_config("raw", config | {"sampling_frequency": 1000.0, "full_resolution": "store"})


def stored(store: Store) -> dict[str, int]:
    """Artifacts, each checked to be what its name says, and the files' inodes."""
    found = {path.name: path for path in (store.directory / "sha1").rglob("?" * 40) if path.is_file()}
    assert all(hashlib.sha1(path.read_bytes()).hexdigest() == name for name, path in found.items())
    return {name: path.stat().st_ino for name, path in found.items()}


def leftovers(store: Store) -> list[Path]:
    return list(staging_directory(store.directory).glob("*"))


@pytest.mark.parametrize("after", [1, 20, 33, 71, 150])
def test_a_build_killed_inside_a_pack_goes_on_and_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    recording = dataset(tmp_path)
    whole = build_artifacts(
        recording, Job(open_store(tmp_path / "whole", "embedded"), tmp_path / "whole.jsonl")
    )
    store = open_store(tmp_path / "killed", "embedded")
    process = os.fork()
    if process == 0:
        write_at, seen = StagedFile.write_at, 0

        def write_or_die(staged: StagedFile, data: memoryview, offset: int) -> None:
            nonlocal seen
            seen += 1
            if seen == after:
                write_at(staged, data[: len(data) // 2], offset)
                os.kill(os.getpid(), signal.SIGKILL)
            write_at(staged, data, offset)

        monkeypatch.setattr(StagedFile, "write_at", write_or_die)
        build_artifacts(recording, Job(store, tmp_path / "killed.jsonl"))
        os._exit(0)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status), "it was killed"
    before = stored(store)
    assert leftovers(store), "a pack that was begun"

    store = open_store(tmp_path / "killed", "embedded")
    again = build_artifacts(recording, Job(store, tmp_path / "killed.jsonl"))
    assert again["manifest"] == whole["manifest"]
    assert leftovers(store) == []
    after_all = stored(store)
    assert {name: after_all[name] for name in before} == before, "finished packs were left as they were"
    assert set(after_all) == set(stored(open_store(tmp_path / "whole", "embedded")))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    with small_disk_at(tmp_path / "disk", "size=1m") as disk:
        yield disk


def test_a_disk_that_fills_up_within_a_pack_leaves_whole_ones(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seriesview.build.artifacts.ensure_room", lambda *_: None)
    recording = dataset(tmp_path, 120_000)
    whole = build_artifacts(
        recording, Job(open_store(tmp_path / "whole", "embedded"), tmp_path / "whole.jsonl")
    )
    store = open_store(small_disk / "storage", "embedded")
    with pytest.raises(StoreError, match="the disk is full"):
        build_artifacts(recording, Job(store, tmp_path / "full.jsonl"))
    assert leftovers(store) == []
    before = stored(store)
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert build_artifacts(recording, Job(store, tmp_path / "full.jsonl"))["manifest"] == whole["manifest"]
    after = stored(store)
    assert {name: after[name] for name in before} == before


def test_a_flipped_bit_is_found_in_its_part_of_its_pack(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", "embedded")
    built = build_artifacts(dataset(tmp_path), Job(store, tmp_path / "ledger.jsonl"))
    uri = store.put_json(built["manifest"], name="series.json")
    values = parse_series_manifest(built["manifest"]).values
    reader = ArrayReader(store, values)  # type: ignore[arg-type]
    pack, start, _ = reader.place(7)
    path = store.path(sha1_uri(pack.hex(), "pack.dat"))
    data = bytearray(path.read_bytes())
    data[start + 5] ^= 4
    path.chmod(0o644)
    path.write_bytes(data)
    verifier = Verifier(store)
    verifier.series(uri, "raw")
    (problem,) = verifier.found.problems
    assert (problem.kind, problem.artifact) == ("altered", sha1_uri(pack.hex(), "pack.dat"))
    assert problem.what == f"raw: values: pack {7 // reader.info.pack_parts}"
    assert "part 7" in problem.message


def test_a_pack_that_is_written_for_long_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seriesview.store.staging.TOUCH_SECONDS", 0.001)
    store = open_store(tmp_path / "store", "embedded")
    with PartPool(store) as pool:
        pool.open_pack().add(np.zeros(10)).result()
        (path,) = leftovers(store)
        os.utime(path, (0, 0))
        while path.stat().st_mtime == 0:
            os.sched_yield()
    assert leftovers(store) == [], "a pack that is not finished goes with its writer"
