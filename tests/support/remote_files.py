"""A web server of files that are read by range, and what it was asked for."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


class FileServer:
    """Serves the files of a folder. `breaks`: how many of the next answers break off in their middle."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.has_ranges = True
        self.breaks = 0
        self.busy = 0
        """How many of the next answers are 503."""
        self.refuses: int | None = None
        """The code of all answers."""
        self.login: str | None = None
        """The Authorization header that lets in."""
        self.sent = 0
        """Bytes of all answers."""
        self.asked: list[str] = []
        """Paths, with what follows `?`, of all requests."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        path = self.folder / unquote(request.path.partition("?")[0]).lstrip("/")
        if request.path.startswith("/moved/"):
            self._send(request, 302, b"", {"Location": request.path.removeprefix("/moved")})
        elif self.refuses is not None:
            self._send(request, self.refuses, b"", {})
        elif self.busy:
            self.busy -= 1
            self._send(request, 503, b"", {})
        elif self.login is not None and request.headers.get("Authorization") != self.login:
            self._send(request, 401, b"", {})
        elif not path.is_file():
            self._send(request, 404, b"", {})
        else:
            self._send_file(request, path)

    def _send_file(self, request: BaseHTTPRequestHandler, path: Path) -> None:
        data = path.read_bytes()
        headers = {"ETag": f'"{path.stat().st_mtime_ns}"'}
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
        if span and self.has_ranges:
            first, last = int(span[1]), min(int(span[2]), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            self._send(request, 206, data[first : last + 1], headers)
        else:
            self._send(request, 200, data, headers)

    def _send(self, request: BaseHTTPRequestHandler, code: int, data: bytes, headers: dict[str, str]) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if self.breaks and len(data) > 1:
            self.breaks -= 1
            data = data[: len(data) // 2]
            request.close_connection = True
        # Whoever wants a range does not wait for the rest of all that comes.
        with suppress(ConnectionError):
            request.wfile.write(data)
        self.sent += len(data)


@contextmanager
def file_server(folder: Path) -> Iterator[FileServer]:
    server = FileServer(folder)
    try:
        yield server
    finally:
        server.close()
