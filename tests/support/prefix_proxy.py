"""A proxy that serves ports of this machine below a path, and takes the path away, as jupyter-server-proxy does."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3
from waiting import MOST_SECONDS

_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


class PrefixProxy:
    """Serves PREFIX/PORT/... from http://127.0.0.1:PORT/... while a `with` block runs."""

    def __init__(self, prefix: str, passes_host: bool = True) -> None:
        """A proxy that passes no Host calls the port by its own address, as nginx does unless told otherwise."""
        self.prefix = prefix
        self.passes_host = passes_host
        self.requests: list[str] = []
        pool = urllib3.PoolManager(retries=False, timeout=MOST_SECONDS)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                proxy.requests.append(self.path)
                match = re.fullmatch(rf"{re.escape(prefix)}/([0-9]+)(/.*)", self.path)
                if match is None:
                    self.send_error(404)
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sent = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                if not passes_host:
                    sent["Host"] = f"127.0.0.1:{match[1]}"
                answer = pool.request(
                    self.command,
                    f"http://127.0.0.1:{match[1]}{match[2]}",
                    body=body or None,
                    headers=sent,
                    redirect=False,
                    decode_content=False,
                )
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.data)

            do_GET = do_POST = do_HEAD = handle_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self) -> PrefixProxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
