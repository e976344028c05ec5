"""Reports outcomes to the daemon, again and again until it has them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from seriesview.backend.client import DaemonClient, Refused, Unreachable
from seriesview.backend.logs import LOGGER_NAME, fields
from seriesview.backend.outcomes import Outcome, failure
from seriesview.backend.polling import RequestedTask
from seriesview.backend.stopping import Stopping
from seriesview.errors import BackendError, SeriesviewError, TaskError

UPLOAD_PATH = "/task/createSignedTaskResultUploadUrl"
STATUS_PATH = "/task/updateTaskStatus"
FINISH_PATH = "/task/finishTask"

MAX_UPLOADS = 4
"""Uploads at the same time through a kachery daemon, whom each costs several requests to its hub."""

_MAX_REFUSALS = 7
_SLOWEST = 50_000
"""Bytes a second of a network that is slow, and not silent."""
_FIRST_PAUSE = 0.05
_log = logging.getLogger(LOGGER_NAME)
Result = TypeVar("Result")


class ResultBucket(Protocol):
    """A bucket that takes results in place of the daemon's own; called by several threads."""

    @property
    def base_url(self) -> str:
        """The web address below which browsers read."""
        ...

    def put(self, channel: str, task_hash: str, result: bytes) -> None:
        """Store a result under its path; raises SeriesviewError."""
        ...


class Reporter:
    """Stores results and reports statuses; safe in threads. Whoever reports waits while the daemon is away."""

    def __init__(
        self,
        client: DaemonClient,
        keep_seconds: float,
        stopping: Stopping,
        bucket: ResultBucket | None = None,
    ) -> None:
        """Keep trying for `keep_seconds` while the daemon is away."""
        self._bucket = bucket
        self._read_from = None if bucket is None else bucket.base_url
        """The bucket from which results are read, as the app said last; None: from the app itself."""
        self._client = client
        self._keep_seconds = keep_seconds
        self._stopping = stopping
        self._uploads = threading.BoundedSemaphore(MAX_UPLOADS)

    def report(self, tasks: list[RequestedTask], outcome: Outcome) -> Outcome:
        """Report one outcome to all who wait for it; returns what they were told.

        Raises BackendError where the daemon did not take it in time.
        """
        problem: BackendError | None = None
        told = outcome
        stored: dict[tuple[str, str], Outcome] = {}
        for task in tasks:
            try:
                place = (task.channel, task.task_hash)
                if outcome.result is not None and place not in stored:
                    if self._client.is_node:
                        stored[place] = told = self._finished(task, outcome, outcome.result)
                        if told is outcome:
                            continue
                    else:
                        stored[place] = self._stored(task, outcome, outcome.result)
                told = stored.get(place, outcome)
                self._report_status(task, told)
            except BackendError as error:
                problem = error
        if problem is not None:
            raise problem
        return told

    def _finished(self, task: RequestedTask, outcome: Outcome, result: bytes) -> Outcome:
        """Store a result and report it in one request, as a node takes it; returns as `_stored`."""
        names = {"channelName": task.channel, "taskId": task.task_id, "taskHash": task.task_hash}
        try:
            if self._bucket is not None and self._read_from == self._bucket.base_url:
                try:
                    self._bucket.put(task.channel, task.task_hash, result)
                except SeriesviewError as error:
                    _log.error(fields("bucket", error=str(error)))
                    return failure(_not_stored("this backend's bucket does not take it"))
                stored = {"storedIn": "bucket", "bucketUrl": self._bucket.base_url}
                if self._finish(task, names | stored, b""):
                    return outcome
            self._finish(task, names, result)
        except Refused as error:
            return failure(_not_stored(error.reason))
        return outcome

    def _finish(self, task: RequestedTask, names: dict[str, str], result: bytes) -> bool:
        """Report a result; False where it lies in a bucket from which the channel's are not read. Raises Refused."""
        path = f"{FINISH_PATH}?{urlencode(names)}"
        seconds = self._client.answer_seconds + len(result) / _SLOWEST
        answer = self._persist(lambda: self._client.post(path, result, seconds))
        if self._bucket is not None and answer.get("bucketUrl") != self._read_from:
            self._read_from = answer.get("bucketUrl")
            if self._read_from == self._bucket.base_url:
                _log.info(fields("bucket", results=self._read_from))
            else:
                asking = f"seriesview channel set {task.channel} --bucket-url {self._bucket.base_url}"
                advice = f"the channel has another bucket, results go to the app; its owner may run: {asking}"
                _log.error(fields("bucket", results="the app", error=advice))
        return answer.get("isStored") is not False

    def _stored(self, task: RequestedTask, outcome: Outcome, result: bytes) -> Outcome:
        """Store a result; returns the outcome, which is an error where it cannot be stored."""
        try:
            self._persist(lambda: self._upload(task, result))
        except Refused as error:
            return failure(_not_stored(error.reason))
        return outcome

    def _upload(self, task: RequestedTask, result: bytes) -> None:
        request = {"channelName": task.channel, "taskId": task.task_hash, "size": len(result)}
        url = self._client.post(UPLOAD_PATH, request).get("signedUrl")
        if not isinstance(url, str):
            raise Refused("no signedUrl in the answer", 200, UPLOAD_PATH)
        with nullcontext() if self._client.is_node else self._uploads:
            try:
                self._client.put(url, result)
            except Unreachable as error:
                # The daemon is there: what cannot be reached is the bucket, and that may not come back soon.
                raise Refused(error.reason, 0) from error

    def _report_status(self, task: RequestedTask, outcome: Outcome) -> None:
        body = {"channelName": task.channel, "taskId": task.task_id, "status": outcome.status}
        if outcome.error is not None:
            body["errorMessage"] = outcome.error
        self._persist(lambda: self._client.post(STATUS_PATH, body, self._client.answer_seconds))

    def _persist(self, call: Callable[[], Result]) -> Result:
        """Repeat a call until it succeeds; raises Unreachable when the time is over, Refused after some tries."""
        last = time.monotonic() + self._keep_seconds
        pause = _FIRST_PAUSE
        refusals = 0
        while True:
            try:
                return call()
            except Refused as error:
                refusals += 1
                if refusals >= _MAX_REFUSALS or self._stopping.seconds_left() <= 0:
                    raise
                problem: BackendError = error
            except BackendError as error:
                problem = error
            if time.monotonic() + pause > last or self._stopping.seconds_left() <= 0:
                raise problem
            self._stopping.pause(pause)
            pause = min(2 * pause, self._client.longest_pause)


def _not_stored(why: str) -> TaskError:
    return TaskError(f"the result cannot be stored: {why}")
