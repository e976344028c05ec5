"""What the emulator of Google's storage lacks: tokens, rights, conditions and CORS. Stands before it."""

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bucket_servers import HOST
from waiting import MOST_SECONDS

TOKEN = "token-of-the-test"
ACCOUNT = "publisher@project.iam.gserviceaccount.com"


@dataclass
class Gate:
    """What is let through to the emulator at `port`."""

    port: int
    grants_tokens: bool = True
    busy: int = 0
    """How many requests for a token are answered so at first."""
    takes_tokens: bool = True
    denied: set[str] = field(default_factory=set)
    """Of "list", "write", "delete", "read" (by all), "patch"."""
    num_conflicts: int = 0
    at: int = 0

    def __enter__(self) -> Gate:
        gate = self

        class Handler(_Handler):
            rules = gate

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.at = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def write_key(self, path: Path) -> Path:
        """A service account's key whose tokens come from here."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        content = {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": ACCOUNT,
            "token_uri": f"http://{HOST}:{self.at}/token",
        }
        path.write_text(json.dumps(content))
        path.chmod(0o600)
        return path


class _Handler(BaseHTTPRequestHandler):
    rules: Gate

    def log_message(self, *_: object) -> None:
        pass

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urllib.parse.urlsplit(self.path)
        if address.path == "/token":
            self._token()
            return
        is_public = not re.match(r"/(upload/|storage/|download/|b/)", address.path)
        if is_public:
            self._public(address.path, body)
            return
        refused = self._refused(address, body)
        if refused:
            self._say(*refused)
        else:
            self._pass(body, {})

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = handle_any  # noqa: N815

    def _token(self) -> None:
        if self.rules.busy > 0:
            self.rules.busy -= 1
            self._say(503, {"error": "unavailable"})
        elif self.rules.grants_tokens:
            self._say(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
        else:
            self._say(
                400, {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}
            )

    def _public(self, path: str, body: bytes) -> None:
        if "read" in self.rules.denied:
            self._say(403, {})
            return
        allowed = self._cors(path.split("/")[1])
        if self.command == "OPTIONS":
            self._say(200 if allowed else 403, {}, allowed)
        else:
            self._pass(body, allowed)

    def _cors(self, bucket: str) -> dict[str, str]:
        """Headers of the first of the bucket's rules that has the origin and the method."""
        origin = self.headers.get("Origin")
        method = self.headers.get("Access-Control-Request-Method") or self.command
        asked = {name.strip() for name in self.headers.get("Access-Control-Request-Headers", "").split(",")}
        _, _, description = self._ask("GET", f"/storage/v1/b/{bucket}", b"", {})
        for rule in json.loads(description).get("cors", []):
            named = {name.lower() for name in rule["responseHeader"]}
            if (
                origin
                and {origin, "*"} & {*rule["origin"]}
                and method in rule["method"]
                and asked - {""} <= named
            ):
                return {
                    "Access-Control-Allow-Origin": origin,
                    "Access-Control-Allow-Headers": ", ".join(asked),
                    "Access-Control-Expose-Headers": ", ".join(rule["responseHeader"]),
                }
        return {}

    def _refused(self, address: urllib.parse.SplitResult, body: bytes) -> tuple[int, dict[str, Any]] | None:
        query = urllib.parse.parse_qs(address.query)
        if "upload_id" in query:
            return None
        if not self.rules.takes_tokens or self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, _error(401, "Invalid Credentials")
        is_upload = address.path.startswith("/upload/")
        right = {"GET": "list", "DELETE": "delete", "PATCH": "patch"}.get(self.command, "write")
        if right in self.rules.denied:
            return 403, _error(403, f"{ACCOUNT} does not have storage.objects.{right} access")
        if is_upload and query.get("ifGenerationMatch") == ["0"]:
            match = re.search(rb'"name": ?"([^"]+)"', body)
            assert match is not None
            bucket = address.path.split("/")[5]
            name = urllib.parse.quote(match[1].decode(), safe="")
            if self._ask("GET", f"/storage/v1/b/{bucket}/o/{name}", b"", {})[0] == 200:
                self.rules.num_conflicts += 1
                return 412, _error(412, "At least one of the pre-conditions you specified did not hold.")
        return None

    def _ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection(HOST, self.rules.port, timeout=MOST_SECONDS)
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        found = answer.status, answer.getheaders(), answer.read()
        connection.close()
        return found

    def _pass(self, body: bytes, more: dict[str, str]) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        status, answered, content = self._ask(self.command, self.path, body, headers)
        self.send_response(status)
        for name, value in [*answered, *more.items()]:
            if name.lower() not in ("server", "date", "connection"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _say(self, status: int, content: dict[str, Any], more: dict[str, str] | None = None) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "errors": [{"message": message}]}}
