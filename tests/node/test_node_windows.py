"""POST /window in the node: who waits too much is told so, and what nobody waits for is given up."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from node_peers import CODE_HEADER, ask, code_of
from waiting import until

from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.node.config import NodeConfig
from seriesview.node.quotas import CallerLimits
from seriesview.node.server import NodeThread

TOKEN = "a" * 32
BODY = {"channelName": "demo", "taskKwargs": {"a": 1}}


class Held:
    """Windows that are answered when the test says so."""

    def __init__(self) -> None:
        self.started: list[tuple[Mapping[str, Any], Callable[[], bool], Future[Any]]] = []

    def serves(self, channel: str, backend_id: str | None) -> bool:
        return channel == "demo" and backend_id is None

    def start(self, kwargs: Mapping[str, Any], is_given_up: Callable[[], bool]) -> Future[Any]:
        future: Future[Any] = Future()
        self.started.append((kwargs, is_given_up, future))
        return future


@pytest.fixture
def windows() -> Held:
    return Held()


@pytest.fixture
def node(tmp_path: Path, windows: Held, monkeypatch: pytest.MonkeyPatch) -> Iterator[NodeThread]:
    monkeypatch.setenv("SERIESVIEW_NODE_TOKENS", f"rat:{TOKEN}")
    config = NodeConfig(
        tmp_path / "storage",
        port=0,
        channels=("demo",),
        windows=windows,
        caller_limits=CallerLimits(tasks=2, result_bytes=25_000_000),
    )
    with NodeThread(config) as running:
        yield running


def permit(node: NodeThread) -> dict[str, str]:
    """Headers of a token that may ask for tasks."""
    Channels(node.config.storage_dir / CHANNELS_FILE).change("demo", {"rat": frozenset({"requestTasks"})})
    return {"Authorization": f"Bearer {TOKEN}"}


def asked_open(node: NodeThread, headers: Mapping[str, str]) -> socket.socket:
    """A connection on which a window was asked for."""
    data = json.dumps(BODY).encode()
    lines = [f"POST /window HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nContent-Length: {len(data)}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
    connection = socket.create_connection(("127.0.0.1", node.port))
    connection.sendall("".join(lines).encode() + b"\r\n" + data)
    return connection


def test_what_nobody_waits_for_is_given_up(node: NodeThread, windows: Held) -> None:
    connection = asked_open(node, {CODE_HEADER: code_of(node.config.storage_dir)})
    until(lambda: windows.started)
    kwargs, is_given_up, future = windows.started[0]
    assert kwargs == {"a": 1}
    assert not is_given_up()
    connection.close()
    until(is_given_up)
    until(future.cancelled)


def test_the_answer_comes_in_pieces(node: NodeThread, windows: Held) -> None:
    def answer() -> None:
        until(lambda: windows.started)
        windows.started[0][2].set_result((b"head", memoryview(b"x" * 5_000_000)))

    thread = threading.Thread(target=answer)
    thread.start()
    found = ask(node.port, "POST", "/window", BODY, storage=node.config.storage_dir)
    thread.join()
    assert found.status == 200
    assert found.body == b"head" + b"x" * 5_000_000
    assert found.headers["Cache-Control"] == "no-store"
    assert found.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_caller_waits_for_few_at_once(node: NodeThread, windows: Held) -> None:
    headers = permit(node)
    connections = [asked_open(node, headers) for _ in range(2)]
    until(lambda: len(windows.started) == 2)
    refused = ask(node.port, "POST", "/window", BODY, headers)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) >= 1
    # Tasks and windows are counted together.
    task = {"taskFunctionId": "f", "taskFunctionType": "query", "timeoutMsec": 0}
    by_task = ask(node.port, "POST", "/task/requestTask", BODY | task, headers)
    assert (by_task.status, by_task.text) == (429, refused.text)
    for connection in connections:
        connection.close()
    until(lambda: all(future.cancelled() for _, _, future in windows.started))
    with asked_open(node, headers):
        until(lambda: len(windows.started) == 3)


def test_what_a_caller_does_not_read_is_not_kept_without_end(node: NodeThread, windows: Held) -> None:
    headers = permit(node)

    def answered(number: int) -> None:
        until(lambda: len(windows.started) == number)
        windows.started[number - 1][2].set_result((b"x" * 20_000_000,))

    first = asked_open(node, headers)
    answered(1)
    assert first.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
    thread = threading.Thread(target=answered, args=(2,))
    thread.start()
    refused = ask(node.port, "POST", "/window", BODY, headers)
    thread.join()
    assert refused.status == 429
    first.close()

    def is_let_go() -> bool:
        number = len(windows.started) + 1
        thread = threading.Thread(target=answered, args=(number,))
        thread.start()
        status = ask(node.port, "POST", "/window", BODY, headers).status
        thread.join()
        return status == 200

    until(is_let_go)


def test_a_node_alone_has_none(tmp_path: Path) -> None:
    storage = tmp_path / "alone"
    with NodeThread(NodeConfig(storage, port=0, channels=("demo",))) as node:
        found = ask(node.port, "POST", "/window", BODY, storage=storage)
        assert found.status == 404
        session = ask(node.port, "GET", "/session?channel=demo", storage=storage).json()
        assert session["answersWindows"] is False
        assert ask(node.port, "POST", "/window", BODY).status == 403
