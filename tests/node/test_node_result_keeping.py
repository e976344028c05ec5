"""Results of tasks do not fill the disk: the oldest go."""

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from node_peers import ask, code_of
from waiting import until

from seriesview.node.buckets import Buckets
from seriesview.node.config import Limits, NodeConfig
from seriesview.node.result_keeping import (
    OVERHEAD_BYTES,
    YOUNG_SECONDS,
    ResultKeeping,
    trim_results,
)
from seriesview.node.server import NodeThread

SIZE = 1000
COST = SIZE + OVERHEAD_BYTES


def put(directory: Path, name: int, age: float, channel: str = "demo") -> Path:
    sha1 = hashlib.sha1(str(name).encode()).hexdigest()
    path = directory / channel / "task_results" / sha1[:2] / sha1[2:4] / sha1[4:6] / sha1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(SIZE))
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return path


def never() -> bool:
    return False


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 100), min_size=1, max_size=30), st.integers(1, 30))
def test_the_oldest_go(tmp_path_factory: pytest.TempPathFactory, ages: list[int], most: int) -> None:
    directory = tmp_path_factory.mktemp("buckets")
    paths = [put(directory, number, 600.0 * age, f"channel{number % 3}") for number, age in enumerate(ages)]
    left = trim_results(directory, most * COST, never)
    kept = [age for age, path in zip(ages, paths, strict=True) if path.exists()]
    gone = [age for age, path in zip(ages, paths, strict=True) if not path.exists()]
    assert left == len(kept) * COST
    old = [age for age in kept if age > 0]
    assert max(old, default=0) <= min(gone, default=101)
    if len(ages) * COST > 0.9 * most * COST:
        assert not old or left <= 0.8 * most * COST
        assert not gone or left + COST > 0.8 * most * COST
    else:
        assert not gone


def test_nothing_but_old_results_goes(tmp_path: Path) -> None:
    old = put(tmp_path, 1, 1e6)
    ahead = put(tmp_path, 2, -1e6)
    young = put(tmp_path, 3, YOUNG_SECONDS / 2)
    others = [tmp_path / "demo" / "sha1" / "aa", tmp_path / ".unsynced-results" / "aa", tmp_path / "file"]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    trim_results(tmp_path, 1, never)
    assert [path.exists() for path in (old, ahead, young)] == [False, False, True]
    assert all(path.exists() for path in others)
    assert not old.parent.exists()
    assert old.parents[3].exists()


def test_a_result_that_is_used_again_is_as_new(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path, b"key", "http://x", 900)
    paths = [put(buckets.directory, number, 2e6) for number in range(2)]
    buckets.note_used(str(paths[0].relative_to(buckets.directory)))
    buckets.note_used("demo/task_results/00/00/00/" + "0" * 40)
    trim_results(buckets.directory, COST, never)
    assert [path.exists() for path in paths] == [True, False]
    buckets.close()


def test_it_looks_when_they_may_be_full_and_not_before(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        keeping = ResultKeeping(tmp_path, 100 * COST, threads, never)
        for number in range(1000):
            put(tmp_path, number, 1e6 - number)
            keeping.stored(SIZE)
            if number % 10 == 0:
                threads.submit(int).result()
        threads.submit(int).result()
    assert 70 <= len(list(tmp_path.glob("demo/task_results/*/*/*/*"))) <= 111


def test_storing_while_folders_are_removed(tmp_path: Path) -> None:
    config = NodeConfig(tmp_path / "storage", port=0, channels=("demo",))
    with NodeThread(config) as node:
        bucket = config.storage_dir / "buckets"
        done = threading.Event()

        def trim() -> None:
            while not done.is_set():
                for path in bucket.glob("demo/task_results/*/*/*/*"):
                    os.utime(path, (0, 0))
                trim_results(bucket, 1, never)

        thread = threading.Thread(target=trim)
        thread.start()
        try:
            for number in range(200):
                task_hash = f"0000{number % 2:02x}{number:034x}"
                path = f"/task/finishTask?channelName=demo&taskId=t{number}&taskHash={task_hash}"
                assert ask(node.port, "POST", path, b"1", storage=config.storage_dir).status == 200
        finally:
            done.set()
            thread.join()


def test_a_node_keeps_to_its_limit(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    config = NodeConfig(storage, port=0, channels=("demo",), limits=Limits(kept_result_bytes=50 * COST))
    old = [put(storage / "buckets", number, 1e6) for number in range(200)]
    with NodeThread(config) as node:
        assert code_of(storage)
        path = f"/task/finishTask?channelName=demo&taskId=t&taskHash={'0' * 40}"
        assert ask(node.port, "POST", path, b"1", storage=storage).status == 200
        until(lambda: sum(one.exists() for one in old) <= 40)
    assert 30 <= sum(one.exists() for one in old) <= 40
    assert (storage / "buckets/demo/task_results/00/00/00" / ("0" * 40)).exists()
