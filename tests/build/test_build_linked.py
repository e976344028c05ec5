"""Series whose samples lie plain, in every layout: linked and not copied, their files hashed once, and right."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from built_series import built
from laid_reader import LaidRecording, install_laid, write_laid
from laid_samples import FORMS
from second_reader import SecondReader

import seriesview
from seriesview.build import hashing
from seriesview.build.artifacts import Job, build_artifacts, build_shard, gather_shards
from seriesview.build.dataset import dataset_from_config
from seriesview.build.hashing import FileHash, HashedFile
from seriesview.build.linking import describe_link
from seriesview.build.plan import why_not_linkable
from seriesview.build.shards import Shard
from seriesview.build.source import identify
from seriesview.errors import BuildError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout
from seriesview.series.links import linked_uris
from seriesview.series.manifest import parse_series_manifest
from seriesview.store import Store, open_store
from seriesview.tasks.limits import TaskLimits

RATE = 1000.0


@pytest.fixture(autouse=True)
def laid(monkeypatch: pytest.MonkeyPatch) -> None:
    install_laid(monkeypatch)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "kachery", "embedded")


def numbers(shape: tuple[int, int], dtype: str = "int16", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3000, 3000, shape).astype(dtype)


def cut(samples: np.ndarray, *edges: int) -> list[np.ndarray]:
    return [samples[a:b] for a, b in pairwise([0, *edges, len(samples)])]


def sha1_of(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


def bytes_read() -> int:
    line = Path("/proc/self/io").read_text().splitlines()[0]
    return int(line.removeprefix("rchar: "))


def check(store: Store, uri: str, segments: list[np.ndarray]) -> None:
    """What two readers read, and the finest level, are what the samples say."""
    for found, samples in zip(SecondReader(store.directory, uri).samples(), segments, strict=True):
        np.testing.assert_array_equal(found, samples)
    series = seriesview.open_series(uri, store)
    for number, samples in enumerate(segments):
        np.testing.assert_array_equal(series.values(number, 0, len(samples)), samples)
        for per_column in (100, 16 * 64):
            begins = range(0, len(samples) - 1, per_column)
            columns = [samples[begin : begin + per_column + 1] for begin in begins]
            hulls = [[column.min(axis=0), column.max(axis=0)] for column in columns]
            np.testing.assert_array_equal(series.window(number, 0, per_column, len(columns)), hulls)


@pytest.mark.parametrize("byte_order", ["little", "big"])
@pytest.mark.parametrize("num_files", [1, 3])
@pytest.mark.parametrize("form", FORMS)
def test_samples_that_lie_plain_are_linked(
    tmp_path: Path, store: Store, form: str, num_files: int, byte_order: str
) -> None:
    samples = numbers((30_001, 6))
    pieces = cut(samples, 7000, 19_500) if num_files > 1 else [samples]
    segments = cut(samples, 12_345)
    path = write_laid(
        tmp_path / "rig",
        pieces,
        segments=[(0.0, 12_345), (20.0, 30_001 - 12_345)],
        form=form,
        byte_order=byte_order,
        per_record=250,
        padding=2,
    )
    result = built(store, path)
    values = result["manifest"]["values"]
    assert set(values) == ({"files"} if num_files > 1 else {"link"})
    uris = linked_uris(parse_series_manifest(result["manifest"]).values)
    files = sorted((tmp_path / "rig").glob("*.dat"))
    assert [uri[7:47] for uri in uris] == [sha1_of(file) for file in files]
    assert [uri.rpartition("/")[2] for uri in uris] == [file.name for file in files]
    check(store, result["uri"], segments)
    copied = built(store, path, name="copied", full_resolution="store")
    for key in ("levels", "moments", "segments", "channels"):
        assert copied["manifest"][key] == result["manifest"][key]


@pytest.mark.parametrize("num_files", [1, 3])
@pytest.mark.parametrize("form", ["rows", "rows-of-more", "records", "picked-of-rows"])
def test_what_lies_in_order_is_read_once(tmp_path: Path, store: Store, form: str, num_files: int) -> None:
    samples = numbers((400_000, 8))
    pieces = cut(samples, 150_000, 300_000) if num_files > 1 else [samples]
    path = write_laid(tmp_path / "rig", pieces, form=form, per_record=256, padding=1)
    size = sum(file.stat().st_size for file in (tmp_path / "rig").glob("*.dat"))
    before = bytes_read()
    built(store, path)
    # Beside the samples: what was written, to be hashed, and small files.
    assert bytes_read() - before < 1.5 * size


@pytest.mark.parametrize("form", ["rows", "records", "behind-one-another"])
def test_jobs_that_share_a_dataset_make_the_same(tmp_path: Path, store: Store, form: str) -> None:
    path = write_laid(
        tmp_path / "rig", cut(numbers((300_000, 6)), 100_000, 200_000), form=form, per_record=250
    )
    dataset = dataset_from_config("raw", {"path": str(path)})
    whole = build_artifacts(dataset, Job(store, tmp_path / "whole" / "raw.jsonl"))
    shares = [
        build_shard(dataset, Job(store, tmp_path / "shared" / f"{index}.jsonl"), Shard(index, 3))
        for index in range(3)
    ]
    gathered = gather_shards(dataset, Job(store, tmp_path / "shared" / "raw.jsonl"), shares)
    assert gathered["manifest"] == whole["manifest"]


def test_a_file_is_hashed_once_whatever_lies_in_it(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two streams of one EDF file, of different rates, each half of its bytes or less."""
    content = bytearray(b"header")
    fast, slow = numbers((5000, 3)), numbers((1000, 4), seed=1)
    for record in range(100):
        content += fast[50 * record : 50 * record + 50].T.tobytes()
        content += slow[10 * record : 10 * record + 10].T.tobytes()
    rig = tmp_path / "rig"
    rig.mkdir()
    (rig / "night.edf").write_bytes(content)
    hashed: list[str] = []
    original = HashedFile.hexdigest
    monkeypatch.setattr(HashedFile, "hexdigest", lambda self: hashed.append(self.path.name) or original(self))
    stride = 2 * (3 * 50 + 4 * 10)
    for name, samples, per_record, begin in (("fast", fast, 50, 0), ("slow", slow, 10, 300)):
        offsets = [begin + 2 * per_record * channel for channel in range(samples.shape[1])]
        records = {"stride": stride, "samples": per_record, "channel_offsets": offsets}
        link = {"offset": 6, "records": records, "byte_order": "little"}
        files = [{"file": "night.edf", "num_samples": len(samples), "link": link}]
        content_of = {"dtype": "int16", "channels": samples.shape[1], "rate": per_record, "files": files}
        (rig / f"{name}.laid").write_text(json.dumps(content_of))
        result = built(store, rig / f"{name}.laid", name=name)
        assert result["manifest"]["values"]["link"]["uri"][7:47] == sha1_of(rig / "night.edf")
        check(store, result["uri"], [samples])
    assert hashed == ["night.edf"]


