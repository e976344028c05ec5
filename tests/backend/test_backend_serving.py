"""A backend and the real node, asked by the unmodified kachery-client and by `seriesview.request_task`."""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import Any

import pytest
from asking import Asked, ask
from serving_processes import CHANNEL, Surroundings, all_at_once
from waiting import MOST_SECONDS, until

import seriesview
from seriesview.backend.requesting import request_task
from seriesview.errors import TaskError


def test_kachery_client_gets_results_errors_and_actions(served: Surroundings) -> None:
    kwargs = {"a": [1, 0.5, "é"], "b": {"c": None}}
    assert served.ask_kachery("test.echo.1", kwargs) == {"name": "", **kwargs}
    assert served.ask_kachery("test.echo.1", kwargs) == {"name": "", **kwargs}
    assert len(served.calls()) == 1
    for _ in range(2):
        assert served.ask_kachery("test.query.1", {"q": 1}, "query") == {"name": "", "q": 1}
    assert len(served.calls()) == 3
    assert served.ask_kachery("test.act.1", {"seconds": 1.5}, "action") is True
    with pytest.raises(RuntimeError, match=r"Task error: \[seriesview-error\] it broke"):
        served.ask_kachery("test.fail.1", {"kind": "known", "message": "it broke"})


def test_seriesview_asks_the_same(served: Surroundings) -> None:
    assert ask("test.echo.1", {"a": 1}) == {"name": "", "a": 1}
    assert ask("test.query.1", {"a": 1}, function_type="query") == {"name": "", "a": 1}
    assert ask("test.act.1", function_type="action") is True
    assert ask("test.echo.1", {"seconds": 2}, timeout=MOST_SECONDS)["seconds"] == 2


@pytest.mark.parametrize("kind", ["known", "unknown", "memory"])
def test_errors_are_cut_and_the_next_task_is_answered(served_once: Surroundings, kind: str) -> None:
    for message in ("\U0001f600" * 3000, "lone \ud800 and \0", "two\nlines", ""):
        with pytest.raises(TaskError) as error:
            ask("test.fail.1", {"kind": kind, "message": message})
        assert 0 < len(str(error.value).encode("utf-16-le")) // 2 < 1000
        assert "\n" not in str(error.value)
        assert kind != "unknown" or "RuntimeError" in str(error.value)
    assert ask("test.echo.1", {"still": "there"})


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("zero", 0),
        ("false", False),
        ("empty_text", ""),
        ("empty_list", []),
        ("empty_object", {}),
        ("int64", 2**40),
        ("bool", True),
        ("float32", 0.5),
        ("text", "é \u2028 \U0001f600 \ud800 \0"),
    ],
)
def test_values_arrive_as_they_are(served_once: Surroundings, which: str, expected: Any) -> None:
    answer = ask("test.value.1", {"which": which})
    assert answer == expected
    assert type(answer) is type(expected)


@pytest.mark.parametrize("which", ["nan", "deep_nan", "infinity", "nothing", "a_set", "an_array", "keys"])
def test_what_json_cannot_say_is_an_error(served_once: Surroundings, which: str) -> None:
    with pytest.raises(TaskError, match="result"):
        ask("test.value.1", {"which": which})
    assert ask("test.value.1", {"which": "zero"}) == 0


def test_falsy_results_reach_kachery_client(served_once: Surroundings) -> None:
    for which, expected in (("zero", 0), ("false", False), ("empty_text", ""), ("empty_list", [])):
        assert served_once.ask_kachery("test.value.1", {"which": which}) == expected


def test_too_large_results_are_an_error(surroundings: Surroundings) -> None:
    surroundings.node()
    surroundings.backend(limits={"max_result_bytes": 1_000_002})
    assert len(ask("test.large.1", {"size": 1_000_000})) == 1_000_000
    with pytest.raises(TaskError, match=r"1(\.0)? MB"):
        ask("test.large.1", {"size": 1_000_001})


def test_large_results_arrive(served_once: Surroundings) -> None:
    assert len(ask("test.large.1", {"size": 50_000_000})) == 50_000_000


def test_tasks_run_at_the_same_time(surroundings: Surroundings) -> None:
    surroundings.node()
    surroundings.backend(limits={"workers": 4})
    gate = surroundings.directory / "gate"
    asked = [Asked("test.echo.1", {"until": str(gate), "n": n}) for n in range(4)]
    # None ends before all have begun.
    until(lambda: len(surroundings.calls()) == 4)
    gate.touch()
    assert [one.result()["n"] for one in asked] == [0, 1, 2, 3]


