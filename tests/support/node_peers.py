"""Talking to a node: over HTTP, or with the real kachery-client; and a node in a process that can be killed."""

import http.client
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waiting import MOST_SECONDS

NODE_VARIABLES = (
    "KACHERY_STORAGE_DIR",
    "KACHERY_OFFLINE_STORAGE_DIR",
    "KACHERY_DAEMON_HOST",
    "KACHERY_DAEMON_PORT",
    "KACHERY_HUB_API_URI",
    "SERIESVIEW_NODE_TOKENS",
    "HTTP_PROXY",
    "http_proxy",
    "no_proxy",
)
CODE_HEADER = "KACHERY-CLIENT-AUTH-CODE"


@dataclass(frozen=True)
class Answer:
    """What a node answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        assert self.status == 200, (self.status, self.body)
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def code_of(storage: Path) -> str:
    return (storage / "client-auth").read_text()


def ask(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    storage: Path | None = None,
    host: str = "127.0.0.1",
) -> Answer:
    """Make one request; `storage` adds its client-auth code, a body that is not bytes is sent as JSON."""
    headers = dict(headers or {})
    if storage is not None:
        headers[CODE_HEADER] = code_of(storage)
    if body is not None and not isinstance(body, bytes) and not hasattr(body, "__next__"):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection(host, port, timeout=MOST_SECONDS)
    try:
        connection.request(method, path, body, headers, encode_chunked="Transfer-Encoding" in headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def run_client(port: int, tmp_path: Path, script: str, **variables: str) -> Any:
    """Run a script in a process that has kachery_client as `kc`; returns the JSON that it printed last.

    The script gets `report(value)` to print it with.
    """
    prelude = (
        "import json, sys\nimport kachery_client as kc\ndef report(value): print('\\n' + json.dumps(value))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in NODE_VARIABLES}
    environment |= {
        "KACHERY_DAEMON_PORT": str(port),
        "KACHERY_TEMP_DIR": str(tmp_path / "kachery-tmp"),
        "NO_PROXY": "127.0.0.1,localhost",
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "-c", prelude + textwrap.dedent(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


class NodeProcess:
    """`seriesview node` in a process of its own."""

    def __init__(self, storage: Path, *options: str, port: int = 0, **keywords: Any) -> None:
        self.storage = storage
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "seriesview.cli.main", "node"),
                *("--storage-dir", str(storage), "--port", str(port), *options),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **keywords,
        )
        assert self.process.stdout is not None
        self.ready_line = self.process.stdout.readline()
        if not self.ready_line:
            raise AssertionError(self.process.communicate()[1])
        self.port = int(self.ready_line.split("http://")[1].split(",")[0].rpartition(":")[2])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> tuple[int, str]:
        """Stop it with SIGTERM; returns its status and what it wrote to stderr."""
        self.process.terminate()
        _, problems = self.process.communicate(timeout=MOST_SECONDS)
        return self.process.returncode, problems


@contextmanager
def node_process(storage: Path, *options: str, port: int = 0, **keywords: Any) -> Iterator[NodeProcess]:
    """Run a node until the block ends."""
    node = NodeProcess(storage, *options, port=port, **keywords)
    try:
        yield node
    finally:
        node.kill()
        for pipe in (node.process.stdout, node.process.stderr):
            assert pipe is not None
            pipe.close()
