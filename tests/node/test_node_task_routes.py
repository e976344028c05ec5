"""The endpoints /task/*, over HTTP and with the unmodified kachery-client."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node_peers import CODE_HEADER, NODE_VARIABLES, Answer, ask, code_of, node_process, run_client
from waiting import num_long_polls, until

from seriesview.node.canonical import task_hash
from seriesview.node.channels import CHANNELS_FILE, Channel, Channels
from seriesview.node.config import NodeConfig
from seriesview.node.server import NodeThread
from seriesview.node.task_records import BrokerLimits

PURE = "pure-calculation"
REGISTER = "/task/registerTaskFunctions"
REQUEST = "/task/requestTask"
WAIT = "/task/waitForTaskResult"
UPDATE = "/task/updateTaskStatus"
FINISH = "/task/finishTask"
SIGN = "/task/createSignedTaskResultUploadUrl"


class Peer:
    """A requester and a backend, speaking the protocol by hand."""

    def __init__(self, port: int, storage: Path) -> None:
        self.port = port
        self.storage = storage

    def post(self, path: str, body: Any) -> Answer:
        return ask(self.port, "POST", path, body, storage=self.storage)

    def request(
        self,
        number: Any = 0,
        kind: str = PURE,
        backend_id: str | None = None,
        milliseconds: float = 0,
        channel: str = "demo",
        name: str = "f.1",
    ) -> Any:
        body = {
            "channelName": channel,
            "taskFunctionId": name,
            "taskKwargs": {"number": number},
            "taskFunctionType": kind,
            "timeoutMsec": milliseconds,
        }
        return self.post(REQUEST, body if backend_id is None else {**body, "backendId": backend_id}).json()

    def poll(
        self, kind: str = PURE, backend_id: str | None = None, milliseconds: float = 0, name: str = "f.1"
    ) -> Any:
        body = {
            "taskFunctions": [{"channelName": "demo", "taskFunctionId": name, "taskFunctionType": kind}],
            "backendId": backend_id,
            "timeoutMsec": milliseconds,
        }
        return self.post(REGISTER, body).json()["requestedTasks"]

    def wait(self, asked: Any, kind: str = PURE, milliseconds: float = 20_000) -> Any:
        body = {
            "channelName": "demo",
            "taskId": asked["taskId"],
            "taskResultUrl": asked.get("taskResultUrl"),
            "taskFunctionType": kind,
            "timeoutMsec": milliseconds,
        }
        return self.post(WAIT, body).json()

    def store(self, task: Any, result: Any) -> None:
        data = json.dumps(result).encode()
        body = {"channelName": "demo", "taskId": task["taskHash"], "size": len(data)}
        url = urlsplit(self.post(SIGN, body).json()["signedUrl"])
        assert ask(self.port, "PUT", f"{url.path}?{url.query}", data).status == 200

    def update(self, task: Any, status: str, message: str | None = None) -> None:
        body = {"channelName": "demo", "taskId": task["taskId"], "status": status}
        said = self.post(UPDATE, body if message is None else {**body, "errorMessage": message})
        assert said.json() == {"success": True}

    def finish(self, task: Any, result: Any = 1) -> None:
        self.store(task, result)
        self.update(task, "finished")

    def result(self, asked: Any) -> Any:
        return ask(self.port, "GET", urlsplit(asked["taskResultUrl"]).path).json()


@pytest.fixture
def peer(node: NodeThread, tmp_path: Path) -> Peer:
    return Peer(node.port, tmp_path / "storage")


BACKEND = """
import os, sys, time
import kachery_client as kc

@kc.taskfunction("f.1", type="pure-calculation")
def f(number):
    with open(sys.argv[1], "a") as log:
        log.write(f"{number}\\n")
    if number == "fail":
        raise ValueError("x" * 3000)
    if number == "slow":
        # A function that takes long.
        time.sleep(2)
    return {"number": number, "falsy": [0, "", False, None]}

@kc.taskfunction("q.1", type="query")
def q(number):
    return time.time()

