"""Windows that a process reads itself: limits, backend IDs, and what nobody waits for any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from series_builder import store_series
from waiting import until
from window_answers import taken_apart

from seriesview.backend.backend import BackendLimits
from seriesview.backend.backend_id import BackendId
from seriesview.backend.direct_windows import DirectWindows
from seriesview.store import open_store
from seriesview.tasks import TaskContext


@pytest.fixture
def context(tmp_path: Path) -> TaskContext:
    return TaskContext(open_store(tmp_path / "store", "embedded"))


@pytest.fixture
def kwargs(context: TaskContext, tmp_path: Path) -> dict[str, Any]:
    uri = store_series(
        context.store, [np.zeros((400, 2), np.int16)], samples="link", link_path=tmp_path / "raw.dat"
    )
    return {"series_uri": uri, "segment": 0, "first_sample": 0, "samples_per_column": 4, "columns": 10}


@pytest.fixture
def windows(context: TaskContext) -> Iterator[DirectWindows]:
    made = DirectWindows(context, ["lab"], limits=BackendLimits(workers=1, max_waiting=2))
    yield made
    made.close()


def answer(windows: DirectWindows, kwargs: dict[str, Any]) -> dict[str, Any]:
    return taken_apart(b"".join(windows.start(kwargs, lambda: False).result(20)))


def test_requests_are_its_channels_and_its_ids_own(context: TaskContext, windows: DirectWindows) -> None:
    with_id = DirectWindows(context, ["lab", "rig"], BackendId("secret"))
    assert with_id.serves("rig", "secret")
    assert not with_id.serves("rig", None)
    assert not with_id.serves("rig", "other")
    assert not with_id.serves("home", "secret")
    assert windows.serves("lab", None)
    assert not windows.serves("lab", "")
    assert not windows.serves("lab", "secret")
    with_id.close()


def test_so_many_wait_and_no_more(windows: DirectWindows, kwargs: dict[str, Any]) -> None:
    go = threading.Event()

    def held() -> bool:
        go.wait(20)
        return False

    under_way = [windows.start(kwargs, held) for _ in range(3)]
    assert answer(windows, kwargs)["errorMessage"].startswith("[too-busy] ")
    go.set()
    assert [taken_apart(b"".join(each.result(20)))["status"] for each in under_way] == ["finished"] * 3
    assert answer(windows, kwargs)["status"] == "finished"


def test_what_is_given_up_is_read_no_further(windows: DirectWindows, kwargs: dict[str, Any]) -> None:
    looks: list[int] = []

    def given_up_later() -> bool:
        looks.append(1)
        return len(looks) > 2

    said = taken_apart(b"".join(windows.start(kwargs, given_up_later).result(20)))
    assert said["status"] == "error"
    first = threading.Event()
    go = threading.Event()

    def held() -> bool:
        first.set()
        go.wait(20)
        return False

    begun = windows.start(kwargs, held)
    first.wait(20)
    looks.clear()
    waiting = windows.start(kwargs, given_up_later)
    assert waiting.cancel()
    go.set()
    begun.result(20)
    assert not looks


def test_its_use_is_noticed_and_its_end(windows: DirectWindows, kwargs: dict[str, Any]) -> None:
    assert not windows.was_used()
    assert answer(windows, kwargs)["status"] == "finished"
    assert windows.was_used()
    until(lambda: not windows.was_used())
    windows.close()
    assert answer(windows, kwargs)["errorMessage"].startswith("[backend-stopping] ")


def test_one_that_waits_for_a_disk_keeps_no_process(context: TaskContext, kwargs: dict[str, Any]) -> None:
    windows = DirectWindows(context, ["lab"], limits=BackendLimits(workers=1))
    begun, go = threading.Event(), threading.Event()

    def stalled() -> bool:
        begun.set()
        go.wait(20)
        return False

    under_way = windows.start(kwargs, stalled)
    begun.wait(20)
    waiting = windows.start(kwargs, lambda: False)
    assert not windows.close(0.0)
    assert waiting.cancelled()
    assert all(
        thread.daemon for thread in threading.enumerate() if thread.name.startswith("seriesview-window")
    )
    go.set()
    assert taken_apart(b"".join(under_way.result(20)))["status"] == "finished"
    assert windows.close(20)
