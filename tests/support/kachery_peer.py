"""A small HTTP server that follows the kachery daemon's protocol for storing and linking, races included."""

import hashlib
import json
import os
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from kachery_client import _daemon_connection

CHUNK = 20_000_000


def forget_client_state() -> None:
    """Have kachery-client probe and read client-auth anew, as a new process would."""
    _daemon_connection._buffered_probe_data.timestamp = 0
    _daemon_connection._buffered_probe_data.result = None
    _daemon_connection._reset_client_auth_code()


class KacheryPeer:
    """One storage directory and one server; `lose_next` stores fail as the daemon's rename race does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.node_id = secrets.token_hex(32)
        (directory / "kachery-node-id").write_text(self.node_id)
        self.probe_answer: bytes | None = None
        self.probe_status = 200
        self.lose_next = 0
        self.requests: list[tuple[str, int]] = []
        self.codes: list[str] = []
        self.rotate()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                if self.path == "/probe":
                    self._answer(peer.probe_status, peer.probe())
                else:
                    self._answer(404, b"<html></html>")

            def do_POST(self) -> None:
                code = self.headers.get("KACHERY-CLIENT-AUTH-CODE")
                length = self.headers.get("Content-Length")
                if self.headers.get("Transfer-Encoding"):
                    self.close_connection = True
                    return self._answer(400, b"<html></html>")
                body = self.rfile.read(int(length or 0))
                if code not in peer.codes[-2:]:
                    return self._answer(403, b"Incorrect or invalid client authorization code.")
                if self.path == "/store":
                    if length is None:
                        return self._answer(403, b"Missing content-length")
                    return self._answer(200, peer.store(body))
                if self.path == "/linkFile":
                    status, text = peer.link(body)
                    return self._answer(status, text)
                return self._answer(404, b"<html></html>")

            def _answer(self, status: int, text: bytes) -> None:
                peer.requests.append((self.path, status))
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def rotate(self, group: int | None = None) -> None:
        """Write a new client-auth code the way the daemon does."""
        code = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyzABCDEF") for _ in range(12))
        path = self.directory / "client-auth"
        temporary = self.directory / "client-auth.tmp"
        temporary.write_text(code)
        temporary.chmod(0o640)
        if group is not None:
            os.chown(temporary, -1, group)
        path.unlink(missing_ok=True)
        temporary.rename(path)
        self.codes.append(code)

    def probe(self) -> bytes:
        if self.probe_answer is not None:
            return self.probe_answer
        return json.dumps(
            {
                "success": True,
                "daemonVersion": "1.2.1",
                "nodeId": self.node_id,
                "kacheryStorageDir": str(self.directory),
            },
            indent=4,
        ).encode()

    def store(self, body: bytes) -> bytes:
        temporary = self.directory / f"store.file.{secrets.token_hex(5)}.tmp"
        temporary.write_bytes(body)
        if self.lose_next > 0:
            self.lose_next -= 1
            error = f"ENOENT: no such file or directory, rename '{temporary}'"
            return json.dumps({"success": True, "error": error, "sha1": None, "manifestSha1": None}).encode()
        sha1 = hashlib.sha1(body).hexdigest()
        self._place(temporary, sha1)
        return json.dumps(
            {"success": True, "error": None, "sha1": sha1, "manifestSha1": self._manifest(body, sha1)}
        ).encode()

    def link(self, text: bytes) -> tuple[int, bytes]:
        request = json.loads(text)
        if set(request) != {"localFilePath", "size", "mtime"}:
            return 500, b"Invalid request in _handler"
        path = Path(request["localFilePath"])
        status = path.stat()
        if status.st_size != request["size"] or abs(status.st_mtime - request["mtime"]) > 0.002:
            return 500, b"Mismatch"
        body = path.read_bytes()
        sha1 = hashlib.sha1(body).hexdigest()
        manifest = self._manifest(body, sha1)
        place = self._path(sha1)
        if not place.exists():
            link = {
                "path": str(path),
                "manifestSha1": manifest,
                "stat": {"size": request["size"], "mtime": request["mtime"]},
                "_writingProcess": "daemon",
            }
            temporary = place.with_name(f"{sha1}.link.{secrets.token_hex(4)}")
            temporary.write_text(json.dumps(link))
            temporary.rename(place.with_name(f"{sha1}.link"))
        answer = {"success": True, "error": None, "sha1": sha1, "manifestSha1": manifest}
        return 200, json.dumps(answer).encode()

    def _manifest(self, body: bytes, sha1: str) -> str | None:
        if len(body) <= CHUNK:
            return None
        chunks = []
        for start in range(0, len(body), CHUNK):
            piece = body[start : start + CHUNK]
            piece_sha1 = hashlib.sha1(piece).hexdigest()
            chunks.append({"start": start, "end": start + len(piece), "sha1": piece_sha1})
        text = json.dumps({"size": len(body), "sha1": sha1, "chunks": chunks}, separators=(",", ":")).encode()
        manifest = hashlib.sha1(text).hexdigest()
        temporary = self.directory / f"store.file.{secrets.token_hex(5)}.tmp"
        temporary.write_bytes(text)
        self._place(temporary, manifest)
        return manifest

    def _path(self, sha1: str) -> Path:
        path = self.directory / "sha1" / sha1[:2] / sha1[2:4] / sha1[4:6] / sha1
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _place(self, temporary: Path, sha1: str) -> None:
        temporary.chmod(0o644)
        temporary.rename(self._path(sha1))