@kc.taskfunction("a.1", type="action")
def a(number):
    # An action that takes long.
    time.sleep(number)

@kc.taskfunction("bad.1", type="query")
def bad(number):
    return {"none": None, "nan": float("nan"), "bytes": b"x"}[number]

names = ["f.1", "q.1", "a.1", "bad.1"]
channels = os.environ["CHANNELS"].split(",")
kc.run_task_backend(channels=channels, task_function_ids=names, backend_id=os.environ.get("ID"))
"""
CLIENT = """
def result(name, number, kind, seconds=20):
    try:
        task = kc.request_task(
            task_function_id=name, task_kwargs={"number": number}, task_function_type=kind, channel="demo"
        )
        value = None
        for _ in range(seconds):
            value = task.wait(1)
            if value is not None:
                return value
        return "nothing"
    except Exception as error:
        return f"error: {error}"
"""


@contextmanager
def kachery_backend(
    port: int, tmp_path: Path, backend_id: str | None = None, channels: tuple[str, ...] = ("demo",)
) -> Iterator[Path]:
    """Run kachery-client's own backend; gives the file that it logs calls in."""
    log = tmp_path / f"calls {backend_id}"
    log.touch()
    environment = {name: value for name, value in os.environ.items() if name not in NODE_VARIABLES}
    environment |= {"KACHERY_DAEMON_PORT": str(port), "NO_PROXY": "127.0.0.1,localhost"}
    environment |= {"KACHERY_TEMP_DIR": str(tmp_path / "kachery-tmp"), "CHANNELS": ",".join(channels)}
    if backend_id is not None:
        environment["ID"] = backend_id
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(BACKEND), str(log)],
        env=environment,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield log
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def client(port: int, tmp_path: Path, script: str) -> Any:
    return run_client(port, tmp_path, CLIENT + textwrap.dedent(script))


def test_kachery_clients_ask_and_answer(node: NodeThread, tmp_path: Path) -> None:
    with kachery_backend(node.port, tmp_path) as log:
        said = client(
            node.port,
            tmp_path,
            """
            report({
                "new": result("f.1", 0.5, "pure-calculation"),
                "cached": result("f.1", 0.5, "pure-calculation"),
                "slow": result("f.1", "slow", "pure-calculation"),
                "text": result("f.1", "\\u00e9\\U0001f600", "pure-calculation"),
                "failing": result("f.1", "fail", "pure-calculation"),
                "queries": [result("q.1", 0, "query") for _ in range(2)],
                "action": result("a.1", 2, "action"),
                "bad": [result("bad.1", number, "query") for number in ("none", "nan", "bytes", "missing")],
                "mismatch": result("f.1", 1, "query"),
            })
            """,
        )
        calls = log.read_text().splitlines()
    assert said["new"] == said["cached"] == {"number": 0.5, "falsy": [0, "", False, None]}
    assert said["slow"]["number"] == "slow"
    assert said["text"]["number"] == "\u00e9\U0001f600"
    assert said["failing"].startswith("error: Task error: Error calling task: xxx")
    assert len(said["failing"]) < 1100
    assert said["queries"][0] < said["queries"][1]
    assert said["action"] is True
    assert all(one.startswith("error: Task error: ") for one in said["bad"])
    assert "is of type pure-calculation" in said["mismatch"]
    assert calls == ["0.5", "slow", "\u00e9\U0001f600", "fail"]


def test_a_kachery_backend_is_served_on_the_channels_that_there_are(tmp_path: Path) -> None:
    with node_process(tmp_path / "storage", "--channel", "demo") as node:
        peer = Peer(node.port, node.storage)
        with kachery_backend(node.port, tmp_path, channels=("demo", "unknown")):
            assert peer.request(1, milliseconds=20_000)["status"] == "finished"
        code, said = node.stop()
        assert (code, said.count("no channel 'unknown'")) == (0, 1), said


