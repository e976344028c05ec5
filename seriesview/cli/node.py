"""`seriesview node`: the embedded kachery node."""

from dataclasses import fields
from pathlib import Path

import click

from seriesview.node.config import Limits, NodeConfig
from seriesview.node.quotas import CallerLimits


@click.command("node")
@click.option(
    "--storage-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="KACHERY_STORAGE_DIR",
    required=True,
    help="kachery storage directory to serve; made where it is missing.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    envvar="KACHERY_DAEMON_PORT",
    default=20431,
    show_default=True,
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--host",
    default="localhost",
    show_default=True,
    help="Address to listen on: localhost is this machine alone, 0.0.0.0 every network.",
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar="NAME",
    help="Channel to create, with the usual permissions, where there is none of that name. Can be repeated.",
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="A further name that clients use for this machine. Can be repeated.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="ADDRESS",
    help="Address, or ADDRESS/BITS, of a proxy in front of the node, whose X-Forwarded-Proto, -Host and -For are "
    "believed. Can be repeated.",
)
@click.option(
    "--link-root",
    "link_roots",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder whose files may be linked, and stored by path. Can be repeated; without it: whatever all users "
    "of the storage directory can read, and nothing for other machines.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of tokens, for browsers and remote backends (`seriesview token`); mode 600. Else `seriesview-tokens` "
    "in the storage directory, and the environment variable SERIESVIEW_NODE_TOKENS.",
)
@click.option(
    "--view-origin",
    "view_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Origin of views that links may name beside the node's own, such as https://storage.googleapis.com. Can be "
    "repeated.",
)
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="WHAT=NUMBER",
    help="Limit of each holder of a token and each browser: requests (a second; 500), tasks (that wait; 1000), "
    "argument-bytes (of these; 4000000), result-bytes (of one; 134217728) or results-bytes (a second; 50000000). "
    "Can be repeated.",
)
@click.option(
    "--results-gb",
    type=click.FloatRange(min=0.01),
    default=10,
    show_default=True,
    help="Results of tasks that are kept, in GB, and at most a tenth of the disk; the oldest are removed.",
)
@click.option("--auth-group", metavar="GROUP", help="Group whose members may use the node.")
@click.option(
    "--sessions",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="RESULTS",
    help="Folder of results whose index of sessions is the front page, for those who may request files of the first "
    "--channel (else FIGURL_CHANNEL or `seriesview`).",
)
def command(
    storage_dir: Path,
    port: int,
    host: str,
    channels: tuple[str, ...],
    allow_hosts: tuple[str, ...],
    trusted_proxies: tuple[str, ...],
    link_roots: tuple[Path, ...],
    token_file: Path | None,
    view_origins: tuple[str, ...],
    limits: tuple[str, ...],
    results_gb: float,
    auth_group: str | None,
    sessions: Path | None,
) -> None:
    """Serve a kachery storage directory as the kachery daemon does, until it is interrupted.

    kachery-client finds it at KACHERY_DAEMON_PORT. One line is printed when clients are let in.
    """
    from seriesview.figures.index import SessionsFront, read_index
    from seriesview.figures.place import channel_name, views
    from seriesview.node.channels import check_origins
    from seriesview.node.server import run_node
    from seriesview.store.cache import local_directory

    front: SessionsFront | None = None
    if sessions is not None:
        read_index(sessions)
        front = SessionsFront(sessions, channel_name(channels[0] if channels else None))
    config = NodeConfig(
        local_directory(storage_dir),
        host,
        port,
        channels,
        allow_hosts,
        trusted_proxies,
        link_roots,
        token_file,
        auth_group,
        views=views(),
        view_origins=tuple(sorted(check_origins(list(view_origins)))),
        limits=Limits(kept_result_bytes=int(results_gb * 1e9)),
        caller_limits=_caller_limits(limits),
        front=front,
    )
    run_node(config, click.echo)


def _caller_limits(limits: tuple[str, ...]) -> CallerLimits:
    names = {field.name.replace("_", "-"): field.name for field in fields(CallerLimits)}
    values = {}
    for limit in limits:
        what, _, number = limit.partition("=")
        if what not in names or not number.isdecimal() or not 0 < int(number) < 10**15:
            raise click.UsageError(
                f"--limit {limit:.80}: one of {', '.join(names)}, = and a number is expected"
            )
        values[names[what]] = int(number)
    return CallerLimits(**values)
