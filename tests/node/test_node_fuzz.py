"""Anything may arrive: the node answers with an error that it means, and goes on."""

import hashlib
import json
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node_peers import CODE_HEADER, ask, code_of
from waiting import MOST_SECONDS

from seriesview.node.server import NodeThread

quick = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ENDPOINTS = (
    "/mutable/set",
    "/mutable/get",
    "/mutable/delete",
    "/storeFile",
    "/linkFile",
    "/loadFile",
    "/uploadFile",
    "/downloadFileData",
    "/createSignedFileUploadUrl",
    "/session",
    "/api/getChannelBucketBaseUrl",
    "/task/updateTaskStatus",
    "/task/createSignedTaskResultUploadUrl",
)
FIELDS = {
    "key": st.none(),
    "value": st.none(),
    "update": st.booleans(),
    "localFilePath": st.sampled_from(
        ["/etc/passwd", "/", "", "/dev/null", "/proc/self/mem", "\0", "/\ud800"]
    ),
    "size": st.integers(-5, 5),
    "mtime": st.floats(allow_nan=False, allow_infinity=False),
    "fileKey": st.fixed_dictionaries({"sha1": st.sampled_from(["0" * 40, "..", "0" * 41])}),
    "channelName": st.sampled_from(["demo", "none", "..", "*local*", ""]),
    "channel": st.sampled_from(["demo", "none", ".."]),
    "sha1": st.sampled_from(["0" * 40, "da39a3ee5e6b4b0d3255bfef95601890afd80709", "../" * 13 + "x"]),
    "token": st.text(max_size=50),
    "startByte": st.integers(-5, 5),
    "endByte": st.integers(-5, 2**70),
    "taskId": st.text(max_size=50),
    "status": st.sampled_from(["finished", "error", "running", ""]),
    "errorMessage": st.text(max_size=1100),
}
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def requests() -> st.SearchStrategy[dict[str, Any]]:
    """Requests of legal fields, each with a value of its kind or with any other."""
    fields = {name: kind | json_values for name, kind in FIELDS.items()}
    return st.dictionaries(st.sampled_from(sorted(fields)), st.none(), max_size=4).flatmap(
        lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen})
    )


@quick
@given(st.sampled_from(ENDPOINTS), requests() | json_values)
def test_any_json(node: NodeThread, path: str, body: Any) -> None:
    text = json.dumps(body).encode()
    answer = ask(node.port, "POST", path, text, storage=node.config.storage_dir)
    assert answer.status in (200, 400, 403, 500)
    assert "Something went wrong" not in answer.text
    if answer.status == 200 and path != "/downloadFileData" and path != "/loadFile":
        assert isinstance(json.loads(answer.body)["success"], bool)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_each_endpoint_refuses_what_it_does_not_know(node: NodeThread, path: str) -> None:
    answer = ask(node.port, "POST", path, {"surprise": 1}, storage=node.config.storage_dir)
    assert (answer.status, answer.text[:27]) == (500, "Invalid request in _handler")


lines = st.sampled_from(
    [
        b"GET /probe HTTP/1.1",
        b"POST /store HTTP/1.1",
        b"PUT /bucket/demo/x?y HTTP/1.1",
        b"POST /mutable/get HTTP/1.1",
        b"Host: localhost",
        b"Host: evil",
        b"Content-Length: 5",
        b"Content-Length: 0",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999999",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Expect: 100-continue",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Range: bytes=5-1",
        b"Origin: \xff",
        b"Cookie: a=b; =; ;;",
        b"Authorization: Bearer \xff",
        b"CODE",
        b"",
        b"",
        b"5",
        b"hello",
        b"0",
        b"ffffffffffffffffffff",
        b"PRI * HTTP/2.0",
        b"GET http://[::1 HTTP/1.1",
        b"GET //%2e%2e/%zz?%00 HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"CONNECT localhost:80 HTTP/1.1",
    ]
) | st.binary(max_size=30)


@quick
@given(st.lists(lines, max_size=14))
def test_any_bytes(node: NodeThread, parts: list[bytes]) -> None:
    code = f"{CODE_HEADER}: {code_of(node.config.storage_dir)}".encode()
    text = b"\r\n".join(code if part == b"CODE" else part for part in parts)
    with socket.create_connection(("127.0.0.1", node.port), timeout=MOST_SECONDS) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
    assert b"Something went wrong" not in received
    assert ask(node.port, "GET", "/probe").json()["success"]


HELLO = hashlib.sha1(b"hello").hexdigest()
LEGAL: dict[str, dict[str, Any]] = {
    "/mutable/set": {"key": "k", "value": 1, "update": True},
    "/storeFile": {"localFilePath": "FILE"},
    "/linkFile": {"localFilePath": "FILE", "size": 5, "mtime": 1.5},
    "/loadFile": {"fileKey": {"sha1": HELLO}, "channelName": "demo"},
    "/uploadFile": {"sha1": HELLO, "channel": "demo"},
    "/downloadFileData": {"fileKey": {"sha1": HELLO}, "startByte": 1, "endByte": 3},
    "/createSignedFileUploadUrl": {"channelName": "demo", "sha1": HELLO, "size": 5},
    "/session": {"token": "t", "path": "/"},
    "/task/updateTaskStatus": {"channelName": "demo", "taskId": "t", "status": "error", "errorMessage": "e"},
    "/task/createSignedTaskResultUploadUrl": {"channelName": "demo", "taskId": "0" * 40, "size": 5},
}
"""Requests that succeed, or fail for what they say alone."""
odd_values = st.sampled_from(
    [
        *(0.0, 2.0, -2.0, 1e300, 10**400, -(10**400), 2**63, 2**64, -1, True, None),
        *("", "\ud800", "\udc80", "/\udc80", "/\ud800", "/\0", "/" + "a" * 5000, "..", "\n", "\x7f"),
        *([], {}, [[]], {"sha1": HELLO}, {"sha1": "\ud800"}, {"sha1": HELLO, "manifestSha1": "0" * 40}),
        {"sha1": HELLO, "chunkOf": {"fileKey": {"sha1": "0" * 40}, "startByte": 0, "endByte": 2**62}},
        {"sha1": "0" * 40, "chunkOf": {"fileKey": {"sha1": HELLO}, "startByte": 2, "endByte": 2**62}},
    ]
)


@quick
@given(st.data())
def test_a_legal_request_with_one_odd_value(node: NodeThread, data: st.DataObject) -> None:
    storage = node.config.storage_dir
    file = storage.parent / "hello"
    if not file.exists():
        file.write_bytes(b"hello")
        assert ask(node.port, "POST", "/store", b"hello", storage=storage).json()["sha1"] == HELLO
    path = data.draw(st.sampled_from(sorted(LEGAL)))
    body = {name: str(file) if value == "FILE" else value for name, value in LEGAL[path].items()}
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(odd_values)
    answer = ask(node.port, "POST", path, body, storage=storage)
    assert answer.status in (200, 400, 403, 500)
    assert "Something went wrong" not in answer.text
    if path == "/downloadFileData" and answer.status == 200:
        assert answer.body in b"hello"
