"""What commands that read share: which store, which series, which workspace."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from seriesview.errors import ConfigError, FormatError, SeriesviewError
from seriesview.series.fields import checked_uri, result_uri

if TYPE_CHECKING:
    from seriesview.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])

CONFIG_FILE = Path("config.yaml")


def _command_as_typed() -> str:
    program = Path(sys.argv[0])
    found = shutil.which("seriesview")
    if program.name != "seriesview" or (found and Path(found).samefile(program)):
        return "seriesview"
    # Relative to this directory where it was called so, as from a virtual environment that is not activated.
    path = program.absolute()
    return shlex.quote(os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path))


COMMAND = _command_as_typed()
"""What runs `seriesview` in the shell that started this process."""


class _Number(click.ParamType[int | float]):
    """A number: an integer, which may have any number of digits, or a float."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | float:
        """The number that a text is."""
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
        self.fail(f"{value!r} is not a number", param, ctx)


NUMBER = _Number()

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document, for programs.")

follow_option = click.option(
    "--follow-external",
    is_flag=True,
    help="Also what the file says is in other files outside its folder; the entry gets `follow_external: true`.",
)

storage_option = click.option(
    "--storage-dir",
    type=click.Path(path_type=Path),
    help="kachery storage directory or bucket; KACHERY_STORAGE_DIR comes first, then this, then the one that "
    "config.yaml here names, then the running daemon's, then ~/kachery-storage.",
)


job_storage_option = click.option(
    "--storage-dir",
    help="kachery storage directory or bucket; KACHERY_STORAGE_DIR comes first, then this, then the running daemon's, "
    "then ~/kachery-storage.",
)
mode_option = click.option(
    "--mode",
    type=click.Choice(["auto", "embedded", "daemon"]),
    help="auto (the default): together with a kachery daemon or node that answers and has the same directory; "
    "embedded: none is asked; daemon: one must answer.",
)


def store_options(command: Command) -> Command:
    """The options of a command that writes into a store, as `store` of the configuration has them."""
    return job_storage_option(mode_option(command))


def scratch_option(command: Command) -> Command:
    """The option of a job that writes much: `scratch` of the configuration."""
    return click.option(
        "--scratch",
        help="Folder on this machine's own disk, such as '$TMPDIR', to write packs in; they come into the store whole.",
    )(command)


def named_store(
    configured: Mapping[str, Any] | None, storage_dir: str | None, mode: str | None
) -> dict[str, Any]:
    """`store` of a configuration, with what the options say in its place."""
    options = {"storage_dir": storage_dir, "mode": mode}
    return {**(configured or {}), **{key: value for key, value in options.items() if value}}


def channel_ids(text: str | None) -> list[str] | None:
    """Ids out of a list separated by commas; None, which is all channels, where there is none."""
    return None if text is None else [identity.strip() for identity in text.split(",")]


def write_output(out: Path, content: bytes) -> None:
    """Write the file that `--out` names, whole or not at all; raises SeriesviewError."""
    from seriesview.build.results import write_in
    from seriesview.store.folders import Folder

    try:
        with Folder.at(out.parent) as folder:
            write_in(folder, out.name, content)
    except OSError as error:
        raise SeriesviewError(f"{out}: cannot be written ({error.strerror}); choose another --out") from error


def open_reading_store(storage_dir: Path | None) -> Store:
    """The store to read from: as the option says, else as config.yaml in this directory does."""
    from seriesview.store import open_store

    return open_store(storage_dir if storage_dir is not None else _configured_directory())


def resolve_series(text: str, store: Store) -> str:
    """URI of a series given as sha1:// URI or results/series/NAME.json; raises FormatError."""
    return _resolve(text, "results/series/NAME.json")


def resolve_workspace(text: str, store: Store) -> str:
    """URI of a workspace given as sha1:// URI or results/workspace.json; raises FormatError."""
    return _resolve(text, "results/workspace.json")


def _resolve(text: str, example: str) -> str:
    if text.startswith("sha1://"):
        return checked_uri(text, "URI")
    path = Path(text)
    if not path.exists():
        raise FormatError(f"{text}: no such file, and no sha1:// URI; give a URI or {example}")
    return result_uri(path, example)


def configured_results() -> Path:
    """The folder of results that config.yaml in the working directory names, else `results`."""
    named = _configuration().get("results")
    return Path(named if isinstance(named, str) else "results").expanduser()


def _configured_directory() -> str | None:
    """storage_dir of config.yaml in the working directory, None where there is no such file or key."""
    store = _configuration().get("store")
    directory = store.get("storage_dir") if isinstance(store, dict) else None
    return directory if isinstance(directory, str) else None


def _configuration() -> dict[str, Any]:
    """What config.yaml in the working directory says, unchecked; nothing where there is none. Raises ConfigError."""
    if not CONFIG_FILE.is_file():
        return {}
    from seriesview.config.yaml_file import read_yaml

    try:
        config, _ = read_yaml(CONFIG_FILE)
    except ConfigError as error:
        raise ConfigError(
            [f"{problem}; mend it or give --storage-dir" for problem in error.problems]
        ) from error
    return config if isinstance(config, dict) else {}
