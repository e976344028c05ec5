"""`seriesview inspect`: its YAML opens what it found."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from seriesview.build.dataset import dataset_from_config
from seriesview.build.findings import dataset_name
from seriesview.cli.inspect import command
from seriesview.pipeline.config_file import entry_yaml
from seriesview.readers import open_recording


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def candidates(path: Path, *arguments: str) -> Any:
    return json.loads(run(str(path), "--json", *arguments))["candidates"]


def test_types_of_channels_are_told_and_that_they_are_guessed(tmp_path: Path) -> None:
    path = tmp_path / "eeg.csv"
    head = ",".join(["time (s)", *(f"{name} (uV)" for name in ("Fz", "Cz", "Pz", "EOG"))])
    path.write_text("\n".join([head, *(f"{i / 100},1,2,3,4" for i in range(100)), ""]))
    (found,) = candidates(path)
    assert found["channels"] == {"types": {"EEG": 3, "EOG": 1}}
    text = run(str(path))
    assert "types: EEG (3), EOG (1)" in text
    assert "guessed: types of channels, from their labels and units: 3 EEG, 1 EOG" in text


def test_the_yaml_opens_what_was_found(tmp_path: Path) -> None:
    directory = tmp_path / "it's: a #dir, with spaces"
    directory.mkdir()
    path = directory / "1 heart: rate.csv"
    path.write_text("time (ms),hr (bpm)\n" + "".join(f"{8 * i},{i % 9}\n" for i in range(100)))
    (found,) = candidates(path)
    assert found["shape"] == [100, 1]
    assert found["dtype"] == "int32"
    assert found["sampling_frequency"] == 125
    assert found["unit"] == "bpm"
    assert found["duration"] == pytest.approx(0.8)
    text = run(str(path))
    pasted = yaml.safe_load("datasets:" + text.partition("datasets:")[2])
    assert pasted == {"datasets": {found["name"]: found["config"]}}
    (entry,) = pasted["datasets"].values()
    dataset = dataset_from_config("x", entry)
    with open_recording(dataset.path, dataset.reader, dataset.options) as recording:
        assert recording.num_samples == 100
    for word in ("125 Hz", "100 samples x 1 channel", "bpm", "0.8 s"):
        assert word in text


def test_what_the_file_does_not_say_is_left_to_be_filled_in(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((50, 2), np.int16), text=np.array(["a"]))
    x, text = candidates(tmp_path / "a.npz")
    assert (x["dtype"], x["shape"], x["sampling_frequency"], x["problem"]) == ("int16", [50, 2], None, None)
    assert x["config"]["sampling_frequency"] is None
    assert "yaml" not in text
    output = run(str(tmp_path / "a.npz"))
    assert "sampling_frequency:  # fill in" in output
    assert "rate not known" in output
    assert output.index("Cannot be shown:") < output.index("text: samples of dtype <U1 cannot be shown")


def test_flat_binary_files_need_everything(tmp_path: Path) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(b"\0\1" * 100)
    (found,) = candidates(path)
    assert [key for key, value in found["config"].items() if value is None] == [
        "dtype",
        "channels",
        "sampling_frequency",
    ]
    assert "reader: binary" in found["yaml"]


def test_segments_and_timestamps_of_their_own_are_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    times = np.cumsum(np.random.default_rng(1).exponential(1.0, 500))
    path.write_text("t,x\n" + "".join(f"{t},1\n" for t in times))
    assert "times of its own" in run(str(path))
    path.write_text("t,x\n" + "".join(f"{t},1\n" for t in [*range(100), *range(5000, 5100)]))
    assert "2 segments" in run(str(path))


def test_a_candidate_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,x\n2,1\n1,1\n")
    (found,) = candidates(path)
    assert "goes back" in found["problem"]
    assert "Cannot be shown" in run(str(path))


def test_events_and_intervals_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("start,end,label\n1,2,run\n5,7,rest\n")
    found = candidates(path)[0]
    assert (found["type"], found["duration"], found["config"]["type"]) == ("interval", 6, "interval")
    path.write_text("time,unit\n1,4\n5,7\n")
    assert "event, 2 events, 2 channels, 4 s" in run(str(path))


def test_errors_are_one_line(tmp_path: Path) -> None:
    command_line = [sys.executable, "-m", "seriesview.cli.main", "inspect", str(tmp_path / "none.csv")]
    done = subprocess.run(command_line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("seriesview: error: ")
    assert done.stderr.count("\n") == 1


def test_names_are_words_and_differ() -> None:
    assert dataset_name("my file (1)", None) == "my_file_1"
    assert dataset_name("session", "/acquisition/ElectricalSeries") == "session_ElectricalSeries"
    assert dataset_name("2021-03-04 rat", None) == "2021-03-04_rat"
    assert dataset_name("...", None) == "recording"
    assert dataset_name("a", None, ["a", "a_2"]) == "a_3"


@pytest.mark.parametrize(
    "value", ["yes", "1e3", "a: b", "#x", "-", "null", "ü", " x ", "12:30:45", ["a", "b: c"]]
)
def test_yaml_values_come_back_as_they_were(value: Any) -> None:
    entry = {"path": value, "dataset": value}
    assert yaml.safe_load("datasets:\n" + entry_yaml("on", entry)) == {"datasets": {"on": entry}}
