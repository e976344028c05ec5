"""docs/format.md: series that were really built, read by a reader written from it, against the raw samples."""

import math
from itertools import pairwise

import h5py
import numpy as np
import pytest
from built_series import built, read, saved
from envelope_oracles import columns_between_samples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from second_reader import SecondReader, between_samples, combine_row, float_moments, time_edges
from series_builder import half_open_moments, store_series

import seriesview
from seriesview.series.array_info import DTYPES as ARRAY_DTYPES
from seriesview.store import open_store

CANONICAL_NAN = {2: 0x7E00, 4: 0x7FC00000, 8: 0x7FF8000000000000}
DTYPES = (*ARRAY_DTYPES, "bool")
noise = np.random.default_rng(7)


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", "embedded")


def integers(n, channels):
    return noise.integers(-3000, 3000, (n, channels)).astype(np.int16)


def numbers_with_gaps(n, channels):
    values = noise.normal(1.7e9, 1, (n, channels))
    values[100:400, 0] = np.nan
    values[1024:2048] = np.nan
    values[5, 1:2] = -np.inf
    values[6:30] = -0.0
    return values


def brute_hull(samples):
    """[lowest, highest] of one channel, by comparison alone."""
    numbers = [value for value in samples.tolist() if value == value]
    return [min(numbers) + 0, max(numbers) + 0] if numbers else [math.nan, math.nan]


def brute_columns(samples, a, factor):
    """(columns, 2, C) of closed columns from sample a on."""
    firsts = range(a, max(len(samples) - 1, a + 1), factor)
    rows = [[brute_hull(column) for column in samples[f : f + factor + 1].T] for f in firsts]
    return np.array(rows, samples.dtype).transpose(0, 2, 1)


def check_levels(reader, segments):
    for k in reader.factors:
        for bins, samples in zip(reader.level(k), segments, strict=True):
            np.testing.assert_array_equal(bins, brute_columns(samples, 0, k))
            if bins.dtype.kind == "f":
                patterns = bins.view(f"<u{bins.itemsize}")
                assert set(patterns[np.isnan(bins)].tolist()) <= {CANONICAL_NAN[bins.itemsize]}
                assert not np.signbit(bins[bins == 0]).any()


def check_moments(reader, segments):
    finer = None
    for entry in sorted(reader.manifest["moments"], key=lambda entry: entry["factor"]):
        factor = entry["factor"]
        found = reader.moments(factor)
        for number, (bins, samples) in enumerate(zip(found, segments, strict=True)):
            if bins.dtype == np.int64:
                np.testing.assert_array_equal(bins, half_open_moments(np.array(samples), factor))
                continue
            for b, channel in np.ndindex(len(bins), bins.shape[2]):
                if finer is None:
                    piece = samples[b * factor : (b + 1) * factor, channel]
                    expected = float_moments(piece.tolist(), factor)
                else:
                    rows = finer[number][4 * b : 4 * b + 4, :, channel]
                    expected = combine_row([tuple(row) for row in rows.tolist()])
                assert tuple(bins[b, :, channel].tolist()) == expected
        finer = found


def check(reader, segments):
    """Samples, levels and moments of a reader are those of the raw samples (n, C) of each segment."""
    if reader.samples() is not None:
        for found, samples in zip(reader.samples(), segments, strict=True):
            np.testing.assert_array_equal(found, samples)
        for number, channel in enumerate(reader.channels):
            assert channel.get("typical") == reader.typical(number)
            assert channel.get("clipped") == reader.clipped(number)
    for segment, samples in zip(reader.segments, segments, strict=True):
        lowest = np.array([brute_hull(column) for column in samples.T])
        low, high = (float(np.nanmin(lowest)), float(np.nanmax(lowest)))
        assert segment["min_value"] == (low if math.isfinite(low) else None)
        assert segment["max_value"] == (high if math.isfinite(high) else None)
    check_levels(reader, segments)
    check_moments(reader, segments)


