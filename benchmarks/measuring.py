"""Processor time and memory of processes, and tables of Markdown."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Spent:
    """What a program took: seconds of the processor, and bytes of memory of its largest process at most."""

    seconds: float
    peak_bytes: int
    output: str


def processor_seconds(work: Callable[[], object]) -> float:
    """Seconds of the processor that this process and its children take for some work."""

    def spent() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(each.ru_utime + each.ru_stime for each in used)

    before = spent()
    work()
    return spent() - before


def run(folder: Path, *words: str, text: str = "", program: str = "seriesview") -> Spent:
    """Run a program that is installed beside this Python in a folder; raises RuntimeError with what it said."""
    place = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{place}{os.pathsep}{os.environ['PATH']}"}
    read, write = os.pipe()
    # A process that does nothing else knows what its children took.
    command = [sys.executable, "-c", _WAITING, str(write), str(place / program), *words]
    done = subprocess.run(
        command,
        cwd=folder,
        input=text,
        text=True,
        capture_output=True,
        env=environment,
        pass_fds=[write],
        check=False,
    )
    os.close(write)
    with os.fdopen(read) as told:
        seconds, kilobytes = told.read().split() or ("nan", "0")
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(words)}: {done.stdout}{done.stderr}")
    return Spent(float(seconds), int(kilobytes) * 1024, done.stdout)


_WAITING = """
import os, resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
os.write(int(sys.argv[1]), f"{used.ru_utime + used.ru_stime} {used.ru_maxrss}".encode())
sys.exit(status)
"""


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as docs have it."""
    print()
    for row in (headings, ["---"] * len(headings), *rows):
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def amount(value: float) -> str:
    """A number with three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