def test_a_channel_that_is_not_served_answers_as_the_daemons_does(peer: Peer) -> None:
    def register(*names: str, headers: Mapping[str, str] | None = None, milliseconds: float = 300) -> Answer:
        functions = [{**VALID[REGISTER]["taskFunctions"][0], "channelName": name} for name in names]
        body = {"taskFunctions": functions, "backendId": None, "timeoutMsec": milliseconds}
        return ask(peer.port, "POST", REGISTER, body, headers, peer.storage)

    nothing = {"success": True, "requestedTasks": []}
    begin = time.monotonic()
    assert register("unknown").json() == nothing
    assert time.monotonic() - begin >= 0.3
    asked = peer.request(1)
    assert register("unknown").json() == nothing
    answered = register("unknown", "demo", milliseconds=20_000).json()["requestedTasks"]
    assert [task["taskId"] for task in answered] == [asked["taskId"]]
    channels = channels_of(peer.storage)
    channels.ensure("unknown")
    later = peer.request(1, channel="unknown")
    answered = register("unknown", milliseconds=20_000).json()["requestedTasks"]
    assert [task["taskId"] for task in answered] == [later["taskId"]]
    channels.remove("unknown")
    channels.create(Channel("closed", {"clients": frozenset({"requestTasks"})}))
    assert register("demo", "closed").json() == nothing
    refused = register("unknown", "closed")
    assert (refused.status, "provideTasks" in refused.text) == (403, True)
    # A backend that names itself is told, and can say so.
    named = register("demo", "unknown", headers={"KACHERY-BACKEND-INSTANCE": "one"})
    assert (named.status, "no channel 'unknown'" in named.text) == (500, True)
    assert register("demo", "no name").status == 500


def test_backend_ids_with_kachery_backends(node: NodeThread, tmp_path: Path, peer: Peer) -> None:
    with (
        kachery_backend(node.port, tmp_path, "secret") as owned,
        kachery_backend(node.port, tmp_path) as open_,
    ):
        both = peer.request(1, milliseconds=20_000), peer.request(1, backend_id="secret", milliseconds=20_000)
        assert [one["status"] for one in both] == ["finished", "finished"]
        assert both[0]["taskResultUrl"] != both[1]["taskResultUrl"]
        assert peer.result(both[0]) == peer.result(both[1])
        assert owned.read_text() == open_.read_text() == "1\n"
        assert peer.request(2, backend_id="secret", milliseconds=20_000)["status"] == "finished"
        stranger = peer.request(2, backend_id="another", milliseconds=200)
        assert stranger["status"] == "waiting"
        assert open_.read_text() == "1\n"


def test_the_task_of_a_killed_backend_is_done_by_the_next(tmp_path: Path) -> None:
    limits = BrokerLimits(gone_seconds=0.5, lease_seconds=3.0, unprovided_seconds=60.0)
    storage = tmp_path / "storage"
    with NodeThread(NodeConfig(storage, port=0, channels=("demo",), task_limits=limits)) as node:
        peer = Peer(node.port, storage)
        with kachery_backend(node.port, tmp_path) as log:
            asked = [peer.request("slow"), peer.request(2, "action", name="a.1")]
            until(lambda: log.read_text() == "slow\n")
        with kachery_backend(node.port, tmp_path):
            assert peer.wait(asked[0], milliseconds=25_000)["status"] == "finished"
            assert log.read_text() == "slow\nslow\n"
            assert "whether the action was done" in peer.wait(asked[1], "action")["errorMessage"]


def test_a_backend_that_takes_long_is_not_doubled(tmp_path: Path) -> None:
    limits = BrokerLimits(gone_seconds=0.2, lease_seconds=1.5, unprovided_seconds=20.0)
    storage = tmp_path / "storage"
    with NodeThread(NodeConfig(storage, port=0, channels=("demo",), task_limits=limits)) as node:
        peer = Peer(node.port, storage)
        with kachery_backend(node.port, tmp_path) as log, ThreadPoolExecutor(8) as pool:
            slow = [pool.submit(peer.request, name, milliseconds=20_000) for name in ("slow", "slow", 1, 2)]
            assert {one.result()["status"] for one in slow} == {"finished"}
            assert sorted(log.read_text().split()) == ["1", "2", "slow"]


