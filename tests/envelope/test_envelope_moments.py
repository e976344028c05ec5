import numpy as np
import pytest
from envelope_oracles import DTYPES, exact_statistics, float_moments, integer_moments
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.envelope.moments import (
    MomentMerger,
    MomentReducer,
    combine_moments,
    moments_dtype,
    num_moment_bins,
    statistics,
)
from seriesview.envelope.segment import SegmentReducer

cuts = st.lists(st.integers(0, 900), max_size=8)


def run_in_blocks(reducer, rows, sizes):
    parts, first = [], 0
    for size in sizes:
        parts.append(reducer.add(rows[first : first + size]))
        first += size
    return np.concatenate([*parts, reducer.add(rows[first:]), reducer.finish()])


def brute_moments(samples, factor):
    bins = []
    for first in range(0, len(samples), factor):
        columns = samples[first : first + factor].T
        if samples.dtype.kind in "iu" and samples.dtype.itemsize <= 2:
            bins.append(np.array([integer_moments(column.tolist()) for column in columns]).T)
        else:
            floats = [[float(value) for value in column.tolist()] for column in columns]
            bins.append(np.array([float_moments(column, factor) for column in floats]).T)
    return np.array(bins).astype(moments_dtype(samples.dtype))


@st.composite
def recordings(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = (draw(st.integers(1, 2500)), draw(st.sampled_from([1, 2, 3, 5])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype.kind == "f":
        samples = (draw(st.sampled_from([0, 1000])) + rng.normal(0, 50, shape)).astype(dtype)
        for trouble in draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf, -0.0]), max_size=2)):
            samples[rng.random(shape) < draw(st.sampled_from([0.001, 0.5]))] = trouble
        return samples
    limits = np.iinfo(dtype)
    width = draw(st.sampled_from([1, 100, 1000, limits.max]))
    middle = draw(st.sampled_from([0, limits.max // 2, limits.max, limits.min]))
    low, high = max(limits.min, middle - width), min(limits.max, middle + width)
    return rng.integers(low, high, shape, dtype=dtype, endpoint=True)


@settings(max_examples=60, deadline=None)
@given(recordings(), st.sampled_from([1024, 256, 100, 1]), cuts)
def test_moments_are_what_the_definition_says_however_the_segment_is_cut(samples, factor, sizes):
    samples = samples[:300] if factor == 1 else samples
    moments = run_in_blocks(MomentReducer(samples.dtype, samples.shape[1], factor), samples, sizes)
    assert moments.dtype == moments_dtype(samples.dtype)
    assert len(moments) == num_moment_bins(len(samples), factor)
    assert moments.tobytes() == brute_moments(samples, factor).tobytes()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
@pytest.mark.parametrize("num_channels", [1, 4, 7, 32, 384])
@pytest.mark.parametrize(("middle", "width"), [(0, 5), (0, 80), (0, 900), (90, 30), (32768, 60), (0, 2**16)])
def test_integers_are_exact_on_every_path(dtype, num_channels, middle, width):
    limits = np.iinfo(dtype)
    low, high = max(limits.min, min(middle, limits.max) - width), min(limits.max, middle + width)
    rng = np.random.default_rng(width)
    samples = rng.integers(low, high, (1024 * 3 + 5, num_channels), dtype=dtype, endpoint=True)
    moments = run_in_blocks(MomentReducer(dtype, num_channels), samples, [2048])
    for index, first in enumerate(range(0, len(samples), 1024)):
        wide = samples[first : first + 1024].astype(object)
        assert moments[index].tolist() == [
            [len(wide)] * num_channels,
            *map(list, (wide.sum(0), (wide * wide).sum(0))),
        ]


@pytest.mark.parametrize("num_channels", [1, 32, 200])
def test_floats_give_the_same_bytes_for_every_tile(num_channels):
    samples = np.random.default_rng(1).normal(3, 1, (1024 * 150, num_channels)).astype(np.float32)
    samples = samples[: 1024 * (300 // num_channels + 2)]
    at_once = run_in_blocks(MomentReducer(np.float32, num_channels), samples, [])
    in_pieces = run_in_blocks(MomentReducer(np.float32, num_channels), samples, [1024] * 2 + [700])
    assert at_once.tobytes() == in_pieces.tobytes()
    alone = run_in_blocks(MomentReducer(np.float32, 1), samples[:, -1:], [])
    assert alone.tobytes() == np.ascontiguousarray(at_once[:, :, -1:]).tobytes()


@settings(max_examples=40, deadline=None)
@given(recordings(), st.sampled_from([2, 3, 4]), cuts)
def test_merging_keeps_counts_and_statistics(samples, ratio, sizes):
    num_channels = samples.shape[1]
    fine = run_in_blocks(MomentReducer(samples.dtype, num_channels, 64), samples, [])
    merged = run_in_blocks(
        MomentMerger(samples.dtype, num_channels, ratio), fine, [size // 64 for size in sizes]
    )
    again = run_in_blocks(MomentMerger(samples.dtype, num_channels, ratio), fine, [])
    assert merged.tobytes() == again.tobytes()
    coarse = run_in_blocks(MomentReducer(samples.dtype, num_channels, 64 * ratio), samples, [])
    assert np.array_equal(merged[:, 0], coarse[:, 0])
    if merged.dtype == np.int64:
        assert np.array_equal(merged, coarse)
    else:
        assert np.allclose(merged, coarse, rtol=1e-9, atol=1e-6 * np.abs(coarse[:, 1:2]).max())


def test_bins_combine_in_adjacent_pairs():
    bins = np.array([[1.0, value, 0.0] for value in (1e16, 1.0, -1e16, 3.0, 0.1)])[:, :, np.newaxis]

    def combine(a, b):
        count, distance = a[0] + b[0], b[1] - a[1]
        mean = a[1] + distance * (b[0] / count)
        return [count, mean, (a[2] + b[2]) + (distance * distance) * (a[0] * (b[0] / count))]

    a, b, c, d, e = bins[:, :, 0].tolist()
    expected = combine(combine(combine(a, b), combine(c, d)), e)
    assert combine_moments(bins)[:, 0].tolist() == expected


def test_an_empty_bin_changes_nothing():
    empty, full = np.zeros((3, 1)), np.array([[4.0], [np.inf], [np.nan]])
    for pair in ([empty, full], [full, empty]):
        assert combine_moments(np.stack(pair)).tobytes() == full.tobytes()
    assert combine_moments(np.zeros((0, 3, 2))).tolist() == [[0, 0]] * 3


@pytest.mark.parametrize("dtype", ["float64", "int64", "uint32"])
def test_statistics_of_small_deviations_far_from_zero(dtype):
    rng = np.random.default_rng(7)
    samples = (1.7e9 + rng.uniform(-1, 1, (5000, 2))).round(0 if dtype != "float64" else 12).astype(dtype)
    moments = combine_moments(run_in_blocks(MomentReducer(dtype, 2), samples, [999]))
    found = statistics(moments)
    for channel in range(2):
        mean, rms, std = exact_statistics(samples[:, channel].tolist())
        assert found["mean"][channel] == pytest.approx(mean, rel=1e-15)
        assert found["rms"][channel] == pytest.approx(rms, rel=1e-15)
        assert found["std"][channel] == pytest.approx(std, rel=1e-8)


def test_statistics_of_integers_are_exact_to_the_last_rounding():
    samples = np.random.default_rng(0).integers(32760, 32767, (3000, 1)).astype(np.int16)
    found = statistics(combine_moments(run_in_blocks(MomentReducer(np.int16, 1), samples, [])))
    expected = exact_statistics(samples[:, 0].tolist())
    assert [found[key][0] for key in ("mean", "rms", "std")] == pytest.approx(expected, rel=1e-15)


def test_sums_beyond_int64_stay_exact():
    bins = np.full((4, 3, 1), 2**62, np.int64)
    assert combine_moments(bins).tolist() == [[2**64]] * 3
    assert combine_moments(-bins[:2]).tolist() == [[-(2**63)]] * 3


def test_statistics_of_nothing_are_nan():
    for dtype in (np.int16, np.float32):
        found = statistics(np.zeros((3, 2), moments_dtype(dtype)))
        assert found["count"].tolist() == [0, 0]
        assert all(np.isnan(found[key]).all() for key in ("mean", "rms", "std"))


def test_values_that_are_not_finite_are_not_counted():
    samples = np.array([[1.0], [np.nan], [3.0], [np.inf], [-np.inf]])
    assert run_in_blocks(MomentReducer(np.float64, 1, 4), samples, [])[:, :, 0].tolist() == [
        [2, 2, 2],
        [0, 0, 0],
    ]


@pytest.mark.parametrize(
    ("dtype", "num_channels", "base"), [("int16", 32, 16), ("float32", 1, 64), ("uint8", 3, 7)]
)
def test_one_pass_gives_levels_and_moments(dtype, num_channels, base):
    from seriesview.envelope.reduce import LevelReducer

    samples = np.random.default_rng(5).normal(100, 20, (40_000, num_channels)).astype(dtype)
    reducer = SegmentReducer(dtype, num_channels, base)
    parts = [reducer.add(samples[:12_345]), reducer.add(samples[12_345:]), reducer.finish()]
    bins, moments = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    assert np.array_equal(bins, run_in_blocks(LevelReducer(dtype, num_channels, base), samples, []))
    assert moments.tobytes() == run_in_blocks(MomentReducer(dtype, num_channels), samples, []).tobytes()
    assert SegmentReducer(dtype, num_channels, base, moments=False).add(samples)[1] is None
