"""Asking a backend for a task, with a backend ID where it wants one."""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
import zlib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from seriesview.errors import BackendError, TaskError, parse_coded
from seriesview.terms import FunctionType

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from seriesview.backend.client import DaemonClient

CHANNEL_VARIABLE = "FIGURL_CHANNEL"
QUERIES = ("seriesview.get_python_package_version.1", "seriesview.get_health.1")
"""The functions of seriesview's backend that are queries; all others are pure calculations."""

_SLICE_SECONDS = 15.0
_DAEMON_SLICE_SECONDS = 1.0
"""A kachery daemon answers only after the whole time where the task ended before it was asked."""

_PATIENCE_SECONDS = 10.0
_RESULT_PAUSES = (0.05, 0.2, 0.5, 1.0)
_LONGEST_PAUSE = 1.0
_DAEMON_FORGOT = "Outgoing task not found"
"""What a kachery daemon says where it knows nothing of a task; it has no codes."""
_DTYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def request_task(
    function_id: str,
    kwargs: Mapping[str, Any] | None = None,
    *,
    channel: str | None = None,
    backend_id: str | None = None,
    function_type: FunctionType | None = None,
    timeout: float = 60.0,
) -> Any:
    """Return the result of a task, asked for through the kachery daemon or node; True for an action.

    `channel` is FIGURL_CHANNEL where it is not given. With `backend_id` only backends that were started with this
    ID answer, without it only those that have none. `function_type` is known for seriesview's own functions; for
    others it is `pure-calculation` where it is not given. Arrays in the result become numpy arrays.

    Raises TaskError where the task fails or takes more than `timeout` seconds, BackendError where no daemon or node
    can be asked.
    """
    text = request_json(
        function_id,
        kwargs,
        channel=channel,
        backend_id=backend_id,
        function_type=function_type,
        timeout=timeout,
    )
    return _decoded(json.loads(text))


