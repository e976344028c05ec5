"""Plain static web servers of folders and of a store's artifacts, with and without byte ranges, with faults."""

from __future__ import annotations

import json
import mimetypes
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from seriesview.errors import TaskError, coded
from seriesview.store import open_store
from seriesview.store.links import read_link
from seriesview.store.paths import artifact_path, link_path
from seriesview.tasks import TaskContext, run_task

VIEWER = Path(__file__).parents[2] / "seriesview" / "viewer"
PARENTS = Path(__file__).parents[1] / "browser" / "parents"


class StaticServer:
    """Serves folders by prefix, artifacts below /sha1/ (links followed), and documents."""

    def __init__(
        self, storage: Path, folders: Mapping[str, Path], has_ranges: bool = True, host: str = "127.0.0.1"
    ) -> None:
        self.storage = storage
        self.folders = dict(folders)
        self.has_ranges = has_ranges
        self.documents: dict[str, Any] = {}
        """Path to JSON."""
        self.missing: set[str] = set()
        self.damaged: set[str] = set()
        """SHA-1s of artifacts that are not there, or of which all that is sent has a byte changed."""
        self.spoilt: dict[str, int] = {}
        """Of artifacts, by SHA-1, one byte that is changed."""
        self.refuses_ranges = False
        """Whether a range is answered with 416."""
        self.refuses = False
        """Whether every artifact is answered with 503."""
        self.asked: list[tuple[str, str | None]] = []
        """(path, Range header) of all requests."""
        self.tasks: list[str] = []
        """Ids of the functions of all tasks."""
        self._context = TaskContext(open_store(storage, "embedded"))
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self)

            def do_POST(self) -> None:
                server.run_task(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer((host, 0), Handler)
        self._http.daemon_threads = True
        self.address = f"http://{host}:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def content(self, path: str) -> tuple[bytes, str] | None:
        """Bytes and type of what lies at a path."""
        if path in self.documents:
            return json.dumps(self.documents[path]).encode(), "application/json"
        artifact = re.fullmatch(r".*/sha1/../../../([0-9a-f]{40})", path)
        if artifact:
            return self._artifact(artifact[1])
        for prefix, folder in sorted(self.folders.items(), key=lambda item: -len(item[0])):
            if path.startswith(prefix):
                file = (folder / (path[len(prefix) :] or "index.html")).resolve()
                if file.is_file() and file.is_relative_to(folder.resolve()):
                    return file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return None

    def _artifact(self, sha1: str) -> tuple[bytes, str] | None:
        file = artifact_path(self.storage, sha1)
        if not file.exists():
            link = (
                read_link(link_path(self.storage, sha1)) if link_path(self.storage, sha1).exists() else None
            )
            if link is None:
                return None
            file = link.check()
        if sha1 in self.missing:
            return None
        data = bytearray(file.read_bytes())
        if sha1 in self.spoilt:
            data[self.spoilt[sha1]] ^= 1
        return bytes(data), "application/octet-stream"

    def run_task(self, request: BaseHTTPRequestHandler) -> None:
        """Answer POST /tasks, for parents that play a channel with a backend."""
        asked = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        self.tasks.append(asked["functionId"])
        try:
            answer = {"result": run_task(self._context, asked["functionId"], asked["kwargs"])}
        except TaskError as error:
            answer = {"error": coded(error)}
        data = json.dumps(answer).encode()
        request.send_response(200)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        wanted = request.headers.get("Range")
        self.asked.append((path, wanted))
        found = None if self.refuses and "/sha1/" in path else self.content(path)
        if found is None:
            request.send_response(503 if self.refuses and "/sha1/" in path else 404)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if wanted and self.refuses_ranges:
            request.send_response(416)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        data, kind = found
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "") if self.has_ranges else None
        if span:
            first, last = int(span[1]), min(int(span[2] or len(data) - 1), len(data) - 1)
            request.send_response(206 if first < len(data) else 416)
            request.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            data = data[first : last + 1]
        else:
            request.send_response(200)
        if path.rpartition("/")[2] in self.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.send_header("Access-Control-Allow-Origin", "*")
        if self.has_ranges:
            request.send_header("Accept-Ranges", "bytes")
        request.end_headers()
        request.wfile.write(data)
