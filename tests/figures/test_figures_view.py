"""`seriesview.view`: what the command shows, answered by this process, with nothing printed and no Snakemake."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from link_client import Browser
from served_links import Served
from serving_processes import Surroundings
from waiting import until

import seriesview
from seriesview.build.progress import BuildStep
from seriesview.errors import BackendError, ConfigError, FormatError, MissingArtifactError, ReaderError
from seriesview.store import open_store

FLAT = {"dtype": "int16", "channels": 4, "sampling_frequency": 1000, "unit": "uV"}


@pytest.fixture
def recording(place: Path) -> Path:
    path = place / "data" / "night 7.dat"
    path.parent.mkdir()
    np.random.default_rng(0).normal(0, 100, (20_000, 4)).astype(np.int16).tofile(path)
    return path


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[Surroundings]:
    """A port and a storage directory of this test's own, and the processes that use them."""
    own = Surroundings(tmp_path)
    yield own
    own.end()


def test_a_recording_is_built_here_and_shown(
    place: Path,
    recording: Path,
    capfd: pytest.CaptureFixture[str],
    surroundings: Surroundings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Other tests of this process may need it.
    monkeypatch.delitem(sys.modules, "snakemake", raising=False)
    lines: list[str] = []
    steps: list[BuildStep] = []
    with seriesview.view(recording, port=0, announce=lines.append, progress=steps.append, **FLAT) as shown:
        shown.wait()
        browser = Browser()
        data = browser.figure_data(browser.open(shown.url))
        assert [series["name"] for series in data["series"]] == ["night_7"]
        # A link works once, and there are others.
        another = Browser()
        assert another.figure_data(another.open(shown.link())) == data
        assert shown.label == "night 7"
        assert shown.left_out == ()
        assert shown.notes == tuple(lines[: len(shown.notes)])
        assert shown.workspace is not None
        assert shown.workspace.uri == shown.uri
        assert shown.workspace.series("night_7").manifest.unit == "uV"
        assert shown.storage_dir == recording.parent / "night 7.dat.seriesview" / "kachery-storage"
    folder = recording.parent / "night 7.dat.seriesview"
    assert f"configuration and results: {folder}" in lines
    assert any("160 kB in" in step.text for step in steps)
    with pytest.raises(BackendError, match="was closed"):
        shown.link()
    assert capfd.readouterr() == ("", "")
    assert "snakemake" not in sys.modules
    assert not (folder / ".snakemake").exists()
    # As the command has it, elsewhere, of the same bytes.
    copy = place / "copy" / recording.name
    copy.parent.mkdir()
    shutil.copy(recording, copy)
    options = [word for key, value in FLAT.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    served = Served(surroundings, "seriesview", "view", str(copy), *options, KACHERY_STORAGE_DIR="")
    served.links()
    result = json.loads((copy.parent / "night 7.dat.seriesview/results/workspace.json").read_text())
    # The workspaces are two, with ids of their own; the series is one.
    assert result["manifest"]["series"] == data["series"]
    assert result["manifest"]["id"] != data["id"]
    # What is there is neither built nor written again.
    lines.clear()
    with seriesview.view(str(recording), port=0, announce=lines.append, progress=steps.append) as again:
        assert again.uri == shown.uri
    assert lines[0] == f"as {folder / 'config.yaml'} says"
    assert any("1 built already, 0 to build" in step.text for step in steps)


def test_a_configuration_is_built_in_its_folder(place: Path, recording: Path) -> None:
    (recording.parent / "config.yaml").write_text(
        "workspace: rat7\nstore: {storage_dir: artifacts}\n"
        f"datasets:\n  probe: {{path: '{recording.name}', dtype: int16, channels: 4, sampling_frequency: 1000}}\n"
        "  gone: {path: none.dat, dtype: int16, channels: 4, sampling_frequency: 1000}\n"
    )
    for what in (recording.parent, recording.parent / "config.yaml"):
        with seriesview.view(what, port=0) as shown:
            assert shown.label == "rat7"
            assert shown.workspace is not None
            assert shown.workspace.names == ("probe",)
            (line,) = shown.left_out
            assert line.startswith("dataset gone: ")
            assert "no such file" in line
    assert (recording.parent / "artifacts" / "sha1").is_dir()
    assert (recording.parent / "results" / "workspace.json").is_file()
    assert not (place / "results").exists()
    with pytest.raises(ConfigError, match="is written into it"):
        seriesview.view(recording.parent, dtype="int16")
    # Elsewhere, and into another store.
    with seriesview.view(
        recording.parent / "config.yaml", store=place / "other", directory=recording.parent, port=0
    ) as shown:
        assert shown.storage_dir == place / "other"


def test_what_is_stored_is_shown_from_its_store(place: Path, recording: Path) -> None:
    built = seriesview.build_workspace(recording, store=place / "store", **FLAT)
    (place / "workspace.json").write_text(json.dumps({"uri": built.uri}))
    store = open_store(place / "store", "embedded")
    workspace = seriesview.open_workspace(built.uri, store)
    series = workspace.series("night_7")
    for what, given in (
        (workspace, None),
        (built.uri, store),
        (built.uri, place / "store"),
        (place / "workspace.json", store),
        (f"https://lab.example/f?d={built.uri[7:47]}&label=night%207", store),
        (workspace.figurl(), None),
    ):
        with seriesview.view(what, store=given, port=0) as shown:
            assert (shown.uri or "")[7:47] == built.uri[7:47]
            assert shown.label == "night 7"
            assert shown.storage_dir == place / "store"
            browser = Browser()
            assert browser.figure_data(browser.open(shown.url))["label"] == "night 7"
    with seriesview.view(series, port=0) as shown:
        assert shown.uri == series.uri
        assert shown.workspace is None
    with pytest.raises(MissingArtifactError):
        seriesview.view(f"sha1://{'0' * 40}/workspace.json", store=store)


@pytest.mark.parametrize(
    ("what", "keys", "kind", "message"),
    [
        ("night 7.dat", {}, ReaderError, r"dtype=\.\.\., channels=\.\.\., sampling_frequency=\.\.\."),
        ("nowhere.dat", {}, ReaderError, "no such file"),
        ("night 7.dat", {"colour": "red"}, ConfigError, "colour"),
        ([], {}, FormatError, "nothing to show"),
        (7, {}, FormatError, "7: nothing to show"),
        (["config.yaml", "night 7.dat"], {}, ConfigError, "one configuration alone"),
        (f"sha1://{'0' * 40}/workspace.json", {"dtype": "int16"}, ConfigError, "of recordings alone"),
        ("sha1://broken", {}, FormatError, "40 hexadecimal digits"),
        ("none.json", {}, FormatError, r"none\.json"),
        ("http://[broken/f?d=1", {}, FormatError, "not a link"),
    ],
)
def test_what_cannot_be_shown_is_an_error_and_leaves_nothing(
    recording: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    what: str | list[str],
    keys: dict[str, str],
    kind: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(recording.parent)
    with pytest.raises(kind, match=message):
        seriesview.view(what, port=0, **keys)
    assert capfd.readouterr() == ("", "")
    assert list(recording.parent.iterdir()) == [recording]


def test_what_was_exported_is_shown_from_where_it_is(place: Path, recording: Path) -> None:
    built = seriesview.build_workspace(recording, store=place / "store", **FLAT)
    seriesview.export(built.uri, place / "web" / "shared", store=built.store)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(place / "web"))) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/shared/"
        with seriesview.view(address) as shown:
            assert shown.url == shown.link() == address
            assert (shown.workspace, shown.storage_dir, shown.ssh_line) == (None, None, None)
            assert str(shown.uri).startswith("sha1://")
        server.shutdown()


OPENS = """
import sys, seriesview
with seriesview.view(sys.argv[1], store=sys.argv[2], port=0, open_browser=sys.argv[3] == "wanted") as shown:
    print(shown.url)
    sys.stdin.readline()
"""


def test_a_browser_opens_when_asked_alone(place: Path, recording: Path, surroundings: Surroundings) -> None:
    built = seriesview.build_workspace(recording, store=place / "store", **FLAT)
    opened = place / "opened"
    browser = place / "browser"
    browser.write_text(f'#!/bin/sh\ncp "${{1#file://}}" {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o755)
    surrounding = surroundings.environment(
        DISPLAY=":0", BROWSER=f"{browser} %s &", SSH_CONNECTION="", KACHERY_STORAGE_DIR=""
    )
    for wish in ("unwanted", "wanted"):
        command = [sys.executable, "-c", OPENS, built.uri, str(place / "store"), wish]
        with subprocess.Popen(
            command, env=surrounding, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            token = process.stdout.readline().strip().rpartition("token=")[2]
            if wish == "wanted":
                until(opened.exists)
                assert token in opened.read_text()
            process.communicate("\n")
        assert process.returncode == 0
        assert opened.exists() == (wish == "wanted")
    # What it took is gone.
    assert list(place.glob("seriesview-*.html")) == []
