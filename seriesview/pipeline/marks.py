"""Marks of what is being built: they stay behind where a process is killed, and say at which dataset it was."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from seriesview.build.results import read_results, write_json
from seriesview.errors import BuildError

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

    @contextmanager
    def at(self, dataset: str) -> Iterator[Callable[[Step], None]]:
        """Mark a dataset until the end of the block, however it ends but with the process; each step is said to what
        is yielded. Raises BuildError."""
        mark = Mark(
            dataset,
            "samples",
            os.getpid(),
            socket.gethostname(),
            time.time(),
            self._out,
            slurm_job=os.environ.get("SLURM_JOB_ID"),
        )

        def step(name: Step) -> None:
            self._write(replace(mark, step=name))

        step("samples")
        try:
            yield step
        finally:
            self._current.pop(dataset, None)
            (self._folder / f"{dataset}.json").unlink(missing_ok=True)

    @contextmanager
    def noting(self, number: signal.Signals) -> Iterator[None]:
        """Within the block let a signal be noted in the marks that there are before it ends this process."""

        def end(*_: object) -> None:
            for mark in list(self._current.values()):
                self._write(replace(mark, stopped_by=number.name))
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

        previous = signal.signal(number, end)
        try:
            yield
        finally:
            signal.signal(number, previous)

    def _write(self, mark: Mark) -> None:
        self._current[mark.dataset] = mark
        write_json(self._folder / f"{mark.dataset}.json", asdict(mark))


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
