"""A kachery daemon as far as tasks go, with the weaknesses of the real one that its protocol was seen to have.

Requests are matched each 100 ms to the oldest open poll, also when its client has gone; a request without a match is
dropped after 10 s; long error messages are lost; a 500 closes the connection; answers are pretty-printed; the bucket
is another server.
"""

import contextlib
import hashlib
import json
import secrets
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TICK = 0.1
FIELDS = {
    "/task/registerTaskFunctions": {"taskFunctions", "backendId", "timeoutMsec"},
    "/task/requestTask": {
        "channelName", "backendId", "taskFunctionId", "taskKwargs", "taskFunctionType", "timeoutMsec",
    },
    "/task/waitForTaskResult": {"channelName", "taskId", "taskResultUrl", "taskFunctionType", "timeoutMsec"},
    "/task/updateTaskStatus": {"channelName", "taskId", "status", "errorMessage"},
    "/task/createSignedTaskResultUploadUrl": {"channelName", "taskId", "size"},
}  # fmt: skip


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.connections: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, *_: object) -> None:
        """Clients go away; that is no error."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class DaemonPeer:
    """The daemon at `port`, its bucket at another one, one storage directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True)
        self.node_id = secrets.token_hex(32)
        (directory / "kachery-node-id").write_text(self.node_id)
        self.bucket: dict[str, bytes] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.polls: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.uploads_now = self.most_uploads = 0
        self.fail_uploads = 0
        self.num_probes = 0
        self.lock = threading.Condition()
        self.port = 0
        self.start()
        self._bucket_server = self._serve(_bucket_handler(self), 0)
        self._matcher = threading.Thread(target=self._match_forever, daemon=True)
        self._matcher.start()

    def start(self) -> None:
        """Listen again after `stop`, with a new code."""
        self.code = secrets.token_hex(6)
        self._server = self._serve(_daemon_handler(self), self.port)
        self.port = self._server.server_address[1]
        # A daemon answers a moment before it has written its first code.
        time.sleep(0.05)
        (self.directory / "client-auth").write_text(self.code)

    def stop(self) -> None:
        """Stop listening, and forget what is only in memory."""
        self._server.stop()
        with self.lock:
            for poll in self.polls:
                poll["taskFunctions"] = []
            self.tasks.clear()

    def end(self) -> None:
        self.stop()
        self._bucket_server.stop()

    def _serve(self, handler: type[BaseHTTPRequestHandler], port: int) -> _Server:
        server = _Server(("127.0.0.1", port), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def result_url(self, task_hash: str) -> str:
        return f"http://127.0.0.1:{self._bucket_server.server_address[1]}/{task_hash}"

    def _match_forever(self) -> None:
        while True:
            # A daemon matches once a tick, too.
            time.sleep(TICK)
            with self.lock:
                for task in list(self.tasks.values()):
                    if task["poll"] is None and time.monotonic() - task["since"] < 10:
                        for poll in self.polls:
                            if poll["backendId"] == task["backendId"] and any(
                                one["taskFunctionId"] == task["taskFunctionId"]
                                for one in poll["taskFunctions"]
                            ):
                                task["poll"] = poll
                                poll["tasks"].append(task)
                                break
                self.lock.notify_all()

    def register(self, body: dict[str, Any]) -> dict[str, Any]:
        poll = {**body, "backendId": body.get("backendId"), "tasks": []}
        with self.lock:
            self.polls.append(poll)
            self.lock.wait_for(lambda: poll["tasks"], body["timeoutMsec"] / 1000)
            self.polls.remove(poll)
            names = (
                "channelName", "backendId", "taskId", "taskHash", "taskFunctionId", "kwargs", "taskFunctionType",
            )  # fmt: skip
            return {"requestedTasks": [{name: task[name] for name in names} for task in poll["tasks"]]}

    def request(self, body: dict[str, Any]) -> dict[str, Any]:
        named = {"functionId": body["taskFunctionId"], "kwargs": body["taskKwargs"]}
        text = json.dumps(named, sort_keys=True, separators=(",", ":"))
        task_hash = hashlib.sha1(text.encode()).hexdigest()
        is_pure = body["taskFunctionType"] == "pure-calculation"
        task_id = task_hash if is_pure else secrets.token_hex(5)
        url = {} if body["taskFunctionType"] == "action" else {"taskResultUrl": self.result_url(task_hash)}
        if is_pure and task_hash in self.bucket:
            return {"taskId": task_id, "status": "finished", **url}
        with self.lock:
            task = {
                **body, "backendId": body.get("backendId"), "kwargs": body["taskKwargs"], "taskId": task_id,
                "taskHash": task_hash, "status": "waiting", "poll": None, "since": time.monotonic(),
            }  # fmt: skip
            self.tasks[task_id] = task
            self.lock.wait_for(lambda: task["status"] in ("finished", "error"), body["timeoutMsec"] / 1000)
            return {"taskId": task_id, **self._outcome(task), **url}

    def wait(self, body: dict[str, Any]) -> dict[str, Any]:
        task = self.tasks.get(body["taskId"])
        if task is None:
            return {"status": "error", "errorMessage": "Outgoing task not found"}
        if not isinstance(body["taskResultUrl"], str):
            raise ValueError("taskResultUrl")
        seen, deadline = task["status"], time.monotonic() + body["timeoutMsec"] / 1000
        with self.lock:
            self.lock.wait_for(lambda: task["status"] != seen, deadline - time.monotonic())
        return self._outcome(task)

    def update(self, body: dict[str, Any]) -> dict[str, Any]:
        if len(body.get("errorMessage", "").encode("utf-16-le")) // 2 >= 1000:
            raise ValueError("errorMessage")
        with self.lock:
            self.statuses.append(body)
            task = self.tasks.get(body["taskId"])
            if task is not None:
                task.update(status=body["status"], errorMessage=body.get("errorMessage"))
            self.lock.notify_all()
        return {}

    def sign(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"signedUrl": f"{self.result_url(body['taskId'])}?signature=not-for-any-log"}

    def _outcome(self, task: dict[str, Any]) -> dict[str, Any]:
        message = task.get("errorMessage")
        return {"status": task["status"], **({"errorMessage": message} if message else {})}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def say(self, status: int, text: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


def _daemon_handler(peer: DaemonPeer) -> type[BaseHTTPRequestHandler]:
    actions = {
        "/task/registerTaskFunctions": peer.register,
        "/task/requestTask": peer.request,
        "/task/waitForTaskResult": peer.wait,
        "/task/updateTaskStatus": peer.update,
        "/task/createSignedTaskResultUploadUrl": peer.sign,
    }
    code = peer.code

    class Handler(_Handler):
        def do_GET(self) -> None:
            with peer.lock:
                peer.num_probes += 1
            answer = {
                "success": True,
                "daemonVersion": "1.2.1",
                "nodeId": peer.node_id,
                "kacheryStorageDir": str(peer.directory),
            }
            self.say(200, json.dumps(answer, indent=4).encode())

        def do_POST(self) -> None:
            text = self.body()
            if self.headers.get("KACHERY-CLIENT-AUTH-CODE") != code:
                return self.say(403, b"Incorrect or invalid client authorization code.")
            try:
                body = json.loads(text)
                if not set(body) <= FIELDS[self.path]:
                    raise ValueError(self.path)
                answer = {"success": True, **actions[self.path](body)}
            except (ValueError, KeyError):
                self.close_connection = True
                return self.say(500, b"Invalid request in _handler")
            return self.say(200, json.dumps(answer, indent=4).encode())

    return Handler


def _bucket_handler(peer: DaemonPeer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        def do_GET(self) -> None:
            found = peer.bucket.get(self.path.strip("/").partition("?")[0])
            self.say(404 if found is None else 200, found or b"")

        def do_PUT(self) -> None:
            with peer.lock:
                peer.uploads_now += 1
                peer.most_uploads = max(peer.most_uploads, peer.uploads_now)
                fails = peer.fail_uploads > 0
                peer.fail_uploads -= fails
            text = self.body()
            # So that uploads overlap.
            time.sleep(0.05)
            with peer.lock:
                peer.uploads_now -= 1
            if fails:
                return self.say(503, b"not now")
            peer.bucket[self.path.strip("/").partition("?")[0]] = text
            return self.say(200, b"")

    return Handler
