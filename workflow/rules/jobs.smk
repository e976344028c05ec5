# What jobs are given: which datasets they take, which files those are read from, and which of these rules make.
from itertools import islice

from snakemake.io import is_flagged
from snakemake.logging import logger
from snakemake.storage import flag_with_storage_object


class DatasetWildcards(dict):
    """The wildcard `name`, as input functions take it."""

    __getattr__ = dict.__getitem__


@functools.cache
def dataset_called(name):
    """A dataset of the configuration."""
    return dataset_from_config(name, DATASETS[name], DATASETS)


def source_of(name):
    """The dataset that another one is made of, by its whole name; None where it has a recording."""
    source = dataset_called(name).source
    return None if source is None else source.name


def origin_of(name):
    """The dataset whose recording is read: itself, where it is not made of another."""
    source = source_of(name)
    return name if source is None else origin_of(source)


def sources_of(name):
    """What a dataset is made of, the next one first, down to that which has the recording."""
    source = source_of(name)
    return () if source is None else (source, *sources_of(source))


def own_path(name):
    """The path of a dataset's recording as it is configured."""
    return DATASETS[origin_of(name)]["path"]


@functools.cache
def made_by(path):
    """The output of a rule, of the workflow that uses this one or beside it, that makes a file; None where none does."""
    found = (
        output
        for rule in workflow.rules
        if rule.basedir != OWN_RULES
        for output in rule.products()
        if output.match(path)
    )
    return next(found, None)


def is_uri(name):
    """Whether a recording is named by its kachery URI."""
    return own_path(name).startswith("sha1://")


@functools.cache
def kachery():
    """The storage plugin, with the configuration's store; one of its own, so that other uses of the plugin keep theirs."""
    from snakemake_storage_plugin_kachery import (
        StorageProvider,
        StorageProviderSettings,
    )

    named = {key: STORE[key] for key in ("storage_dir", "mode") if STORE.get(key)}
    settings = StorageProviderSettings(**named)
    place = workflow.storage_settings.local_storage_prefix / "kachery"
    return StorageProvider(place, logger, settings=settings, retrieve=False)


def stored_files(name):
    """The files of a recording that is named by its URI, where the store has them all; its job reads them there."""
    uris = [own_path(name), *(DATASETS[origin_of(name)].get("files") or ())]
    try:
        found = [kachery().object(uri) for uri in uris]
        if all(each.exists() for each in found):
            return tuple(flag_with_storage_object(each.query, each) for each in found)
    except (SeriesviewError, WorkflowError):
        pass
    return ()


@functools.cache
def inputs_of(name):
    """The files of a dataset that Snakemake can name: the recording, then others that come with it.

    A missing file that no rule makes is left to the job, which says so in one line and stops no other. So is one with a
    name that means something to Snakemake: braces, angle brackets and the like.
    """
    name = origin_of(name)
    if name in OBJECTS:
        return tuple(filled_in(OBJECTS[name], name))
    if is_uri(name):
        return stored_files(name)
    return nameable(own_path(name))


def nameable(path):
    """A path as Snakemake takes it, where there is such a file or a rule makes it; else nothing."""
    path = os.path.normpath(path)
    if not re.fullmatch(r"[\w./ +=@,-]+", path):
        return ()
    return (path,) if Path(path).is_file() or made_by(path) else ()


@functools.cache
def times_of(name):
    """The file of a dataset's times, in the working directory or beside the recording; nothing where they are in it."""
    times = DATASETS[origin_of(name)].get("timestamps")
    if not times:
        return ()
    beside = os.path.join(os.path.dirname(os.path.normpath(own_path(name))), times)
    return nameable(times) or nameable(beside)


def filled_in(found, name):
    """Files that an object of Snakemake's stands for, of the dataset that the wildcard `name` names."""
    wildcards = DatasetWildcards(name=name)
    if callable(found) and not isinstance(found, str):
        found = found(wildcards)
    if isinstance(found, str):
        return [
            (
                found.apply_wildcards(wildcards)
                if hasattr(found, "apply_wildcards")
                else found
            )
        ]
    if isinstance(found, Path):
        return [str(found)]
    return [file for each in found for file in filled_in(each, name)]


