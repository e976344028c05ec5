"""`seriesview token`: the tokens of a node's providers and readers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.errors import NodeError

if TYPE_CHECKING:
    from seriesview.node.channels import Channels
    from seriesview.node.token_file import TokenFile

PROVIDE = frozenset({"provideTasks"})
REQUEST = frozenset({"requestTasks", "requestFiles"})

_storage_dir = click.option(
    "--storage-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="The node's storage directory; else KACHERY_STORAGE_DIR, else that of the node that answers.",
)
_token_file = click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The token file that the node was started with; else `seriesview-tokens` in the storage directory.",
)


@click.group("token")
def command() -> None:
    """Make, list and take back the tokens of remote backends and of browsers' users; a running node follows."""


@command.command("create")
@click.argument("name")
@click.option("--channel", metavar="CHANNEL", help="Permit something to its holder on this channel.")
@click.option("--provide", is_flag=True, help="Its holder is a backend: provideTasks on --channel.")
@click.option(
    "--request", is_flag=True, help="Its holder is a reader: requestTasks and requestFiles on --channel."
)
@_token_file
@_storage_dir
def create(
    name: str,
    channel: str | None,
    provide: bool,
    request: bool,
    token_file: Path | None,
    storage_dir: Path | None,
) -> None:
    """Make a token and print it, this once: the file holds its hash alone."""
    if provide and request:
        raise click.UsageError("a token is for a backend (--provide) or for readers (--request); make two")
    if (channel is not None) != (provide or request):
        raise click.UsageError("--channel goes with --provide or --request")
    file, channels = _files(token_file, storage_dir)
    if channel is not None and channels.get(channel) is None:
        raise NodeError(f"there is no channel {channel!r:.80}; `seriesview channel create` makes one")
    token = file.create(name)
    if channel is not None:
        channels.change(channel, {name: PROVIDE if provide else REQUEST})
    click.echo(token)


@command.command("list")
@_token_file
@_storage_dir
def list_all(token_file: Path | None, storage_dir: Path | None) -> None:
    """List who holds tokens, and what channels permit them; tokens themselves are not shown."""
    file, channels = _files(token_file, storage_dir)
    for line in file.tokens():
        granted = [
            f"{channel.name}: {', '.join(sorted(channel.permissions[line.name]))}"
            for channel in channels.all()
            if channel.permissions.get(line.name)
        ]
        plain = "" if line.is_hashed else " (readable in the file)"
        click.echo(f"{line.name}{plain}  {'; '.join(granted) or 'nothing is permitted'}")


@command.command("revoke")
@click.argument("name")
@_token_file
@_storage_dir
def revoke(name: str, token_file: Path | None, storage_dir: Path | None) -> None:
    """Take back the tokens of NAME, and what channels permit to it."""
    file, channels = _files(token_file, storage_dir)
    count = file.revoke(name)
    for channel in channels.all():
        if name in channel.permissions:
            channels.change(channel.name, {name: frozenset()})
    if not count:
        raise NodeError(f"{name!r:.80} has no token in {file.path}; `seriesview token list` shows who has")
    click.echo(f"{name}: taken back; a running node refuses it within a second")


def _files(token_file: Path | None, storage_dir: Path | None) -> tuple[TokenFile, Channels]:
    from seriesview.node.channels import CHANNELS_FILE, Channels
    from seriesview.node.token_file import TokenFile
    from seriesview.node.tokens import TOKENS_FILE
    from seriesview.store.cache import local_directory

    if storage_dir is None:
        from seriesview.store.opening import open_store

        storage_dir = open_store().directory
    storage_dir = local_directory(storage_dir)
    file = storage_dir / TOKENS_FILE if token_file is None else token_file.expanduser()
    return TokenFile(file), Channels(storage_dir / CHANNELS_FILE)
