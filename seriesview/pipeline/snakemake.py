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

from seriesview.errors import BuildError

SNAKEMAKE_LOG = "snakemake.log"
OUTLOOK_IS_TOLD = "SERIESVIEW_OUTLOOK_IS_TOLD"
ERROR_PREFIX = "seriesview: error: "
_POLL_SECONDS = 0.3
_PATIENCE_SECONDS = 10.0


def workflow_file() -> Path:
    """The package's Snakefile. Raises BuildError."""
    return package_folder("workflow") / "Snakefile"


def package_folder(name: str) -> Path:
    """A folder that comes with the package: inside it where it is installed, or beside it in a checkout.

    Raises BuildError.
    """
    package = Path(__file__).resolve().parent.parent
    for root in (package, package.parent):
        if (root / name).is_dir():
            return root / name
    raise BuildError(f"{package}: its {name} is not there; install seriesview again")


class JobLogs:
    """Hands new lines of the jobs' logs in a folder to `say`, in a thread, until the end of the block."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._old = {path: status.st_mtime_ns for path, status in self._files()}
        self._read: dict[str, int] = {}
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
        """Open those alone that have grown, or are shorter: another job's in the same place."""
        for path, status in self._files():
            read = self._read.get(path, 0)
            if self._old.get(path) == status.st_mtime_ns or read == status.st_size:
                continue
            read = read if read < status.st_size else 0
            with suppress(OSError), Path(path).open("rb") as file:
                file.seek(read)
                whole, _, _ = file.read().rpartition(b"\n")
                self._read[path] = read + len(whole) + bool(whole)
                self._tell(whole)

    def _tell(self, lines: bytes) -> None:
        for line in lines.decode(errors="replace").splitlines():
            if line.strip() and not line.startswith(ERROR_PREFIX):
                self._say(line)


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


def end_own_jobs() -> None:
    """Send SIGTERM to each `build-chunk` that runs below this process.

    Slurm sends it to the first process of a job alone, where it keeps them in control groups: that is Snakemake, which
    would wait for its jobs until all are killed.
    """
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    for process in parents:
        above: int | None = process
        while above is not None and above != os.getpid():
            above = parents.get(above)
        with suppress(OSError):
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            if above is not None and process != os.getpid() and b"build-chunk" in words:
                os.kill(process, signal.SIGTERM)


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
