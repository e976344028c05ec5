"""When Snakemake looks at what could be started next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from threading import Timer
from typing import Any


def look_again_seldom(scheduler: Any, seconds: float) -> None:
    """In place of `JobScheduler._schedule_reevalutation`: look again after so many seconds, if that changes anything.

    Of its own Snakemake 9 looks once more each second for each job that has ended so far, and asks each time for the
    size of every file that waiting jobs read: with 3000 recordings in 64 jobs that takes more than the jobs, and on a
    shared file system it is a storm. The end of a job is looked at anyway; so a clock is needed only where nothing
    could be started, the limit of jobs in a time was met, or a queue is waited for, and one clock is enough.
    """
    limiter = scheduler.job_rate_limiter
    is_held_up = (
        getattr(scheduler, "_last_job_selection_empty", True)
        or limiter is None
        or limiter.get_free_jobs() == 0
        or scheduler.workflow.dag.has_unfinished_queue_input_jobs()
    )
    if not is_held_up or getattr(scheduler, "looks_again", False):
        return

    def look() -> None:
        scheduler.looks_again = False
        scheduler._open_jobs.release()

    scheduler.looks_again = True
    timer = Timer(seconds, look)
    timer.daemon = True
    timer.start()


async def look_at_new_inputs(scheduler: Any, jobs: Iterable[Any]) -> None:
    """In place of `JobScheduler.update_input_sizes`: look at the sizes of files that were not looked at before.

    Of its own Snakemake 9 looks again at every file of every job that waits, whenever a job has ended. What a job that
    can be started reads does not change any more.
    """
    known = scheduler._input_sizes

    async def look(path: Any) -> None:
        known[path] = await path.size() if await path.exists() else None

    await asyncio.gather(
        *(look(path) for path in {path for job in jobs for path in job.input} - known.keys())
    )
