"""`seriesview channel`: the channels of a node and who may do what on them."""

from collections.abc import Mapping
from pathlib import Path

import click

from seriesview.errors import NodeError
from seriesview.node.callers import CLIENTS
from seriesview.node.channels import (
    CHANNELS_FILE,
    PERMISSIONS,
    Channel,
    Channels,
    check_bucket_url,
    check_channel_name,
    check_origins,
    check_permissions,
    kept_permissions,
)

_storage_dir = click.option(
    "--storage-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="The node's storage directory; else KACHERY_STORAGE_DIR, else that of the node that answers.",
)
_permit = click.option(
    "--permit",
    "permits",
    multiple=True,
    metavar="WHO=WHAT,...",
    help=f"What a caller may do: WHO is `{CLIENTS}` (all kachery clients), `links` (browsers that came by a link) "
    f"or the name of a token; WHAT is all, none or some of {', '.join(PERMISSIONS)}. Can be repeated.",
)
_origin = click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Origin of web pages that may use the channel and its bucket, such as https://figurl.org. Can be repeated.",
)
_bucket_url = click.option(
    "--bucket-url",
    metavar="URL",
    help="Web address of a public bucket where backends put results; browsers are pointed there.",
)


@click.group("channel")
def command() -> None:
    """Create, show and change a node's channels; a running node follows at once."""


@command.command("create")
@click.argument("name")
@_storage_dir
@_permit
@_origin
@_bucket_url
def create(
    name: str,
    storage_dir: Path | None,
    permits: tuple[str, ...],
    origins: tuple[str, ...],
    bucket_url: str | None,
) -> None:
    """Create a channel; kachery clients get every permission unless --permit says otherwise."""
    permissions = {CLIENTS: frozenset(PERMISSIONS), **_permissions(permits)}
    places = check_origins(list(origins)), check_bucket_url(bucket_url)
    channel = Channel(check_channel_name(name), kept_permissions(permissions), *places)
    _channels(storage_dir).create(channel)
    _show(channel)


@command.command("list")
@_storage_dir
def list_all(storage_dir: Path | None) -> None:
    """List the channels."""
    for channel in _channels(storage_dir).all():
        click.echo(channel.name)


@command.command("show")
@click.argument("name")
@_storage_dir
def show(name: str, storage_dir: Path | None) -> None:
    """Show what a channel permits to whom."""
    channel = _channels(storage_dir).get(name)
    if channel is None:
        raise NodeError(f"there is no channel {name!r:.80}; `seriesview channel list` shows them")
    _show(channel)


@command.command("set")
@click.argument("name")
@_storage_dir
@_permit
@_origin
@click.option("--no-origins", is_flag=True, help="Let no web pages of other origins use it.")
@_bucket_url
@click.option("--no-bucket-url", is_flag=True, help="Results go into the node's own folder alone.")
def change(
    name: str,
    storage_dir: Path | None,
    permits: tuple[str, ...],
    origins: tuple[str, ...],
    no_origins: bool,
    bucket_url: str | None,
    no_bucket_url: bool,
) -> None:
    """Change a channel: the callers that are named get exactly what --permit says, the others stay."""
    if origins and no_origins:
        raise click.UsageError("--origin and --no-origins exclude each other")
    wanted = check_origins(list(origins)) if origins or no_origins else None
    if bucket_url and no_bucket_url:
        raise click.UsageError("--bucket-url and --no-bucket-url exclude each other")
    bucket = "" if no_bucket_url else check_bucket_url(bucket_url)
    _show(_channels(storage_dir).change(name, _permissions(permits), wanted, bucket))


@command.command("remove")
@click.argument("name")
@_storage_dir
def remove(name: str, storage_dir: Path | None) -> None:
    """Remove a channel; the files in its bucket stay on the disk."""
    _channels(storage_dir).remove(name)


def _channels(storage_dir: Path | None) -> Channels:
    from seriesview.store.cache import local_directory

    if storage_dir is None:
        from seriesview.store.opening import open_store

        storage_dir = open_store().directory
    return Channels(local_directory(storage_dir) / CHANNELS_FILE)


def _permissions(permits: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
    permissions = {}
    for permit in permits:
        who, equals, what = permit.partition("=")
        if not equals:
            raise click.UsageError(f"--permit {permit}: WHO=WHAT,... is expected")
        named = [one.strip() for one in what.split(",") if one.strip()]
        permissions[who] = {"all": list(PERMISSIONS), "none": []}.get(what.strip(), named)
    return check_permissions(permissions)


def _show(channel: Channel) -> None:
    click.echo(f"{channel.name}")
    for who, granted in sorted(channel.permissions.items()):
        click.echo(f"  {who}: {', '.join(one for one in PERMISSIONS if one in granted) or 'none'}")
    for origin in sorted(channel.origins):
        click.echo(f"  web pages of {origin}")
    if channel.bucket_url:
        click.echo(f"  results in {channel.bucket_url}")