def test_ids_stand_in_no_log(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with node_process(storage, "--channel", "demo") as node:
        peer = Peer(node.port, storage)
        asked = peer.request(1, backend_id="secret id")
        (task,) = peer.poll(backend_id="secret id")
        for path, body in VALID.items():
            peer.post(path, {**body, "backendId": "secret id"})
            peer.post(path, {**body, "backendId": ["secret id"]})
        peer.finish(task)
        assert peer.wait(asked)["status"] == "finished"
        command = Path(f"/proc/{node.process.pid}/cmdline").read_bytes()
        status, problems = node.stop()
        assert status == 0
        said = node.ready_line + problems
    assert b"secret" not in command
    assert "secret" not in said
    kept = b"".join(path.read_bytes() for path in storage.rglob("*") if path.is_file())
    assert b"secret id" not in kept


def test_one_task_by_hand(peer: Peer) -> None:
    asked = peer.request({"b": 0.1, "a": "\u00e9"})
    sha1 = task_hash("f.1", {"number": {"a": "\u00e9", "b": 0.1}})
    assert asked == {
        "success": True,
        "taskId": sha1,
        "status": "waiting",
        "taskResultUrl": f"http://127.0.0.1:{peer.port}/bucket/demo/task_results/"
        f"{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}",
    }
    (task,) = peer.poll()
    assert task == {
        "channelName": "demo",
        "backendId": None,
        "taskId": sha1,
        "taskHash": sha1,
        "taskFunctionId": "f.1",
        "kwargs": {"number": {"a": "\u00e9", "b": 0.1}},
        "taskFunctionType": PURE,
    }
    peer.update(task, "running")
    assert peer.wait(asked, milliseconds=0) == {"success": True, "status": "running"}
    peer.finish(task, {"found": 0})
    assert peer.wait(asked) == {"success": True, "status": "finished"}
    assert peer.result(asked) == {"found": 0}
    assert peer.request({"a": "\u00e9", "b": 0.1})["status"] == "finished"
    assert peer.poll() == []


def test_many_ask_for_the_same(peer: Peer) -> None:
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(peer.request, 1, milliseconds=20_000) for _ in range(20)]
        tasks = peer.poll(milliseconds=20_000)
        assert len(tasks) == 1
        peer.finish(tasks[0])
        assert {one.result()["status"] for one in asked} == {"finished"}
    assert peer.poll() == []


def test_actions_and_long_waits(node: NodeThread, peer: Peer) -> None:
    asked = peer.request(kind="action", milliseconds=50)
    assert asked["status"] == "waiting"
    assert "taskResultUrl" not in asked
    (task,) = peer.poll("action")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(peer.wait, asked, "action")
        until(lambda: num_long_polls(node) == 1)
        peer.update(task, "finished")
        assert waiting.result() == {"success": True, "status": "finished"}
    peer.update(task, "error", "too late")
    assert peer.wait(asked, "action")["status"] == "finished"


def test_a_result_and_its_status_in_one_request(peer: Peer) -> None:
    asked = peer.request(1, backend_id="secret")
    (task,) = peer.poll(backend_id="secret")
    names = {"channelName": "demo", "taskId": task["taskId"], "taskHash": task["taskHash"]}

    def finish(data: bytes, **changes: str) -> Answer:
        return peer.post(f"{FINISH}?{urlencode({**names, **changes})}", data)

    for changes in ({"more": "1"}, {"taskHash": "x"}, {"taskId": "../x"}, {"channelName": "a b c"}):
        refused = finish(b"1", **changes)
        assert (refused.status, "Invalid request" in refused.text) == (500, True)
    assert ask(peer.port, "POST", f"{FINISH}?{urlencode(names)}", b"1").status == 403
    chunked = {"Transfer-Encoding": "chunked"}
    refused = ask(peer.port, "POST", f"{FINISH}?{urlencode(names)}", iter([b"1"]), chunked, peer.storage)
    assert (refused.status, "Content-Length" in refused.text) == (500, True)
    assert peer.wait(asked, milliseconds=0)["status"] == "waiting"
    large = json.dumps("x" * 1_000_000).encode()
    assert finish(large).json() == {"success": True}
    assert peer.wait(asked)["status"] == "finished"
    assert peer.result(asked) == "x" * 1_000_000


