"""`seriesview view`: its page is there before the build is; what is stopped or killed goes on."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from gated_recordings import Gate, write_gated
from link_client import Browser
from served_links import Served
from serving_processes import Process, Surroundings
from waiting import MOST_SECONDS, until

import seriesview

NUM_SAMPLES = 600_000


@pytest.fixture
def gated(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Gate]]:
    path = surroundings.directory / "night.gated"
    _, gate = write_gated(path, NUM_SAMPLES, monkeypatch, surroundings.directory / "readers")
    yield path, gate
    gate.open()


def viewed(surroundings: Surroundings, path: Path) -> Process:
    return surroundings.start("seriesview", "view", str(path), "--no-browser", KACHERY_STORAGE_DIR="")


def said(process: Process, pattern: str) -> str:
    """What a pattern finds in what a process writes, when it does."""
    found = until(lambda: re.search(pattern, process.written), pattern, process=process.popen)
    assert found is not None
    return found[0]


def results(path: Path) -> Path:
    return path.with_name(f"{path.name}.seriesview") / "results"


def series_of(path: Path) -> str:
    return str(json.loads((results(path) / "series" / "night.json").read_text())["uri"])


def test_a_page_comes_first_and_what_is_stopped_goes_on(
    surroundings: Surroundings, gated: tuple[Path, Gate]
) -> None:
    path, gate = gated
    first = viewed(surroundings, path)
    link = said(first, r"http://\S+token=\S+(?=\s)")
    key = parse_qs(urlsplit(link).query)["live"][0]
    browser = Browser()
    base = browser.open(link).base
    state = json.loads(browser.request("GET", f"{base}/live/{key}").data)
    assert state["state"] == "building"
    # A secret of its page, which stands in no file.
    assert not any(
        key.encode() in file.read_bytes() for file in results(path).parent.rglob("*") if file.is_file()
    )
    # The disk stalls: Ctrl-C ends it all the same.
    assert first.stop(signal.SIGINT) == 130
    assert not (results(path) / "workspace.json").exists()
    second = viewed(surroundings, path)
    said(second, r"live=")
    gate.open()
    said(second, "'night' is built")
    assert second.stop(signal.SIGINT) == 0
    assert series_of(path) == seriesview.build_dataset(path, store=surroundings.storage, name="night").uri
    # Again there is nothing to wait for, and `build` finds nothing to do.
    third = viewed(surroundings, path)
    said(third, r"&d=|'night' is built")
    assert third.stop(signal.SIGINT) == 0
    done = subprocess.run(
        ["seriesview", "build", "config.yaml"],
        cwd=results(path).parent,
        env=surroundings.environment(KACHERY_STORAGE_DIR=""),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=True,
    )
    assert "1 built already, 0 to build" in done.stdout


@pytest.mark.parametrize("times", [3, pytest.param(30, marks=pytest.mark.soak)])
def test_a_view_that_is_killed_goes_on_with_the_same_series(
    surroundings: Surroundings, gated: tuple[Path, Gate], times: int
) -> None:
    path, gate = gated
    gate.open()
    chance = random.Random(8 + times)
    for _ in range(times):
        process = viewed(surroundings, path)
        # At any moment of its start, its build and its end.
        try:
            process.popen.wait(chance.uniform(0.3, 3.0))
        except subprocess.TimeoutExpired:
            process.stop(signal.SIGKILL)
    last = viewed(surroundings, path)
    said(last, r"http://\S+token=\S+(?=\s)")
    until(lambda: (results(path) / "workspace.json").is_file())
    said(last, "is built|d=")
    assert last.stop(signal.SIGINT) == 0
    assert series_of(path) == seriesview.build_dataset(path, store=surroundings.storage, name="night").uri
    files = [file for file in results(path).parent.rglob("*") if file.is_file()]
    assert not any(b"local:" in file.read_bytes() for file in files)


def test_a_program_gets_a_link_at_once_and_another_when_all_is_built(
    surroundings: Surroundings, gated: tuple[Path, Gate]
) -> None:
    path, gate = gated
    served = Served(surroundings, "seriesview", "view", str(path), KACHERY_STORAGE_DIR="")
    (early,) = until(served.early_links, process=served.process.popen)
    browser = Browser()
    base = browser.open(early).base
    key = parse_qs(urlsplit(early).query)["live"][0]
    assert json.loads(browser.request("GET", f"{base}/live/{key}").data)["state"] == "building"
    gate.open()
    (later,) = served.links()
    another = Browser()
    assert another.figure_data(another.open(later))["series"][0]["uri"] == series_of(path)
    assert served.process.stop() == 0


def test_what_fails_is_told_in_the_terminal_and_by_the_status(
    surroundings: Surroundings, gated: tuple[Path, Gate]
) -> None:
    path, gate = gated
    process = viewed(surroundings, path)
    said(process, "live=")
    with path.open("ab") as file:
        file.write(bytes(64))
    gate.open()
    said(process, "error: .*changed while it was read")
    said(process, "Ctrl-C ends it")
    assert process.stop(signal.SIGINT) == 2


def test_what_cannot_be_built_at_all_ends_the_command(surroundings: Surroundings) -> None:
    path = surroundings.directory / "odd.dat"
    path.write_bytes(bytes(1000))
    keys = ("--dtype", "int16", "--channels", "3", "--sampling-frequency", "100")
    done = subprocess.run(
        ["seriesview", "view", str(path), *keys],
        env=surroundings.environment(KACHERY_STORAGE_DIR=""),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert "4 bytes are left over" in done.stderr
    assert "its page" not in done.stderr.partition("4 bytes")[2]
