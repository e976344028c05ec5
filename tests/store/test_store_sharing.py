"""Several writers at once: threads, processes and users."""

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from other_process import NOBODY, in_child, open_directory, start_child

from seriesview.store import Store, open_store, sha1_uri

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
LAB = 54321


def test_many_threads_and_processes_writing_the_same_and_different_artifacts(tmp_path: Path) -> None:
    directory = tmp_path / "storage"
    shared = [np.random.default_rng(part).bytes(50_000) for part in range(12)]

    def write(writer: int) -> None:
        with open_store(directory, "embedded") as store:
            barrier = threading.Barrier(4)

            def work(thread: int) -> None:
                barrier.wait()
                for number, part in enumerate(shared):
                    store.put_part(part)
                    store.put_json({"writer": writer, "thread": thread, "number": number})
                    assert store.get_part(hashlib.sha1(part).digest()) == part

            with ThreadPoolExecutor(4) as threads:
                list(threads.map(work, range(4)))
            store.record_workspace(store.put_json({"workspace": writer}), f"workspace {writer}")

    processes = [start_child(lambda writer=writer: write(writer)) for writer in range(4)]
    assert [os.waitpid(process, 0)[1] for process in processes] == [0] * 4
    files = [path for path in (directory / "sha1").rglob("*") if path.is_file()]
    assert len(files) == 12 + 4 * 4 * 12 + 4
    for path in files:
        assert hashlib.sha1(path.read_bytes()).hexdigest() == path.name
    store = open_store(directory)
    assert {artifact.sha1 for artifact in store.recorded_artifacts()} == {path.name for path in files}
    assert sorted(entry.label for entry in store.recorded_workspaces()) == [
        f"workspace {writer}" for writer in range(4)
    ]


def test_a_forked_process_has_its_own_record(tmp_path: Path) -> None:
    store = open_store(tmp_path, "embedded")
    store.put_part(b"parent")
    in_child(lambda: store.put_part(b"child"))
    store.put_part(b"parent again")
    assert len(list((tmp_path / "seriesview" / "record").iterdir())) == 2
    assert [artifact.size for artifact in store.recorded_artifacts()] != []
    assert sorted(artifact.size for artifact in store.recorded_artifacts()) == [5, 6, 12]


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o002])
@pytest.mark.parametrize("mode", [0o2775, 0o2770, 0o775, 0o755, 0o700])
def test_what_is_written_has_the_group_rights_of_the_storage_directory(
    tmp_path: Path, umask: int, mode: int
) -> None:
    directory = tmp_path / "storage"
    directory.mkdir()
    directory.chmod(mode)
    group = LAB if os.geteuid() == 0 else os.getgid()
    os.chown(directory, -1, group)
    directory.chmod(mode)
    (tmp_path / "raw.dat").write_bytes(b"raw")

    def write() -> None:
        os.umask(umask)
        with open_store(directory, "embedded") as store:
            store.put_part(b"part")
            store.put_file(tmp_path / "raw.dat")
            store.record_workspace(store.put_json({}))
            (tmp_path / "raw.dat").write_bytes(b"other")
            store.hash_and_link(tmp_path / "raw.dat")

    in_child(write)
    written = list(directory.rglob("*"))
    assert len([path for path in written if path.is_file()]) == 5
    for path in written:
        status = path.stat()
        assert status.st_gid == group, path
        # What a user recorded is that user's word.
        rights = mode & 0o2070 if path.is_dir() else mode & (0o040 if path.suffix == ".jsonl" else 0o060)
        assert status.st_mode & 0o2070 == rights, (path, oct(status.st_mode))
        assert status.st_mode & 0o007 & ~(mode & ~umask) == 0, "others get no more than both allow"


def lab_directory(folder: Path) -> Path:
    directory = folder / "storage"
    directory.mkdir()
    os.chown(directory, -1, LAB)
    directory.chmod(0o2770)
    return directory


def put_as(directory: Path, user: int, data: list[bytes]) -> None:
    def write() -> None:
        os.umask(0o077)
        with open_store(directory, "embedded") as store:
            for part in data:
                store.put_part(part)
            store.record_workspace(store.put_json({"by": user}))

    in_child(write, user=user, groups=(user, LAB))


@needs_root
def test_two_users_of_a_group_write_and_read_each_others_artifacts() -> None:
    parts = [b"part %d" % number for number in range(300)]
    with open_directory() as folder:
        directory = lab_directory(folder)
        put_as(directory, NOBODY, parts[:200])
        put_as(directory, NOBODY - 1, parts[100:])

        def read() -> int:
            store = open_store(directory)
            for part in parts:
                assert store.get_part(hashlib.sha1(part).digest()) == part
            return len(store.recorded_workspaces())

        assert in_child(read, user=NOBODY, groups=(NOBODY, LAB)) == 2


@needs_root
def test_a_truncated_file_of_another_user_of_the_group_is_replaced() -> None:
    with open_directory() as folder:
        directory = lab_directory(folder)
        put_as(directory, NOBODY, [b"some part"])
        path = next(directory.rglob(hashlib.sha1(b"some part").hexdigest()))
        path.write_bytes(b"some")
        put_as(directory, NOBODY - 1, [b"some part"])
        assert path.read_bytes() == b"some part"


@needs_root
def test_one_who_is_not_in_the_group_gives_its_rights_to_no_other_group() -> None:
    with open_directory() as folder:
        directory = folder / "storage"
        directory.mkdir()
        os.chown(directory, NOBODY, LAB)
        directory.chmod(0o770)

        def write() -> None:
            os.umask(0o077)
            open_store(directory, "embedded").put_part(b"part")

        in_child(write, user=NOBODY)
        for path in directory.rglob("*"):
            assert path.stat().st_gid == NOBODY
            assert path.stat().st_mode & 0o077 == 0


def record_file(store: Store) -> Path:
    (path,) = (store.directory / "seriesview" / "record").iterdir()
    return path


def test_the_record_is_read_in_spite_of_torn_and_foreign_lines(tmp_path: Path) -> None:
    store = open_store(tmp_path, "embedded")
    digests = [store.put_part(b"part %d" % number) for number in range(3)]
    uri = store.put_json({"format": "seriesview-workspace/1"}, "workspace.json")
    store.record_workspace(uri, "first label")
    store.record_workspace(uri, "latest label")
    store.record_artifact(sha1_uri("1" * 40, "a b.dat"), "part", 5)
    store.close()
    path = record_file(store)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        found = [artifact.sha1 for artifact in store.recorded_artifacts()]
        assert found == [*(digest.hex() for digest in digests), uri[7:47], "1" * 40][: len(found)]
    path.write_bytes(whole + bytes(4096) + b'\n7\n"x"\n[]\n{"sha1":1}\n{"workspace":"x"}\n\xff\xfe\n')
    (entry,) = store.recorded_workspaces()
    assert (entry.uri, entry.label) == (uri, "latest label")
    last = list(store.recorded_artifacts())[-1]
    assert (last.sha1, last.kind, last.size, last.name) == ("1" * 40, "part", 5, "a b.dat")


def test_the_record_of_an_empty_or_missing_directory_is_empty(tmp_path: Path) -> None:
    store = open_store(tmp_path / "missing")
    assert list(store.recorded_artifacts()) == []
    assert store.recorded_workspaces() == []
    assert not store.directory.exists()


def test_parts_are_recorded_unless_told_otherwise(tmp_path: Path) -> None:
    store = open_store(tmp_path, "embedded")
    store.put_part(b"not recorded", record=False)
    store.put_part(b"recorded")
    assert [artifact.size for artifact in store.recorded_artifacts()] == [8]
