"""A server of a store's artifacts and tasks, and node asking it as the viewer's sources do."""

import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from waiting import MOST_SECONDS

from seriesview.backend.direct_windows import DirectWindows
from seriesview.errors import SeriesviewError, coded
from seriesview.tasks import TaskContext, run_task

HERE = Path(__file__).parents[1] / "viewer"
NODE = shutil.which("node")


class Server:
    """Serves the artifacts of a store as plain files, and runs tasks on it while there is a backend."""

    def __init__(self, store):
        self.store = store
        self.has_backend = True
        self.has_ranges = True
        """Whether files are sent by range where that is asked for, else whole."""
        self.tasks = []
        self.windows = []
        self.answers_windows = True
        context = TaskContext(store)
        windows = DirectWindows(context, ["lab"])
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = store.directory / self.path.lstrip("/")
                data = path.read_bytes() if path.is_file() else None
                span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
                if data and span and server.has_ranges:
                    self._send(data[int(span[1]) : int(span[2]) + 1], 206)
                else:
                    self._send(data)

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/window":
                    server.windows.append(asked["channelName"])
                    answer = windows.start(asked["taskKwargs"], lambda: False).result()
                    self._send(b"".join(answer) if server.answers_windows else None)
                    return
                server.tasks.append(asked["functionId"])
                try:
                    if not server.has_backend:
                        raise SeriesviewError("No backend answered within 3 s.", code="no-backend")
                    result = {"value": run_task(context, asked["functionId"], asked["kwargs"])}
                except SeriesviewError as error:
                    result = {"error": coded(error)}
                self._send(json.dumps(result).encode())

            def _send(self, data, status=200):
                self.send_response(404 if data is None else status)
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def ask(self, kind, requests, figure=None):
        """Answers to (method, arguments...) requests, from a source of a kind."""
        asked = [{"method": method, "arguments": arguments} for method, *arguments in requests]
        ended = subprocess.run(
            [NODE, HERE / "answer_requests.js", f"http://127.0.0.1:{self._http.server_port}/", kind],
            input=json.dumps({"figure": figure, "requests": asked}),
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def values(self, kind, requests):
        """Values of the answers, none of which may be an error."""
        answers = self.ask(kind, requests)
        assert [each["error"] for each in answers if "error" in each] == []
        return [each["value"] for each in answers]

    def close(self):
        self._http.shutdown()
        self._http.server_close()


def numbers(value, shape):
    """A flat list of numbers as float64 of a shape; null is NaN."""
    return np.array([np.nan if item is None else float(item) for item in value]).reshape(shape)


def recording(random, dtype, lengths, channels=3):
    """Segments (n, channels) that visit the dtype's range, floats with holes, infinities and negative zeros."""
    segments = []
    for length in lengths:
        if np.dtype(dtype).kind == "f":
            values = random.normal(0, 100, (length, channels)).astype(dtype)
            values[random.random(values.shape) < 0.3] = np.nan
            values[random.random(values.shape) < 0.05] = np.inf
            values[random.random(values.shape) < 0.1] = -0.0
            values[length // 3 : length // 2] = np.nan
        else:
            limits = np.iinfo(dtype)
            low, high = max(limits.min, -(2**53)), min(limits.max, 2**53)
            values = random.integers(low, high, (length, channels), dtype, endpoint=True)
        segments.append(values)
    return segments
