"""Storing and loading over HTTP: whole or not at all."""

import hashlib
import json
import os
import resource
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node_peers import CODE_HEADER, Answer, ask, code_of, node_process
from waiting import MOST_SECONDS, num_requests, until

from seriesview.node.config import Limits, NodeConfig
from seriesview.node.server import NodeThread
from seriesview.store.paths import artifact_path, link_path, staging_directory

quick = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def store(node: NodeThread, body: Any, headers: dict[str, str] | None = None) -> Answer:
    return ask(node.port, "POST", "/store", body, headers, storage=node.config.storage_dir)


def staged(storage: Path) -> list[Path]:
    return list(staging_directory(storage).iterdir())


def wait_until_nothing_is_staged(storage: Path) -> None:
    until(lambda: not staged(storage), "nothing is staged")


def load(node: NodeThread, key: dict[str, Any], channel: str | None = "demo") -> list[dict[str, Any]]:
    """Return the records that /loadFile answers with."""
    request = {"fileKey": key} if channel is None else {"fileKey": key, "channelName": channel}
    answer = ask(node.port, "POST", "/loadFile", request, storage=node.config.storage_dir)
    assert answer.status == 200, answer
    records, rest = [], answer.body
    while rest:
        length, _, rest = rest.partition(b"#")
        records.append(json.loads(rest[: int(length)]))
        rest = rest[int(length) :]
    return records


def upload(node: NodeThread, data: bytes, channel: str = "demo") -> str:
    sha1 = hashlib.sha1(data).hexdigest()
    request = {"channelName": channel, "sha1": sha1, "size": len(data)}
    answer = ask(
        node.port, "POST", "/createSignedFileUploadUrl", request, storage=node.config.storage_dir
    ).json()
    if not answer["alreadyUploaded"]:
        path = answer["signedUrl"].partition(f":{node.port}")[2]
        assert ask(node.port, "PUT", path, data).status == 200
    return sha1


@quick
@given(st.lists(st.binary(max_size=70_000), max_size=8), st.booleans())
def test_any_bytes_in_any_pieces(node: NodeThread, pieces: list[bytes], chunked: bool) -> None:
    data = b"".join(pieces)
    answer = store(node, iter(pieces), {"Transfer-Encoding": "chunked"}) if chunked else store(node, data)
    sha1 = hashlib.sha1(data).hexdigest()
    assert answer.json() == {"success": True, "error": None, "sha1": sha1, "manifestSha1": None}
    assert artifact_path(node.config.storage_dir, sha1).read_bytes() == data
    assert not staged(node.config.storage_dir)


def test_a_large_file_in_chunks(node: NodeThread) -> None:
    data = os.urandom(21_000_000)
    answer = store(node, (data[i : i + 999_999] for i in range(0, len(data), 999_999)))
    manifest = artifact_path(node.config.storage_dir, answer.json()["manifestSha1"])
    assert json.loads(manifest.read_bytes())["sha1"] == hashlib.sha1(data).hexdigest()


def test_a_truncated_file_under_a_valid_name_is_replaced(node: NodeThread) -> None:
    data = b"whole"
    path = artifact_path(node.config.storage_dir, hashlib.sha1(data).hexdigest())
    path.parent.mkdir(parents=True)
    path.write_bytes(data[:3])
    store(node, data).json()
    assert path.read_bytes() == data


@pytest.mark.parametrize("sent", [10, 300_000, 3_000_000])
def test_a_client_that_vanishes_leaves_nothing(node: NodeThread, sent: int) -> None:
    storage = node.config.storage_dir
    with socket.create_connection(("127.0.0.1", node.port)) as connection:
        head = f"POST /store HTTP/1.1\r\nHost: localhost\r\n{CODE_HEADER}: {code_of(storage)}\r\n"
        connection.sendall(head.encode() + b"Content-Length: 5000000\r\n\r\n" + bytes(sent))
        if sent > 1_000_000:
            until(lambda: staged(storage))
    wait_until_nothing_is_staged(storage)
    assert not list((storage / "sha1").glob("??"))
    assert store(node, b"still there").json()["success"]


