"""The node's page over HTTP: what is served to whom, and what a browser is told about it."""

import gzip
import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_peers import Answer, ask, run_client
from waiting import MOST_SECONDS, until

from seriesview.node import pages
from seriesview.node.access import cookie_name
from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.node.config import NodeConfig
from seriesview.node.pages import figure_path, origin_of_view
from seriesview.node.server import NodeThread
from seriesview.store.paths import artifact_path, link_path
from seriesview.viewer.files import VIEWER, viewer_files

BUCKETS = "https://storage.googleapis.com"
DATA = b"0123456789" * 1000
SHA1 = hashlib.sha1(DATA).hexdigest()
PATH = f"{SHA1[:2]}/{SHA1[2:4]}/{SHA1[4:6]}/{SHA1}"


@pytest.fixture
def view(tmp_path: Path) -> Path:
    """A folder of web pages, with things in it and beside it that are nobody's business."""
    folder = tmp_path / "a view"
    (folder / "deep").mkdir(parents=True)
    (folder / "index.html").write_text("<p>the view</p>")
    (folder / "deep" / "module.js").write_text("export const one = 1;")
    (folder / "notes.py").write_text("secret = 1")
    (folder / ".hidden.js").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    return folder


@pytest.fixture
def node(tmp_path: Path, view: Path) -> Iterator[NodeThread]:
    config = NodeConfig(
        tmp_path / "storage",
        port=0,
        channels=("demo", "other"),
        views={"mine": view, "kept": {"index.html": b"<p>in memory</p>", "a/b.js": b"export {};" * 100}},
        view_origins=(BUCKETS,),
    )
    with NodeThread(config) as running:
        channels = Channels(tmp_path / "storage" / CHANNELS_FILE)
        channels.change("demo", {"links": frozenset({"requestTasks", "requestFiles"})})
        yield running


class Peer:
    def __init__(self, node: NodeThread) -> None:
        self.port = node.port
        self.storage = node.config.storage_dir

    def get(self, path: str, **headers: str) -> Answer:
        return ask(self.port, "GET", path, headers=headers)

    def token(self) -> str:
        return str(ask(self.port, "POST", "/newLinkToken", {}, storage=self.storage).json()["token"])

    def exchange(self, **body: Any) -> Answer:
        headers = {"Origin": f"http://127.0.0.1:{self.port}"}
        return ask(self.port, "POST", "/session", body, headers)

    def cookie(self) -> str:
        return self.exchange(token=self.token()).headers["Set-Cookie"].partition(";")[0]

    def store(self, data: bytes) -> None:
        assert ask(self.port, "POST", "/store", data, storage=self.storage).json()["success"]


@pytest.fixture
def peer(node: NodeThread) -> Peer:
    return Peer(node)


def policy(answer: Answer) -> dict[str, set[str]]:
    parts = [part.split() for part in answer.headers["Content-Security-Policy"].split(";") if part.strip()]
    return {name: set(sources) for name, *sources in parts}


# The page and its views


def test_the_page_is_html_that_may_reach_the_node_alone(peer: Peer) -> None:
    answer = peer.get("/f?v=/view/mine&d=0&channel=demo&label=x")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    rules = policy(answer)
    assert rules["default-src"] == {"'none'"}
    for name in ("script-src", "style-src", "connect-src"):
        assert rules[name] == {"'self'"}
    # What a view gives to be saved is a blob, whose address Firefox takes for the frame's next one.
    assert rules["frame-src"] == {"'self'", "blob:"}
    assert rules["base-uri"] == rules["form-action"] == rules["object-src"] == {"'none'"}
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


@pytest.mark.parametrize("view", ["gs://a/b", f"{BUCKETS}/a/b/index.html"])
def test_frames_of_a_configured_origin_are_allowed_for_its_views(peer: Peer, view: str) -> None:
    assert policy(peer.get(f"/f?v={view}"))["frame-src"] == {"'self'", "blob:", BUCKETS}


@pytest.mark.parametrize(
    "view",
    [
        "https://elsewhere.example/x",
        "https://storage.googleapis.com.elsewhere.example/",
        "https://storage.googleapis.com:444/",
        "http://storage.googleapis.com/",
        "https://x@storage.googleapis.com/",
        "https://a.example%3B%20script-src%20*/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://[",
    ],
)
def test_no_other_frames_are_allowed(peer: Peer, view: str) -> None:
    answer = peer.get(f"/f?v={view}")
    assert answer.status == 200
    assert policy(answer)["frame-src"] == {"'self'", "blob:"}
    assert policy(answer)["script-src"] == {"'self'"}


