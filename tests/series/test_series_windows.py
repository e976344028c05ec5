"""Windows, samples and statistics against brute force, over random segments, factors, dtypes and NaN."""

import itertools
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from series_builder import lowest_highest, store_series

import seriesview
from seriesview.errors import MissingArtifactError, RequestError
from seriesview.series import hulls, overview, statistics, windows
from seriesview.store import open_store

DTYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint64", "float16", "float32", "float64"]


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", "embedded")


@st.composite
def segments(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    channels = draw(st.integers(1, 3))
    if dtype.kind == "f":
        numbers = st.floats(-100, 100, width=16) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0])
    else:
        numbers = st.integers(np.iinfo(dtype).min, np.iinfo(dtype).max)
    lengths = draw(st.lists(st.integers(1, 150), min_size=1, max_size=2))
    return [draw(hnp.arrays(dtype, (n, channels), elements=numbers, fill=numbers)) for n in lengths]


def brute_window(segment, first, per_column, columns):
    found = []
    for column in range(columns):
        begin = first + column * per_column
        if begin >= len(segment) - 1 and column:
            break
        found.append(lowest_highest(segment[begin : begin + per_column + 1]))
    return np.stack(found)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), arrays=segments(), how=st.sampled_from(["store", "link", "omit"]))
def test_a_window_is_what_brute_force_finds(data, arrays, how):
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory) / "store", "embedded")
        uri = store_series(store, arrays, samples=how, link_path=Path(directory) / "raw.dat")
        series = seriesview.open_series(uri, store)
        number = data.draw(st.integers(0, len(arrays) - 1))
        length, width = arrays[number].shape
        for _ in range(4):
            per_column = data.draw(st.integers(2, 100) | st.sampled_from([4, 8, 12, 16, 64, 128]))
            first = data.draw(st.integers(0, length - 1))
            if how == "omit":
                per_column, first = -(-per_column // 4) * 4, min(first, max(length - 2, 0)) // 4 * 4
            columns = data.draw(st.integers(1, 60))
            chosen = data.draw(st.lists(st.integers(0, width - 1), min_size=1, max_size=3, unique=True))
            ids = data.draw(st.sampled_from([None, [f"ch{c}" for c in chosen]]))
            expected = brute_window(arrays[number], first, per_column, columns)
            found = series.window(number, first, per_column, columns, ids)
            np.testing.assert_array_equal(found, expected if ids is None else expected[:, :, chosen])
            assert found.dtype == arrays[number].dtype
            assert found.flags.writeable


@settings(max_examples=30, deadline=None)
@given(data=st.data(), arrays=segments(), how=st.sampled_from(["store", "link"]))
def test_values_are_the_samples(data, arrays, how):
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory) / "store", "embedded")
        uri = store_series(store, arrays, samples=how, link_path=Path(directory) / "raw.dat")
        series = seriesview.open_series(uri, store)
        number = data.draw(st.integers(0, len(arrays) - 1))
        first = data.draw(st.integers(0, len(arrays[number])))
        last = data.draw(st.integers(first, len(arrays[number])))
        found = series.values(number, first, last)
        assert found.dtype == arrays[number].dtype
        np.testing.assert_array_equal(found, arrays[number][first:last])
        np.testing.assert_array_equal(
            series.values(number, first, last, ["ch0"]), arrays[number][first:last, :1]
        )


@settings(max_examples=40, deadline=None)
@given(data=st.data(), arrays=segments())
def test_statistics_of_any_span(data, arrays):
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory) / "store", "embedded")
        series = seriesview.open_series(store_series(store, arrays), store)
        number = data.draw(st.integers(0, len(arrays) - 1))
        first = data.draw(st.integers(0, len(arrays[number]) - 1))
        last = data.draw(st.integers(first, len(arrays[number]) - 1))
        found = series.statistics(number, first, last)
        span = arrays[number][first : last + 1]
        np.testing.assert_array_equal(np.stack([found["min"], found["max"]]), lowest_highest(span))
        for channel in range(span.shape[1]):
            numbers = [float(v) for v in span[:, channel] if math.isfinite(v)]
            assert found["count"][channel] == len(numbers)
            if not numbers:
                assert math.isnan(found["mean"][channel])
                continue
            mean = math.fsum(numbers) / len(numbers)
            std = math.sqrt(math.fsum((n - mean) ** 2 for n in numbers) / len(numbers))
            rms = math.sqrt(math.fsum(n * n for n in numbers) / len(numbers))
            scale = max(abs(n) for n in numbers)
            for name, expected in (("mean", mean), ("std", std), ("rms", rms)):
                assert found[name][channel] == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale + 1e-300)


