"""The configuration that is meant: one that is written, or that of everything which some recordings hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from os import PathLike, fspath
from pathlib import Path
from typing import Any, cast

from seriesview.build.findings import Entry, dataset_name, entries_of, name_of
from seriesview.config import check_config, load_config, with_defaults
from seriesview.config.yaml_file import read_yaml_bytes
from seriesview.errors import ConfigError, ReaderError
from seriesview.pipeline.default_views import default_views
from seriesview.readers.registry import located

Source = Mapping[str, Any] | str | PathLike[str] | Sequence[str | PathLike[str]]

CONFIG_FILE = "config.yaml"
_NAMED = 3
_TYPES_WITHOUT_SAMPLES = ("event", "interval")


@dataclass(frozen=True)
class Chosen:
    """What of some recordings is shown; `left_out`: what is not, and why; `is_whole`: all that can be is.

    `otherwise`: what is shown, and can be read as another type of series too.
    """

    entries: Sequence[Entry]
    left_out: Sequence[str]
    is_whole: bool
    otherwise: Sequence[str]

    @property
    def notes(self) -> list[str]:
        """What people should know, in lines."""
        guesses = [f"{entry.name}: guessed: {guess}" for entry in self.entries for guess in entry.guesses]
        return [*(f"left out: {note}" for note in self.left_out), *guesses]

    def content(self, label: str) -> dict[str, Any]:
        """What a config.yaml of them says."""
        datasets = {entry.name: dict(entry.keys) for entry in self.entries}
        return {"workspace": label, "datasets": datasets, "views": default_views(self.entries, label)}


def label_of(recordings: Sequence[Path]) -> str:
    """What a workspace of recordings is called."""
    names = [name_of(path) for path in recordings]
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def choose(
    recordings: Sequence[str],
    given: Mapping[str, Any],
    how_to_say: Callable[[str, Sequence[str]], str],
    reader: str | None = None,
    follow_external: bool = False,
) -> Chosen:
    """Everything that recordings hold and that can be shown, with what is `given` put where files say nothing.

    `how_to_say`: what to type for keys of a path that are still open. Raises ReaderError where nothing can be shown.
    """
    found = entries_of(recordings, reader, follow_external, given)
    entries, still_open = _filled_in(found.entries, given, how_to_say)
    left_out = [*still_open, *found.unreadable, *found.notes]
    if not entries:
        if len(recordings) == 1 and (still_open or len(left_out) == 1):
            raise ReaderError(left_out[0])
        reasons = f" ({'; '.join(left_out)})" if left_out else ""
        raise ReaderError(f"{', '.join(recordings)}: nothing in there can be shown{reasons}")
    paths = {entry.keys["path"] for entry in found.entries}
    is_whole = not found.unreadable and {entry.keys["path"] for entry in entries} == paths
    return Chosen(entries, left_out, is_whole, found.otherwise)


def _filled_in(
    entries: Sequence[Entry], given: Mapping[str, Any], how_to_say: Callable[[str, Sequence[str]], str]
) -> tuple[list[Entry], list[str]]:
    """The entries with what is given put where files say nothing, else into every series of samples.

    Then what is still open, and cannot be shown before it is said: a line each.
    """
    keys = [entry.keys for entry in entries]
    for key, value in given.items():
        is_description = key in ("unit", "scale", "offset", "missing")
        # What could not be opened without it has it already.
        left_open = [
            entry
            for entry in keys
            if key in entry and (entry[key] is None or (entry[key] == value and not is_description))
        ]
        sampled = [entry for entry in keys if entry.get("type") not in _TYPES_WITHOUT_SAMPLES]
        for entry in left_open or sampled:
            entry[key] = value
    complete, still_open = [], []
    for each in entries:
        missing = [key for key, value in each.keys.items() if value is None]
        if not missing:
            complete.append(each)
            continue
        place = " ".join(str(part) for part in (each.keys["path"], each.keys.get("dataset")) if part)
        reason = each.problem or f"the file does not say {', '.join(missing)}"
        still_open.append(f"{place}: {reason}; say it: {how_to_say(each.keys['path'], missing)}")
    return complete, still_open


def configuration_of(
    source: Source, workspace: str | None, keys: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The checked content of a configuration, its defaults filled in, and lines that people should know.

    `source`: a configuration, the path of one or of a folder with one, or recordings, with `keys`. Raises ConfigError,
    ReaderError.
    """
    single = source if isinstance(source, str | PathLike) else None
    path = located(fspath(single)) if single is not None else None
    if path is not None and path.is_dir() and (path / CONFIG_FILE).is_file():
        path = path / CONFIG_FILE
    is_file = path is not None and path.suffix in (".yaml", ".yml")
    if not isinstance(source, Mapping) and not is_file:
        given = {key: plain(value) for key, value in keys.items() if value is not None}
        files = [single] if single is not None else cast(Sequence[str | PathLike[str]], source)
        return _recordings_configuration([fspath(file) for file in files], workspace, given)
    if keys:
        raise ConfigError([f"{', '.join(keys)}: a configuration is given, not recordings: write it there"])
    if path is not None:
        content = load_config(path)
    else:
        content = plain(source)
        check_config(content)
        content = with_defaults(content)
    return {**content, **({} if workspace is None else {"workspace": workspace})}, []


def _recordings_configuration(
    recordings: Sequence[str], workspace: str | None, given: dict[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    if not recordings:
        raise ConfigError(["no recording is given"])
    reader, follow_external = given.pop("reader", None), bool(given.pop("follow_external", False))
    check_config({"datasets": {"recording": {"path": recordings[0], **given}}}, "build_workspace")
    chosen = choose(recordings, given, as_argument, reader, follow_external)
    content = chosen.content(workspace or label_of([located(path) for path in recordings]))
    check_config(content)
    return content, chosen.notes


def dataset_configuration(
    path: str | PathLike[str], name: str | None, keys: Mapping[str, Any]
) -> dict[str, Any]:
    """The checked content of a configuration of one dataset, which `keys` open. Raises ConfigError."""
    entry = {"path": fspath(path), **{key: plain(value) for key, value in keys.items() if value is not None}}
    called = name or dataset_name(name_of(located(entry["path"])), entry.get("dataset"))
    content = {"datasets": {called: entry}}
    check_config(content, "build_dataset")
    return content


def workspace_configuration(text: bytes | None, name: str, series: Sequence[str]) -> dict[str, Any]:
    """What a configuration in YAML or JSON that came from `name` says beside its datasets. Raises ConfigError.

    Where it names no datasets its panels may show the `series` alone.
    """
    if text is None:
        return {}
    content, repeated = read_yaml_bytes(text, name)
    if isinstance(content, dict) and "datasets" not in content:
        content = {**content, "datasets": {each: {"path": each} for each in series}}
    check_config(content, name, repeated)
    checked: dict[str, Any] = content
    return checked


def as_argument(_: str, keys: Sequence[str]) -> str:
    """What to type in Python for keys that are still open."""
    return ", ".join(f"{key}=..." for key in keys)


def plain(value: Any) -> Any:
    """What a user's Python says as YAML says it: paths and dates as text, tuples as lists, numpy's numbers."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, date):
        return value.isoformat()
    return value.item() if hasattr(value, "dtype") and getattr(value, "shape", None) == () else value
