"""An app, a node that a backend and its users reach, and what works through it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import urllib3
from cutting_proxy import CuttingProxy
from serving_processes import CHANNEL, Process, Surroundings
from waiting import MOST_SECONDS, until

from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.node.token_file import TokenFile
from seriesview.node.tokens import TOKENS_FILE

PROVIDE, REQUEST = frozenset({"provideTasks"}), frozenset({"requestTasks", "requestFiles"})


class App:
    """A node elsewhere, a connection to it that can be cut, and a backend's surroundings without a node."""

    def __init__(self, directory: Path) -> None:
        (directory / "app").mkdir()
        (directory / "own").mkdir()
        self.there = Surroundings(directory / "app")
        self.own = Surroundings(directory / "own")
        self.node = self.there.node()
        self.proxy = CuttingProxy(self.there.port)
        self.provider = self.token("laboratory", PROVIDE)
        self.reader = self.token("people", REQUEST)
        self.http = urllib3.PoolManager(retries=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy.port}"

    def token(self, name: str, granted: frozenset[str]) -> str:
        secret = TokenFile(self.there.storage / TOKENS_FILE).create(name)
        Channels(self.there.storage / CHANNELS_FILE).change(CHANNEL, {name: granted})
        return secret

    def backend(self, **environment: str) -> Process:
        """One with the functions of served_functions.py, ready."""
        return self.own.backend(
            SERIESVIEW_APP_URL=self.url, SERIESVIEW_APP_TOKEN=self.provider, **environment
        )

    def command(self, *options: str, **environment: str) -> Process:
        """`seriesview-start-backend`, perhaps not ready."""
        given = {"SERIESVIEW_APP_URL": self.url, "FIGURL_CHANNEL": CHANNEL, **environment}
        return self.own.start("seriesview-start-backend", *options, **given)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.reader}", "Content-Type": "application/json"}
        answer = self.http.request(
            "POST", f"http://127.0.0.1:{self.there.port}{path}", body=json.dumps(body), headers=headers
        )
        assert answer.status == 200, answer.data
        return dict(json.loads(answer.data))

    def as_client(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask as a kachery client on the app's machine, who has no limits."""
        headers = {
            "KACHERY-CLIENT-AUTH-CODE": (self.there.storage / "client-auth").read_text(),
            "Content-Type": "application/json",
        }
        url = f"http://127.0.0.1:{self.there.port}{path}"
        return dict(json.loads(self.http.request("POST", url, body=json.dumps(body), headers=headers).data))

    def ask(
        self,
        function_id: str,
        kwargs: dict[str, Any],
        function_type: str = "pure-calculation",
        backend_id: str | None = None,
    ) -> Any:
        """The result of a task, as a reader elsewhere gets it; RuntimeError where it fails."""
        request = {
            "channelName": CHANNEL,
            "taskFunctionId": function_id,
            "taskKwargs": kwargs,
            "taskFunctionType": function_type,
            "backendId": backend_id,
            "timeoutMsec": 60_000,
        }
        answer = self.post("/task/requestTask", request)
        until_then = time.monotonic() + MOST_SECONDS
        while answer["status"] not in ("finished", "error") and time.monotonic() < until_then:
            told = {"channelName": CHANNEL, "taskFunctionType": function_type, "timeoutMsec": 60_000}
            told |= {"taskId": answer["taskId"], "taskResultUrl": answer.get("taskResultUrl")}
            answer |= self.post("/task/waitForTaskResult", told)
        if answer["status"] != "finished":
            raise RuntimeError(answer.get("errorMessage", answer["status"]))
        if function_type == "action":
            return True
        response = self.http.request("GET", answer["taskResultUrl"])
        if response.status == 307:
            response = self.http.request("GET", response.headers["Location"])
        assert response.status == 200
        return json.loads(response.data)

    def ask_until_heard(self, function_id: str, kwargs: dict[str, Any]) -> Any:
        """The same, asked again where the backend was not heard of for so long that the node gave the task up."""

        def answer() -> tuple[Any] | None:
            try:
                return (self.ask(function_id, kwargs),)
            except RuntimeError as error:
                if "none registered" not in str(error):
                    raise
                return None

        return until(answer)[0]

    def end(self) -> None:
        self.proxy.close()
        self.own.end()
        self.there.end()
