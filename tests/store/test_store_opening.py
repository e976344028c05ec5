"""Which directory and mode are used, and why a daemon is not."""

import hashlib
import json
import os
import tempfile
import threading
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from kachery_peer import KacheryPeer, forget_client_state
from other_process import NOBODY, in_child, open_directory

from seriesview.errors import StoreError
from seriesview.store import open_store, sha1_uri
from seriesview.store.client import ClientWriter

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def test_with_nothing_configured_and_no_daemon_it_is_kachery_clients_own_directory(tmp_path: Path) -> None:
    lines: list[str] = []
    store = open_store(announce=lines.append)
    assert (store.mode, store.directory) == ("embedded", tmp_path / "home" / "kachery-storage")
    assert lines == [store.description] == [f"embedded store in {store.directory}"]
    assert not store.directory.exists(), "opening to read makes nothing"


def test_the_environment_overrides_the_configured_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "environment"))
    assert open_store(tmp_path / "configured").directory == tmp_path / "environment"


def test_a_relative_directory_stays_where_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("kachery-storage")
    monkeypatch.chdir("/")
    uri = store.put_bytes(b"x")
    assert store.path(uri).is_relative_to(tmp_path / "kachery-storage")


def test_a_daemon_is_used_where_nothing_is_configured(peer: KacheryPeer) -> None:
    lines: list[str] = []
    store = open_store(announce=lines.append)
    assert (store.mode, store.directory) == ("daemon", peer.directory)
    assert lines == [store.description]
    assert str(peer.directory) in lines[0]
    assert str(peer.port) in lines[0]


def test_a_daemon_is_used_where_its_directory_is_the_configured_one(
    peer: KacheryPeer, tmp_path: Path
) -> None:
    (tmp_path / "alias").symlink_to(peer.directory)
    for name in (peer.directory, str(peer.directory) + "/", tmp_path / "alias"):
        assert open_store(name).mode == "daemon"


def test_a_daemon_whose_directory_has_another_path_here_is_known_by_its_id(
    peer: KacheryPeer, tmp_path: Path
) -> None:
    peer.probe_answer = peer.probe().replace(str(peer.directory).encode(), b"/mounted/elsewhere")
    assert open_store(peer.directory).mode == "daemon"
    store = open_store()
    assert store.mode == "embedded"
    assert "not visible from here" in store.description


def test_a_daemon_of_another_directory_is_left_alone(peer: KacheryPeer, tmp_path: Path) -> None:
    store = open_store(tmp_path / "mine")
    assert (store.mode, store.directory) == ("embedded", tmp_path / "mine")
    assert "serves another directory" in store.description
    assert "\n" not in store.description
    with pytest.raises(StoreError, match="serves another directory"):
        open_store(tmp_path / "mine", "daemon")
    copytree(peer.directory, tmp_path / "copy")
    assert open_store(tmp_path / "copy").mode == "embedded", "a copied directory has the same node ID"


def test_a_directory_of_the_same_path_on_another_machine_is_not_the_daemons(peer: KacheryPeer) -> None:
    (peer.directory / "kachery-node-id").write_text("0" * 64)
    assert open_store(peer.directory).mode == "embedded"


def test_embedded_asks_no_daemon(peer: KacheryPeer) -> None:
    assert open_store(peer.directory, "embedded").mode == "embedded"
    assert peer.requests == []


def test_daemon_mode_without_a_daemon_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no kachery daemon answers"):
        open_store(tmp_path, "daemon")
    with pytest.raises(StoreError, match="auto, embedded or daemon"):
        open_store(tmp_path, "both")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "answer", [b"", b"hello", b"[]", b"{}", b'{"nodeId": 7, "kacheryStorageDir": "/x"}', b'{"nodeId": "ab"}']
)
def test_something_else_at_the_daemons_port_is_no_daemon(
    peer: KacheryPeer, answer: bytes, tmp_path: Path
) -> None:
    peer.probe_answer = answer
    assert open_store(tmp_path / "mine").description == f"embedded store in {tmp_path / 'mine'}"
    peer.probe_status = 500
    assert open_store(tmp_path / "mine").mode == "embedded"


def test_a_daemon_that_does_not_say_its_directory(peer: KacheryPeer) -> None:
    peer.probe_answer = json.dumps(json.loads(peer.probe()) | {"kacheryStorageDir": None}).encode()
    assert open_store().mode == "embedded"
    assert open_store(peer.directory).mode == "daemon"


