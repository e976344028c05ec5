"""`seriesview-start-backend`: the resident backend."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.backend.requesting import CHANNEL_VARIABLE
from seriesview.cli.main import ERROR_STATUS, run_command
from seriesview.errors import BackendError, one_line

if TYPE_CHECKING:
    from seriesview.backend.backend import Function
    from seriesview.backend.client import DaemonClient

_REFUSED_STATUS = 1


@click.command(name="seriesview-start-backend")
@click.option(
    "--channel",
    "channels",
    multiple=True,
    envvar=CHANNEL_VARIABLE,
    help=f"kachery channel to answer on; can be given several times.  [default: {CHANNEL_VARIABLE}]",
)
@click.option(
    "--backend-id",
    help="Answer only requests that carry this ID. Other users may see it in `ps`: rather use --backend-id-file or "
    "the variable SERIESVIEW_BACKEND_ID.",
)
@click.option("--backend-id-file", type=click.Path(path_type=Path), help="File that holds the backend ID.")
@click.option(
    "--app-url",
    envvar="SERIESVIEW_APP_URL",
    metavar="URL",
    help="Answer people elsewhere: tasks come through the node at this address, by outgoing connections alone. Needs "
    "a provider's token.  [default: SERIESVIEW_APP_URL]",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="File that holds the provider's token, mode 600; else the variable SERIESVIEW_APP_TOKEN is read.",
)
@click.option(
    "--label",
    envvar="LABEL",
    help="With --app-url: what this backend is called.  [default: LABEL, else this machine's name]",
)
@click.option(
    "--bucket",
    metavar="gs://BUCKET",
    help="With --app-url: the public Google bucket that takes results.  [default: GOOGLE_BUCKET_NAME, else the app]",
)
@click.option(
    "--no-node",
    is_flag=True,
    help="Start no node where no kachery daemon or node answers; that is an error then.",
)
@click.option(
    "--storage-dir",
    type=click.Path(path_type=Path),
    help="kachery storage directory; KACHERY_STORAGE_DIR comes first, then this, then the running daemon's, then "
    "~/kachery-storage.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Tasks run at the same time."
)
@click.option(
    "--max-waiting",
    type=click.IntRange(min=1),
    default=5000,
    show_default=True,
    help="Tasks that may wait for a worker; further ones are answered with an error.",
)
@click.option(
    "--max-result-mb",
    type=click.FloatRange(min=0, min_open=True),
    default=96,
    show_default=True,
    help="Largest result that is sent, as JSON.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=5,
    show_default=True,
    help="Seconds that running tasks may take when the backend stops.",
)
def command(
    channels: tuple[str, ...],
    backend_id: str | None,
    backend_id_file: Path | None,
    app_url: str | None,
    token_file: Path | None,
    label: str | None,
    bucket: str | None,
    no_node: bool,
    storage_dir: Path | None,
    workers: int,
    max_waiting: int,
    max_result_mb: float,
    grace: float,
) -> None:
    """Answer figurl tasks on a kachery channel, until stopped by SIGTERM, SIGINT (Ctrl-C) or SIGHUP.

    Tasks come through the kachery daemon or node at KACHERY_DAEMON_HOST and KACHERY_DAEMON_PORT (localhost,
    20431); where none answers a node is started in this process. With --app-url they come through a node elsewhere.
    One line a task is written to standard error.
    """
    from seriesview.backend.backend import BackendLimits
    from seriesview.backend.backend_id import find_backend_id
    from seriesview.backend.direct_windows import DirectWindows
    from seriesview.backend.functions import functions_of, open_context
    from seriesview.backend.serving import serve_functions
    from seriesview.figures.node_access import permit_links
    from seriesview.figures.place import views

    if not channels and not app_url:
        raise click.UsageError(f"no kachery channel is named; give --channel, or set {CHANNEL_VARIABLE}")
    if (token_file is not None or bucket is not None) and not app_url:
        raise click.UsageError("--token-file and --bucket go with --app-url")
    identity = find_backend_id(backend_id, backend_id_file, partial(_say, error=True))
    limits = BackendLimits(
        workers=workers,
        max_waiting=max_waiting,
        max_result_bytes=int(max_result_mb * 2**20),
        grace_seconds=grace,
    )
    if app_url:
        from seriesview.backend.app_provider import BUCKET_VARIABLE, connected_provider, what_is_missing
        from seriesview.cloud.buckets import BucketError

        label = label or socket.gethostname()
        bucket = os.environ.get(BUCKET_VARIABLE, "") if bucket is None else bucket
        if missing := what_is_missing(app_url, channels, label, bucket, token_file):
            for line in missing:
                _say(f"error: {line}", error=True)
            sys.exit(ERROR_STATUS)
        try:
            provider = connected_provider(app_url, channels[0], label, bucket, token_file, storage_dir)
        except (BackendError, BucketError) as error:
            _say(f"error: {one_line(error)}", error=True)
            sys.exit(_REFUSED_STATUS)
        if provider.uri is None:
            _say(f"no bucket is named: results go to the app; users open {provider.page}")
        else:
            click.echo(f"Backend URI: {provider.uri}")
        provider.serve(identity, limits, _say)
        return

    def permit(client: DaemonClient) -> None:
        """A figure's link on these channels is for whoever was given it."""
        for channel in channels if client.is_node else ():
            permit_links(client.directory, channel, _say, may_create=False)

    # What windows have read tasks need not read again.
    context_of = cache(open_context)

    def open_functions(directory: Path) -> tuple[Mapping[str, Function], Callable[[], None]]:
        context = context_of(directory)
        return functions_of(context), context.release

    def windows(directory: Path) -> DirectWindows:
        return DirectWindows(context_of(directory), channels, identity, limits)

    serve_functions(
        open_functions, channels, identity, limits, storage_dir, not no_node, _say, views, permit, windows
    )


def _say(line: str, error: bool = False) -> None:
    click.echo(f"seriesview: {line}", err=error)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exits with its status."""
    run_command(command, sys.argv[1:] if arguments is None else arguments, "seriesview-start-backend")
