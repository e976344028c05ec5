"""Who is let in, and what for."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from node_peers import CODE_HEADER, ask, code_of, node_process
from waiting import MOST_SECONDS

from seriesview.errors import NodeError
from seriesview.node.channels import CHANNELS_FILE, PERMISSIONS, Channels
from seriesview.node.codes import ClientCodes
from seriesview.node.config import Limits, NodeConfig
from seriesview.node.server import NodeThread
from seriesview.node.tokens import TOKENS_VARIABLE, Session, Sessions, Tokens
from seriesview.store.paths import artifact_path, link_path

FIGURL = "https://figurl.org"
EVIL = "https://evil.example"
TOKEN = "0123456789abcdef0123456789abcdef"
CLIENT_PATHS = (
    "/store",
    "/storeFile",
    "/linkFile",
    "/loadFile",
    "/uploadFile",
    "/downloadFileData",
    "/halt",
    "/stats",
)
GET_KEY = {"key": "k"}


def raw(port: int, text: bytes) -> bytes:
    """Send bytes, return the answer until the node closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=MOST_SECONDS) as connection:
        connection.sendall(text)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received


def test_probe_is_open_to_all(node: NodeThread) -> None:
    storage = node.config.storage_dir
    answer = ask(node.port, "GET", "/probe").json()
    assert answer["success"] is True
    assert answer["nodeId"] == (storage / "kachery-node-id").read_text()
    assert re.fullmatch("[0-9a-f]{64}", answer["nodeId"])
    assert answer["kacheryStorageDir"] == str(storage)
    assert isinstance(answer["daemonVersion"], str)


@pytest.mark.parametrize("path", [*CLIENT_PATHS, "/mutable/get", "/task/requestTask", "/nothing"])
def test_nothing_else_without_the_code(node: NodeThread, path: str) -> None:
    for headers, text in (
        ({}, "Missing client auth code"),
        ({CODE_HEADER: "x" * 12}, "Incorrect or invalid client authorization code."),
        ({CODE_HEADER: ""}, "Incorrect or invalid client authorization code."),
        ({CODE_HEADER: "\u00e9"}, "Incorrect or invalid client authorization code."),
        ({"Authorization": f"Bearer {TOKEN}"}, "Incorrect token."),
        ({"Cookie": f"seriesview-node-{node.port}={TOKEN}"}, "Missing client auth code"),
        ({"Cookie": '"'}, "Missing client auth code"),
    ):
        answer = ask(node.port, "POST", path, GET_KEY, headers)
        assert (answer.status, answer.text[: len(text)]) == (403, text)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::2]", "10.0.0.1", "a b", "@"],
)
def test_a_page_that_dns_brought_here_is_refused(node: NodeThread, host: str) -> None:
    for path in ("/probe", "/mutable/get", "/bucket/demo/x"):
        answer = ask(node.port, "POST", path, GET_KEY, {"Host": host}, storage=node.config.storage_dir)
        assert answer.status == 403, (path, answer)
    for path in ("/session", "/bucket/demo/x", "/stats"):
        assert ask(node.port, "GET", path, headers={"Host": host}).status == 403
    wrong = ask(
        node.port, "POST", "/session", {"token": TOKEN[:-1]}, {"Host": host, "Origin": f"http://{host}"}
    )
    assert wrong.status == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("hub.example", "https://hub.example"),
        ("hub.example:8000", "http://hub.example:8000"),
        ("127.0.0.1:{port}", "https://hub.example"),
    ],
    ids=["encrypted", "plain", "host replaced"],
)
def test_a_proxys_name_is_known_to_browsers_that_were_let_in_by_it(
    node: NodeThread, host: str, origin: str
) -> None:
    storage = node.config.storage_dir
    Channels(storage / CHANNELS_FILE).change("demo", {"links": frozenset({"requestTasks"})})
    names = {"Host": host.format(port=node.port), "Origin": origin}
    token = ask(node.port, "POST", "/newLinkToken", {}, storage=storage).json()["token"]
    opened = ask(node.port, "POST", "/session", {"token": token}, names)
    assert opened.status == 200
    cookie = {"Cookie": opened.headers["Set-Cookie"].partition(";")[0]}
    request = {
        "channelName": "demo",
        "taskFunctionId": "f.1",
        "taskKwargs": {},
        "taskFunctionType": "query",
        "timeoutMsec": 0,
    }
    assert ask(node.port, "POST", "/task/requestTask", request, names | cookie).status == 200
    assert (
        ask(node.port, "GET", "/session", headers={"Host": names["Host"]} | cookie).json()["name"] == "links"
    )
    # Nobody else knows the node by that name, and the browser knows it by no other.
    assert ask(node.port, "POST", "/task/requestTask", request, names).status == 403
    for other in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert ask(node.port, "POST", "/task/requestTask", request, names | cookie | other).status == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "localhost.:9"])