def test_errors_reach_the_requester_once(peer: Peer) -> None:
    asked = peer.request(5)
    (task,) = peer.poll()
    peer.update(task, "error", "\ud800 long " * 300)
    said = peer.wait(asked)
    assert said["status"] == "error"
    assert len(said["errorMessage"]) < 1000
    again = peer.request(5)
    assert again["status"] == "waiting"
    assert "errorMessage" not in again


def test_a_finished_task_without_a_result_is_an_error(peer: Peer) -> None:
    asked = peer.request(5)
    peer.update(peer.poll()[0], "finished")
    assert peer.wait(asked)["errorMessage"] == "[task-failed] Task finished, but result not found in bucket."


def test_a_client_that_hangs_up_swallows_nothing(node: NodeThread, peer: Peer) -> None:
    body = json.dumps(
        {
            "taskFunctions": [{"channelName": "demo", "taskFunctionId": "f.1", "taskFunctionType": PURE}],
            "backendId": None,
            "timeoutMsec": 20_000,
        }
    )
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", peer.port)) as gone:
            gone.sendall(
                f"POST {REGISTER} HTTP/1.1\r\nHost: localhost\r\n{CODE_HEADER}: {code_of(peer.storage)}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            until(lambda: num_long_polls(node) == 1)
        until(lambda: num_long_polls(node) == 0)
    asked = peer.request(1)
    (task,) = peer.poll(milliseconds=5000)
    peer.finish(task)
    assert peer.wait(asked)["status"] == "finished"


def test_ids_protect_results(peer: Peer) -> None:
    plain, owned = peer.request(1), peer.request(1, backend_id="secret")
    assert owned["taskId"] != plain["taskId"]
    assert peer.poll(backend_id="secre") == []
    (task,) = peer.poll(backend_id="secret")
    assert (task["backendId"], task["taskId"]) == ("secret", owned["taskId"])
    assert task["taskHash"] in owned["taskResultUrl"]
    peer.finish(task, "private")
    assert peer.wait(owned)["status"] == "finished"
    assert peer.request(1, backend_id="secret")["status"] == "finished"
    assert peer.request(1)["status"] == "waiting"
    assert peer.request(1, backend_id="other")["status"] == "waiting"
    assert ask(peer.port, "GET", urlsplit(plain["taskResultUrl"]).path).status == 404
    assert peer.result(owned) == "private"


def test_what_nobody_provides_is_an_error(tmp_path: Path) -> None:
    limits = BrokerLimits(unprovided_seconds=0.2)
    with NodeThread(NodeConfig(tmp_path, port=0, channels=("demo",), task_limits=limits)) as node:
        said = Peer(node.port, tmp_path).request(backend_id="secret", kind="action", milliseconds=20_000)
    assert said["status"] == "error"
    assert (
        "No backend with the backend ID of the request provides f.1 on channel demo" in said["errorMessage"]
    )
    assert "secret" not in json.dumps(said)


def channels_of(storage: Path) -> Channels:
    return Channels(storage / CHANNELS_FILE)


def test_results_outlive_the_node(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with node_process(storage, "--channel", "demo") as first:
        peer = Peer(first.port, storage)
        asked = {
            "pure": peer.request(1),
            "owned": peer.request(1, backend_id="secret"),
            "query": peer.request(1, kind="query", name="q.1"),
            "lost": peer.request(2),
        }
        tasks = [
            *peer.poll()[:1],
            *peer.poll(backend_id="secret"),
            *peer.poll("query", name="q.1"),
        ]
        for task in tasks:
            peer.store(task, "result")
        first.kill()
    with node_process(storage) as second:
        peer = Peer(second.port, storage)
        kinds = {"pure": PURE, "owned": PURE, "query": "query", "lost": PURE}
        said = {name: peer.wait(asked[name], kind) for name, kind in kinds.items()}
        lost = said.pop("lost")
        assert {one["status"] for one in said.values()} == {"finished"}
        assert lost == {
            "success": True,
            "status": "error",
            "errorMessage": "[task-forgotten] Outgoing task not found",
        }
        assert peer.request(1)["status"] == peer.request(1, backend_id="secret")["status"] == "finished"


def test_stopping_answers_open_polls(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    config = NodeConfig(storage, port=0, channels=("demo",))
    with NodeThread(config) as node, ThreadPoolExecutor(2) as pool:
        peer = Peer(node.port, storage)
        polling = pool.submit(peer.poll, milliseconds=50_000)
        waiting = pool.submit(peer.request, 1, name="g.1", milliseconds=50_000)
        until(lambda: num_long_polls(node) == 2)
        begin = time.monotonic()
        node.stop()
        assert polling.result() == []
        assert waiting.result()["status"] == "waiting"
        assert time.monotonic() - begin < 20


@pytest.mark.soak
def test_two_thousand_requests_at_once(peer: Peer) -> None:
    stop = threading.Event()

    def backend() -> None:
        while not stop.is_set():
            for task in peer.poll("action", milliseconds=300):
                peer.update(task, "finished")

    backends = [threading.Thread(target=backend) for _ in range(2)]
    for thread in backends:
        thread.start()
    with ThreadPoolExecutor(200) as pool:
        asked = list(pool.map(lambda n: peer.request(n, "action", milliseconds=60_000), range(2000)))
    stop.set()
    for thread in backends:
        thread.join()
    assert {one["status"] for one in asked} == {"finished"}
    assert len({one["taskId"] for one in asked}) == 2000


VALID: dict[str, Any] = {
    REGISTER: {
        "taskFunctions": [{"channelName": "demo", "taskFunctionId": "f.1", "taskFunctionType": PURE}],
        "backendId": "id",
        "timeoutMsec": 0,
    },
    REQUEST: {
        "channelName": "demo",
        "backendId": "id",
        "taskFunctionId": "f.1",
        "taskKwargs": {},
        "taskFunctionType": PURE,
        "timeoutMsec": 0,
    },
    WAIT: {
        "channelName": "demo",
        "taskId": "a" * 40,
        "taskResultUrl": "http://127.0.0.1/bucket/demo/none",
        "taskFunctionType": PURE,
        "timeoutMsec": 0,
    },
    UPDATE: {"channelName": "demo", "taskId": "a" * 40, "status": "running", "errorMessage": "x"},
    SIGN: {"channelName": "demo", "taskId": "a" * 40, "size": 10},
}
NULLABLE = {"backendId", "taskResultUrl", "errorMessage"}
WRONG: dict[str, list[Any]] = {
    "channelName": [1, "", "*local*", "ab", "demo/../demo", "\u00e9mo", None],
    "taskFunctionId": [1, "", "f..1", "f 1", "x" * 401, "f.1\n", None],
    "taskFunctionType": ["", "pure", 1, None, []],
    "taskKwargs": [[], None, "x", 1, {"a": 10**400}],
    "timeoutMsec": ["1", None, True, []],
    "backendId": [1, "", True, "x" * 1001],
    "taskId": [1, "", "x" * 41, "../../etc", None],
    "taskResultUrl": [1, {}],
    "status": ["done", 1, None],
    "errorMessage": [1, {}],
    "size": [-1, 1.5, "1", None, True, 2**40],
    "taskFunctions": [{}, None, [1], [{}], [{"channelName": "demo"}]],
}


@pytest.mark.parametrize("path", VALID)
def test_requests_are_checked(peer: Peer, path: str) -> None:
    valid = VALID[path]
    assert peer.post(path, valid).json()["success"] is True
    assert peer.post(path, {**valid, "more": 1}).text.startswith("Invalid request in _handler: unknown key")
    for name in valid:
        without = {key: value for key, value in valid.items() if key != name}
        assert (peer.post(path, without).status == 200) == (name in NULLABLE), name
        if name in NULLABLE:
            assert peer.post(path, {**valid, name: None}).status == 200
        for value in WRONG[name]:
            refused = peer.post(path, {**valid, name: value})
            assert refused.status == 500, (name, value)
            assert refused.text
    for body in (b"", b"[]", b"{", b"null", b'{"a":NaN}', b"[" * 90_000, b"\xff"):
        assert peer.post(path, body).status in (400, 500)
    assert peer.post(path, b'{"x":"' + b"y" * 200_000 + b'"}').status == 413
    assert ask(peer.port, "GET", path, storage=peer.storage).status == 405
    assert ask(peer.port, "POST", path, valid).status == 403


def test_a_channel_that_is_not_there_is_an_error(peer: Peer) -> None:
    refused = peer.post(REQUEST, {**VALID[REQUEST], "channelName": "later"})
    assert (refused.status, "no channel 'later'" in refused.text) == (500, True)
    channels_of(peer.storage).ensure("later")
    assert peer.request(channel="later")["status"] == "waiting"


def test_permissions_of_a_channel(peer: Peer) -> None:
    channels = channels_of(peer.storage)
    channels.change("demo", {"clients": frozenset({"requestTasks"})})
    assert peer.post(REQUEST, VALID[REQUEST]).status == 200
    assert peer.post(WAIT, VALID[WAIT]).status == 200
    for path in (REGISTER, UPDATE, SIGN):
        refused = peer.post(path, VALID[path])
        assert (refused.status, "provideTasks" in refused.text) == (403, True)
    channels.change("demo", {"clients": frozenset({"provideTasks"})})
    for path in (REQUEST, WAIT):
        assert peer.post(path, VALID[path]).status == 403
    assert peer.post(REGISTER, VALID[REGISTER]).status == 200


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
mutations = st.lists(st.tuples(st.integers(0, 20), json_values), max_size=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(list(VALID)),
    mutations=mutations,
    extra=st.dictionaries(st.text(), json_values, max_size=1),
)
def test_any_request_gets_an_answer(peer: Peer, path: str, mutations: Any, extra: Any) -> None:
    body = {**VALID[path], **extra}
    for index, value in mutations:
        body[list(body)[index % len(body)]] = value
    for name in ("timeoutMsec",):
        if isinstance(body.get(name), int | float):
            body[name] = min(body[name], 1)
    said = peer.post(path, body)
    assert said.status in (200, 400, 500)
    assert "node; its log" not in said.text
    if said.status == 200:
        assert said.json()["success"] is True


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kwargs=st.dictionaries(st.text(), json_values, max_size=4))
def test_any_arguments_reach_the_backend(peer: Peer, kwargs: dict[str, Any]) -> None:
    body = {**VALID[REQUEST], "taskKwargs": kwargs, "taskFunctionId": "any.1", "taskFunctionType": "query"}
    said = peer.post(REQUEST, {**body, "backendId": None})
    if said.status != 200:
        assert said.status in (400, 500)
        return
    (task,) = peer.poll("query", name="any.1")
    assert list(task["kwargs"]) == list(kwargs)
    assert task["taskHash"] == task_hash("any.1", kwargs) == task_hash("any.1", task["kwargs"])
    peer.update(task, "error", "enough")


def test_a_token_can_provide_and_its_holder_is_told_apart(tmp_path: Path) -> None:
    storage, tokens = tmp_path / "other", tmp_path / "tokens"
    tokens.write_text("remote:" + "t" * 40 + "\n")
    tokens.chmod(0o600)
    config = NodeConfig(storage, port=0, channels=("demo",), token_file=tokens)
    with NodeThread(config) as node:
        headers = {"Authorization": "Bearer " + "t" * 40}
        assert ask(node.port, "POST", REGISTER, VALID[REGISTER], headers).status == 403
        channels_of(storage).change("demo", {"remote": frozenset({"provideTasks"})})
        assert ask(node.port, "POST", REGISTER, VALID[REGISTER], headers).status == 200
        assert ask(node.port, "POST", REQUEST, VALID[REQUEST], headers).status == 403
