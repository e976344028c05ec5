"""More connections than the process may have files: the node says so once, and goes on."""

import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path

from node_peers import ask, node_process

FILES = 500


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


def test_connections_without_end(tmp_path: Path) -> None:
    with node_process(tmp_path / "storage", preexec_fn=few_files) as node:
        with ExitStack() as stack:
            for _ in range(2 * FILES):
                connection = stack.enter_context(socket.socket())
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", node.port))
            time.sleep(2)
            assert len(list(Path(f"/proc/{node.process.pid}/fd").iterdir())) < 0.8 * FILES
        for _ in range(100):
            answer = ask(node.port, "GET", "/probe")
            if answer.status == 200:
                break
            time.sleep(0.05)
        assert answer.json()["success"]
        data = b"x" * 1_000_000
        assert ask(node.port, "POST", "/store", data, storage=node.storage).json()["success"]
        code, said = node.stop()
        assert code == 0
        assert 0 < len(said) < 2000
        assert "ulimit -n" in said
