"""How jobs ended that did not finish, by dataset: what Snakemake's log, their marks and Slurm say of them."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from seriesview.errors import BuildError, Code
from seriesview.pipeline.marks import Mark

_QUERY_SECONDS = 20.0
_FAILED = re.compile(r"^Error in (?:group|rule) .*\n((?:[ \t].*\n?|\n(?=[ \t]))*)", re.MULTILINE)
_STATUS = re.compile(r"SLURM-job '([\w.]+)' failed.*?SLURM status is: '(\w+)'", re.DOTALL)
_EXTERNAL = re.compile(r"^\s+external_jobid: (\S+)", re.MULTILINE)
_OF_ONE = re.compile(r"(?:/shards/(.+)/\d+-of-\d+|/artifacts/(.+)|/series/(.+)|/chunks/one/(.+))\.json$")

_GOES_ON = "build again, it goes on where it was"
_IN_WORDS: Mapping[str, tuple[str, str, Code]] = {
    "OUT_OF_MEMORY": (
        "memory ran out in its job",
        "give it more (mem_mb is doubled with each of `--retries`)",
        "no-memory",
    ),
    "TIMEOUT": (
        "the time of its job was over",
        "build again, it goes on where it was; or give it more (runtime is doubled with each of `--retries`)",
        "timed-out",
    ),
    "PREEMPTED": (
        "its job had to make room for another one",
        _GOES_ON,
        "not-built",
    ),
    "CANCELLED": ("its job was cancelled", _GOES_ON, "not-built"),
    "NODE_FAIL": ("the node of its job failed", _GOES_ON, "not-built"),
    "DEADLINE": ("its job had a deadline, and could not end before it", "build again", "timed-out"),
}


@dataclass(frozen=True)
class JobEnd:
    """A job that failed: its datasets, the number that a batch system gave it, and Slurm's word for how it ended."""

    datasets: tuple[str, ...]
    job: str | None = None
    status: str | None = None


def failed_jobs(log: str) -> list[JobEnd]:
    """The jobs that a log of Snakemake says have failed, the last attempt of each last."""
    return [_job_end(found[1]) for found in _FAILED.finditer(log)]


def _job_end(block: str) -> JobEnd:
    status, external = _STATUS.search(block), _EXTERNAL.search(block)
    job = status[1] if status is not None else external[1] if external is not None else None
    return JobEnd(tuple(dict.fromkeys(_datasets_in(block))), job, None if status is None else status[2])


def _datasets_in(block: str) -> Iterator[str]:
    """The datasets of a job, by its output, or by the words of `build-chunk`."""
    for line in block.splitlines():
        key, _, value = line.strip().partition(": ")
        if key == "output":
            for path in value.split(", "):
                if (found := _OF_ONE.search(f"/{path}")) is not None:
                    yield next(name for name in found.groups() if name is not None)
        elif "seriesview build-chunk " in line:
            with suppress(ValueError):
                words = shlex.split(line.partition("seriesview build-chunk ")[2])
                named = [word for word in words[: words.index("--entries")] if "=" in word]
                yield from (word.partition("=")[0].partition(":")[0] for word in named)


def slurm_status(job: str) -> str | None:
    """Slurm's word for how a job ended, as its accounts or its controller have it; None where neither says."""
    commands = (
        (["sacct", "-n", "-P", "-X", "-o", "State", "-j", job], r"^(\w+)"),
        (["scontrol", "-o", "show", "job", job], r"\bJobState=(\w+)"),
    )
    for command, pattern in commands:
        with suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(command, capture_output=True, text=True, timeout=_QUERY_SECONDS)
            found = re.search(pattern, done.stdout) if done.returncode == 0 else None
            if found is not None:
                return found[1]
    return None


def why_not_finished(names: Sequence[str], log: str, marks: Mapping[str, Mark]) -> dict[str, BuildError]:
    """Why datasets were not built whose jobs say nothing themselves; those of which nothing is known are left out.

    `log` is Snakemake's, `marks` are those that killed jobs have left.
    """
    ends: dict[str, JobEnd] = {}
    for end in failed_jobs(log):
        ends |= dict.fromkeys(end.datasets, end)
    statuses: dict[str, str | None] = {}
    found = {}
    for name in names:
        mark, end = marks.get(name), ends.get(name, JobEnd(()))
        if mark is not None and mark.runs:
            continue
        job = end.job if mark is None or mark.slurm_job is None else mark.slurm_job
        status = end.status if job == end.job else None
        if status is None and job is not None and job.isdecimal():
            status = statuses[job] if job in statuses else statuses.setdefault(job, slurm_status(job))
        others = [each for each in end.datasets if each in marks and each != name]
        if (error := _error(status, job, mark, others)) is not None:
            found[name] = error.within(f"dataset {name}", dataset=name)
    return found


def _error(
    status: str | None, job: str | None, mark: Mark | None, others: Sequence[str]
) -> BuildError | None:
    """What is known of how a dataset's job ended, at which `others` it was; None where that is nothing."""
    of_slurm = "" if job is None or status is None else f" (Slurm's job {job}: {status})"
    if mark is None and others:
        return BuildError(
            f"its job ended at {', '.join(others)}, and did not come to it{of_slurm}",
            advice="build again: those come last then",
        )
    if status is not None and status in _IN_WORDS:
        sentence, advice, code = _IN_WORDS[status]
        where = "" if mark is None else f" at its {mark.step}"
        return BuildError(f"{sentence}{where}{of_slurm}", advice=advice, code=code)
    return None if mark is None else BuildError(f"{mark.in_words()}{of_slurm}", advice=_GOES_ON)
