"""Keeps the results of tasks within bounds: the oldest are removed, since they can be computed again."""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from seriesview.node.names import is_channel_name

RESULTS_DIRECTORY = "task_results"
OVERHEAD_BYTES = 8192
"""What a result takes beside its bytes: the rest of its last block, and the folder that it lies in."""
YOUNG_SECONDS = 300.0
"""Whoever asked for a result may not have fetched it before this."""

_FOLDERS = 3
"""aa/bb/cc above each result."""
_FILES_A_REST = 200
_REST_SECONDS = 0.005
_log = logging.getLogger("seriesview.node")


class ResultKeeping:
    """Counts what is stored, and looks through the buckets when they may be full."""

    def __init__(
        self, directory: Path, most_bytes: int, threads: ThreadPoolExecutor, is_closing: Callable[[], bool]
    ) -> None:
        """Keep the results in all buckets below `directory` under `most_bytes`, or a tenth of the disk."""
        status = os.statvfs(directory)
        self._directory = directory
        self._most_bytes = min(most_bytes, status.f_blocks * status.f_frsize // 10)
        self._threads = threads
        self._is_closing = is_closing
        self._room = 0
        self._is_looking = False
        self._lock = threading.Lock()

    def stored(self, size: int) -> None:
        """Note that a result was stored; the first one since the start has the buckets looked through."""
        with self._lock:
            self._room -= size + OVERHEAD_BYTES
            if self._room >= 0 or self._is_looking:
                return
            self._is_looking = True
            self._room = 0
        with suppress(RuntimeError):  # the node is stopping
            self._threads.submit(self._look)

    def _look(self) -> None:
        try:
            total = trim_results(self._directory, self._most_bytes, self._is_closing)
        except OSError as error:
            _log.warning("cannot look through the results in %s: %s", self._directory, error.strerror)
            total = self._most_bytes
        with self._lock:
            self._room += max(self._most_bytes - total, self._most_bytes // 10)
            self._is_looking = False


def trim_results(directory: Path, most_bytes: int, is_closing: Callable[[], bool]) -> int:
    """Where more than nine tenths of `most_bytes` are taken, remove the oldest results down to eight.

    Returns the bytes that are left, `OVERHEAD_BYTES` counted with each result.
    """
    minutes: Counter[int] = Counter()
    for entry in _results(directory, is_closing):
        with suppress(FileNotFoundError):
            status = entry.stat(follow_symlinks=False)
            minutes[int(status.st_mtime // 60)] += status.st_size + OVERHEAD_BYTES
    total = minutes.total()
    if total <= most_bytes * 9 // 10:
        return total
    last, left_of_last = _last_minute(minutes, total - most_bytes * 8 // 10)
    removed = 0
    for entry in _results(directory, is_closing):
        with suppress(OSError):
            status = entry.stat(follow_symlinks=False)
            minute, size = int(status.st_mtime // 60), status.st_size + OVERHEAD_BYTES
            is_young = abs(time.time() - status.st_mtime) < YOUNG_SECONDS
            if is_young or minute > last or (minute == last and left_of_last <= 0):
                continue
            path = Path(entry.path)
            path.unlink()
            removed += size
            left_of_last -= size if minute == last else 0
            for folder in list(path.parents)[:_FOLDERS]:
                folder.rmdir()
    return total - removed


def _last_minute(minutes: Counter[int], excess: int) -> tuple[int, int]:
    """Return the last minute from which something is to go, oldest first, and how many of its bytes."""
    last = 0
    for last in sorted(minutes):
        if excess <= minutes[last]:
            break
        excess -= minutes[last]
    return last, excess


def _results(directory: Path, is_closing: Callable[[], bool]) -> Iterator[os.DirEntry[str]]:
    """Yield the results in all buckets, with rests, so that whoever asks for tasks meanwhile has the processor."""
    number = 0
    for channel in _entries(directory):
        if not is_channel_name(channel.name):
            continue
        for result in _leaves(f"{channel.path}/{RESULTS_DIRECTORY}", _FOLDERS):
            if is_closing():
                return
            yield result
            number += 1
            if number % _FILES_A_REST == 0:
                time.sleep(_REST_SECONDS)


def _leaves(folder: str, depth: int) -> Iterator[os.DirEntry[str]]:
    for entry in _entries(folder):
        if depth == 0:
            if entry.is_file(follow_symlinks=False):
                yield entry
        elif entry.is_dir(follow_symlinks=False):
            yield from _leaves(entry.path, depth - 1)


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
