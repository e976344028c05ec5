"""What one node serves: windows of 1500 columns x 32 channels a second, to more and more readers at once."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.measuring import print_table
from benchmarks.tasks import CHANNEL, FUNCTION, forget_node, in_threads, serving, window
from benchmarks.windows import make_series, recording
from seriesview.backend.requesting import request_json
from seriesview.store import open_store

READERS = (1, 4, 16, 64, 256)
_FIRST = 1000


def ask_for(uri: str, readers: int, seconds: float, number: int) -> tuple[list[float], float, int]:
    """Seconds of each window, seconds that all took, and the last number; each reader asks for one after the other."""
    taken: list[float] = []
    problems: list[BaseException] = []
    numbers = iter(range(number, 1_000_000))
    lock = threading.Lock()
    end = time.perf_counter() + seconds

    def read() -> None:
        try:
            while (began := time.perf_counter()) < end:
                with lock:
                    asked = next(numbers)
                request_json(FUNCTION, window(uri, 3 * asked + 1, 16), channel=CHANNEL)
                taken.append(time.perf_counter() - began)
        except BaseException as error:
            problems.append(error)

    began = time.perf_counter()
    in_threads(read, readers)
    if problems:
        raise problems[0]
    return taken, time.perf_counter() - began, next(numbers)


def print_serving(directory: Path, seconds: float) -> None:
    """Print what readers get who all ask for windows that nobody asked for before, with no pause."""
    before = dict(os.environ)
    rows = []
    with open_store(directory / "storage", "embedded") as store:
        made = make_series(store, recording(2_000_000, 32), directory / "raw.dat")
        uri = store.put_json(made.manifest.to_json_dict(), "series.json")
    try:
        with serving(False, directory / "storage"):
            forget_node()
            _, _, number = ask_for(uri, 1, min(seconds, 1.0), _FIRST)
            for readers in READERS:
                taken, passed, number = ask_for(uri, readers, seconds, number)
                median, p99 = (1000 * float(np.percentile(taken, share)) for share in (50, 99))
                rows.append([f"{readers}", f"{len(taken) / passed:.0f}", f"{median:.0f} ms", f"{p99:.0f} ms"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    print_table(("readers at once", "windows a second", "median", "p99"), rows)