def test_the_first_code_may_come_a_moment_after_the_port_opens(peer: KacheryPeer) -> None:
    (peer.directory / "client-auth").unlink()
    late = threading.Timer(0.25, peer.rotate)
    late.start()
    assert open_store().mode == "daemon"
    late.join()


@needs_root
def test_a_daemon_whose_code_is_unreadable_is_another_users(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_directory() as folder:
        peer = KacheryPeer(folder / "storage")
        try:
            monkeypatch.setenv("KACHERY_DAEMON_PORT", str(peer.port))

            def look() -> tuple[str, Path, str, str]:
                store = open_store()
                with pytest.raises(StoreError) as problem:
                    open_store(mode="daemon")
                return store.mode, store.directory, store.description, str(problem.value)

            mode, directory, description, problem = in_child(look, user=NOBODY)
            assert mode == "embedded"
            assert directory == Path.home() / "kachery-storage"
            assert "another user's" in description
            assert "another user's" in problem
        finally:
            peer.stop()


@needs_root
def test_a_daemons_directory_that_cannot_be_written_is_written_through_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_directory() as folder:
        peer = KacheryPeer(folder / "storage")
        peer.rotate(group=NOBODY)
        peer.lose_next = 3
        source = folder / "raw.dat"
        source.write_bytes(b"raw samples")
        umask = os.umask(0o022)
        try:
            monkeypatch.setenv("KACHERY_DAEMON_PORT", str(peer.port))
            (folder / "tmp").mkdir()
            (folder / "tmp").chmod(0o777)
            # TMPDIR is read once in a process.
            monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
            data = np.random.default_rng(1).bytes(20_000_001)

            def store_all() -> list[object]:
                forget_client_state()
                store = open_store()
                store.check_writable()
                uris = [
                    store.put_bytes(data, "large.dat"),
                    store.put_json({"a": 1}),
                    store.put_file(source),
                    sha1_uri(store.put_part(b"a part").hex(), "part"),
                ]
                store.record_workspace(uris[1])
                store.flush()
                return [store.mode, store.description, uris, [store.get_bytes(uri) for uri in uris]]

            mode, description, uris, found = in_child(store_all, user=NOBODY)
            assert mode == "daemon"
            assert "through the daemon" in description
            assert found == [data, b'{"a":1}', b"raw samples", b"a part"]
            with open_store(folder / "another", "embedded") as embedded:
                assert uris[0] == embedded.put_bytes(data, "large.dat"), "the same URI in both modes"
            assert list((folder / "tmp").iterdir()) == []
        finally:
            os.umask(umask)
            peer.stop()


def through(peer: KacheryPeer, tries: int) -> ClientWriter:
    return ClientWriter(peer.directory, f"http://127.0.0.1:{peer.port}", pauses=(0.01,) * (tries - 1))


def test_stores_that_the_daemon_loses_are_repeated(peer: KacheryPeer) -> None:
    for lost in range(5):
        peer.lose_next = lost
        data = b"part %d" % lost
        assert through(peer, 5).put(memoryview(data), hashlib.sha1(data).hexdigest())
    assert not through(peer, 1).put(memoryview(data), hashlib.sha1(data).hexdigest()), "it is there"
    peer.lose_next = 3
    with pytest.raises(StoreError, match=r"failed 3 times to store .*; see its log"):
        through(peer, 3).put(memoryview(b"lost"), hashlib.sha1(b"lost").hexdigest())


def test_a_code_that_was_replaced_twice_is_read_again(peer: KacheryPeer) -> None:
    through(peer, 1).put(memoryview(b"one"), hashlib.sha1(b"one").hexdigest())
    peer.rotate()
    through(peer, 1).put(memoryview(b"two"), hashlib.sha1(b"two").hexdigest())
    peer.rotate()
    through(peer, 2).put(memoryview(b"three"), hashlib.sha1(b"three").hexdigest())
    assert [status for path, status in peer.requests if path == "/store"] == [200, 200, 403, 200]


def test_a_daemon_that_went_away_is_one_line(peer: KacheryPeer) -> None:
    writer = through(peer, 2)
    writer.put(memoryview(b"one"), hashlib.sha1(b"one").hexdigest())
    peer.stop()
    with pytest.raises(StoreError) as problem:
        writer.put(memoryview(b"two"), hashlib.sha1(b"two").hexdigest())
    assert "\n" not in str(problem.value)
    assert str(peer.port) in str(problem.value)