@functools.cache
def is_to_come(name):
    """Whether a rule, or a storage provider, brings the recording or its times; nothing is known of it before."""
    return origin_of(name) in OBJECTS or any(
        made_by(path) for path in (os.path.normpath(own_path(name)), *times_of(name))
    )


@functools.cache
def bytes_of(name):
    """Bytes of a recording, 0 where there is none; None where they are not known, as of what is made only later."""
    path = own_path(name)
    if is_uri(name):
        return sum(file.flags["storage_object"].size() for file in inputs_of(name))
    if is_to_come(name) or re.match(r"\w+://", path):
        return None
    return bytes_to_read(dataset_called(name))


@functools.cache
def state_called(name):
    """What tells one state of a dataset's files from another, unless Snakemake sees to it."""
    if name in PURGED or origin_of(name) in PURGED:
        return "purged"
    if is_to_come(name):
        return ""
    place = "" if inputs_of(name) else str(located(own_path(name)))
    return place + state_of(dataset_called(name))


@functools.cache
def chunks():
    """The datasets of each chunk, by its name; one whose samples have several jobs is a chunk by itself."""
    return chunks_of(
        {
            name: (
                None
                if any(shards_of(each) > 1 for each in (name, *sources_of(name)))
                else bytes_of(name)
            )
            for name in DATASETS
        },
        {name: origin_of(name) for name in DATASETS if source_of(name) is not None},
    )


@functools.cache
def chunk_of(name):
    """The chunk that a dataset is in."""
    return next(chunk for chunk, names in chunks().items() if name in names)


@functools.cache
def shards_of(name):
    """How many jobs share the samples of a dataset; 1 where there are none yet."""
    if not inputs_of(name) and bytes_of(name) == 0:
        return 1
    return num_shards(DATASETS[name].get("scatter"), bytes_of(name))


def names_in(wildcards):
    """The datasets of a job."""
    if "name" in wildcards.keys():
        return (wildcards.name,)
    return chunks()[wildcards.chunk]


def recordings(wildcards):
    """The recordings of a job's datasets, and their times."""
    return [
        file
        for name in names_in(wildcards)
        for file in (*inputs_of(name), *times_of(name))
    ]


def gathered(wildcards):
    """What was made of the samples of those datasets that have several jobs."""
    return [
        f"{RESULTS}/artifacts/{name}.json"
        for name in names_in(wildcards)
        if shards_of(name) > 1
    ]


def sources(wildcards):
    """What tells of the chunks that build what a job's datasets are made of, where these are not its own."""
    names = names_in(wildcards)
    found = dict.fromkeys(
        source
        for name in names
        if (source := source_of(name)) is not None and source not in names
    )
    return list(
        dict.fromkeys(f"{RESULTS}/chunks/{chunk_of(name)}.json" for name in found)
    )


def words(wildcards, input):
    """NAME=PATH for each dataset of a job, and NAME:timestamps=PATH where Snakemake has it in another place."""
    files = iter(input.recordings)
    found = []
    for name in names_in(wildcards):
        path, given = own_path(name), list(islice(files, len(inputs_of(name))))
        if is_uri(name):
            given = []
        name = origin_of(name)
        if given and (name in OBJECTS or given[0] != os.path.normpath(path)):
            path = given[0]
        found.append(f"{name}={path}")
        times = times_of(name)
        found += [
            f"{name}:timestamps={file}"
            for file in islice(files, len(times))
            if file not in times
        ]
    # What several datasets are made of is named once.
    found = list(dict.fromkeys(found))
    if sum(map(len, found)) < MOST_IN_A_WORD:
        return found
    return ["--listed", stored("\0".join(found))]


def is_kept(name):
    """Whether the recording is still there when all jobs have ended."""
    files = inputs_of(name) if is_to_come(name) else ()
    return not any(
        is_flagged(file, "storage_object") or is_flagged(made_by(str(file)), "temp")
        for file in files
    )


def entry_of(name):
    """A dataset's entry without its path; what goes after the jobs cannot be linked."""
    entry = {key: value for key, value in DATASETS[name].items() if key != "path"}
    is_linked = "from" not in entry and not is_kept(name)
    if entry.get("full_resolution", "auto") == "auto" and is_linked:
        entry["full_resolution"] = "store"
    return entry


