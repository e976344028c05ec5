"""What is believed of a proxy in front of the node, and of whom it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_peers import Answer, ask

from seriesview.errors import NodeError
from seriesview.node.config import NodeConfig
from seriesview.node.proxies import ForwardedError, forwarded, is_forwarded, parse_proxies
from seriesview.node.server import NodeThread

NAME = "figures.example.org"
TOLD = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": NAME, "X-Forwarded-For": "198.51.100.7"}
SIGN = {"channelName": "demo", "sha1": "0" * 40}


def config(tmp_path: Path, *proxies: str) -> NodeConfig:
    return NodeConfig(
        tmp_path / "storage", port=0, channels=("demo",), allow_hosts=(NAME,), trusted_proxies=proxies
    )


def open_session(node: NodeThread, headers: dict[str, str]) -> Answer:
    token = ask(node.port, "POST", "/newLinkToken", storage=node.config.storage_dir).json()["token"]
    return ask(node.port, "POST", "/session", {"token": token}, headers)


def test_links_and_cookies_are_those_of_the_public_name(tmp_path: Path) -> None:
    with NodeThread(config(tmp_path, "127.0.0.1")) as node:
        storage = node.config.storage_dir
        signed = ask(node.port, "POST", "/createSignedFileUploadUrl", SIGN, TOLD, storage).json()["signedUrl"]
        assert signed.startswith(f"https://{NAME}/bucket/demo/")
        answer = open_session(node, TOLD | {"Origin": f"https://{NAME}"})
        assert "Secure" in answer.headers["Set-Cookie"]
        assert ask(node.port, "GET", "/probe", headers=TOLD).json()["kacheryStorageDir"] is None
        assert ask(node.port, "GET", "/probe").json()["kacheryStorageDir"] == str(storage)


def test_nobody_else_is_believed(tmp_path: Path) -> None:
    with NodeThread(config(tmp_path, "192.0.2.1")) as node:
        storage = node.config.storage_dir
        signed = ask(node.port, "POST", "/createSignedFileUploadUrl", SIGN, TOLD, storage).json()["signedUrl"]
        assert signed.startswith(f"http://127.0.0.1:{node.port}/")
        answer = open_session(node, TOLD | {"Origin": f"http://127.0.0.1:{node.port}"})
        assert "Secure" not in answer.headers["Set-Cookie"]


def test_a_name_that_is_not_the_nodes_is_refused_through_a_proxy_too(tmp_path: Path) -> None:
    with NodeThread(config(tmp_path, "127.0.0.1")) as node:
        told = TOLD | {"X-Forwarded-Host": "evil.example"}
        answer = ask(node.port, "GET", "/stats", headers=told, storage=node.config.storage_dir)
        assert (answer.status, "--allow-host" in answer.text) == (403, True)
        for name, wrong in (("X-Forwarded-Proto", "gopher"), ("X-Forwarded-Host", "a b")):
            answer = ask(node.port, "GET", "/probe", headers=TOLD | {name: wrong})
            assert (answer.status, name in answer.text) == (400, True)


def request(client: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"client": (client, 1), "scheme": "http", "headers": [(b"host", b"inner"), *headers], "state": {}}


@pytest.mark.parametrize(
    ("through", "expected"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("127.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7, 10.1.2.3", "198.51.100.7"),
        ("10.1.2.3", ""),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_the_client_is_the_last_one_that_is_no_proxy(through: str, expected: str) -> None:
    proxies = parse_proxies(["127.0.0.1", "10.0.0.0/8"])
    said = request("::ffff:127.0.0.1", (b"x-forwarded-for", through.encode()))
    assert forwarded(said, proxies)["client"][0] == expected


def test_requests_without_the_headers_are_the_machines_own() -> None:
    said = request("127.0.0.1")
    assert forwarded(said, parse_proxies(["127.0.0.1"])) is said


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-for", b"x-other"]),
            st.sampled_from([b"https", b"http", b"name:1", b"127.0.0.1", b"\xff", b"", b"a,b"]) | st.binary(),
        )
    )
)
def test_whatever_is_said_is_understood_or_refused(headers: list[tuple[bytes, bytes]]) -> None:
    said = request("127.0.0.1", *headers)
    assert forwarded(said, ()) is said
    try:
        told = forwarded(said, parse_proxies(["127.0.0.1"]))
    except ForwardedError:
        return
    assert told["scheme"] in ("http", "https")
    assert len([name for name, _ in told["headers"] if name == b"host"]) == 1
    assert is_forwarded(told) or told is said
    assert not is_forwarded(said)
    assert told is said or told["client"][0] != "127.0.0.1"


def test_wrong_proxies_are_said() -> None:
    with pytest.raises(NodeError, match="--trusted-proxy"):
        parse_proxies(["localhost"])
