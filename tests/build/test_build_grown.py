"""Recordings to which samples came since they were built: these are reduced, the others hashed."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from laid_reader import install_laid

from seriesview.build.artifacts import Job, build_artifacts, build_shard, gather_shards
from seriesview.build.dataset import dataset_from_config
from seriesview.build.followed import FollowedBuild, Following
from seriesview.build.following import follow_samples
from seriesview.build.progress import BuildStep
from seriesview.build.shards import Shard
from seriesview.build.source import hash_file
from seriesview.envelope.moments import MOMENTS_FACTOR
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import parse_series_manifest
from seriesview.series.named_arrays import arrays_of
from seriesview.store import Store, open_store

FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HASHED = "hashed, to see whether they are the same"
NOT_THE_SAME = "they are not the same: it is built from nothing"


@pytest.fixture(autouse=True)
def _small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", 2048)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 3 * 2048)
    install_laid(monkeypatch)


@dataclass
class Laid:
    """A recording of plain files one after the other, in segments, to which samples are appended."""

    folder: Path
    dtype: str
    channels: int
    files: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)

    def grow(self, count: int, into: str) -> None:
        """Append samples to the last segment, or begin another one, in the last file or a new one."""
        if not self.files or "file" in into:
            self.files.append(0)
        if not self.segments or "segment" in into:
            self.segments.append(0)
        values = np.random.default_rng(sum(self.files)).normal(0, 50, (count, self.channels)) + 100
        samples = values.astype(self.dtype)
        if samples.dtype.kind == "f":
            samples[::7] = np.nan
        with (self.folder / f"{len(self.files)}.dat").open("ab") as file:
            file.write(samples.tobytes())
        self.files[-1] += count
        self.segments[-1] += count
        self.describe()

    def describe(self) -> None:
        size = np.dtype(self.dtype).itemsize
        strides = {"row_stride": size * self.channels, "channel_stride": size}
        link = {"offset": 0, "byte_order": "little", **strides}
        starts = [100.0 * number for number in range(len(self.segments))]
        content = {
            "dtype": self.dtype,
            "channels": self.channels,
            "rate": 1000.0,
            "segments": list(zip(starts, self.segments, strict=True)),
            "files": [
                {"file": f"{number}.dat", "num_samples": count, "link": link}
                for number, count in enumerate(self.files, 1)
            ],
        }
        (self.folder / "raw.laid").write_text(json.dumps(content))

    @property
    def row_bytes(self) -> int:
        return np.dtype(self.dtype).itemsize * self.channels


class Builds:
    """Builds of one recording into one store, and by the way from nothing into others."""

    def __init__(self, tmp_path: Path, path: Path, **more: Any) -> None:
        self.work = Path(tempfile.mkdtemp(dir=tmp_path))
        self.store = open_store(self.work / "store", "embedded")
        self.ledger = self.work / "ledger" / "raw.jsonl"
        self.lines: list[str] = []
        self.configure(path, **more)

    def configure(self, path: Path, **more: Any) -> None:
        self.dataset = dataset_from_config("raw", {"path": str(path), **more})

    def again(self) -> dict[str, Any]:
        """What is built now; everything of it is in the store."""
        self.lines.clear()

        def report(step: BuildStep) -> None:
            self.lines.append(step.text)

        made = build_artifacts(self.dataset, Job(self.store, self.ledger, report=report))
        check_whole(made["manifest"], self.store)
        return made

    def from_nothing(self) -> dict[str, Any]:
        folder = Path(tempfile.mkdtemp(dir=self.work))
        store = open_store(folder / "store", "embedded")
        return build_artifacts(self.dataset, Job(store, folder / "raw.jsonl", report=lambda _: None))

    def checked(self) -> dict[str, Any]:
        """What is built now, once it was compared with what is built from nothing."""
        made = self.again()
        assert made["manifest"] == self.from_nothing()["manifest"]
        return made


def reduced_of(made: dict[str, Any]) -> int:
    """How many bytes of samples were reduced."""
    return int(made["timing"]["bytes_reduced"])


def check_whole(manifest: Any, store: Store) -> None:
    for _, info in arrays_of(parse_series_manifest(manifest)):
        reader = ArrayReader(store, info)
        assert len(reader.read(0, len(reader))) == info.shape[0]


growths = st.lists(
    st.tuples(
        st.integers(1, 9000),
        st.sampled_from(
            ["what is there", "what is there", "a new file", "a new segment", "a new segment and file"]
        ),
    ),
    min_size=2,
    max_size=4,
)


@FEW
@given(
    growths,
    st.sampled_from(["int16", "uint8", "float32", "float64", "int64"]),
    st.integers(1, 7),
    st.sampled_from([4, 16, 24, 64]),
    st.sampled_from(["link", "store", "omit"]),
    st.booleans(),
)
def test_new_samples_alone_are_reduced_and_the_series_is_that_of_a_build_from_nothing(
    tmp_path: Path,
    steps: list[tuple[int, str]],
    dtype: str,
    channels: int,
    base: int,
    resolution: str,
    is_moved: bool,
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    laid = Laid(folder, dtype, channels)
    keys = {"base": base, "full_resolution": resolution}
    builds = Builds(tmp_path, folder / "raw.laid", **keys)
    had_levels = False
    for count, into in steps:
        laid.grow(count, into)
        if is_moved:
            moved = Path(tempfile.mkdtemp(dir=tmp_path)) / "moved"
            laid.folder.rename(moved)
            laid.folder = moved
            builds.configure(moved / "raw.laid", **keys)
        made = builds.checked()
        if had_levels:
            assert reduced_of(made) <= (count + np.lcm(base, MOMENTS_FACTOR)) * laid.row_bytes
        had_levels = bool(parse_series_manifest(made["manifest"]).levels)


@FEW
@given(
    st.integers(3000, 20_000),
    st.integers(1, 9000),
    st.sampled_from(["link", "store"]),
    st.floats(0, 1),
    st.data(),
)
def test_a_build_of_a_grown_file_that_is_killed_or_loses_artifacts_goes_on(
    tmp_path: Path, count: int, more: int, resolution: str, fraction: float, data: st.DataObject
) -> None:
    laid = Laid(Path(tempfile.mkdtemp(dir=tmp_path)), "int16", 5)
    laid.grow(count, "")
    builds = Builds(tmp_path, laid.folder / "raw.laid", full_resolution=resolution)
    builds.again()
    laid.grow(more, "")
    expected = builds.again()["manifest"]
    # What the ledger held when it was killed: its header, what was made before, and some packs.
    content = builds.ledger.read_bytes()
    begun = content.index(b"\n", content.index(b"\n") + 1) + 1
    builds.ledger.write_bytes(content[: max(begun, int(len(content) * fraction))])
    lost = data.draw(st.sets(st.integers(0, 200)))
    stored = sorted(path for path in (builds.store.directory / "sha1").rglob("*") if path.is_file())
    for number in lost:
        stored[number % len(stored)].unlink(missing_ok=True)
    assert builds.again()["manifest"] == expected


@pytest.mark.parametrize("resolution", ["link", "store", "omit"])
def test_a_beginning_that_changed_is_noticed_and_told(tmp_path: Path, resolution: str) -> None:
    laid = Laid(tmp_path, "int16", 4)
    laid.grow(9000, "")
    builds = Builds(tmp_path, tmp_path / "raw.laid", full_resolution=resolution)
    builds.again()
    with (tmp_path / "1.dat").open("r+b") as file:
        file.seek(8 * 4000)
        file.write(b"\1\2")
    laid.grow(500, "")
    assert reduced_of(builds.checked()) == 9500 * 8
    assert [line for line in builds.lines if "same" in line] == [
        f"500 samples have come since it was built: those that were there are {HASHED}",
        NOT_THE_SAME,
    ]
    # And so is what only looks as if nothing had come.
    os.truncate(tmp_path / "1.dat", 9000 * 8)
    laid.files, laid.segments = [9000], [9000]
    laid.describe()
    assert reduced_of(builds.checked()) == 9000 * 8
    assert NOT_THE_SAME not in builds.lines


def test_a_file_of_two_datasets_that_grew_is_hashed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid = Laid(tmp_path, "int16", 4)
    laid.grow(9000, "")
    both = [Builds(tmp_path, tmp_path / "raw.laid", base=base, full_resolution="link") for base in (16, 32)]
    both[1].ledger = both[0].ledger.with_name("other.jsonl")
    for builds in both:
        builds.again()
    laid.grow(2000, "")
    hashed: list[str] = []
    take = hash_file

    def note(path: str, *args: Any, **keys: Any) -> tuple[str, str]:
        hashed.append(path)
        return take(path, *args, **keys)

    monkeypatch.setattr("seriesview.build.hashing.hash_file", note)
    for builds in both:
        assert reduced_of(builds.again()) < 4000 * 8
    assert len(hashed) == 1


def test_jobs_that_share_a_recording_leave_what_was_built_to_the_one_that_gathers(tmp_path: Path) -> None:
    laid = Laid(tmp_path, "int16", 4)
    laid.grow(20_000, "")
    builds = Builds(tmp_path, tmp_path / "raw.laid", full_resolution="link")

    def shared() -> tuple[list[Any], dict[str, Any]]:
        jobs = [
            Job(builds.store, builds.work / f"{index}.jsonl", report=lambda _: None, whole=builds.ledger)
            for index in range(3)
        ]
        shares = [build_shard(builds.dataset, job, Shard(index, 3)) for index, job in enumerate(jobs)]
        gathered = gather_shards(builds.dataset, replace(jobs[0], ledger=builds.ledger, whole=None), shares)
        return [share["packs"] for share in shares], gathered

    packs, _ = shared()
    assert all(packs)
    os.utime(tmp_path / "1.dat", (1, 1))
    packs, made = shared()
    assert packs == [None] * 3
    assert reduced_of(made) == 0
    laid.grow(3000, "a new segment")
    packs, made = shared()
    assert packs == [None] * 3
    assert made["manifest"] == builds.from_nothing()["manifest"]
    assert reduced_of(made) < 5000 * 8
    # Most of it is new.
    laid.grow(40_000, "")
    packs, made = shared()
    assert all(packs)
    assert made["manifest"] == builds.from_nothing()["manifest"]


def test_what_was_built_before_it_is_followed_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = np.random.default_rng(3).integers(-900, 900, (30_000, 4)).astype(np.int16)
    samples[:20_000].tofile(tmp_path / "raw.dat")
    keys = {"reader": "binary", "dtype": "int16", "channels": 4, "sampling_frequency": 1000.0}
    builds = Builds(tmp_path, tmp_path / "raw.dat", full_resolution="link", **keys)
    builds.again()
    samples.tofile(tmp_path / "raw.dat")
    begins: list[int] = []
    blocks = FollowedBuild._blocks

    def note(self: FollowedBuild, samples: Any, begin: tuple[int, int], *others: Any) -> Any:
        begins.append(begin[1])
        return blocks(self, samples, begin, *others)

    monkeypatch.setattr(FollowedBuild, "_blocks", note)
    for _ in range(2):
        job = Job(builds.store, builds.ledger, report=lambda step: builds.lines.append(step.text))
        follow_samples(builds.dataset, job, Following(0.0), is_built=False)
    assert 18_000 < begins[0] <= 20_000
    assert begins[1] > 18_000
    expected = builds.from_nothing()["manifest"]
    # Nothing is hashed once more.
    monkeypatch.delattr("seriesview.build.hashing.hash_file")
    made = builds.again()
    assert made["manifest"] == expected
    assert reduced_of(made) < 13_000 * 8


@pytest.mark.parametrize("resolution", ["store", "omit"])
def test_times_of_their_own_are_stored_again_and_samples_reduced_no_more(
    tmp_path: Path, resolution: str
) -> None:
    random = np.random.default_rng(2)
    times = np.cumsum(random.uniform(0.5e-3, 1.5e-3, 9000))
    samples = random.integers(-500, 500, (9000, 2))

    def write(path: Path, count: int) -> None:
        rows = np.column_stack([times, samples])[:count]
        np.savetxt(path, rows, ["%.9f", "%d", "%d"], ",", header="time,a,b", comments="")

    write(tmp_path / "raw.csv", 7000)
    keys = {"timestamps": "time", "full_resolution": resolution, "max_gap_seconds": 1.0}
    builds = Builds(tmp_path, tmp_path / "raw.csv", **keys)
    whole = reduced_of(builds.checked())
    (tmp_path / "mount").mkdir()
    (tmp_path / "raw.csv").rename(tmp_path / "mount" / "raw.csv")
    builds.configure(tmp_path / "mount" / "raw.csv", **keys)
    # Of a table that is left out nothing is kept that it could be known by.
    assert reduced_of(builds.checked()) == (0 if resolution == "store" else whole)
    write(tmp_path / "mount" / "raw.csv", 9000)
    reduced = reduced_of(builds.checked())
    assert resolution == "omit" or reduced <= (2000 + 1024) * 16
