"""Where a configuration is built: its own folder, or one of recordings, with a config.yaml that people may edit."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.build.results import write_whole
from seriesview.config import check_config, load_config, read_yaml
from seriesview.errors import ConfigError, ReaderError
from seriesview.pipeline.config_file import config_document
from seriesview.pipeline.followable import check_apart
from seriesview.pipeline.in_process import PreparedBuild
from seriesview.pipeline.recordings import CONFIG_FILE, as_argument, choose, label_of, plain
from seriesview.pipeline.results import Results
from seriesview.readers.registry import (
    as_text,
    choose_reader,
    is_remote,
    located,
    reads_folders,
    the_recording,
)
from seriesview.store import Store

SUFFIX = ".seriesview"
_LONGEST_NAME = 255


@dataclass(frozen=True)
class OwnFolder:
    """A configuration, and the folder where it is built; `left_out`: what recordings hold and it does not, and why.

    `is_whole`: whether everything that was meant is in it.
    """

    config: Path
    folder: Path
    left_out: tuple[str, ...] = ()
    is_whole: bool = True

    def prepared(self, store: Store | str | Path | None = None) -> PreparedBuild:
        """What is to be built, results and all; paths are relative to the folder. Raises SeriesviewError.

        `store` comes before what the configuration names.
        """
        content = load_config(self.config)
        if content.get("sessions"):
            how = "`seriesview build` builds them, and `seriesview serve` opens their index"
            raise ConfigError([f"{self.config}: names sessions, each a workspace of its own: {how}"])
        datasets = {
            name: {**entry, "path": self._anchored(entry["path"])}
            for name, entry in content["datasets"].items()
        }
        named = content.get("store") or {}
        if named.get("storage_dir"):
            named = {**named, "storage_dir": self._anchored(named["storage_dir"])}
        results = self.folder / (content.get("results") or Results.folder)
        return PreparedBuild.of({**content, "datasets": datasets, "store": named}, results, store)

    def _anchored(self, path: str) -> str:
        return path if path.startswith(("sha1://", "~")) or is_remote(path) else str(self.folder / path)


def own_folder(
    paths: Sequence[str],
    directory: Path | None = None,
    given: Mapping[str, Any] | None = None,
    announce: Callable[[str], None] = lambda _: None,
    how_to_say: Callable[[str, Sequence[str]], str] = as_argument,
    may_write_beside: bool = True,
) -> OwnFolder:
    """The folder of a config.yaml, or of a folder with one; else of recordings, whose config.yaml is written.

    `given` are keys of a dataset, `reader` and `follow_external` among them; one that is there already and names just
    these recordings stays as it is where it says what is given. `directory`: where it is, if not beside the first
    recording, or in the configuration's folder. `announce` gets lines for people, `how_to_say` as in `choose`. Without
    `may_write_beside` nothing is written to the file system of a recording, and the folder is here. Raises ConfigError,
    ReaderError, BuildError.
    """
    given = {key: plain(value) for key, value in (given or {}).items() if value is not None}
    directory = None if directory is None else directory.expanduser().absolute()
    config = _existing_config(paths)
    if config is not None:
        if given:
            raise ConfigError(
                [f"{', '.join(given)}: what {config} does not say is written into it, not given"]
            )
        return OwnFolder(config, directory or config.parent)
    recordings = [_meant(path, given.get("reader")) for path in paths]
    first = next((path for path in recordings if path.exists()), recordings[0])
    if may_write_beside:
        folder = directory or _made_before(first, recordings) or _beside(first, given.get("reader"))
    else:
        folder = directory or Path.cwd() / folder_name(first.name)
        check_apart(map(as_text, recordings), [folder])
    config = folder / CONFIG_FILE
    if _names_all(config, recordings, given):
        announce(f"as {config} says")
        return OwnFolder(config, folder)
    reader, follow_external = given.pop("reader", None), bool(given.pop("follow_external", False))
    check_config({"datasets": {"recording": {"path": str(first), **given}}}, "what is given of recordings")
    chosen = choose([as_text(path) for path in recordings], given, how_to_say, reader, follow_external)
    for note in chosen.notes:
        announce(note)
    label = label_of(recordings)
    text = config_document(chosen.entries, chosen.left_out, label, config, chosen.otherwise).encode()
    if not config.is_file() or config.read_bytes() != text:
        write_whole(config, text)
    announce(f"configuration and results: {folder}")
    return OwnFolder(config, folder, tuple(chosen.left_out), chosen.is_whole)


def _existing_config(paths: Sequence[str]) -> Path | None:
    """The config.yaml that is meant, None where recordings are. Raises ConfigError."""
    for text in paths:
        path = located(text).absolute()
        config = path / CONFIG_FILE if (path / CONFIG_FILE).is_file() else path
        if config.suffix not in (".yaml", ".yml") or config.is_dir():
            continue
        if len(paths) > 1:
            raise ConfigError([f"{text}: give one configuration alone, or recordings"])
        if not config.is_file():
            hint = "name recordings, or write one with `seriesview init FILE...`"
            raise ConfigError([f"{text}: there is no such file; {hint}"])
        return config
    return None


def _meant(text: str, reader: str | None) -> Path:
    """The recording that a path names, absolute; what cannot be read is told later, with its reason."""
    path = located(text).absolute()
    with suppress(ReaderError):
        path = the_recording(path.resolve() if path.name == ".." else path, reader)
    return path


def _beside(recording: Path, reader: str | None = None) -> Path:
    """The folder for what is made of a recording: beside it where that can be written, else here.

    Beside a recording that is a folder, if one of its files is named: other programs' folders are not written to.
    """
    if is_remote(recording):
        return Path.cwd() / folder_name(recording.name)
    if not recording.is_dir() and _is_all_of(recording, recording.parent, reader):
        recording = recording.parent
    own = recording.with_name(folder_name(recording.name))
    can_write = os.access(own if own.exists() else own.parent, os.W_OK | os.X_OK)
    return own if can_write else Path.cwd() / own.name


def _made_before(first: Path, recordings: Sequence[Path]) -> Path | None:
    """The folder beside the first recording, or here, whose configuration names just these: no reader is asked then."""
    if is_remote(first):
        return None
    name = folder_name(first.name)
    for own in (first.with_name(name), Path.cwd() / name):
        if _names_all(own / CONFIG_FILE, recordings) and os.access(own, os.W_OK | os.X_OK):
            return own
    return None


def _is_all_of(file: Path, folder: Path, reader: str | None) -> bool:
    """Whether a folder is a recording, and holds what one of its files holds."""
    try:
        chosen = choose_reader(file, reader)
        if not reads_folders(chosen) or not chosen.can_read(folder):
            return False
        inside, outside = chosen.candidates(file), chosen.candidates(folder)
    except (ReaderError, OSError):
        return False
    return [each.dataset for each in inside] == [each.dataset for each in outside]


def folder_name(name: str) -> str:
    """The recording's name and the suffix; cut where that is longer than names may be, and told apart by a hash."""
    if len(os.fsencode(name + SUFFIX)) <= _LONGEST_NAME:
        return name + SUFFIX
    mark = f"-{hashlib.sha1(os.fsencode(name)).hexdigest()[:8]}{SUFFIX}"
    return os.fsencode(name)[: _LONGEST_NAME - len(mark)].decode("utf-8", "ignore") + mark


def _names_all(config: Path, recordings: Sequence[Path], given: Mapping[str, Any] | None = None) -> bool:
    """Whether there is a configuration of just these recordings, each dataset of which has all that is given."""
    if not config.is_file():
        return False
    content, _ = read_yaml(config)
    datasets = content.get("datasets") if isinstance(content, dict) else None
    if not isinstance(datasets, dict):
        return False
    has_given = all(
        isinstance(entry, dict) and entry.get(key) == value
        for entry in datasets.values()
        for key, value in (given or {}).items()
    )
    named = {entry.get("path") for entry in datasets.values() if isinstance(entry, dict)}
    return has_given and named == {as_text(path) for path in recordings}
