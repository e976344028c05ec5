"""Speaks to a kachery daemon or node over HTTP, on connections that stay open."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
import urllib3.connection
from urllib3.exceptions import HTTPError

from seriesview.errors import BackendError, Code, one_line
from seriesview.store.cache import local_directory
from seriesview.store.daemon import Daemon, may_use, probe_daemon, read_small, serves

CODE_HEADER = "KACHERY-CLIENT-AUTH-CODE"
CODE_FILE = "client-auth"

_CODE_SECONDS = 60.0
_CODE_PAUSES = (0.0, 0.2, 0.4, 0.8)
_MAX_CONNECTIONS = 64
_REASON_CHARACTERS = 300
_PIECE_BYTES = 64 * 1024


class Unreachable(BackendError):  # noqa: N818
    """Nobody answers at the daemon's address, or another daemon than before; trying again may help."""


class Refused(BackendError):  # noqa: N818
    """The daemon answered with an error; `status` is the HTTP status, 200 where it said `success: false`."""

    code: Code = "node-refused"

    def __init__(self, message: str, status: int, path: str | None = None) -> None:
        super().__init__(message, where=() if path is None else (path,))
        self.status = status


class DaemonClient:
    """One daemon or node: where KACHERY_DAEMON_HOST and KACHERY_DAEMON_PORT say, with one storage directory.

    Safe in threads. After a connection was lost the daemon is probed again before anything is sent: whoever has
    taken its port meanwhile must have the same node ID.
    """

    def __init__(
        self, storage_dir: Path | None = None, is_bound: bool = True, at: tuple[str, int] | None = None
    ) -> None:
        """Use the daemon whose storage directory KACHERY_STORAGE_DIR, else `storage_dir` names; None: any.

        One that is bound keeps to the daemon that it connects to first, by its node ID. With `at` (host, port) the
        daemon there is used, with `storage_dir`, whatever the environment says.
        """
        named = storage_dir if at is not None else os.environ.get("KACHERY_STORAGE_DIR") or storage_dir
        self._at = at
        self._named = local_directory(named).absolute() if named else None
        self._directory = self._named
        self._is_bound = is_bound
        self.daemon: Daemon | None = None
        """What the daemon said of itself when it was last probed; None before `connect`."""
        self._is_connected = False
        self._lock = threading.Lock()
        self._code = ""
        self._code_time = 0.0
        self._pool = urllib3.PoolManager(num_pools=8, maxsize=_MAX_CONNECTIONS, retries=False)

    poll_seconds = 4.0
    """A poll that a killed backend leaves behind swallows tasks of a real daemon until it ends, so it is short."""
    connect_seconds = 5.0
    answer_seconds = 15.0
    """Seconds after which what should have been answered at once is taken for lost."""
    longest_pause = 1.0
    """Seconds between two tries while the daemon is away."""

    @property
    def directory(self) -> Path:
        """The storage directory, as seen from here."""
        if self._directory is None:
            raise BackendError("no kachery daemon has been asked yet for its storage directory")
        return self._directory

    @property
    def is_connected(self) -> bool:
        """Whether the daemon answered when it was last asked for something."""
        return self._is_connected

    @property
    def is_node(self) -> bool:
        """Whether this is a seriesview node, which lacks some weaknesses of a kachery daemon."""
        return self.daemon is not None and self.daemon.version.startswith("seriesview")

    def connect(self) -> bool:
        """Probe the daemon; returns whether one answers. Raises BackendError where it cannot be used."""
        with self._lock:
            self._is_connected = False
            daemon = probe_daemon(self._at)
            if daemon is None:
                return False
            if self._is_bound and self.daemon is not None and daemon.node_id != self.daemon.node_id:
                raise Unreachable(f"another kachery daemon than before answers at {daemon.address}")
            directory = self._named or daemon.directory
            if directory is None:
                raise BackendError(
                    f"the kachery daemon at {daemon.address} does not say where its storage is; "
                    "set KACHERY_STORAGE_DIR"
                )
            if self._named is None and not directory.exists():
                raise BackendError(
                    f"the storage {directory} of the kachery daemon at {daemon.address} is not visible from here; set "
                    "KACHERY_STORAGE_DIR to where it is mounted"
                )
            if not serves(daemon, directory):
                raise BackendError(
                    f"the kachery daemon at {daemon.address} serves another storage directory than {directory}; set "
                    "KACHERY_STORAGE_DIR to the one that it serves, or KACHERY_DAEMON_PORT to the port of another"
                )
            if not may_use(directory):
                raise BackendError(
                    f"the kachery daemon at {daemon.address} is another user's: {directory}/{CODE_FILE} cannot be "
                    "read; ask for access to that directory, or set KACHERY_DAEMON_PORT to a port of your own"
                )
            self.daemon, self._directory = daemon, directory
            self._code_time = 0.0
            self._is_connected = True
            return True

    def post(
        self, path: str, body: Mapping[str, Any] | bytes, seconds: float = 10.0, repeatable: bool = True
    ) -> dict[str, Any]:
        """Return the JSON answer to a POST of JSON; raises Unreachable, Refused.

        What is `repeatable` is sent once more where a connection that stood open turns out to be closed.
        """
        if isinstance(body, bytes):
            text = body
        else:
            text = json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
        response = self._send_coded(path, text, seconds, repeatable)
        return self.checked(path, response.status, response.data)

    def checked(self, path: str, status: int, data: bytes) -> dict[str, Any]:
        """Return the JSON object of an answer; raises Unreachable, Refused."""
        return checked_answer(path, status, data)

    def open_connection(self, seconds: float) -> urllib3.connection.HTTPConnection:
        """Return a connection of one's own, `seconds` for each step; raises Unreachable."""
        parts = urlsplit(self.address)
        connection = urllib3.connection.HTTPConnection(
            parts.hostname or "localhost", parts.port, timeout=seconds
        )
        return self._opened(connection)

    def _opened(self, connection: urllib3.connection.HTTPConnection) -> urllib3.connection.HTTPConnection:
        try:
            connection.connect()
        except (HTTPError, OSError) as error:
            connection.close()
            raise Unreachable(f"nobody answers at {self.address} ({reason_of(error)})") from error
        return connection

    def put(self, url: str, data: bytes, seconds: float = 120.0) -> None:
        """PUT bytes to an upload address of the daemon's; raises Unreachable, Refused, which do not say it."""
        headers = {"Content-Type": "application/octet-stream"}
        response = self._send("PUT", url, data, headers, seconds, True, "the bucket")
        if response.status != 200:
            raise Refused(f"the bucket answered {response.status} to an upload", response.status)

    def get(self, url: str, seconds: float = 60.0) -> bytes:
        """Return what lies at a bucket's address; raises Unreachable, Refused."""
        response = self._send("GET", url, None, {}, seconds, True, "the bucket")
        if response.status == 307:
            # A node keeps some results in a public bucket.
            elsewhere = urljoin(url, response.headers.get("Location", ""))
            response = self._send("GET", elsewhere, None, {}, seconds, True, "the bucket")
        if response.status != 200:
            raise Refused(f"the bucket answered {response.status}", response.status)
        return response.data

    def headers(self) -> dict[str, str]:
        """Headers of a POST of JSON, the client-auth code among them; raises Unreachable, BackendError."""
        if not self._is_connected and not self.connect():
            raise Unreachable(f"no kachery daemon answers at {self.address}")
        return {"Content-Type": "application/json", CODE_HEADER: self._current_code()}

    @property
    def address(self) -> str:
        """Where the daemon is: http://HOST:PORT."""
        if self.daemon is not None:
            return self.daemon.address
        if self._at is not None:
            return f"http://{self._at[0]}:{self._at[1]}"
        host = os.environ.get("KACHERY_DAEMON_HOST", "localhost")
        return f"http://{host}:{os.environ.get('KACHERY_DAEMON_PORT', '20431')}"

    def lose(self) -> None:
        """Probe the daemon again before anything else is sent to it."""
        self._is_connected = False

    def forget_code(self) -> None:
        """Read the client-auth code again before the next request."""
        self._code_time = 0.0

    def close(self) -> None:
        """Close the connections that stand open."""
        self._pool.clear()

    def _send_coded(
        self, path: str, text: bytes, seconds: float, repeatable: bool
    ) -> urllib3.BaseHTTPResponse:
        for pause in _CODE_PAUSES:
            if pause:
                time.sleep(pause)
            headers = self.headers()
            url = self.address + path
            try:
                response = self._send("POST", url, text, headers, seconds, repeatable, "the kachery daemon")
            except Unreachable:
                self.lose()
                raise
            if not is_about_code(response.status, response.data):
                break
            # A daemon that was just started writes its first code a moment after it answers.
            self.forget_code()
        return response

    def _send(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        seconds: float,
        repeatable: bool,
        whom: str,
    ) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=self.connect_seconds, read=seconds)

        def send(pool: urllib3.PoolManager) -> urllib3.BaseHTTPResponse:
            content: bytes | io.BytesIO | None = body
            more = dict(headers)
            if body is not None and len(body) > _PIECE_BYTES:
                # As one piece it would have to go within `connect_seconds`; a file goes in small ones.
                content, more["Content-Length"] = io.BytesIO(body), str(len(body))
            return pool.request(method, url, body=content, headers=more, timeout=timeout, redirect=False)

        try:
            if not repeatable:
                with urllib3.PoolManager(retries=False) as fresh:
                    return send(fresh)
            try:
                return send(self._pool)
            except urllib3.exceptions.ProtocolError:
                return send(self._pool)
        except (HTTPError, OSError) as error:
            raise Unreachable(f"{whom} cannot be reached ({reason_of(error)})") from error

    def _current_code(self) -> str:
        now = time.monotonic()
        if now - self._code_time >= _CODE_SECONDS or not self._code_time:
            try:
                self._code = read_small(self.directory, CODE_FILE).decode("ascii").strip()
            except (OSError, ValueError) as error:
                raise Unreachable(
                    f"{self.directory / CODE_FILE} cannot be read: {reason_of(error)}"
                ) from error
            self._code_time = now
        return self._code


def checked_answer(path: str, status: int, data: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer that says `success`; raises Refused."""
    if status == 200:
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict) and answer.get("success") is True:
            return answer
        reason = answer.get("error") if isinstance(answer, dict) else None
        text = reason if isinstance(reason, str) else "an answer that is not understood"
    else:
        text = data[: 4 * _REASON_CHARACTERS].decode("utf-8", "replace")
    raise Refused(f"{status} {one_line(text, _REASON_CHARACTERS)}", status, path)


def is_about_code(status: int, message: bytes) -> bool:
    """Return whether an answer says that the client-auth code is not the right one; a kachery daemon has but words."""
    return status == 403 and b"client auth" in message


def reason_of(error: Exception) -> str:
    """What went wrong, without addresses: those of uploads are signed."""
    cause: BaseException = error
    while isinstance(cause, HTTPError):
        following = (
            cause.__cause__
            or cause.__context__
            or next((part for part in cause.args if isinstance(part, BaseException)), None)
        )
        if following is None:
            break
        cause = following
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause).__name__
