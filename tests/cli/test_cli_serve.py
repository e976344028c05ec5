"""`seriesview serve`: a link that a browser can follow once, and nothing left behind."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
from link_client import Browser
from served_links import Served
from serving_processes import Surroundings, free_port, processes_of
from waiting import MOST_SECONDS, until

import seriesview
from seriesview.node.channels import CHANNELS_FILE, read_channels
from seriesview.store import open_store
from seriesview.store.paths import NODE_ADDRESS_FILE
from seriesview.workspace.manifest import build_workspace


@pytest.fixture
def workspace(surroundings: Surroundings) -> Path:
    """results/workspace.json of a workspace with one series."""
    from series_builder import store_series

    samples = np.random.default_rng(0).integers(-1000, 1000, (5000, 3)).astype(np.int16)
    with open_store(surroundings.storage, "embedded") as store:
        uri = store_series(store, [samples], part_rows=512)
        manifest = build_workspace("rat <7>", [("probe", uri)], types={"probe": "continuous"})
        result = {"uri": store.put_json(manifest, "workspace.json"), "manifest": manifest}
    path = surroundings.directory / "workspace.json"
    path.write_text(json.dumps(result))
    return path


def test_a_link_leads_to_page_data_and_backend(surroundings: Surroundings, workspace: Path) -> None:
    served = Served(surroundings, "seriesview", "serve", str(workspace))
    (address,) = served.links()
    assert address.startswith(f"http://127.0.0.1:{surroundings.port}/f?v=/view/seriesview&")
    browser = Browser()
    link = browser.open(address)
    result = json.loads(workspace.read_text())
    assert link.fields["label"] == "rat <7>"
    assert link.fields["channel"] == "seriesview"
    assert link.fields["d"] == result["uri"].split("/")[2]
    assert browser.figure_data(link) == result["manifest"]
    assert browser.query(link, "seriesview.get_python_package_version.1") == seriesview.__version__
    # The token is used up, and without it nothing is answered.
    another = Browser()
    assert another.exchange(link).status == 403
    sha1 = link.fields["d"]
    path = f"sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"
    assert another.request("GET", f"{link.base}/files/seriesview/{path}").status == 403
    # A signal gives another one.
    served.process.popen.send_signal(signal.SIGUSR1)
    first, second = served.links(2)
    assert first.partition("#")[0] == second.partition("#")[0]
    another.open(second)
    assert served.process.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_behind(surroundings: Surroundings, workspace: Path, number: int) -> None:
    served = Served(surroundings, "seriesview", "serve", str(workspace), MARK=str(surroundings.storage))
    served.links()
    assert (surroundings.storage / NODE_ADDRESS_FILE).exists()
    assert served.process.stop(number) == 0
    assert served.out.read_text().count("\n") == 1
    assert not (surroundings.storage / NODE_ADDRESS_FILE).exists()
    assert processes_of(f"MARK={surroundings.storage}") == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", surroundings.port), 5)


def test_json_comes_first_and_no_browser_opens(surroundings: Surroundings, workspace: Path) -> None:
    series = json.loads(workspace.read_text())["manifest"]["series"][0]["uri"]
    opened = surroundings.directory / "opened"
    browser = surroundings.directory / "browser"
    browser.write_text(
        f'#!/bin/sh\necho "$@" > {opened}.part; cp "${{1#file://}}" {opened}.html; mv {opened}.part {opened}\n'
    )
    browser.chmod(0o755)
    served = Served(
        surroundings,
        *("seriesview", "serve", series, "--json", "--channel", "lab", "--port", str(port := free_port())),
        DISPLAY=":0",
        BROWSER=str(browser),
    )
    link = Browser().open(json.loads(served.links()[0])["url"])
    assert link.base == f"http://127.0.0.1:{port}"
    assert link.fields["channel"] == "lab"
    assert read_channels(surroundings.storage / CHANNELS_FILE)["lab"].permissions["links"] == {
        "requestTasks",
        "requestFiles",
    }
    assert not opened.exists()


def test_what_a_channel_permits_already_stays(surroundings: Surroundings, workspace: Path) -> None:
    permit = ["seriesview", "channel", "create", "lab", "--permit", "links=requestFiles", "--storage-dir"]
    subprocess.run([*permit, str(surroundings.storage)], check=True, env=surroundings.environment())
    Served(surroundings, "seriesview", "serve", str(workspace), "--channel", "lab").links()
    channel = read_channels(surroundings.storage / CHANNELS_FILE)["lab"]
    assert channel.permissions["links"] == {"requestFiles"}


def test_a_node_that_runs_is_used(surroundings: Surroundings, workspace: Path) -> None:
    first = Served(surroundings, "seriesview", "serve", str(workspace), "--port", str(port := free_port()))
    (address,) = first.links()
    second = Served(surroundings, "seriesview", "serve", str(workspace))
    (other,) = second.links()
    assert f"127.0.0.1:{port} serves {surroundings.storage} already" in second.process.written
    assert Browser().open(other).base == Browser().open(address).base == f"http://127.0.0.1:{port}"
    assert second.process.stop() == 0
    # The one that was there stays.
    browser = Browser()
    first.process.popen.send_signal(signal.SIGUSR1)
    link = browser.open(first.links(2)[1])
    assert browser.query(link, "seriesview.get_python_package_version.1") == seriesview.__version__


@pytest.mark.parametrize(
    "command",
    [("seriesview", "node"), ("seriesview-start-backend", "--channel", "lab")],
    ids=["node", "backend"],
)
def test_a_node_of_any_command_shows_the_viewer(
    surroundings: Surroundings, workspace: Path, command: tuple[str, ...]
) -> None:
    node = surroundings.start(*command)
    node.wait_for("is ready at" if command[-1] == "node" else f"backend {node.pid} answers")
    served = Served(surroundings, "seriesview", "serve", str(workspace))
    browser = Browser()
    link = browser.open(served.links()[0])
    assert link.base == f"http://127.0.0.1:{surroundings.port}"
    assert browser.query(link, "seriesview.get_python_package_version.1") == seriesview.__version__
    # Without its node there is no further link, and once it is back there is.
    assert node.stop() == 0
    served.process.popen.send_signal(signal.SIGUSR1)
    served.process.wait_for("no further link")
    node = surroundings.start(*command)
    node.wait_for("is ready at" if command[-1] == "node" else f"backend {node.pid} answers")
    served.process.popen.send_signal(signal.SIGUSR1)
    Browser().open(served.links(2)[1])


def test_a_port_that_is_taken(surroundings: Surroundings, workspace: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", surroundings.port))
        other.listen()
        (address,) = Served(surroundings, "seriesview", "serve", str(workspace)).links()
        assert f":{surroundings.port}/" not in address
        Browser().open(address)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        environment = surroundings.environment(KACHERY_STORAGE_DIR=str(surroundings.directory / "other"))
        done = subprocess.run(
            ["seriesview", "serve", str(workspace), "--port", port],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def on_a_terminal(
    surroundings: Surroundings, *command: str, **environment: str
) -> tuple[subprocess.Popen[bytes], int]:
    """A process whose input and output are a terminal, and the terminal's other end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command,
        env=surroundings.environment(**environment),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    return process, ours


