"""The steps of a build as other programs call them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import seriesview
from seriesview.build.results import read_results
from seriesview.cli.build_dataset import command as build_dataset
from seriesview.cli.entry_options import ENTRY_KEYS, option_name
from seriesview.config.model import DatasetKeys

SERIESVIEW = str(Path(sys.executable).parent / "seriesview")
STORE = ("--storage-dir", "storage", "--mode", "embedded")


def step(*words: str, document: Any = None, status: int = 0) -> subprocess.CompletedProcess[str]:
    text = None if document is None else json.dumps(document)
    done = subprocess.run([SERIESVIEW, *words], input=text, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def uri(path: str) -> str:
    return str(read_results([Path(path)])[0]["uri"])


def options(keys: dict[str, Any]) -> list[str]:
    return [word for key, value in keys.items() for word in (option_name(key), str(value))]


def test_every_key_of_a_dataset_is_an_option_explained_as_in_the_configuration() -> None:
    helps = {option.name: getattr(option, "help", None) for option in build_dataset.params}
    assert set(ENTRY_KEYS) == set(DatasetKeys.model_fields) - {"path", "scatter", "best_channels"}
    for key in set(ENTRY_KEYS) - {"missing"}:
        assert helps[key] == DatasetKeys.model_fields[key].description


def test_however_it_is_called_the_series_is_the_same(raw: dict[str, Any]) -> None:
    described = {**raw, "label": "Raw", "unit": "uV", "scale": 0.195, "channel_labels": list("abcdef")}
    expected = seriesview.build_dataset(store="expected", **described).uri
    keys = {key: value for key, value in described.items() if key not in ("path", "channel_labels")}
    plain = [*options(keys), "--channel-labels", "a,b, c,d,e,f", *STORE]
    step("build-dataset", "raw.dat", *plain, "--out", "plain.json")
    assert uri("plain.json") == expected
    document = {"datasets": {"raw": described}, "store": {"storage_dir": "storage", "mode": "embedded"}}
    step("build-dataset", "--entries", "-", "--out", "entries.json", document=document)
    assert uri("entries.json") == expected
    # In several jobs, in any order; what only describes is said last.
    for share in ("1/3", "0/3", "2/3"):
        step("build-dataset", "raw.dat", *options(raw | {"path": ""})[2:], *STORE, "--shard", share,
             "--out", f"{share[0]}.json", "--ledger", "notes")  # fmt: skip
    gather = [word for index in (2, 0, 1) for word in ("--gather", f"{index}.json")]
    step("build-dataset", "raw.dat", *options(raw)[2:], *STORE, *gather, "--samples", "--out", "samples.json")
    step("build-dataset", "raw.dat", *plain, "--from", "samples.json", "--out", "described.json")
    assert uri("described.json") == expected


def test_shards_and_samples_of_something_else_are_refused(raw: dict[str, Any]) -> None:
    given = ["raw.dat", *options(raw)[2:], *STORE]
    for share in ("0/2", "1/2"):
        step("build-dataset", *given, "--shard", share, "--out", f"{share[0]}.json")
    done = step("build-dataset", *given, "--gather", "0.json", "--out", "raw.json", status=2)
    assert "the files of its shards are of 0/2" in done.stderr
    both = ["--gather", "0.json", "--gather", "1.json"]
    done = step("build-dataset", *given, "--base", "32", *both, "--out", "raw.json", status=2)
    assert "0.json: was made of another file or with other keys" in done.stderr
    assert not Path("raw.json").exists()
    step("build-dataset", *given, *both, "--samples", "--out", "samples.json")
    done = step(
        "build-dataset", *given, "--base", "32", "--from", "samples.json", "--out", "x.json", status=2
    )
    assert "samples.json: was made of another file or with other keys" in done.stderr
    done = step("build-dataset", *given, "--shard", "2/2", "--out", "x.json", status=2)
    assert "'2/2' is no share" in done.stderr


def test_several_datasets_in_one_job_of_which_a_bad_one_stops_no_other(
    raw: dict[str, Any], spikes: dict[str, Any]
) -> None:
    document = {"datasets": {"bad": raw | {"channels": 7}, "raw": raw, "spikes": spikes}}
    words = ("build-dataset", "--entries", "-", *STORE, "--failures", "failures")
    done = step(*words, "--out-dir", "series", document=document, status=2)
    assert done.stderr.count("seriesview: error: dataset bad: ") == 1
    assert {path.name for path in Path("series").iterdir()} == {"raw.json", "spikes.json"}
    assert uri("series/raw.json") == seriesview.build_dataset(store="expected", name="raw", **raw).uri
    failure = json.loads(Path("failures/bad.json").read_text())
    assert failure["code"] == "recording-unreadable"
    assert "raw.dat" in failure["error"]
    # Once it can be built, nobody says otherwise.
    document["datasets"]["bad"] = raw
    step(*words, "--name", "bad", "--out", "bad.json", document=document)
    assert not Path("failures/bad.json").exists()
    for wrong in (("--out", "x.json"), (), ("--out", "x.json", "--out-dir", "x")):
        assert "--out-dir DIR for several" in step(*words, *wrong, document=document, status=2).stderr
    done = step(*words, "--name", "none", "--out", "x.json", document=document, status=2)
    assert "there is no dataset 'none'; there are bad, raw, spikes" in done.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"datasets": {"a": {"path": 1}}}', '{"datasets": 7}', ""])
def test_what_standard_input_says_is_checked_like_a_configuration(text: str) -> None:
    done = subprocess.run(
        [SERIESVIEW, "build-dataset", "--entries", "-", "--out", "x.json"],
        input=text,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("seriesview: error: standard input: ")
    assert "Traceback" not in done.stderr


def test_a_workspace_of_what_the_steps_wrote(config: dict[str, Any]) -> None:
    Path("config.yaml").write_text(json.dumps(config))
    expected = seriesview.build_workspace(config, store="expected")
    names = list(config["datasets"])
    for name in names:
        step("build-dataset", "--entries", "config.yaml", "--name", name, "--out", f"{name}.json")
    files = [f"{name}.json" for name in names]
    step("build-workspace", *files, "--config", "config.yaml", "--out", "workspace.json")
    assert uri("workspace.json") == expected.uri
    Path("listed").write_text("\n".join(files))
    step("build-workspace", "--listed", "listed", "--config", "config.yaml", "--out", "w.json")
    assert uri("w.json") == expected.uri
    assert "name the files of one series" in step("build-workspace", "--out", "w.json", status=2).stderr
    views = {"views": config["views"]}
    step(
        "build-workspace",
        *files,
        "--workspace",
        "rat7",
        *STORE,
        "--config",
        "-",
        "--out",
        "w.json",
        document=views,
    )
    assert uri("w.json") == expected.uri
    missing = ("--missing", "raw=it is = gone")
    step("build-workspace", *files[1:], *missing, *STORE, "--out", "w.json")
    manifest = read_results([Path("w.json")])[0]["manifest"]
    assert manifest["missing"] == [{"name": "raw", "error": "it is = gone"}]
    views["views"][0]["panels"][0]["series"] = "none"
    done = step(
        "build-workspace", *files, *STORE, "--config", "-", "--out", "w.json", document=views, status=2
    )
    assert "there is no dataset 'none'" in done.stderr
