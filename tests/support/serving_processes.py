"""Nodes, backends and clients, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from waiting import MOST_SECONDS, until

HERE = Path(__file__).parent

CHANNEL = "tests"
HIDDEN = (
    "KACHERY_OFFLINE_STORAGE_DIR",
    "FIGURL_CHANNEL",
    "SERIESVIEW_BACKEND_ID",
    "SERIESVIEW_APP_URL",
    "SERIESVIEW_APP_TOKEN",
    "GOOGLE_BUCKET_NAME",
    "LABEL",
    "http_proxy",
    "HTTP_PROXY",
)

_ASK = """
import json, sys
import kachery_client as kc
question = json.loads(sys.argv[1])
task = kc.request_task(**question)
result = task.wait(10) if task.status != "finished" else task.wait(0)
while result is None and task.status != "finished":
    result = task.wait(2)
print("ANSWER" + json.dumps(result))
"""


class Process:
    """A process whose standard output and error are kept; it and its children are gone at the end."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        self._output = log.open("ab")
        self.popen = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output
        )
        self.pid = self.popen.pid

    def wait_for(self, text: str, seconds: float = MOST_SECONDS) -> None:
        """Return when `text` was written."""
        try:
            until(lambda: text in self.written, repr(text), seconds, self.popen)
        except AssertionError as error:
            error.add_note(self.written)
            raise

    @property
    def written(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def stop(self, number: int = signal.SIGTERM, seconds: float = MOST_SECONDS) -> int:
        """Send a signal and return the exit status."""
        self.popen.send_signal(number)
        return self.wait(seconds)

    def wait(self, seconds: float = MOST_SECONDS) -> int:
        status = self.popen.wait(seconds)
        self._output.close()
        return status

    def end(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        self._output.close()


class Surroundings:
    """A storage directory, a port, and the processes that use them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.storage = directory / "storage"
        self.calls_file = directory / "calls"
        self.calls_file.touch()
        self.port = free_port()
        self._processes: list[Process] = []
        self._count = 0

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in HIDDEN}
        return kept | {
            "KACHERY_DAEMON_HOST": "localhost",
            "KACHERY_DAEMON_PORT": str(self.port),
            "KACHERY_STORAGE_DIR": str(self.storage),
            "KACHERY_TEMP_DIR": str(self.directory / "kachery-tmp"),
            "HOME": str(self.directory),
            "NO_PROXY": "*",
            "CALLS": str(self.calls_file),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            **more,
        }

    def start(self, *command: str, **environment: str) -> Process:
        self._count += 1
        log = self.directory / f"log-{self._count}"
        process = Process(list(command), self.environment(**environment), log)
        self._processes.append(process)
        return process

    def node(self, *options: str) -> Process:
        """A node with the channel CHANNEL, ready."""
        process = self.start("seriesview", "node", "--channel", CHANNEL, *options)
        process.wait_for("is ready at")
        return process

    def backend(
        self, channels: str = CHANNEL, limits: dict[str, Any] | None = None, **environment: str
    ) -> Process:
        """A backend with the functions of served_functions.py, ready."""
        process = self.start(
            sys.executable,
            str(HERE / "served_functions.py"),
            channels,
            json.dumps(limits or {}),
            **environment,
        )
        process.wait_for(f"backend {process.pid} answers")
        return process

    def ask_kachery(self, function_id: str, kwargs: dict[str, Any], kind: str = "pure-calculation") -> Any:
        """The result of a task that the unmodified kachery-client asks for; raises RuntimeError."""
        question = {
            "task_function_id": function_id,
            "task_kwargs": kwargs,
            "task_function_type": kind,
            "channel": CHANNEL,
        }
        done = subprocess.run(
            [sys.executable, "-c", _ASK, json.dumps(question)],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        return json.loads(done.stdout.split("ANSWER")[1])

    def calls(self) -> list[str]:
        """What functions were called, in order."""
        return self.calls_file.read_text().splitlines()

    def end(self) -> None:
        for process in self._processes:
            process.end()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def all_at_once(calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """What each call returns, or the exception that it raises, all begun together."""
    calls = list(calls)
    together = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        together.wait()
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def processes_of(text: str) -> list[int]:
    """Process IDs whose environment has `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if text.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found
