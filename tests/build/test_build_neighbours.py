"""What others put into a folder of results is neither written through nor waited for."""

import fcntl
import json
import os
import signal

import pytest

from seriesview.build.ledger import Ledger, noted
from seriesview.build.results import read_results, write_json, write_whole
from seriesview.build.room import NOTHING
from seriesview.build.source import HashRecord, identify
from seriesview.cli.arguments import write_output
from seriesview.errors import BuildError
from seriesview.pipeline.locking import build_lock
from seriesview.store import open_store

NOBODY = 65534


@pytest.fixture(autouse=True)
def within_a_minute():
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("mine")
    return path


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "raw.dat"
    path.write_bytes(b"samples")
    return identify(path)


def test_no_name_of_a_temporary_file_can_be_foreseen(tmp_path, secret, monkeypatch):
    results = tmp_path / "results"
    results.mkdir()
    opened = []
    plain = os.open

    def noting(path, *arguments, **named):
        opened.append(str(path))
        return plain(path, *arguments, **named)

    monkeypatch.setattr(os, "open", noting)
    for name in (f".x.json.{os.getpid()}.tmp", f"x.json.{os.getpid()}.partial", "x.tmp", "x.json"):
        (results / name).symlink_to(secret)
    write_json(results / "x.json", {"a": 1})
    first = list(opened)
    write_whole(results / "x.json", b"{}")
    write_output(results / "x.json", b"{}")
    Ledger(results / "x.jsonl", {"a": 1}).close()
    assert secret.read_text() == "mine"
    assert not (results / "x.json").is_symlink()
    names = {name for name in opened if name.endswith(".tmp")}
    assert len(names) == 4
    assert {name for name in first if name.endswith(".tmp")} < names


@pytest.mark.parametrize("name", ["x.jsonl", "hashes/ENTRY.json", "hashes/ENTRY.lock"])
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_odd_files_in_place_of_ledgers_and_hashes(tmp_path, secret, source, name, kind):
    results = tmp_path / "results"
    HashRecord(results / "hashes", source).keep("1" * 40)
    (entry,) = (results / "hashes").glob("*.json")
    path = results / name.replace("ENTRY", entry.stem)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(secret)
    ledger = Ledger(results / "x.jsonl", {"a": 1})
    ledger.add("level", 0, bytes(40))
    ledger.close()
    store = open_store(tmp_path / "storage", "embedded")
    assert noted(results, "x", store) == NOTHING
    record = HashRecord(results / "hashes", source)
    record.known()
    assert record.claim()
    record.keep("2" * 40)
    record.release()
    assert HashRecord(results / "hashes", source).known() == "2" * 40
    assert secret.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_a_hash_that_another_user_noted_is_not_believed(tmp_path, source):
    record = HashRecord(tmp_path / "hashes", source)
    record.keep("1" * 40)
    assert record.known() == "1" * 40
    (entry,) = (tmp_path / "hashes").glob("*.json")
    os.chown(entry, NOBODY, NOBODY)
    assert record.known() is None


@pytest.mark.parametrize("sha1", ["", "../../x", 7, ["1" * 40], "1" * 41])
def test_a_noted_hash_that_is_none_is_not_believed(tmp_path, source, sha1):
    record = HashRecord(tmp_path / "hashes", source)
    record.keep(sha1)
    assert record.known() is None


@pytest.mark.parametrize("line", [b'["a",1e400,"00"]', b"[" * 100_000, b'["a",0,"00"]', b'["a",[],"00"]'])
def test_lines_of_a_ledger_that_mean_nothing_are_passed_over(tmp_path, line):
    path = tmp_path / "x.jsonl"
    Ledger(path, {}).close()
    with path.open("ab") as file:
        file.write(line + b"\n" + json.dumps(["a", 0, "11" * 20]).encode() + b"\n")
    store = open_store(tmp_path / "storage", "embedded")
    ledger = Ledger(path, {})
    assert ledger.finished("a", 1, store) == []
    ledger.close()
    noted(tmp_path, "x", store)


def test_a_pipe_is_no_result(tmp_path):
    os.mkfifo(tmp_path / "x.json")
    with pytest.raises(BuildError, match="not a result"):
        read_results([tmp_path / "x.json"])


def test_the_lock_of_a_build_truncates_nothing(tmp_path, secret):
    results = tmp_path / "results"
    results.mkdir()
    lock = results / "seriesview.lock"
    lock.symlink_to(secret)
    with pytest.raises(BuildError), build_lock(results):
        pass
    assert secret.read_text() == "mine"
    lock.unlink()
    for _ in range(2):
        with build_lock(results), lock.open() as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
