"""Files, objects and datasets with odd names: shown under them, or named in one line, and the others are shown."""

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from seriesview.build.findings import entries_of
from seriesview.cli.build import command as build
from seriesview.cli.init import command as init
from seriesview.cli.inspect import command as inspect
from seriesview.cli.view import _again
from seriesview.config import load_config
from seriesview.errors import ReaderError
from seriesview.pipeline.config_file import one_line_yaml
from seriesview.pipeline.own_folder import folder_name
from seriesview.pipeline.recordings import _filled_in

SAMPLES = np.arange(400, dtype=np.int16).reshape(-1, 2)
ODD_FILES = [
    "rat<b>.npy",
    "{x}.npy",
    "new\nline.npy",
    "quo\"te's.npy",
    "-dash.npy",
    "p\u2028q.npy",
    "back\\slash*.npy",
]
ODD_NAMES = ["id_70000000000000000000000000", "all", "1e5", "null", "007", "a..b", "name"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_any_text_is_written_as_yaml_that_reads_back(text: str) -> None:
    line = one_line_yaml(text)
    assert len(line.splitlines()) <= 1
    assert yaml.safe_load(f"a:\n  - b: {line}\n    c: 1\n") == {"a": [{"b": text, "c": 1}]}
    assert yaml.safe_load(f"a:\n  - {one_line_yaml({'d': text, 'e': 1})}\n") == {"a": [{"d": text, "e": 1}]}
    assert yaml.safe_load(f"a:\n  {one_line_yaml(text[:50])}: 1\n") == {"a": {text[:50]: 1}}


def test_init_writes_names_that_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    objects = ["p\u2028q", "a: b # c", "tab\tbell\x07", "{x}<b>", "'", "yes"]
    with h5py.File("p\u2028q.h5", "w") as file:
        for name in objects:
            file[name] = SAMPLES
            file[name].attrs["sampling_frequency"] = 10.0
    np.save("{x}: '\n.npy", SAMPLES)
    result = CliRunner().invoke(
        init, ["p\u2028q.h5", "{x}: '\n.npy"], catch_exceptions=False, standalone_mode=False
    )
    assert result.return_value == 0
    written = yaml.safe_load(Path("config.yaml").read_text())
    entries = written["datasets"].values()
    assert {entry.get("dataset") for entry in entries} == {*(f"/{name}" for name in objects), None}
    assert {entry["path"] for entry in entries} == {"p\u2028q.h5", "{x}: '\n.npy"}
    labels = {panel["label"] for panel in written["views"][0]["panels"]}
    assert labels >= set(objects)
    assert written["workspace"] == "p\u2028q"


def test_odd_names_are_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    datasets: dict[str, Any] = {}
    for number, name in enumerate(ODD_FILES):
        np.save(tmp_path / name, SAMPLES)
        datasets[f"file{number}"] = {"path": name, "sampling_frequency": 10}
    for name in ODD_NAMES:
        datasets[name] = {
            "path": str(tmp_path / ODD_FILES[0]),
            "sampling_frequency": 10,
            "label": "{l}<b>\u2028",
        }
    content = {"store": {"storage_dir": "{x} <b>"}, "datasets": datasets, "workspace": "{w}"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    result = CliRunner().invoke(
        build, ["--keep-going", "--json"], standalone_mode=False, catch_exceptions=False
    )
    assert result.return_value == 0, result.output
    assert {path.stem for path in Path("results/series").glob("*.json")} == set(datasets)


def test_keys_that_yaml_takes_for_something_else_are_named(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    for name, taken in (("007", "7"), ("yes", "True"), ("null", "None"), ("1:30", "90")):
        path.write_text(f"datasets: {{{name}: {{path: a.dat}}}}\n")
        with pytest.raises(Exception, match=f"takes a key here for {taken}, not for text: put it in quotes"):
            load_config(path)


def test_a_name_that_is_no_text_is_refused_and_the_others_are_named(tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/non\xff.npy")
    with open(odd, "wb") as file:  # noqa: PTH123
        np.save(file, SAMPLES)
    np.save(tmp_path / "good.npy", SAMPLES)
    found = entries_of([odd, str(tmp_path / "good.npy")])
    assert [entry.name for entry in found.entries] == ["good"]
    assert "its name is not UTF-8" in found.unreadable[0]
    result = CliRunner().invoke(inspect, [odd])
    assert isinstance(result.exception, ReaderError)
    assert "non\\xff.npy: its name is not UTF-8" in str(result.exception)


def test_one_bad_file_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("good.npy", SAMPLES)
    Path("damaged.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    Path("cut.npy").write_bytes(Path("good.npy").read_bytes()[:60])
    Path("unknown.xyz").write_bytes(b"?")
    Path("folder.npy").mkdir()
    bad = ["damaged.h5", "cut.npy", "unknown.xyz", "folder.npy", "missing.npy"]
    result = CliRunner().invoke(
        init, [*bad, "good.npy", "--json"], catch_exceptions=False, standalone_mode=False
    )
    assert result.return_value == 1
    said = json.loads(result.output)
    assert said["datasets"] == ["good"]
    assert [note.partition(":")[0] for note in said["notes"]] == bad
    left_out = [line for line in Path("config.yaml").read_text().splitlines() if "left out" in line]
    assert len(left_out) == len(bad)
    with pytest.raises(ReaderError, match=r"damaged\.h5"):
        entries_of(["damaged.h5"])


def test_what_is_given_opens_what_needs_it(tmp_path: Path) -> None:
    path, plain = tmp_path / "a.h5", tmp_path / "b.h5"
    with h5py.File(path, "w") as file:
        file["x"], file["first"], file["second"] = SAMPLES, np.arange(200.0), np.arange(200.0) * 2
    with h5py.File(plain, "w") as file:
        file["x"] = SAMPLES
        file["x"].attrs["sampling_frequency"] = 10.0
    raw = tmp_path / "raw.dat"
    SAMPLES.tofile(raw)
    given_keys = {"timestamps": "second", "unit": "uV"}
    found = entries_of([str(path), str(plain)], given=given_keys)
    complete, left_open = _filled_in(found.entries, given_keys, _again)
    by_name = {entry.name: entry.keys for entry in complete}
    assert by_name["a_x"]["timestamps"] == "second"
    assert "timestamps" not in by_name["b"]
    assert by_name["b"]["unit"] == by_name["a_x"]["unit"] == "uV"
    rest = {"dtype": "int16", "channels": 2, "sampling_frequency": 5.0, "order": "C"}
    found = entries_of([str(raw), str(plain)], given=rest)
    complete, left_open = _filled_in(found.entries, rest, _again)
    assert left_open == []
    assert {entry.name: entry.keys.get("channels") for entry in complete} == {"raw": 2, "b": None}
    _, left_open = _filled_in(entries_of([str(raw), str(plain)]).entries, {}, _again)
    assert len(left_open) == 1
    assert "say it: seriesview view" in left_open[0]


def test_files_that_are_cut_short_can_be_allowed(tmp_path: Path) -> None:
    np.save(tmp_path / "whole.npy", SAMPLES)
    path = tmp_path / "cut.npy"
    path.write_bytes((tmp_path / "whole.npy").read_bytes()[:-7])
    (entry,) = entries_of([str(path)]).entries
    assert entry.keys["allow_truncated"] is None
    complete, left_open = _filled_in([entry], {"allow_truncated": True, "sampling_frequency": 10.0}, _again)
    assert left_open == []
    assert complete[0].keys["allow_truncated"] is True


@pytest.mark.parametrize("name", ["a.npy", "l" * 255, "百" * 85, "百" * 81 + ".npy"])
def test_folders_of_long_names_can_be_made(tmp_path: Path, name: str) -> None:
    folder = folder_name(name)
    (tmp_path / folder).mkdir()
    assert folder.endswith(".seriesview")
    assert folder.startswith(name[:20])
    assert folder_name(name[:-1] + "x") != folder
