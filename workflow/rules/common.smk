import json
import os
import re
import sys
from pathlib import Path

import snakemake.dag
from snakemake.exceptions import WorkflowError

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.dataset import without_descriptions
from seriesview.config import check_config, read_yaml, with_defaults
from seriesview.config.environment import effective_store, find_own_commands
from seriesview.demo.files import DEMO_FILES
from seriesview.errors import SeriesviewError


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
        config = json.loads(as_json(config))
        check_config(config, also=repeated)
    except SeriesviewError as error:
        raise WorkflowError(f"{error}") from None
    return with_defaults(config)


def as_json(value):
    """JSON text; dates, which YAML reads as such where they are not quoted, as ISO 8601."""
    return json.dumps(value, sort_keys=True, default=lambda moment: moment.isoformat())


find_own_commands()

DATASETS = checked(config)["datasets"]
STORE = effective_store(config.get("store"))
STORE_JSON = as_json(STORE)
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


def recording(wildcards):
    """The file of a dataset, where Snakemake can name it; `state` knows of its changes in any case.

    A missing file is left to the job, which says so in one line and stops no other. So is one with a name that means
    something to Snakemake: braces, angle brackets and the like.
    """
    path = os.path.normpath(DATASETS[wildcards.name]["path"])
    is_there = path in DEMO_FILES or (
        not path.startswith("sha1:") and Path(path).is_file()
    )
    return [path] if is_there and re.fullmatch(r"[\w./ +=@,-]+", path) else []


def state(wildcards):
    """Size and time of a dataset's file, unless this workflow makes it; another state, even an older one, is built again."""
    path = Path(DATASETS[wildcards.name]["path"])
    if os.path.normpath(path) in DEMO_FILES or not path.is_file():
        return ""
    status = path.stat()
    return f"{status.st_size}:{status.st_mtime_ns}"


def shards(wildcards):
    """The shards of a dataset, in order."""
    count = DATASETS[wildcards.name]["scatter"]
    return [
        f"results/shards/{wildcards.name}/{shard}-of-{count}.json"
        for shard in range(count)
    ]


def store_json(wildcards):
    """The configuration's store as JSON; a function, since Snakemake fills in braces of texts."""
    return STORE_JSON


def samples_json(wildcards):
    """What of a dataset's configuration decides its samples, as JSON."""
    entry = without_descriptions(DATASETS[wildcards.name])
    return json.dumps(
        {key: value for key, value in entry.items() if key != "scatter"}, sort_keys=True
    )


def dataset_json(wildcards):
    """All of a dataset's configuration, as JSON."""
    return as_json(DATASETS[wildcards.name])


def panel_json(wildcards):
    """The first panel that shows a series, as JSON: its picture is drawn likewise."""
    panels = [panel for view in config.get("views") or [] for panel in view["panels"]]
    return json.dumps(
        next((panel for panel in panels if panel["series"] == wildcards.name), {}),
        sort_keys=True,
    )


def workspace_json(wildcards):
    """What the workspace manifest needs of the configuration, as JSON."""
    keys = ("workspace", "views")
    return as_json({"store": STORE, **{key: config.get(key) for key in keys}})


def minutes(wildcards, attempt):
    """Run time to ask a cluster for: 20 MB/s and a margin, doubled with each attempt."""
    path = Path(DATASETS[wildcards.name]["path"])
    size = path.stat().st_size if path.is_file() else 0
    return int(20 + size / 1.2e9) * attempt


def outlook():
    """What this build will read and write, in words. Raises BuildError where it does not fit."""
    from seriesview.build.dataset import dataset_from_config
    from seriesview.build.outlook import build_outlook
    from seriesview.store import open_store

    store = open_store(STORE.get("storage_dir"), STORE.get("mode") or "auto")
    datasets = [dataset_from_config(name, entry) for name, entry in DATASETS.items()]
    to_come = [
        dataset.name
        for dataset in datasets
        if os.path.normpath(dataset.path) in DEMO_FILES
        and not Path(dataset.path).exists()
    ]
    found = build_outlook(
        [dataset for dataset in datasets if dataset.name not in to_come],
        Path("results/artifacts"),
        store,
    )
    later = [f"not yet made: the recordings of {', '.join(to_come)}"] if to_come else []
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
