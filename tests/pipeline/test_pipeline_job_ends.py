"""How jobs ended that could not say it themselves: what Snakemake's log and marks tell of their datasets."""

from __future__ import annotations

import pytest

from seriesview.pipeline.job_ends import JobEnd, failed_jobs, why_not_finished
from seriesview.pipeline.marks import Mark

# As the plugin for Slurm, and Snakemake without one, write it.
BLOCK = """[Mon Nov 30 03:31:51 2026]
Error in rule chunk:
    message: {message}For further error details see the cluster/cloud log and the log files of the involved rule(s).
    jobid: 2
    input: raw.dat, e.npy
    output: results/chunks/{chunk}.json
    log: results/logs/chunks/{chunk}.log, /x/.snakemake/slurm_logs/rule_chunk/some_0-of-1/5.log (check log file(s))
    shell:
        printf %s '{{}}' | seriesview build-chunk raw=raw.dat 's/1 b=it'"'"'s' raw:also=x --entries -
        (command exited with non-zero exit code)
    external_jobid: 5
Logfile results/logs/chunks/some/0-of-1.log not found.
Trying to restart job 2.
"""


def block(status: str | None, chunk: str = "some/0-of-1") -> str:
    message = (
        "None" if status is None else f"SLURM-job '5' failed, SLURM status is: '{status}'. Reason: Unknown."
    )
    return BLOCK.format(message=message, chunk=chunk)


def mark(dataset: str, stopped_by: str | None = None) -> Mark:
    return Mark(dataset, "samples", 1, "node7", 0.0, "", stopped_by)


def test_a_log_tells_which_jobs_failed_and_how() -> None:
    log = f"Building DAG\n{block('TIMEOUT')}[Mon] Finished jobid: 3\n{block(None, 'one/big')}"
    words = ("raw", "s/1 b")
    assert failed_jobs(log) == [JobEnd(words, "5", "TIMEOUT"), JobEnd(("big", *words), "5", None)]
    shard = "Error in rule shard:\n    output: out/shards/a/long/0-of-2.json\n"
    assert failed_jobs(shard) == [JobEnd(("a/long",))]


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("OUT_OF_MEMORY", "no-memory", "memory ran out in its job (Slurm's job 5: OUT_OF_MEMORY)"),
        ("TIMEOUT", "timed-out", "the time of its job was over (Slurm's job 5: TIMEOUT)"),
        ("PREEMPTED", "not-built", "its job had to make room for another one"),
        ("NODE_FAIL", "not-built", "the node of its job failed"),
    ],
)
def test_a_job_that_left_nothing_is_told_by_what_slurm_says(status: str, code: str, words: str) -> None:
    found = why_not_finished(["raw"], block(status), {})
    assert found["raw"].code == code
    assert words in str(found["raw"])


def test_those_that_a_job_did_not_come_to_are_told_apart() -> None:
    found = why_not_finished(["raw", "s/1 b"], block("TIMEOUT"), {"raw": mark("raw", "SIGTERM")})
    assert "the time of its job was over at its samples" in str(found["raw"])
    assert "its job ended at raw, and did not come to it" in str(found["s/1 b"])


def test_the_last_attempt_counts() -> None:
    found = why_not_finished(["raw"], block("NODE_FAIL") + block("TIMEOUT"), {})
    assert found["raw"].code == "timed-out"


def test_what_is_not_known_is_not_made_up() -> None:
    assert why_not_finished(["raw", "other"], block("FAILED"), {}) == {}
    (found,) = why_not_finished(["raw"], block("FAILED"), {"raw": mark("raw")}).values()
    assert "its job (process 1 on node7) was killed at its samples (Slurm's job 5: FAILED)" in str(found)
