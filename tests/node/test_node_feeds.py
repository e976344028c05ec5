"""Feeds: with the unmodified kachery-client, by hand, and after SIGKILL."""

import hashlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node_peers import Answer, ask, node_process, run_client
from waiting import num_long_polls, until

from seriesview.node.canonical import canonical_json
from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.node.config import NodeConfig
from seriesview.node.feeds import PAGE_MESSAGES
from seriesview.node.server import NodeThread

SUBFEED = hashlib.sha1(b"main").hexdigest()
OTHER = hashlib.sha1(b"other").hexdigest()
LOCAL = "*local*"


def is_genuine(feed_id: str, signed: dict[str, Any]) -> bool:
    """Return whether a signed message, {body, signature}, was signed with a feed's key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(feed_id))
        key.verify(bytes.fromhex(signed["signature"]), hashlib.sha1(canonical_json(signed["body"])).digest())
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return True


class Peer:
    """A client that speaks the protocol by hand."""

    def __init__(self, port: int, storage: Path) -> None:
        self.port = port
        self.storage = storage

    def post(self, path: str, body: Any) -> Answer:
        return ask(self.port, "POST", f"/feed/{path}", body, storage=self.storage)

    def create(self) -> str:
        feed_id: str = self.post("createFeed", {}).json()["feedId"]
        return feed_id

    def append(self, feed_id: str, messages: list[Any], subfeed: str = SUBFEED) -> None:
        body = {"feedId": feed_id, "subfeedHash": subfeed, "messages": messages}
        assert self.post("appendMessages", body).json() == {"success": True}

    def watch(self, watches: dict[str, tuple[str, str, int]], milliseconds: float = 0, **options: Any) -> Any:
        asked = {
            name: {"feedId": feed, "subfeedHash": subfeed, "channelName": LOCAL, "position": position}
            for name, (feed, subfeed, position) in watches.items()
        }
        body = {
            "subfeedWatches": asked,
            "waitMsec": milliseconds,
            "maxNumMessages": 0,
            "signed": False,
            **options,
        }
        return self.post("watchForNewMessages", body).json()["messages"]

    def messages(self, feed_id: str, subfeed: str = SUBFEED, position: int = 0, **options: Any) -> Any:
        return self.watch({"it": (feed_id, subfeed, position)}, **options).get("it", [])


@pytest.fixture
def peer(node: NodeThread, tmp_path: Path) -> Peer:
    return Peer(node.port, tmp_path / "storage")


def test_kachery_client_uses_feeds(node: NodeThread, tmp_path: Path) -> None:
    said = run_client(
        node.port,
        tmp_path,
        """
        import threading, time
        feed = kc.create_feed("my feed")
        again = kc.load_feed("my feed")
        main, named = feed.load_subfeed("main"), feed.load_subfeed({"b": 1, "a": "\\u00e9"})
        main.append_messages([{"number": number} for number in range(5)])
        main.append_message([1, 2.5, None])
        named.append_message({"text": "\\u00e9\\U0001f600"})
        reader = kc.load_subfeed(main.uri)
        first = reader.get_next_messages(max_num_messages=2)
        rest = reader.get_next_messages()
        none = reader.get_next_messages(wait_msec=50)
        later = threading.Timer(0.3, lambda: main.append_message({"late": True}))
        later.start()
        begin = time.time()
        late = reader.get_next_messages(wait_msec=20_000)
        waited = time.time() - begin
        snapshot = feed.create_snapshot(["main"])
        report({
            "same": again.feed_id == feed.feed_id,
            "uri": feed.uri,
            "writeable": feed.is_writeable,
            "stranger": kc.load_feed("feed://" + "0" * 64).is_writeable,
            "first": first, "rest": rest, "none": none, "late": late, "waited": waited,
            "number": main.get_num_local_messages(),
            "named": kc.load_feed(feed.uri).load_subfeed({"a": "\\u00e9", "b": 1}).get_next_message(wait_msec=10),
            "snapshot": [snapshot.uri, kc.load_feed(snapshot.uri).load_subfeed("main").get_next_messages()],
            "signed": feed.load_subfeed("main").get_next_messages(signed=True),
            "created": kc.load_feed("new one", create=True).is_writeable,
        })
        """,
    )
    numbers = [{"number": number} for number in range(5)]
    assert said["same"]
    assert said["writeable"]
    assert said["created"]
    assert not said["stranger"]
    assert said["first"] == numbers[:2]
    assert said["rest"] == [*numbers[2:], [1, 2.5, None]]
    assert said["none"] == []
    assert said["late"] == [{"late": True}]
    assert said["waited"] < 15
    assert said["number"] == 7
    assert said["named"] == {"text": "\u00e9\U0001f600"}
    assert said["snapshot"][0].endswith("/feed.json")
    assert said["snapshot"][1] == [*numbers, [1, 2.5, None], {"late": True}]
    feed_id = said["uri"].removeprefix("feed://")
    previous = None
    for number, signed in enumerate(said["signed"]):
        body = signed["body"]
        assert is_genuine(feed_id, signed)
        assert body["messageNumber"] == number
        assert body.get("previousSignature") == previous
        assert set(body) <= {"message", "previousSignature", "messageNumber", "timestamp"}
        assert abs(body["timestamp"] - 1000 * time.time()) < 600_000
        previous = signed["signature"]
    forged = {**said["signed"][0], "body": {**said["signed"][0]["body"], "messageNumber": 1}}
    assert not is_genuine(feed_id, forged)
    assert not is_genuine("0" * 64, said["signed"][0])


def test_kachery_client_deletes_feeds(node: NodeThread, tmp_path: Path) -> None:
    said = run_client(
        node.port,
        tmp_path,
        """
        from kachery_client.main import delete_feed
        feed = kc.create_feed()
        feed.load_subfeed("main").append_message({})
        feed.delete()
        number = feed.load_subfeed("main").get_num_local_messages()
        delete_feed(feed.uri)
        report([kc.load_feed(feed.uri).is_writeable, number])
        """,
    )
    assert said == [False, 0]


def test_only_names_with_news_come_at_once(node: NodeThread, peer: Peer) -> None:
    one, two = peer.create(), peer.create()
    peer.append(one, [{"a": 1}])
    watches = {"x": (one, SUBFEED, 0), "y": (one, OTHER, 0), "z": (two, SUBFEED, 0)}
    assert peer.watch(watches, 5000) == {"x": [{"a": 1}]}
    assert peer.watch({**watches, "x": (one, SUBFEED, 1)}, 30) == {"x": [], "y": [], "z": []}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(peer.watch, {**watches, "x": (one, SUBFEED, 1)}, 20_000)
        until(lambda: num_long_polls(node) == 1)
        peer.append(two, [{"b": 2}])
        assert waiting.result() == {"x": [], "y": [], "z": [{"b": 2}]}
    assert peer.watch({}) == {}
    assert peer.watch({"x": (one, SUBFEED, 0)}, 10**400) == {"x": [{"a": 1}]}
    assert peer.watch({"x": (one, SUBFEED, 1)}, -(10**400)) == {"x": []}


def test_many_watchers_see_one_message(node: NodeThread, peer: Peer) -> None:
    feed_id = peer.create()
    with ThreadPoolExecutor(100) as pool:
        waiting = [pool.submit(peer.messages, feed_id, milliseconds=20_000) for _ in range(100)]
        until(lambda: num_long_polls(node) == 100)
        peer.append(feed_id, [{"seen": True}])
        assert all(one.result() == [{"seen": True}] for one in waiting)


def test_long_feeds_come_whole(peer: Peer) -> None:
    feed_id = peer.create()
    messages = [{"number": number, "text": "\u00e9" * 20} for number in range(3 * PAGE_MESSAGES + 7)]
    for start in range(0, len(messages), 500):
        peer.append(feed_id, messages[start : start + 500])
    assert peer.messages(feed_id) == messages
    assert (
        peer.messages(feed_id, position=5, maxNumMessages=PAGE_MESSAGES + 1)
        == messages[5 : PAGE_MESSAGES + 6]
    )
    signed = peer.messages(feed_id, signed=True)
    assert [one["body"]["message"] for one in signed] == messages
    assert all(is_genuine(feed_id, one) for one in signed[:3])
    assert peer.messages(feed_id, position=10**6) == []


def test_writers_at_once_lose_nothing(peer: Peer) -> None:
    feed_id = peer.create()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: peer.append(feed_id, [{"n": number}, {"n": -number}]), range(100)))
    signed = peer.messages(feed_id, signed=True)
    assert sorted(one["body"]["message"]["n"] for one in signed) == sorted([*range(100), *range(0, -100, -1)])
    assert [one["body"]["messageNumber"] for one in signed] == list(range(200))
    assert all(is_genuine(feed_id, one) for one in signed)
    assert [one["body"]["previousSignature"] for one in signed[1:]] == [
        one["signature"] for one in signed[:-1]
    ]


def test_acknowledged_messages_survive_sigkill(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    acknowledged: list[int] = []
    with node_process(storage) as node:
        peer = Peer(node.port, storage)
        feed_id = peer.create()

        def write() -> None:
            number = 0
            try:
                while True:
                    peer.append(feed_id, [{"n": number}])
                    acknowledged.append(number)
                    number += 1
            except (OSError, AssertionError, ValueError):
                return

        thread = threading.Thread(target=write)
        thread.start()
        until(lambda: len(acknowledged) >= 20)
        node.kill()
        thread.join()
    with node_process(storage) as node:
        peer = Peer(node.port, storage)
        kept = [one["n"] for one in peer.messages(feed_id)]
        assert kept[: len(acknowledged)] == acknowledged
        assert len(kept) <= len(acknowledged) + 1
        peer.append(feed_id, [{"after": True}])
        signed = peer.messages(feed_id, signed=True)
        assert all(is_genuine(feed_id, one) for one in signed)


def test_stopping_answers_watchers(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with NodeThread(NodeConfig(storage, port=0)) as node, ThreadPoolExecutor(1) as pool:
        peer = Peer(node.port, storage)
        waiting = pool.submit(peer.messages, peer.create(), milliseconds=60_000)
        until(lambda: num_long_polls(node) == 1)
        node.stop()
        assert waiting.result() == []


VALID: dict[str, Any] = {
    "createFeed": {},
    "deleteFeed": {"feedId": "a" * 64},
    "getFeedId": {"feedName": "name"},
    "getFeedInfo": {"feedId": "a" * 64},
    "appendMessages": {"feedId": "a" * 64, "subfeedHash": SUBFEED, "messages": [{}]},
    "getNumLocalMessages": {"feedId": "a" * 64, "subfeedHash": SUBFEED},
    "watchForNewMessages": {
        "subfeedWatches": {
            "x": {"feedId": "a" * 64, "subfeedHash": SUBFEED, "channelName": LOCAL, "position": 0}
        },
        "waitMsec": 0,
        "maxNumMessages": 0,
        "signed": False,
    },
}
WRONG: dict[str, list[Any]] = {
    "feedId": ["", "a" * 63, "A" * 64, 1, None],
    "subfeedHash": ["", "a" * 41, None],
    "feedName": [1, None],
    "messages": [{}, None, [1], ["text"], [None], [{"a": 10**400}]],
    "subfeedWatches": [[], None, {"x": 1}, {"x": {}}],
    "channelName": ["", "a/b", None, "absent"],
    "position": [-1, 0.5, None, "0"],
    "waitMsec": ["0", None, True],
    "maxNumMessages": [-1, 0.5, None, True],
    "signed": [0, None],
}


@pytest.mark.parametrize("path", VALID)
def test_requests_are_checked(peer: Peer, path: str) -> None:
    valid = VALID[path]
    expected = 500 if path == "appendMessages" else 200
    assert peer.post(path, valid).status == expected
    assert peer.post(path, {**valid, "more": 1}).text.startswith("Invalid request in _handler: unknown key")
    for name in valid:
        for value in WRONG[name]:
            refused = peer.post(path, {**valid, name: value})
            assert (refused.status, "Invalid request" in refused.text) == (500, True), (name, value)
    for body in (b"", b"[]", b"{", b'{"a":NaN}', b"[" * 90_000):
        assert peer.post(path, body).status in (400, 500)
    assert ask(peer.port, "POST", f"/feed/{path}", valid).status == 403
    watch = VALID["watchForNewMessages"]["subfeedWatches"]["x"]
    if path == "watchForNewMessages":
        for name in watch:
            for value in WRONG[name]:
                body = {**valid, "subfeedWatches": {"x": {**watch, name: value}}}
                assert peer.post(path, body).status == 500, (name, value)


def test_the_feed_of_a_name(peer: Peer) -> None:
    assert peer.post("getFeedId", {"feedName": "n"}).json() == {"success": False, "feedId": None}
    body = {"key": {"type": "feed_id_for_name", "feed_name": "n"}, "value": "a" * 64}
    assert ask(peer.port, "POST", "/mutable/set", body, storage=peer.storage).json()["success"]
    assert peer.post("getFeedId", {"feedName": "n"}).json() == {"success": True, "feedId": "a" * 64}


def test_private_keys_are_not_told(peer: Peer) -> None:
    feed_id = peer.create()
    body = {"key": {"type": "feedConfig", "feedId": feed_id}}
    assert ask(peer.port, "POST", "/mutable/get", body, storage=peer.storage).json()["found"] is False


def test_others_may_only_watch_on_a_channel(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("remote:" + "t" * 40 + "\n")
    tokens.chmod(0o600)
    storage = tmp_path / "storage"
    with NodeThread(NodeConfig(storage, port=0, channels=("demo",), token_file=tokens)) as node:
        peer = Peer(node.port, storage)
        feed_id = peer.create()
        peer.append(feed_id, [{"seen": 1}])
        headers = {"Authorization": "Bearer " + "t" * 40}

        def as_remote(path: str, body: Any) -> Answer:
            return ask(node.port, "POST", f"/feed/{path}", body, headers)

        for path, body in VALID.items():
            assert as_remote(path, body).status == 403, path
        watch = {"feedId": feed_id, "subfeedHash": SUBFEED, "channelName": "demo", "position": 0}
        asked = {"subfeedWatches": {"x": watch}, "waitMsec": 0, "maxNumMessages": 0, "signed": False}
        assert as_remote("watchForNewMessages", asked).status == 403
        Channels(storage / CHANNELS_FILE).change("demo", {"remote": frozenset({"requestFeeds"})})
        assert as_remote("watchForNewMessages", asked).json()["messages"] == {"x": [{"seen": 1}]}


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(st.dictionaries(st.text(), json_values, max_size=3), max_size=4))
def test_any_message_comes_back_as_it_was(peer: Peer, messages: list[Any]) -> None:
    feed_id = peer.create()
    peer.append(feed_id, messages)
    assert peer.messages(feed_id) == messages
    signed = peer.messages(feed_id, signed=True)
    assert [one["body"]["message"] for one in signed] == messages
    assert all(is_genuine(feed_id, one) for one in signed)
    assert all(is_genuine(feed_id, json.loads(canonical_json(one))) for one in signed)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(list(VALID)),
    mutations=st.lists(st.tuples(st.integers(0, 20), json_values), max_size=3),
    extra=st.dictionaries(st.text(), json_values, max_size=1),
)
def test_any_request_gets_an_answer(peer: Peer, path: str, mutations: Any, extra: Any) -> None:
    body = {**VALID[path], **extra}
    for index, value in mutations:
        if body:
            body[list(body)[index % len(body)]] = value
    if isinstance(body.get("waitMsec"), int | float):
        body["waitMsec"] = min(body["waitMsec"], 1)
    said = peer.post(path, body)
    assert said.status in (200, 400, 500)
    assert "node; its log" not in said.text
