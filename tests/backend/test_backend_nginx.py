"""docs/elsewhere.md's nginx, with TLS, in front of an app: a backend and a browser's user reach it by its name."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from app_peers import App
from serving_processes import CHANNEL, free_port

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
PAGE = Path(__file__).parents[2] / "docs" / "elsewhere.md"
NAME = "figures.example.org"
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: tests/install-programs")


class Front:
    """nginx in front of an app."""

    def __init__(self, app: App, directory: Path) -> None:
        self.app = app
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
            ("http://127.0.0.1:20431", f"http://127.0.0.1:{app.proxy.port}"),
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
        connection = http.client.HTTPSConnection(name, self.port, timeout=60)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sock = self.tls.wrap_socket(plain, server_hostname=name)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


@pytest.fixture
def front(app: App, tmp_path: Path) -> Iterator[Front]:
    app.node.stop()
    app.node = app.there.node("--allow-host", NAME, "--trusted-proxy", "127.0.0.1")
    directory = tmp_path / "nginx"
    directory.mkdir()
    running = Front(app, directory)
    yield running
    running.process.terminate()
    running.process.wait()


def test_a_backend_and_its_readers_meet_behind_nginx(front: Front) -> None:
    app = front.app
    url = f"https://localhost:{front.port}"
    trusted = {"SSL_CERT_FILE": str(front.certificate), "SERIESVIEW_APP_TOKEN": app.provider}
    app.own.backend(**trusted, SERIESVIEW_APP_URL=url)
    own = {"Origin": f"https://{NAME}:{front.port}"}
    status, headers, _ = front.ask("POST", "/session", {"token": app.reader, "path": "/"}, own)
    assert status == 200
    cookie = headers["Set-Cookie"]
    assert "Secure" in cookie
    session = {"Cookie": cookie.partition(";")[0], **own}
    request = {
        "channelName": CHANNEL,
        "taskFunctionId": "test.large.1",
        "taskKwargs": {"size": 3_000_000},
        "taskFunctionType": "pure-calculation",
        "timeoutMsec": 60_000,
    }
    status, _, text = front.ask("POST", "/task/requestTask", request, session)
    assert status == 200, text
    answer = json.loads(text)
    assert answer["status"] == "finished", answer
    begin = f"https://{NAME}:{front.port}"
    assert answer["taskResultUrl"].startswith(f"{begin}/bucket/{CHANNEL}/task_results/")
    status, _, text = front.ask("GET", answer["taskResultUrl"].removeprefix(begin))
    assert (status, len(json.loads(text))) == (200, 3_000_000)
    # The app is away, then there again: nginx says 502 meanwhile.
    app.proxy.is_away = True
    app.proxy.cut()
    status, _, _ = front.ask("GET", "/session")
    assert status == 502
    app.proxy.is_away = False
    status, _, text = front.ask("POST", "/task/requestTask", request | {"taskKwargs": {"size": 7}}, session)
    assert json.loads(text)["status"] == "finished"


def test_a_certificate_that_is_not_trusted_is_refused(front: Front) -> None:
    process = front.app.command(
        SERIESVIEW_APP_URL=f"https://localhost:{front.port}", SERIESVIEW_APP_TOKEN=front.app.provider
    )
    assert process.wait() == 1
    assert "the app cannot be reached" in process.written


def test_a_firewalls_proxy_is_passed(front: Front) -> None:
    app = front.app
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked: list[bytes] = []
        threading.Thread(target=tunnel, args=(listener, asked), daemon=True).start()
        process = app.own.backend(
            SSL_CERT_FILE=str(front.certificate),
            SERIESVIEW_APP_TOKEN=app.provider,
            SERIESVIEW_APP_URL=f"https://localhost:{front.port}",
            https_proxy=f"http://127.0.0.1:{listener.getsockname()[1]}",
            NO_PROXY="",
            no_proxy="",
        )
        assert app.ask("test.echo.1", {"n": 1})["n"] == 1
        assert len(asked) >= 2
        assert {line.split()[0] for line in asked} == {b"CONNECT"}
        assert app.provider.encode() not in b"".join(asked)
        process.stop()


def tunnel(listener: socket.socket, asked: list[bytes]) -> None:
    """A proxy that knows CONNECT alone."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        asked.append(head)
        host, _, port = head.split()[1].decode().rpartition(":")
        server = socket.create_connection(("127.0.0.1" if host == "localhost" else host, int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for ends in ((client, server), (server, client)):
            threading.Thread(target=copy, args=ends, daemon=True).start()


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_the_storage_directory_is_told_to_nobody(front: Front) -> None:
    status, _, text = front.ask("GET", "/probe")
    assert status == 200
    assert str(front.app.there.storage) not in text.decode()
    status, _, _ = front.ask("GET", "/files/x/sha1/aa", name="localhost")
    assert status in (403, 404)
