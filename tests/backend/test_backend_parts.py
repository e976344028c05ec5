"""Merging, the bounded queue, and outcomes, without a node."""

from __future__ import annotations

import json
import math
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seriesview.backend.logs import fields
from seriesview.backend.outcomes import encode_result, failure
from seriesview.backend.polling import RequestedTask
from seriesview.backend.work import WorkQueue
from seriesview.errors import TaskError


def task(
    number: int, kwargs: dict[str, Any], kind: str = "pure-calculation", channel: str = "c"
) -> RequestedTask:
    return RequestedTask(channel, f"id{number}", f"hash{number}", "f.1", kind, kwargs)


def test_equal_calculations_join_until_they_are_answered() -> None:
    queue = WorkQueue(10, 10_000)
    assert queue.add(task(1, {"a": 1, "b": 2})) == "queued"
    assert queue.add(task(2, {"b": 2, "a": 1}, channel="d")) == "joined"
    assert queue.add(task(1, {"a": 1, "b": 2})) == "joined"
    assert queue.add(task(3, {"a": True, "b": 2})) == "queued"
    work = queue.take()
    assert work is not None
    assert [one.task_id for one in queue.take_unanswered(work)] == ["id1", "id2"]
    assert queue.add(task(4, {"a": 1, "b": 2})) == "joined"
    assert [one.task_id for one in queue.take_unanswered(work)] == ["id4"]
    assert queue.take_unanswered(work) == []
    assert queue.add(task(5, {"a": 1, "b": 2})) == "queued"
    assert (queue.num_waiting, queue.num_running) == (2, 0)


def test_queries_and_actions_join_only_themselves() -> None:
    for kind in ("query", "action"):
        queue = WorkQueue(10, 10_000)
        assert [queue.add(task(number, {}, kind)) for number in (1, 2, 1)] == ["queued", "queued", "joined"]
        work = queue.take()
        assert work is not None
        assert len(queue.take_unanswered(work)) == 1


def test_the_queue_is_bounded_by_number_and_bytes() -> None:
    queue = WorkQueue(2, 100)
    assert queue.add(task(1, {"a": "x" * 80})) == "queued"
    assert queue.add(task(2, {"a": "y" * 80})) == "full"
    assert queue.add(task(3, {"a": "x" * 80})) == "joined"
    assert queue.add(task(4, {})) == "queued"
    assert queue.add(task(5, {"a": 1})) == "full"
    assert queue.take() is not None
    assert queue.add(task(5, {"a": 1})) == "queued"


def test_closing_wakes_all_who_wait() -> None:
    queue = WorkQueue(10, 100)
    taken: list[object] = []
    threads = [threading.Thread(target=lambda: taken.append(queue.take())) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert queue.close() == []
    for thread in threads:
        thread.join()
    assert taken == [None] * 3
    assert queue.add(task(1, {})) == "closed"


def test_closing_returns_what_waits() -> None:
    queue = WorkQueue(10, 100)
    queue.add(task(1, {"a": 1}))
    queue.add(task(2, {"a": 2}))
    begun = queue.take()
    waiting = queue.close()
    assert [work.kwargs for work in waiting] == [{"a": 2}]
    assert queue.take() is None
    assert begun is not None
    assert queue.add(task(3, {"a": 1})) == "joined"
    assert len(queue.take_unanswered(begun)) == 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["pure-calculation", "query"])), max_size=60))
