"""A backend for people elsewhere: what it needs, and the app and the bucket that it is connected to."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from seriesview.backend.app_client import AppClient, checked_app_url, described
from seriesview.backend.backend import BackendLimits
from seriesview.backend.backend_id import BackendId
from seriesview.backend.client import Unreachable
from seriesview.backend.functions import open_functions
from seriesview.backend.requesting import CHANNEL_VARIABLE
from seriesview.backend.serving import serve_through_app
from seriesview.cloud.bucket_address import parse_address
from seriesview.cloud.google_credentials import CREDENTIALS_VARIABLE, check_credentials_file
from seriesview.errors import BackendError, SeriesviewError, one_line
from seriesview.share.result_bucket import ResultBucket, open_result_bucket

TOKEN_VARIABLE = "SERIESVIEW_APP_TOKEN"
LABEL_VARIABLE = "LABEL"
BUCKET_VARIABLE = "GOOGLE_BUCKET_NAME"

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
_TOKEN = re.compile(r"[!-~]{20,500}", re.ASCII)


@dataclass(frozen=True)
class AppProvider:
    """An app that takes this process for a provider of a channel, and the bucket for results, where there is one."""

    client: AppClient
    channel: str
    label: str
    results: ResultBucket | None = None
    uri: str | None = None
    """Of the description in the bucket, which users of the backend are given."""

    @property
    def page(self) -> str:
        """The page of the app that this backend answers."""
        query = f"v=/view/seriesview&channel={quote(self.channel)}&label={quote(self.label)}"
        return f"{self.client.address}/f?{query}"

    def serve(
        self, backend_id: BackendId | None, limits: BackendLimits, announce: Callable[[str], None]
    ) -> None:
        """Answer what comes to the app, until a signal. Raises BackendError, StoreError."""
        serve_through_app(
            open_functions, self.client, self.channel, backend_id, limits, announce, self.results
        )
        if self.results is not None:
            self.results.close()


def connected_provider(
    app_url: str, channel: str, label: str, bucket: str, token_file: Path | None, storage_dir: Path | None
) -> AppProvider:
    """Connect to the app, and describe this backend in the bucket, "" for none.

    Raises BackendError or BucketError where one of them refuses.
    """
    token = find_token(token_file)
    os.environ.pop(TOKEN_VARIABLE, None)
    try:
        client = AppClient(app_url, token, channel, storage_dir)
        client.connect()
        if not bucket:
            return AppProvider(client, channel, label)
        results = _open_bucket(client, bucket, channel)
        uri = results.put_description(label, described(label, channel, client.address, results.base_url))
        return AppProvider(client, channel, label, results, uri)
    except Unreachable as error:
        raise Unreachable(f"{error}; is {app_url} right, and the network there?") from error


def what_is_missing(
    app_url: str, channels: tuple[str, ...], label: str, bucket: str, token_file: Path | None
) -> list[str]:
    """What a backend for people elsewhere cannot do without, a line each with what to do; nobody is asked."""
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
            missing.append(one_line(error))
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
    results = open_result_bucket(bucket)
    if client.bucket_url != results.base_url:
        raise BackendError(
            f"channel {channel} of the app at {client.address} reads results from {client.bucket_url or 'no bucket'}; "
            f"whoever runs it may run: seriesview channel set {channel} --bucket-url {results.base_url}"
        )
    return results