def test_own_names(node: NodeThread, host: str) -> None:
    assert ask(node.port, "GET", "/probe", headers={"Host": host}).status == 200


def test_a_node_for_other_machines_answers_to_its_addresses(tmp_path: Path) -> None:
    config = NodeConfig(tmp_path / "storage", host="0.0.0.0", port=0)
    with NodeThread(config) as node:
        for address in ("127.0.0.1", "127.0.0.2"):
            assert ask(node.port, "GET", "/probe", host=address).status == 200
        for name in (socket.gethostname(), f"{socket.gethostname()}:{node.port}"):
            assert ask(node.port, "GET", "/probe", headers={"Host": name}).status == 200
        for name in ("127.0.0.3", "0.0.0.0", "evil.example"):
            assert ask(node.port, "GET", "/probe", headers={"Host": name}).status == 403


def own_address() -> str:
    """An address of this machine that is not its loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no network")
        address: str = probe.getsockname()[0]
    return address


def test_other_machines_link_below_roots_only(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    for path in (root / "inside", tmp_path / "outside"):
        path.write_bytes(b"x")
    address = own_address()
    for roots, expected in (((), [403, 403]), ((root,), [200, 403])):
        config = NodeConfig(tmp_path / "storage", host="0.0.0.0", port=0, link_roots=roots)
        with NodeThread(config) as node:
            answers = [
                ask(
                    node.port,
                    "POST",
                    "/linkFile",
                    link_request(path),
                    storage=config.storage_dir,
                    host=address,
                )
                for path in (root / "inside", tmp_path / "outside")
            ]
        assert [answer.status for answer in answers] == expected


def test_requests_without_or_with_two_hosts_are_refused(node: NodeThread) -> None:
    for text in (
        b"GET /probe HTTP/1.0\r\n\r\n",
        b"GET /probe HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
    ):
        assert b" 403 " in raw(node.port, text + b"Connection: close\r\n\r\n").partition(b"\r\n")[0]


def test_both_loopback_addresses_are_the_nodes_own(node: NodeThread) -> None:
    assert ask(node.port, "GET", "/probe", host="127.0.0.1").status == 200
    if socket.has_ipv6 and Path("/proc/net/if_inet6").read_text().strip():
        assert ask(node.port, "GET", "/probe", host="::1").status == 200


@pytest.mark.parametrize(
    "origin", [EVIL, "null", "http://localhost:1", "file://", "https://figurl.org.evil.example", ""]
)
def test_web_pages_of_other_origins_are_refused(node: NodeThread, origin: str) -> None:
    storage = node.config.storage_dir
    Channels(storage / CHANNELS_FILE).change("demo", origins=frozenset({FIGURL}))
    for method, path in (
        ("GET", "/probe"),
        ("POST", "/mutable/get"),
        ("POST", "/task/requestTask"),
        ("OPTIONS", "/store"),
    ):
        answer = ask(node.port, method, path, GET_KEY, {"Origin": origin}, storage=storage)
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_web_pages_of_a_channels_origins_may_use_it(node: NodeThread) -> None:
    storage = node.config.storage_dir
    channels = Channels(storage / CHANNELS_FILE)
    channels.ensure("other")
    channels.change("demo", origins=frozenset({FIGURL}))
    for method, path, status in (
        ("OPTIONS", "/bucket/demo/x", 204),
        ("GET", "/bucket/demo/x", 404),
        ("GET", "/bucket/other/x", 403),
        ("OPTIONS", "/task/requestTask", 204),
        ("GET", "/probe", 200),
        ("POST", "/mutable/get", 403),
        ("POST", "/store", 403),
        ("POST", "/session", 403),
    ):
        answer = ask(node.port, method, path, headers={"Origin": FIGURL}, storage=storage)
        assert answer.status == status, (method, path)
        if status != 403:
            assert answer.headers["Access-Control-Allow-Origin"] == FIGURL
            assert "Origin" in answer.headers["Vary"]
    channels.change("demo", origins=frozenset())
    assert ask(node.port, "GET", "/bucket/demo/x", headers={"Origin": FIGURL}).status == 403


def test_codes_change_and_the_one_before_is_still_taken(tmp_path: Path) -> None:
    codes = ClientCodes(tmp_path)
    seen = []
    for _ in range(4):
        codes.rotate()
        seen.append((tmp_path / "client-auth").read_text())
    assert all(re.fullmatch("[A-Za-z]{12}", code) for code in seen)
    assert [codes.accepts(code) for code in seen] == [False, False, True, True]
    assert not codes.accepts("")
    assert (tmp_path / "client-auth").stat().st_mode & 0o777 == 0o600
    restarted = ClientCodes(tmp_path)
    restarted.rotate()
    assert [restarted.accepts(code) for code in seen] == [False, False, True, True]
    restarted.rotate()
    assert [restarted.accepts(code) for code in seen] == [False, False, False, False]


def test_the_code_is_for_those_who_share_the_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    codes = ClientCodes(tmp_path)
    codes.rotate()
    status = (tmp_path / "client-auth").stat()
    assert (status.st_mode & 0o777, status.st_gid) == (0o640, tmp_path.stat().st_gid)
    with pytest.raises(NodeError, match="no group"):
        ClientCodes(tmp_path, "no-such-group")


def test_keys_are_private_and_lasting(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    config = NodeConfig(storage, port=0)
    with NodeThread(config):
        node_id = (storage / "kachery-node-id").read_text()
    assert (storage / "private.pem").stat().st_mode & 0o777 == 0o600
    assert (storage / "seriesview-node.db").stat().st_mode & 0o777 == 0o600
    with NodeThread(config):
        assert (storage / "kachery-node-id").read_text() == node_id
    (storage / "private.pem").chmod(0o640)
    with pytest.raises(NodeError, match="chmod 600"):
        NodeThread(config).start()
    (storage / "private.pem").unlink()
    with pytest.raises(NodeError, match="missing"):
        NodeThread(config).start()


def test_two_nodes_do_not_share_a_directory(node: NodeThread) -> None:
    code = code_of(node.config.storage_dir)
    with pytest.raises(NodeError, match="another node"):
        NodeThread(node.config).start()
    assert code_of(node.config.storage_dir) == code


def token_file(tmp_path: Path, text: str = f"# who\nbrowser:{TOKEN}\n\n") -> Path:
    path = tmp_path / "tokens"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_tokens_open_what_a_channel_permits_and_nothing_else(tmp_path: Path) -> None:
    config = NodeConfig(tmp_path / "storage", port=0, channels=("demo",), token_file=token_file(tmp_path))
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    request = {"channelName": "demo", "sha1": "0" * 40, "size": 1}
    with NodeThread(config) as node:
        assert ask(node.port, "POST", "/createSignedFileUploadUrl", request, bearer).status == 403
        channels = Channels(config.storage_dir / CHANNELS_FILE)
        channels.change("demo", {"browser": frozenset({"provideFiles"})})
        assert ask(node.port, "POST", "/createSignedFileUploadUrl", request, bearer).json()["success"]
        for path in (*CLIENT_PATHS, "/mutable/get", "/newLinkToken"):
            assert ask(node.port, "POST", path, GET_KEY, bearer).status == 403
        channels.change("demo", {"browser": frozenset()})
        assert ask(node.port, "POST", "/createSignedFileUploadUrl", request, bearer).status == 403


def test_a_link_is_good_for_one_browser(node: NodeThread) -> None:
    storage = node.config.storage_dir
    own = {"Origin": f"http://127.0.0.1:{node.port}"}
    token = ask(node.port, "POST", "/newLinkToken", storage=storage).json()["token"]
    first = ask(node.port, "POST", "/session", {"token": token}, own)
    assert ask(node.port, "POST", "/session", {"token": token}, own).status == 403
    cookie = first.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    session = {"Cookie": cookie.partition(";")[0]}
    request = {"channelName": "demo", "sha1": "0" * 40}
    path = "/createSignedFileUploadUrl"
    assert ask(node.port, "POST", path, request, session | own).text.startswith(
        "provideFiles is not permitted"
    )
    Channels(storage / CHANNELS_FILE).change("demo", {"links": frozenset({"provideFiles"})})
    assert ask(node.port, "POST", path, request, session | own).json()["success"]
    # A page on another port of this host is of the same site: the browser sends it the cookie.
    assert ask(node.port, "POST", path, request, session | {"Origin": "http://127.0.0.1:1"}).status == 403
    assert ask(node.port, "POST", path, request, session).status == 403
    assert ask(node.port, "POST", "/mutable/get", GET_KEY, session | own).status == 403


def test_link_tokens_and_sessions_are_secrets_of_their_own() -> None:
    sessions = Sessions()
    token = sessions.new_link_token()
    assert sessions.find(token) is None
    session = sessions.exchange_link(token)
    assert session is not None
    assert sessions.exchange_link(token) is None
    assert sessions.exchange_link(session) is None
    found = sessions.find(session)
    assert found == Session("links", account=found.account if found else "", sees_front=False)
    other = sessions.find(sessions.open("links"))
    assert other is not None
    assert other != found


@pytest.mark.parametrize(
    "text",
    [
        "browser",
        "browser:short",
        f"clients:{TOKEN}",
        f"a b:{TOKEN}",
        f":{TOKEN}",
        f"browser:{TOKEN}\u00e9",
        "\xff",
    ],
)
def test_a_wrong_token_file_is_said_without_its_tokens(tmp_path: Path, text: str) -> None:
    with pytest.raises(NodeError) as caught:
        Tokens(token_file(tmp_path, text))
    assert TOKEN not in str(caught.value)


def test_tokens_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKENS_VARIABLE, f"one:{TOKEN},two:{TOKEN[::-1]}")
    tokens = Tokens(None)
    assert (tokens.name_of(TOKEN), tokens.name_of(TOKEN[::-1]), tokens.name_of("")) == ("one", "two", None)
    path = token_file(tmp_path)
    path.chmod(0o644)
    with pytest.raises(NodeError, match="chmod 600"):
        Tokens(path)


def test_a_token_file_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("seriesview.node.tokens._FOLLOW_SECONDS", 0.0)
    path = token_file(tmp_path)
    tokens = Tokens(path)
    assert tokens.name_of(TOKEN) == "browser"
    token_file(tmp_path, f"other:{TOKEN[::-1]}\n")
    assert (tokens.name_of(TOKEN), tokens.name_of(TOKEN[::-1])) == (None, "other")
    path.chmod(0o644)
    assert tokens.name_of(TOKEN[::-1]) is None
    assert "chmod 600" in caplog.text
    path.chmod(0o600)
    assert tokens.name_of(TOKEN[::-1]) == "other"
    path.unlink()
    assert tokens.name_of(TOKEN[::-1]) is None
    assert TOKEN not in caplog.text


def link_request(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"localFilePath": str(path), "size": status.st_size, "mtime": status.st_mtime}


def test_links_stay_below_their_roots(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (root / "inside").write_bytes(b"1")
    (tmp_path / "outside").write_bytes(b"2")
    (root / "way out").symlink_to(tmp_path / "outside")
    (root / "way in").symlink_to(root / "inside")
    config = NodeConfig(tmp_path / "storage", port=0, link_roots=(root,))
    with NodeThread(config) as node:
        for path, status in (
            (root / "inside", 200),
            (root / "way in", 200),
            (root / "way out", 403),
            (tmp_path / "outside", 403),
            (root / ".." / "outside", 403),
        ):
            for endpoint in ("/linkFile", "/storeFile"):
                request = link_request(path)
                if endpoint == "/storeFile":
                    request = {"localFilePath": request["localFilePath"]}
                answer = ask(node.port, "POST", endpoint, request, storage=config.storage_dir)
                assert answer.status == status, (path, answer)


def test_the_nodes_own_secrets_are_not_linked(node: NodeThread, tmp_path: Path) -> None:
    storage = node.config.storage_dir
    (tmp_path / "alias").symlink_to(storage)
    for path in (storage / "private.pem", tmp_path / "alias" / "client-auth", storage / "seriesview-node.db"):
        assert ask(node.port, "POST", "/linkFile", link_request(path), storage=storage).status == 403


def test_users_of_a_shared_directory_link_only_what_they_can_read(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    storage.mkdir()
    storage.chmod(0o770)
    secret, common = tmp_path / "secret", tmp_path / "common"
    for path, mode in ((secret, 0o600), (common, 0o640)):
        path.write_bytes(b"x")
        path.chmod(mode)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(0o755)
    with NodeThread(NodeConfig(storage, port=0)) as node:
        assert ask(node.port, "POST", "/linkFile", link_request(secret), storage=storage).status == 403
        assert ask(node.port, "POST", "/linkFile", link_request(common), storage=storage).status == 200


def test_links_and_names_that_were_made_by_hand_lead_nowhere(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    storage.mkdir()
    storage.chmod(0o770)
    secret, common = tmp_path / "secret", tmp_path / "common"
    for path, mode in ((secret, 0o600), (common, 0o640)):
        path.write_bytes(b"x")
        path.chmod(mode)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(0o755)
    with NodeThread(NodeConfig(storage, port=0, channels=("demo",))) as node:
        for sha1, target, expected in (("1" * 40, secret, 403), ("2" * 40, common, 200)):
            link = link_path(storage, sha1)
            link.parent.mkdir(parents=True)
            stat = {"size": 1, "mtime": target.stat().st_mtime}
            link.write_text(json.dumps({"path": str(target), "stat": stat}))
            key = {"fileKey": {"sha1": sha1}}
            assert ask(node.port, "POST", "/downloadFileData", key, storage=storage).status == expected
            place = f"/files/demo/sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"
            assert ask(node.port, "GET", place, storage=storage).status == expected
        alias = artifact_path(storage, "3" * 40)
        alias.parent.mkdir(parents=True)
        alias.symlink_to(secret)
        key = {"fileKey": {"sha1": "3" * 40}}
        answers = [
            ask(node.port, "POST", "/downloadFileData", key, storage=storage),
            ask(node.port, "GET", "/files/demo/sha1/33/33/33/" + "3" * 40, storage=storage),
        ]
        assert all(answer.status in (404, 500) and answer.body != b"x" for answer in answers)


@pytest.mark.parametrize("path", ["relative", "file:///etc/passwd", "/etc/\0passwd", ""])
def test_paths_are_absolute(node: NodeThread, path: str) -> None:
    request = {"localFilePath": path, "size": 1, "mtime": 1.0}
    answer = ask(node.port, "POST", "/linkFile", request, storage=node.config.storage_dir)
    assert (answer.status, answer.text[:27]) == (500, "Invalid request in _handler")


def test_large_and_malformed_requests(node: NodeThread) -> None:
    storage = node.config.storage_dir
    key = "x" * 99_000
    assert ask(node.port, "POST", "/mutable/get", {"key": key}, storage=storage).json()["found"] is False
    for size in (100_001, 3_000_000):
        body = b'{"key":"' + b"x" * size + b'"}'
        assert ask(node.port, "POST", "/mutable/get", body, storage=storage).status == 413
        assert ask(node.port, "POST", "/mutable/get", iter([body]), storage=storage).status == 413
    for text in (
        b"",
        b"{",
        b"\xff",
        b"{} {}",
        b"[" * 50_000,
        b'{"key": NaN}',
        b'{"key": 1e999}',
        b'{"key": ' + b"9" * 9000,
    ):
        assert ask(node.port, "POST", "/mutable/get", text, storage=storage).status == 400
    for value in ([], 1, {}, {"key": None}, {"key": 1, "more": 2}):
        answer = ask(node.port, "POST", "/mutable/get", value, storage=storage)
        assert (answer.status, answer.text[:27]) == (500, "Invalid request in _handler")
    assert ask(node.port, "GET", "/mutable/get", storage=storage).status == 405
    assert ask(node.port, "POST", "/nothing", storage=storage).status == 404


def test_large_heads_are_refused(tmp_path: Path) -> None:
    config = NodeConfig(tmp_path / "storage", port=0, limits=Limits(head_bytes=5000))
    start = b"POST /store HTTP/1.1\r\nHost: localhost\r\n"
    with NodeThread(config) as node:
        assert b" 431 " in raw(node.port, start + b"X: " + b"x" * 300_000)
        assert b" 431 " in raw(node.port, b"GET /" + b"x" * 300_000)
        trailers = b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"x" * 600_000
        code = f"{CODE_HEADER}: {code_of(config.storage_dir)}\r\n".encode()
        assert b'"sha1":"da39' not in raw(node.port, start + code + trailers)
        assert ask(node.port, "GET", "/probe").status == 200


def test_secrets_show_nowhere(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    tokens = token_file(tmp_path)
    with node_process(storage, "--channel", "demo", "--token-file", str(tokens)) as node:
        code = code_of(storage)
        request = {"channelName": "demo", "sha1": "0" * 40}
        bearer = {"Authorization": f"Bearer {TOKEN}", CODE_HEADER: "wrong"}
        answers = [
            ask(node.port, "POST", "/createSignedFileUploadUrl", request, storage=storage),
            ask(node.port, "POST", "/createSignedFileUploadUrl", request, bearer),
            ask(node.port, "POST", "/mutable/get", b"{", storage=storage),
            ask(node.port, "POST", f"/{code}", storage=storage),
        ]
        arguments = Path(f"/proc/{node.process.pid}/cmdline").read_bytes().decode()
        status, problems = node.stop()
    seen = "".join(answer.text for answer in answers) + arguments + problems + node.ready_line
    for secret in (code, TOKEN, (storage / "private.pem").read_text().splitlines()[1]):
        assert secret not in seen
    assert status == 0


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_it_stops_when_told_to(tmp_path: Path, signal_name: str) -> None:
    with node_process(tmp_path / "storage") as node:
        with socket.create_connection(("127.0.0.1", node.port)):
            node.process.send_signal(getattr(signal, signal_name))
            _, problems = node.process.communicate(timeout=MOST_SECONDS)
        assert (node.process.returncode, problems) == (0, "")


def test_halt_of_the_daemon(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with node_process(storage) as node:
        assert ask(node.port, "GET", "/halt", storage=storage).json() == {"success": True}
        assert node.process.wait(MOST_SECONDS) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "PORT"], "cannot listen on"),
        (["--host", "no.such.host.invalid"], "no such address"),
        (["--channel", "x"], "cannot name a channel"),
        (["--token-file", "/no/such/file"], "cannot read"),
        (["--storage-dir", "/proc/nothing"], "/proc/nothing"),
        (["--auth-group", "no-such-group"], "there is no group"),
    ],
)
def test_errors_of_users_are_one_line(
    node: NodeThread, tmp_path: Path, options: list[str], message: str
) -> None:
    options = [str(node.port) if option == "PORT" else option for option in options]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "seriesview.cli.main", "node"),
            *("--storage-dir", str(tmp_path / "another"), "--port", "0", *options),
        ],
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_every_permission_is_known() -> None:
    assert len(PERMISSIONS) == 6


def test_a_port_on_which_another_process_listens_first_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        listen = socket.socket.listen

        def late(self: socket.socket, *backlog: int) -> None:
            # Both were bound by then.
            listen(other)
            listen(self, *backlog)

        monkeypatch.setattr(socket.socket, "listen", late)
        with pytest.raises(NodeError, match=r"cannot listen on 127\.0\.0\.1"):
            NodeThread(NodeConfig(tmp_path, "127.0.0.1", other.getsockname()[1])).start()
