"""Folders as recordings: what is opened, offered and written where, and which files of theirs decide."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rig_reader import EVENTS, HEADER, RigRecording, change_header, install_rig, write_rig

import seriesview
from seriesview.build.findings import entries_of
from seriesview.errors import ReaderError
from seriesview.pipeline.own_folder import own_folder
from seriesview.series.arrays import ArrayReader
from seriesview.store import open_store
from seriesview.store.paths import artifact_path


@pytest.fixture(autouse=True)
def _rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_rig(tmp_path / "plugin", monkeypatch)


@pytest.fixture
def folder(here: Path) -> Path:
    """A recording of two streams and events, in a folder with a space in its name."""
    streams: dict[str, dict[str, Any]] = {
        "ap": {"role": "spike-band", "label": "Probe A", "clock": "own"},
        "lfp": {"rate": 250, "role": "lfp"},
    }
    made = write_rig(here / "my rig", streams)
    (made / EVENTS).write_text(json.dumps({"ttl": [[0.5, 0], [1.5, 1]]}))
    return made


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files whose samples are read, one a block."""
    found: list[str] = []
    plain = RigRecording.read_into

    def read_into(self: RigRecording, first_sample: int, out: Any) -> None:
        assert self.layout is not None
        found.append(Path(self.layout.path).name)
        plain(self, first_sample, out)

    monkeypatch.setattr(RigRecording, "read_into", read_into)
    return found


def samples(folder: Path, name: str) -> np.ndarray[Any, Any]:
    return np.fromfile(folder / name, np.int16).reshape(-1, 3)


@pytest.mark.parametrize("spelling", ["my rig", "my rig/", "my rig/rig.json", "link", "./my rig/../my rig"])
def test_a_folder_is_a_recording_of_all_its_streams(here: Path, folder: Path, spelling: str) -> None:
    (here / "link").symlink_to(folder, target_is_directory=True)
    built = seriesview.build_workspace(spelling, store=here / "storage")
    stem = {"my rig/rig.json": "rig", "link": "link"}.get(spelling, "my_rig")
    assert list(built.series) == [f"{stem}_ap", f"{stem}_lfp", f"{stem}_ttl"]
    ap = built.series[f"{stem}_ap"].open()
    np.testing.assert_array_equal(ap.values(0, 10, 20), samples(folder, "ap.i16")[10:20])
    assert built.series[f"{stem}_ap"].source == folder / "ap.i16"
    assert "link" in (ap.manifest.to_json_dict()["values"] or {})
    assert built.series[f"{stem}_ttl"].type == "event"


def test_what_streams_are_is_known_to_the_views(folder: Path) -> None:
    entries = {entry.name: entry for entry in entries_of([str(folder)]).entries}
    assert [entry.role for entry in entries.values()] == ["spike-band", "lfp", "ttl"]
    assert entries["my_rig_ap"].panel == ("ContinuousTraces", "Probe A")
    assert entries["my_rig_lfp"].panel == ("ContinuousTraces", "lfp")
    assert entries["my_rig_ttl"].type == "event"


def test_nothing_is_built_twice_and_what_changed_is_built_again(
    here: Path, folder: Path, reads: list[str]
) -> None:
    def build() -> seriesview.BuiltWorkspace:
        del reads[:]
        return seriesview.build_workspace(folder, store=here / "storage", full_resolution="store")

    first = build()
    assert set(reads) == {"ap.i16", "lfp.i16"}
    assert build().uri == first.uri
    assert not reads
    # Only words changed: no samples are read.
    change_header(folder, channels=["x", "y", "z"], scale=2.0, rate=500)
    second = build()
    manifest, before = (each.series["my_rig_ap"].open().manifest for each in (second, first))
    assert [channel.label for channel in manifest.channels] == ["x", "y", "z"]
    assert (manifest.scale, manifest.sampling_frequency) == (2.0, 500)
    assert manifest.segments[0].end_time == 2 * before.segments[0].end_time
    assert manifest.levels == before.levels
    assert not reads
    change_header(folder, channels=["a", "b", "c"], scale=1.0, rate=1000)
    assert build().uri == first.uri
    assert not reads
    # What the store has lost is made again all the same.
    change_header(folder, scale=3.0)
    level = ArrayReader(first.store, before.levels[0].array)
    artifact_path(first.store.directory, level.pack_digest(0).hex()).unlink()
    third = build()
    assert "ap.i16" in reads
    assert third.series["my_rig_ap"].open().window(0, 0, 64, 4).shape == (4, 2, 3)
    # The samples changed.
    write_rig(
        folder,
        {"ap": {"role": "spike-band", "label": "Probe A", "clock": "own"}, "lfp": {"rate": 250}},
        seed=1,
    )
    fourth = build()
    got = fourth.series["my_rig_ap"].open().values(0, 0, 4000)
    np.testing.assert_array_equal(got, samples(folder, "ap.i16"))


