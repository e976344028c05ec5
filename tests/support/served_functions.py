"""A backend with functions that misbehave in every way: python served_functions.py CHANNEL[,CHANNEL] [MORE AS JSON]

MORE: limits of the backend; the ID comes from SERIESVIEW_BACKEND_ID. `CALLS` (environment) names a file to which each
call adds a line, and `NAME` what this backend says that it is called.
"""

import json
import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.backend.app_client import AppClient
from seriesview.backend.backend import BackendLimits, Function
from seriesview.backend.backend_id import find_backend_id
from seriesview.backend.client import DaemonClient
from seriesview.backend.serving import serve_functions, serve_through_app
from seriesview.errors import MissingArtifactError, SeriesviewError

PURE = "pure-calculation"

VALUES: dict[str, Any] = {
    "zero": 0,
    "false": False,
    "empty_text": "",
    "empty_list": [],
    "empty_object": {},
    "int64": np.int64(2**40),
    "bool": np.bool_(True),
    "float32": np.float32(0.5),
    "nan": math.nan,
    "deep_nan": {"a": [1.0, {"b": np.float64("nan")}]},
    "infinity": math.inf,
    "nothing": None,
    "a_set": {1, 2},
    "an_array": np.zeros(3),
    "keys": {(1, 2): 3},
    "text": "é \u2028 \U0001f600 \ud800 \0",
}


def note(line: str) -> None:
    """One more call; a short line that is appended is never torn."""
    with Path(os.environ["CALLS"]).open("a") as file:
        file.write(f"{line}\n")


def echo(kwargs: Mapping[str, Any]) -> Any:
    note(json.dumps(dict(kwargs), sort_keys=True))
    take(kwargs)
    return {"name": os.environ.get("NAME", ""), **kwargs}


def take(kwargs: Mapping[str, Any]) -> None:
    """Take so many `seconds`, or as long as there is no file `until`."""
    # A function that takes long.
    time.sleep(kwargs.get("seconds", 0))
    while "until" in kwargs and not Path(kwargs["until"]).exists():
        # In a process that knows nothing of the tests.
        time.sleep(0.01)


def fail(kwargs: Mapping[str, Any]) -> Any:
    if kwargs["kind"] == "missing":
        raise MissingArtifactError(kwargs["message"], sha1=kwargs["sha1"], path="/nowhere")
    kind = {"known": SeriesviewError, "unknown": RuntimeError, "memory": MemoryError}[kwargs["kind"]]
    raise kind(kwargs.get("message", "x"))


def act(kwargs: Mapping[str, Any]) -> Any:
    note("action")
    take(kwargs)
    return {"is not": "looked at"}


FUNCTIONS = {
    "test.echo.1": Function(PURE, echo),
    "test.query.1": Function("query", echo),
    "test.fail.1": Function(PURE, fail),
    "test.value.1": Function(PURE, lambda kwargs: VALUES[kwargs["which"]]),
    "test.large.1": Function(PURE, lambda kwargs: "x" * kwargs["size"]),
    "test.act.1": Function("action", act),
}


if __name__ == "__main__":
    more = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    if "SERIESVIEW_APP_URL" in os.environ:
        app = AppClient(os.environ["SERIESVIEW_APP_URL"], os.environ["SERIESVIEW_APP_TOKEN"], sys.argv[1])
        app.answer_seconds = float(os.environ.get("ANSWER_SECONDS", app.answer_seconds))
        app.connect_seconds = float(os.environ.get("CONNECT_SECONDS", app.connect_seconds))
        app.poll_seconds = float(os.environ.get("POLL_SECONDS", app.poll_seconds))
        app.connect()
        identity, limits = find_backend_id(None, None, print), BackendLimits(**more)
        serve_through_app(
            lambda _: (FUNCTIONS, None),
            app,
            sys.argv[1],
            identity,
            limits,
            lambda line: print(line, flush=True),
        )
        sys.exit()
    DaemonClient.poll_seconds = float(os.environ.get("POLL_SECONDS", DaemonClient.poll_seconds))
    serve_functions(
        lambda _: (FUNCTIONS, lambda: note("idle")),
        sys.argv[1].split(","),
        find_backend_id(None, None, print),
        BackendLimits(**more),
        may_start_node=os.environ.get("OWN_NODE") == "yes",
        announce=lambda line: print(line, flush=True),
    )
