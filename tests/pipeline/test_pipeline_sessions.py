"""Sessions: a workspace of each, an index of all, and what adding, removing and renaming them costs."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import edf_files
import numpy as np
import open_ephys_folders
import pytest
import spikeglx_files

import seriesview
from seriesview.build.progress import BuildStep
from seriesview.config import with_defaults, without_filled_in
from seriesview.errors import ConfigError
from seriesview.pipeline.configured import Configured
from seriesview.pipeline.noted_sessions import in_a_word, note_sessions, noted_sessions
from seriesview.pipeline.results import Results
from seriesview.pipeline.sessions import configured_sessions
from seriesview.sessions.facts import SessionSource, facts_of, with_usual_streams
from seriesview.sessions.table import sessions_table

RATE = 250


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_flat(path: Path, samples: int = 2000, channels: int = 2) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(list(os.fsencode(path.name + path.parent.name)))
    rng.integers(-500, 500, (samples, channels)).astype(np.int16).tofile(path)


def write_pos(path: Path, seconds: float = 8.0) -> None:
    times = np.arange(0, seconds, 0.1)
    lines = [f"{time:.1f},{np.sin(time):.3f}\n" for time in times]
    path.write_text("time,x\n" + "".join(lines))


@pytest.fixture
def config(here: Path) -> dict[str, Any]:
    """Three rats: the second has no position, the third a recording that cannot be read."""
    for subject in ("rat1", "rat2"):
        write_flat(here / "data" / subject / "2026-01-02" / "raw.dat")
    write_pos(here / "data/rat1/2026-01-02/pos.csv")
    write_flat(here / "data/rat3/2026-01-05/raw.dat", samples=0)
    write_pos(here / "data/rat3/2026-01-05/pos.csv")
    return {
        "workspace": "lab",
        "store": {"storage_dir": "store", "mode": "embedded"},
        "defaults": {"dtype": "int16", "channels": 2, "sampling_frequency": RATE},
        "sessions": {
            "path": "data/{subject}/{date}/raw.dat",
            "label": "{subject} on {date}",
            "datasets": {
                "raw": {"label": "Raw of {subject}", "bad_channels": ["1"]},
                "position": {
                    "path": "data/{subject}/{date}/pos.csv",
                    "dataset": "x",
                    "sampling_frequency": None,
                },
            },
            "views": [{"label": "{subject}", "panels": [{"type": "ContinuousTraces", "series": "raw"}]}],
        },
    }


def build(config: dict[str, Any], steps: list[BuildStep] | None = None) -> Any:
    steps = [] if steps is None else steps
    return seriesview.build_sessions(config, progress=steps.append)


def bytes_read(steps: list[BuildStep]) -> set[str]:
    return {step.dataset for step in steps if step.done_bytes is not None}


def test_each_session_is_a_workspace_and_a_bad_one_is_shown_as_such(
    config: dict[str, Any], here: Path
) -> None:
    del config["sessions"]["datasets"]["position"]["sampling_frequency"]
    config["defaults"] = {}
    config["sessions"]["datasets"]["raw"] |= {"dtype": "int16", "channels": 2, "sampling_frequency": RATE}
    built = build(config)
    one, two, three = built.sessions
    assert [each["id"] for each in built.sessions] == [
        "rat1_2026-01-02",
        "rat2_2026-01-02",
        "rat3_2026-01-05",
    ]
    assert (one["state"], two["state"], three["state"]) == ("built", "partly built", "partly built")
    assert two["cause"].startswith("position: path: data/rat2/2026-01-02/pos.csv: no such file")
    assert three["cause"].startswith("raw: ")
    workspace = built.open("rat1_2026-01-02")
    assert workspace.manifest.label == "rat1 on 2026-01-02"
    assert workspace.manifest.id == "lab/rat1_2026-01-02"
    assert workspace.names == ("raw", "position")
    assert workspace.manifest.views[0].label == "rat1"
    series = workspace.series("raw")
    assert series.manifest.label == "Raw of rat1"
    expected = np.fromfile(here / "data/rat1/2026-01-02/raw.dat", np.int16).reshape(-1, 2)
    np.testing.assert_array_equal(series.values(0, 0, len(expected)), expected)
    results = json.loads((here / "results/rat2_2026-01-02/workspace.json").read_text())
    assert [each["name"] for each in results["manifest"]["missing"]] == ["position"]
    # The same URI as the recordings have by themselves.
    alone = seriesview.build_workspace(
        {
            "datasets": {
                "raw": {
                    **config["sessions"]["datasets"]["raw"],
                    "label": "Raw of rat1",
                    "path": one_path(here),
                }
            }
        },
        store=here / "store",
        progress=lambda _: None,
    )
    assert workspace.manifest.uri("raw") == alone.series["raw"].uri


def one_path(here: Path) -> str:
    return str(here / "data/rat1/2026-01-02/raw.dat")


def test_the_index_says_what_is_known(config: dict[str, Any], here: Path) -> None:
    config["defaults"] = {}
    config["sessions"]["datasets"] = {
        "raw": {"dtype": "int16", "channels": 2, "sampling_frequency": RATE, "bad_channels": ["1"]},
        "position": {"path": "data/{subject}/{date}/pos.csv", "dataset": "x"},
    }
    built = build(config)
    index = json.loads((here / "results/sessions.json").read_text())
    assert index["label"] == "lab"
    assert index["sessions"] == [dict(each) for each in built.sessions]
    one = index["sessions"][0]
    assert one["values"] == {"subject": "rat1", "date": "2026-01-02"}
    assert (one["streams"], one["expected"]) == (["raw", "position"], ["raw", "position"])
    assert one["seconds"] == pytest.approx(8.0)
    assert one["mismatch"] == pytest.approx(0.0)
    assert (one["gaps"], one["gap_seconds"]) == (0, 0)
    assert (one["channels"], one["bad"], one["units"]) == (3, ["1"], None)
    assert (one["raw"], one["raw_files"]) == ("there", 2)
    files = [here / "data/rat1/2026-01-02" / name for name in ("raw.dat", "pos.csv")]
    assert one["raw_bytes"] == sum(file.stat().st_size for file in files)
    assert one["owner"] == files[0].owner()
    assert one["picture"] == "pictures/rat1_2026-01-02/raw.png"
    assert (here / "results" / one["picture"]).is_file()
    assert (here / "results" / one["page"]).is_file()
    page = (here / "results" / one["page"]).read_text()
    assert 'src="../pictures/rat1_2026-01-02/raw.png"' in page
    assert "seriesview serve" in page
    rows = list(csv.DictReader((here / "results/sessions.tsv").open(), delimiter="\t"))
    assert [row["subject"] for row in rows] == ["rat1", "rat2", "rat3"]
    assert (rows[0]["seconds"], rows[0]["bad"], rows[0]["units"]) == ("8.0", "1", "n/a")
    assert rows[1]["cause"].startswith("position: path")
    assert rows[2]["streams"] == "position"


def test_text_of_sessions_cannot_break_the_page(here: Path) -> None:
    write_flat(here / "d" / "<script>alert(1)</script>.dat".replace("/", "_"))
    config = {
        "workspace": "<b>&",
        "store": {"storage_dir": "store"},
        "sessions": {
            "path": "d/{subject}.dat",
            "id": "one",
            "label": "</script>{subject}",
            "datasets": {"raw": {"dtype": "int16", "channels": 2, "sampling_frequency": RATE}},
        },
    }
    build(config)
    page = (here / "results/index.html").read_text()
    assert page.count("</script>") == 2
    assert "<b>" not in page
    assert "<script>alert" not in page


def test_adding_a_session_builds_it_alone_and_removing_one_leaves_nothing(
    config: dict[str, Any], here: Path
) -> None:
    del config["sessions"]["datasets"]["position"]
    build(config)
    before = {path: path.stat().st_mtime_ns for path in (here / "results").rglob("rat1*/*.*")}
    assert before
    write_flat(here / "data/rat1/2026-01-03/raw.dat")
    steps: list[BuildStep] = []
    assert [each["id"] for each in build(config, steps).sessions][1] == "rat1_2026-01-03"
    assert bytes_read(steps) == {"rat1_2026-01-03/raw"}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    (here / "data/rat1/2026-01-02/raw.dat").unlink()
    built = build(config, steps := [])
    assert bytes_read(steps) == set()
    assert "rat1_2026-01-02" not in [each["id"] for each in built.sessions]
    assert [path for path in (here / "results").rglob("*") if "rat1_2026-01-02" in path.name] == []
    # What is not a session's stays, whatever an index says.
    index = json.loads((here / "results/sessions.json").read_text())
    index["sessions"] += [{"id": "../data"}, {"id": "pictures"}]
    (here / "results/sessions.json").write_text(json.dumps(index))
    build(config)
    assert (here / "data").is_dir()
    assert (here / "results/pictures").is_dir()


def test_recordings_in_folders_of_sessions_stay_whatever_becomes_of_these(here: Path) -> None:
    for subject in ("m1", "m2", "m3"):
        write_flat(here / subject / "raw.dat")
    given = {"dtype": "int16", "channels": 2, "sampling_frequency": RATE}
    config = {
        "workspace": "lab",
        "sessions": {"path": "{subject}/raw.dat"},
        "defaults": given,
        "results": ".",
        "store": {"storage_dir": "store"},
    }
    assert [each["state"] for each in build(config).sessions] == ["built"] * 3
    (here / "m1/raw.dat").write_bytes(b"\0")
    (here / "m2/raw.dat").rename(here / "m2/moved.dat")
    (here / "pictures/m2/own.png").write_bytes(b"own")
    assert {each["id"]: each["state"] for each in build(config).sessions} == {"m1": "failed", "m3": "built"}
    assert [path.name for path in (here / "m1").iterdir()] == ["raw.dat"]
    assert [path.name for path in (here / "m2").iterdir()] == ["moved.dat"]
    assert [path.name for path in (here / "pictures/m2").iterdir()] == ["own.png"]
    assert not (here / "series/m2").exists()


def test_a_dataset_that_sessions_have_no_more_leaves_nothing(here: Path) -> None:
    for number in (1, 2):
        write_pos(here / f"rat{number}.csv")
        write_pos(here / f"more{number}.csv")
    datasets = {"position": {}, "more": {"path": "more{number}.csv"}}
    sessions = {"path": "rat{number}.csv", "datasets": datasets}
    config = {"store": {"storage_dir": "store", "mode": "embedded"}, "sessions": sessions}
    build(config)
    assert (here / "results/series/1/more.json").is_file()
    del datasets["more"]
    build(config)
    assert not list((here / "results").rglob("more.*"))
    assert (here / "results/series/1/position.json").is_file()
    # Nor is a picture of what a recording was shown.
    (here / "rat1.csv").write_bytes(b"")
    (session, _) = build(config).sessions
    assert (session["state"], session["picture"]) == ("failed", None)


def test_what_was_made_stays_while_a_session_cannot_be_looked_into(here: Path) -> None:
    for number in (1, 2):
        write_pos(here / f"rat{number}.csv")
    config = {"store": {"storage_dir": "store", "mode": "embedded"}, "sessions": {"path": "rat{number}.csv"}}
    build(config)
    (made,) = (here / "results/artifacts/1").iterdir()
    content = (here / "rat1.csv").read_bytes()
    (here / "rat1.csv").write_bytes(b"")
    assert build(config).sessions[0]["state"] == "failed"
    assert made.is_file()
    (here / "rat1.csv").write_bytes(content)
    assert build(config).sessions[0]["state"] == "built"


def test_a_name_that_is_not_utf_8_fails_its_session_alone(here: Path) -> None:
    write_pos(here / "rat1.csv")
    (here / os.fsdecode(b"rat\xff.csv")).write_bytes((here / "rat1.csv").read_bytes())
    config = {"store": {"storage_dir": "store", "mode": "embedded"}, "sessions": {"path": "rat{number}.csv"}}
    built = build(config)
    assert [(each["id"], each["state"]) for each in built.sessions] == [("1", "built"), ("_", "failed")]
    assert "its name is not UTF-8" in built.sessions[1]["cause"]
    assert "\\udcff" in (here / "results/sessions.tsv").read_text()


def test_a_session_of_another_name_reads_nothing_again(config: dict[str, Any], here: Path) -> None:
    del config["sessions"]["datasets"]["position"]
    before = build(config).sessions[0]["workspace"]
    config["sessions"]["id"] = "{date}-{subject}"
    steps: list[BuildStep] = []
    built = build(config, steps)
    assert bytes_read(steps) == set()
    assert built.sessions[0]["id"] == "2026-01-02-rat1"
    assert built.sessions[0]["state"] == "built"
    assert not (here / "results/rat1_2026-01-02").exists()
    assert not (here / "results/artifacts/rat1_2026-01-02").exists()
    series = [each["uri"] for each in built.open("2026-01-02-rat1").manifest.to_json_dict()["series"]]
    assert series == [
        entry.uri for entry in seriesview.open_workspace(before, here / "store").manifest.series
    ]


def test_a_pattern_alone_shows_what_recordings_hold(here: Path) -> None:
    (here / "edf").mkdir()
    for number in (1, 2, 3):
        signals = [edf_files.signal(100, 20, "EEG Cz"), edf_files.signal(100, 20, "EOG left", seed=1)]
        if number < 3:
            signals.append(edf_files.signal(10, 20, "Temp"))
        edf_files.write(here / f"edf/sub-0{number}_task-rest_eeg.edf", signals)
    (here / "edf/sub-04_task-rest_eeg.edf").write_bytes(b"0       " + b"no EDF" * 100)
    config = {
        "store": {"storage_dir": "store"},
        "defaults": {"full_resolution": "omit"},
        "sessions": {"path": "edf/sub-{subject}_task-{task}_eeg.edf", "id": "{subject}"},
    }
    one, two, three, four = build(config).sessions
    # Names are those that all sessions have, and what most have is expected.
    assert one["streams"] == ["100_Hz", "10_Hz"]
    assert two["state"] == "built"
    assert (three["streams"], three["expected"]) == (["eeg"], ["100_Hz", "10_Hz", "eeg"])
    assert (four["state"], four["workspace"], four["streams"]) == ("failed", None, [])
    assert "sub-04_task-rest_eeg.edf" in four["cause"]
    manifest = json.loads((here / "results/01/workspace.json").read_text())["manifest"]
    (view,) = manifest["views"]
    assert view["label"] == "01"
    assert view["page"] == 10
    assert [panel["data"]["series"] for panel in view["panels"]] == ["100_Hz", "10_Hz"]
    series = json.loads((here / "results/series/01/100_Hz.json").read_text())
    assert series["manifest"]["values"] is None


def test_several_files_of_a_session_are_told_apart_by_what_its_name_leaves(here: Path) -> None:
    for run in ("1", "2"):
        edf_files.write((here / f"sub-07_run-{run}_eeg.edf"), [edf_files.signal(100, 20, "EEG Cz")])
    content = with_defaults({"sessions": {"path": "sub-{subject}_run-*_eeg.edf"}})
    (session,) = configured_sessions(content, here / "results")
    assert session.id == "07"
    assert list(session.datasets) == ["07/run-1_eeg", "07/run-2_eeg"]


def found_by(pattern: str) -> dict[str, list[str]]:
    """What the series of the sessions of a pattern are called, by session."""
    content = with_defaults({"sessions": {"path": pattern}})
    return {each.id: list(each.entries) for each in configured_sessions(content, Path("results"))}


def test_series_of_runs_of_spikeglx_are_called_the_same_by_folder_and_by_files(here: Path) -> None:
    for run in ("rat1_20240506", "rat2_20240506"):
        for probe in (0, 1):
            folder = here / f"data/{run}_g0/{run}_g0_imec{probe}"
            stem = f"{run}_g0_t0.imec{probe}"
            spikeglx_files.write_stream(folder, f"{stem}.ap", np.ones((300, 5)), spikeglx_files.ap_keys(4))
    series = ["imec0_ap", "imec0_sync"]
    assert found_by("data/{subject}_{date}_g0/*_imec0/*.ap.bin") == {
        "rat1_20240506": series,
        "rat2_20240506": series,
    }
    both = [*series, "imec1_ap", "imec1_sync"]
    assert found_by("data/{run}_g0/*_imec*/*.ap.bin")["rat1_20240506"] == both
    assert sorted(found_by("data/{run}_g{gate}")["rat1_20240506_0"]) == both
    assert found_by("data/{run}_g0/*_imec{probe}")["rat2_20240506_1"] == both[2:]


def test_files_of_one_name_are_told_apart_by_their_folders(here: Path) -> None:
    for date in ("2024-05-06", "2024-05-07"):
        for number in (1, 2):
            stream = open_ephys_folders.Stream("Board-100.Data", np.ones((300, 1)))
            folder = here / f"oe/rat1/{date}/Record Node 101/experiment1/recording{number}"
            open_ephys_folders.write(folder, open_ephys_folders.Recording([stream]))
    names = ["recording1", "recording2"]
    for pattern in ("oe/{subject}/{date}/**/structure.oebin", "oe/{subject}/{date}/*/experiment1/recording*"):
        assert found_by(pattern) == {"rat1_2024-05-06": names, "rat1_2024-05-07": names}
    assert len(found_by("oe/{subject}/{date}")["rat1_2024-05-06"]) == 2


def test_what_was_found_is_looked_for_again_only_where_files_changed(here: Path) -> None:
    for number in range(3):
        edf_files.write(here / f"s{number}.edf", [edf_files.signal(100, 20, "EEG Cz")])
    results = here / "results"
    results.mkdir()
    content = with_defaults({"sessions": {"path": "{subject}.edf"}})
    first = configured_sessions(content, results)
    notes = results / "ledger/recordings.json"
    before = notes.stat().st_mtime_ns
    assert configured_sessions(content, results) == first
    assert notes.stat().st_mtime_ns == before
    edf_files.write(here / "s1.edf", [edf_files.signal(100, 20, "EEG Cz"), edf_files.signal(10, 20, "Temp")])
    again = configured_sessions(content, results)
    assert list(again[1].entries) == ["100_Hz", "10_Hz"]
    assert (again[0], again[2]) == (first[0], first[2])
    whole = notes.read_text()
    for edited in (
        "{",
        '{"found": []}',
        whole.replace("100_Hz", "slow"),
        whole.replace('"entries": {', '"entries": [{'),
    ):
        notes.write_text(edited)
        assert configured_sessions(content, results) == again
        assert notes.read_text() == whole


def test_no_cell_of_the_table_is_a_formula_and_numbers_stay_numbers() -> None:
    values = {"subject": "=HYPERLINK(1)", "depth": "-3.5", "rig": "@A", "offset": "+1e3", "note": "-a\tb"}
    found = facts_of(SessionSource("s", "+label", values, []), {})
    (row,) = csv.DictReader(io.StringIO(sessions_table([found])), delimiter="\t")
    kept = {name: row[name] for name in values}
    assert kept == {**values, "subject": "'=HYPERLINK(1)", "rig": "'@A", "note": "'-a b"}
    assert row["label"] == "'+label"


def test_which_sessions_there_are_is_noted_for_a_builds_other_processes(
    config: dict[str, Any], here: Path
) -> None:
    content = with_defaults(config)
    sessions = configured_sessions(content, here)
    assert noted_sessions(here, content) is None
    note_sessions(content, sessions, here)
    write_flat(here / "data/rat9/2026-01-09/raw.dat")
    found = noted_sessions(here, content)
    assert found is not None
    assert in_a_word("lab", found.sessions) == in_a_word("lab", sessions)
    assert noted_sessions(here, with_defaults({**config, "workspace": "other"})) is None
    assert with_defaults(without_filled_in(content)) == content
    note = here / "ledger/sessions.json"
    note.write_text(note.read_text().replace("rat1", "../x"))
    assert noted_sessions(here) is None


def test_gaps_and_units_are_counted() -> None:
    segments = [
        {"start_time": 0.0, "end_time": 4.0, "num_samples": 4},
        {"start_time": 10.0, "end_time": 12.0, "num_samples": 2},
    ]
    manifest = {
        "format": "seriesview-series/1",
        "type": "continuous",
        "dtype": "int16",
        "sampling_frequency": 1.0,
        "channels": [
            {"id": "0", "label": "a", "bad": True, "limits": [-512, 511], "clipped": 0.002},
            {"id": "1", "label": "b"},
        ],
        "session_start": "2026-01-02T10:00:00+01:00",
        "segments": segments,
    }
    events = {
        **manifest,
        "type": "event",
        "dtype": "float64",
        "sampling_frequency": None,
        "label": "units",
    }
    results = {
        name: {"manifest": each, "source": {"path": "/gone/x.dat", "size": 12, "mtime": 1.0}}
        for name, each in (("a", manifest), ("b", {**manifest, "segments": segments[:1]}), ("u", events))
    }
    found = facts_of(SessionSource("s", "S", {}, ["a", "b", "u", "v"]), results)
    assert (found["gaps"], found["gap_seconds"]) == (1, 6.0)
    assert (found["seconds"], found["mismatch"]) == (12.0, 8.0)
    assert (found["channels"], found["bad"], found["units"]) == (4, ["a", "a", "a"], 2)
    assert (found["clipped"], found["clipped_channel"]) == (0.002, "a")
    assert (found["raw"], found["raw_bytes"], found["raw_files"], found["owner"]) == ("gone", 12, 1, None)
    assert found["values"] == {"date": "2026-01-02 10:00:00+01:00"}


def test_planning_costs_what_there_are_of_sessions(here: Path) -> None:
    def calls(count: int) -> int:
        for number in range(count):
            path = here / f"n{count}" / f"s{number:04}" / "raw.dat"
            path.parent.mkdir(parents=True)
            path.touch()
        entry = {"dtype": "int16", "channels": 2, "sampling_frequency": RATE}
        said = {"path": f"n{count}/{{subject}}/raw.dat", "datasets": {"raw": entry}}
        content = with_defaults({"sessions": said})
        made = 0

        def count_one(*_: object) -> None:
            nonlocal made
            made += 1

        sys.setprofile(count_one)
        try:
            configured = Configured.of(content)
            assert [configured.panel_of(dataset.name) for dataset in configured.datasets] == [{}] * count
        finally:
            sys.setprofile(None)
        return made

    calls(1)
    assert calls(400) < 10.5 * calls(40)


def test_one_workspace_is_not_asked_of_sessions(config: dict[str, Any], here: Path) -> None:
    del config["sessions"]["datasets"]["position"]
    with pytest.raises(ConfigError, match="build_sessions"):
        seriesview.build_workspace(config)
    with pytest.raises(ConfigError, match="build_workspace"):
        seriesview.build_sessions({"datasets": {"a": {"path": "a.edf"}}})
    assert with_usual_streams([]) == []
    assert Results(here).index == here / "index.html"
