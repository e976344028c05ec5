"""`seriesview-start-backend --app-url`: a backend for people elsewhere."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from seriesview.backend.requesting import CHANNEL_VARIABLE
from seriesview.errors import BackendError

if TYPE_CHECKING:
    from seriesview.backend.app_client import AppClient
    from seriesview.backend.backend import BackendLimits
    from seriesview.backend.backend_id import BackendId
    from seriesview.share.result_bucket import ResultBucket

APP_VARIABLE = "SERIESVIEW_APP_URL"
TOKEN_VARIABLE = "SERIESVIEW_APP_TOKEN"
LABEL_VARIABLE = "LABEL"
BUCKET_VARIABLE = "GOOGLE_BUCKET_NAME"

_REFUSED_STATUS = 1
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
_TOKEN = re.compile(r"[!-~]{20,500}", re.ASCII)


def provide(
    app_url: str,
    channels: tuple[str, ...],
    label: str,
    bucket: str,
    token_file: Path | None,
    backend_id: BackendId | None,
    limits: BackendLimits,
    storage_dir: Path | None,
    announce: Callable[[str], None],
) -> None:
    """Answer what comes to the app, until a signal; exits with status 1 where the app or the bucket refuses."""
    from seriesview.backend.app_client import AppClient, described
    from seriesview.backend.client import Unreachable
    from seriesview.backend.functions import open_functions
    from seriesview.backend.serving import serve_through_app
    from seriesview.share.buckets import BucketError

    token = find_token(token_file)
    os.environ.pop(TOKEN_VARIABLE, None)
    try:
        client = AppClient(app_url, token, channels[0], storage_dir)
        client.connect()
        results = _open_bucket(client, bucket, channels[0]) if bucket else None
        if results is not None:
            description = described(label, channels[0], client.address, results.base_url)
            click.echo(f"Backend URI: {results.put_description(label, description)}")
    except Unreachable as error:
        where = f"{error}; is {app_url} right, and the network there?"
        click.echo(f"seriesview: error: {' '.join(where.split())}", err=True)
        sys.exit(_REFUSED_STATUS)
    except (BackendError, BucketError) as error:
        click.echo(f"seriesview: error: {' '.join(str(error).split())}", err=True)
        sys.exit(_REFUSED_STATUS)
    if results is None:
        announce(f"no bucket is named: results go to the app; users open {_page(client, channels[0], label)}")
    serve_through_app(open_functions, client, channels[0], backend_id, limits, announce, results)
    if results is not None:
        results.close()


def what_is_missing(
    app_url: str, channels: tuple[str, ...], label: str, bucket: str, token_file: Path | None
) -> list[str]:
    """What a backend for people elsewhere cannot do without, a line each with what to do; nobody is asked."""
    from seriesview.backend.app_client import checked_app_url
    from seriesview.errors import SeriesviewError
    from seriesview.share.bucket_address import parse_address
    from seriesview.share.google_credentials import CREDENTIALS_VARIABLE, check_credentials_file

    missing = []
    channel = channels[0] if len(channels) == 1 else "CHANNEL"
    if len(channels) != 1:
        missing.append(
            f"with --app-url one kachery channel is answered{f', not {len(channels)}' if channels else ''}: give "
            f"--channel CHANNEL, or set {CHANNEL_VARIABLE}; whoever runs the app can make one: "
            "seriesview channel create CHANNEL"
        )
    is_label = _LABEL.fullmatch(label) is not None
    if not is_label:
        missing.append(
            f"--label, or {LABEL_VARIABLE}, is {label!r:.80}: up to 80 letters, digits, _ . - are expected"
        )
    key = os.environ.get(CREDENTIALS_VARIABLE)
    for check in (
        lambda: checked_app_url(app_url),
        lambda: find_token(token_file, label if is_label else "NAME", channel),
        lambda: bucket and parse_address(bucket if "://" in bucket else f"gs://{bucket}"),
        lambda: bucket and key and check_credentials_file(Path(key).expanduser()),
    ):
        try:
            check()
        except SeriesviewError as error:
            missing.append(" ".join(str(error).split()))
    return missing


def find_token(file: Path | None, name: str = "NAME", channel: str = "CHANNEL") -> str:
    """Return the provider's token, of a file or of SERIESVIEW_APP_TOKEN; raises BackendError, with what makes one."""
    text = os.environ.get(TOKEN_VARIABLE)
    source = TOKEN_VARIABLE
    if file is not None:
        source = str(file)
        try:
            status = file.expanduser().stat()
            text = file.expanduser().read_text("ascii")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise BackendError(f"cannot read the token in {file}: {reason}") from error
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
            raise BackendError(f"{file} holds a secret and others may read it; run: chmod 600 {file}")
    if text is None:
        raise BackendError(
            f"--app-url needs a provider's token: whoever runs the app makes one, {_creating(name, channel)}; give "
            f"--token-file FILE, or set {TOKEN_VARIABLE}"
        )
    if not _TOKEN.fullmatch(text.strip()):
        raise BackendError(
            f"{source} holds no token: {_creating(name, channel)}, on the app's machine, prints one"
        )
    return text.strip()


def _creating(name: str, channel: str) -> str:
    return f"`seriesview token create {name} --channel {channel} --provide`"


def _open_bucket(client: AppClient, bucket: str, channel: str) -> ResultBucket:
    from seriesview.share.result_bucket import open_result_bucket

    results = open_result_bucket(bucket)
    if client.bucket_url != results.base_url:
        raise BackendError(
            f"channel {channel} of the app at {client.address} reads results from {client.bucket_url or 'no bucket'}; "
            f"whoever runs it may run: seriesview channel set {channel} --bucket-url {results.base_url}"
        )
    return results


def _page(client: AppClient, channel: str, label: str) -> str:
    return f"{client.address}/f?v=/view/seriesview&channel={quote(channel)}&label={quote(label)}"
