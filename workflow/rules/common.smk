import functools
import json
import os
import re
import sys
from pathlib import Path

import snakemake.dag
from snakemake.exceptions import WorkflowError

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.dataset import dataset_from_config, without_descriptions
from seriesview.build.planning import bytes_to_read, state_of
from seriesview.pipeline.configured import Configured, picture_panel, store_of
from seriesview.pipeline.results import Results
from seriesview.config import check_config, read_yaml, with_defaults
from seriesview.config.environment import effective_store, find_own_commands
from seriesview.errors import ConfigError, SeriesviewError


def repeated_keys():
    """A line for each key that stands twice in the configuration's files, of which Snakemake keeps the last."""
    files = [Path(path) for path in workflow.configfiles]
    return [
        line
        for path in files
        if path.suffix in (".yaml", ".yml")
        for line in read_yaml(path)[1]
    ]


def checked(config):
    """The configuration, if nothing is wrong with it."""
    try:
        repeated = repeated_keys()
        config = json.loads(as_json(config, sort_keys=False))
        check_config(config, also=repeated)
        if "sessions" in config:
            raise ConfigError(["sessions: `seriesview build` builds them, without Snakemake"])
    except SeriesviewError as error:
        raise WorkflowError(f"{error}") from None
    return with_defaults(config)


def as_json(value, sort_keys=True):
    """JSON text; dates, which YAML reads as such where they are not quoted, as ISO 8601."""
    return json.dumps(
        value, sort_keys=sort_keys, default=lambda moment: moment.isoformat()
    )


find_own_commands()

DATASETS = checked(config)["datasets"]
STORE = effective_store(config.get("store"))
RESULTS = os.path.normpath(
    os.path.expanduser(config.get("results") or str(Results.folder))
)

if workflow.modifier.path_modifier.replace_prefix(RESULTS) != RESULTS:
    raise WorkflowError(
        "prefix: would be put in front of the recordings too; name the folder that this use of the module writes into "
        f"in its configuration instead, as in `results: {workflow.modifier.path_modifier.replace_prefix(RESULTS)}`"
    )
SCATTERED = [
    name for name, dataset in DATASETS.items() if dataset.get("scatter", 1) > 1
]
WHOLE = [name for name in DATASETS if name not in SCATTERED]


def one_of(names):
    """A regular expression that matches these names and nothing else."""
    return "|".join(map(re.escape, names)) or "(?!)"


class KnownNames(snakemake.dag.PeriodicityDetector):
    """Lets names of datasets end as they like: of `id_000...` Snakemake thinks that rules make it longer for ever."""

    def is_periodic(self, value):
        return None if value in DATASETS else super().is_periodic(value)


snakemake.dag.PeriodicityDetector = KnownNames


wildcard_constraints:
    name=one_of(DATASETS),
    shard=r"\d+",


def is_made_here(path):
    """Whether a rule of this workflow, or of the one that uses it, makes a file."""
    return any(rule.is_producer(path) for rule in workflow.rules)


def recording(wildcards):
    """The file of a dataset, where Snakemake can name it; `state` knows of its changes in any case.

    A missing file that no rule makes is left to the job, which says so in one line and stops no other. So is one with a
    name that means something to Snakemake: braces, angle brackets and the like.
    """
    path = os.path.normpath(DATASETS[wildcards.name]["path"])
    if path.startswith("sha1:") or not re.fullmatch(r"[\w./ +=@,-]+", path):
        return []
    return [path] if Path(path).is_file() or is_made_here(path) else []


@functools.cache
def dataset_called(name):
    """A dataset of the configuration."""
    return dataset_from_config(name, DATASETS[name])


@functools.cache
def found_state(name):
    """What tells one state of a dataset's files from another."""
    return state_of(dataset_called(name))


def state(wildcards):
    """The state of a dataset's files, unless a rule makes them; another one, even an older one, is built again."""
    path = os.path.normpath(DATASETS[wildcards.name]["path"])
    return "" if is_made_here(path) else found_state(wildcards.name)


def shards(wildcards):
    """The shards of a dataset, in order."""
    count = DATASETS[wildcards.name]["scatter"]
    return [
        f"{RESULTS}/shards/{wildcards.name}/{shard}-of-{count}.json"
        for shard in range(count)
    ]


def store_options(wildcards):
    """The options that name the configuration's store; a function, since Snakemake fills in braces of texts."""
    named = {"--storage-dir": STORE.get("storage_dir"), "--mode": STORE.get("mode")}
    return [
        word for option, value in named.items() if value for word in (option, value)
    ]


def results(wildcards):
    """The folder of results."""
    return RESULTS


def gather_options(files):
    """The options that name the files of a dataset's shards."""
    return [word for file in files for word in ("--gather", file)]


def entries_json(wildcards):
    """A dataset's entry, as `build-dataset --entries` takes it."""
    return as_json({"datasets": {wildcards.name: DATASETS[wildcards.name]}})


def samples_json(wildcards):
    """What of a dataset's entry decides its samples, likewise."""
    entry = without_descriptions(DATASETS[wildcards.name])
    decides = {key: value for key, value in entry.items() if key != "scatter"}
    return as_json({"datasets": {wildcards.name: decides}})


def panel_json(wildcards):
    """The first panel that shows a series, as `picture --panel -` takes it: its picture is drawn likewise."""
    return as_json(picture_panel(config.get("views") or (), wildcards.name))


def workspace_json(wildcards):
    """What the workspace manifest needs of the configuration, as `build-workspace --config` takes it."""
    found = {key: config.get(key) for key in ("workspace", "id", "views")}
    return as_json({key: value for key, value in found.items() if value})


def minutes(wildcards, attempt):
    """Run time to ask a cluster for: 20 MB/s and a margin, doubled with each attempt."""
    return int(20 + bytes_to_read(dataset_called(wildcards.name)) / 1.2e9) * attempt


def outlook():
    """What this build will read and write, in words. Raises BuildError where it does not fit."""
    from seriesview.build.outlook import build_outlook

    datasets = Configured.of({"datasets": DATASETS}).datasets
    to_come = [
        dataset
        for dataset in datasets
        if not Path(dataset.path).exists()
        and is_made_here(os.path.normpath(dataset.path))
    ]
    found = build_outlook(
        [dataset for dataset in datasets if dataset not in to_come],
        Results(Path(RESULTS)).work,
        store_of(STORE),
    )
    names = ", ".join(dataset.name for dataset in to_come)
    later = [f"not yet made: the recordings of {names}"] if to_come else []
    return "\n".join([found.text(), *later]), found


if workflow.is_main_process and workflow.output_settings.dryrun:
    try:
        print(outlook()[0], file=sys.stderr)
    except SeriesviewError as error:
        raise WorkflowError(str(error)) from None


onstart:
    try:
        text, found = outlook()
        print(text, file=sys.stderr)
        found.ensure_fits()
    except SeriesviewError as error:
        raise WorkflowError(str(error)) from None
