"""`seriesview view`: from a recording to a link, in one command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from link_client import Browser
from served_links import Served
from serving_processes import Surroundings
from spikeglx_files import ap_keys, write_stream
from waiting import MOST_SECONDS

import seriesview

FLAT = (
    "--dtype",
    "int16",
    "--channels",
    "4",
    "--sampling-frequency",
    "1000",
    "--unit",
    "uV",
    "--scale",
    "0.5",
)


@pytest.fixture
def recording(surroundings: Surroundings) -> Path:
    path = surroundings.directory / "data" / "raw file.dat"
    path.parent.mkdir()
    np.random.default_rng(0).normal(0, 100, (20_000, 4)).astype(np.int16).tofile(path)
    return path


def without_store(surroundings: Surroundings) -> dict[str, str]:
    """An environment that names no storage directory."""
    return {"KACHERY_STORAGE_DIR": "", "KACHERY_DAEMON_PORT": str(surroundings.port)}


def shown(served: Served) -> tuple[Browser, Any]:
    """The workspace that a command's link shows."""
    browser = Browser()
    return browser, browser.figure_data(browser.open(served.links()[0]))


def failing(surroundings: Surroundings, *arguments: str, **environment: str) -> str:
    """The one line of a command that ends with an error."""
    done = subprocess.run(
        ["seriesview", "view", *arguments],
        env=surroundings.environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("seriesview: error: ")]
    assert len(errors) == 1
    return errors[0]


def test_a_recording_is_built_once_and_shown(surroundings: Surroundings, recording: Path) -> None:
    own = without_store(surroundings)
    # What the file does not say is asked for in words.
    message = failing(surroundings, str(recording), **own)
    assert "--dtype DTYPE --channels CHANNELS --sampling-frequency SAMPLING_FREQUENCY" in message
    folder = recording.with_name("raw file.dat.seriesview")
    assert not folder.exists()
    first = Served(surroundings, "seriesview", "view", str(recording), *FLAT, **own)
    browser, workspace = shown(first)
    assert [series["name"] for series in workspace["series"]] == ["raw_file"]
    assert f"configuration and results: {folder}" in first.process.written
    assert "raw_file: 160 kB in" in first.process.written
    assert browser.request("GET", first.links()[0].partition("#")[0]).status == 200
    entry = yaml.safe_load((folder / "config.yaml").read_text())["datasets"]["raw_file"]
    assert (entry["path"], entry["dtype"], entry["scale"]) == (str(recording), "int16", 0.5)
    assert (folder / "kachery-storage").is_dir()
    assert (
        list(recording.parent.iterdir()) == [recording, folder] or len(list(recording.parent.iterdir())) == 2
    )
    assert first.process.stop() == 0
    # What is there already is neither built nor written again, and what was edited stays.
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("unit: uV", "unit: mV"))
    edited = config.read_text()
    second = Served(surroundings, "seriesview", "view", str(recording), **own)
    _, again = shown(second)
    assert "1 built already, 0 to build" in second.process.written
    assert config.read_text() == edited
    series = seriesview.open_series(
        again["series"][0]["uri"], seriesview.store.open_store(folder / "kachery-storage")
    )
    assert series.manifest.unit == "mV"
    assert second.process.stop() == 0
    # Results are shown as they are.
    storage = str(folder / "kachery-storage")
    for argument in (str(folder / "results/workspace.json"), again["series"][0]["uri"]):
        served = Served(surroundings, "seriesview", "view", argument, "--storage-dir", storage, **own)
        shown(served)
        assert "datasets" not in served.process.written
        assert served.process.stop() == 0


