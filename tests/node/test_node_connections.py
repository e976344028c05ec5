"""More connections than the process may have files: whoever shows a credential is served, the silent ones go."""

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from node_peers import CODE_HEADER, NodeProcess, ask, code_of, node_process
from waiting import until

FILES = 500
POLL = {
    "taskFunctions": [
        {"channelName": "demo", "taskFunctionId": "f.1", "taskFunctionType": "pure-calculation"}
    ],
    "timeoutMsec": 30_000,
}
TASK = {
    "channelName": "demo",
    "taskFunctionId": "f.1",
    "taskKwargs": {},
    "taskFunctionType": "pure-calculation",
    "timeoutMsec": 0,
}
HOST = b"Host: 127.0.0.1\r\n"
SAID = {
    "nothing": b"",
    "half a head": b"GET /probe HTTP/1.1\r\n" + HOST,
    "a request that is answered": b"GET /probe HTTP/1.1\r\n" + HOST + b"\r\n",
    "a wrong code": b"GET /stats HTTP/1.1\r\n" + HOST + CODE_HEADER.encode() + b": wrong\r\n\r\n",
    "a body without end": b"POST /session HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n{",
    "a refused body without end": b"POST /store HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n{",
}


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    with node_process(tmp_path / "storage", "--channel", "demo", preexec_fn=few_files) as running:
        yield running


class Strangers:
    """Connections without a credential, each of which says something and then waits."""

    def __init__(self, port: int, said: bytes) -> None:
        self._port = port
        self._said = said
        self.sockets: list[socket.socket] = []

    def come(self, number: int) -> None:
        for _ in range(number):
            connection = socket.create_connection(("127.0.0.1", self._port), 10)
            self.sockets.append(connection)
            with suppress(OSError):
                connection.sendall(self._said)

    def close(self) -> None:
        for connection in self.sockets:
            connection.close()

    def is_open(self, index: int) -> bool:
        """Whether the node has not closed one of them; what it sent is read."""
        connection = self.sockets[index]
        connection.settimeout(0.1)
        try:
            while connection.recv(65536):
                pass
        except TimeoutError:
            return True
        except OSError:
            pass
        return False


@pytest.mark.parametrize("said", SAID)
def test_strangers_lock_nobody_out(node: NodeProcess, said: str) -> None:
    polled: list[int] = []
    poll = threading.Thread(
        target=lambda: polled.append(
            len(
                ask(node.port, "POST", "/task/registerTaskFunctions", POLL, storage=node.storage).json()[
                    "requestedTasks"
                ]
            )
        )
    )
    poll.start()
    strangers = Strangers(node.port, SAID[said])
    with ExitStack() as stack:
        stack.callback(strangers.close)
        for _ in range(6):
            strangers.come(FILES // 5)
            assert ask(node.port, "GET", "/stats", storage=node.storage).json()["success"]
            data = b"x" * 100_000
            assert ask(node.port, "POST", "/store", data, storage=node.storage).json()["success"]
        assert len(list(Path(f"/proc/{node.process.pid}/fd").iterdir())) < 0.8 * FILES
        if "body" not in said:
            # A browser that comes with a link is a stranger at first.
            assert ask(node.port, "GET", "/f").status == 200
            assert not strangers.is_open(0)
            assert strangers.is_open(-1)
        # A connection that asks for something was closed for nobody.
        assert ask(node.port, "POST", "/task/requestTask", TASK, storage=node.storage).json()["success"]
        poll.join()
    assert polled == [1]
    code, log = node.stop()
    assert code == 0
    assert log.count("ulimit -n") <= 1
    assert "body" in said or "the oldest first" in log


def test_known_connections_outlive_strangers(node: NodeProcess) -> None:
    head = b"GET /stats HTTP/1.1\r\n" + HOST + CODE_HEADER.encode() + b": "
    known = Strangers(node.port, head + code_of(node.storage).encode() + b"\r\n\r\n")
    known.come(20)
    assert all(known.is_open(index) for index in range(20))
    strangers = Strangers(node.port, b"")
    strangers.come(FILES)
    assert all(known.is_open(index) for index in range(20))
    assert not strangers.is_open(0)
    known.close()
    strangers.close()


def test_connections_without_end(node: NodeProcess) -> None:
    with ExitStack() as stack:
        for _ in range(2 * FILES):
            connection = stack.enter_context(socket.socket())
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", node.port))
        assert ask(node.port, "GET", "/stats", storage=node.storage).json()["success"]
        assert len(list(Path(f"/proc/{node.process.pid}/fd").iterdir())) < 0.8 * FILES
    until(lambda: ask(node.port, "GET", "/probe").status == 200)
    code, said = node.stop()
    assert code == 0
    assert len(said) < 2000
