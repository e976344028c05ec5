"""The buckets: reading by range, uploads to signed URLs, and nothing else."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node_peers import Answer, ask

from seriesview.node.buckets import Buckets, parse_bucket_path
from seriesview.node.config import Limits, NodeConfig
from seriesview.node.identity import load_identity
from seriesview.node.server import NodeThread

quick = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

DATA = bytes(range(256)) * 4
SHA1 = hashlib.sha1(DATA).hexdigest()
PATH = f"/bucket/demo/sha1/{SHA1[:2]}/{SHA1[2:4]}/{SHA1[4:6]}/{SHA1}"


def signed(node: NodeThread, sha1: str, size: int | None) -> str:
    """Return the path and query of an upload URL."""
    request = {"channelName": "demo", "sha1": sha1} | ({} if size is None else {"size": size})
    answer = ask(
        node.port, "POST", "/createSignedFileUploadUrl", request, storage=node.config.storage_dir
    ).json()
    assert answer["alreadyUploaded"] is False
    url: str = answer["signedUrl"]
    assert url.startswith(f"http://127.0.0.1:{node.port}/bucket/demo/sha1/")
    return url.partition(f":{node.port}")[2]


@pytest.fixture
def filled(node: NodeThread) -> NodeThread:
    """A node that has DATA in its bucket."""
    assert ask(node.port, "PUT", signed(node, SHA1, len(DATA)), DATA).status == 200
    return node


def test_upload_and_read(filled: NodeThread) -> None:
    answer = ask(filled.port, "GET", PATH)
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    head = ask(filled.port, "HEAD", PATH)
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "1024", b"")
    weak = ask(filled.port, "GET", PATH, headers={"If-None-Match": f"W/{answer.headers['ETag']}"})
    assert (weak.status, weak.body) == (304, b"")
    unchanged = ask(filled.port, "GET", PATH, headers={"If-None-Match": answer.headers["ETag"]})
    assert (unchanged.status, unchanged.body) == (304, b"")
    request = {"channelName": "demo", "sha1": SHA1, "size": len(DATA)}
    again = ask(
        filled.port, "POST", "/createSignedFileUploadUrl", request, storage=filled.config.storage_dir
    ).json()
    assert again == {"success": True, "alreadyUploaded": True}


numbers = st.one_of(st.integers(0, 1100), st.just(10**17))


@quick
@given(st.none() | numbers, st.none() | numbers)
def test_any_range(filled: NodeThread, first: int | None, last: int | None) -> None:
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    answer = ask(filled.port, "GET", PATH, headers={"Range": text})
    if first is None:
        expected = DATA if last is None else DATA[-last:] if last else b""
        is_partial = last is not None
    else:
        expected = DATA[first:] if last is None else DATA[first : last + 1]
        is_partial = last is None or last >= first
    if not is_partial:
        assert (answer.status, answer.body) == (200, DATA)
    elif not expected:
        assert (answer.status, answer.body, answer.headers["Content-Range"]) == (416, b"", "bytes */1024")
    else:
        start = 1024 - len(expected) if first is None else first
        assert (answer.status, answer.body) == (206, expected)
        assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(expected) - 1}/1024"
        head = ask(filled.port, "HEAD", PATH, headers={"Range": text})
        assert (head.status, head.body) == (206, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-1,4-5"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=a-b"},
        {"Range": "bytes=0-3", "If-Range": '"another"'},
    ],
)
def test_ranges_that_are_not_understood_give_all(filled: NodeThread, headers: dict[str, str]) -> None:
    assert ask(filled.port, "GET", PATH, headers=headers).body == DATA


def spoiled(url: str) -> Iterator[str]:
    path, _, query = url.partition("?")
    fields = dict(one.split("=") for one in query.split("&"))
    yield path
    yield f"{path}?"
    yield url.replace("/demo/", "/other/")
    yield url.replace("/sha1/", "/task_results/")
    yield url.replace(SHA1, "0" * 40)
    yield url.replace("size=1024", "size=1025")
    yield url.replace("&size=1024", "")
    yield url.replace(f"expires={fields['expires']}", f"expires={int(fields['expires']) + 1}")
    yield url + "0"
    yield url.replace("signature=", "signature=%00")
    yield url + "&size=1024"
    yield f"{path}?expires={fields['expires']}%0Asize%3D1024&signature={fields['signature']}"
    yield f"{path}?signature={fields['signature']}"


def test_only_genuine_urls_can_be_uploaded_to(node: NodeThread) -> None:
    url = signed(node, SHA1, len(DATA))
    for wrong in spoiled(url):
        assert ask(node.port, "PUT", wrong, DATA).status in (403, 404), wrong
    for method in ("POST", "DELETE", "PATCH"):
        assert ask(node.port, method, url, DATA).status == 405
    assert not [path for path in (node.config.storage_dir / "buckets").rglob("*") if path.is_file()]
    assert ask(node.port, "PUT", url, DATA).status == 200
    assert ask(node.port, "PUT", url, DATA).status == 200


@pytest.mark.parametrize(
    ("body", "size", "status"),
    [(DATA + b"x", 1024, 413), (DATA[:-1], 1024, 400), (DATA[:-1] + b"x", 1024, 400), (b"x", None, 400)],
)
def test_only_the_announced_bytes_can_be_uploaded(
    node: NodeThread, body: bytes, size: int | None, status: int
) -> None:
    url = signed(node, SHA1, size)
    assert ask(node.port, "PUT", url, body).status == status
    assert ask(node.port, "PUT", url, iter([body])).status == status
    assert ask(node.port, "GET", PATH).status == 404
    assert ask(node.port, "PUT", url, iter([DATA[:1000], DATA[1000:]])).status == 200
    assert ask(node.port, "GET", PATH).body == DATA


def test_a_url_expires(tmp_path: Path) -> None:
    config = NodeConfig(
        tmp_path / "storage", port=0, channels=("demo",), limits=Limits(signed_url_seconds=-1.0)
    )
    with NodeThread(config) as node:
        assert ask(node.port, "PUT", signed(node, SHA1, len(DATA)), DATA).status == 403


def test_a_result_is_replaced_a_file_is_not(tmp_path: Path) -> None:
    with NodeThread(NodeConfig(tmp_path / "storage", port=0, channels=("demo",))) as node:
        buckets = Buckets(tmp_path / "storage", _key(tmp_path / "storage"), "", 60.0)
        path = buckets.result_path("demo", SHA1)
        for body in (b"1", b"22", b"[]"):
            url = buckets.signed_put_url(path, len(body))
            assert ask(node.port, "PUT", url, body).status == 200
            answer = ask(node.port, "GET", f"/bucket/{path}")
            assert (answer.body, answer.headers["Cache-Control"]) == (body, "no-cache")


def _key(storage: Path) -> bytes:
    return load_identity(storage).derive("bucket")


hexadecimal = st.text("0123456789abcdef", min_size=40, max_size=40)
segments = st.sampled_from(
    [
        "..",
        ".",
        "",
        "%2e%2e",
        "%2f",
        "demo",
        "sha1",
        "task_results",
        "feeds",
        SHA1,
        "ab",
        "~",
        "%00",
        "etc",
        "passwd",
    ]
) | st.text(max_size=5)


@given(st.lists(segments, max_size=12).map("/".join))
def test_no_path_leads_anywhere_else(path: str) -> None:
    parsed = parse_bucket_path(path)
    if parsed is not None:
        assert ".." not in path.split("/")
        assert parsed.path == path


@given(hexadecimal, hexadecimal.map(lambda text: text + "0" * 24), hexadecimal, st.integers(0, 10**9))
def test_paths_of_the_hub_are_paths(sha1: str, feed: str, subfeed: str, number: int) -> None:
    def fanned(text: str) -> str:
        return f"{text[:2]}/{text[2:4]}/{text[4:6]}/{text}"

    for path in (
        f"a.b-c/sha1/{fanned(sha1)}",
        f"a.b-c/task_results/{fanned(sha1)}",
        f"a.b-c/feeds/{fanned(feed)}/subfeeds/{fanned(subfeed)}/{number}",
        f"a.b-c/feeds/{fanned(feed)}/subfeeds/{fanned(subfeed)}/subfeed.json",
    ):
        assert parse_bucket_path(path) is not None
        assert parse_bucket_path(path.replace("a.b-c", "..")) is None
        assert parse_bucket_path(path + "/..") is None
        assert parse_bucket_path(path + "\n") is None


@pytest.mark.parametrize(
    "path",
    [
        "/bucket/demo/../../private.pem",
        "/bucket/demo/%2e%2e/%2e%2e/private.pem",
        "/bucket/..%2f..%2fprivate.pem",
        "/bucket//etc/passwd",
        "/bucket/demo/",
        "/bucket/demo/sha1",
        PATH.replace("/sha1/", "/sha1%2f"),
        PATH + "%00",
        PATH.replace(SHA1, SHA1.upper()),
    ],
)
def test_paths_that_are_none(filled: NodeThread, path: str) -> None:
    assert ask(filled.port, "GET", path).status == 404


def test_upload_file_of_the_daemon(node: NodeThread) -> None:
    storage = node.config.storage_dir
    ask(node.port, "POST", "/store", DATA, storage=storage).json()
    request = {"sha1": SHA1, "channel": "demo"}
    assert ask(node.port, "POST", "/uploadFile", request, storage=storage).json() == {"success": True}
    assert ask(node.port, "GET", PATH).body == DATA
    missing = ask(node.port, "POST", "/uploadFile", request | {"sha1": "0" * 40}, storage=storage)
    assert missing.status == 500


def test_the_question_to_the_hub(node: NodeThread) -> None:
    headers = {"Host": "seriesview-node.invalid"}
    for path in (
        "/api/getChannelBucketBaseUrl",
        "http://seriesview-node.invalid/api/getChannelBucketBaseUrl",
    ):
        answer = ask(node.port, "POST", path, {"channelName": "demo"}, headers).json()
        assert answer["url"] == f"http://127.0.0.1:{node.port}/bucket"
    answer = ask(node.port, "POST", "/api/getChannelBucketBaseUrl", {"channelName": "demo"}).json()
    assert answer["url"] == f"http://127.0.0.1:{node.port}/bucket"
    assert ask(node.port, "POST", path, {"channelName": "other"}, headers).status == 500
    assert ask(node.port, "GET", "/probe", headers=headers).status == 403


def test_a_file_that_is_read_while_it_is_replaced(node: NodeThread) -> None:
    buckets = Buckets(node.config.storage_dir, _key(node.config.storage_dir), "", 60.0)
    path = buckets.result_path("demo", SHA1)
    bodies = [bytes([number]) * 3_000_000 for number in range(6)]
    assert ask(node.port, "PUT", buckets.signed_put_url(path, None), bodies[0]).status == 200

    def put(body: bytes) -> Answer:
        return ask(node.port, "PUT", buckets.signed_put_url(path, len(body)), body)

    with ThreadPoolExecutor(4) as pool:
        puts = [pool.submit(put, body) for body in bodies]
        reads: list[Any] = [pool.submit(ask, node.port, "GET", f"/bucket/{path}") for _ in range(12)]
        assert {answer.result().status for answer in puts} == {200}
        assert all(answer.result().body in bodies for answer in reads)


def test_buckets_are_for_the_node_alone(node: NodeThread) -> None:
    assert (node.config.storage_dir / "buckets").stat().st_mode & 0o077 == 0
