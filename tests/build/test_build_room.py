"""Whether a build fits: bytes and files, on the disk and within a quota; and how many files a long recording makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import dataset_from_config
from seriesview.build.outlook import build_outlook
from seriesview.build.plan import SamplesPlan, moments_level_factors
from seriesview.build.results import write_json
from seriesview.build.room import Need, ensure_room, fits
from seriesview.build.timeline import SegmentTimes, Timeline
from seriesview.build.work_folder import WorkFolder
from seriesview.envelope.bins import default_base, level_factors
from seriesview.errors import BuildError
from seriesview.series.manifest import parse_series_manifest
from seriesview.store import Store, open_store
from seriesview.store.room import Room
from seriesview.upkeep.verification import arrays_of


def plan(
    num_samples: int, channels: int, rate: float | None = 30_000.0, resolution: str = "omit"
) -> SamplesPlan:
    segment = SegmentTimes(0.0, 1.0, 0, num_samples)
    return SamplesPlan(
        dtype=np.dtype(np.int16),
        num_channels=channels,
        timeline=Timeline(rate, (segment,), 0.0),
        base=default_base(channels),
        ratio=4,
        level_factors=level_factors([num_samples], channels, None, 4),
        moments_factors=moments_level_factors([num_samples]),
        resolution=resolution,  # type: ignore[arg-type]
    )


def test_an_hour_of_384_channels_makes_at_most_1000_files_and_3000_inodes() -> None:
    need = plan(3600 * 30_000, 384).need
    assert need.num_artifacts == 809 + 15
    assert need.num_files <= 3000
    assert 0.17 < need.num_bytes / (3600 * 30_000 * 384 * 2) < 0.19


def flat(path: Path, num_samples: int, channels: int, **more: object) -> dict[str, object]:
    np.random.default_rng(1).integers(-99, 99, (num_samples, channels)).astype("int16").tofile(path)
    config = {"path": str(path), "reader": "binary", "dtype": "int16", "sampling_frequency": 1000.0}
    return config | {"channels": channels} | more


@pytest.mark.parametrize("resolution", ["omit", "store"])
@pytest.mark.parametrize(("part_bytes", "pack_bytes"), [(2 << 20, 20_000_000), (2000, 5000), (100, 100)])
def test_a_build_makes_as_many_files_as_were_foreseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int, pack_bytes: int, resolution: str
) -> None:
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", part_bytes)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", pack_bytes)
    store = open_store(tmp_path / "kachery", "embedded")
    dataset = dataset_from_config("raw", flat(tmp_path / "raw.dat", 30_000, 6, full_resolution=resolution))
    (outlook,) = build_outlook([dataset], WorkFolder(tmp_path), store).datasets
    result = build_artifacts(dataset, Job(store, tmp_path / "ledger.jsonl"))
    files = [path for path in (store.directory / "sha1").rglob("?" * 40) if path.is_file()]
    assert sum(path.stat().st_size for path in files) >= outlook.need.num_bytes
    assert len(files) == outlook.need.num_artifacts
    inodes = len(list((store.directory / "sha1").rglob("*")))
    assert inodes <= outlook.need.num_files
    arrays = dict(arrays_of(parse_series_manifest(result["manifest"])))
    assert sum(array.num_packs + len(array.pages) for array in arrays.values()) == len(files)


def test_what_lies_in_another_store_is_still_to_be_built(tmp_path: Path) -> None:
    stores = [open_store(tmp_path / name, "embedded") for name in ("before", "after")]
    dataset = dataset_from_config("raw", flat(tmp_path / "raw.dat", 3000, 6))
    work = WorkFolder(tmp_path)
    write_json(work.samples(dataset), build_artifacts(dataset, Job(stores[0], work.ledger(dataset))))
    built = [build_outlook([dataset], work, store).datasets[0].is_built for store in stores]
    assert built == [True, False]


@settings(max_examples=50)
@given(st.integers(1, 10**9), st.integers(1, 4000), st.sampled_from(["omit", "store"]), st.booleans())
def test_packs_hold_at_most_20_million_bytes_and_are_few(
    num_samples: int, channels: int, resolution: str, is_regular: bool
) -> None:
    need = plan(num_samples, channels, 1000.0 if is_regular else None, resolution).need
    arrays = 40
    # A pack is more than a third full of what it may hold, but the last of each array.
    assert need.num_artifacts <= arrays * 2 + 1.01 * need.num_bytes / (20_000_000 / 3)


def test_too_few_free_files_are_said_before_the_build_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(tmp_path / "kachery", "embedded")
    dataset = dataset_from_config("raw", flat(tmp_path / "raw.dat", 30_000, 6))
    assert build_outlook([dataset], WorkFolder(tmp_path), store).fits
    monkeypatch.setattr(Store, "room", lambda self: Room(10**12, 100))
    outlook = build_outlook([dataset], WorkFolder(tmp_path), store)
    assert not outlook.fits
    assert "free 1 TB and 100 files" in outlook.text()
    with pytest.raises(BuildError, match="the file system has room for only 100"):
        outlook.ensure_fits()
    with pytest.raises(BuildError, match=r"dataset raw: .*files and folders are to be made"):
        build_artifacts(dataset, Job(store, tmp_path / "ledger.jsonl"))


def test_what_a_quota_leaves_is_named_as_such() -> None:
    need = Need(50_000_000, 10)
    assert fits(need, Room(100_000_000, 1000))
    with pytest.raises(BuildError, match="your disk quota leaves only 60 MB"):
        ensure_room(need, Room(60_000_000, quota_bytes=True), "here")
    with pytest.raises(BuildError, match="only 60 MB are free"):
        ensure_room(need, Room(60_000_000), "here")
    with pytest.raises(BuildError, match="your disk quota leaves only 20"):
        ensure_room(need, Room(100_000_000, 20, quota_files=True), "here")
    assert fits(Need(0, 0), Room(0, 0))
