"""Follows links to figures as a browser does: a token for a cookie, then what the page asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3
from waiting import MOST_SECONDS


@dataclass
class Link:
    """The parts of a link; `base` is its address up to the page's path."""

    address: str

    @property
    def base(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/f')}"

    @property
    def fields(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.address).query).items()}

    @property
    def token(self) -> str:
        fragment = urlsplit(self.address).fragment
        assert fragment.startswith("token=")
        return fragment.removeprefix("token=")


class Browser:
    """Follows links; keeps the cookie that it is given."""

    def __init__(self, **headers: str) -> None:
        self._headers = headers
        self._cookie = ""
        self._pool = urllib3.PoolManager(retries=False, timeout=MOST_SECONDS)

    def request(
        self, method: str, address: str, body: Any = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        sent = {**self._headers, **headers}
        if self._cookie:
            sent["Cookie"] = self._cookie
        data = None
        if body is not None:
            parts = urlsplit(address)
            sent = {"Content-Type": "application/json", "Origin": f"{parts.scheme}://{parts.netloc}", **sent}
            data = json.dumps(body).encode()
        return self._pool.request(method, address, body=data, headers=sent, redirect=False)

    def open(self, address: str) -> Link:
        """Load the page, exchange the token; the link's parts."""
        link = Link(address)
        page = self.request("GET", address.partition("#")[0])
        assert page.status == 200
        assert page.headers["Content-Type"].startswith("text/html")
        answer = self.exchange(link)
        assert answer.status == 200, answer.data
        return link

    def exchange(self, link: Link) -> urllib3.BaseHTTPResponse:
        answer = self.request("POST", f"{link.base}/session", {"token": link.token})
        if answer.status == 200:
            self._cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer

    def figure_data(self, link: Link) -> Any:
        """What the figure shows, as the page reads it."""
        sha1 = link.fields["d"]
        path = f"{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"
        answer = self.request("GET", f"{link.base}/files/{link.fields['channel']}/sha1/{path}")
        assert answer.status == 200, (answer.status, answer.data)
        return json.loads(answer.data)

    def query(self, link: Link, function_id: str) -> Any:
        """The result of a query that the backend answers."""
        task = self.task(link, function_id, {}, "query")
        assert task["status"] == "finished", task
        return task["result"]

    def task(self, link: Link, function_id: str, kwargs: Any, kind: str = "pure-calculation") -> Any:
        """What the node says of a task at its end, with its result."""
        channel = link.fields["channel"]
        request = {
            "channelName": channel,
            "taskFunctionId": function_id,
            "taskKwargs": kwargs,
            "taskFunctionType": kind,
            "timeoutMsec": 10_000,
        }
        answer = self.request("POST", f"{link.base}/task/requestTask", request)
        assert answer.status == 200, answer.data
        task = json.loads(answer.data)
        if task["status"] not in ("finished", "error"):
            waiting = {
                "channelName": channel,
                "taskId": task["taskId"],
                "taskResultUrl": task["taskResultUrl"],
                "taskFunctionType": kind,
                "timeoutMsec": 10_000,
            }
            answer = self.request("POST", f"{link.base}/task/waitForTaskResult", waiting)
            task |= json.loads(answer.data)
        if task["status"] == "finished":
            # As the page does: behind a proxy the node does not know its own address.
            path = task["taskResultUrl"].partition("/bucket/")[2]
            task["result"] = json.loads(self.request("GET", f"{link.base}/bucket/{path}").data)
        return task
