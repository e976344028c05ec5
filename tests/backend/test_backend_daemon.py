"""The backend and a kachery daemon, whose weaknesses it has to live with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import pytest
from daemon_peer import DaemonPeer
from serving_processes import CHANNEL, Surroundings, all_at_once
from waiting import MOST_SECONDS, until

from seriesview.backend.requesting import request_task
from seriesview.errors import BackendError, TaskError

ask = partial(request_task, channel=CHANNEL)


@pytest.fixture
def daemon(surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonPeer]:
    peer = DaemonPeer(surroundings.storage)
    surroundings.port = peer.port
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(peer.port))
    yield peer
    peer.end()


def test_results_errors_and_actions(daemon: DaemonPeer, surroundings: Surroundings) -> None:
    surroundings.backend()
    assert ask("test.echo.1", {"a": 1}) == {"name": "", "a": 1}
    assert ask("test.echo.1", {"a": 1}) == {"name": "", "a": 1}
    assert len(surroundings.calls()) == 1
    assert ask("test.query.1", {"seconds": 1.5}, function_type="query")["seconds"] == 1.5
    assert ask("test.act.1", {"seconds": 1.5}, function_type="action") is True
    with pytest.raises(TaskError, match="yyy"):
        ask("test.fail.1", {"kind": "known", "message": "y" * 5000})
    assert surroundings.ask_kachery("test.echo.1", {"b": 1}) == {"name": "", "b": 1}


def test_equal_calculations_run_once_where_the_daemon_hands_out_each(
    daemon: DaemonPeer, surroundings: Surroundings
) -> None:
    surroundings.backend()
    answers = all_at_once([partial(ask, "test.echo.1", {"seconds": 1}) for _ in range(10)])
    assert answers == [{"name": "", "seconds": 1}] * 10
    assert len(surroundings.calls()) == 1


def test_few_uploads_at_a_time_and_each_repeated_until_it_works(
    daemon: DaemonPeer, surroundings: Surroundings
) -> None:
    daemon.fail_uploads = 3
    surroundings.backend(limits={"workers": 16})
    answers = all_at_once([partial(ask, "test.echo.1", {"n": n}) for n in range(40)])
    assert [answer["n"] for answer in answers] == list(range(40))
    assert 1 < daemon.most_uploads <= 4


def test_a_bucket_that_fails_is_an_error_that_says_no_address(
    daemon: DaemonPeer, surroundings: Surroundings
) -> None:
    daemon.fail_uploads = 1000
    backend = surroundings.backend()
    with pytest.raises(TaskError, match="cannot be stored") as error:
        ask("test.echo.1", {})
    assert "503" in str(error.value)
    backend.wait_for("outcome=error")
    assert "not-for-any-log" not in str(error.value) + backend.written


def test_a_stopped_backend_leaves_no_poll_that_swallows_tasks(
    daemon: DaemonPeer, surroundings: Surroundings
) -> None:
    first = surroundings.backend(NAME="first")
    until(lambda: len(daemon.polls) == 1)
    assert first.stop() == 0
    assert daemon.polls == []
    surroundings.backend(NAME="second")
    assert ask("test.query.1", function_type="query")["name"] == "second"


def test_a_restarted_daemon_has_a_new_code(daemon: DaemonPeer, surroundings: Surroundings) -> None:
    backend = surroundings.backend()
    assert ask("test.echo.1", {"n": 0})["n"] == 0
    for n in range(1, 3):
        daemon.stop()
        (surroundings.storage / "client-auth").unlink()
        until(lambda n=n: backend.written.count("event=disconnected") == n)
        daemon.start()
        assert ask("test.echo.1", {"n": n}, timeout=MOST_SECONDS)["n"] == n
    assert backend.popen.poll() is None
    assert [status["status"] for status in daemon.statuses] == ["finished"] * 3


def test_another_daemon_on_the_port_gets_neither_code_nor_id(
    daemon: DaemonPeer, surroundings: Surroundings
) -> None:
    backend = surroundings.backend(SERIESVIEW_BACKEND_ID="secret")
    until(lambda: len(daemon.polls) == 1)
    daemon.stop()
    other = DaemonPeer(surroundings.directory / "other")
    other.stop()
    other.port = daemon.port
    other.start()
    backend.wait_for("event=disconnected")
    until(lambda: other.num_probes >= 3)
    assert other.polls == []
    other.end()
    daemon.start()
    backend.wait_for("event=connected")
    assert ask("test.echo.1", {"a": 1}, backend_id="secret", timeout=MOST_SECONDS) == {"name": "", "a": 1}


def test_a_daemon_of_another_directory_is_refused(
    daemon: DaemonPeer, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(surroundings.directory / "elsewhere"))
    with pytest.raises(BackendError, match="serves another storage directory"):
        ask("test.echo.1", {})


def test_a_task_with_another_id_is_left_alone(daemon: DaemonPeer, surroundings: Surroundings) -> None:
    surroundings.backend(SERIESVIEW_BACKEND_ID="secret")
    until(lambda: len(daemon.polls) == 1)
    with daemon.lock:
        entry = {
            "channelName": CHANNEL,
            "taskId": "someid",
            "taskHash": "0" * 40,
            "taskFunctionId": "test.echo.1",
            "kwargs": {},
            "taskFunctionType": "pure-calculation",
        }
        daemon.polls[0]["tasks"] += [{**entry, "backendId": other} for other in (None, "secre", 1)]
        daemon.lock.notify_all()
    assert ask("test.echo.1", {"a": 1}, backend_id="secret") == {"name": "", "a": 1}
    assert [json.loads(call) for call in surroundings.calls()] == [{"a": 1}]
    assert all(status["taskId"] != "someid" for status in daemon.statuses)
