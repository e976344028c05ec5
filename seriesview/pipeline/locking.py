"""One build at a time in a folder of results: its lock, and the end of what a killed build left running."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import IO

from seriesview.errors import BuildError
from seriesview.pipeline.snakemake import OUTLOOK_IS_TOLD
from seriesview.store.folders import Folder
from seriesview.store.locking import has_no_locks

_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.2


@contextmanager
def build_lock(
    folder: Path, directory: Path | None = None, when_busy: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock of a folder of results; raises BuildError where another build has it.

    `directory`: where its Snakemake works, the folder around it where it is None. With `when_busy` it is waited for:
    that is called before each further try, and may raise an error.

    What a killed build left running is ended first; not on a file system without locks, where it may be at work.
    """
    path = folder / "seriesview.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with Folder.at(folder) as opened:
            try:
                descriptor = opened.create_file(path.name, os.O_RDWR, 0o666)
            except FileExistsError:
                descriptor = opened.open_file(path.name, os.O_RDWR)
        file = open(descriptor, "w")  # noqa: PTH123, SIM115
    except OSError as error:
        raise BuildError(
            f"{folder.absolute()}: {error.strerror or error}; a build writes its results there: choose another "
            "directory (`seriesview build --directory DIR`)"
        ) from error
    with file:
        try:
            while when_busy is not None and not _takes(file):
                when_busy()
                time.sleep(_POLL_SECONDS)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            has_lock = True
        except OSError as error:
            if not has_no_locks(error):
                raise BuildError(
                    f"{folder.absolute()}: another build is running here; wait for its end"
                ) from error
            has_lock = False
            sys.stderr.write(
                f"{folder.absolute()}: its file system has no working locks (flock: {error.strerror}); see to it that "
                "no other build runs here at the same time\n"
            )
        if has_lock:
            _end_leftovers(folder, directory or folder.parent)
        yield


def _takes(file: IO[str]) -> bool:
    """Take a lock unless another build has it. Raises OSError where locks do not work."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _end_leftovers(folder: Path, directory: Path) -> None:
    """End what a killed build left running, and remove its Snakemake's lock.

    Raises BuildError where somebody's Snakemake, or a job, is writing into the folder.
    """
    running = _jobs_of(folder, directory)
    if others := [pid for pid in running if not _is_left_behind(pid)]:
        raise BuildError(
            f"{folder.absolute()}: Snakemake is running here (process {others[0]}); wait for its end"
        )
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (running := _jobs_of(folder, directory)) and time.monotonic() < deadline:
            time.sleep(0.1)
    shutil.rmtree(directory / ".snakemake" / "locks", ignore_errors=True)


def _jobs_of(folder: Path, directory: Path) -> list[int]:
    """Snakemakes that run in a directory, and jobs that note what they do in a folder of results."""
    folder, directory = folder.resolve(), directory.resolve()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = [os.fsdecode(word) for word in (entry / "cmdline").read_bytes().split(b"\0")]
            names = {Path(word).name for word in words[:4]}
            here = (entry / "cwd").resolve()
            told = {
                (here / value).resolve()
                for option, value in pairwise(words)
                if option in ("--ledger", "--results")
            }
            writes = "seriesview" in names and not told.isdisjoint((folder, folder / "ledger"))
            if writes or ("snakemake" in names and here == directory):
                found.append(int(entry.name))
    return found


def _is_left_behind(pid: int) -> bool:
    """Whether `seriesview build` began the process, and it, or the leader of its session, has lost its parent.

    A Snakemake that people began themselves may have lost it too, as with `nohup`, and is at work.
    """
    with suppress(OSError):
        if f"{OUTLOOK_IS_TOLD}=1".encode() not in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return False
        session = os.getsid(pid)
        for process in {pid, session}:
            status = Path(f"/proc/{process}/stat")
            if not status.exists() or status.read_text().rpartition(")")[2].split()[1] == "1":
                return True
    return False