def test_a_file_that_comes_or_goes_is_noticed(here: Path, folder: Path) -> None:
    entry = {"path": "my rig", "dataset": "ttl"}
    config = {"datasets": {"ttl": entry}, "store": {"storage_dir": "storage"}}
    (folder / EVENTS).write_text(json.dumps({"ttl": [[0.5, 0]]}))
    assert seriesview.build_workspace(config).series["ttl"].open().segments[0].num_samples == 1
    (folder / EVENTS).write_text(json.dumps({"ttl": [[0.5, 0], [0.7, 1]]}))
    assert seriesview.build_workspace(config).series["ttl"].open().segments[0].num_samples == 2
    (folder / EVENTS).unlink()
    with pytest.raises(seriesview.SeriesviewError, match="there is no stream 'ttl'"):
        seriesview.build_workspace(config)


def test_several_files_of_samples_are_one_series(here: Path) -> None:
    folder = write_rig(here / "parts", {"ap": {"files": ["1.i16", "2.i16", "3.i16"]}}, samples=3000)
    built = seriesview.build_workspace(folder, store=here / "storage", full_resolution="store")
    whole = np.concatenate([samples(folder, f"{number}.i16") for number in (1, 2, 3)])
    np.testing.assert_array_equal(built.series["parts"].open().values(0, 0, 9000), whole)
    (folder / "2.i16").write_bytes(np.zeros(9000, np.int16).tobytes())
    again = seriesview.build_workspace(folder, store=here / "storage", full_resolution="store")
    assert not again.series["parts"].open().values(0, 3000, 6000).any()
    assert again.uri != built.uri


def test_a_folder_that_holds_one_recording_is_that_one(here: Path) -> None:
    (here / "data" / "deep").mkdir(parents=True)
    np.save(here / "data" / "deep" / "only.npy", np.zeros((2000, 3), np.int16))
    (here / "data" / "notes.txt").write_text("1 2\n3 4\n")
    built = seriesview.build_workspace("data", store="storage", sampling_frequency=100)
    assert list(built.series) == ["only"]


def test_a_folder_of_several_recordings_offers_them(here: Path, folder: Path) -> None:
    (here / "data").mkdir()
    shutil.move(folder, here / "data" / "run")
    np.save(here / "data" / "wheel.npy", np.zeros((2000, 3), np.int16))
    (here / "data" / ".hidden.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(
        ReaderError, match=r"data: a folder of 2 recordings; name the one .*: data/run, data/wheel\.npy$"
    ):
        seriesview.build_workspace("data", store="storage")
    (here / "empty").mkdir()
    with pytest.raises(ReaderError, match="empty: a folder that no reader knows, without a recording in it"):
        seriesview.build_workspace("empty", store="storage")


def test_a_folder_goes_with_files_in_one_workspace(here: Path, folder: Path) -> None:
    np.savez(here / "a.npz", lfp=np.zeros((2000, 3), np.int16), lfp_times=np.arange(2000) / 100)
    built = seriesview.build_workspace([folder, "a.npz"], store="storage")
    assert list(built.series) == ["my_rig_ap", "my_rig_lfp", "my_rig_ttl", "a"]


