# What jobs ask a cluster for, and how they ended there: the numbers, and how they were measured, are in
# seriesview/pipeline/resources.py and in docs/pipeline.md.
from dataclasses import replace

from seriesview.pipeline.job_ends import why_not_finished
from seriesview.pipeline.marks import left_behind
from seriesview.pipeline.resources import NOT_KNOWN, demand_of, memory_mb, run_minutes
from seriesview.pipeline.results import read_failure

DEMANDS = {}


def demand_called(name):
    """What a dataset takes; looked up again until its recording is there."""
    if is_uri(name):
        return replace(NOT_KNOWN, num_bytes=bytes_of(name) or NOT_KNOWN.num_bytes)
    if name not in DEMANDS:
        origin = origin_of(name)
        is_object = origin in OBJECTS
        path = next(iter(inputs_of(name)), None) if is_object else own_path(name)
        found = demand_of(replace(dataset_called(origin), path=str(path or "")))
        found = found if origin == name else found.computing()
        if not found.is_known:
            return found
        DEMANDS[name] = found
    return DEMANDS[name]


def demands(wildcards):
    """What the datasets of a job take; those whose samples other jobs have read take little.

    The job itself, which has its memory, looks at no recording for it.
    """
    if not workflow.is_main_process:
        return []
    found = []
    for name in names_in(wildcards):
        count = shards_of(name)
        is_shared = count > 1 and "shard" not in wildcards.keys()
        found.append(demand_called(name).shared_by(16 if is_shared else count))
    return found


def mem_mb(wildcards, attempt):
    """Megabytes of memory."""
    return memory_mb(demands(wildcards), attempt)


def minutes(wildcards, attempt, rulename):
    """Minutes of run time."""
    return run_minutes(
        demands(wildcards),
        attempt,
        is_grouped=workflow.get_rule(rulename).group is not None,
    )


def scratch(wildcards):
    """Where jobs write first; no parameter, since it changes nothing of what they make."""
    return CONFIG.get("scratch") or ""


def tell_how_jobs_ended(logs):
    """Say why datasets were not built whose jobs could not say it, as `seriesview build` does."""
    folder = Results(Path(RESULTS))
    names = [name for name in DATASETS if not folder.series(name).is_file()]
    silent = [name for name in names if read_failure(folder.failures, name) is None]
    marks = left_behind(folder.building, names)
    text = "\n".join(Path(log).read_text(errors="replace") for log in logs)
    for error in why_not_finished(silent, text, marks).values():
        print(f"seriesview: error: {error}", file=sys.stderr)
