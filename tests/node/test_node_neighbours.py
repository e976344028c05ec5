"""What others put into the storage directory of a node is neither believed nor followed, and stops nobody."""

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node_peers import ask

from seriesview.errors import NodeError
from seriesview.node import files
from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.node.config import NodeConfig
from seriesview.node.server import NodeThread
from seriesview.node.token_file import TokenFile
from seriesview.store.paths import artifact_path

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
DATABASE = "seriesview-node.db"


@pytest.fixture(autouse=True)
def within_minutes() -> Iterator[None]:
    signal.alarm(120)
    yield
    signal.alarm(0)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """A storage directory that its group may write to, and a node served before."""
    directory = tmp_path / "storage"
    directory.mkdir()
    directory.chmod(0o770)
    with NodeThread(config(directory)):
        pass
    return directory


def config(directory: Path) -> NodeConfig:
    return NodeConfig(directory, port=0, channels=("demo",))


def start(directory: Path) -> None:
    with NodeThread(config(directory)):
        pass


def is_refused(directory: Path) -> str:
    with pytest.raises(NodeError) as problem:
        start(directory)
    return str(problem.value)


@pytest.mark.parametrize("ending", ["", "-wal", "-journal", "-shm"])
def test_a_database_behind_a_symbolic_link_is_left_alone(storage: Path, tmp_path: Path, ending: str) -> None:
    other = tmp_path / "places.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    content = other.read_bytes()
    (storage / f"{DATABASE}{ending}").unlink(missing_ok=True)
    (storage / f"{DATABASE}{ending}").symlink_to(other)
    assert f"{DATABASE}{ending}" in is_refused(storage)
    assert other.read_bytes() == content


@needs_root
@pytest.mark.parametrize("name", [DATABASE, f"{DATABASE}-wal", CHANNELS_FILE, "buckets", "private.pem"])
def test_what_another_user_made_in_a_nodes_place_is_not_used(storage: Path, name: str) -> None:
    path = storage / name
    if not path.exists():
        path.touch(0o600)
    os.chown(path, NOBODY, NOBODY)
    assert name in is_refused(storage)


@pytest.mark.parametrize("name", ["buckets", CHANNELS_FILE, DATABASE])
def test_what_others_can_write_to_is_not_used(storage: Path, name: str) -> None:
    (storage / name).chmod((storage / name).stat().st_mode | 0o020)
    assert name in is_refused(storage)


def test_a_folder_of_buckets_that_is_a_symbolic_link_is_not_used(storage: Path, tmp_path: Path) -> None:
    (storage / "buckets").rename(tmp_path / "elsewhere")
    marked = tmp_path / "elsewhere" / ".unsynced-results" / "another boot"
    marked.mkdir(parents=True)
    (tmp_path / "mine").touch()
    (marked / "..~mine~0").touch()
    (storage / "buckets").symlink_to(tmp_path / "elsewhere")
    assert "buckets" in is_refused(storage)
    assert (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    "name",
    [
        "client-auth",
        "seriesview-node.previous-code",
        "kachery-node-id",
        "public.pem",
        "seriesview-node.json",
        "seriesview-tokens",
        "private.pem",
        DATABASE,
        CHANNELS_FILE,
        f"{CHANNELS_FILE}.lock",
        "seriesview-tokens.lock",
        "buckets",
    ],
)
@pytest.mark.parametrize("kind", ["pipe", "link to a device", "dangling link"])
def test_odd_files_stop_nobody(storage: Path, tmp_path: Path, name: str, kind: str) -> None:
    path = storage / name
    if path.is_dir():
        path.rename(tmp_path / "aside")
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    else:
        path.symlink_to(tmp_path / "new")
    for attempt in (
        lambda: start(storage),
        lambda: Channels(storage / CHANNELS_FILE).ensure("another"),
        lambda: TokenFile(storage / "seriesview-tokens").create("me"),
    ):
        try:
            attempt()
        except NodeError as problem:
            assert "\n" not in str(problem)  # noqa: PT017
    assert not (tmp_path / "new").exists()


def test_artifacts_behind_a_symbolic_link_are_not_sent(storage: Path, tmp_path: Path) -> None:
    sha1 = "4" * 40
    own = artifact_path(tmp_path / "own", sha1)
    own.parent.mkdir(parents=True)
    own.write_bytes(b"x")
    (storage / "sha1" / "44").symlink_to(tmp_path / "own" / "sha1" / "44")
    with NodeThread(config(storage)) as node:
        place = f"/files/demo/sha1/44/44/44/{sha1}"
        key = {"fileKey": {"sha1": sha1}}
        for answer in (
            ask(node.port, "GET", place, storage=storage),
            ask(node.port, "POST", "/downloadFileData", key, storage=storage),
            ask(node.port, "POST", "/uploadFile", {"sha1": sha1, "channel": "demo"}, storage=storage),
        ):
            assert answer.status != 200
            assert answer.body != b"x"


@pytest.mark.parametrize("route", ["/storeFile", "/linkFile"])
def test_a_file_that_is_replaced_after_it_was_allowed_is_not_read(
    storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.getuid() and folder != Path("/tmp"):
            folder.chmod(0o755)
    secret, common = tmp_path / "secret", tmp_path / "common"
    for path, mode in ((secret, 0o600), (common, 0o644)):
        path.write_bytes(b"private samples" if path == secret else b"common  samples")
        path.chmod(mode)
        os.utime(path, (1e9, 1e9))
    plain = files.check_linkable

    def swapping(*arguments: Any) -> None:
        plain(*arguments)
        if not common.is_symlink():
            common.unlink()
            common.symlink_to(secret)

    monkeypatch.setattr(files, "check_linkable", swapping)
    request = {"localFilePath": str(common)} | ({"size": 15, "mtime": 1e9} if route == "/linkFile" else {})
    with NodeThread(config(storage)) as node:
        answer = ask(node.port, "POST", route, request, storage=storage)
    assert answer.status == 403
    assert list((storage / "sha1").glob("??/??/??/*")) == []


def test_a_note_of_an_address_leads_to_this_machine_alone(storage: Path) -> None:
    from seriesview.store.daemon import _noted_address

    with NodeThread(config(storage)) as node:
        note = json.loads((storage / "seriesview-node.json").read_text())
        assert _noted_address(storage) == ("127.0.0.1", node.port)
        for host in ("192.0.2.1", "2001:db8::1", "", 7, None, "a\0b"):
            (storage / "seriesview-node.json").write_text(json.dumps(note | {"host": host}))
            assert _noted_address(storage) is None, host
        for port in ("80", None, 1.5):
            (storage / "seriesview-node.json").write_text(json.dumps(note | {"port": port}))
            assert _noted_address(storage) is None, port