@given(st.text(max_size=60))
def test_the_origin_of_a_view_never_holds_a_space_or_semicolon(view: str) -> None:
    origin = origin_of_view(view)
    assert origin is None or not set(" ;,'\"\n") & set(origin)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/page/main.js", "text/javascript; charset=utf-8"),
        ("/page/style.css", "text/css; charset=utf-8"),
        ("/view/mine/", "text/html; charset=utf-8"),
        ("/view/mine/index.html?parentOrigin=x", "text/html; charset=utf-8"),
        ("/view/mine/deep/module.js", "text/javascript; charset=utf-8"),
    ],
)
def test_web_pages_have_their_types_and_are_asked_for_again(peer: Peer, path: str, kind: str) -> None:
    answer = peer.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert answer.headers["Cache-Control"] == "no-cache"
    again = peer.get(path, **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert ask(peer.port, "HEAD", path).headers["Content-Length"] == str(len(answer.body))


def test_web_pages_are_packed_for_browsers_that_take_it(peer: Peer, view: Path) -> None:
    path = "/view/mine/deep/module.js"
    plain = peer.get(path)
    packed = peer.get(path, **{"Accept-Encoding": "br, gzip;q=0.5"})
    assert (packed.status, packed.headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["ETag"] != plain.headers["ETag"]
    for name in ("Content-Type", "Content-Security-Policy", "Cache-Control", "Vary"):
        assert packed.headers[name] == plain.headers[name]
    again = peer.get(path, **{"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    for asked in ({"Accept-Encoding": "gzip; q=0"}, {"Accept-Encoding": "gzip", "Range": "bytes=0-3"}):
        answer = peer.get(path, **asked)
        assert "Content-Encoding" not in answer.headers
        assert plain.body.startswith(answer.body)
    (view / "deep" / "module.js").write_text("export const two = 2; // another")
    changed = peer.get(path, **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(changed.body) == b"export const two = 2; // another"


def test_the_page_may_reach_the_buckets_of_the_channels(peer: Peer) -> None:
    channels = Channels(peer.storage / CHANNELS_FILE)
    for name in ("demo", "other"):
        channels.change(name, bucket_url=f"https://storage.googleapis.com/bucket-of-{name}")
    assert policy(peer.get("/f?channel=demo"))["connect-src"] == {"'self'", "https://storage.googleapis.com"}
    for name in ("demo", "other"):
        channels.change(name, bucket_url="")
    assert policy(peer.get("/f?channel=demo"))["connect-src"] == {"'self'"}
    assert policy(peer.get("/view/mine/"))["connect-src"] == {"'self'"}


def test_a_view_may_be_in_memory(peer: Peer) -> None:
    page = peer.get("/view/kept/")
    assert (page.status, page.body) == (200, b"<p>in memory</p>")
    assert (
        page.headers["Content-Security-Policy"] == peer.get("/view/mine/").headers["Content-Security-Policy"]
    )
    script = peer.get("/view/kept/a/b.js", **{"Accept-Encoding": "gzip"})
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert gzip.decompress(script.body) == peer.get("/view/kept/a/b.js").body == b"export {};" * 100
    again = peer.get(
        "/view/kept/a/b.js", **{"Accept-Encoding": "gzip", "If-None-Match": script.headers["ETag"]}
    )
    assert (again.status, again.body) == (304, b"")
    for path in ("/view/kept/a", "/view/kept/other.js", "/view/kept/a/../index.html"):
        assert peer.get(path).status == 404


def test_the_page_that_reads_any_bucket_runs_nothing_else(peer: Peer) -> None:
    rules = policy(peer.get("/page/backend.html"))
    assert rules["default-src"] == rules["frame-ancestors"] == {"'none'"}
    assert rules["script-src"] == rules["style-src"] == {"'self'"}
    assert rules["connect-src"] == {"https:", "http://localhost:*", "http://127.0.0.1:*"}
    assert policy(peer.get("/page/backend.js"))["default-src"] == {"'none'"}


def test_a_view_may_reach_the_node_alone_and_be_framed_by_it_and_by_notebooks_here(peer: Peer) -> None:
    rules = policy(peer.get("/view/mine/"))
    assert rules["connect-src"] == rules["script-src"] == {"'self'"}
    # A frame's policy is about every page around it.
    assert rules["frame-ancestors"] == policy(peer.get("/f"))["frame-ancestors"]
    assert rules["frame-ancestors"] == {"'self'", "http://localhost:*", "http://127.0.0.1:*"}
    assert rules["worker-src"] == {"'self'", "blob:"}
    assert rules["default-src"] == {"'none'"}


@pytest.mark.parametrize(
    "path",
    [
        "/view/",
        "/view/none/",
        "/view/mine/deep",
        "/view/mine/deep/",
        "/view/mine/notes.py",
        "/view/mine/.hidden.js",
        "/view/mine/link.js",
        "/view/mine/../outside.js",
        "/view/mine/deep/../../outside.js",
        "/view/mine/%2e%2e/outside.js",
        "/view/mine/..%2foutside.js",
        "/view/mine//deep/module.js",
        "/view/mine/deep//module.js",
        "/view/mine/deep/module.js/",
        "/view/mine/deep\\module.js",
        "/view/../view/mine/index.html",
        "/page/",
        "/page/../pages.py",
        "/page/../pages.html",
        "/page/none.js",
    ],
)
def test_nothing_else_is_served(peer: Peer, path: str) -> None:
    # Sent as it is: clients tidy such paths up.
    with socket.create_connection(("127.0.0.1", peer.port), timeout=MOST_SECONDS) as connection:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{peer.port}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 403 ")), answer[:100]
    assert b"secret" not in answer


def test_a_view_without_its_slash_is_led_to_where_its_files_are(peer: Peer) -> None:
    answer = peer.get("/view/mine?figureId=a%23b")
    assert (answer.status, answer.headers["Location"]) == (308, "mine/?figureId=a%23b")


def test_every_file_of_the_viewer_can_be_served() -> None:
    from seriesview.node.pages import _CONTENT_TYPES

    paths = [path for path in VIEWER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    # Beside them lie the modules that join them.
    assert {path.suffix for path in paths} - {".py"} <= set(_CONTENT_TYPES)
    assert {Path(path).suffix for path in viewer_files()} == {path.suffix for path in paths} - {".py"}


# Artifacts


def test_artifacts_are_read_by_callers_whom_the_channel_permits_it(peer: Peer) -> None:
    peer.store(DATA)
    cookie = peer.cookie()
    answer = peer.get(f"/files/demo/sha1/{PATH}", Cookie=cookie)
    assert (answer.status, answer.body) == (200, DATA)
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "private" in answer.headers["Cache-Control"]
    part = peer.get(f"/files/demo/sha1/{PATH}", Cookie=cookie, Range="bytes=5-14")
    assert (part.status, part.body) == (206, DATA[5:15])
    assert peer.get(f"/files/demo/sha1/{PATH}", Cookie=cookie, Range="bytes=10000-").status == 416
    head = ask(peer.port, "HEAD", f"/files/demo/sha1/{PATH}", headers={"Cookie": cookie})
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "10000", b"")
    assert ask(peer.port, "GET", f"/files/demo/sha1/{PATH}", storage=peer.storage).status == 200


def test_artifacts_are_for_nobody_else(peer: Peer) -> None:
    peer.store(DATA)
    cookie = peer.cookie()
    assert peer.get(f"/files/demo/sha1/{PATH}").status == 403
    assert peer.get(f"/files/demo/sha1/{PATH}", Cookie="x" + cookie).status == 403
    # links have no permission there.
    refused = peer.get(f"/files/other/sha1/{PATH}", Cookie=cookie)
    assert (refused.status, refused.text) == (
        403,
        "requestFiles is not permitted to links on channel other",
    )
    other_site = {"Cookie": cookie, "Origin": "https://elsewhere.example"}
    assert peer.get(f"/files/demo/sha1/{PATH}", **other_site).status == 403


@pytest.mark.parametrize(
    "path", ["sha1/../../x", PATH, f"task_results/{PATH}", f"sha1/{PATH}/", f"SHA1/{PATH}"]
)
def test_artifacts_are_named_by_hash_alone(peer: Peer, path: str) -> None:
    peer.store(DATA)
    assert peer.get(f"/files/demo/{path}", Cookie=peer.cookie()).status == 404


def test_linked_files_are_for_kachery_clients(peer: Peer, tmp_path: Path) -> None:
    file = tmp_path / "raw.dat"
    file.write_bytes(DATA)
    status = file.stat()
    body = {"localFilePath": str(file), "size": status.st_size, "mtime": status.st_mtime}
    assert ask(peer.port, "POST", "/linkFile", body, storage=peer.storage).json()["sha1"] == SHA1
    assert link_path(peer.storage, SHA1).exists()
    assert not artifact_path(peer.storage, SHA1).exists()
    assert ask(peer.port, "GET", f"/files/demo/sha1/{PATH}", storage=peer.storage).body == DATA
    assert peer.get(f"/files/demo/sha1/{PATH}", Cookie=peer.cookie()).status == 404


def test_a_file_of_the_channels_bucket_is_read_too(peer: Peer) -> None:
    signed = {"channelName": "demo", "sha1": SHA1, "size": len(DATA)}
    url = ask(peer.port, "POST", "/createSignedFileUploadUrl", signed, storage=peer.storage).json()[
        "signedUrl"
    ]
    parts = urlsplit(url)
    assert ask(peer.port, "PUT", f"{parts.path}?{parts.query}", DATA).status == 200
    cookie = peer.cookie()
    assert peer.get(f"/files/demo/sha1/{PATH}", Cookie=cookie).body == DATA
    assert peer.get(f"/files/other/sha1/{PATH}", Cookie=cookie).status == 403


# Sessions


def test_a_links_token_is_good_for_one_session(peer: Peer) -> None:
    token = peer.token()
    opened = peer.exchange(token=token)
    assert opened.status == 200
    cookie = opened.headers["Set-Cookie"]
    assert cookie.startswith(f"{cookie_name(peer.port)}=")
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert peer.exchange(token=token).status == 403


def test_the_session_is_kept_to_the_path_of_a_proxy(peer: Peer) -> None:
    opened = peer.exchange(token=peer.token(), path="/user/me/proxy/20431/")
    assert "Path=/user/me/proxy/20431/" in opened.headers["Set-Cookie"]
    for path in ["x", "/a", "/a; Domain=x/", "//", "/a\n/", "/" + "a" * 300 + "/"]:
        assert peer.exchange(token=peer.token(), path=path).status == 500


def test_a_session_ends_with_the_token_that_opened_it(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"ada:{'a' * 32}\nbob:{'b' * 32}\n")
    file.chmod(0o600)
    config = NodeConfig(tmp_path / "another", port=0, channels=("demo",), token_file=file)
    with NodeThread(config) as node:
        peer = Peer(node)
        cookies = [
            peer.exchange(token=letter * 32).headers["Set-Cookie"].partition(";")[0] for letter in "ab"
        ]

        def names() -> list[Any]:
            return [peer.get("/session", Cookie=cookie).json()["name"] for cookie in cookies]

        assert names() == ["ada", "bob"]
        file.write_text(f"bob:{'b' * 32}\n")
        until(lambda: names() == [None, "bob"])


def test_the_session_says_what_is_permitted(peer: Peer) -> None:
    nobody = peer.get("/session?channel=demo").json()
    assert (nobody["name"], nobody["channelExists"], nobody["permissions"]) == (None, None, [])
    cookie = peer.cookie()
    links = peer.get("/session?channel=demo", Cookie=cookie).json()
    assert (links["name"], links["channelExists"]) == ("links", True)
    assert links["permissions"] == ["requestFiles", "requestTasks"]
    assert (links["views"], links["viewOrigins"]) == (["kept", "mine"], [BUCKETS])
    assert peer.get("/session?channel=none", Cookie=cookie).json()["channelExists"] is False
    assert peer.get("/session?channel=other", Cookie=cookie).json()["permissions"] == []


def test_a_proxy_may_add_encryption(peer: Peer) -> None:
    for origin, status in (("https", 200), ("ftp", 403)):
        headers = {"Origin": f"{origin}://127.0.0.1:{peer.port}"}
        answer = ask(peer.port, "POST", "/session", {"token": peer.token()}, headers)
        assert answer.status == status


# Tasks


def watch(peer: Peer, tasks: dict[str, str], milliseconds: float = 0, cookie: str | None = None) -> Any:
    body = {"channelName": "demo", "tasks": tasks, "timeoutMsec": milliseconds}
    headers = {"Cookie": cookie or peer.cookie(), "Origin": f"http://127.0.0.1:{peer.port}"}
    return ask(peer.port, "POST", "/task/watchTasks", body, headers).json()["tasks"]


def request(peer: Peer, number: int, kind: str = "query") -> str:
    body = {
        "channelName": "demo",
        "taskFunctionId": "f.1",
        "taskKwargs": {"number": number},
        "taskFunctionType": kind,
        "timeoutMsec": 0,
    }
    return str(ask(peer.port, "POST", "/task/requestTask", body, storage=peer.storage).json()["taskId"])


def test_several_tasks_are_watched_at_once(peer: Peer) -> None:
    tasks = {request(peer, number): "waiting" for number in range(3)}
    assert watch(peer, tasks) == {}
    first, second, _ = tasks
    functions = [{"channelName": "demo", "taskFunctionId": "f.1", "taskFunctionType": "query"}]
    poll = {"taskFunctions": functions, "timeoutMsec": 5000}
    handed = ask(peer.port, "POST", "/task/registerTaskFunctions", poll, storage=peer.storage).json()
    assert {task["taskId"] for task in handed["requestedTasks"]} == set(tasks)
    assert watch(peer, tasks, 5000) == {task: {"status": "pending"} for task in tasks}
    # Its backend is busy: there is one.
    later = request(peer, 99)
    assert watch(peer, {later: "waiting"}) == {later: {"status": "queued"}}
    told = {"channelName": "demo", "taskId": first, "status": "error", "errorMessage": "no such thing"}
    ask(peer.port, "POST", "/task/updateTaskStatus", told, storage=peer.storage)
    pending = dict.fromkeys(tasks, "pending")
    assert watch(peer, pending, 5000) == {first: {"status": "error", "errorMessage": "no such thing"}}
    assert watch(peer, {second: "pending"}) == {}


def test_watching_unknown_tasks_and_nothing(peer: Peer) -> None:
    assert watch(peer, {}, 60_000) == {}
    unknown = {"status": "error", "errorMessage": "[task-forgotten] Outgoing task not found"}
    assert watch(peer, {"abc": "waiting", "f" * 40: "waiting"}, 60_000) == {"abc": unknown, "f" * 40: unknown}
    assert watch(peer, {"abc": "error"}, 60_000) == {}


def test_tasks_are_watched_by_those_who_may_ask_for_tasks(peer: Peer) -> None:
    body = {"channelName": "other", "tasks": {}, "timeoutMsec": 0}
    headers = {"Cookie": peer.cookie(), "Origin": f"http://127.0.0.1:{peer.port}"}
    assert ask(peer.port, "POST", "/task/watchTasks", body, headers).status == 403
    assert ask(peer.port, "POST", "/task/watchTasks", body).status == 403


# Links


@given(st.text(), st.dictionaries(st.text(), st.integers() | st.text(), max_size=3))
def test_a_figures_path_holds_what_it_was_given(label: str, state: dict[str, Any]) -> None:
    try:
        label.encode()
        json.dumps(state).encode()
    except UnicodeEncodeError:
        return
    parts = urlsplit(figure_path("/view/seriesview", SHA1, "demo", label, state))
    assert parts.path == "/f"
    assert not parts.fragment
    found = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True)
    assert found["v"] == ["/view/seriesview"]
    assert found["d"] == [SHA1]
    assert found["label"] == [label]
    assert json.loads(found["s"][0]) == state


def test_what_figurl_does_to_make_a_link(peer: Peer, tmp_path: Path) -> None:
    """figurl 0.1.8 stores the data, uploads them in one piece, and names them by hash."""
    uri = run_client(
        peer.port,
        tmp_path,
        """
        uri = kc.store_json({"type": "a figure", "data": [1, 2]})
        kc.upload_file(uri, channel="demo", single_chunk=True)
        report(uri)
        """,
        KACHERY_HUB_API_URI="http://seriesview-node.invalid",
        HTTP_PROXY=f"http://127.0.0.1:{peer.port}",
    )
    sha1 = uri.split("/")[2]
    path = f"demo/sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"
    assert peer.get(f"/bucket/{path}").json() == {"type": "a figure", "data": [1, 2]}
    assert peer.get(f"/files/{path}", Cookie=peer.cookie()).json()["type"] == "a figure"


def test_the_node_can_be_told_of_views_on_its_command_line(tmp_path: Path) -> None:
    from node_peers import node_process

    storage = tmp_path / "own"
    with node_process(storage, "--view-origin", BUCKETS) as node:
        session = ask(node.port, "GET", "/session").json()
        assert session["views"] == ["seriesview", "sessions"]
        assert session["viewOrigins"] == [BUCKETS]
        page = ask(node.port, "GET", "/view/seriesview/")
        assert page.status == 200
        assert os.fsencode("<html") in page.body


def test_the_page_names_all_its_modules_so_that_none_waits_for_another() -> None:
    folder = Path(pages.__file__).parent / "page"
    reached: set[str] = set()
    waiting = ["main.js"]
    while waiting:
        found = set(re.findall(r"from '\./(\w+\.js)'", (folder / waiting.pop()).read_text("utf-8")))
        waiting += found - reached
        reached |= found
    named = re.findall(
        r'rel="modulepreload" href="page/(\w+\.js)"', (folder / "index.html").read_text("utf-8")
    )
    assert sorted(named) == sorted(reached)
