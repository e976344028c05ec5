"""Speaks to a node that is elsewhere, the app, with a provider's token: outgoing connections alone."""

from __future__ import annotations

import ipaddress
import json
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
import urllib3.connection

from seriesview.backend.client import DaemonClient, Refused, Unreachable, checked_answer
from seriesview.errors import BackendError

_PASSING = (408, 429, 502, 503, 504)
"""What an app that is busy answers, and a proxy in front of one that is started again."""
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~/-]*)?", re.ASCII)
_WHAT_TO_ASK_FOR = "ask whoever runs it for one (`seriesview token create NAME --channel {} --provide`)"


class AppClient(DaemonClient):
    """One app, for one channel. What passes by itself is Unreachable, so that it is tried again."""

    poll_seconds = 10.0
    longest_pause = 5.0

    def __init__(self, url: str, token: str, channel: str, storage_dir: Path | None = None) -> None:
        """Use the app at `url`; the functions read from KACHERY_STORAGE_DIR, else `storage_dir`. BackendError."""
        super().__init__(storage_dir or Path.home() / "kachery-storage")
        self._url = checked_app_url(url)
        self._token = token
        self._channel = channel
        self._tls = ssl.create_default_context() if self._url.startswith("https:") else None
        self._proxy = _proxy_of(self._url)
        more: dict[str, Any] = {"maxsize": 16, "retries": False}
        if self._tls is not None:
            more["ssl_context"] = self._tls
        self._pool = urllib3.ProxyManager(self._proxy, **more) if self._proxy else urllib3.PoolManager(**more)
        self.bucket_url: str | None = None
        """Where browsers read results of the channel that are not the app's own, as it said last."""

    @property
    def is_node(self) -> bool:
        """An app is a node."""
        return True

    @property
    def address(self) -> str:
        """The app's address, without a slash at its end."""
        return self._url

    def connect(self) -> bool:
        """Ask the app what the token permits; raises Unreachable, and BackendError where that is not enough."""
        with self._lock:
            self._is_connected = False
            path = f"/session?channel={quote(self._channel)}"
            response = self._send("GET", self._url + path, None, self._authorization(), 15.0, True, "the app")
            if response.status == 403:
                said = " ".join(response.data[:300].decode("utf-8", "replace").split())
                raise BackendError(
                    f"the app at {self._url} refuses the token ({said}); {_WHAT_TO_ASK_FOR.format(self._channel)}"
                )
            try:
                answer = self.checked("/session", response.status, response.data)
                name, permissions = str(answer["name"]), list(answer["permissions"])
            except (Refused, KeyError, TypeError):
                raise BackendError(
                    f"{self._url} is no seriesview node (status {response.status}); check --app-url"
                ) from None
            if not answer.get("channelExists"):
                raise BackendError(
                    f"the app at {self._url} has no channel {self._channel}; check --channel, or "
                    f"whoever runs it may run: seriesview channel create {self._channel}"
                )
            if "provideTasks" not in permissions:
                raise BackendError(
                    f"channel {self._channel} of the app at {self._url} does not permit provideTasks to {name}; "
                    f"whoever runs it may run: seriesview channel set {self._channel} --permit {name}=provideTasks"
                )
            url = answer.get("bucketUrl")
            self.bucket_url = url if isinstance(url, str) else None
            self._is_connected = True
            return True

    def checked(self, path: str, status: int, data: bytes) -> dict[str, Any]:
        """Return the JSON object of an answer; raises Unreachable, Refused."""
        if status in _PASSING:
            said = " ".join(data[:200].decode("utf-8", "replace").split())
            raise Unreachable(f"the app is busy or away (status {status}: {said})")
        if status == 403:
            # What the token permits may have changed: connecting again finds out.
            self.lose()
        return checked_answer(path, status, data)

    def headers(self) -> dict[str, str]:
        """Headers of a POST of JSON, the token among them; raises Unreachable, BackendError."""
        if not self._is_connected:
            self.connect()
        return {"Content-Type": "application/json", **self._authorization()}

    def open_connection(self, seconds: float) -> urllib3.connection.HTTPConnection:
        """Return a connection of one's own, `seconds` for each step; raises Unreachable."""
        parts = urlsplit(self._url)
        host, port = str(parts.hostname), parts.port or (443 if self._tls is not None else 80)
        through = urlsplit(self._proxy or "")
        at = (str(through.hostname), through.port or 80) if self._proxy else (host, port)
        connection: urllib3.connection.HTTPConnection
        if self._tls is None:
            connection = urllib3.connection.HTTPConnection(*at, timeout=seconds)
        else:
            connection = urllib3.connection.HTTPSConnection(*at, timeout=seconds, ssl_context=self._tls)
        if self._proxy:
            connection.set_tunnel(host, port)
        return self._opened(connection)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def checked_app_url(url: str) -> str:
    """Return the address of an app without a slash at its end; raises BackendError."""
    parts = urlsplit(url)
    if not _ADDRESS.fullmatch(url) or not parts.hostname:
        raise BackendError(
            f"{url!r:.200} is no address of an app; https://HOST or https://HOST/PATH is expected"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise BackendError(f"{url:.200} would send the token where others can read it; use https://")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxy_of(url: str) -> str | None:
    """The proxy that the environment names for https addresses."""
    parts = urlsplit(url)
    if parts.scheme != "https" or proxy_bypass(parts.netloc):
        return None
    proxy = getproxies().get("https")
    return proxy if proxy and proxy.startswith("http://") else None


def described(label: str, channel: str, app_url: str, bucket_url: str) -> bytes:
    """Return the description of a backend that its users are given, as JSON; it holds no secret."""
    document = {
        "format": "seriesview-backend/1",
        "label": label,
        "channel": channel,
        "appUrl": app_url,
        "bucketUrl": bucket_url,
    }
    return json.dumps(document, indent=2).encode() + b"\n"