@pytest.mark.parametrize("resolution", ["link", "store", "omit"])
@pytest.mark.parametrize("make", [integers, numbers_with_gaps])
def test_flat_files(store, tmp_path, resolution, make):
    samples = make(5001, 5)
    samples.tofile(tmp_path / "raw.dat")
    config = {
        "reader": "binary",
        "dtype": samples.dtype.name,
        "channels": 5,
        "limits": [-100, 100],
        "sampling_frequency": 100,
        "base": 4,
    }
    reader = read(store, tmp_path / "raw.dat", full_resolution=resolution, **config)
    assert reader.factors == [4, 16]
    check(reader, [samples])
    assert (reader.samples() is None) == (resolution == "omit")
    assert reader.times()[0][-1] == 5000 / 100
    assert reader.segments[0]["end_time"] == 5001 / 100


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(store, tmp_path, dtype):
    samples = noise.integers(0, 2 if dtype == "bool" else 100, (1100, 2)).astype(dtype)
    if samples.dtype.kind == "f":
        samples[64:200, 0] = np.nan
    path = saved(tmp_path, samples)
    reader = read(store, path, sampling_frequency=10, full_resolution="link")
    assert reader.manifest["dtype"] == ("uint8" if dtype == "bool" else dtype)
    check(reader, [samples.view(np.uint8) if dtype == "bool" else samples])


def test_several_levels_of_moments(store, tmp_path):
    """The bins of each are the finer ones combined, whatever blocks they came in."""
    samples = np.concatenate([noise.normal(1.7e9, 1, 2000), np.full(1_100_000, 3.5)]).astype(np.float32)
    samples = samples[:, np.newaxis]
    path = saved(tmp_path, samples)
    reader = read(store, path, sampling_frequency=10, full_resolution="link")
    assert [entry["factor"] for entry in reader.manifest["moments"]] == [1024, 4096]
    (fine,), (coarse,) = reader.moments(1024), reader.moments(4096)
    for b in (0, 1, 2, 500, len(fine) - 1):
        piece = samples[b * 1024 : (b + 1) * 1024, 0].tolist()
        assert tuple(fine[b, :, 0].tolist()) == float_moments(piece, 1024)
    for b in range(len(coarse)):
        rows = fine[4 * b : 4 * b + 4, :, 0].tolist()
        assert tuple(coarse[b, :, 0].tolist()) == combine_row([tuple(row) for row in rows])


@pytest.mark.parametrize("resolution", ["link", "store"])
def test_channels_behind_one_another(store, tmp_path, resolution):
    samples = integers(2000, 3)
    path = saved(tmp_path, np.asfortranarray(samples))
    reader = read(store, path, sampling_frequency=10, full_resolution=resolution)
    if resolution == "link":
        assert reader.manifest["values"]["link"]["channel_stride"] == 4000
    check(reader, [samples])


@pytest.mark.parametrize("resolution", ["auto", "link", "store"])
def test_the_other_byte_order(store, tmp_path, resolution):
    samples = integers(2000, 3)
    swapped = saved(tmp_path, samples.astype(">i2"), "swapped.npy")
    reader = read(store, swapped, sampling_frequency=10, full_resolution=resolution)
    if resolution != "store":
        assert reader.manifest["values"]["link"]["byte_order"] == "big"
    check(reader, [samples])


def test_a_recording_that_is_in_the_store_needs_no_link(store, tmp_path):
    samples = integers(3000, 5)
    uri = store.put_file(saved(tmp_path, samples))
    reader = read(store, uri, sampling_frequency=10, full_resolution="link")
    assert reader.manifest["values"]["link"]["uri"] == uri
    check(reader, [samples])


def chunked_file(path, samples, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=samples, **options)


