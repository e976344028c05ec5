"""Backends that number their polls: what was in an answer that did not arrive is handed out again, once."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node_peers import ask

from seriesview.node.server import NodeThread

PURE, QUERY, ACTION = "pure-calculation", "query", "action"


class Peers:
    """A backend and a requester of a node."""

    def __init__(self, node: NodeThread, name: str = "one") -> None:
        self.node = node
        self.name = name

    def post(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        storage = self.node.config.storage_dir
        return dict(ask(self.node.port, "POST", path, body, headers, storage).json())

    def poll(self, number: int, received: int, milliseconds: int = 0) -> list[int]:
        """The arguments of the tasks in the answer."""
        offers = [
            {"channelName": "demo", "taskFunctionId": f"{self.name}.{kind}", "taskFunctionType": kind}
            for kind in (PURE, QUERY, ACTION)
        ]
        headers = {
            "KACHERY-BACKEND-INSTANCE": self.name,
            "KACHERY-BACKEND-POLL": f"{number} {received}",
        }
        body = {"taskFunctions": offers, "timeoutMsec": milliseconds}
        answer = self.post("/task/registerTaskFunctions", body, **headers)
        return [task["kwargs"]["n"] for task in answer["requestedTasks"]]

    def request(self, n: int, kind: str = PURE) -> str:
        body = {
            "channelName": "demo",
            "taskFunctionId": f"{self.name}.{kind}",
            "taskKwargs": {"n": n},
            "taskFunctionType": kind,
            "timeoutMsec": 0,
        }
        return str(self.post("/task/requestTask", body)["taskId"])

    def finish(self, task_id: str) -> None:
        update = {"channelName": "demo", "taskId": task_id, "status": "error", "errorMessage": "done"}
        self.post("/task/updateTaskStatus", update)


@pytest.mark.parametrize("kind", [PURE, QUERY, ACTION])
def test_a_lost_answer_is_repeated_until_it_arrives(node: NodeThread, kind: str) -> None:
    peers = Peers(node)
    peers.request(1, kind)
    for number in range(1, 6):
        assert peers.poll(number, 0) == [1]
    assert peers.poll(6, 5) == []
    assert peers.poll(7, 6) == []


def test_what_was_answered_meanwhile_is_not_repeated(node: NodeThread) -> None:
    peers = Peers(node)
    ids = [peers.request(n) for n in range(3)]
    assert peers.poll(1, 0) == [0, 1, 2]
    peers.finish(ids[1])
    assert peers.poll(2, 0) == [0, 2]


def test_a_poll_that_comes_late_gets_nothing(node: NodeThread) -> None:
    peers = Peers(node)
    assert peers.poll(3, 2) == []
    peers.request(1)
    assert peers.poll(2, 1) == []
    assert peers.poll(3, 2) == []
    assert peers.poll(4, 3) == [1]


def test_a_poll_that_its_backend_gave_up_gets_nothing(node: NodeThread) -> None:
    peers = Peers(node)
    answers: list[list[int]] = []
    thread = threading.Thread(target=lambda: answers.append(peers.poll(1, 0, 30_000)))
    thread.start()
    wrong = {"channelName": "demo", "taskFunctionId": f"one.{PURE}", "taskKwargs": {}, "timeoutMsec": 0}
    while peers.post("/task/requestTask", {**wrong, "taskFunctionType": ACTION})["status"] != "error":
        pass
    assert peers.poll(2, 0) == []
    thread.join()
    assert answers == [[]]
    peers.request(1)
    assert peers.poll(3, 2) == [1]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["request", "lost", "heard"]), max_size=12), st.integers(0, 10**9))
def test_each_task_arrives_exactly_once(node: NodeThread, steps: list[str], seed: int) -> None:
    peers = Peers(node, f"b{seed}-{len(steps)}-{abs(hash(json.dumps(steps)))}")
    asked, arrived = 0, []
    number = received = 0
    for step in [*steps, "heard", "heard"]:
        if step == "request":
            peers.request(asked, QUERY)
            asked += 1
            continue
        number += 1
        tasks = peers.poll(number, received)
        if step == "heard":
            received = number
            arrived += tasks
    assert arrived == list(range(asked))


@pytest.mark.parametrize("text", ["", "1", "x y", "0 0", "1 -1", "1 0 0", "9" * 30 + " 0"])
def test_numbers_that_are_none_are_not_followed(node: NodeThread, text: str) -> None:
    peers = Peers(node)
    offer = {"channelName": "demo", "taskFunctionId": f"one.{PURE}", "taskFunctionType": PURE}
    headers = {"KACHERY-BACKEND-INSTANCE": "one", "KACHERY-BACKEND-POLL": text}
    body = {"taskFunctions": [offer], "timeoutMsec": 0}
    peers.request(1)
    assert len(peers.post("/task/registerTaskFunctions", body, **headers)["requestedTasks"]) == 1
