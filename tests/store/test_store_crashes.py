"""Killed, full, read-only: never a wrong file under a valid name, and one line that says what to do."""

import errno
import hashlib
import io
import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from other_process import NOBODY, in_child, killed_at, open_directory, start_child
from small_disks import small_disk_at
from waiting import until

from seriesview.errors import StoreError
from seriesview.store import Store, open_store, sha1_uri
from seriesview.store.folders import Folder
from seriesview.store.staging import StagedFile, remove_leftovers
from seriesview.store.writer import AtomicWriter

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount and become another user")


def check_every_name(directory: Path) -> set[str]:
    """Return the hashes stored in a directory after checking each file against its name."""
    found = set()
    for path in (directory / "sha1").rglob("*"):
        if path.is_dir() or path.parent.name == "seriesview-staging":
            continue
        if path.suffix == ".link":
            assert set(json.loads(path.read_bytes())) == {"path", "manifestSha1", "stat", "_writingProcess"}
            continue
        assert re.fullmatch("[0-9a-f]{40}", path.name), path
        assert hashlib.sha1(path.read_bytes()).hexdigest() == path.name
        found.add(path.name)
    return found


def staged(directory: Path) -> list[Path]:
    return sorted((directory / "sha1" / "seriesview-staging").glob("*"))


def write_everything(directory: Path, source: Path, parts: list[bytes]) -> None:
    with open_store(directory, "embedded") as store:
        for part in parts:
            store.put_part(part)
            put_pack(store, part * 3)
        store.put_file(source)
        store.hash_and_link(source.with_name("linked.dat"))
        store.record_workspace(store.put_json({"parts": [hashlib.sha1(part).hexdigest() for part in parts]}))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "linked.dat").write_bytes(b"linked samples")
    path = tmp_path / "source.dat"
    path.write_bytes(np.random.default_rng(8).bytes(9_000_000))
    return path


def test_killed_at_each_operation_on_files(tmp_path: Path, source: Path) -> None:
    parts = [b"one part", b"another part", b"one part"]
    event, killed = 1, True
    while killed:
        directory = tmp_path / f"storage {event}"
        killed = killed_at(lambda to=directory: write_everything(to, source, parts), event)
        stored = check_every_name(directory)
        store = open_store(directory, "embedded")
        assert stored <= {artifact.sha1 for artifact in store.recorded_artifacts()}, "the record misses none"
        write_everything(directory, source, parts)
        assert store.get_part(hashlib.sha1(parts[1]).digest()) == parts[1]
        assert len(check_every_name(directory)) == 6
        assert len(store.recorded_workspaces()) == 1
        event += 1
    assert event > 50, "all operations were tried"


HOST = socket.gethostname()


@pytest.mark.soak
def test_killed_at_any_moment_of_a_write(tmp_path: Path, source: Path) -> None:
    directory = tmp_path / "storage"
    chance = random.Random(5)
    leftovers = 0
    for number in range(40):
        parts = [np.random.default_rng([number, part]).bytes(2**20) for part in range(8)]
        process = start_child(lambda parts=parts: write_everything(directory, source, parts))
        # At whatever moment of the write that is.
        time.sleep(chance.uniform(0.001, 0.04))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        leftovers = max(leftovers, len(staged(directory)))
        check_every_name(directory)
    assert leftovers, "some were killed in the middle of a file"
    open_store(directory, "embedded").check_writable()
    assert staged(directory) == [], "their writers do not run any more"