FILTERS = [{}, {"shuffle": True}, {"compression": "gzip"}, {"shuffle": True, "compression": "gzip"}]


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("make", [integers, numbers_with_gaps])
def test_chunks_of_hdf5_files(store, tmp_path, filters, make):
    samples = make(3000, 7)
    chunked_file(tmp_path / "raw.h5", samples, chunks=(512, 4), **filters)
    reader = read(store, tmp_path / "raw.h5", dataset="/x", sampling_frequency=10, full_resolution="link")
    link = reader.manifest["values"]["link"]
    assert (link["chunk_shape"], len(link["filters"])) == ([512, 4], len(filters))
    check(reader, [samples])


@pytest.mark.parametrize("fill", [7, math.nan, -math.inf])
def test_chunks_that_were_never_written(store, tmp_path, fill):
    path = tmp_path / "raw.h5"
    with h5py.File(path, "w") as file:
        dtype = "<i4" if fill == 7 else "<f4"
        dataset = file.create_dataset("x", (2500, 3), dtype, chunks=(500, 2), fillvalue=fill, shuffle=True)
        dataset[:400, :2], dataset[1200:1300, 2] = 5, 6
        samples = dataset[()]
    config = {"dataset": "/x", "sampling_frequency": 10, "full_resolution": "link", "missing": []}
    reader = read(store, path, **config)
    chunks = reader.storage.array(reader.manifest["values"]["link"]["chunks"])
    assert (chunks.shape, int((chunks[:, 1] == 0).sum())) == ((10, 2), 8)
    check(reader, [samples])


def test_hdf5_files_that_are_no_chunks(store, tmp_path):
    samples = integers(2000, 3)
    chunked_file(tmp_path / "turned.h5", samples.T.copy(), chunks=(1, 300), compression="gzip")
    chunked_file(tmp_path / "plain.h5", samples)
    chunked_file(tmp_path / "other.h5", samples, chunks=(100, 3), compression="lzf")
    config = {"dataset": "/x", "sampling_frequency": 10}
    check(read(store, tmp_path / "turned.h5", order="F", full_resolution="link", **config), [samples])
    plain = read(store, tmp_path / "plain.h5", full_resolution="link", **config)
    assert "chunk_shape" not in plain.manifest["values"]["link"]
    check(plain, [samples])
    other = read(store, tmp_path / "other.h5", **config)
    assert "link" not in other.manifest["values"]
    check(other, [samples])


def csv_file(path, times, samples):
    lines = [f"{t!r},{a},{b}" for t, (a, b) in zip(times.tolist(), samples.tolist(), strict=True)]
    path.write_text("\n".join(["time,a,b", *lines]) + "\n")


def test_text_with_regular_times_and_a_gap(store, tmp_path):
    samples = noise.integers(0, 999, (2000, 2)) / 8
    times = 3 + np.arange(2000) / 250
    times[700:] += 50
    csv_file(tmp_path / "raw.csv", times, samples)
    reader = read(store, tmp_path / "raw.csv", timestamps="time")
    assert (reader.rate, reader.lengths) == (250, [700, 1300])
    np.testing.assert_allclose(np.concatenate(reader.times()), times, rtol=0, atol=1e-9)
    check(reader, [samples[:700], samples[700:]])