def test_every_task_is_answered_exactly_once(requests: list[tuple[int, str]]) -> None:
    queue = WorkQueue(1000, 100_000)
    answered: Counter[str] = Counter()
    lock = threading.Lock()

    def work_off() -> None:
        while (work := queue.take()) is not None:
            while tasks := queue.take_unanswered(work):
                with lock:
                    answered.update(one.task_id for one in tasks)

    threads = [threading.Thread(target=work_off) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number, (argument, kind) in enumerate(requests):
        assert queue.add(task(number, {"n": argument}, kind)) in ("queued", "joined")
    left = queue.close()
    for thread in threads:
        thread.join()
    for work in left:
        while tasks := queue.take_unanswered(work):
            answered.update(one.task_id for one in tasks)
    assert answered == {f"id{number}": 1 for number in range(len(requests))}
    assert (queue.num_waiting, queue.num_running) == (0, 0)


@given(st.text(max_size=3000))
@example("/0")
@example("at 5 µV /s, // and / alone, 1 /2")
@example("\ud800/\0")
def test_messages_fit_into_the_protocol(message: str) -> None:
    error = failure(TaskError(message)).error
    assert error
    assert len(error.encode("utf-16-le")) // 2 < 1000
    error = error.removeprefix("[task-failed] ")
    assert "\n" not in error
    if len(message) < 400 and message.isprintable() and message.strip() and not names_a_place(message):
        assert error == " ".join(message.split())


def names_a_place(message: str) -> bool:
    """Whether a message holds a path of several names, or of one that the root of this machine has."""
    tops = "|".join(re.escape(path.name) for path in Path("/").iterdir())
    return re.search(rf"/[^\s/]+/+[^\s/]|/({tops})(?![\w.-])", message) is not None


_WORDS = st.from_regex(
    r"[A-Za-z0-9µ=+]{1,8}[,:;]?|/[0-9]{1,3}|//?|1/2|a/b|sha1://[0-9a-f]{4}/x", fullmatch=True
)
_PLACES = st.from_regex(r"/tmp|/etc/[a-z.]{1,8}|(/[A-Za-z0-9._-]{1,5}){2,4}", fullmatch=True)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), _WORDS, _PLACES), min_size=1, max_size=6))
def test_only_local_places_are_hidden(parts: list[tuple[bool, str, str]]) -> None:
    message = " ".join(place if is_place else word for is_place, word, place in parts)
    error = failure(TaskError(message)).error
    assert error == "[task-failed] " + " ".join(
        "(a local place)" if is_place else word for is_place, word, _ in parts
    )


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    return not isinstance(value, list) or all(map(is_finite, value))


@given(_JSON)
def test_results_arrive_as_they_are_or_not_at_all(value: Any) -> None:
    if value is None or not is_finite(value):
        with pytest.raises(TaskError):
            encode_result(value, 10**6)
    else:
        text = encode_result(value, 10**6)
        assert json.loads(text.decode("ascii")) == value
        with pytest.raises(TaskError, match="ask for less"):
            encode_result(value, len(text) - 1)


_LONG = st.builds(
    lambda text, times, end: text * times + end,
    st.text(st.characters(max_codepoint=0x100), min_size=1, max_size=8),
    st.integers(500, 5000),
    st.text(max_size=2),
)


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        _LONG, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    )
)
def test_long_texts_are_written_as_json_writes_them(value: Any) -> None:
    text = json.dumps(value, separators=(",", ":")).encode("ascii")
    assert encode_result(value, len(text)) == text
    with pytest.raises(TaskError, match="ask for less"):
        encode_result(value, len(text) - 1)


@given(st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), st.text()))
def test_log_lines_can_be_read_back(values: dict[str, str]) -> None:
    values.pop("event", None)
    line = fields("x", **values)
    assert len(line.splitlines()) == 1
    rest = line.removeprefix("event=x")
    decoder = json.JSONDecoder()
    for key, value in values.items():
        assert rest.startswith(f" {key}=")
        rest = rest[len(key) + 2 :]
        if rest.startswith('"'):
            found, end = decoder.raw_decode(rest)
        else:
            end = rest.find(" ") if " " in rest else len(rest)
            found = rest[:end]
        assert found == value
        rest = rest[end:]
    assert rest == ""


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "the result cannot be stored: 500 cannot write to the kachery "
            "storage /data/lab/s: the disk is full",
            "the result cannot be stored: 500 cannot write to the kachery storage (a local place): the disk is full",
        ),
        ("sha1://00/x.json is 1/2 of a.b/c, see file.", "sha1://00/x.json is 1/2 of a.b/c, see file."),
        ("cannot read '/etc/passwd'", "cannot read '(a local place)'"),
    ],
)
def test_an_error_names_no_local_place(message: str, told: str) -> None:
    assert failure(TaskError(message)).error == f"[task-failed] {told}"