def test_several_recordings_make_one_workspace(surroundings: Surroundings, recording: Path) -> None:
    spikes = surroundings.directory / "spikes.csv"
    spikes.write_text("time,unit\n" + "".join(f"{i / 10},{i % 3}\n" for i in range(90)))
    target = surroundings.directory / "place"
    options = (*FLAT, "--directory", str(target), "--json")
    served = Served(surroundings, "seriesview", "view", str(recording), str(spikes), *options)
    link = json.loads(served.links()[0])["url"]
    browser = Browser()
    workspace = browser.figure_data(browser.open(link))
    assert workspace["label"] == "raw file, spikes"
    assert [series["name"] for series in workspace["series"]] == ["raw_file", "spikes"]
    # Of the two, the table alone takes no dtype.
    datasets = yaml.safe_load((target / "config.yaml").read_text())["datasets"]
    assert datasets["spikes"] == {"path": str(spikes), "type": "event"}
    # KACHERY_STORAGE_DIR comes before the configuration.
    assert (surroundings.storage / "sha1").is_dir()
    assert not (target / "kachery-storage").exists()


def test_a_configuration_is_built_in_its_folder(surroundings: Surroundings, recording: Path) -> None:
    folder = recording.parent
    (folder / "config.yaml").write_text(
        "workspace: rat7\nstore: {storage_dir: artifacts}\n"
        "datasets:\n  probe: {path: raw file.dat, dtype: int16, channels: 4, sampling_frequency: 1000}\n"
        "  gone: {path: none.dat, dtype: int16, channels: 4, sampling_frequency: 1000}\n"
    )
    served = Served(surroundings, "seriesview", "view", str(folder), **without_store(surroundings))
    _, workspace = shown(served)
    assert workspace["label"] == "rat7"
    assert (folder / "artifacts" / "sha1").is_dir()
    # What cannot be built is said, and does not keep the rest from being shown.
    assert [missing["name"] for missing in workspace["missing"]] == ["gone"]
    assert "none.dat: no such file" in served.process.written
    assert served.process.stop() == 0
    argument = str(folder / "config.yaml")
    served = Served(surroundings, "seriesview", "view", argument, **without_store(surroundings))
    assert shown(served)[1] == workspace
    message = failing(surroundings, argument, "--dtype", "int16")
    assert "is written into it" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.dat"], "no such file"),
        (["{directory}/empty"], "without a recording in it"),
        (["{directory}/some.thing"], "no reader knows this file"),
        (["{directory}/a.yaml", "{directory}/some.thing"], "one configuration alone"),
        (["{recording}", "--reader", "none"], "there is none called 'none'"),
        (["{recording}", "--dtype", "int17", "--channels", "2", "--sampling-frequency", "1"], "int17"),
        (["sha1://0000000000000000000000000000000000000000/workspace.json"], "not in"),
    ],
)
def test_mistakes_are_one_line(
    surroundings: Surroundings, recording: Path, arguments: list[str], message: str
) -> None:
    (surroundings.directory / "some.thing").write_bytes(bytes(100))
    (surroundings.directory / "empty").mkdir()
    places = {"directory": surroundings.directory, "recording": recording}
    assert message in failing(surroundings, *(argument.format(**places) for argument in arguments))


def test_a_folder_is_shown_beside_a_file(surroundings: Surroundings, recording: Path) -> None:
    run = surroundings.directory / "my run_g0"
    samples = np.random.default_rng(0).normal(0, 30, (3000, 5))
    write_stream(run, "my run_g0_t0.imec0.ap", samples, ap_keys(4, fileSizeBytes=99))
    before = sorted(run.iterdir())
    own = without_store(surroundings)
    served = Served(surroundings, "seriesview", "view", f"{run}/", str(recording), *FLAT, **own)
    _, workspace = shown(served)
    names = [series["name"] for series in workspace["series"]]
    assert names[-1] == "raw_file"
    assert any("ap" in name for name in names)
    # What a header says and its data do not is told, and what is there is shown.
    assert "says fileSizeBytes=99" in served.process.written
    assert sorted(run.iterdir()) == before
    assert (surroundings.directory / "my run_g0.seriesview" / "config.yaml").is_file()
    assert served.process.stop() == 0
