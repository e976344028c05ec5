import asyncio
import inspect
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from snakemake.scheduling.job_scheduler import JobRateLimiter, JobScheduler
from snakemake.settings.types import MaxJobsPerTimespan

from seriesview.pipeline.scheduling import look_again_seldom, look_at_new_inputs


@dataclass
class Scheduler:
    """What of Snakemake's scheduler says whether it is held up; its limiter is Snakemake's own."""

    _last_job_selection_empty: bool = False
    waits_for_queue: bool = False
    job_rate_limiter: JobRateLimiter = field(
        default_factory=lambda: JobRateLimiter(MaxJobsPerTimespan(2, "1h"))
    )
    _open_jobs: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def workflow(self) -> SimpleNamespace:
        return SimpleNamespace(
            dag=SimpleNamespace(has_unfinished_queue_input_jobs=lambda: self.waits_for_queue)
        )


def test_what_is_held_up_is_what_snakemake_knows_by_these_names():
    source = inspect.getsource(JobScheduler)
    for name in (
        "def _schedule_reevalutation(self, delay",
        "self._last_job_selection_empty = not run",
        "self._open_jobs.release()",
        "self.job_rate_limiter = (",
        "self.workflow.dag.has_unfinished_queue_input_jobs()",
        "async def update_input_sizes(self, jobs",
        "self._input_sizes.update(",
    ):
        assert name in source


def test_where_jobs_could_be_started_the_end_of_one_is_waited_for():
    scheduler = Scheduler()
    scheduler.job_rate_limiter.register_jobs(1)
    look_again_seldom(scheduler, 0)
    assert not hasattr(scheduler, "looks_again")


@pytest.mark.parametrize("reason", ["none could be started", "the limit is met", "a queue is waited for"])
def test_what_is_held_up_is_looked_at_again_and_by_one_clock_alone(reason):
    scheduler = Scheduler(
        _last_job_selection_empty=reason == "none could be started",
        waits_for_queue=reason == "a queue is waited for",
    )
    if reason == "the limit is met":
        scheduler.job_rate_limiter.register_jobs(2)
    for _ in range(2):
        look_again_seldom(scheduler, 3600)
    assert sum(thread.daemon and isinstance(thread, threading.Timer) for thread in threading.enumerate()) == 1
    scheduler.looks_again = False
    for _ in range(2):
        look_again_seldom(scheduler, 0)
        assert scheduler._open_jobs.acquire(timeout=60)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.cancel()
            thread.join()


@dataclass(frozen=True)
class Input:
    """A file as Snakemake has it, which notes that it was looked at."""

    name: str
    num_bytes: int | None
    looks: list[str] = field(default_factory=list, compare=False)

    async def exists(self) -> bool:
        self.looks.append(self.name)
        return self.num_bytes is not None

    async def size(self) -> int | None:
        return self.num_bytes


def test_a_file_is_looked_at_once_however_long_its_job_waits():
    scheduler = SimpleNamespace(_input_sizes={})
    there, gone, later = Input("there", 5), Input("gone", None), Input("later", 7)
    waiting = [SimpleNamespace(input=[there, gone])]
    asyncio.run(look_at_new_inputs(scheduler, waiting))
    asyncio.run(look_at_new_inputs(scheduler, [*waiting, SimpleNamespace(input=[there, later])]))
    assert scheduler._input_sizes == {there: 5, gone: None, later: 7}
    assert [each.looks for each in (there, gone, later)] == [["there"], ["gone"], ["later"]]
