"""The long poll: says which functions this backend runs, and gets what was asked of it."""

from __future__ import annotations

import json
import logging
import secrets
import socket
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3.connection
from urllib3.exceptions import HTTPError

from seriesview.backend.backend_id import BackendId
from seriesview.backend.client import DaemonClient, Refused, Unreachable, is_about_code
from seriesview.backend.logs import LOGGER_NAME, fields

REGISTER_PATH = "/task/registerTaskFunctions"
INSTANCE_HEADER = "KACHERY-BACKEND-INSTANCE"
"""Tells a node which backend polls, so that it knows which one is gone; a daemon ignores it."""
POLL_HEADER = "KACHERY-BACKEND-POLL"
"""Tells it the poll's number, and of which poll the answer arrived last: lost tasks are handed out again."""

_LEAVE_SECONDS = 2.0
_log = logging.getLogger(LOGGER_NAME)


@dataclass(frozen=True)
class RequestedTask:
    """A task as the daemon hands it out."""

    channel: str
    task_id: str
    task_hash: str
    """Names the place in the channel's bucket where the result is stored."""
    function_id: str
    function_type: str
    kwargs: Mapping[str, Any] = field(repr=False)


class LongPoll:
    """Registers functions by one request that stays open until there are tasks, again and again.

    It has a connection of its own, which `cut` closes from another thread.
    """

    def __init__(
        self,
        client: DaemonClient,
        channels: Iterable[str],
        functions: Mapping[str, str],
        backend_id: BackendId | None,
    ) -> None:
        """Register `functions`, ID -> type, on every channel."""
        self._client = client
        self._backend_id = backend_id
        self._instance = secrets.token_hex(16)
        self._number = self._received = 0
        self._functions = [
            {"channelName": channel, "taskFunctionId": function_id, "taskFunctionType": kind}
            for channel in channels
            for function_id, kind in functions.items()
        ]
        self._connection: urllib3.connection.HTTPConnection | None = None
        self._address = ""
        self._is_cut = False
        self._lock = threading.Lock()

    def wait(self, seconds: float | None = None) -> list[RequestedTask]:
        """Return what is asked of this backend, nothing after `seconds`; raises Unreachable, Refused.

        Tasks that carry another backend ID than this backend's are left out.
        """
        seconds = self._client.poll_seconds if seconds is None else seconds
        body = {
            "taskFunctions": self._functions,
            "backendId": self._revealed(),
            "timeoutMsec": round(seconds * 1000),
        }
        text = json.dumps(body, separators=(",", ":")).encode("ascii")
        try:
            status, data = self._exchange(text, seconds)
            if is_about_code(status, data):
                self._client.forget_code()
                status, data = self._exchange(text, seconds)
            if is_about_code(status, data):
                # A daemon that was just started writes its first code a moment after it answers.
                self._client.forget_code()
                raise Unreachable("the kachery daemon does not take the client-auth code")
            answer = self._client.checked(REGISTER_PATH, status, data)
            self._received = self._number
        except Unreachable:
            self._disconnect()
            self._client.lose()
            raise
        tasks = answer.get("requestedTasks")
        if not isinstance(tasks, list):
            raise Refused("an answer that is not understood", 200, REGISTER_PATH)
        return [task for entry in tasks if (task := self._task(entry)) is not None]

    def cut(self) -> None:
        """Close the connection: a poll that is open ends with Unreachable, and no other one is begun."""
        with self._lock:
            self._is_cut = True
            sock = self._connection.sock if self._connection is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def leave(self) -> None:
        """Tell a node, after `cut`, that this backend takes no more: what was on its way goes to others at once."""
        self._disconnect()
        self._number += 1
        headers = self._client.headers() | self._numbers()
        connection = self._client.open_connection(_LEAVE_SECONDS)
        try:
            body = json.dumps({"taskFunctions": [], "backendId": self._revealed(), "timeoutMsec": 0})
            connection.request("POST", self._path(), body=body.encode("ascii"), headers=headers)
            connection.getresponse()
        except (HTTPError, OSError, ValueError):
            # The node finds out by itself, some seconds later.
            return
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection when no poll is open."""
        self._disconnect()

    def _revealed(self) -> str | None:
        return None if self._backend_id is None else self._backend_id.reveal()

    def _numbers(self) -> dict[str, str]:
        return {INSTANCE_HEADER: self._instance, POLL_HEADER: f"{self._number} {self._received}"}

    def _path(self) -> str:
        return urlsplit(self._client.address).path + REGISTER_PATH

    def _exchange(self, text: bytes, seconds: float) -> tuple[int, bytes]:
        self._number += 1
        headers = self._client.headers() | self._numbers()
        connection = self._connected(seconds + self._client.answer_seconds)
        try:
            connection.request("POST", self._path(), body=text, headers=headers)
            response = connection.getresponse()
            return response.status, response.data
        except (HTTPError, OSError) as error:
            raise Unreachable("the connection to the kachery daemon was lost") from error
        except ValueError as error:
            raise Unreachable("the kachery daemon's answer is not HTTP") from error

    def _connected(self, seconds: float) -> urllib3.connection.HTTPConnection:
        address = self._client.address
        with self._lock:
            if self._is_cut:
                raise Unreachable("the backend is stopping")
            connection = self._connection
        if connection is not None and address == self._address and connection.is_connected:
            return connection
        self._disconnect()
        connection = self._client.open_connection(self._client.connect_seconds)
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        with self._lock:
            self._connection, self._address = connection, address
        return connection

    def _disconnect(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _task(self, entry: object) -> RequestedTask | None:
        """What one entry of the answer asks; None where it is for another backend or not understood."""
        if not isinstance(entry, dict):
            return None
        given = entry.get("backendId")
        if given is not None if self._backend_id is None else not self._backend_id.matches(given):
            _log.warning(fields("ignored", reason="a task with another backend ID"))
            return None
        names = ("channelName", "taskId", "taskHash", "taskFunctionId", "taskFunctionType")
        values = [entry.get(name) for name in names]
        kwargs = entry.get("kwargs")
        if not all(isinstance(value, str) for value in values) or not isinstance(kwargs, dict):
            _log.warning(fields("ignored", reason="a task that is not understood"))
            return None
        channel, task_id, task_hash, function_id, function_type = map(str, values)
        return RequestedTask(channel, task_id, task_hash, function_id, function_type, kwargs)