@pytest.mark.parametrize("kind", ["continuous", "discrete"])
def test_irregular_times(store, tmp_path, kind):
    samples = noise.integers(0, 999, (2500, 2)) / 8
    steps = noise.integers(0, 20, 2500) / 16
    steps[[0, 1000]] = 100
    times = np.cumsum(steps)
    csv_file(tmp_path / "raw.csv", times, samples)
    result = built(store, tmp_path / "raw.csv", timestamps="time", type=kind, max_gap_seconds=50)
    reader = SecondReader(store.directory, result["uri"])
    assert (reader.rate, reader.lengths, reader.manifest["type"]) == (None, [1000, 1500], kind)
    segments = [samples[:1000], samples[1000:]]
    check(reader, segments)
    for segment, found, expected in zip(
        reader.segments, reader.times(), np.split(times, [1000]), strict=True
    ):
        assert found.tolist() == expected.tolist()
        assert (segment["start_time"], segment["end_time"]) == (expected[0], expected[-1])
    for k in reader.factors:
        for bins, firsts, found in zip(
            reader.level(k), reader.level(k, "times"), reader.times(), strict=True
        ):
            assert firsts.tolist() == found[::k][: len(bins)].tolist()
    columns = reader.columns_of_time(50.0, times[-1] + 50, 90)
    envelope = seriesview.open_series(result["uri"], store).time_window(50.0, times[-1] + 50, 90).envelope
    for number, (e, f) in enumerate(pairwise(time_edges(50.0, times[-1] + 50, 90))):
        inside = samples[(e <= times) & (times <= f)]
        if not len(inside):
            assert columns[number] is None
            continue
        expected = [brute_hull(column) for column in inside.T]
        assert columns[number].T.tolist() == envelope[number].T.tolist() == expected


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A store with one recording of 20006 samples, built with and without its samples, and those."""
    directory = tmp_path_factory.mktemp("session")
    store, samples = open_store(directory / "store", "embedded"), numbers_with_gaps(20_006, 5)
    path = saved(directory, samples)
    uris = [built(store, path, sampling_frequency=10, full_resolution=f)["uri"] for f in ("link", "omit")]
    return store, samples, [SecondReader(store.directory, uri) for uri in uris], uris


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_columns_of_any_zoom(session, data):
    store, samples, (reader, without), (uri, _) = session
    k = data.draw(st.sampled_from([*reader.zooms(0)[1:], 97, 1000, 5000]))
    a = data.draw(st.integers(max(0, 20_005 - 40 * k), 20_005))
    expected = brute_columns(samples, a, k)
    np.testing.assert_array_equal(reader.columns(0, a, k), expected)
    series = seriesview.open_series(uri, store)
    np.testing.assert_array_equal(series.window(0, a, k, 10**6), expected)
    if k % 16 == 0 and a - a % 16 < 20_005:
        np.testing.assert_array_equal(
            without.columns(0, a - a % 16, k), brute_columns(samples, a - a % 16, k)
        )


@pytest.mark.parametrize("factors", [(), (64,), (4, 16, 64), (10, 30), (7, 14)])
@pytest.mark.parametrize("samples", ["store", "omit"])
def test_zooms(store, factors, samples):
    uri = store_series(store, [integers(n, 1) for n in (1, 5, 60, 900)], factors, samples=samples)
    reader, series = SecondReader(store.directory, uri), seriesview.open_series(uri, store)
    for segment in range(4):
        assert tuple(reader.zooms(segment)) == series.zoom_ladder(segment)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 0.1, 1 / 3, -7.0, 2.0**60]), min_size=2),
    st.integers(1, 9),
)
def test_columns_closer_than_a_sample(values, k):
    found = columns_between_samples(np.array(values)[:, np.newaxis], k)[:, :, 0]
    expected = np.array(between_samples(values, k))
    np.testing.assert_array_equal(found, expected)
    assert not np.signbit(expected[expected == 0]).any()


@pytest.mark.parametrize("n", [1, 2, 64, 65, 66, 129])
def test_columns_of_time_without_samples_cover_whole_bins(store, n):
    samples = [integers(n, 2), integers(20, 2)]
    uri = store_series(store, samples, factors=(64, 256), samples="omit", rate=4.0)
    reader, series = SecondReader(store.directory, uri), seriesview.open_series(uri, store)
    for sample in range(n):
        times = sample / 4 - 0.1, sample / 4 + 0.1
        (found,) = reader.columns_of_time(*times, 1, with_samples=False)
        np.testing.assert_array_equal(found, series.time_window(*times, 1).envelope[0])
        low = min(sample // 64 * 64, max(0, n - 2) // 64 * 64)
        expected = [brute_hull(column) for column in samples[0][low : low + 65].T]
        assert found.T.tolist() == expected
