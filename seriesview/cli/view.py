"""`seriesview view`: from a recording to a picture in a browser, in one command."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from seriesview.cli.arguments import (
    CONFIG_FILE,
    follow_option,
    open_reading_store,
    resolve_workspace,
    storage_option,
)
from seriesview.cli.entry_options import entry_options, given_keys, option_name
from seriesview.cli.link_server import ServeOptions, say, serve_options, serve_view

FAILED_STATUS = 2
MISSING_STATUS = 1
_SUFFIX = ".seriesview"
_LONGEST_NAME = 255
# What a file may leave open.
ENTRY_KEYS = (
    "dtype",
    "channels",
    "sampling_frequency",
    "byte_offset",
    "order",
    "allow_truncated",
    "timestamps",
    "timezone",
    "session_start",
    "start_time",
    "header_lines",
    "unit",
    "scale",
    "offset",
    "missing",
)


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
@entry_options(*ENTRY_KEYS)
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
    from seriesview.figures.finding import linked, stored
    from seriesview.figures.links import is_address

    given = given_keys(options)
    serving = ServeOptions(**options)
    is_whole = True
    if len(paths) == 1 and is_address(paths[0]):
        serve_view(linked(paths[0], lambda: open_reading_store(storage_dir), say), serving)
        return 0
    if len(paths) == 1 and _is_result(paths[0]):
        store = open_reading_store(storage_dir)
        shown = stored(resolve_workspace(paths[0], store), store, say)
    else:
        _keep_places(storage_dir)
        named = _existing_config(paths, directory)
        if named is not None:
            config = named
            if given or reader or follow_external:
                raise click.UsageError(
                    f"what {config} does not say is written into it, not given as an option"
                )
        else:
            config, is_whole = _recordings_config(
                [Path(path).expanduser().absolute() for path in paths],
                directory,
                reader,
                given,
                follow_external,
            )
        if not _build(config, directory or config.parent):
            return FAILED_STATUS
        store = open_reading_store(_configured_storage(config))
        shown = stored(resolve_workspace("results/workspace.json", store), store)
    serve_view(shown, serving)
    return 0 if is_whole else MISSING_STATUS


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
) -> tuple[Path, bool]:
    """The config.yaml of some recordings, written unless there is one that names them, and whether it names all.

    Raises SeriesviewError where none can be shown.
    """
    from seriesview.build.results import write_whole
    from seriesview.pipeline.config_file import config_document
    from seriesview.pipeline.recordings import choose, label_of

    first = next((path for path in recordings if path.exists()), recordings[0])
    config = (directory.expanduser().absolute() if directory else _own_folder(first)) / CONFIG_FILE
    if not (given or reader or follow_external) and _names_all(config, recordings):
        say(f"as {config} says")
        return config, True
    chosen = choose([str(path) for path in recordings], given, _again, reader, follow_external)
    for note in chosen.notes:
        say(note)
    text = config_document(chosen.entries, chosen.left_out, label_of(recordings)).encode()
    if not config.is_file() or config.read_bytes() != text:
        write_whole(config, text)
    say(f"configuration and results: {config.parent}")
    return config, chosen.is_whole


def _again(path: str, keys: Sequence[str]) -> str:
    """The command that says what a recording leaves open."""
    options = " ".join(f"{option_name(key)} {key.upper()}" for key in keys if key in ENTRY_KEYS)
    return f"seriesview view {shlex.quote(path)} {options}"


def _own_folder(recording: Path) -> Path:
    """The folder for what is made of a recording: beside it where that can be written, else here."""
    own = recording.with_name(_folder_name(recording.name))
    can_write = os.access(own if own.exists() else own.parent, os.W_OK | os.X_OK)
    return own if can_write else Path.cwd() / own.name


def _folder_name(name: str) -> str:
    """The recording's name and the suffix; cut where that is longer than names may be, and told apart by a hash."""
    if len(os.fsencode(name + _SUFFIX)) <= _LONGEST_NAME:
        return name + _SUFFIX
    mark = f"-{hashlib.sha1(os.fsencode(name)).hexdigest()[:8]}{_SUFFIX}"
    return os.fsencode(name)[: _LONGEST_NAME - len(mark)].decode("utf-8", "ignore") + mark


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