@pytest.mark.parametrize(
    ("taken", "of", "before", "is_linked"),
    [
        (31, 32, 0, True),  # a channel left out
        (2, 32, 0, True),  # a sixteenth of the stretch that they lie in
        (1, 32, 0, False),
        (32, 32, 3_000_000, False),  # most of the file is something else
    ],
)
def test_what_is_linked_where_nothing_is_said(
    tmp_path: Path, store: Store, taken: int, of: int, before: int, is_linked: bool
) -> None:
    samples = numbers((20_000, of))
    rig = tmp_path / "rig"
    rig.mkdir()
    (rig / "raw.dat").write_bytes(bytes(before) + samples.tobytes())
    link = {"offset": before, "row_stride": 2 * of, "channel_stride": 2, "byte_order": "little"}
    files = [{"file": "raw.dat", "num_samples": len(samples), "link": link}]
    content = {"dtype": "int16", "channels": taken, "rate": 1000, "files": files}
    (rig / "raw.laid").write_text(json.dumps(content))
    result = built(store, rig / "raw.laid")
    assert ("link" in result["manifest"]["values"]) == is_linked
    check(store, result["uri"], [samples[:, :taken]])
    asked = built(store, rig / "raw.laid", name="asked", full_resolution="link")
    assert "link" in asked["manifest"]["values"]


