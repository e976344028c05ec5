"""What one process serves: windows of 1500 columns x 32 channels a second, to more and more readers at once.

A node lets no one ask more than 500 times a second: so each reader came by a link of its own, and few by several.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.direct_windows import Client, served
from benchmarks.measuring import print_table
from benchmarks.tasks import in_threads, window
from benchmarks.windows import make_series, recording
from seriesview.figures.node_access import connect, new_token
from seriesview.store import open_store

READERS = (1, 4, 16, 64, 256)
_SAMPLES_PER_COLUMN = 16
_FIRST = 1000
_NUM_WINDOWS = 120_000
_LEAST_LINKS = 8

Asking = Callable[[Client], Callable[[dict[str, Any]], bytes]]
WAYS: dict[str, Asking] = {
    "directly": lambda client: client.directly,
    "by figurl task": lambda client: client.by_task,
}


class Readers:
    """Readers of a series, who ask for windows that nobody asked for before."""

    def __init__(self, storage: Path, link: str, uri: str) -> None:
        self._storage = storage
        self._link = link
        self._uri = uri
        self._clients: list[Client] = []
        self._numbers = iter(range(_FIRST, _FIRST + _NUM_WINDOWS))
        self._lock = threading.Lock()

    def _let_in(self, links: int) -> None:
        parts = urlsplit(self._link)
        assert parts.hostname is not None
        assert parts.port is not None
        node = connect(self._storage, (parts.hostname, parts.port))
        while len(self._clients) < links:
            self._clients.append(
                Client(self._link.partition("#")[0] + f"#token={new_token(node, self._uri)}")
            )

    def ask(self, way: Asking, readers: int, seconds: float) -> tuple[list[float], float]:
        """Seconds that each window took, of those asked for within `seconds`, and all together."""
        taken: list[float] = []
        problems: list[BaseException] = []
        links = max(1, _LEAST_LINKS // readers)
        self._let_in(readers * links)
        turns = iter([self._clients[links * number : links * (number + 1)] for number in range(readers)])
        end = time.perf_counter() + seconds

        def read() -> None:
            try:
                with self._lock:
                    clients = cycle(next(turns))
                while (began := time.perf_counter()) < end:
                    with self._lock:
                        number = next(self._numbers)
                    way(next(clients))(window(self._uri, number, _SAMPLES_PER_COLUMN))
                    taken.append(time.perf_counter() - began)
            except BaseException as error:
                problems.append(error)

        began = time.perf_counter()
        in_threads(read, readers)
        if problems:
            raise problems[0]
        return taken, time.perf_counter() - began


def print_serving(directory: Path, seconds: float) -> None:
    """Print what readers get who ask without a pause, each way for so many seconds."""
    with open_store(directory / "storage", "embedded") as store:
        made = make_series(store, recording(2_000_000, 32), directory / "raw.dat")
        uri = store.put_json(made.manifest.to_json_dict(), "series.json")
    rows = []
    with served(directory / "storage", uri) as link:
        readers = Readers(directory / "storage", link, uri)
        for count in READERS:
            row = [f"{count}"]
            for way in WAYS.values():
                taken, passed = readers.ask(way, count, seconds)
                median, p99 = (1000 * float(np.percentile(taken, share)) for share in (50, 99))
                row += [f"{len(taken) / passed:.0f}", f"{median:.1f}; {p99:.1f} ms"]
            rows.append(row)
    headings = [words for way in WAYS for words in (f"{way}: windows a second", "median; p99")]
    print_table(("readers at once", *headings), rows)
