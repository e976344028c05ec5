"""A backend that was killed between two polls is noticed by the end of its connection."""

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from node_peers import CODE_HEADER, ask, code_of

from seriesview.node.config import NodeConfig
from seriesview.node.server import NodeThread
from seriesview.node.task_records import BrokerLimits

OFFER = {"channelName": "demo", "taskFunctionId": "f.1", "taskFunctionType": "pure-calculation"}
ASKED = {**OFFER, "taskKwargs": {"n": 1}, "timeoutMsec": 0}


class Backend:
    """A backend that names itself and keeps its connection."""

    def __init__(self, node: NodeThread, name: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=100)
        self.headers = {
            CODE_HEADER: code_of(node.config.storage_dir),
            "KACHERY-BACKEND-INSTANCE": name,
        }

    def poll(self, milliseconds: int) -> list[dict[str, Any]]:
        body = json.dumps({"taskFunctions": [OFFER], "timeoutMsec": milliseconds})
        self.connection.request("POST", "/task/registerTaskFunctions", body, self.headers)
        tasks: list[dict[str, Any]] = json.loads(self.connection.getresponse().read())["requestedTasks"]
        return tasks


@pytest.mark.parametrize("polls_again", [False, True])
def test_its_task_goes_to_another(tmp_path: Path, polls_again: bool) -> None:
    limits = BrokerLimits(gone_seconds=1.0, lease_seconds=600.0)
    config = NodeConfig(tmp_path / "storage", port=0, channels=("demo",), task_limits=limits)
    with NodeThread(config) as node:
        storage = config.storage_dir
        first, second = Backend(node, "first"), Backend(node, "second")
        assert first.poll(0) == []
        assert ask(node.port, "POST", "/task/requestTask", ASKED, storage=storage).status == 200
        assert len(first.poll(5000)) == 1
        if polls_again:
            # It has only taken another connection.
            thread = threading.Thread(target=Backend(node, "first").poll, args=(4000,))
            thread.start()
            first.connection.close()
            assert second.poll(3000) == []
            thread.join()
        else:
            begin = time.monotonic()
            first.connection.close()
            assert len(second.poll(60_000)) == 1
            assert time.monotonic() - begin > 0.5
