import functools
import hashlib
import json
import os
import re
import shlex
import sys
from pathlib import Path

import snakemake.dag
from snakemake.exceptions import WorkflowError
from snakemake.scheduling.job_scheduler import JobScheduler

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.dataset import dataset_from_config, without_descriptions
from seriesview.build.planning import bytes_to_read, state_of
from seriesview.build.results import write_whole
from seriesview.layout.remote_path import located
from seriesview.pipeline.chunks import chunks_of, num_shards
from seriesview.pipeline.configured import Configured, store_of
from seriesview.pipeline.noted_sessions import in_a_word, note_sessions, noted_sessions
from seriesview.pipeline.results import Results
from seriesview.pipeline.scheduling import look_again_seldom, look_at_new_inputs
from seriesview.pipeline.session_results import follow_renamed
from seriesview.pipeline.snakemake import OUTLOOK_IS_TOLD, end_own_jobs
from seriesview.config import check_config, read_yaml, with_defaults
from seriesview.config.environment import effective_store, find_own_commands
from seriesview.errors import ConfigError, SeriesviewError
from seriesview.pictures import PICTURE_VERSION


def repeated_keys():
    """A line for each key that stands twice in the configuration's files, of which Snakemake keeps the last.

    Only the first process looks: those of jobs read the same files.
    """
    files = map(Path, workflow.configfiles if workflow.is_main_process else ())
    return [
        line
        for path in files
        if path.suffix in (".yaml", ".yml")
        for line in read_yaml(path)[1]
    ]


def is_object(path):
    """Whether a path is one of Snakemake's own objects: a function, storage, an output of a rule, or some of these."""
    if isinstance(path, (list, tuple)):
        return any(map(is_object, path))
    return callable(path) or (isinstance(path, str) and type(path) is not str)


def without_objects(config):
    """The configuration with names in place of Snakemake's own objects, and these by dataset."""
    datasets = config.get("datasets")
    entries = datasets.items() if isinstance(datasets, dict) else ()
    objects = {
        name: entry["path"]
        for name, entry in entries
        if isinstance(entry, dict) and is_object(entry.get("path"))
    }
    if not objects:
        return config, {}
    named = {name: {**datasets[name], "path": name} for name in objects}
    return {**config, "datasets": {**datasets, **named}}, objects


def checked(config):
    """The configuration, if nothing is wrong with it."""
    try:
        repeated = repeated_keys()
        config = json.loads(as_json(config))
        check_config(config, also=repeated)
    except SeriesviewError as error:
        raise WorkflowError(f"{error}") from None
    return with_defaults(config)


def as_json(value):
    """JSON text; dates, which YAML reads as such where they are not quoted, as ISO 8601, and paths as text."""
    return json.dumps(value, default=as_text)


def as_text(value):
    """A path or a date as text; what else YAML and Python have is no part of a configuration."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise ConfigError(
        [f"{value!r}: only the `path` of an entry of `datasets` may be one of these"]
    )


def configured():
    """What the configuration says; what sessions there are is found once, and noted for the processes of jobs."""
    results = Path(RESULTS)
    is_dry = workflow.output_settings.dryrun
    is_known = OUTLOOK_IS_TOLD in os.environ and not is_dry
    try:
        if "sessions" not in CONFIG:
            return Configured.of(CONFIG)
        if is_known or not workflow.is_main_process:
            if known := noted_sessions(results, CONFIG):
                return Configured.of(CONFIG, known.sessions)
        found = Configured.of(CONFIG)
        if workflow.is_main_process and not is_dry:
            note_sessions(CONFIG, found.sessions, results)
            follow_renamed(found, Results(results))
        return found
    except SeriesviewError as error:
        raise WorkflowError(f"{error}") from None


find_own_commands()

# Of 128 KiB, with room for what else stands in a command, as what is quoted becomes longer.
MOST_IN_A_WORD = 60_000
OWN_RULES = workflow.current_basedir
CONFIG, OBJECTS = without_objects(config)
CONFIG = checked(CONFIG)
STORE = effective_store(CONFIG.get("store"))
RESULTS = os.path.normpath(
    os.path.expanduser(CONFIG.get("results") or str(Results.folder))
)
CONFIGURED = configured()
SESSIONS = {session.id: session for session in CONFIGURED.sessions}
DATASETS = {
    **CONFIG["datasets"],
    **{
        name: entry
        for session in CONFIGURED.sessions
        for name, entry in session.datasets.items()
    },
}
SCATTERED = [
    name for name, dataset in DATASETS.items() if dataset.get("scatter", 1) != 1
]

if workflow.modifier.path_modifier.replace_prefix(RESULTS) != RESULTS:
    raise WorkflowError(
        "prefix: would be put in front of the recordings too; name the folder that this use of the module writes into "
        f"in its configuration instead, as in `results: {workflow.modifier.path_modifier.replace_prefix(RESULTS)}`"
    )


class KnownNames(snakemake.dag.PeriodicityDetector):
    """Lets names of datasets end as they like: of `id_000...` Snakemake thinks that rules make it longer for ever."""

    def is_periodic(self, value):
        return (
            None
            if value.removeprefix("one/") in DATASETS
            else super().is_periodic(value)
        )


def ending_jobs(exit_gracefully):
    """Lets the jobs of a job of a cluster hear that its time is over, as Snakemake does."""

    def end(scheduler, *args):
        end_own_jobs()
        exit_gracefully(scheduler, *args)

    return end


snakemake.dag.PeriodicityDetector = KnownNames
if workflow.remote_exec:
    JobScheduler.exit_gracefully = ending_jobs(JobScheduler.exit_gracefully)
if hasattr(JobScheduler, "_schedule_reevalutation"):
    JobScheduler._schedule_reevalutation = look_again_seldom
if hasattr(JobScheduler, "update_input_sizes"):
    JobScheduler.update_input_sizes = look_at_new_inputs


def one_of(names):
    """A regular expression that matches these names and nothing else."""
    return "|".join(map(re.escape, names)) or "(?!)"


def store_options(wildcards):
    """The options that name the configuration's store; a function, since Snakemake fills in braces of texts."""
    named = {"--storage-dir": STORE.get("storage_dir"), "--mode": STORE.get("mode")}
    return [
        word for option, value in named.items() if value for word in (option, value)
    ]


def printing(text):
    """The command that prints a text: Linux takes no word over 128 KiB, so that longer ones lie in files of their hash."""
    if len(text) < MOST_IN_A_WORD:
        return f"printf %s {shlex.quote(text)}"
    return f"cat {shlex.quote(stored(text))}"


def stored(text):
    """The file that holds a text, called by its hash; one that is used stays."""
    content = os.fsencode(text)
    path = Results(Path(RESULTS)).entries / hashlib.sha1(content).hexdigest()
    if not workflow.output_settings.dryrun:
        if path.exists():
            os.utime(path)
        else:
            write_whole(path, content)
    return str(path)


def results(wildcards):
    """The folder of results."""
    return RESULTS
