"""`seriesview-start-backend` and `seriesview task`, with artifacts and without."""

from __future__ import annotations

import json
import subprocess
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from node_peers import ask as ask_node
from serving_processes import CHANNEL, Surroundings
from waiting import MOST_SECONDS
from window_answers import taken_apart

import seriesview
from seriesview.backend.requesting import request_task
from seriesview.errors import SeriesviewError, TaskError
from seriesview.store import open_store

ask = partial(request_task, channel=CHANNEL)


def run(surroundings: Surroundings, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=surroundings.environment(**environment),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def series_uri(surroundings: Surroundings) -> str:
    """A series of 5000 samples in 3 channels."""
    from series_builder import store_series

    samples = np.random.default_rng(0).integers(-1000, 1000, (5000, 3)).astype(np.int16)
    with open_store(surroundings.storage, "embedded") as store:
        return str(store_series(store, [samples], part_rows=512))


def test_windows_arrive_as_the_series_has_them(surroundings: Surroundings, series_uri: str) -> None:
    backend = surroundings.start("seriesview-start-backend", "--channel", CHANNEL)
    backend.wait_for(f"backend {backend.pid} answers")
    assert "starting a node in this process" in backend.written
    series = seriesview.open_series(series_uri, open_store(surroundings.storage))
    window = {
        "series_uri": series_uri,
        "segment": 0,
        "first_sample": 10,
        "samples_per_column": 20,
        "columns": 100,
        "channels": ["ch1", "ch0"],
    }
    answer = ask("seriesview.get_window.1", window)
    expected = series.window(0, 10, 20, 100, ["ch1", "ch0"])
    assert np.array_equal(answer["envelope"], expected)
    assert answer["columns"] == 100
    # The node of its own process needs no task for them.
    asked = {"channelName": CHANNEL, "taskKwargs": window}
    direct = ask_node(surroundings.port, "POST", "/window", asked, storage=surroundings.storage)
    assert np.array_equal(taken_apart(direct.body)["result"]["envelope"], expected)
    by_kachery = surroundings.ask_kachery("seriesview.get_window.1", window)
    assert by_kachery["envelope"]["shape"] == [100, 2, 2]
    assert ask("seriesview.get_python_package_version.1") == seriesview.__version__
    assert ask("seriesview.get_series_manifest.1", {"series_uri": series_uri})["type"] == "continuous"
    assert backend.stop() == 0


def test_a_flipped_bit_is_an_error_not_a_picture(surroundings: Surroundings, series_uri: str) -> None:
    backend = surroundings.start("seriesview-start-backend", "--channel", CHANNEL)
    backend.wait_for(f"backend {backend.pid} answers")
    sha1 = series_uri.split("/")[2]
    for path in (surroundings.storage / "sha1").rglob("[0-9a-f]" * 40):
        if path.name != sha1 and path.is_file():
            path.chmod(0o644)
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
    window = {
        "series_uri": series_uri,
        "segment": 0,
        "first_sample": 0,
        "samples_per_column": 10,
        "columns": 100,
        "channels": None,
    }
    with pytest.raises(TaskError, match="damaged") as error:
        ask("seriesview.get_window.1", window)
    assert str(surroundings.storage) not in str(error.value)
    assert ask("seriesview.get_python_package_version.1")


def test_the_task_command_prints_json(surroundings: Surroundings) -> None:
    surroundings.node()
    surroundings.backend()
    surroundings.backend(NAME="secretive", SERIESVIEW_BACKEND_ID="secret")
    file = surroundings.directory / "id"
    file.write_text("secret\n")
    file.chmod(0o600)
    task = partial(run, surroundings, "seriesview", "task")
    done = task("test.echo.1", "--kwargs", '{"a": "é"}', "--channel", CHANNEL)
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, {"name": "", "a": "é"}, "")
    for identity in (
        partial(task, SERIESVIEW_BACKEND_ID="secret"),
        partial(task, "--backend-id-file", str(file)),
        partial(task, "--backend-id", "secret"),
    ):
        done = partial(identity.func, *identity.args, **identity.keywords)(
            "test.echo.1", "--channel", CHANNEL
        )
        assert json.loads(done.stdout)["name"] == "secretive"
    assert "warning" in done.stderr
    assert "secret" not in done.stderr.replace("secretive", "")
    done = task("test.query.1", "--type", "query", FIGURL_CHANNEL=CHANNEL)
    assert json.loads(done.stdout) == {"name": ""}
    done = task("test.act.1", "--type", "action", "--channel", CHANNEL)
    assert json.loads(done.stdout) is True
    done = task("seriesview.get_health.1", "--channel", CHANNEL)
    assert json.loads(done.stdout)["status"] == "ok"
    done = task("test.fail.1", "--kwargs", '{"kind": "known", "message": "broken"}', "--channel", CHANNEL)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "seriesview: error: broken\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task", "f.1"], "FIGURL_CHANNEL"),
        (["task", "f.1", "--channel", CHANNEL, "--kwargs", "{"], "--kwargs: not JSON"),
        (["task", "f.1", "--channel", CHANNEL, "--kwargs", "[1]"], "a JSON object is expected"),
        (["task", "f.1", "--channel", CHANNEL], "no kachery daemon or node answers"),
        (["task", "f.1", "--channel", CHANNEL, "--backend-id-file", "/absent"], "No such file"),
    ],
)
def test_mistakes_in_a_task_are_one_line(
    surroundings: Surroundings, arguments: list[str], message: str
) -> None:
    done = run(surroundings, "seriesview", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ([], {}, "FIGURL_CHANNEL"),
        (["--channel", CHANNEL, "--no-node"], {}, "no kachery daemon or node answers"),
        (["--channel", CHANNEL], {"KACHERY_DAEMON_HOST": "192.0.2.1"}, "no kachery daemon or node answers"),
        (["--channel", CHANNEL], {"KACHERY_DAEMON_PORT": "http"}, "KACHERY_DAEMON_PORT"),
        (["--channel", "x"], {}, "channel"),
        (["--channel", CHANNEL], {"SERIESVIEW_BACKEND_ID": " "}, "backend ID"),
        (["--channel", CHANNEL, "--backend-id-file", "/dev/null"], {}, "backend ID"),
        (["--channel", CHANNEL, "--workers", "0"], {}, "--workers"),
    ],
)
def test_a_backend_that_cannot_start_says_why(
    surroundings: Surroundings, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    done = run(surroundings, "seriesview-start-backend", *arguments, **environment)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("seriesview: error: ")
    assert message in last
    assert "Traceback" not in done.stderr


def test_a_channel_that_the_node_does_not_have(surroundings: Surroundings) -> None:
    surroundings.node()
    done = run(surroundings, "seriesview-start-backend", "--channel", "another")
    assert done.returncode == 2
    assert "seriesview channel create" in done.stderr
    assert run(surroundings, "seriesview", "channel", "create", "another").returncode == 0
    backend = surroundings.start("seriesview-start-backend", FIGURL_CHANNEL="another")
    backend.wait_for(f"backend {backend.pid} answers")
    assert request_task("seriesview.get_python_package_version.1", channel="another")
    assert backend.stop() == 0


def test_a_channel_that_comes_and_goes(surroundings: Surroundings) -> None:
    surroundings.node()
    backend = surroundings.backend()
    remove = run(surroundings, "seriesview", "channel", "remove", CHANNEL)
    assert remove.returncode == 0, remove.stderr
    with pytest.raises(SeriesviewError, match="channel"):
        ask("test.echo.1", {}, timeout=5)
    backend.wait_for("event=disconnected")
    assert run(surroundings, "seriesview", "channel", "create", CHANNEL).returncode == 0
    backend.wait_for("event=connected")
    assert ask("test.echo.1", {}) == {"name": ""}


def test_the_storage_of_another_user_is_not_used(surroundings: Surroundings) -> None:
    surroundings.node()
    done = run(
        surroundings,
        "seriesview-start-backend",
        "--channel",
        CHANNEL,
        KACHERY_STORAGE_DIR=str(surroundings.directory / "mine"),
    )
    assert done.returncode == 2
    assert "serves another storage directory" in done.stderr


@pytest.mark.soak
def test_an_idle_backend_uses_little(surroundings: Surroundings) -> None:
    backend = surroundings.start("seriesview-start-backend", "--channel", CHANNEL)
    backend.wait_for(f"backend {backend.pid} answers")
    ask("seriesview.get_python_package_version.1")

    def seconds() -> float:
        fields = Path(f"/proc/{backend.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    before = seconds()
    # What an idle process uses shows only as time goes by.
    time.sleep(6)
    assert seconds() - before <= 0.1
    assert ask("seriesview.get_health.1")["memory_mb"] <= 120
