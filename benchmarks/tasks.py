"""Tasks through the node: round trips of `get_window`, tasks a second with 50 in flight, 2000 at once.

Node, backend and client are processes of their own. Round trips are measured with the unmodified kachery-client, which
opens two connections a task, and with `seriesview.request_task`, which keeps its own.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.windows import COLUMNS, make_series, recording
from seriesview.errors import SeriesviewError
from seriesview.store import open_store

CHANNEL = "bench"
CALLS = 200
IN_FLIGHT = 50
SECONDS = 5.0
AT_ONCE = 2000
FUNCTION = "seriesview.get_window.1"
LIMITS_MS = {"new": (10.0, 30.0), "cached": (5.0, None)}
LIMIT_TASKS = 300


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that says on its standard output when it is ready."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-c", *command], stdout=subprocess.PIPE, stderr=log, env=os.environ
        )
        try:
            assert process.stdout is not None
            if not select.select([process.stdout], [], [], 60)[0] or not process.stdout.readline():
                log.seek(0)
                raise RuntimeError(f"{command[1:]} did not start:\n{log.read().decode()}")
            yield process
        finally:
            process.terminate()
            process.wait()


def serving(embedded: bool, directory: Path) -> contextlib.ExitStack:
    """A node and a backend, in one process or in two; the environment names them."""
    os.environ |= {
        "KACHERY_DAEMON_PORT": str(free_port()),
        "KACHERY_STORAGE_DIR": str(directory),
        "NO_PROXY": "*",
        "HOME": str(directory.parent),
    }
    stack = contextlib.ExitStack()
    if not embedded:
        stack.enter_context(
            running("from seriesview.cli.main import main; main()", "node", "--channel", CHANNEL)
        )
    backend = running(
        "from seriesview.cli.start_backend import main; main()",
        "--channel",
        CHANNEL,
        *(() if embedded else ("--no-node",)),
    )
    process = stack.enter_context(backend)
    if embedded:
        assert process.stdout is not None
        process.stdout.readline()
    return stack


def ask_seriesview(kwargs: dict[str, Any]) -> Any:
    from seriesview.backend.requesting import request_task

    return request_task(FUNCTION, kwargs, channel=CHANNEL)


def ask_kachery(kwargs: dict[str, Any]) -> Any:
    import kachery_client

    with contextlib.redirect_stdout(io.StringIO()):
        task = kachery_client.request_task(
            task_function_id=FUNCTION,
            task_kwargs=kwargs,
            task_function_type="pure-calculation",
            channel=CHANNEL,
        )
        result = task.wait(10)
        while result is None:
            result = task.wait(1)
        return result


def window(uri: str, number: int, samples_per_column: int, columns: int = COLUMNS) -> dict[str, Any]:
    """Arguments of a window that no other number gives."""
    return {
        "series_uri": uri,
        "segment": 0,
        "first_sample": number * samples_per_column,
        "samples_per_column": samples_per_column,
        "columns": columns,
        "channels": None,
    }


def round_trips(ask: Callable[[dict[str, Any]], Any], requests: list[dict[str, Any]]) -> list[float]:
    """Milliseconds of each request, one after the other."""
    taken = []
    for kwargs in requests:
        begin = time.perf_counter()
        ask(kwargs)
        taken.append(1000 * (time.perf_counter() - begin))
    return taken


def throughput(requests: Callable[[int], dict[str, Any]], seconds: float) -> tuple[float, float]:
    """Tasks a second with IN_FLIGHT in flight, and megabytes a second of results as JSON."""
    from seriesview.backend.requesting import request_json

    end = time.perf_counter() + seconds
    numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(1_000_000):
        numbers.put(number)
    done: list[int] = []
    problems: list[BaseException] = []

    def ask() -> None:
        try:
            while time.perf_counter() < end:
                done.append(len(request_json(FUNCTION, requests(numbers.get()), channel=CHANNEL)))
        except BaseException as error:
            problems.append(error)

    begin = time.perf_counter()
    in_threads(ask, IN_FLIGHT)
    taken = time.perf_counter() - begin
    if problems:
        raise problems[0]
    return len(done) / taken, sum(done) / 1e6 / taken


def all_at_once(requests: Callable[[int], dict[str, Any]], number: int) -> tuple[int, float]:
    """How many of so many requests at once are answered with a result, and the seconds that they took together."""
    from seriesview.backend.requesting import request_json

    numbers = iter(range(number))
    together = threading.Barrier(number)
    answered: list[int] = []

    def ask() -> None:
        kwargs = requests(next(numbers))
        together.wait()
        with contextlib.suppress(SeriesviewError):
            answered.append(len(request_json(FUNCTION, kwargs, channel=CHANNEL)))

    begin = time.perf_counter()
    in_threads(ask, number)
    return len(answered), time.perf_counter() - begin


def in_threads(run: Callable[[], None], number: int) -> None:
    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def report(name: str, taken: list[float], kind: str) -> None:
    median, p99 = LIMITS_MS[kind]
    limit = f"limit {median:g} ms" + (f", p99 {p99:g} ms" if p99 else "")
    print(
        f"{name}: median {np.median(taken):.2f} ms, p99 {np.percentile(taken, 99):.2f} ms; {limit}",
        flush=True,
    )


def main() -> None:
    """Print round trips, throughput and what 2000 requests at once come to."""
    calls = int(os.environ.get("SERIESVIEW_BENCH_CALLS", CALLS))
    seconds = float(os.environ.get("SERIESVIEW_BENCH_SECONDS", SECONDS))
    before = dict(os.environ)
    for embedded in (False, True):
        where = "node inside the backend" if embedded else "node of its own"
        with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as name:
            directory = Path(name) / "store"
            raw = Path(name) / "raw.dat"
            with open_store(directory, "embedded") as store:
                made = make_series(store, recording(2_000_000, 32), raw)
                uri = store.put_json(made.manifest.to_json_dict(), "manifest.json")
            try:
                with serving(embedded, directory):
                    measure(where, uri, calls, seconds)
            finally:
                os.environ.clear()
                os.environ.update(before)


def forget_node() -> None:
    """Have kachery-client look for the node and its code anew: it keeps them for up to a minute."""
    from kachery_client import _daemon_connection

    _daemon_connection._buffered_probe_data.timestamp = 0
    _daemon_connection._reset_client_auth_code()


def _later_window(uri: str, columns: int, number: int) -> dict[str, Any]:
    return window(uri, 3 * number + 1, 16, columns)


def measure(where: str, uri: str, calls: int, seconds: float) -> None:
    """Print what one arrangement of node and backend does."""
    forget_node()
    for client, ask in (("kachery-client", ask_kachery), ("seriesview.request_task", ask_seriesview)):
        for what, rung in (("levels", 64), ("samples", 20)):
            offset = 1000 if client == "kachery-client" else 20_000
            round_trips(ask, [window(uri, offset - 1 - number, rung) for number in range(10)])
            requests = [window(uri, offset + number, rung) for number in range(calls)]
            report(f"{where}, {client}, get_window from {what}", round_trips(ask, requests), "new")
            report(f"{where}, {client}, get_window cached", round_trips(ask, requests), "cached")
    for columns in (COLUMNS, 100):
        rate, megabytes = throughput(partial(_later_window, uri, columns), seconds)
        print(
            f"{where}, {IN_FLIGHT} in flight, windows of {columns} columns: {rate:.0f} tasks/s ({megabytes:.0f} MB/s); "
            f"limit {LIMIT_TASKS} tasks/s",
            flush=True,
        )
    answered, taken = all_at_once(lambda number: window(uri, 3 * number, 16, 90), AT_ONCE)
    print(
        f"{where}, {AT_ONCE} requests at once: {answered} answered in {taken:.1f} s; limit: all", flush=True
    )


if __name__ == "__main__":
    main()