def test_statistics_of_integers_are_exact(store):
    samples = np.full((100, 1), 32767, np.int16)
    samples[50] = 32766
    series = seriesview.open_series(store_series(store, [samples]), store)
    found = series.statistics(0, 3, 97)
    assert found["mean"][0] == (94 * 32767 + 32766) / 95
    assert found["count"][0] == 95


def test_without_raw_samples_the_nearest_window_is_named(store):
    series = seriesview.open_series(
        store_series(store, [np.zeros((200, 2), np.int16)], samples="omit"), store
    )
    with pytest.raises(RequestError, match="first_sample 8 and samples_per_column 12"):
        series.window(0, 7, 13, 10)
    with pytest.raises(RequestError, match="without raw samples"):
        series.values(0, 0, 10)
    with pytest.raises(RequestError, match="begin at a multiple of 8"):
        series.statistics(0, 3, 50)
    assert series.statistics(0, 8, 63)["count"].tolist() == [56, 56]
    assert series.window(0, 8, 12, 3).shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 0, 4, 10), "segment 1"),
        ((-1, 0, 4, 10), "segment -1"),
        ((0, 200, 4, 10), "first_sample 200"),
        ((0, -1, 4, 10), "first_sample -1"),
        ((0, 0, 1, 10), "samples_per_column 1"),
        ((0, 0, 4, 0), "columns 0"),
        ((0, 0, 4, 10, ["nose"]), "no channel 'nose'; the series has ch0, ch1"),
    ],
)
def test_what_the_series_does_not_have(store, arguments, message):
    series = seriesview.open_series(store_series(store, [np.zeros((200, 2), np.int16)]), store)
    with pytest.raises(RequestError, match=message):
        series.window(*arguments)


def test_samples_outside_the_segment(store):
    series = seriesview.open_series(store_series(store, [np.zeros((20, 2), np.int16)]), store)
    for call in (series.values, series.statistics, series.times):
        with pytest.raises(RequestError, match="of 20 samples"):
            call(0, 5, 21)
    with pytest.raises(RequestError, match="segment 3"):
        series.values(3, 0, 1)


def test_a_linked_file_that_changed_is_not_read(store, tmp_path):
    raw = tmp_path / "raw.dat"
    uri = store_series(store, [np.zeros((50, 2), np.int16)], samples="link", link_path=raw)
    series = seriesview.open_series(uri, store)
    assert not series.values(0, 0, 50).any()
    raw.write_bytes(raw.read_bytes() + b"more")
    with pytest.raises(MissingArtifactError, match=r"raw\.dat"):
        series.values(0, 0, 50)


def test_physical_values_take_each_channels_own_scale(store):
    document = store.get_json(store_series(store, [np.ones((20, 2), np.int16)]))
    document |= {"scale": 2.0, "offset": 1.0}
    document["channels"][1] |= {"scale": 10.0, "offset": -5.0}
    series = seriesview.open_series(store.put_json(document), store)
    assert series.to_physical(series.values(0, 0, 1)).tolist() == [[3.0, 5.0]]
    assert series.to_physical(np.ones((1, 1)), ["ch1"]).tolist() == [[5.0]]


@pytest.mark.parametrize("factors", [(), (64,)])
@pytest.mark.parametrize("moments", [(), (8,)])
def test_long_stretches_without_levels_are_read_in_blocks(store, monkeypatch, factors, moments):
    monkeypatch.setattr(hulls, "BLOCK_BYTES", 40)
    monkeypatch.setattr(statistics, "BLOCK_BYTES", 40)
    monkeypatch.setattr(statistics, "LEAF_SAMPLES", 4)
    monkeypatch.setattr(windows, "DIRECT_VALUES_PER_COLUMN", 0)
    samples = np.random.default_rng(5).integers(-999, 999, (500, 2)).astype(np.int16)
    series = seriesview.open_series(store_series(store, [samples], factors, moments), store)
    for per_column in (2, 77, 10**9):
        np.testing.assert_array_equal(
            series.window(0, 3, per_column, 9), brute_window(samples, 3, per_column, 9)
        )
    found = series.statistics(0, 3, 497, ["ch1"])
    assert found["mean"][0] == samples[3:498, 1].sum() / 495
    assert (found["min"][0], found["max"][0]) == (samples[3:498, 1].min(), samples[3:498, 1].max())


