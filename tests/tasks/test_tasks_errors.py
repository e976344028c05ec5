"""What whoever asked is told: short, one line, and nothing of the machine."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seriesview.errors import (
    FormatError,
    IntegrityError,
    MissingArtifactError,
    RequestError,
    StoreError,
    TaskError,
    artifact_damaged,
    artifact_missing,
    artifact_replaced,
    source_changed,
    source_gone,
    source_not_permitted,
    source_replaced,
    source_unreadable,
)
from seriesview.tasks import TaskContext, run_task
from seriesview.tasks.encoding import result_bytes
from seriesview.tasks.failures import public_error

HASH = "0123456789abcdef0123456789abcdef01234567"
SOURCE = Path("/data/a b.dat")
STORED = f"/home/maria smith/kachery-storage/sha1/01/23/45/{HASH}"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            artifact_damaged(STORED, f"does not have the bytes of SHA-1 {HASH}", HASH),
            f"damaged: SHA-1 {HASH} is not",
        ),
        (IntegrityError("/data/a b.dat: ends at byte 7"), "damaged: an artifact"),
        (artifact_missing(HASH, Path("/home/maria smith/x")), f"SHA-1 {HASH} is"),
        (artifact_replaced(STORED, HASH, "a symbolic link"), "something else stands in the place"),
        (source_replaced(SOURCE, HASH), r"linked to changed \(was replaced while it was being opened\); put"),
        (
            MissingArtifactError("rows 0 to 9 of /data/b", code="artifact-left-out"),
            "were left out of this copy",
        ),
        (source_gone(SOURCE, HASH), "linked to is gone; put"),
        (
            source_changed(SOURCE, HASH, "size was 5, is 6"),
            r"linked to changed \(size was 5, is 6\); put it back, find it with `seriesview relink`",
        ),
        (source_unreadable(SOURCE, HASH, "Permission denied"), "is gone, or cannot be read"),
        (source_not_permitted(SOURCE, HASH, 1000), "is gone, or cannot be read"),
        (StoreError(f"cannot read {STORED}: permission denied"), "cannot read its store"),
        (PermissionError(13, "Permission denied", "/data/a b.dat"), "cannot read its store"),
        (
            RequestError("samples 5 to 9: /data/b.dat has samples 0 to 3"),
            r"5 to 9: \(a local place\) has samples",
        ),
        (FormatError("found 'file:///etc/passwd'"), r"found '\(a local place\)'"),
        (FormatError(f"sha1://{HASH}/a.json is not JSON"), f"sha1://{HASH}/a.json is not JSON"),
        (MemoryError(), "not enough memory"),
        (ZeroDivisionError("/home/maria"), r"internal error \(ZeroDivisionError\)"),
        (RequestError("two\nlines"), "two lines"),
        (RequestError(""), "the task failed"),
    ],
)
def test_messages_name_no_local_file(error, message):
    told = public_error(error)
    text = str(told)
    assert told.code == getattr(error, "code", told.code)
    assert set(told.facts) <= {"sha1"}
    assert re.search(message, text)
    assert not re.search(r"/home|/data|/etc|maria|smith|a b|\n", text)


@given(st.text(st.characters(), max_size=3000) | st.integers(0, 3000).map(lambda n: "\U0001f600" * n))
def test_every_message_is_short_enough(text):
    message = str(public_error(RequestError(text)))
    assert message
    assert len(message.encode("utf-16-le")) // 2 < 1000
    message.encode()


def test_the_cause_is_kept_for_the_log(store):
    with pytest.raises(TaskError) as caught:
        run_task(
            TaskContext(store), "seriesview.get_series_manifest.1", {"series_uri": f"sha1://{HASH}/a.json"}
        )
    assert isinstance(caught.value.__cause__, MissingArtifactError)
    assert str(store.directory) in str(caught.value.__cause__)


@pytest.mark.parametrize("function", ["", "get_window.1", "seriesview.get_window", None, 5, ["a"], {}])
def test_unknown_functions(store, function):
    with pytest.raises(TaskError, match=r"no task function .*; there are seriesview\."):
        run_task(TaskContext(store), function, {})


@pytest.mark.parametrize("kwargs", [None, [], "a", 5, {1: 2}, {"a": 1}, {"\ud800": 1}])
def test_kwargs_that_are_none(store, kwargs):
    with pytest.raises(TaskError):
        run_task(TaskContext(store), "seriesview.get_python_package_version.1", kwargs)


def test_results_are_compact_json():
    assert result_bytes({"a": [1, 2.5, None, "é"]}) == b'{"a":[1,2.5,null,"\\u00e9"]}'
    with pytest.raises(ValueError, match="JSON"):
        result_bytes({"a": float("nan")})
