"""`seriesview view`: from a recording to a picture in a browser, in one command."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from seriesview.cli.arguments import (
    CONFIG_FILE,
    NUMBER,
    follow_option,
    open_reading_store,
    resolve_workspace,
    storage_option,
)
from seriesview.cli.link_server import ServeOptions, say, serve_figure, serve_options

if TYPE_CHECKING:
    from seriesview.cli.findings import Entry

Command = TypeVar("Command", bound=Callable[..., Any])

FAILED_STATUS = 2
_SUFFIX = ".seriesview"
_NAMED = 3
_TYPES_WITHOUT_SAMPLES = ("event", "interval")

# Keys of a dataset's entry that a file may leave open -> the option's type and help.
_ENTRY_OPTIONS: dict[str, tuple[Any, str]] = {
    "dtype": (str, "Dtype of a flat binary file, such as int16."),
    "channels": (click.IntRange(min=1), "Number of channels of a flat binary file."),
    "sampling_frequency": (float, "Samples a second (Hz), where the file does not say."),
    "byte_offset": (click.IntRange(min=0), "Bytes before the first sample of a flat binary file."),
    "timestamps": (str, "Dataset or column that holds the time of each sample."),
    "unit": (str, "Unit of the physical values, such as uV."),
    "scale": (float, "Physical value = stored value * scale."),
    "missing": (NUMBER, "A stored value that stands for no value, such as -9999."),
}


def _entry_options(command: Command) -> Command:
    for key, (kind, text) in reversed(_ENTRY_OPTIONS.items()):
        command = click.option(_option_name(key), key, type=kind, help=text)(command)
    return command


def _option_name(key: str) -> str:
    return f"--{key.replace('_', '-')}"


@click.command(short_help="Show recordings in a browser; build what is missing.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Where configuration and results go.  [default: RECORDING{_SUFFIX} beside the first recording, else here; "
    "the folder of a config.yaml]",
)
@click.option(
    "--reader", help="Reader to use, such as hdf5, nwb, npy, arrow, csv or binary.  [default: guessed]"
)
@_entry_options
@follow_option
@storage_option
@serve_options
def command(
    paths: tuple[str, ...],
    directory: Path | None,
    reader: str | None,
    follow_external: bool,
    storage_dir: Path | None,
    **options: Any,
) -> int:
    """Show what PATH holds in a browser: build what is missing, print a link, and answer it until Ctrl-C.

    PATH is a recording, or several of them; a config.yaml or a folder with one; a results/workspace.json, a sha1://
    URI, a link, or a gs:// or s3:// address of something published. Recordings get a folder of their own with a
    config.yaml that you may edit, and with all that is built; the command says which. What is built already is not
    built again. Everything else is as with `seriesview serve`.

    Links show what PATH holds, and nothing else of the storage directory, unless --all is given.

    A link may be old, printed, and of any host: what it names is shown from the storage directory here, with the range
    and the settings that it holds. What was exported or published is opened where it is.

    \b
    Examples:
      seriesview view session.nwb
      seriesview view raw.dat spikes.csv --dtype int16 --channels 32 --sampling-frequency 30000
      seriesview view config.yaml
      seriesview view 'http://127.0.0.1:20431/f?v=/view/seriesview&d=4f2a...&s=...'
    """
    from seriesview.cli.old_links import is_address, say_what_is_missing, view_link
    from seriesview.cli.serve import figure_label

    given = {key: value for key in _ENTRY_OPTIONS if (value := options.pop(key)) is not None}
    serving = ServeOptions(**options)
    if len(paths) == 1 and is_address(paths[0]):
        view_link(paths[0], storage_dir, serving)
        return 0
    if len(paths) == 1 and _is_result(paths[0]):
        store = open_reading_store(storage_dir)
        uri = resolve_workspace(paths[0], store)
        say_what_is_missing(uri, store)
    else:
        _keep_places(storage_dir)
        config = _existing_config(paths, directory)
        if config is None:
            config = _recordings_config(
                [Path(path).expanduser().absolute() for path in paths],
                directory,
                reader,
                given,
                follow_external,
            )
        elif given or reader or follow_external:
            raise click.UsageError(f"what {config} does not say is written into it, not given as an option")
        if not _build(config, directory or config.parent):
            return FAILED_STATUS
        store = open_reading_store(_configured_storage(config))
        uri = resolve_workspace("results/workspace.json", store)
    serve_figure(uri, figure_label(uri, store), store.directory, serving)
    return 0


def _is_result(path: str) -> bool:
    return path.startswith("sha1://") or path.endswith(".json")


def _keep_places(storage_dir: Path | None) -> None:
    """Name the storage directory, where it is named, so that it does not depend on the working directory."""
    named = os.environ.get("KACHERY_STORAGE_DIR") or storage_dir
    if named:
        os.environ["KACHERY_STORAGE_DIR"] = str(Path(named).expanduser().absolute())


def _existing_config(paths: Sequence[str], directory: Path | None) -> Path | None:
    """The config.yaml that is meant, None where recordings are. Raises ConfigError."""
    from seriesview.errors import ConfigError

    for text in paths:
        path = Path(text).expanduser().absolute()
        config = path / CONFIG_FILE if path.is_dir() else path
        if config.suffix not in (".yaml", ".yml"):
            continue
        if len(paths) > 1:
            raise ConfigError([f"{text}: give one configuration alone, or recordings"])
        if not config.is_file():
            hint = "name recordings, or write one with `seriesview init FILE...`"
            raise ConfigError([f"{text}: there is no {CONFIG_FILE} in it; {hint}"])
        return config
    return None


def _recordings_config(
    recordings: Sequence[Path],
    directory: Path | None,
    reader: str | None,
    given: Mapping[str, Any],
    follow_external: bool,
) -> Path:
    """The config.yaml of some recordings, written unless there is one that names them. Raises SeriesviewError."""
    from seriesview.build.results import write_whole
    from seriesview.cli.findings import entries_of
    from seriesview.cli.init import config_document
    from seriesview.errors import ReaderError

    for path in recordings:
        if not path.exists():
            raise ReaderError(f"{path}: no such file")
    config = (directory.expanduser().absolute() if directory else _own_folder(recordings[0])) / CONFIG_FILE
    if not (given or reader or follow_external) and _names_all(config, recordings):
        say(f"as {config} says")
        return config
    entries, notes = entries_of([str(path) for path in recordings], reader, follow_external)
    if not entries:
        names = ", ".join(str(path) for path in recordings)
        reason = f" ({'; '.join(notes)})" if notes else ""
        raise ReaderError(f"{names}: nothing in there can be shown{reason}")
    entries, left_open = _complete(entries, given)
    notes += left_open
    for note in notes:
        say(f"left out: {note}")
    for entry in entries:
        for guess in entry.guesses:
            say(f"{entry.name}: guessed: {guess}")
    _fill_in(entries, given)
    text = config_document(entries, notes, _label(recordings)).encode()
    if not config.is_file() or config.read_bytes() != text:
        write_whole(config, text)
    say(f"configuration and results: {config.parent}")
    return config


def _label(recordings: Sequence[Path]) -> str:
    names = [path.stem for path in recordings]
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _own_folder(recording: Path) -> Path:
    """The folder for what is made of a recording: beside it where that can be written, else here."""
    own = recording.with_name(recording.name + _SUFFIX)
    can_write = os.access(own if own.exists() else own.parent, os.W_OK | os.X_OK)
    return own if can_write else Path.cwd() / own.name


def _names_all(config: Path, recordings: Sequence[Path]) -> bool:
    """Whether there is a configuration of just these recordings."""
    from seriesview.config import read_yaml

    if not config.is_file():
        return False
    content, _ = read_yaml(config)
    datasets = content.get("datasets") if isinstance(content, dict) else None
    if not isinstance(datasets, dict):
        return False
    named = {entry.get("path") for entry in datasets.values() if isinstance(entry, dict)}
    return named == {str(path) for path in recordings}


def _complete(entries: Sequence[Entry], given: Mapping[str, Any]) -> tuple[list[Entry], list[str]]:
    """The entries that `given` completes, and what the others lack; all of them where none is complete."""
    lacking = {
        entry.name: [key for key, value in entry.keys.items() if value is None and key not in given]
        for entry in entries
    }
    complete = [entry for entry in entries if not lacking[entry.name]]
    if not complete:
        return list(entries), []
    notes = []
    for entry in entries:
        if lacking[entry.name]:
            what = f"{entry.keys['path']} {entry.keys.get('dataset', '')}".rstrip()
            reason = entry.problem or f"the file does not say {', '.join(lacking[entry.name])}"
            notes.append(f"{what}: {reason}")
    return complete, notes


def _fill_in(described: Sequence[Entry], given: Mapping[str, Any]) -> None:
    """Put options where files say nothing, else into every series of samples. Raises ReaderError: not enough."""
    from seriesview.errors import ReaderError

    entries = [entry.keys for entry in described]
    for key, value in given.items():
        left_open = [entry for entry in entries if entry.get(key, "") is None]
        sampled = [entry for entry in entries if entry.get("type") not in _TYPES_WITHOUT_SAMPLES]
        for entry in left_open or sampled:
            entry[key] = value
    for entry, of_file in zip(entries, described, strict=True):
        missing = [key for key, value in entry.items() if value is None]
        if missing:
            options = " ".join(
                f"{_option_name(key)} {key.upper()}" for key in missing if key in _ENTRY_OPTIONS
            )
            again = f"seriesview view {shlex.quote(entry['path'])} {options}"
            reason = of_file.problem or f"the file does not say {', '.join(missing)}"
            raise ReaderError(f"{entry['path']}: {reason}; say it: {again}")


def _build(config: Path, directory: Path) -> bool:
    """Build in the directory, which becomes the working directory; returns whether there is something to show."""
    from seriesview.cli.build import build_quietly

    directory.mkdir(parents=True, exist_ok=True)
    os.chdir(directory)
    return build_quietly(config)


def _configured_storage(config: Path) -> Path | None:
    from seriesview.config import load_config

    named = (load_config(config).get("store") or {}).get("storage_dir")
    return Path(named) if named else None