@pytest.mark.parametrize("samples_per_column", [2, 3, 17, 60])
def test_halves_that_two_threads_reduce_meet(store, monkeypatch, samples_per_column):
    monkeypatch.setattr(hulls, "WORTH_A_THREAD_BYTES", 0)
    monkeypatch.setattr(hulls, "THREADED_BLOCK_BYTES", 100)
    samples = np.random.default_rng(6).integers(-999, 999, (501, 2)).astype(np.int16)
    series = seriesview.open_series(store_series(store, [samples], part_rows=64), store)
    for first, columns in ((0, 1), (0, 2), (1, 7), (3, 500), (250, 3), (499, 4), (500, 1)):
        np.testing.assert_array_equal(
            series.window(0, first, samples_per_column, columns),
            brute_window(samples, first, samples_per_column, columns),
        )


def test_overview_rms(store):
    samples = np.arange(100, dtype=np.int16)[:, None] * np.array([1, -2], np.int16)
    for how in ("store", "omit"):
        series = seriesview.open_series(store_series(store, [samples], samples=how), store)
        for columns in (1, 5, 1000):
            edges, rms = series.overview_rms(0, columns)
            assert edges[0] == 0
            assert edges[-1] == 100
            assert len(rms) <= columns
            for row, (first, last) in zip(rms, itertools.pairwise(edges), strict=True):
                expected = np.sqrt((samples[first:last].astype(float) ** 2).mean(axis=0))
                np.testing.assert_allclose(row, expected)


@pytest.mark.parametrize("block", [1, 7, 1 << 19])
@pytest.mark.parametrize("dtype", ["int16", "uint64", "float32", "float64"])
def test_overview_rms_in_blocks_of_any_size(store, monkeypatch, dtype, block):
    monkeypatch.setattr(overview, "BLOCK_VALUES", block)
    samples = np.random.default_rng(2).integers(0, 127, (90, 3)).astype(dtype)
    moments = (4,)
    if dtype == "float64":
        # Squares of these are infinite, or nothing, which moments cannot hold.
        samples *= [1e200, 1.0, 1e-200]
        samples[30:45, 2], samples[50, 0] = np.nan, np.inf
        moments = ()
    for how in ("store", "omit") if moments else ("store",):
        series = seriesview.open_series(store_series(store, [samples], moments=moments, samples=how), store)
        for columns in (1, 4, 22, 60):
            edges, rms = series.overview_rms(0, columns, ["ch0", "ch2"])
            for row, (first, last) in zip(rms, itertools.pairwise(edges), strict=True):
                wide = samples[first:last, [0, 2]].astype(np.longdouble)
                counted = np.isfinite(wide)
                squares = np.where(counted, wide, 0) ** 2
                with np.errstate(invalid="ignore"):
                    expected = np.sqrt(squares.sum(axis=0) / counted.sum(axis=0))
                np.testing.assert_allclose(row, expected.astype(float), rtol=1e-12)


@pytest.mark.parametrize(
    ("length", "factors", "moments"), [(65, (4, 16), (8,)), (97, (10,), (8,)), (2, (4,), (8,))]
)
def test_statistics_without_samples_reach_to_whole_bins(store, length, factors, moments):
    samples = np.random.default_rng(1).integers(-99, 99, (length, 2)).astype(np.int16)
    uri = store_series(store, [samples], factors=factors, moments=moments, samples="omit")
    series = seriesview.open_series(uri, store)
    for first in range(0, length, 8):
        found = series.statistics(0, first, length - 1)
        assert np.allclose(found["mean"], samples[first:].mean(axis=0))
        begin = min(first // factors[0], max(0, length - 2) // factors[0]) * factors[0]
        assert (found["min"] == samples[begin:].min(axis=0)).all()
        assert (found["max"] == samples[begin:].max(axis=0)).all()
