"""`seriesview view` on a terminal: its page is there before the build is; what is stopped or killed goes on."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from gated_recordings import Gate, write_gated
from link_client import Browser
from served_links import Served
from serving_processes import Surroundings
from waiting import MOST_SECONDS, until

import seriesview

NUM_SAMPLES = 600_000


class OnTerminal:
    """A command on a terminal of its own."""

    def __init__(self, surroundings: Surroundings, *command: str) -> None:
        ours, theirs = pty.openpty()
        self.popen = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=surroundings.environment(KACHERY_STORAGE_DIR="", KACHERY_DAEMON_PORT=str(surroundings.port)),
            # Whose Ctrl-C is its own.
            start_new_session=True,
        )
        os.close(theirs)
        self._ours = ours
        self.written = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while text := os.read(self._ours, 65536):
                self.written += text.decode("utf-8", "replace")
        except OSError:
            pass  # it has ended

    def wait_for(self, pattern: str) -> str:
        """What a pattern finds in what it writes."""
        found = until(lambda: re.search(pattern, self.written), pattern, process=self.popen)
        assert found is not None
        return found[0]

    def end(self, number: int = signal.SIGINT) -> int:
        """Its exit status after a signal."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        status = self.popen.wait(MOST_SECONDS)
        self._reader.join(MOST_SECONDS)
        os.close(self._ours)
        return status


@pytest.fixture
def gated(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Gate]]:
    path = surroundings.directory / "night.gated"
    _, gate = write_gated(path, NUM_SAMPLES, monkeypatch, surroundings.directory / "readers")
    yield path, gate
    gate.open()


def viewed(surroundings: Surroundings, path: Path) -> OnTerminal:
    return OnTerminal(surroundings, "seriesview", "view", str(path), "--no-browser")


def results(path: Path) -> Path:
    return path.with_name(f"{path.name}.seriesview") / "results"


def series_of(path: Path) -> str:
    return str(json.loads((results(path) / "series" / "night.json").read_text())["uri"])


def test_a_page_comes_first_and_what_is_stopped_goes_on(
    surroundings: Surroundings, gated: tuple[Path, Gate]
) -> None:
    path, gate = gated
    first = viewed(surroundings, path)
    link = first.wait_for(r"http://\S+token=\S+(?=\s)")
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
    assert first.end() == 130
    assert not (results(path) / "workspace.json").exists()
    second = viewed(surroundings, path)
    second.wait_for(r"live=")
    gate.open()
    second.wait_for("'night' is built")
    assert second.end() == 0
    assert series_of(path) == seriesview.build_dataset(path, store=surroundings.storage, name="night").uri
    # Again there is nothing to wait for, and `build` finds nothing to do.
    third = viewed(surroundings, path)
    third.wait_for(r"&d=|'night' is built")
    assert third.end() == 0
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
            process.end(signal.SIGKILL)
    last = viewed(surroundings, path)
    last.wait_for(r"http://\S+token=\S+(?=\s)")
    until(lambda: (results(path) / "workspace.json").is_file())
    last.wait_for("is built|d=")
    assert last.end() == 0
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
    process.wait_for("live=")
    with path.open("ab") as file:
        file.write(bytes(64))
    gate.open()
    process.wait_for("error: .*changed while it was read")
    process.wait_for("Ctrl-C ends it")
    assert process.end() == 2


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
