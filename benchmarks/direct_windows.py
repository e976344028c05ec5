"""Windows out of the process that `seriesview serve` is, as the viewer asks for them, beside the same by figurl task.

The client is a process of its own, which came by a link. By task: it asks for one, waits for it, and reads its result.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.tasks import FUNCTION, free_port, window
from benchmarks.windows import make_series, recording
from seriesview.store import open_store

CALLS = 200
CHANNEL = "seriesview"
LIMITS_MS = {32: 2.0, 384: 12.0}
RUNGS = {"levels": 64, "samples": 20}


class Client:
    """A browser that was let in by a link, on one connection."""

    def __init__(self, link: str) -> None:
        parts = urlsplit(link)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self._headers = {
            "Origin": f"{parts.scheme}://{parts.netloc}",
            "Content-Type": "application/json",
        }
        token = parts.fragment.removeprefix("token=")
        _, headers = self._exchange("POST", "/session", {"token": token})
        self._headers["Cookie"] = (headers["Set-Cookie"] or "").partition(";")[0]

    def directly(self, kwargs: dict[str, Any]) -> bytes:
        """What POST /window answers."""
        return self._exchange("POST", "/window", {"channelName": CHANNEL, "taskKwargs": kwargs})[0]

    def by_task(self, kwargs: dict[str, Any]) -> bytes:
        """A task's result, as JSON."""
        function = {"channelName": CHANNEL, "taskFunctionType": "pure-calculation"}
        asked = {"taskFunctionId": FUNCTION, "taskKwargs": kwargs, "timeoutMsec": 100}
        task = json.loads(self._exchange("POST", "/task/requestTask", function | asked)[0])
        while task["status"] not in ("finished", "error"):
            waiting = {key: task[key] for key in ("taskId", "taskResultUrl")} | {"timeoutMsec": 10_000}
            said = self._exchange("POST", "/task/waitForTaskResult", function | waiting)[0]
            task |= json.loads(said)
        assert task["status"] == "finished", task
        return self._exchange("GET", urlsplit(task["taskResultUrl"]).path)[0]

    def _exchange(self, method: str, path: str, body: Any = None) -> tuple[bytes, Any]:
        data = None if body is None else json.dumps(body).encode()
        self._connection.request(method, path, data, self._headers)
        response = self._connection.getresponse()
        found = response.read()
        assert response.status == 200, (path, found)
        return found, response.headers


@contextmanager
def served(directory: Path, uri: str) -> Iterator[str]:
    """The link that `seriesview serve` prints, in a process of its own."""
    environment = os.environ | {"KACHERY_STORAGE_DIR": str(directory), "HOME": str(directory.parent)}
    environment |= {"KACHERY_DAEMON_PORT": str(free_port()), "NO_PROXY": "*"}
    command = [sys.executable, "-m", "seriesview.cli.main", "serve", uri, "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], 60)[0]
            yield process.stdout.readline().decode().strip()
        finally:
            process.terminate()


def taken(ask: Callable[[dict[str, Any]], bytes], requests: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of each request, one after the other."""
    found = []
    for kwargs in requests:
        begin = time.perf_counter()
        ask(kwargs)
        found.append(1000 * (time.perf_counter() - begin))
    return found


def main() -> None:
    """Print the medians of both ways, of windows that neither was asked for before."""
    calls = int(os.environ.get("SERIESVIEW_BENCH_CALLS", CALLS))
    for num_channels, num_samples in ((32, 2_000_000), (384, 200_000)):
        with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as name:
            store = open_store(Path(name) / "store", "embedded")
            made = make_series(store, recording(num_samples, num_channels), Path(name) / "raw.dat")
            uri = store.put_json(made.manifest.to_json_dict(), "manifest.json")
            with served(Path(name) / "store", uri) as link:
                client = Client(link)
                for what, rung in RUNGS.items():
                    for ask, offset, limit in (
                        (client.directly, 1, f"; limit {LIMITS_MS[num_channels]:g} ms"),
                        (client.by_task, 2, ""),
                    ):
                        requests = [window(uri, 3 * number + offset, rung) for number in range(calls + 10)]
                        milliseconds = taken(ask, requests)[10:]
                        how = "directly" if ask == client.directly else "by figurl task"
                        print(
                            f"{num_channels} channels, from {what}, {how}: median {np.median(milliseconds):.2f} ms, "
                            f"p99 {np.percentile(milliseconds, 99):.2f} ms{limit}",
                            flush=True,
                        )


if __name__ == "__main__":
    main()
