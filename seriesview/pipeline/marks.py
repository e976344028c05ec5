"""Marks of what is being built: they stay behind where a process is killed, and say at which dataset it was."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from seriesview.build.results import read_results, write_json
from seriesview.errors import BuildError

_GRACE_SECONDS = 20.0
"""Slurm waits for 30 seconds from SIGTERM to SIGKILL."""

Step = Literal["samples", "series", "picture"]


@dataclass(frozen=True)
class Mark:
    """At which step of a dataset a process is, or was when it ended.

    `began`: when it began with the dataset, in seconds since 1970. `out`: the file that its job was to write.
    `stopped_by`: the signal that it noticed, such as SIGTERM at the end of a job's time. `slurm_job`: its number there.
    """

    dataset: str
    step: Step
    process: int
    host: str
    began: float
    out: str = ""
    stopped_by: str | None = None
    slurm_job: str | None = None

    @property
    def runs(self) -> bool:
        """Whether the process is known to be at work still: another one, on this host."""
        if self.host != socket.gethostname() or self.process == os.getpid():
            return False
        with suppress(OSError):
            # What has ended may stand there until somebody asks how.
            return Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        return False

    def in_words(self) -> str:
        """What happened, or that the process still runs."""
        if self.runs:
            return f"process {self.process} on {self.host} is at its {self.step}"
        end = "was killed" if self.stopped_by is None else f"was stopped ({self.stopped_by})"
        return f"its job (process {self.process} on {self.host}) {end} at its {self.step}"


class Marks:
    """The marks of this process in a folder: NAME.json for each dataset that it is at work on."""

    def __init__(self, folder: Path, out: Path | None = None) -> None:
        self._folder = folder
        self._out = "" if out is None else str(out)
        self._current: dict[str, Mark] = {}
        self._is_stopped = False

    @contextmanager
    def at(self, dataset: str, share: str = "") -> Iterator[Callable[[Step], None]]:
        """Mark a dataset until the end of the block, however it ends but with the process; each step is said to what
        is yielded. `share` tells one of several jobs of a dataset from the others. Raises BuildError."""
        mark = Mark(
            dataset,
            "samples",
            os.getpid(),
            socket.gethostname(),
            time.time(),
            self._out,
            slurm_job=os.environ.get("SLURM_JOB_ID"),
        )

        file = f"{dataset}{share}.json"

        def step(name: Step) -> None:
            self._write(file, replace(mark, step=name))

        step("samples")
        try:
            yield step
        finally:
            self._current.pop(file, None)
            if not self._is_stopped:
                (self._folder / file).unlink(missing_ok=True)

    @contextmanager
    def noting_sigterm(self) -> Iterator[None]:
        """As `ended_by_sigterm`, noted in the marks that there are, which stay."""

        def note() -> None:
            self._is_stopped = True
            for file, mark in list(self._current.items()):
                self._write(file, replace(mark, stopped_by=signal.SIGTERM.name))

        with ended_by_sigterm(note):
            yield

    def _write(self, file: str, mark: Mark) -> None:
        self._current[file] = mark
        write_json(self._folder / file, asdict(mark))


@contextmanager
def ended_by_sigterm(note: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Within the block let SIGTERM, which a cluster sends before it kills, call `note` and raise SystemExit(143).

    What is finished can be put away so. A process that has not ended after a while is killed.
    """

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        note()
        last = threading.Timer(_GRACE_SECONDS, os.kill, (os.getpid(), signal.SIGKILL))
        last.daemon = True
        last.start()
        raise SystemExit(128 + signal.SIGTERM)

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is end:
            signal.signal(signal.SIGTERM, previous)


def left_behind(folder: Path, datasets: Iterable[str]) -> dict[str, Mark]:
    """The marks of datasets in a folder, by name: of processes that run no more, or that are still at work."""
    found = {name: _mark(folder / f"{name}.json") for name in datasets}
    return {name: mark for name, mark in found.items() if mark is not None}


def marks_of(folder: Path, process: int) -> list[Mark]:
    """The marks in a folder of a process of this host."""
    found = map(_mark, folder.rglob("*.json"))
    host = socket.gethostname()
    return [mark for mark in found if mark is not None and (mark.process, mark.host) == (process, host)]


def _mark(path: Path) -> Mark | None:
    try:
        return Mark(**read_results([path])[0]) if path.exists() else None
    except (BuildError, TypeError):
        return None