def test_staged_files_go_when_their_writer_has_ended(tmp_path: Path) -> None:
    ended = start_child(lambda: None)
    os.waitpid(ended, 0)
    names = {
        f"{HOST}-{ended}-00.tmp": (0, False),
        f"{HOST}-{os.getpid()}-00.tmp": (0, True),
        f"{HOST}-{os.getpid()}-01.tmp": (25, False),
        f"{HOST}-{2**70}-00.tmp": (0, False),
        f"{HOST}-1-00.tmp": (23, True),
        f"elsewhere-{ended}-00.tmp": (23, True),
        f"elsewhere-{ended}-01.tmp": (25, False),
        f"my-{HOST}-{ended}-00.tmp": (0, True),
        "of-whom.tmp": (23, True),
        "old.tmp": (25, False),
        f"{HOST}-{ended}-00.other": (25, True),
    }
    for name, (hours, _) in names.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, time.time() - hours * 3600))
    remove_leftovers(Folder.at(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {name for name, (_, stays) in names.items() if stays}


@pytest.mark.parametrize("size", [0, 1, 4999, 5001])
def test_a_file_that_another_program_left_truncated_is_replaced(tmp_path: Path, size: int) -> None:
    data = np.random.default_rng(1).bytes(5000)
    sha1 = hashlib.sha1(data).hexdigest()
    path = tmp_path / "sha1" / sha1[:2] / sha1[2:4] / sha1[4:6] / sha1
    path.parent.mkdir(parents=True)
    path.write_bytes((data + b"x")[:size])
    (tmp_path / "linked.dat").write_bytes(data)
    store = open_store(tmp_path, "embedded")
    with pytest.raises(StoreError, match="truncated"):
        store.hash_and_link(tmp_path / "linked.dat")
    store.put_part(data)
    assert path.read_bytes() == data


def test_a_broken_link_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "raw.dat").write_bytes(b"samples")
    store = open_store(tmp_path / "storage", "embedded")
    uri = store.hash_and_link(tmp_path / "raw.dat")
    link = next(store.directory.rglob("*.link"))
    for text in (b"", b"{", b"[]", b'{"path": 3, "stat": {"size": 1, "mtime": 2}}', b'{"path": "/x"}'):
        link.write_bytes(text)
        with pytest.raises(Exception, match="is not a kachery link"):
            store.get_bytes(uri)
        assert store.hash_and_link(tmp_path / "raw.dat") == uri
        assert store.get_bytes(uri) == b"samples"


def put_pack(store: Store, data: bytes) -> None:
    """Write a pack in two parts, the second one first."""
    view, half = memoryview(data), len(data) // 2
    pack = store.stage_pack()
    try:
        pack.write(view[half:], half)
        pack.write(view[:half], 0)
        pack.keep(hashlib.sha1(data).hexdigest(), len(data))
    finally:
        pack.discard()


def fails_in_one_line(directory: Path, source: Path, action: Callable[[Store], object]) -> str:
    """Return the message of the StoreError that `action` ends in, after checking that it left nothing behind."""
    store = open_store(directory, "embedded")
    with pytest.raises(StoreError) as problem:
        action(store)
    message = str(problem.value)
    assert "\n" not in message
    assert str(directory) in message
    assert staged(directory) == []
    check_every_name(directory)
    return message


ACTIONS: dict[str, Callable[[Store, Path], object]] = {
    "put_part": lambda store, source: store.put_part(source.read_bytes()),
    "put_bytes": lambda store, source: store.put_bytes(source.read_bytes()),
    "put_json": lambda store, source: store.put_json(["long"] * 2_000_000),
    "put_file": lambda store, source: store.put_file(source),
    "put_pack": lambda store, source: put_pack(store, source.read_bytes()),
}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    with small_disk_at(tmp_path / "disk", "size=4m") as disk:
        yield disk


@pytest.mark.parametrize("action", ACTIONS)
def test_a_full_disk(small_disk: Path, source: Path, action: str) -> None:
    message = fails_in_one_line(small_disk / "storage", source, lambda store: ACTIONS[action](store, source))
    assert "the disk is full" in message
    store = open_store(small_disk / "storage", "embedded")
    assert store.get_part(store.put_part(b"small")) == b"small"
    assert store.room().num_bytes < 5_000_000


def fill(file: io.FileIO) -> None:
    while file.write(bytes(4096)):
        pass


def put_until_it_fails(store: Store) -> None:
    for number in range(1000):
        store.put_part(b"during %d" % number)


def test_a_disk_that_fills_up_under_the_record(small_disk: Path) -> None:
    store = open_store(small_disk / "storage", "embedded")
    first = store.put_part(b"before")
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        fill(file)
    with pytest.raises(StoreError, match="full"):
        put_until_it_fails(store)
    filler.unlink()
    last = store.put_part(b"after")
    found = {artifact.sha1 for artifact in store.recorded_artifacts()}
    assert {first.hex(), last.hex()} <= found
    check_every_name(store.directory)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_file_size_limit(tmp_path: Path, source: Path, action: str) -> None:
    def limited() -> str:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        return fails_in_one_line(tmp_path / "storage", source, lambda store: ACTIONS[action](store, source))

    assert "ulimit -f" in in_child(limited)


def test_a_record_line_cut_by_a_limit_spoils_no_other_line(tmp_path: Path) -> None:
    store = open_store(tmp_path, "embedded")

    def limited() -> bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        with pytest.raises(StoreError, match="ulimit -f"):
            put_until_it_fails(store)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return store.put_part(b"after")

    last = in_child(limited)
    assert [artifact.sha1 for artifact in store.recorded_artifacts()][-1] == last.hex()
    assert check_every_name(tmp_path) <= {artifact.sha1 for artifact in store.recorded_artifacts()}


def calls_of(action: Callable[[], object]) -> list[str]:
    """Return the names of the system calls for durability that `action` makes in this thread, in order."""
    calls: list[str] = []

    def look(_frame: object, event: str, function: object) -> None:
        name = getattr(function, "__name__", "")
        if event == "c_call" and name in ("write", "pwrite", "fsync", "rename"):
            calls.append(name)

    sys.setprofile(look)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def test_what_a_power_cut_can_lose_is_synced_first(tmp_path: Path) -> None:
    store = open_store(tmp_path, "embedded")
    store.put_json("makes the directories that all share")
    line = ["write"]
    artifact = ["write", "fsync", "rename"]
    directories = ["fsync"] * 4  # sha1, aa, bb and cc
    assert calls_of(lambda: store.put_part(b"a part")) == [*line, *artifact]
    assert calls_of(lambda: store.put_json("a manifest")) == [*directories, *line, *artifact, *directories]
    assert calls_of(lambda: store.put_part(b"a part")) == line
    assert calls_of(store.flush) == ["fsync"], "the record"


def test_a_pack_is_synced_and_recorded_before_it_gets_its_name(tmp_path: Path) -> None:
    store = open_store(tmp_path, "embedded")
    store.put_json("makes the directories that all share")
    assert calls_of(lambda: put_pack(store, b"a pack")) == ["pwrite", "pwrite", "fsync", "write", "rename"]
    assert calls_of(lambda: put_pack(store, b"a pack")) == ["pwrite", "pwrite", "fsync", "write"], "dropped"
    assert staged(tmp_path) == []


def test_a_device_that_takes_nothing(tmp_path: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError) as problem:
        StagedFile(Folder.at(tmp_path), "x", full).write(memoryview(b"abc"))
    os.close(full)
    assert problem.value.errno == errno.ENOSPC


def test_a_pipe_that_takes_bytes_in_pieces_gets_all_of_them(tmp_path: Path) -> None:
    data = np.random.default_rng(2).bytes(1_000_000)
    reader, writer = os.pipe()
    os.set_blocking(writer, True)
    process = start_child(lambda: StagedFile(Folder.at(tmp_path), "x", writer).write(memoryview(data)))
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == data
    assert os.waitpid(process, 0)[1] == 0


@needs_root
def test_a_directory_that_may_not_be_written(source: Path) -> None:
    with open_directory() as folder:
        (folder / "storage" / "sha1").mkdir(parents=True)
        readable = folder / "source.dat"
        readable.write_bytes(b"samples")
        readable.chmod(0o644)
        for action in ACTIONS.values():
            message = in_child(
                lambda action=action: fails_in_one_line(
                    folder / "storage", readable, lambda store: action(store, readable)
                ),
                user=NOBODY,
            )
            assert "permission denied" in message
        with open_store(folder / "storage", "embedded") as store:
            digest = store.put_part(b"readable")
        for path in [folder / "storage", *(folder / "storage").rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        assert in_child(lambda: open_store(folder / "storage").get_part(digest), user=NOBODY) == b"readable"
        next(folder.rglob(digest.hex())).chmod(0o600)

        def read() -> str:
            with pytest.raises(StoreError) as problem:
                open_store(folder / "storage").get_part(digest)
            return str(problem.value)

        assert "Permission denied" in in_child(read, user=NOBODY)


@needs_root
def test_a_read_only_file_system(small_disk: Path, source: Path) -> None:
    with open_store(small_disk / "storage", "embedded") as store:
        digest = store.put_part(b"readable")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for action in ACTIONS.values():
        message = fails_in_one_line(
            small_disk / "storage", source, lambda store, action=action: action(store, source)
        )
        assert "read-only" in message
    assert open_store(small_disk / "storage").get_part(digest) == b"readable"


def test_a_storage_directory_that_is_a_file(tmp_path: Path, source: Path) -> None:
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        (tmp_path / "file").write_bytes(b"")
        for action in (*ACTIONS.values(), lambda store, _: store.check_writable()):
            with pytest.raises(StoreError) as problem:
                action(open_store(place, "embedded"), source)
            assert str(place) in str(problem.value)
            assert "file" in str(problem.value).replace(str(place), "")
            assert "\n" not in str(problem.value)


def test_a_file_that_grows_while_it_is_stored(tmp_path: Path, source: Path) -> None:
    class Growing(Store):
        def _note(self, *_: object, **__: object) -> None:
            raise AssertionError("the change was not seen")

    store = Growing(tmp_path / "storage", "embedded", "")
    stop = tmp_path / "stop"
    # Reading it takes longer than the writer ever waits for a busy processor.
    os.truncate(source, 2**28)

    def grow() -> None:
        while not stop.exists():
            with source.open("ab") as file:
                file.write(b"more")

    process = start_child(grow)
    size = source.stat().st_size
    until(lambda: source.stat().st_size != size)
    for attempt in (store.put_file, store.hash_and_link):
        with pytest.raises(StoreError, match="changed"):
            attempt(source)
    stop.touch()
    os.waitpid(process, 0)
    assert staged(store.directory) == []
    assert check_every_name(store.directory) == set()


def test_an_interrupt_leaves_no_staged_file(tmp_path: Path) -> None:
    writer = AtomicWriter(tmp_path)

    def interrupted() -> None:
        with writer.stage() as file:
            file.write(memoryview(b"half"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert staged(tmp_path) == []


def test_a_storage_directory_removed_while_it_is_open(tmp_path: Path) -> None:
    store = open_store(tmp_path / "storage", "embedded")
    store.put_part(b"before")
    subprocess.run(["rm", "-r", str(store.directory)], check=True)
    uri = sha1_uri(store.put_part(b"after").hex(), "part")
    store.flush()
    assert store.get_bytes(uri) == b"after"