def test_equal_calculations_run_once_and_queries_each(served: Surroundings) -> None:
    answers = all_at_once([partial(ask, "test.echo.1", {"seconds": 1}) for _ in range(20)])
    assert answers == [{"name": "", "seconds": 1}] * 20
    assert len(served.calls()) == 1
    query = partial(ask, "test.query.1", {"seconds": 0.1}, function_type="query")
    assert all_at_once([query] * 5) == [{"name": "", "seconds": 0.1}] * 5
    assert len(served.calls()) == 6


def test_a_full_queue_answers_at_once(surroundings: Surroundings) -> None:
    surroundings.node()
    surroundings.backend(limits={"workers": 1, "max_waiting": 3})
    gate = surroundings.directory / "gate"
    first = Asked("test.echo.1", {"until": str(gate)})
    until(lambda: len(surroundings.calls()) == 1)
    asked = [Asked("test.echo.1", {"n": n}) for n in range(10)]
    # While the first one still runs.
    until(lambda: sum(isinstance(one.answer, TaskError) for one in asked) == 7)
    gate.touch()
    answers = [one.result() for one in (first, *asked)]
    refused = [answer for answer in answers if isinstance(answer, TaskError)]
    assert len(refused) == 7
    assert all("busy" in str(error) for error in refused)


def test_health_is_answered_while_all_workers_are_busy(surroundings: Surroundings) -> None:
    surroundings.node()
    backend = surroundings.backend(limits={"workers": 1})
    busy = threading.Thread(target=ask, args=("test.echo.1", {"seconds": 3}))
    busy.start()
    until(lambda: len(surroundings.calls()) == 1)
    health = ask("seriesview.get_health.1")
    assert health["status"] == "ok"
    assert health["running"] == 1
    assert health["channels"] == [CHANNEL]
    assert 0 < health["memory_mb"] < 500
    busy.join()
    backend.popen.send_signal(10)
    backend.wait_for("event=health")


def test_a_wrong_type_is_an_error(served_once: Surroundings) -> None:
    with pytest.raises(TaskError, match="query"):
        ask("test.query.1", {}, function_type="pure-calculation")


def test_several_channels(surroundings: Surroundings) -> None:
    surroundings.node("--channel", "second")
    surroundings.backend(f"{CHANNEL},second")
    for channel in (CHANNEL, "second"):
        assert request_task("test.echo.1", {"a": 1}, channel=channel) == {"name": "", "a": 1}


@pytest.mark.soak
def test_two_thousand_requests_at_once(served: Surroundings) -> None:
    calls = [partial(ask, "test.echo.1", {"n": n % 1000}, timeout=300) for n in range(2000)]
    answers = all_at_once(calls)
    assert [answer if isinstance(answer, Exception) else answer["n"] for answer in answers] == [
        n % 1000 for n in range(2000)
    ]
    assert len(served.calls()) == 1000


def test_every_task_has_a_line_in_the_log(surroundings: Surroundings) -> None:
    surroundings.node()
    backend = surroundings.backend()
    ask("test.large.1", {"size": 1000})
    with pytest.raises(TaskError):
        ask("test.fail.1", {"kind": "known", "message": 'a "quoted" = line\nof=two'})
    backend.wait_for("test.fail.1")
    lines = [line for line in backend.written.splitlines() if " event=task " in line]
    assert len(lines) == 2
    done = dict(part.split("=", 1) for part in lines[0].split(" "))
    assert done["task"] == "test.large.1"
    assert done["outcome"] == "finished"
    assert done["size"] == "1002"
    assert float(done["milliseconds"]) > 0
    assert "outcome=error" in lines[1]
    assert json.loads(lines[1].split(" error=", 1)[1]) == '[seriesview-error] a "quoted" = line of=two'


def test_memory_is_let_go_of_when_there_is_nothing_to_do(surroundings: Surroundings) -> None:
    surroundings.node()
    surroundings.backend(limits={"idle_seconds": 0.1})
    ask("test.echo.1", {})
    until(lambda: surroundings.calls() == ["{}", "idle"])


def test_request_task_is_part_of_the_package() -> None:
    assert seriesview.request_task is request_task
    assert "request_task" in dir(seriesview)
