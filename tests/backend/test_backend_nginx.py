"""docs/elsewhere.md's nginx, with TLS, in front of an app: a backend and a browser's user reach it by its name."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_peers import App
from nginx_front import NAME, NGINX, Front
from serving_processes import CHANNEL

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: tests/install-programs")


class AppFront(Front):
    """nginx in front of an app."""

    def __init__(self, app: App, directory: Path) -> None:
        super().__init__(app.proxy.port, directory)
        self.app = app


@pytest.fixture
def front(app: App, tmp_path: Path) -> Iterator[AppFront]:
    app.node.stop()
    app.node = app.there.node("--allow-host", NAME, "--trusted-proxy", "127.0.0.1")
    directory = tmp_path / "nginx"
    directory.mkdir()
    running = AppFront(app, directory)
    yield running
    running.end()


def test_a_backend_and_its_readers_meet_behind_nginx(front: AppFront) -> None:
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


def test_a_certificate_that_is_not_trusted_is_refused(front: AppFront) -> None:
    process = front.app.command(
        SERIESVIEW_APP_URL=f"https://localhost:{front.port}", SERIESVIEW_APP_TOKEN=front.app.provider
    )
    assert process.wait() == 1
    assert "the app cannot be reached" in process.written


def test_a_firewalls_proxy_is_passed(front: AppFront) -> None:
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


def test_the_storage_directory_is_told_to_nobody(front: AppFront) -> None:
    status, _, text = front.ask("GET", "/probe")
    assert status == 200
    assert str(front.app.there.storage) not in text.decode()
    status, _, _ = front.ask("GET", "/files/x/sha1/aa", name="localhost")
    assert status in (403, 404)
