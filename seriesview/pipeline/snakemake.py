"""Running Snakemake on the package's workflow: its locks, its signals, and what its jobs say meanwhile."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from seriesview.errors import BuildError

LOGS = Path("results/logs")
SNAKEMAKE_LOG = LOGS / "snakemake.log"
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


@contextmanager
def build_lock() -> Iterator[None]:
    """Hold this directory's lock; at most one build at a time. Raises BuildError where another build has it."""
    from seriesview.store.folders import Folder

    path = Path(".snakemake") / "seriesview.lock"
    try:
        path.parent.mkdir(exist_ok=True)
        with Folder.at(path.parent) as folder:
            try:
                descriptor = folder.create_file(path.name, os.O_RDWR, 0o666)
            except FileExistsError:
                descriptor = folder.open_file(path.name, os.O_RDWR)
        file = open(descriptor, "w")  # noqa: PTH123, SIM115
    except OSError as error:
        raise BuildError(
            f"{Path.cwd()}: {error.strerror or error}; a build writes results/ and .snakemake/ into its working "
            "directory: choose another one with `--directory DIR`"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BuildError(
                f"{Path.cwd()}: another `seriesview build` is running here; wait for its end"
            ) from error
        yield


def clear_leftovers() -> None:
    """End what a killed build left running here, and remove its Snakemake's lock.

    Raises BuildError where somebody else's Snakemake is running here.
    """
    running = _jobs_here()
    if others := [pid for pid in running if not _is_orphan(pid)]:
        raise BuildError(f"{Path.cwd()}: Snakemake is running here (process {others[0]}); wait for its end")
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (running := _jobs_here()) and time.monotonic() < deadline:
            time.sleep(0.1)
    shutil.rmtree(Path(".snakemake") / "locks", ignore_errors=True)


def _jobs_here() -> list[int]:
    """Snakemakes and job commands that run in this directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = [
                Path(os.fsdecode(word)).name for word in (entry / "cmdline").read_bytes().split(b"\0")[:4]
            ]
            is_job = "snakemake" in words or ("seriesview" in words and any(map(_is_job_command, words)))
            if is_job and (entry / "cwd").resolve() == Path.cwd():
                found.append(int(entry.name))
    return found


def _is_job_command(word: str) -> bool:
    return word.startswith("build-")


def _is_orphan(pid: int) -> bool:
    """Whether the process, or the leader of its session, has lost its parent."""
    with suppress(OSError):
        session = os.getsid(pid)
        for process in {pid, session}:
            status = Path(f"/proc/{process}/stat")
            if not status.exists() or status.read_text().rpartition(")")[2].split()[1] == "1":
                return True
    return False


class JobLogs:
    """Hands new lines of the jobs' logs to `say`, in a thread, until the end of the block."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._positions: dict[Path, int] = {}
        self._old = {path: path.stat().st_mtime_ns for path in self._files()}
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

    def _files(self) -> Iterator[Path]:
        return (path for path in LOGS.rglob("*.log") if path != SNAKEMAKE_LOG)

    def _look(self) -> None:
        for path in self._files():
            with suppress(OSError):
                if self._old.get(path) == path.stat().st_mtime_ns:
                    continue
                with path.open("rb") as file:
                    file.seek(self._positions.get(path, 0))
                    whole, _, _ = file.read().rpartition(b"\n")
                if whole:
                    self._positions[path] = self._positions.get(path, 0) + len(whole) + 1
                    for line in whole.decode(errors="replace").splitlines():
                        if line.strip() and not line.startswith(ERROR_PREFIX):
                            self._say(line)


def run_snakemake(arguments: Sequence[str], log: Path | None = SNAKEMAKE_LOG) -> int:
    """Run Snakemake and return its exit status; its output goes to `log`, or to the terminal where that is None.

    SIGINT and SIGTERM are passed on to Snakemake and all its jobs, and none is left behind.
    """
    environment = dict(os.environ)
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
