"""What the configuration says about one dataset, split into what chooses samples and what only describes them."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from seriesview.build.missing import missing_from_config
from seriesview.errors import Code, ReaderError, SeriesviewError
from seriesview.layout.remote_path import is_remote, located
from seriesview.readers.protocol import ReadOptions, Recording
from seriesview.readers.registry import check_name, why_not_there
from seriesview.store import Store, parse_uri

FullResolution = Literal["auto", "link", "store", "omit", "compute"]

# Keys that change words and units in the manifest only: a change of these reads no samples again.
_LISTS_OF_CHANNELS = ("channel_labels", "channel_types", "bad_channels")
_KEYS_OF_DERIVED = ("source", "steps", "spectrogram")
DESCRIPTIVE_KEYS = ("label", "unit", "scale", "offset", *_LISTS_OF_CHANNELS, "best_channels", "session_start")


@dataclass(frozen=True)
class Dataset:
    """One dataset of the configuration."""

    name: str
    path: str
    reader: str | None
    options: ReadOptions
    label: str | None = None
    full_resolution: FullResolution = "auto"
    base: int | None = None
    ratio: int | None = None
    max_gap_seconds: float | None = None
    max_time_shift: float | None = None
    channel_types: tuple[str, ...] | None = None
    bad_channels: tuple[str, ...] | None = None
    best_channels: Mapping[str, str] | None = None
    files: tuple[str, ...] | None = None
    source: Dataset | None = None
    """What it is made of, by its steps; its path is that one's."""
    steps: tuple[Mapping[str, Any], ...] = ()
    spectrogram: Mapping[str, Any] | None = None
    """Of what the steps make."""

    @property
    def origin(self) -> Dataset:
        """The dataset that has the recording: itself, where it is not made of another."""
        return self if self.source is None else self.source.origin

    @property
    def own_name(self) -> str:
        """Its name in its workspace: that of a session's dataset has the session in front, SESSION/NAME."""
        return self.name.rpartition("/")[2]

    @property
    def is_kachery_uri(self) -> bool:
        """Whether the recording is named by a kachery URI instead of a path."""
        return self.path.startswith("sha1://")


def dataset_from_config(
    name: str, config: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]] | None = None
) -> Dataset:
    """Dataset of the validated `datasets:` entry called `name`; `others` has those that it may be made of, by name."""
    if "from" in config:
        session, slash, _ = name.rpartition("/")
        called = f"{session}{slash}{config['from']}"
        source = dataset_from_config(called, (others or {})[called], others)
        given = {
            "steps": (),
            **{key: value for key, value in config.items() if key not in ("from", "scatter")},
        }
        own = {**given, "steps": tuple(given["steps"]), "path": source.path, "source": source}
        return Dataset(name=name, reader=None, options=ReadOptions(), **own)
    given = {key: value for key, value in config.items() if value is not None}
    for key in (*_LISTS_OF_CHANNELS, "files"):
        if key in given:
            given[key] = tuple(given[key])
    if "limits" in given:
        given["limits"] = tuple(sorted(given["limits"]))
    if "missing" in given:
        given["missing"] = missing_from_config(given["missing"])
    options, own = (
        {field.name: given[field.name] for field in fields(kind) if field.name in given}
        for kind in (ReadOptions, Dataset)
    )
    return Dataset(**{"reader": None, **own, "name": name, "options": ReadOptions(**options)})


def unused_keys(dataset: Dataset, recording: Recording) -> str | None:
    """The keys given that mean nothing for this recording, and why, in one line."""
    given = {
        "missing": dataset.options.missing,
        "max_gap_seconds": dataset.max_gap_seconds,
        "max_time_shift": dataset.max_time_shift,
    }
    keys = [key for key, value in given.items() if value is not None]
    if recording.type in ("event", "interval"):
        reason = f"{recording.type}s have no samples"
    elif recording.sampling_frequency is not None:
        keys = [key for key in keys if key != "missing"]
        reason = (
            "it has a rate and no timestamps"
            if recording.segments is None
            else "the recording itself says where its segments begin"
        )
    else:
        return None
    return f"{', '.join(keys)}: not used, as {reason}" if keys else None


def without_descriptions(config: Mapping[str, Any]) -> dict[str, Any]:
    """The entry without the keys that only describe: equal results mean equal artifacts."""
    return {key: value for key, value in config.items() if key not in DESCRIPTIVE_KEYS}


def undescribed(dataset: Dataset) -> Dataset:
    """The dataset without what only describes it: what is made of its samples does not depend on that."""
    options, own = (_words_of(kind) for kind in (ReadOptions, Dataset))
    return replace(dataset, **own, options=replace(dataset.options, **options))


