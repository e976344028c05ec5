"""A job's work in a process of its own: where that is killed, or a library crashes, somebody is left to say so."""

from __future__ import annotations

import ctypes
import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from seriesview.errors import BuildError, Code

if TYPE_CHECKING:
    from seriesview.pipeline.marks import Mark

_CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)
_PASSED_ON = (signal.SIGTERM, signal.SIGINT)
_PR_SET_PDEATHSIG = 1
_KILLED = 128 + signal.SIGKILL


class Supervisor:
    """Has the datasets of a job built in processes of its own, one after another, until one ends by itself.

    `lost`: the datasets at which processes ended before, and why; the next one leaves them out.
    """

    def __init__(self, building: Path, scratch: str | None = None) -> None:
        """`building`: the folder of the marks; `scratch`: where processes have folders, which do not outlive them."""
        self._building = building
        self._scratch = scratch
        self._was_killed = False
        self.lost: dict[str, BuildError] = {}

    def watch(self, note: Callable[[str, BuildError], None], goes_on: bool = True) -> int | None:
        """Start a process; None in that one, which does the work. Here: the status when all is done.

        `note` gets each dataset that is lost; another process is started for the others if it `goes_on`. The status is
        137 where a process was killed, so that whoever started the job may start it again with more memory. Signals
        that end this process end that one first.
        """
        while True:
            kills = _memory_kills()
            parent = os.getpid()
            worker = os.fork()
            if worker == 0:
                _end_with_parent(parent)
                _end_before_others()
                return None
            status, told = _wait(worker)
            if status >= 0:
                return _KILLED if self._was_killed and status == 0 else status
            # What these load has threads, which a process that is to be copied should not have before.
            from seriesview.pipeline.marks import marks_of
            from seriesview.store.scratch import remove_leftovers

            if self._scratch is not None:
                remove_leftovers(self._scratch)
            number = signal.Signals(-status)
            if told is not None or number in _PASSED_ON:
                return 128 + (told or number)
            marks = marks_of(self._building, worker)
            for mark in marks:
                self.lost[mark.dataset] = _why(number, mark, _memory_kills() > kills)
                note(mark.dataset, self.lost[mark.dataset])
            self._was_killed |= number not in _CRASHES
            if not marks or not goes_on:
                return 128 + number


def _wait(worker: int) -> tuple[int, int | None]:
    """The status of a process as it ends, less than 0 by a signal, and the signal that this one got and passed on."""
    told: list[int] = []

    def pass_on(number: int, _: object) -> None:
        told.append(number)
        with suppress(ProcessLookupError):
            os.kill(worker, number)

    previous = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
        return status, told[0] if told else None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _why(number: signal.Signals, mark: Mark, ran_out: bool) -> BuildError:
    """What happened to a dataset at which a process was killed; `ran_out`: the kernel killed one for its memory."""
    where = f"at its {mark.step}"
    code: Code = "not-built"
    if number in _CRASHES:
        sentence = f"the library that reads it crashed {where} ({number.name})"
        advice = "check the file with the program that wrote it"
    elif ran_out and number == signal.SIGKILL:
        sentence, code = f"memory ran out {where}: the kernel killed its process", "no-memory"
        advice = "give its job more (mem_mb of a cluster's job is doubled with each of `--retries`)"
    else:
        sentence, advice = f"its process was killed {where} ({number.name})", "build again"
    error = BuildError(sentence, advice=advice, code=code)
    return error.within(f"dataset {mark.dataset}", dataset=mark.dataset)


def _memory_kills() -> int:
    """How many processes the kernel has killed on this machine as memory ran out, in groups with a limit too."""
    with suppress(OSError):
        found = re.search(r"^oom_kill (\d+)$", Path("/proc/vmstat").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0


def _end_with_parent(parent: int) -> None:
    """Let the kernel tell this process to end where its parent is killed."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _end_before_others() -> None:
    """Let the kernel choose this process where memory runs out: the others of the job are there to say so."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