def test_a_client_that_stalls_is_given_up(tmp_path: Path) -> None:
    limits = Limits(stall_seconds=0.3, head_seconds=0.3)
    config = NodeConfig(tmp_path / "storage", port=0, limits=limits)
    heads = [
        b"",
        b"GET /pro",
        b"GET /probe HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"POST /mutable/get HTTP/1.1\r\nHost: localhost\r\n%CODE%Content-Length: 10\r\n\r\n{",
        b"POST /store HTTP/1.1\r\nHost: localhost\r\n%CODE%Content-Length: 1000000\r\n\r\n" + bytes(500_000),
    ]
    with NodeThread(config) as node:
        code = f"{CODE_HEADER}: {code_of(config.storage_dir)}\r\n".encode()
        connections = []
        for head in heads:
            connection = socket.create_connection(("127.0.0.1", node.port), timeout=MOST_SECONDS)
            connection.sendall(head.replace(b"%CODE%", code))
            connections.append(connection)
        for connection in connections:
            try:
                while connection.recv(10_000):
                    pass
            except ConnectionResetError:
                pass
            connection.close()
        wait_until_nothing_is_staged(config.storage_dir)


def test_a_client_that_takes_no_answer_is_given_up(tmp_path: Path) -> None:
    limits = Limits(stall_seconds=0.3)
    config = NodeConfig(tmp_path / "storage", port=0, channels=("demo",), limits=limits)
    with NodeThread(config) as node:
        sha1 = upload(node, bytes(50_000_000))
        path = f"/bucket/demo/sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"
        with socket.create_connection(("127.0.0.1", node.port), timeout=MOST_SECONDS) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            received = len(connection.recv(1))
            until(lambda: num_requests(node) == 0, "it is given up")
            try:
                while piece := connection.recv(1_000_000):
                    received += len(piece)
            except ConnectionResetError:
                pass
        assert received < 50_000_000


def test_a_store_that_says_nothing_of_a_body_is_none(node: NodeThread) -> None:
    code = code_of(node.config.storage_dir)
    with socket.create_connection(("127.0.0.1", node.port), timeout=MOST_SECONDS) as connection:
        head = (
            f"POST /store HTTP/1.1\r\nHost: localhost\r\n{CODE_HEADER}: {code}\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(10_000), b""))
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"Missing Content-Length" in answer


def test_sizes_that_do_not_fit(tmp_path: Path) -> None:
    config = NodeConfig(tmp_path / "storage", port=0, limits=Limits(file_bytes=1000))
    with NodeThread(config) as node:
        assert store(node, bytes(1001)).status == 413
        assert store(node, iter([bytes(600), bytes(600)])).status == 413
        assert store(node, bytes(1000)).json()["success"]
        assert not staged(config.storage_dir)


def test_a_full_disk_is_said_and_survived(tmp_path: Path) -> None:
    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))

    storage = tmp_path / "storage"
    with node_process(storage, "--channel", "demo", preexec_fn=no_large_files) as node:
        answer = ask(node.port, "POST", "/store", bytes(3_000_000), storage=storage).json()
        assert not answer["success"]
        assert answer["sha1"] is None
        assert "may not grow that large" in answer["error"]
        assert not staged(storage)
        assert ask(node.port, "POST", "/store", bytes(1_000_000), storage=storage).json()["success"]
        sha1 = hashlib.sha1(bytes(3_000_000)).hexdigest()
        request = {"channelName": "demo", "sha1": sha1, "size": 3_000_000}
        url = ask(node.port, "POST", "/createSignedFileUploadUrl", request, storage=storage).json()[
            "signedUrl"
        ]
        answer = ask(node.port, "PUT", url.partition(f":{node.port}")[2], bytes(3_000_000))
        assert (answer.status, str(storage) in answer.text) == (500, False)
        status, problems = node.stop()
    assert status == 0
    assert "may not grow that large" in problems


def test_too_little_room_is_said_before_a_byte_is_sent(node: NodeThread) -> None:
    headers = {"Content-Length": str(2**39)}
    answer = store(node, iter([b"x"]), headers)
    assert "the disk is full" in answer.json()["error"]


