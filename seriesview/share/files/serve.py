#!/usr/bin/env python3
"""Show this folder in a browser: python3 serve.py

Serves the folder that this file lies in, to this computer alone, until it is ended with Ctrl-C. It needs Python 3.8 or
newer and nothing else.
"""

from __future__ import annotations

import argparse
import re
import sys
import threading
import webbrowser
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
ARTIFACT = re.compile(r"/sha1/../../../[0-9a-f]{40}")
RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
BLOCK_BYTES = 1 << 18


class Handler(SimpleHTTPRequestHandler):
    """Plain files, with byte ranges."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, any_host: bool, **named: Any) -> None:
        self.any_host = any_host
        super().__init__(*arguments, **named)

    def do_HEAD(self) -> None:
        """Answer with headers alone."""
        self._answer(False)

    def do_GET(self) -> None:
        """Answer with a file, or the stretch of it that was asked for."""
        self._answer(True)

    def _answer(self, with_content: bool) -> None:
        # A page of another site that makes its name mean this computer would otherwise read the data.
        host = re.sub(r":\d+$", "", self.headers.get("Host", "")).strip("[]").lower()
        if not self.any_host and host not in LOCAL_NAMES:
            return self.send_error(403, "Served to this computer alone; --host serves others")
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        try:
            # Whatever somebody put into the folder, nothing outside of it is served.
            if HERE not in path.resolve().parents or not path.is_file():
                return self.send_error(404, "There is no such file")
            file = path.open("rb")
        except OSError:
            return self.send_error(404, "There is no such file")
        with file:
            size = path.stat().st_size
            first, last = 0, size - 1
            wanted = RANGE.fullmatch(self.headers.get("Range", ""))
            if wanted and wanted[3]:
                first = max(size - int(wanted[3]), 0)
            elif wanted:
                first, last = int(wanted[1]), min(int(wanted[2] or last), last)
            is_empty = bool(wanted) and first > last
            left = max(last - first + 1, 0)
            self.send_response(416 if is_empty else 206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {'*' if is_empty else f'{first}-{last}'}/{size}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", TYPES.get(path.suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(left))
            is_artifact = ARTIFACT.fullmatch(self.path.partition("?")[0])
            self.send_header("Cache-Control", "max-age=31536000, immutable" if is_artifact else "no-cache")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            if with_content:
                file.seek(first)
                while left and (block := file.read(min(left, BLOCK_BYTES))):
                    self.wfile.write(block)
                    left -= len(block)
        return None

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """Answers several requests at once."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is no news."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Show this folder in a browser.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any that is free)")
    parser.add_argument(
        "--host", help="address to listen on (default: this computer alone; 0.0.0.0: everybody)"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    chosen = parser.parse_args()
    handler = partial(Handler, directory=str(HERE), any_host=chosen.host is not None)
    try:
        server = Server((chosen.host or "127.0.0.1", chosen.port), handler)
    except OSError as error:
        sys.exit(f"port {chosen.port} cannot be used ({error.strerror}): choose another with --port")
    name = "127.0.0.1" if chosen.host in (None, "0.0.0.0") else chosen.host
    address = f"http://{name}:{server.server_address[1]}/"
    print(f"{address} shows this folder; Ctrl-C ends it", flush=True)
    if sys.stdout.isatty() and not chosen.no_browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    with suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
