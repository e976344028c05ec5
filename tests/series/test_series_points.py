"""Points: samples at irregular times and events, as they are or binned by closed bins of time."""

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from series_builder import lowest_highest, store_events, store_rows, store_series

import seriesview
from seriesview.errors import RequestError
from seriesview.series import span_hulls
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import SegmentInfo
from seriesview.series.times import RegularTimes, StoredTimes
from seriesview.store import open_store


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", "embedded")


@st.composite
def irregular(draw):
    steps = draw(st.lists(st.sampled_from([0.0, 0.25, 1.0, 1.5, 7.0]), min_size=1, max_size=120))
    times = np.cumsum(steps)
    values = draw(st.lists(st.integers(-50, 50), min_size=len(times), max_size=len(times)))
    return times, np.array(values, np.float32)[:, None]


@settings(max_examples=30, deadline=None)
@given(data=st.data(), recording=irregular())
def test_columns_by_time_hold_the_samples_between_their_edges(data, recording):
    times, values = recording
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory), "embedded")
        series = seriesview.open_series(store_series(store, [values], timestamps=[times]), store)
        start = data.draw(st.sampled_from([-1.0, 0.0, 0.25, 5.0]))
        end = start + data.draw(st.sampled_from([0.5, 8.0, 64.0, 300.0]))
        found = series.time_window(start, end, 8)
        for column in range(8):
            inside = (found.edges[column] <= times) & (times <= found.edges[column + 1])
            assert found.counts[column] == inside.sum()
            if inside.any():
                np.testing.assert_array_equal(found.envelope[column], lowest_highest(values[inside]))
            else:
                assert np.isnan(found.envelope[column]).all()
        few = series.points(start, end, 10_000)
        inside = (start <= times) & (times <= end)
        np.testing.assert_array_equal(few.times, times[inside])
        np.testing.assert_array_equal(few.values, values[inside])


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    lengths=st.lists(st.integers(1, 200), min_size=1, max_size=6),
    spacing=st.sampled_from([5.0, 20.0, 100.0]),
    how=st.sampled_from(["store", "link", "omit"]),
    factors=st.sampled_from([(4, 16, 64), (4, 12, 16), (2,), ()]),
)
def test_columns_over_segments_that_may_overlap(data, lengths, spacing, how, factors):
    if how == "omit":
        factors = factors or (4,)
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    segments = [random.integers(-99, 99, (n, 2)).astype(np.int16) for n in lengths]
    starts = [spacing * number for number in range(len(segments))]
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory) / "store", "embedded")
        raw = Path(directory) / "raw.dat"
        document = store.get_json(store_series(store, segments, factors, samples=how, link_path=raw))
        for start, segment in zip(starts, document["segments"], strict=True):
            segment |= {"start_time": start, "end_time": start + segment["num_samples"] / 10.0}
        series = seriesview.open_series(store.put_json(document), store)
        begin = data.draw(st.sampled_from([-5.0, 0.0, 0.1, 7.5, 19.9]))
        end = begin + data.draw(st.sampled_from([1e-9, 0.1, 3.0, 20.0, 333.0]))
        found = series.time_window(begin, end, data.draw(st.sampled_from([1, 2, 7, 100])))
        expected_all = []
        for column, (low, high) in enumerate(itertools.pairwise(found.edges)):
            rows, count = [], 0
            for start, segment in zip(starts, segments, strict=True):
                times = start + np.arange(len(segment)) / 10.0
                (inside,) = np.nonzero((low <= times) & (times <= high))
                count += len(inside)
                if len(inside) and how == "omit":
                    factor = factors[0]
                    bins = max(-(-(len(segment) - 1) // factor), 1)
                    first = min(inside[0] // factor, bins - 1) * factor
                    last = -(-max(inside[-1], inside[0] + 1) // factor) * factor
                    rows.append(segment[first : last + 1])
                elif len(inside):
                    rows.append(segment[inside])
            assert found.counts[column] == count
            expected_all.append(lowest_highest(np.concatenate(rows)) if rows else np.zeros((2, 2), np.int16))
        np.testing.assert_array_equal(found.envelope, np.stack(expected_all))


def test_long_spans_are_read_in_blocks(store, monkeypatch):
    monkeypatch.setattr(span_hulls, "_BLOCK_BYTES", 64)
    samples = np.random.default_rng(1).integers(-99, 99, (500, 2)).astype(np.int16)
    series = seriesview.open_series(store_series(store, [samples]), store)
    found = series.time_window(0.0, 50.0, 6)
    times = np.arange(500) / 10.0
    for column, (low, high) in enumerate(itertools.pairwise(found.edges)):
        inside = (low <= times) & (times <= high)
        np.testing.assert_array_equal(found.envelope[column], lowest_highest(samples[inside]))


def test_bins_narrower_than_the_times_can_tell(store):
    series = seriesview.open_series(store_events(store, [5.0] * 300, [1] * 300, 2), store)
    found = series.points(5.0, np.nextafter(5.0, 6.0), 100)
    counted = (found.edges[:-1] <= 5.0) & (found.edges[1:] >= 5.0)
    assert found.counts.tolist() == [[0, 300 * c] for c in counted.tolist()]


def test_two_segments_share_a_column(store):
    segments = [np.full((20, 1), 3, np.int16), np.full((20, 1), -4, np.int16)]
    series = seriesview.open_series(store_series(store, segments), store)
    found = series.time_window(0.0, 200.0, 1)
    assert found.envelope.tolist() == [[[-4], [3]]]
    assert found.counts.tolist() == [40]


@settings(max_examples=30, deadline=None)
@given(data=st.data(), steps=st.lists(st.sampled_from([0.0, 0.5, 3.0]), max_size=100))
def test_events_are_counted_in_closed_bins(data, steps):
    times = np.cumsum(steps)
    channels = np.array([data.draw(st.integers(0, 2)) for _ in steps], np.uint32)
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory), "embedded")
        series = seriesview.open_series(store_events(store, times, channels, 3), store)
        found = series.points(0.0, 40.0, 8, ["unit2", "unit0"])
        all_of_them = series.points(0.0, 40.0, 1000, ["unit1"])
        kept = (times <= 40.0) & (channels == 1)
        np.testing.assert_array_equal(all_of_them.times, times[kept])
        np.testing.assert_array_equal(all_of_them.channels, channels[kept])
        if (times <= 40.0).sum() <= 8:
            assert found.edges is None
            return
        for column in range(8):
            inside = (found.edges[column] <= times) & (times <= found.edges[column + 1])
            assert found.counts[column].tolist() == [(inside & (channels == c)).sum() for c in (2, 0)]


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.sampled_from([0.0, 0.1, 2.0]), min_size=1, max_size=60),
    asked=st.lists(st.sampled_from([-1.0, 0.0, 0.1, 0.2, 2.0, 2.1, 50.0, 1000.0]), min_size=1),
    inclusive=st.booleans(),
    cut=st.integers(0, 5),
)
def test_counting_stored_times(steps, asked, inclusive, cut):
    times, asked = np.cumsum(steps), np.sort(np.array(asked))
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory), "embedded")
        info = store_rows(store, times, 3)
        mine = times[min(cut, len(times)) :]
        stored = StoredTimes(ArrayReader(store, info), len(times) - len(mine), len(mine))
        expected = [((mine <= t) if inclusive else (mine < t)).sum() for t in asked]
        assert stored.count_before(asked, inclusive).tolist() == expected


@settings(max_examples=60, deadline=None)
@given(
    start=st.floats(-1e6, 1e6),
    rate=st.sampled_from([1 / 3, 0.1, 250.0, 30000.0]),
    index=st.integers(-2, 120),
    nudge=st.sampled_from([-1e-3, 0.0, 1e-3]),
    inclusive=st.booleans(),
)
def test_counting_regular_times(start, rate, index, nudge, inclusive):
    times = RegularTimes(SegmentInfo(start, start + 100 / rate, 100), rate)
    asked = np.array([start + index / rate + nudge / rate])
    at = start + np.arange(100) / rate
    expected = (at <= asked[0]).sum() if inclusive else (at < asked[0]).sum()
    assert times.count_before(asked, inclusive)[0] == expected


def test_spans_of_time_that_are_none(store):
    series = seriesview.open_series(store_events(store, [1.0], [0], 1), store)
    with pytest.raises(RequestError, match="the first one earlier"):
        series.points(5.0, 5.0, 10)
    with pytest.raises(RequestError, match="at least 1"):
        series.points(0.0, 5.0, 0)
    with pytest.raises(RequestError, match="no values"):
        series.time_window(0.0, 5.0, 3)
    with pytest.raises(RequestError, match="no intervals"):
        series.intervals()
