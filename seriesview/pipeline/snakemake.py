"""Running Snakemake on the package's workflow: its signals, and what its jobs say meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from seriesview.errors import BuildError

SNAKEMAKE_LOG = "snakemake.log"
OUTLOOK_IS_TOLD = "SERIESVIEW_OUTLOOK_IS_TOLD"
ERROR_PREFIX = "seriesview: error: "
_POLL_SECONDS = 0.3
_PATIENCE_SECONDS = 10.0


def workflow_file() -> Path:
    """The package's Snakefile: inside the installed package, or beside it in a checkout. Raises BuildError."""
    package = Path(__file__).resolve().parent.parent
    for root in (package, package.parent):
        if (root / "workflow" / "Snakefile").is_file():
            return root / "workflow" / "Snakefile"
    raise BuildError(f"{package}: the workflow is not there; install seriesview again")


class JobLogs:
    """Hands new lines of the jobs' logs in a folder to `say`, in a thread, until the end of the block."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._read = {path: _Read(status.st_ino, status.st_size) for path, status in self._files()}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def __enter__(self) -> JobLogs:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _run(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            self._look()

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        folders = [str(self._folder)]
        while folders:
            with suppress(OSError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.name.endswith(".log") and entry.name != SNAKEMAKE_LOG:
                        # A job may take its log away meanwhile.
                        with suppress(OSError):
                            yield entry.path, entry.stat()

    def _look(self) -> None:
        """Read the ends of those that have grown; a log of another job in the same place is another file."""
        for path, status in self._files():
            read = self._read.get(path)
            if read is None or read.inode != status.st_ino or read.size > status.st_size:
                read = _Read(status.st_ino, 0)
            if read.size < status.st_size:
                with suppress(OSError), Path(path).open("rb") as file:
                    file.seek(read.size)
                    whole, _, _ = file.read().rpartition(b"\n")
                    read = _Read(read.inode, read.size + len(whole) + bool(whole))
                    self._tell(whole)
            self._read[path] = read

    def _tell(self, lines: bytes) -> None:
        for line in lines.decode(errors="replace").splitlines():
            if line.strip() and not line.startswith(ERROR_PREFIX):
                self._say(line)


class _Read(NamedTuple):
    """How far a log was read."""

    inode: int
    size: int


def run_snakemake(arguments: Sequence[str], log: Path | None) -> int:
    """Run Snakemake and return its exit status; its output goes to `log`, or to the terminal where that is None.

    SIGINT and SIGTERM are passed on to Snakemake and all its jobs, and none is left behind.
    """
    environment = {**os.environ, OUTLOOK_IS_TOLD: "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    command = [sys.executable, "-m", "snakemake", *arguments]
    if log is None:
        return _wait(subprocess.Popen(command, env=environment, start_new_session=True))
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        return _wait(
            subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)
        )


def _wait(process: subprocess.Popen[bytes]) -> int:
    received: list[int] = []

    def pass_on(number: int, _: object) -> None:
        received.append(number)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while process.poll() is None and not received:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
        if received:
            _end_group(process)
            raise KeyboardInterrupt
        return process.returncode
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process group to end after its signal; kill what is left of it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