def test_a_file_that_changes_while_another_is_read_is_noticed(tmp_path: Path, store: Store) -> None:
    path = write_laid(tmp_path / "rig", cut(numbers((30_000, 4)), 10_000, 20_000), form="behind-one-another")
    changed = tmp_path / "rig" / "raw-1.dat"

    def change() -> None:
        changed.write_bytes(changed.read_bytes() + b"more")

    LaidRecording.on_read = staticmethod(change)
    try:
        with pytest.raises(BuildError, match=r"raw-1\.dat.*changed while it was read"):
            built(store, path)
    finally:
        LaidRecording.on_read = None


def test_a_hash_of_what_changed_meanwhile_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(bytes(1000))
    file = FileHash(identify(path), tmp_path / "hashes")
    assert file.is_wanted()
    path.write_bytes(bytes(1001))
    with pytest.raises(BuildError, match="changed while it was read"):
        file.keep("0" * 40)
    file.release()
    assert FileHash(identify(path), tmp_path / "hashes").known() is None


def test_what_another_job_hashes_is_awaited(tmp_path: Path) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(b"some bytes")
    first, second = (FileHash(identify(path), tmp_path / "hashes") for _ in range(2))
    assert first.is_wanted()
    assert not second.is_wanted()
    first.keep(sha1_of(path))
    assert second.get() == sha1_of(path)


@pytest.mark.parametrize(
    "reads", [[(0, 10)], [(5, 20), (10, 30)], [(2_000_000, 1_500_000), (3_400_000, 200_000)], []]
)
def test_a_file_is_hashed_whole_whatever_is_read_of_it(tmp_path: Path, reads: list[tuple[int, int]]) -> None:
    path = tmp_path / "raw.dat"
    content = np.random.default_rng(0).integers(0, 255, 4_000_000, np.uint8)
    content.tofile(path)
    file = HashedFile(path)
    for position, size in reads:
        np.testing.assert_array_equal(file.read(size, position), content[position : position + size])
    assert file.hexdigest() == sha1_of(path)
    file.close()


def open_files_of(folder: Path) -> int:
    paths = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            paths.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return sum(path.startswith(f"{folder}/") for path in paths)


@pytest.mark.parametrize("form", ["rows", "behind-one-another"])
def test_of_many_files_few_are_open(
    tmp_path: Path, store: Store, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = numbers((60_000, 2))
    pieces = cut(samples, *range(200, 60_000, 200))
    path = write_laid(tmp_path / "rig", pieces, form=form)
    seen: list[int] = []
    original = hashing.FileHash.keep

    def keep(self: Any, sha1: str) -> None:
        seen.append(open_files_of(tmp_path / "rig") + open_files_of(tmp_path / "hashes"))
        original(self, sha1)

    monkeypatch.setattr(hashing.FileHash, "keep", keep)
    result = built(store, path)
    assert len(result["manifest"]["values"]["files"]) == len(seen) == 300
    assert max(seen) <= 20
    check(store, result["uri"], [samples])


@pytest.mark.parametrize(("num_pieces", "is_linked"), [(30_000, True), (40_000, False)])
def test_what_lies_in_too_many_pieces_is_copied(tmp_path: Path, num_pieces: int, is_linked: bool) -> None:
    """A manifest that names them all must be one that a backend reads."""
    path = write_laid(tmp_path / "rig", [numbers((10, 2))], form="rows")
    with LaidRecording(path) as recording:
        piece = recording.layout
        assert isinstance(piece, ContiguousLayout)
        recording.layout = layout = FilesLayout((piece,) * num_pieces)
        assert (why_not_linkable(recording, layout) is None) == is_linked
        link = describe_link(layout, {piece.path: f"sha1://{'a' * 40}/continuous_recording.dat"}, None)
    said = json.dumps(link.to_json_dict(), separators=(",", ":"))
    assert len(said) < TaskLimits().max_manifest_bytes