@pytest.mark.parametrize("named", ["my rig", "my rig/rig.json"])
def test_results_go_beside_the_folder_and_never_into_it(here: Path, folder: Path, named: str) -> None:
    before = sorted(folder.iterdir())
    own = own_folder([named])
    own.prepared().run(keep_going=True)
    assert own.folder == here / "my rig.seriesview"
    assert sorted(folder.iterdir()) == before
    # What people wrote into it stays.
    own.config.write_text(own.config.read_text().replace("workspace: ", "workspace: mine # ", 1))
    said: list[str] = []
    assert own_folder([named], announce=said.append).config == own.config
    assert said == [f"as {own.config} says"]
    assert "workspace: mine" in own.config.read_text()


def test_a_configuration_that_says_what_is_given_stays_as_it_was_edited(here: Path) -> None:
    np.zeros((100, 2), np.int16).tofile(here / "a.dat")
    given = {"reader": "binary", "dtype": "int16", "channels": 2, "sampling_frequency": 1000.0}
    config = own_folder(["a.dat"], given=given).config
    config.write_text(
        config.read_text().replace("sampling_frequency: 1000", "sampling_frequency: 1000\n    label: Mine")
    )
    own_folder(["a.dat"], given=given)
    assert "label: Mine" in config.read_text()
    own_folder(["a.dat"], given={**given, "sampling_frequency": 500})
    assert "label: Mine" not in config.read_text()


def test_a_folder_with_a_configuration_is_a_project(here: Path, folder: Path) -> None:
    own = own_folder([str(folder)], here / "elsewhere")
    shutil.copy(own.config, folder / "config.yaml")
    assert own_folder([str(folder)]).config == folder / "config.yaml"
    assert seriesview.build_workspace(folder, store=here / "storage").label == "my rig"


def test_what_cannot_be_read_is_said(here: Path, folder: Path) -> None:
    (folder / HEADER).write_text("{")
    with pytest.raises(ReaderError, match=r"rig\.json is damaged"):
        seriesview.build_workspace(folder, store="storage")
    (folder / HEADER).unlink()
    (folder / HEADER).symlink_to("gone.json")
    with pytest.raises(ReaderError, match=r"my rig: a folder of 2 recordings.*: .*ap\.i16, .*lfp\.i16"):
        seriesview.build_workspace(folder, store="storage")


def test_thousands_of_files_in_a_folder_stay_few_looks(here: Path, folder: Path) -> None:
    (here / "many").mkdir()
    for number in range(3000):
        (here / "many" / f"{number:05}.xyz").touch()
    folder.rename(here / "many" / "run")
    with pytest.raises(ReaderError, match="a folder of very many files"):
        seriesview.build_workspace("many", store="storage")


def test_warnings_of_readers_are_said_by_builds(here: Path, folder: Path) -> None:
    said: list[str] = []
    seriesview.build_workspace(folder, store="storage", progress=lambda step: said.append(step.text))
    assert said.count("nothing synchronizes its clock") == 1


def test_what_belongs_to_a_stored_file_comes_along(here: Path, folder: Path) -> None:
    store = open_store(here / "storage", "embedded")
    header, *files = (store.put_file(folder / name) for name in (HEADER, "ap.i16", "lfp.i16"))
    entry = {"path": header, "dataset": "ap", "files": files, "full_resolution": "link"}
    config: dict[str, Any] = {"datasets": {"ap": entry}, "store": {"storage_dir": "storage"}}
    built = seriesview.build_workspace(config)
    got = built.series["ap"].open().values(0, 0, 4000)
    np.testing.assert_array_equal(got, samples(folder, "ap.i16"))
    assert seriesview.build_workspace(config).uri == built.uri
    del entry["files"]
    with pytest.raises(
        seriesview.SeriesviewError,
        match=r"ap\.i16 is not beside it; what lies beside a file comes along where `files:` names it",
    ):
        seriesview.build_workspace(config)
    entry |= {"path": "my rig", "files": files}
    with pytest.raises(seriesview.SeriesviewError, match="files: they are named for a sha1:// URI"):
        seriesview.build_workspace(config)
    entry["files"] = ["ap.i16"]
    with pytest.raises(seriesview.ConfigError, match=r"files\[0\].*a sha1:// kachery URI"):
        seriesview.build_workspace(config)