def entries(wildcards):
    """The entries of a job's datasets, and the panels of their pictures, printed for `build-chunk --entries -`."""
    names = names_in(wildcards)
    panels = {name: dict(CONFIGURED.panel_of(name)) for name in names}
    return printing(
        as_json(
            {
                "datasets": {name: entry_of(name) for name in names},
                **others(names),
                "panels": {name: panel for name, panel in panels.items() if panel},
            }
        )
    )


def others(names):
    """The entries of what some datasets are made of that other jobs build, as `build-chunk` takes them."""
    found = [each for name in names for each in sources_of(name) if each not in names]
    entries = {name: entry_of(name) for name in dict.fromkeys(found)}
    return {"sources": entries} if entries else {}


def state(wildcards):
    """The states of the files of a job's datasets; another one, even an older one, is built again.

    They are the main process's to compare: to tell some, recordings are opened, for which jobs may have no memory.
    """
    if not workflow.is_main_process:
        return []
    return [state_called(name) for name in names_in(wildcards)]


def shards(wildcards):
    """The shards of a dataset, in order."""
    count = shards_of(wildcards.name)
    return [
        f"{RESULTS}/shards/{wildcards.name}/{shard}-of-{count}.json"
        for shard in range(count)
    ]


def samples_entry(wildcards):
    """What of a dataset's entry decides its samples, printed for `build-chunk --entries -`."""
    entry = without_descriptions(entry_of(wildcards.name))
    entry.pop("scatter", None)
    told = {"datasets": {wildcards.name: entry}, **others([wildcards.name])}
    return printing(as_json(told))


def outlook():
    """What this build will read and write. Raises BuildError where it does not fit."""
    from seriesview.build.outlook import build_outlook

    datasets = CONFIGURED.datasets
    to_come = [dataset.name for dataset in datasets if is_to_come(dataset.name)]
    found = build_outlook(
        [dataset for dataset in datasets if dataset.name not in to_come],
        Results(Path(RESULTS)).work,
        store_of(STORE),
    )
    later = [f"not yet made: the recordings of {', '.join(to_come)}"] if to_come else []
    print("\n".join([found.text(), *later]), file=sys.stderr)
    return found


@functools.cache
def tell_outlook():
    """Say what a dry run would do, unless `seriesview build` does."""
    is_told = OUTLOOK_IS_TOLD in os.environ
    if workflow.is_main_process and workflow.output_settings.dryrun and not is_told:
        try:
            outlook()
        except SeriesviewError as error:
            raise WorkflowError(str(error)) from None


def outcomes(wildcards):
    """What tells of each chunk's datasets."""
    tell_outlook()
    return [f"{RESULTS}/chunks/{chunk}.json" for chunk in chunks()]


def outcomes_of_session(wildcards):
    """What tells of the chunks of a session's datasets."""
    names = set(SESSIONS[wildcards.session].datasets)
    return [
        f"{RESULTS}/chunks/{chunk}.json"
        for chunk, taken in chunks().items()
        if not names.isdisjoint(taken)
    ]


@functools.cache
def all_noted():
    """What is known of all sessions, in a word."""
    return in_a_word(CONFIGURED.label, CONFIGURED.sessions)


def noted(wildcards):
    """What is known of a job's sessions, in a word: of others the index is another one."""
    if "session" in wildcards.keys():
        return in_a_word(CONFIGURED.label, [SESSIONS[wildcards.session]])
    return all_noted()


def listed(wildcards, input):
    """The files that a job takes, printed a line each: thousands fit on no command line."""
    files = input.get("shards") or input.get("outcomes") or input
    return printing("\n".join(files))


def workspace_json(wildcards):
    """What the workspace needs of the configuration, printed for `build-workspace --config -`; no paths."""
    found = {key: CONFIG.get(key) for key in ("workspace", "id", "views")}
    datasets = {name: {"path": name} for name in DATASETS}
    told = {key: value for key, value in found.items() if value}
    return printing(as_json({"datasets": datasets, **told}))
