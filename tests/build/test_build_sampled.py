"""Artifacts of sampled series: right, the same whatever the way they were made, and resumed after a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from series_builder import bins_of_means

from seriesview.build.artifacts import Job, build_artifacts, build_shard, gather_shards
from seriesview.build.dataset import dataset_from_config
from seriesview.build.outlook import build_outlook
from seriesview.build.shards import Shard
from seriesview.build.work_folder import WorkFolder
from seriesview.errors import BuildError, ReaderError
from seriesview.readers.binary import BinaryRecording
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import parse_series_manifest
from seriesview.store import Store, open_store
from seriesview.store.room import Room

RATE = 1000.0


def flat_file(path: Path, samples: np.ndarray, **more: Any) -> dict[str, Any]:
    samples.tofile(path)
    channels = samples.shape[1]
    return {
        "path": str(path),
        "reader": "binary",
        "dtype": samples.dtype.name,
        "channels": channels,
        "sampling_frequency": RATE,
        **more,
    }


def brute_force_bins(samples: np.ndarray, factor: int) -> np.ndarray:
    count = max(1, -(-(len(samples) - 1) // factor))
    rows = [samples[b * factor : b * factor + factor + 1] for b in range(count)]
    return np.array([[piece.min(axis=0), piece.max(axis=0)] for piece in rows])


def build(config: dict[str, Any], store: Store, directory: Path, name: str = "raw") -> dict[str, Any]:
    return build_artifacts(
        dataset_from_config(name, config), Job(store, directory / "ledger" / f"{name}.jsonl")
    )


def read_array(store: Store, info: Any) -> np.ndarray:
    return ArrayReader(store, info).read(0, info.shape[0])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "kachery", "embedded")


@pytest.mark.parametrize("resolution", ["link", "store", "omit"])
@pytest.mark.parametrize(("channels", "dtype"), [(1, "float32"), (6, "int16"), (32, "int16"), (3, "uint8")])
def test_levels_moments_and_samples_are_those_of_the_file(
    tmp_path: Path, store: Store, channels: int, dtype: str, resolution: str
) -> None:
    samples = (np.random.default_rng(1).normal(0, 40, (70_001, channels)) + 100).astype(dtype)
    config = flat_file(tmp_path / "raw.dat", samples, full_resolution=resolution)
    manifest = parse_series_manifest(build(config, store, tmp_path)["manifest"])
    assert manifest.levels[0].factor == (16 if channels > 4 else 64)
    for level in manifest.levels:
        np.testing.assert_array_equal(read_array(store, level.array), brute_force_bins(samples, level.factor))
    for moments in manifest.moments:
        rows = read_array(store, moments.array)
        pieces = [samples[i : i + moments.factor] for i in range(0, len(samples), moments.factor)]
        assert rows.shape == (len(pieces), 3, channels)
        np.testing.assert_array_equal(rows[:, 0], np.array([[len(p)] * channels for p in pieces]))
    (segment,) = manifest.segments
    assert (segment.start_time, segment.end_time, segment.num_samples) == (0.0, 70.001, 70_001)
    assert (segment.min_value, segment.max_value) == (samples.min(), samples.max())
    content = json.dumps(manifest.to_json_dict())
    assert str(tmp_path) not in content
    if resolution == "store":
        np.testing.assert_array_equal(read_array(store, manifest.values), samples)
    elif resolution == "omit":
        assert manifest.values is None
    else:
        assert "link" in manifest.to_json_dict()["values"]


def cases() -> st.SearchStrategy[tuple[int, int, int, int]]:
    return st.tuples(
        st.integers(1, 9000), st.integers(1, 7), st.sampled_from([2, 4, 16, 64]), st.integers(2, 5)
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases())
def test_scattered_builds_give_the_same_artifacts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[int, int, int, int]
) -> None:
    count, channels, base, shards = case
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", 2048)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 3 * 2048)
    store = open_store(tmp_path / "kachery", "embedded")
    samples = np.random.default_rng(count).integers(-300, 300, (count, channels)).astype("int16")
    work = Path(tempfile.mkdtemp(dir=tmp_path))
    for resolution in ("link", "store"):
        config = flat_file(tmp_path / "raw.dat", samples, base=base, full_resolution=resolution)
        dataset = dataset_from_config("raw", config)
        whole = build_artifacts(dataset, Job(store, work / f"{resolution}.jsonl"))
        pieces = [
            build_shard(dataset, Job(store, work / f"{resolution}-{i}.jsonl"), Shard(i, shards))
            for i in range(shards)
        ]
        gathered = gather_shards(dataset, Job(store, work / f"{resolution}-gather.jsonl"), pieces)
        assert gathered["manifest"] == whole["manifest"]


def test_levels_of_densities_hold_means_however_they_are_scattered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr(BinaryRecording, "has_means", True)
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", 2048)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 3 * 2048)
    samples = np.random.default_rng(5).exponential(3, (5_121, 3)).astype("float32")
    samples[100:150] = np.nan
    dataset = dataset_from_config(
        "raw", flat_file(tmp_path / "raw.dat", samples, base=4, full_resolution="store")
    )
    whole = build_artifacts(dataset, Job(store, tmp_path / "whole.jsonl"))["manifest"]
    pieces = [build_shard(dataset, Job(store, tmp_path / f"{i}.jsonl"), Shard(i, 3)) for i in range(3)]
    assert gather_shards(dataset, Job(store, tmp_path / "gather.jsonl"), pieces)["manifest"] == whole
    manifest = parse_series_manifest(whole)
    assert manifest.has_means
    assert (manifest.segments[0].min_value, manifest.segments[0].max_value) == (None, None)
    for level in manifest.levels:
        bins = bins_of_means(samples, level.factor)
        np.testing.assert_allclose(read_array(store, level.array), bins, rtol=1e-5)


def test_the_progress_of_a_shard_is_of_its_own_share(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("seriesview.build.progress._LOG_SECONDS", 0)
    monkeypatch.setattr("seriesview.build.blocks._BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", 1 << 10)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 3 * (1 << 10))
    samples = np.zeros((100_000, 8), "int16")
    dataset = dataset_from_config("raw", flat_file(tmp_path / "raw.dat", samples, full_resolution="store"))
    for index in (0, 4, 5, 6, 6):
        build_shard(dataset, Job(store, tmp_path / f"{index}.jsonl"), Shard(index, 7))
        percents = [int(found) for found in re.findall(r"\((\d+) %\)", capsys.readouterr().err)]
        assert percents == sorted(percents)
        assert (percents[-1:] in ([], [100]) and len(percents) > 1) or index == 6


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 20_000), st.integers(1, 6), st.sampled_from([4, 16, 24]), st.floats(0, 1))
def test_a_build_taken_up_again_gives_the_same_artifacts_and_keeps_packs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, channels: int, base: int, fraction: float
) -> None:
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", 1024)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 3 * 1024)
    store = open_store(tmp_path / "kachery", "embedded")
    samples = np.random.default_rng(count).normal(0, 300, (count, channels)).astype("float32")
    config = flat_file(tmp_path / "raw.dat", samples, base=base, full_resolution="store")
    dataset = dataset_from_config("raw", config)
    ledger = Path(tempfile.mkdtemp(dir=tmp_path)) / "ledger.jsonl"
    undisturbed = build_artifacts(dataset, Job(store, ledger))
    content = ledger.read_bytes()
    ledger.write_bytes(content[: max(content.index(b"\n") + 1, int(len(content) * fraction))])
    assert build_artifacts(dataset, Job(store, ledger))["manifest"] == undisturbed["manifest"]


@pytest.mark.parametrize(
    ("name", "first", "then"),
    [
        ("raw.dat", {"dtype": "<i2"}, {"dtype": ">i2"}),
        ("raw.dat", {"dtype": "<i2", "missing": 7}, {"dtype": "<i2", "missing": [7, 8]}),
        ("table.csv", {"timestamps": "a"}, {"timestamps": "b"}),
    ],
)
def test_a_build_of_a_file_that_is_read_in_another_way_begins_anew(
    tmp_path: Path,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    first: dict[str, Any],
    then: dict[str, Any],
) -> None:
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", 1024)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 3 * 1024)
    samples = np.random.default_rng(3).integers(-3000, 3000, (20_000, 2)).astype("int16")
    samples.tofile(tmp_path / "raw.dat")
    times = np.arange(20_000)
    rows = np.column_stack([times, 2 * times, samples[:, 0]])
    np.savetxt(tmp_path / "table.csv", rows, "%d", ",", header="a,b,c", comments="")
    config: dict[str, Any] = {"path": str(tmp_path / name), "full_resolution": "store"}
    if name == "raw.dat":
        config |= {"channels": 2, "sampling_frequency": RATE}
    build(config | first, store, tmp_path)
    again = build(config | then, store, tmp_path)
    assert again["manifest"] == build(config | then, store, tmp_path, "fresh")["manifest"]


def test_a_build_taken_up_again_needs_room_for_what_is_left_only(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = np.random.default_rng(3).integers(-3000, 3000, (3_000_000, 8)).astype("int16")
    config = flat_file(tmp_path / "raw.dat", samples, full_resolution="store")
    dataset = dataset_from_config("raw", config)
    expected = build(config, store, tmp_path)["manifest"]
    outlook = build_outlook([dataset], WorkFolder(tmp_path), store)
    assert outlook.need.num_bytes < 20_000_000

    free = 40_000_000
    monkeypatch.setattr(Store, "room", lambda self: Room(free))
    assert build_outlook([dataset], WorkFolder(tmp_path), store).fits
    assert build(config, store, tmp_path)["manifest"] == expected
    (tmp_path / "ledger" / "raw.jsonl").unlink()
    refusal = r"dataset raw: .*56.. MB are to be written, and 16.8 MB kept free, but only 40 MB are free"
    with pytest.raises(BuildError, match=refusal):
        build(config, store, tmp_path)
    free = 60_000_000
    with pytest.raises(BuildError, match=r"56.. MB are to be written, and 16.8 MB kept free, but only 60 MB"):
        build_outlook([dataset], WorkFolder(tmp_path), store).ensure_fits()


def test_a_killed_build_started_again_gives_the_same_artifacts(tmp_path: Path) -> None:
    samples = np.random.default_rng(5).integers(-3000, 3000, (6_000_000, 8)).astype("int16")
    config = flat_file(tmp_path / "raw.dat", samples, full_resolution="store")
    expected = build(config, open_store(tmp_path / "undisturbed", "embedded"), tmp_path, "undisturbed")[
        "manifest"
    ]
    entries = tmp_path / "config.yaml"
    entries.write_text(json.dumps({"datasets": {"raw": config}}))
    command = [
        *(sys.executable, "-m", "seriesview.cli.main", "build-dataset", "--entries", str(entries)),
        *("--storage-dir", str(tmp_path / "kachery"), "--mode", "embedded", "--samples"),
        *("--out", str(tmp_path / "raw.json"), "--ledger", str(tmp_path / "notes")),
    ]
    environment = {key: value for key, value in os.environ.items() if key != "KACHERY_STORAGE_DIR"}

    def built_at_last(*delays: float) -> dict[str, Any]:
        for delay in delays:
            process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            # At whatever moment of the build that is.
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.wait()
            for path in (tmp_path / "kachery" / "sha1").rglob("?" * 40):
                assert_named_by_its_hash(path)
        subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
        made: dict[str, Any] = json.loads((tmp_path / "raw.json").read_text())
        return made

    # Before the recording grew, and after.
    samples[:3_000_000].tofile(tmp_path / "raw.dat")
    built_at_last(0.4, 0.6)
    samples.tofile(tmp_path / "raw.dat")
    made = built_at_last(0.3, 0.5, 0.7)
    assert made["manifest"] == expected
    assert made["timing"]["bytes_reduced"] <= 3_002_000 * 16


def assert_named_by_its_hash(path: Path) -> None:
    import hashlib

    assert hashlib.sha1(path.read_bytes()).hexdigest() == path.name


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, store: Store) -> None:
    samples = np.zeros((50_000, 8), "int16")
    config = flat_file(tmp_path / "raw.dat", samples)
    dataset = dataset_from_config("raw", config)

    from seriesview.build import artifacts

    original = artifacts.identify_recording

    def identify_then_grow(recording: Any) -> Any:
        found = original(recording)
        with Path(config["path"]).open("ab") as file:
            file.write(bytes(16))
        return found

    artifacts.identify_recording = identify_then_grow
    try:
        with pytest.raises(BuildError, match=r"dataset raw: .*raw\.dat.*changed while it was read"):
            build_artifacts(dataset, Job(store, tmp_path / "ledger.jsonl"))
    finally:
        artifacts.identify_recording = original


def test_a_missing_file_names_dataset_key_and_path(tmp_path: Path, store: Store) -> None:
    config = {"path": str(tmp_path / "nothing.dat"), "reader": "binary", "dtype": "int16", "channels": 2}
    with pytest.raises(ReaderError, match=r"dataset raw: path: .*nothing\.dat: no such file"):
        build(config, store, tmp_path)


def test_a_linked_file_is_hashed_once_for_all_its_datasets(tmp_path: Path, store: Store) -> None:
    samples = np.random.default_rng(5).integers(-3000, 3000, (100_000, 4)).astype("int16")
    config = flat_file(tmp_path / "raw.dat", samples, full_resolution="link")
    first = build(config, store, tmp_path, "first")
    (entry,) = (tmp_path / "ledger" / "hashes").glob("*.json")
    written = entry.stat().st_mtime_ns
    second = build(config | {"base": 32}, store, tmp_path, "second")
    assert first["manifest"]["values"] == second["manifest"]["values"]
    assert json.loads(entry.read_text())["sha1"] in first["manifest"]["values"]["link"]["uri"]
    assert entry.stat().st_mtime_ns >= written


def test_memory_is_bounded_whatever_the_size_of_the_file(tmp_path: Path) -> None:
    """The peak of a job on a 600 MB file stays below 250 MB."""
    path = tmp_path / "raw.dat"
    block = np.random.default_rng(0).integers(-500, 500, (250_000, 32)).astype("int16")
    with path.open("wb") as file:
        for _ in range(40):
            file.write(block.tobytes())
    config = flat_file(tmp_path / "small.dat", block[:10]) | {"path": str(path), "full_resolution": "store"}
    entries = tmp_path / "config.yaml"
    entries.write_text(json.dumps({"datasets": {"raw": config}}))
    code = (
        "import sys; from pathlib import Path; from seriesview.cli.build_dataset import command;"
        "command.main(sys.argv[1:], standalone_mode=False);"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    arguments = ["--entries", str(entries), "--samples", "--storage-dir", str(tmp_path / "kachery")]
    arguments += [
        "--mode",
        "embedded",
        "--out",
        str(tmp_path / "out.json"),
        "--ledger",
        str(tmp_path / "notes"),
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    assert int(done.stdout.split()[-1]) < 250_000


@pytest.mark.parametrize("kind", ["event", "interval"])
def test_keys_of_samples_are_said_to_mean_nothing_of_events(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = tmp_path / "licks.csv"
    path.write_text("start,end\n1,2\n3,4\n" if kind == "interval" else "time,channel\n1,0\n2,-1\n")
    build({"path": str(path), "type": kind}, store, tmp_path)
    assert "not used" not in capsys.readouterr().err
    build({"path": str(path), "type": kind, "missing": -1, "max_gap_seconds": 3}, store, tmp_path)
    assert f"raw: missing, max_gap_seconds: not used, as {kind}s have no samples" in capsys.readouterr().err