def test_a_client_that_sends_all_the_same_hears_of_too_little_room(
    node: NodeThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.statvfs_result((4096, 4096, 10**6, 1000, 1000, 10**6, 10**6, 10**6, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    for _ in range(5):
        # One that reads the answer only after the whole body was sent.
        answer = store(node, bytes(60_000_000))
        assert "the disk is full" in answer.json()["error"]


@pytest.mark.parametrize("size", [100, 30_000_000])
def test_what_was_acknowledged_survives_sigkill(tmp_path: Path, size: int) -> None:
    storage = tmp_path / "storage"
    data = os.urandom(size)
    with node_process(storage, "--channel", "demo") as node:
        stored = ask(node.port, "POST", "/store", data, storage=storage).json()
        asked = {"key": {"a": [1]}, "value": {"b": 2}}
        ask(node.port, "POST", "/mutable/set", asked, storage=storage).json()
        node.kill()
    assert artifact_path(storage, stored["sha1"]).read_bytes() == data
    if size > 20_000_000:
        assert artifact_path(storage, stored["manifestSha1"]).is_file()
    with node_process(storage) as node:
        found = ask(node.port, "POST", "/mutable/get", {"key": {"a": [1]}}, storage=storage).json()
    assert found == {"success": True, "found": True, "value": {"b": 2}}


def test_a_store_that_is_killed_leaves_no_valid_name(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with node_process(storage) as node:
        connection = socket.create_connection(("127.0.0.1", node.port))
        head = f"POST /store HTTP/1.1\r\nHost: localhost\r\n{CODE_HEADER}: {code_of(storage)}\r\n"
        connection.sendall(head.encode() + b"Content-Length: 5000000\r\n\r\n" + bytes(4_000_000))
        until(lambda: staged(storage))
        node.kill()
        connection.close()
    assert not list((storage / "sha1").glob("??"))


def test_load_file_brings_what_the_bucket_has(node: NodeThread) -> None:
    data = os.urandom(3_000_000)
    sha1 = upload(node, data)
    local = artifact_path(node.config.storage_dir, sha1)
    assert not local.exists()
    progress, finished = load(node, {"sha1": sha1})
    assert progress == {"type": "progress", "bytesLoaded": 3_000_000, "bytesTotal": 3_000_000}
    assert finished == {"type": "finished", "localFilePath": str(local)}
    assert local.read_bytes() == data
    assert load(node, {"sha1": sha1}) == [finished]
    assert load(node, {"sha1": sha1}, None) == [finished]


def test_load_file_puts_chunks_together(node: NodeThread) -> None:
    chunks = [os.urandom(20_000), os.urandom(20_000), os.urandom(7)]
    data = b"".join(chunks)
    sha1 = hashlib.sha1(data).hexdigest()
    described, start = [], 0
    for chunk in chunks:
        described.append({"start": start, "end": start + len(chunk), "sha1": upload(node, chunk)})
        start += len(chunk)
    manifest = upload(node, json.dumps({"size": len(data), "sha1": sha1, "chunks": described}).encode())
    records = load(node, {"sha1": sha1, "manifestSha1": manifest})
    assert Path(records[-1]["localFilePath"]).read_bytes() == data
    piece = hashlib.sha1(data[10:30_000]).hexdigest()
    chunk_of = {"fileKey": {"sha1": sha1}, "startByte": 10, "endByte": 30_000}
    records = load(node, {"sha1": piece, "chunkOf": chunk_of})
    assert Path(records[-1]["localFilePath"]).read_bytes() == data[10:30_000]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda manifest: manifest["chunks"].pop(),
        lambda manifest: manifest["chunks"].reverse(),
        lambda manifest: manifest.update(sha1="0" * 40),
        lambda manifest: manifest.update(chunks=7),
        lambda manifest: manifest["chunks"][0].update(sha1="../../../../etc/passwd"),
        lambda manifest: manifest["chunks"][0].update(end=10**30),
    ],
)
def test_a_wrong_chunk_manifest_is_an_error(node: NodeThread, spoil: Any) -> None:
    chunks = [b"first", b"second"]
    sha1 = hashlib.sha1(b"firstsecond").hexdigest()
    manifest = {
        "size": 11,
        "sha1": sha1,
        "chunks": [
            {"start": 0, "end": 5, "sha1": upload(node, chunks[0])},
            {"start": 5, "end": 11, "sha1": upload(node, chunks[1])},
        ],
    }
    spoil(manifest)
    (record,) = load(node, {"sha1": sha1, "manifestSha1": upload(node, json.dumps(manifest).encode())})[-1:]
    assert record["type"] == "error"
    assert not artifact_path(node.config.storage_dir, sha1).exists()


def test_a_bit_flipped_in_the_bucket_is_an_error(node: NodeThread) -> None:
    data = os.urandom(1000)
    sha1 = upload(node, data)
    path = node.config.storage_dir / f"buckets/demo/sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    (record,) = load(node, {"sha1": sha1})
    assert record["type"] == "error"
    assert not artifact_path(node.config.storage_dir, sha1).exists()


@pytest.mark.parametrize("channel", ["demo", "other", None, "../demo", ""])
def test_what_is_nowhere_is_an_error_at_once(node: NodeThread, channel: str | None) -> None:
    (record,) = load(node, {"sha1": "0" * 40}, channel)
    assert record["type"] == "error"


def test_links_are_followed_while_nothing_changed(node: NodeThread, tmp_path: Path) -> None:
    storage = node.config.storage_dir
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    status = file.stat()
    request = {"localFilePath": str(file), "size": 10, "mtime": status.st_mtime}
    linked = ask(node.port, "POST", "/linkFile", request, storage=storage).json()
    assert linked == {
        "success": True,
        "error": None,
        "sha1": hashlib.sha1(b"0123456789").hexdigest(),
        "manifestSha1": None,
    }
    link = json.loads(link_path(storage, linked["sha1"]).read_bytes())
    assert link == {
        "path": str(file),
        "manifestSha1": None,
        "stat": {"size": 10, "mtime": status.st_mtime},
        "_writingProcess": "daemon",
    }
    assert load(node, {"sha1": linked["sha1"]}) == [{"type": "finished", "localFilePath": str(file)}]
    key = {"fileKey": {"sha1": linked["sha1"]}}
    for extra, expected in (({}, b"0123456789"), ({"startByte": 3}, b"3456789"), ({"endByte": 2}, b"01")):
        assert ask(node.port, "POST", "/downloadFileData", key | extra, storage=storage).body == expected
    wrong = ask(node.port, "POST", "/downloadFileData", key | {"startByte": 3, "endByte": 2}, storage=storage)
    assert wrong.status == 500
    file.write_bytes(b"9876543210")
    assert load(node, {"sha1": linked["sha1"]})[0]["type"] == "error"
    assert ask(node.port, "POST", "/downloadFileData", key, storage=storage).status == 500


def test_a_stored_file_is_not_linked(node: NodeThread, tmp_path: Path) -> None:
    storage = node.config.storage_dir
    sha1 = store(node, b"both").json()["sha1"]
    file = tmp_path / "file"
    file.write_bytes(b"both")
    request = {"localFilePath": str(file), "size": 4, "mtime": file.stat().st_mtime}
    assert ask(node.port, "POST", "/linkFile", request, storage=storage).json()["sha1"] == sha1
    assert not link_path(storage, sha1).exists()


@pytest.mark.parametrize("change", [{"size": 5}, {"mtime": 1.0}, {"localFilePath": "/no/such/file"}])
def test_a_link_that_does_not_fit_is_refused(
    node: NodeThread, tmp_path: Path, change: dict[str, Any]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1234")
    request = {"localFilePath": str(file), "size": 4, "mtime": file.stat().st_mtime} | change
    answer = ask(node.port, "POST", "/linkFile", request, storage=node.config.storage_dir)
    assert answer.status == 500
    assert not list((node.config.storage_dir / "sha1").glob("??"))


def test_store_file_by_path(node: NodeThread, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"by path")
    storage = node.config.storage_dir
    answer = ask(node.port, "POST", "/storeFile", {"localFilePath": str(file)}, storage=storage).json()
    assert artifact_path(storage, answer["sha1"]).read_bytes() == b"by path"
    os.mkfifo(tmp_path / "pipe")
    for place in ("/dev/zero", str(tmp_path / "pipe"), str(tmp_path)):
        assert ask(node.port, "POST", "/storeFile", {"localFilePath": place}, storage=storage).status == 500


def test_many_at_once_store_the_same_and_different_files(node: NodeThread) -> None:
    contents = [str(number % 20).encode() * 100_000 for number in range(100)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda data: store(node, data).json()["sha1"], contents))
    assert answers == [hashlib.sha1(data).hexdigest() for data in contents]


@pytest.fixture(autouse=True)
def no_large_leftovers(tmp_path: Path) -> Iterator[None]:
    yield
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size > 10_000_000:
            path.unlink()


def test_a_part_of_a_file_ends_with_the_file(node: NodeThread) -> None:
    storage = node.config.storage_dir
    sha1 = store(node, b"hello").json()["sha1"]
    for span, expected in (
        ({"endByte": 99}, b"hello"),
        ({"startByte": 1.0, "endByte": 3.0}, b"el"),
        ({"startByte": 3, "endByte": 3}, b""),
    ):
        answer = ask(
            node.port, "POST", "/downloadFileData", {"fileKey": {"sha1": sha1}, **span}, storage=storage
        )
        assert (answer.status, answer.body) == (200, expected)
