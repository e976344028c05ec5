"""docs/elsewhere.md's nginx, with TLS, in front of a node."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

from serving_processes import free_port
from waiting import MOST_SECONDS

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
PAGE = Path(__file__).parents[2] / "docs" / "elsewhere.md"
NAME = "figures.example.org"


class Front:
    """nginx in front of a node's port, by the names figures.example.org and localhost."""

    def __init__(self, node_port: int, directory: Path) -> None:
        self.port = free_port()
        self.certificate = directory / "fullchain.pem"
        key = directory / "privkey.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                *("-nodes", "-days", "2", "-subj", f"/CN={NAME}"),
                *("-addext", f"subjectAltName=DNS:{NAME},DNS:localhost"),
                *("-keyout", str(key), "-out", str(self.certificate)),
            ],
            check=True,
            capture_output=True,
        )
        match = re.search(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
        assert match is not None
        own = match[1]
        for old, new in (
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            (f"server_name {NAME}", f"server_name {NAME} localhost"),
            (f"/etc/letsencrypt/live/{NAME}", str(directory)),
            ("http://127.0.0.1:20431", f"http://127.0.0.1:{node_port}"),
        ):
            assert old in own
            own = own.replace(old, new)
        user = "user root;\n" if os.geteuid() == 0 else ""
        folders = "".join(
            f"{name}_temp_path {directory}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (directory / "nginx.conf").write_text(
            f"{user}daemon off;\npid {directory}/pid;\nerror_log stderr;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{folders}{own}}}\n"
        )
        assert NGINX is not None
        self.process = subprocess.Popen([NGINX, "-p", str(directory), "-c", str(directory / "nginx.conf")])
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            except OSError:
                assert self.process.poll() is None
        self.tls = ssl.create_default_context(cafile=str(self.certificate))

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        name: str = NAME,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPSConnection(name, self.port, timeout=MOST_SECONDS)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=MOST_SECONDS)
        connection.sock = self.tls.wrap_socket(plain, server_hostname=name)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()
