"""`seriesview build` and `serve` of sessions, as people use them."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from link_client import Browser, Link
from served_links import Served
from serving_processes import CHANNEL, Surroundings

from seriesview import build_sessions
from seriesview.cli.built_sessions import say_what_became
from seriesview.cli.main import cli

CONFIG = """\
workspace: lab
store: {storage_dir: STORE, mode: embedded}
results: out
sessions:
  path: data/{subject}.dat
  datasets:
    raw: {dtype: int16, channels: 2, sampling_frequency: 1000}
"""


@pytest.fixture
def lab(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration of two sessions, of which one cannot be built."""
    folder = surroundings.directory / "lab"
    (folder / "data").mkdir(parents=True)
    np.random.default_rng(0).integers(-99, 99, (3000, 2)).astype(np.int16).tofile(folder / "data/rat1.dat")
    (folder / "data/rat2.dat").write_bytes(b"odd")
    (folder / "config.yaml").write_text(CONFIG.replace("STORE", str(surroundings.storage)))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    return folder


def test_a_picture_that_could_not_be_drawn_is_told(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lab / "data/rat2.dat").unlink()
    built = build_sessions("config.yaml")
    assert say_what_became(built, as_json=False, directory=None) == 0
    reason = "its picture could not be drawn"
    assert say_what_became(replace(built, pictures={"rat1/raw": reason}), as_json=False, directory=None) == 1
    assert f"seriesview: error: dataset rat1/raw: {reason}" in capsys.readouterr().err


def test_a_build_says_what_became_of_sessions(lab: Path) -> None:
    run = CliRunner()
    planned = run.invoke(cli, ["build", "-n"], standalone_mode=False)
    assert planned.return_value == 0
    assert "datasets: 2 (0 built already, 1 to build)" in planned.output
    assert not (lab / "out").exists()
    done = run.invoke(cli, ["build", "--cores", "1"], standalone_mode=False)
    assert done.return_value == 1
    assert "session rat2: failed: raw: data/rat2.dat: 3 bytes" in done.output
    assert "2 sessions: 1 built, 1 failed" in done.output
    again = run.invoke(cli, ["build", "--json"], standalone_mode=False)
    said = json.loads(again.stdout)
    assert said["index"] == str(lab / "out/index.html")
    assert [(each["id"], each["state"]) for each in said["sessions"]] == [
        ("rat1", "built"),
        ("rat2", "failed"),
    ]
    (lab / "data/rat1.dat").unlink()
    assert run.invoke(cli, ["build"], standalone_mode=False).return_value == 2
    shown = run.invoke(cli, ["view", "config.yaml", "--no-browser"], standalone_mode=False)
    assert "config.yaml: names sessions" in str(shown.exception)


def test_serve_alone_opens_the_index_for_those_who_are_let_in(surroundings: Surroundings, lab: Path) -> None:
    build_sessions("config.yaml")
    served = Served(surroundings, "bash", "-c", f"cd {lab} && exec seriesview serve")
    (address,) = served.links()
    base = address.partition("/#")[0]
    assert address.startswith(f"http://127.0.0.1:{surroundings.port}/#token=")
    browser, stranger = Browser(), Browser()
    front = browser.request("GET", f"{base}/")
    assert (front.status, front.headers["Location"]) == (307, "view/sessions/")
    page = browser.request("GET", f"{base}/view/sessions/")
    assert b"rat1" not in page.data
    link = Link(f"{base}/f#{address.partition('#')[2]}")
    assert browser.exchange(link).status == 200
    index = json.loads(browser.request("GET", f"{base}/front/sessions.json").data)
    assert (index["channel"], index["viewer"]) == ("seriesview", "/view/seriesview")
    (one, two) = index["sessions"]
    picture = browser.request("GET", f"{base}/front/{one['picture']}")
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/png")
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert two["workspace"] is None
    # What the index leads to can be read, and nothing else.
    shown = Link(f"{base}/f?d={one['workspace'].split('/')[2]}&channel=seriesview")
    assert browser.figure_data(shown)["label"] == "rat1"
    for path in ("workspace.json", "rat1/workspace.json", "pictures/rat1/%2E%2E%2Fx.png"):
        assert browser.request("GET", f"{base}/front/{path}").status == 404
    for path in ("sessions.json", "sessions.tsv", one["picture"]):
        assert stranger.request("GET", f"{base}/front/{path}").status == 403
    # A session that is built meanwhile is there when the page is loaded again.
    np.zeros((100, 2), np.int16).tofile(lab / "data/rat2.dat")
    build_sessions("config.yaml")
    two = json.loads(browser.request("GET", f"{base}/front/sessions.json").data)["sessions"][1]
    shown = Link(f"{base}/f?d={two['workspace'].split('/')[2]}&channel=seriesview")
    assert browser.figure_data(shown)["label"] == "rat2"
    assert served.process.stop(signal.SIGINT) == 0


def test_a_node_lists_sessions_for_holders_of_tokens_and_not_for_who_came_to_see_one(
    surroundings: Surroundings, lab: Path
) -> None:
    build_sessions("config.yaml")
    surroundings.node("--sessions", str(lab / "out"))
    base = f"http://127.0.0.1:{surroundings.port}"
    storage = ["--storage-dir", str(surroundings.storage)]
    granted = ["token", "create", "readers", "--channel", CHANNEL, "--request", *storage]
    token = CliRunner().invoke(cli, granted).stdout.strip()
    reader, visitor = Browser(), Browser()
    assert reader.exchange(Link(f"{base}/f#token={token}")).status == 200
    assert reader.request("GET", f"{base}/").headers["Location"] == "view/sessions/"
    assert reader.request("GET", f"{base}/front/sessions.tsv").status == 200
    served = Served(
        surroundings, "seriesview", "serve", str(lab / "out/rat1/workspace.json"), FIGURL_CHANNEL=CHANNEL
    )
    link = visitor.open(served.links()[0])
    assert visitor.figure_data(link)["label"] == "rat1"
    answer = visitor.request("GET", f"{base}/front/sessions.json")
    assert (answer.status, answer.data.partition(b".")[0]) == (
        403,
        b"The link that let this browser in leads to one figure",
    )
    # Whoever sees the index goes on to see it, with whatever link.
    served.process.popen.send_signal(signal.SIGUSR1)
    reader.open(served.links(2)[1])
    assert reader.request("GET", f"{base}/front/sessions.json").status == 200


def test_a_node_of_one_workspace_has_no_front_page(surroundings: Surroundings, lab: Path) -> None:
    build_sessions("config.yaml")
    served = Served(surroundings, "seriesview", "serve", str(lab / "out/rat1/workspace.json"))
    (address,) = served.links()
    base = address.partition("/f?")[0]
    answer = Browser().request("GET", f"{base}/")
    assert answer.status == 404
    assert b"no front page" in answer.data
    other = surroundings.start("bash", "-c", f"cd {lab} && exec seriesview serve")
    other.wait_for("shows no index of sessions")
    assert other.popen.wait(30) != 0


def test_a_node_that_shows_other_sessions_is_not_taken_for_ones_own(
    surroundings: Surroundings, lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = lab.parent / "others"
    shutil.copytree(lab, others)
    for folder in (lab, others):
        monkeypatch.chdir(folder)
        build_sessions("config.yaml")
    served = Served(surroundings, "bash", "-c", f"cd {lab} && exec seriesview serve")
    served.links()
    other = surroundings.start("bash", "-c", f"cd {others} && exec seriesview serve")
    other.wait_for("shows the index of other sessions")
    assert other.popen.wait(30) != 0
