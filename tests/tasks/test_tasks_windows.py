"""get_window, against brute force from raw samples and through JSON."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from figurl_reader import ask
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from series_builder import lowest_highest, store_events, store_series

from seriesview.errors import TaskError
from seriesview.store import open_store
from seriesview.tasks import TaskContext, TaskLimits

SENT_AS = {
    "int8": "int16",
    "int16": "int16",
    "int32": "int32",
    "int64": "float64",
    "uint8": "uint8",
    "uint16": "int32",
    "uint32": "float64",
    "uint64": "float64",
    "float16": "float32",
    "float32": "float32",
    "float64": "float64",
}
WINDOW = {"segment": 0, "first_sample": 0, "samples_per_column": 4, "columns": 10}


@st.composite
def segments(draw):
    dtype = np.dtype(draw(st.sampled_from(sorted(SENT_AS))))
    if dtype.kind == "f":
        numbers = st.floats(-100, 100, width=16) | st.sampled_from([np.nan, np.inf, -np.inf, -0.0])
    else:
        limits = np.iinfo(dtype)
        numbers = st.integers(max(limits.min, -(2**53)), min(limits.max, 2**53))
    width = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 150), min_size=1, max_size=2))
    return [draw(hnp.arrays(dtype, (n, width), elements=numbers, fill=numbers)) for n in lengths]


def brute_columns(segment, first, per_column, columns):
    """Closed columns; those that begin past the end are dropped, but for the first."""
    begins = [first + i * per_column for i in range(columns)]
    kept = [b for i, b in enumerate(begins) if i == 0 or b < len(segment) - 1]
    return np.stack([lowest_highest(segment[b : b + per_column + 1]) for b in kept])


@settings(max_examples=60, deadline=None)
@given(data=st.data(), arrays=segments(), how=st.sampled_from(["store", "link", "omit"]))
def test_a_window_is_what_brute_force_finds(data, arrays, how):
    with tempfile.TemporaryDirectory() as directory:
        context = TaskContext(open_store(Path(directory) / "store", "embedded"))
        uri = store_series(context.store, arrays, samples=how, link_path=Path(directory) / "raw.dat")
        number = data.draw(st.integers(0, len(arrays) - 1))
        length, width = arrays[number].shape
        for _ in range(4):
            per_column = data.draw(st.integers(1, 100) | st.sampled_from([4, 8, 12, 16, 64, 128, 2**53]))
            first = data.draw(st.integers(0, length - 1))
            if how == "omit":
                per_column, first = -(-per_column // 4) * 4, min(first, max(length - 2, 0)) // 4 * 4
            columns = data.draw(st.integers(1, 60))
            chosen = data.draw(
                st.none() | st.lists(st.integers(0, width - 1), min_size=1, max_size=3, unique=True)
            )
            found = ask(
                context,
                "get_window.1",
                series_uri=uri,
                segment=number,
                first_sample=first,
                samples_per_column=per_column,
                columns=columns,
                channels=None if chosen is None else [f"ch{c}" for c in chosen],
            )
            samples = arrays[number] if chosen is None else arrays[number][:, chosen]
            if per_column == 1:
                key, expected = "values", samples[first : first + columns + 1]
                expected_columns = len(expected) - 1
            else:
                key, expected = "envelope", brute_columns(samples, first, per_column, columns)
                expected_columns = len(expected)
            assert set(found) == {"first_sample", "samples_per_column", "columns", "factor", key}
            assert (found["first_sample"], found["samples_per_column"]) == (first, per_column)
            assert found["columns"] == expected_columns
            assert found[key].dtype.name == SENT_AS[samples.dtype.name]
            np.testing.assert_array_equal(found[key], expected.astype(found[key].dtype))
            assert found["factor"] in (1, 4, 16, 64)
            assert per_column % found["factor"] == first % found["factor"] == 0
            assert how != "omit" or found["factor"] > 1


def test_the_factor_is_that_of_the_level_that_was_read(store):
    context = TaskContext(store)
    uri = store_series(store, [np.zeros((200, 2), np.int16)])
    for first, per_column, factor in (
        (0, 64, 64),
        (16, 32, 16),
        (4, 64, 4),
        (1, 64, 1),
        (0, 1, 1),
        (199, 4, 1),
    ):
        window = WINDOW | {"first_sample": first, "samples_per_column": per_column}
        assert ask(context, "get_window.1", series_uri=uri, **window)["factor"] == factor


def test_the_last_sample_alone(store):
    context = TaskContext(store)
    uri = store_series(store, [np.arange(20, dtype=np.int16)[:, None]])
    found = ask(context, "get_window.1", series_uri=uri, **WINDOW | {"first_sample": 19})
    assert (found["columns"], found["envelope"].tolist()) == (1, [[[19], [19]]])
    found = ask(
        context, "get_window.1", series_uri=uri, **WINDOW | {"first_sample": 19, "samples_per_column": 1}
    )
    assert (found["columns"], found["values"].tolist()) == (0, [[19]])


def test_without_raw_samples_whole_bins_alone_are_shown(store):
    context = TaskContext(store)
    samples = np.arange(200, dtype=np.int16)[:, None]
    uri = store_series(store, [samples], samples="omit")
    found = ask(context, "get_window.1", series_uri=uri, **WINDOW | {"first_sample": 8})
    np.testing.assert_array_equal(found["envelope"], brute_columns(samples, 8, 4, 10))
    for wrong in ({"first_sample": 7}, {"samples_per_column": 6}, {"samples_per_column": 1}):
        with pytest.raises(TaskError, match="without raw samples"):
            ask(context, "get_window.1", series_uri=uri, **WINDOW | wrong)


def test_whole_bins_are_shown_when_the_linked_file_has_gone(store, tmp_path):
    context = TaskContext(store)
    raw = tmp_path / "my recording.dat"
    uri = store_series(store, [np.ones((200, 2), np.int16)], samples="link", link_path=raw)
    raw.unlink()
    assert ask(context, "get_window.1", series_uri=uri, **WINDOW)["envelope"].all()
    with pytest.raises(TaskError, match=r"linked to is gone; .*`seriesview relink`"):
        ask(context, "get_window.1", series_uri=uri, **WINDOW | {"first_sample": 1})


def test_integers_that_a_double_does_not_hold_are_an_error(store):
    context = TaskContext(store)
    exact = np.array([[2**60], [-(2**63)], [5], [2**53]], np.int64)
    uri = store_series(store, [exact], factors=())
    window = WINDOW | {"samples_per_column": 1}
    assert ask(context, "get_window.1", series_uri=uri, **window)["values"].tolist() == exact.tolist()
    for lost in (2**53 + 1, -(2**53) - 1, 2**63 - 1):
        uri = store_series(store, [np.array([[0], [lost]], np.int64)], factors=())
        with pytest.raises(TaskError, match="cannot be sent exactly"):
            ask(context, "get_window.1", series_uri=uri, **window)
    uri = store_series(store, [np.array([[2**64 - 1], [2**63]], np.uint64)], factors=())
    with pytest.raises(TaskError, match="cannot be sent exactly"):
        ask(context, "get_window.1", series_uri=uri, **window)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_halves_hold_every_integer(store, dtype):
    context = TaskContext(store)
    limits = np.iinfo(dtype)
    samples = np.array([[limits.min], [limits.max], [2**53 + 1], [7]], dtype)
    uri = store_series(store, [samples], factors=())
    for per_column in (1, 2):
        window = WINDOW | {"samples_per_column": per_column, "halves": True}
        found = ask(context, "get_window.1", series_uri=uri, **window)
        halves = found["values" if per_column == 1 else "envelope"]
        assert halves.dtype == np.int32
        whole = np.ascontiguousarray(halves).view(dtype)[..., 0]
        expected = samples if per_column == 1 else brute_columns(samples, 0, 2, 200)
        np.testing.assert_array_equal(whole, expected)
    with pytest.raises(TaskError, match="halves: expected true or false, found 1"):
        ask(context, "get_window.1", series_uri=uri, **WINDOW | {"halves": 1})


def test_a_window_that_is_too_large_is_refused_before_it_is_read(store):
    context = TaskContext(store, TaskLimits(max_result_bytes=1000))
    uri = store_series(store, [np.zeros((1000, 2), np.int16)])
    assert ask(context, "get_window.1", series_uri=uri, **WINDOW | {"columns": 125})["columns"] == 125
    with pytest.raises(TaskError, match=r"1008 bytes.*fewer columns"):
        ask(context, "get_window.1", series_uri=uri, **WINDOW | {"columns": 126})
    assert ask(context, "get_window.1", series_uri=uri, **WINDOW | {"columns": 250, "channels": ["ch1"]})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"segment": 1}, "the series has 1 segments"),
        ({"first_sample": 200}, "first_sample 200 is not in segment 0, which has 200 samples"),
        ({"columns": 16385}, "columns: expected an integer from 1 to 16384, found 16385"),
        ({"channels": ["nose"]}, "no channel 'nose'; the series has ch0, ch1"),
        ({"channels": []}, "channels: expected a list that is not empty, found a list of 0"),
        ({"channels": ["ch0", "ch0"]}, "channels: expected ids of channels, each once, found a list of 2"),
        ({"channels": [0]}, r"channels\[0\]: expected the id of a channel, which is a text, found 0"),
        ({"samples_per_column": 0}, "from 1 to"),
        ({"samples_per_column": True}, "found true"),
        ({"first_sample": 0.0}, "found 0.0"),
        ({"columns": 10**5000}, "an integer of 16610 bits"),
        ({"zoom": 3}, "kwargs: unknown key zoom"),
    ],
)
def test_what_cannot_be_asked(store, wrong, message):
    context = TaskContext(store)
    uri = store_series(store, [np.zeros((200, 2), np.int16)])
    with pytest.raises(TaskError, match=message):
        ask(context, "get_window.1", series_uri=uri, **WINDOW | wrong)


def test_events_have_no_windows(store):
    context = TaskContext(store)
    uri = store_events(store, [1.0, 2.0], [0, 1], 2)
    with pytest.raises(TaskError, match="ask for points"):
        ask(context, "get_window.1", series_uri=uri, **WINDOW)