def _words_of(kind: type[ReadOptions] | type[Dataset]) -> dict[str, Any]:
    return {field.name: None for field in fields(kind) if field.name in DESCRIPTIVE_KEYS}


def what_decides_samples(dataset: Dataset) -> dict[str, Any]:
    """What of a dataset its artifacts depend on, beside the bytes of its file, as JSON has it."""
    # Signatures of addresses change, and what they lead to does not.
    path = dataset.path if dataset.is_kachery_uri else str(located(dataset.path).absolute())
    content = {**vars(replace(undescribed(dataset), name="", path=path, source=None))}
    if dataset.source is None:
        for key in _KEYS_OF_DERIVED:
            del content[key]
    else:
        words = descriptions(dataset.source)
        heeded = {key: words[key] for key in ("unit", "scale", "offset", *_LISTS_OF_CHANNELS)}
        content["source"] = {**what_decides_samples(dataset.source), "described": heeded}
    decides: dict[str, Any] = json.loads(json.dumps(content, default=vars))
    return decides


def descriptions(dataset: Dataset) -> dict[str, Any]:
    """What of a dataset its series' manifest alone depends on, as JSON has it."""
    given = {**vars(dataset.options), **vars(dataset)}
    described = {key: given.get(key) for key in DESCRIPTIVE_KEYS}
    found: dict[str, Any] = json.loads(json.dumps(described, default=vars))
    return found if dataset.source is None else {**found, "from": descriptions(dataset.source)}


def reason_of(error: SeriesviewError, name: str) -> str:
    """What an error says, without the name of the dataset that it is about."""
    place = f"dataset {name}"
    return str(error.at(*error.where[1:]) if error.where[:1] == (place,) else error)


@contextmanager
def naming_dataset(dataset: Dataset) -> Iterator[None]:
    """Put the dataset's name in front of every message raised inside, unless it is of another dataset."""
    place = f"dataset {dataset.name}"
    try:
        yield
    except SeriesviewError as error:
        if "dataset" in error.facts:
            raise
        raise error.within(place, dataset=dataset.name) from error
    except MemoryError as error:
        problem = ReaderError("not enough memory to read this", file=dataset.path, code="no-memory")
        raise problem.within(place, dataset=dataset.name) from error
    except OSError as error:
        code: Code = "no-space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "recording-unreadable"
        problem = ReaderError(error.strerror or str(error), file=error.filename or dataset.path, code=code)
        raise problem.within(place, dataset=dataset.name) from error
    except Exception as error:  # another library's code may fail in any way
        problem = ReaderError(f"{type(error).__name__}: {error}", file=dataset.path, code="internal-error")
        raise problem.within(place, dataset=dataset.name) from error


@contextmanager
def located_source(dataset: Dataset, store: Store) -> Iterator[Path]:
    """Path of the recording's file or folder; a kachery URI gets its own name, so that readers can guess by it.

    Beside it lie the `files` that belong to it, under theirs. Raises ReaderError where there is no such file,
    MissingArtifactError where kachery does not have it.
    """
    if not dataset.is_kachery_uri:
        path = located(dataset.path)
        check_name(path)
        if not path.exists():
            raise ReaderError(f"path: {path}: {why_not_there(path)}")
        if not (path.is_file() or path.is_dir()):
            raise ReaderError(f"path: {path}: not a file or folder")
        if not is_remote(path) and not os.access(path, os.R_OK):
            raise ReaderError(f"path: {path}: not readable by you")
        if dataset.files is not None:
            raise ReaderError(
                "files: they are named for a sha1:// URI; what belongs to a path is found beside it"
            )
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="seriesview-") as directory:
        uris = [dataset.path, *(dataset.files or ())]
        names = [Path(parse_uri(uri)[1] or "file.dat").name for uri in uris]
        if len(set(names)) < len(names):
            raise ReaderError(
                f"files: two of them are called the same; they lie side by side: {', '.join(names)}"
            )
        for uri, name in zip(uris, names, strict=True):
            (Path(directory) / name).symlink_to(store.path(uri))
        advice = "what lies beside a file comes along where `files:` names it: [sha1://HASH/NAME, ...]"
        try:
            yield Path(directory) / names[0]
        except ReaderError as error:
            raise (error if dataset.files else error.advised(advice)) from error
        except FileNotFoundError as error:
            lacking = Path(error.filename or "a file").name
            raise ReaderError(f"{lacking} is not beside it", file=dataset.path, advice=advice) from error
