"""The serve.py of an exported folder: files, byte ranges, and nobody but this computer."""

import http.client
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import MOST_SECONDS

import seriesview.share

SERVE = Path(seriesview.share.__file__).parent / "files" / "serve.py"
CONTENT = bytes(range(256)) * 1000
ARTIFACT = "sha1/aa/bb/cc/aabbcc" + 34 * "0"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a folder")
    shutil.copy(SERVE, folder)
    (folder / "index.html").write_text("<p>here</p>")
    (folder / "main.js").write_text("export {};")
    (folder / ARTIFACT).parent.mkdir(parents=True)
    (folder / ARTIFACT).write_bytes(CONTENT)
    (folder.parent / "secret").write_text("secret")
    # The standard library alone: no packages (-S), no environment (-I).
    with subprocess.Popen(
        [sys.executable, "-I", "-S", folder / "serve.py"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield int(process.stdout.readline().split()[0].rsplit(":", 1)[1].rstrip("/"))
        finally:
            process.terminate()


def ask(port, path, method="GET", **headers):
    """(status, headers, content); header names with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=MOST_SECONDS)
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_files_have_their_types(port):
    status, headers, content = ask(port, "/?s=1")
    assert (status, content) == (200, b"<p>here</p>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"
    assert ask(port, "/main.js")[1]["Content-Type"].startswith("text/javascript")
    status, headers, content = ask(port, f"/{ARTIFACT}")
    assert (status, content) == (200, CONTENT)
    assert "immutable" in headers["Cache-Control"]
    assert ask(port, f"/{ARTIFACT}", "HEAD")[1:] == (
        headers | {"Date": ask(port, "/", "HEAD")[1]["Date"]},
        b"",
    )


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299", 100, 300),
        ("bytes=255990-", 255990, 256000),
        ("bytes=-10", 255990, 256000),
        ("bytes=255990-999999", 255990, 256000),
        ("bytes=-999999", 0, 256000),
    ],
)
def test_ranges(port, wanted, first, last):
    status, headers, content = ask(port, f"/{ARTIFACT}", Range=wanted)
    assert (status, content) == (206, CONTENT[first:last])
    assert headers["Content-Range"] == f"bytes {first}-{last - 1}/256000"


@pytest.mark.parametrize("wanted", ["bytes=256000-", "bytes=10-5", "bytes=-0"])
def test_ranges_that_are_not_there(port, wanted):
    status, headers, content = ask(port, f"/{ARTIFACT}", Range=wanted)
    assert (status, content, headers["Content-Range"]) == (416, b"", "bytes */256000")


@pytest.mark.parametrize("wanted", ["lines=1-2", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,5-6"])
def test_what_is_no_range_gives_the_whole(port, wanted):
    status, _, content = ask(port, f"/{ARTIFACT}", Range=wanted)
    assert (status, content) == (200, CONTENT)


@pytest.mark.parametrize(
    "path", ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "//secret", "/nothing", "/sha1/"]
)
def test_nothing_else_is_served(port, path):
    status, _, content = ask(port, path)
    assert status in (400, 404)
    assert b"secret" not in content


@pytest.mark.parametrize("name", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_other_names_of_this_computer_are_refused(port, name):
    assert ask(port, "/", Host=name)[0] == 403
    assert ask(port, "/", Host=f"localhost:{port}")[0] == 200


def test_a_port_that_is_taken_is_said(tmp_path):
    shutil.copy(SERVE, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, tmp_path / "serve.py", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MOST_SECONDS)
    assert done.returncode == 1
    assert "choose another with --port" in done.stderr
    assert "Traceback" not in done.stderr
