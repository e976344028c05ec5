"""get_points, against brute force and through JSON."""

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from figurl_reader import ask
from hypothesis import given, settings
from hypothesis import strategies as st
from series_builder import lowest_highest, store_events, store_rows, store_series

import seriesview
from seriesview.errors import TaskError
from seriesview.series.manifest import IntervalsInfo, SegmentInfo, SeriesManifest
from seriesview.store import open_store
from seriesview.tasks import TaskContext, TaskLimits

SPAN = {"start_time": 0.0, "end_time": 10.0, "max_points": 100}


def equal_edges(start, end, bins):
    return [start + (end - start) * (i / bins) for i in range(bins)] + [end]


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.sampled_from([0.0, 0.25, 1.0, 1.5, 7.0]), min_size=1, max_size=150),
    start=st.sampled_from([-1, 0, 0.25, 5.0]),
    span=st.sampled_from([0.5, 8, 64.0, 300.0]),
    max_points=st.sampled_from([1, 3, 8, 50, 1000]),
    dtype=st.sampled_from(["int8", "int64", "uint16", "float16", "float64"]),
    how=st.sampled_from(["store", "omit"]),
    seed=st.integers(0, 99),
)
def test_samples_at_their_own_times(steps, start, span, max_points, dtype, how, seed):
    times = np.cumsum(steps)
    values = np.random.default_rng(seed).integers(0, 99, (len(times), 2)).astype(dtype)
    with tempfile.TemporaryDirectory() as directory:
        context = TaskContext(open_store(Path(directory), "embedded"))
        uri = store_series(context.store, [values], timestamps=[times], samples=how)
        found = ask(
            context,
            "get_points.1",
            series_uri=uri,
            start_time=start,
            end_time=start + span,
            max_points=max_points,
        )
    inside = (start <= times) & (times <= start + span)
    if inside.sum() <= max_points and how == "store":
        assert set(found) == {"times", "values"}
        np.testing.assert_array_equal(found["times"], times[inside])
        np.testing.assert_array_equal(found["values"], values[inside])
        return
    assert set(found) == {"edges", "counts", "envelope"}
    np.testing.assert_array_equal(found["edges"], equal_edges(start, start + span, max_points))
    for column, (low, high) in enumerate(itertools.pairwise(found["edges"])):
        (rows,) = np.nonzero((low <= times) & (times <= high))
        assert found["counts"][column] == len(rows)
        if len(rows) and how == "omit":
            bins = max(-(-(len(times) - 1) // 4), 1)
            first = min(rows[0] // 4, bins - 1) * 4
            rows = np.arange(first, min(-(-max(rows[-1], rows[0] + 1) // 4) * 4 + 1, len(times)))
        if len(rows):
            np.testing.assert_array_equal(found["envelope"][column], lowest_highest(values[rows]))


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    steps=st.lists(st.sampled_from([0.0, 0.5, 3.0]), max_size=100),
    max_points=st.sampled_from([1, 8, 1000]),
)
def test_events(data, steps, max_points):
    times = np.cumsum(steps)
    channels = np.array([data.draw(st.integers(0, 2)) for _ in steps], np.uint32)
    with tempfile.TemporaryDirectory() as directory:
        context = TaskContext(open_store(Path(directory), "embedded"))
        uri = store_events(context.store, times, channels, 3)
        found = ask(context, "get_points.1", series_uri=uri, start_time=0, end_time=40, max_points=max_points)
    kept = times <= 40
    if kept.sum() <= max_points:
        assert set(found) == {"times", "channels"}
        np.testing.assert_array_equal(found["times"], times[kept])
        np.testing.assert_array_equal(found["channels"], channels[kept])
        return
    assert set(found) == {"edges", "counts"}
    for column, (low, high) in enumerate(itertools.pairwise(found["edges"])):
        inside = (low <= times) & (times <= high)
        assert found["counts"][column].tolist() == [(inside & (channels == c)).sum() for c in range(3)]


def test_nothing_is_no_error(store):
    context = TaskContext(store)
    for uri in (
        store_events(store, [], [], 2),
        store_events(store, [50.0], [1], 2),
        store_series(store, [np.ones((5, 3), np.int8)], timestamps=[[20.0, 21.0, 22.0, 23.0, 24.0]]),
    ):
        found = ask(context, "get_points.1", series_uri=uri, **SPAN)
        assert len(found.pop("times")) == 0
        ((_, other),) = found.items()
        assert len(other) == 0


def test_series_made_in_python(store, monkeypatch):
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(store.directory))
    times, values = np.arange(40) / 4, np.arange(40, dtype=np.float32)
    made = seriesview.SVSeries.from_numpy(
        type="discrete",
        sampling_frequency=None,
        start_time=0,
        end_time=10,
        segment_duration=3,
        timestamps=times,
        values=values,
    )
    context = TaskContext(store)
    uri = made.to_uri()
    found = ask(context, "get_points.1", series_uri=uri, **SPAN)
    np.testing.assert_array_equal(found["times"], times)
    np.testing.assert_array_equal(found["values"], values[:, None])
    found = ask(context, "get_points.1", series_uri=uri, **SPAN | {"max_points": 2})
    assert found["edges"].tolist() == [0.0, 5.0, 10.0]
    assert found["counts"].tolist() == [21, 20]
    assert found["envelope"].tolist() == [[[0.0], [20.0]], [[20.0], [39.0]]]


def test_intervals_are_arrays(store):
    manifest = SeriesManifest(
        type="interval",
        dtype="float64",
        channels=(),
        segments=(SegmentInfo(0.0, 2.0, 1),),
        sampling_frequency=None,
        intervals=IntervalsInfo(
            store_rows(store, np.array([[0.0, 2.0]])), store_rows(store, np.zeros(1, np.uint32)), ("sleep",)
        ),
    )
    uri = store.put_json(manifest.to_json_dict())
    with pytest.raises(TaskError, match="get_array"):
        ask(TaskContext(store), "get_points.1", series_uri=uri, **SPAN)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start_time": 10}, "not before end_time"),
        ({"start_time": 11.0}, "not before end_time"),
        ({"start_time": float("nan")}, "not finite"),
        ({"end_time": float("inf")}, "not finite"),
        ({"end_time": 1e16}, r"found 1e\+16"),
        ({"end_time": 10**400}, "an integer of 1329 bits"),
        ({"end_time": True}, "found true"),
        ({"max_points": 0}, "from 1 to"),
        ({"max_points": 1_000_001}, "from 1 to"),
        ({"max_points": 44}, "at most 43 of 2 channels"),
        ({"channels": ["ch0"]}, "kwargs: unknown key channels"),
    ],
)
def test_what_cannot_be_asked(store, wrong, message):
    context = TaskContext(store, TaskLimits(max_result_bytes=1050))
    uri = store_series(store, [np.zeros((200, 2), np.int16)], timestamps=[np.arange(200.0)])
    with pytest.raises(TaskError, match=message):
        ask(context, "get_points.1", series_uri=uri, **SPAN | {"max_points": 9} | wrong)