def request_json(
    function_id: str,
    kwargs: Mapping[str, Any] | None = None,
    *,
    channel: str | None = None,
    backend_id: str | None = None,
    function_type: FunctionType | None = None,
    timeout: float = 60.0,
) -> bytes:
    """Return the result as the JSON that the backend sent; everything else as `request_task`."""
    channel = channel or os.environ.get(CHANNEL_VARIABLE)
    if not channel:
        raise BackendError(f"no kachery channel is named; give one, or set {CHANNEL_VARIABLE}")
    kind = function_type or ("query" if function_id in QUERIES else "pure-calculation")
    request: dict[str, Any] = {
        "channelName": channel,
        "taskFunctionId": function_id,
        "taskKwargs": dict(kwargs or {}),
        "taskFunctionType": kind,
    }
    if backend_id is not None:
        request["backendId"] = backend_id
    try:
        json.dumps(request["taskKwargs"], allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TaskError(f"the arguments of {function_id} cannot be written as JSON: {error}") from error
    return _Request(_client(), request, time.monotonic() + timeout, timeout).result()


class _Request:
    """One task, asked for until its result is here or the time is over."""

    def __init__(
        self, client: DaemonClient, request: dict[str, Any], deadline: float, timeout: float
    ) -> None:
        self._client = client
        self._request = request
        self._deadline = deadline
        self._timeout = timeout
        self._kind = request["taskFunctionType"]

    def result(self) -> bytes:
        """JSON of the result; raises TaskError, BackendError."""
        from seriesview.backend.client import Unreachable

        if self._kind == "action":
            # Seen to be there before it is sent, since it is sent only once.
            self._client.lose()
        pause = 0.05
        # A daemon that this process has spoken to may be starting again.
        patience = 0.0 if self._client.daemon is None else _PATIENCE_SECONDS
        lost_since: float | None = None
        while True:
            try:
                self._connect()
                patience, lost_since = _PATIENCE_SECONDS, None
                result = self._attempt()
            except Unreachable:
                lost_since = lost_since or time.monotonic()
                if time.monotonic() + pause > lost_since + patience or self._seconds_left() < pause:
                    raise
            else:
                if result is not None:
                    return result
            # The daemon was restarted meanwhile and knows nothing of this task, or cannot be reached.
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _connect(self) -> None:
        from seriesview.backend.client import Unreachable

        if not self._client.is_connected and not self._client.connect():
            raise Unreachable(
                f"no kachery daemon or node answers at {self._client.address}; start one (`seriesview node`), or "
                "set KACHERY_DAEMON_PORT to its port"
            )

    def _attempt(self) -> bytes | None:
        """Ask once and wait; None where the daemon has forgotten the task."""
        answer = self._post("/task/requestTask", self._request)
        task_id, url = answer.get("taskId"), answer.get("taskResultUrl")
        waiting = {
            "channelName": self._request["channelName"],
            "taskId": task_id,
            # A daemon insists on a text, for actions too.
            "taskResultUrl": url if isinstance(url, str) else "",
            "taskFunctionType": self._kind,
        }
        while answer.get("status") not in ("finished", "error"):
            if self._seconds_left() <= 0:
                raise TaskError(
                    f"{self._request['taskFunctionId']} was not done within {self._timeout:g} s "
                    f"(status: {answer.get('status')!s:.20})",
                    code="timed-out",
                )
            answer = self._post("/task/waitForTaskResult", waiting)
        if answer["status"] == "error":
            error = _task_error(answer.get("errorMessage"))
            # What stops has not begun it.
            if error.code == "node-stopping" or (error.code == "task-forgotten" and self._kind != "action"):
                return None
            raise error
        if self._kind == "action":
            return b"true"
        if not isinstance(url, str):
            raise TaskError("the task is done, and the daemon does not say where its result is")
        return self._fetched(url if self._kind == "pure-calculation" else _uncached(url))

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        from seriesview.backend.client import Unreachable

        longest = _SLICE_SECONDS if self._client.is_node else _DAEMON_SLICE_SECONDS
        seconds = min(longest, max(0.0, self._seconds_left()))
        is_repeatable = self._kind != "action" or path != "/task/requestTask"
        timed = {**body, "timeoutMsec": round(1000 * seconds)}
        try:
            return self._client.post(path, timed, seconds + 15.0, is_repeatable)
        except Unreachable as error:
            if self._kind == "action":
                raise TaskError(f"{error}; whether the action was done is not known") from error
            raise

    def _fetched(self, url: str) -> bytes:
        from seriesview.backend.client import Refused

        for pause in (*_RESULT_PAUSES, None):
            try:
                return self._client.get(url)
            except Refused as error:
                # A bucket far away may show what was just stored a moment later.
                if error.status != 404 or pause is None:
                    raise TaskError(f"the task is done, and its result cannot be loaded: {error}") from error
                time.sleep(pause)
        raise AssertionError("not reached")

    def _seconds_left(self) -> float:
        return self._deadline - time.monotonic()


def _client() -> DaemonClient:
    variables = ("KACHERY_DAEMON_HOST", "KACHERY_DAEMON_PORT", "KACHERY_STORAGE_DIR")
    return _client_of(os.getpid(), *(os.environ.get(name) for name in variables))


@cache
def _client_of(*_: object) -> DaemonClient:
    from seriesview.backend.client import DaemonClient

    return DaemonClient(is_bound=False)


def _task_error(message: object) -> TaskError:
    if message == _DAEMON_FORGOT:
        return TaskError(_DAEMON_FORGOT, code="task-forgotten")
    return parse_coded(str(message or "the task failed, and the backend gave no reason"))


def _uncached(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}cb={secrets.token_hex(5)}"


def _decoded(value: Any) -> Any:
    """The value with arrays instead of their wrappers."""
    if isinstance(value, dict):
        if value.get("_type") == "ndarray":
            return _array(value)
        return {key: _decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value


def _array(wrapper: dict[str, Any]) -> npt.NDArray[Any]:
    import numpy as np

    if wrapper.get("dtype") not in _DTYPES:
        raise TaskError(f"the result has an array of an unknown dtype, {wrapper.get('dtype')!r:.40}")
    try:
        if "data_b64" in wrapper:
            data = base64.b64decode(wrapper["data_b64"])
        else:
            data = zlib.decompress(base64.b64decode(wrapper["data_gzip_b64"]))
        dtype: np.dtype[Any] = np.dtype(wrapper["dtype"]).newbyteorder("<")
        return np.frombuffer(data, dtype).reshape(wrapper["shape"]).astype(dtype.newbyteorder("="))
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise TaskError(f"the result has an array that cannot be read: {error}") from error
