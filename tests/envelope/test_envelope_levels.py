import numpy as np
import pytest
from envelope_oracles import DTYPES, as_envelope_column, closed_bins
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.envelope.bins import default_base, level_factors, num_bins, sample_dtype
from seriesview.envelope.reduce import LevelMerger, LevelReducer
from seriesview.errors import BuildError


@st.composite
def recordings(draw, max_samples=300):
    """Samples (n, C) of any dtype with the values that trouble envelopes."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = (draw(st.integers(1, max_samples)), draw(st.sampled_from([1, 2, 3, 4, 5, 8, 32])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        low, high = draw(st.sampled_from([(limits.min, limits.max), (max(limits.min, -50), 100)]))
        return rng.integers(low, high, shape, dtype=dtype, endpoint=True)
    samples = rng.normal(0, 100, shape).astype(dtype)
    troubles = draw(st.lists(st.sampled_from([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0]), max_size=4))
    for trouble in troubles:
        samples[rng.random(shape) < draw(st.sampled_from([0.01, 0.3, 0.9]))] = trouble
    return samples


cuts = st.lists(st.integers(0, 120), max_size=12)


def run_in_blocks(reducer, rows, sizes):
    """Everything a reducer gives for rows cut at `sizes`, the rest as one block."""
    parts, first = [], 0
    for size in sizes:
        parts.append(reducer.add(rows[first : first + size]))
        first += size
    parts += [reducer.add(rows[first:]), reducer.finish()]
    return np.concatenate(parts)


def brute_level(samples, factor):
    columns = [as_envelope_column(closed_bins(column.tolist(), factor)) for column in samples.T]
    return np.array(columns, dtype=object).transpose(1, 2, 0).astype(samples.dtype)


@settings(max_examples=150, deadline=None)
@given(recordings(), st.sampled_from([2, 3, 7, 16, 64]), cuts)
def test_a_level_is_what_the_definition_says_however_the_segment_is_cut(samples, factor, sizes):
    level = run_in_blocks(LevelReducer(samples.dtype, samples.shape[1], factor), samples, sizes)
    assert level.dtype == samples.dtype
    assert len(level) == num_bins(len(samples), factor)
    assert level.tobytes() == brute_level(samples, factor).tobytes()


@settings(max_examples=80, deadline=None)
@given(recordings(), st.sampled_from([2, 5, 16]), st.sampled_from([2, 3, 4]), cuts)
def test_merging_a_level_equals_reducing_the_samples(samples, factor, ratio, sizes):
    num_channels = samples.shape[1]
    level = run_in_blocks(LevelReducer(samples.dtype, num_channels, factor), samples, [])
    merged = run_in_blocks(LevelMerger(samples.dtype, num_channels, ratio), level, sizes)
    direct = run_in_blocks(LevelReducer(samples.dtype, num_channels, factor * ratio), samples, sizes)
    assert merged.tobytes() == direct.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("num_channels", "factor"), [(1, 64), (3, 64), (32, 16), (384, 16), (5, 16), (1, 48)]
)
def test_blocks_larger_than_a_tile(dtype, num_channels, factor):
    rng = np.random.default_rng(3)
    rows = 300_000 // num_channels
    samples = rng.normal(60, 30, (rows, num_channels)).astype(dtype)
    level = run_in_blocks(LevelReducer(dtype, num_channels, factor), samples, [factor * 50, 7])
    starts = np.arange(num_bins(rows, factor)) * factor
    closing = samples[np.minimum(starts + factor, rows - 1)]
    lows = np.minimum(np.minimum.reduceat(samples, starts, axis=0), closing)
    highs = np.maximum(np.maximum.reduceat(samples, starts, axis=0), closing)
    assert np.array_equal(level, np.stack([lows, highs], axis=1))


def test_a_factor_too_large_to_stack():
    samples = np.random.default_rng(0).integers(-9999, 9999, (5000, 64)).astype(np.int64)
    level = run_in_blocks(LevelReducer(np.int64, 64, 1000), samples, [1234])
    assert np.array_equal(level[1], [samples[1000:2001].min(axis=0), samples[1000:2001].max(axis=0)])


def test_a_reducer_is_ready_for_the_next_segment():
    reducer = LevelReducer(np.int16, 2, 16)
    samples = np.arange(100, dtype=np.int16).reshape(50, 2)
    assert np.array_equal(run_in_blocks(reducer, samples, [17]), run_in_blocks(reducer, samples, [16, 33]))


def test_booleans_are_uint8():
    level = run_in_blocks(LevelReducer(bool, 1, 2), np.array([[True], [False], [False], [False]]), [])
    assert level.dtype == np.uint8
    assert level[:, :, 0].tolist() == [[0, 1], [0, 0]]


def test_strided_and_foreign_byte_order_blocks():
    samples = np.arange(400, dtype=np.int16).reshape(100, 4)
    expected = run_in_blocks(LevelReducer(np.int16, 2, 16), np.ascontiguousarray(samples[:, ::2]), [])
    foreign = samples.astype(samples.dtype.newbyteorder())[:, ::2]
    assert np.array_equal(run_in_blocks(LevelReducer(np.int16, 2, 16), foreign, [5]), expected)


def test_signalling_nans_are_nans_like_others():
    bits = np.array([0x7F800001, 0xFFC00007, 0x7F800001], np.uint32)
    level = run_in_blocks(LevelReducer(np.float32, 1, 2), bits.view(np.float32)[:, np.newaxis], [])
    assert level.tobytes() == np.full(2, np.nan, np.float32).tobytes()


@pytest.mark.parametrize("dtype", [complex, "U3", object, "datetime64[s]", np.longdouble])
def test_dtypes_that_cannot_be_shown(dtype):
    with pytest.raises(BuildError, match="cannot be shown"):
        sample_dtype(dtype)


@pytest.mark.parametrize(
    "samples", [np.zeros((3, 2), np.int32), np.zeros((3, 3), np.int16), np.zeros(3, np.int16)]
)
def test_blocks_of_another_dtype_or_shape_are_refused(samples):
    with pytest.raises(BuildError, match="block of samples"):
        LevelReducer(np.int16, 2, 16).add(samples)


def test_factors_below_two_are_refused():
    with pytest.raises(BuildError):
        LevelReducer(np.int16, 2, 1)


@pytest.mark.parametrize(
    ("lengths", "num_channels", "factors"),
    [
        ([1024], 32, ()),
        ([], 32, ()),
        ([0, 0], 1, ()),
        ([1025], 32, (16,)),
        ([16385], 32, (16,)),
        ([16386], 32, (16, 64)),
        ([16386], 4, (64,)),
        ([10] * 2000, 5, (16,)),
        ([20] * 2000, 5, (16, 64)),
    ],
)
def test_levels_run_from_the_base_to_the_first_of_at_most_1024_bins(lengths, num_channels, factors):
    assert level_factors(lengths, num_channels) == factors


def test_base_and_ratio_are_configurable():
    assert level_factors([10**6], 1, base=10, ratio=10) == (10, 100, 1000)
    with pytest.raises(BuildError):
        level_factors([10**6], 1, ratio=1)


@pytest.mark.parametrize(("num_channels", "share"), [(32, 0.17), (5, 0.17), (4, 0.042), (1, 0.042)])
def test_levels_are_small_beside_the_samples(num_channels, share):
    samples = 30_000 * 60
    stored = sum(2 * num_bins(samples, factor) for factor in level_factors([samples], num_channels))
    assert stored <= share * samples
    assert default_base(num_channels) == level_factors([samples], num_channels)[0]