def read_until(terminal: int, text: str, count: int = 1) -> str:
    written = ""
    while written.count(text) < count:
        written += os.read(terminal, 4096).decode()
    return written


def test_on_a_terminal_a_browser_opens_and_enter_gives_another_link(
    surroundings: Surroundings, workspace: Path
) -> None:
    opened = surroundings.directory / "opened"
    browser = surroundings.directory / "browser"
    browser.write_text(
        f'#!/bin/sh\necho "$@" > {opened}.part; cp "${{1#file://}}" {opened}.html; mv {opened}.part {opened}\n'
    )
    browser.chmod(0o755)
    surrounding = {"DISPLAY": ":0", "BROWSER": f"{browser} %s &", "SSH_CONNECTION": ""}
    process, terminal = on_a_terminal(surroundings, "seriesview", "serve", str(workspace), **surrounding)
    try:
        address = next(
            line for line in read_until(terminal, "press Enter").splitlines() if line.startswith("http")
        )
        until(opened.exists)
        # The token is in a file that only this user can read, not in a command line.
        token = address.rpartition("token=")[2]
        assert token not in opened.read_text()
        assert token in Path(f"{opened}.html").read_text()
        page = Path(opened.read_text().strip().removeprefix("file://"))
        assert page.stat().st_mode & 0o777 == 0o600
        os.write(terminal, b"\n")
        assert token not in read_until(terminal, "#token=")
        process.send_signal(signal.SIGINT)
        assert process.wait(MOST_SECONDS) == 0
        assert not page.exists()
    finally:
        process.kill()
        os.close(terminal)


def test_over_ssh_the_line_to_type_is_printed(surroundings: Surroundings, workspace: Path) -> None:
    opened = surroundings.directory / "opened"
    surrounding = {
        "DISPLAY": "localhost:10.0",
        "BROWSER": f"touch {opened} #%s",
        "SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22",
    }
    process, terminal = on_a_terminal(surroundings, "seriesview", "serve", str(workspace), **surrounding)
    try:
        port = surroundings.port
        written = read_until(terminal, f"ssh -L {port}:127.0.0.1:{port} ")
        assert f"http://127.0.0.1:{port}/f?" in written
        process.send_signal(signal.SIGTERM)
        assert process.wait(MOST_SECONDS) == 0
        assert not opened.exists()
    finally:
        process.kill()
        os.close(terminal)


def test_links_for_other_machines_have_a_name_that_they_know(
    surroundings: Surroundings, workspace: Path
) -> None:
    options = ["--host", "0.0.0.0", "--allow-host", "ws1.example"]
    served = Served(surroundings, "seriesview", "serve", str(workspace), *options)
    (address,) = served.links()
    assert address.startswith(f"http://ws1.example:{surroundings.port}/f?")
    reached = address.replace("//ws1.example:", "//127.0.0.1:")
    Browser(Host=f"ws1.example:{surroundings.port}", Origin=f"http://ws1.example:{surroundings.port}").open(
        reached
    )


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("nowhere.json", "no such file"),
        (f"sha1://{'0' * 40}/workspace.json", "not"),
    ],
)
def test_what_is_not_there_is_one_line(surroundings: Surroundings, argument: str, message: str) -> None:
    done = subprocess.run(
        ["seriesview", "serve", argument],
        env=surroundings.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
