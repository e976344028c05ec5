"""Restarts of the node, signals, and what is left behind."""

from __future__ import annotations

import signal
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from asking import Asked, ask
from serving_processes import CHANNEL, Surroundings, all_at_once, processes_of
from waiting import MOST_SECONDS, until

from seriesview.backend import requesting
from seriesview.backend.client import DaemonClient
from seriesview.backend.polling import LongPoll
from seriesview.errors import SeriesviewError, TaskError
from seriesview.node.config import NodeConfig
from seriesview.node.server import NodeThread
from seriesview.node.task_records import BrokerLimits


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests wait for the node to come back however long this machine takes to start one."""
    monkeypatch.setattr(requesting, "_PATIENCE_SECONDS", 600.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_the_node_loses_and_doubles_no_answer(surroundings: Surroundings, number: int) -> None:
    node = surroundings.node()
    backend = surroundings.backend()
    asked = [Asked("test.echo.1", {"seconds": 3, "n": n}) for n in range(3)]
    until(lambda: len(surroundings.calls()) == 3)
    node.stop(number)
    backend.wait_for("event=disconnected")
    surroundings.node()
    assert [one.result()["n"] for one in asked] == [0, 1, 2]
    assert ask("test.echo.1", {"after": 1}, timeout=MOST_SECONDS) == {"name": "", "after": 1}
    assert len(surroundings.calls()) == 4
    assert "event=disconnected" in backend.written
    backend.wait_for("event=connected")


@pytest.mark.usefixtures("patient")
def test_an_outcome_is_kept_while_the_node_is_away(surroundings: Surroundings) -> None:
    node = surroundings.node()
    backend = surroundings.backend()
    gate = surroundings.directory / "gate"
    asked = Asked("test.echo.1", {"until": str(gate)})
    until(lambda: len(surroundings.calls()) == 1)
    node.stop(signal.SIGKILL)
    backend.wait_for("event=disconnected")
    gate.touch()
    surroundings.node()
    assert asked.result() == {"name": "", "until": str(gate)}
    backend.wait_for("outcome=finished")
    assert len(surroundings.calls()) == 1


@pytest.mark.usefixtures("patient")
def test_requests_that_wait_outlive_the_node(surroundings: Surroundings) -> None:
    node = surroundings.node()
    backend = surroundings.backend(limits={"workers": 1})
    asked = [Asked("test.echo.1", {"seconds": 0.2, "n": n}) for n in range(20)]
    until(lambda: len(surroundings.calls()) >= 2)
    node.stop(signal.SIGKILL)
    surroundings.node()
    assert [one.result()["n"] for one in asked] == list(range(20))
    assert len(surroundings.calls()) == len(set(surroundings.calls())) == 20
    assert backend.popen.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_lets_running_tasks_finish_and_answers_the_others(
    surroundings: Surroundings, number: int
) -> None:
    surroundings.node()
    backend = surroundings.backend(limits={"workers": 1, "grace_seconds": 600})
    gate = str(surroundings.directory / "gate")
    running = Asked("test.echo.1", {"until": gate})
    until(lambda: len(surroundings.calls()) == 1)
    waiting = [Asked("test.echo.1", {"n": n}) for n in range(5)]
    until(lambda: ask("seriesview.get_health.1")["waiting"] == 5)
    backend.popen.send_signal(number)
    assert all("stopping" in str(one.result()) for one in waiting)
    assert running.answer is None
    Path(gate).touch()
    assert backend.wait() == 0
    assert running.result() == {"name": "", "until": gate}
    assert "Traceback" not in backend.written


def test_a_task_that_does_not_end_is_reported_and_the_process_ends(surroundings: Surroundings) -> None:
    surroundings.node()
    backend = surroundings.backend(limits={"grace_seconds": 1})
    asked = Asked("test.echo.1", {"seconds": 1000})
    until(lambda: len(surroundings.calls()) == 1)
    assert backend.stop() == 0
    assert "stopped before" in str(asked.result())


def test_an_idle_backend_stops_at_once_and_a_second_one_takes_over(surroundings: Surroundings) -> None:
    surroundings.node()
    first = surroundings.backend(NAME="first", POLL_SECONDS="600")
    assert ask("test.query.1", function_type="query")["name"] == "first"
    # Not when its poll ends.
    assert first.stop() == 0
    surroundings.backend(NAME="second")
    assert ask("test.query.1", function_type="query")["name"] == "second"


def test_a_killed_backend_leaves_its_tasks_to_the_next(surroundings: Surroundings) -> None:
    surroundings.node()
    first = surroundings.backend(NAME="first")
    gate = surroundings.directory / "gate"
    asked = Asked("test.query.1", {"until": str(gate)}, function_type="query")
    until(lambda: len(surroundings.calls()) == 1)
    surroundings.backend(NAME="second")
    first.stop(signal.SIGKILL)
    gate.touch()
    assert asked.result()["name"] == "second"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("own_node", ["yes", "no"])
def test_no_process_is_left_behind(surroundings: Surroundings, number: int, own_node: str) -> None:
    if own_node == "no":
        surroundings.node()
    mark = f"MARK={surroundings.directory}"
    backend = surroundings.backend(OWN_NODE=own_node, MARK=str(surroundings.directory))
    assert ask("test.echo.1", {}) == {"name": ""}
    assert processes_of(mark) == [backend.pid]
    assert backend.stop(number) == (-number if number == signal.SIGKILL else 0)
    assert processes_of(mark) == []


def test_a_node_of_its_own_is_started_and_stopped(surroundings: Surroundings) -> None:
    backend = surroundings.backend(OWN_NODE="yes")
    assert "starting a node in this process" in backend.written
    assert surroundings.ask_kachery("test.echo.1", {"a": 1}) == {"name": "", "a": 1}
    assert all(ask("test.echo.1", {"n": n})["n"] == n for n in range(3))
    assert backend.stop() == 0
    with pytest.raises(SeriesviewError, match="no kachery daemon or node answers"):
        ask("test.echo.1", {}, timeout=2)


def test_one_node_started_by_a_backend_serves_others(surroundings: Surroundings) -> None:
    surroundings.backend(OWN_NODE="yes", NAME="a", SERIESVIEW_BACKEND_ID="the first one's ID")
    other = surroundings.backend(OWN_NODE="yes", NAME="b", SERIESVIEW_BACKEND_ID="the second one's ID")
    assert "starting a node" not in other.written
    for name, backend_id in (("a", "the first one's ID"), ("b", "the second one's ID")):
        assert ask("test.echo.1", {}, backend_id=backend_id)["name"] == name


def test_actions_are_never_repeated(surroundings: Surroundings) -> None:
    node = surroundings.node()
    surroundings.backend()
    asked = Asked("test.act.1", {"seconds": 2}, function_type="action")
    until(lambda: len(surroundings.calls()) == 1)
    node.stop(signal.SIGKILL)
    surroundings.node()
    answer = asked.result()
    assert answer is True or isinstance(answer, TaskError)
    assert ask("test.act.1", function_type="action") is True
    assert surroundings.calls() == ["action", "action"]


@pytest.mark.soak
@pytest.mark.usefixtures("patient")
def test_restarts_under_load(surroundings: Surroundings) -> None:
    node = surroundings.node()
    surroundings.backend()
    stop = threading.Event()

    def load(number: int) -> int:
        done = 0
        while not stop.is_set():
            assert ask("test.echo.1", {"n": [number, done]}, timeout=MOST_SECONDS)["n"] == [number, done]
            done += 1
        return done

    def restart() -> None:
        nonlocal node
        try:
            for _ in range(3):
                # At whatever moment of the load that is.
                time.sleep(1)
                node.stop(signal.SIGKILL)
                node = surroundings.node()
            # So that some are answered after the last one, too.
            time.sleep(1)
        finally:
            stop.set()

    answers = all_at_once([restart, *(partial(load, number) for number in range(8))])
    assert [answer for answer in answers if isinstance(answer, BaseException)] == []
    assert sum(answers[1:]) > 20


def test_backends_that_start_together_share_one_node(surroundings: Surroundings) -> None:
    backends = all_at_once(
        [partial(surroundings.backend, OWN_NODE="yes", SERIESVIEW_BACKEND_ID=f"number {n}") for n in range(3)]
    )
    assert not any(isinstance(backend, BaseException) for backend in backends), backends
    for n in range(3):
        assert ask("test.echo.1", {"n": n}, backend_id=f"number {n}") == {"name": "", "n": n}


def test_a_task_on_its_way_to_a_backend_that_stops_goes_to_another_at_once(
    surroundings: Surroundings,
) -> None:
    # Nobody notices by waiting that it has gone.
    limits = BrokerLimits(gone_seconds=600, lease_seconds=600)
    config = NodeConfig(surroundings.storage, port=surroundings.port, channels=(CHANNEL,), task_limits=limits)
    with NodeThread(config):
        leave_and_stay()


def leave_and_stay() -> None:
    client = DaemonClient()
    assert client.connect()
    functions = {"test.echo.1": "pure-calculation"}
    leaving, staying = (LongPoll(client, [CHANNEL], functions, None) for _ in range(2))
    assert leaving.wait(0.01) == []
    asked = Asked("test.echo.1", {})
    until(lambda: bool(leaving.wait(1)))
    # As if that answer had not arrived.
    leaving._received -= 1
    leaving.cut()
    leaving.leave()
    (task,) = staying.wait(MOST_SECONDS)
    status = {"channelName": CHANNEL, "taskId": task.task_id, "status": "error", "errorMessage": "done"}
    client.post("/task/updateTaskStatus", status)
    assert "done" in str(asked.result())
