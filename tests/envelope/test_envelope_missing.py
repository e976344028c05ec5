"""Missing values are passed over exactly as NaN is, in every dtype, and samples keep theirs."""

import math

import numpy as np
import pytest
from envelope_oracles import DTYPES, closed_bins, float_moments, hull, integer_moments
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.envelope.columns import columns_from_bins, columns_from_samples, hull_of_spans
from seriesview.envelope.missing import Missing, MissingValues
from seriesview.envelope.missing_reduce import level_merger, level_reducer, moment_reducer
from seriesview.envelope.moments import moments_dtype
from seriesview.envelope.segment import SegmentReducer


def run_in_blocks(reducer, rows, sizes):
    parts, first = [], 0
    for size in sizes:
        parts.append(reducer.add(rows[first : first + size]))
        first += size
    return np.concatenate([*parts, reducer.add(rows[first:]), reducer.finish()])


def is_missing(value, missing):
    """The definition, of one number."""
    if missing is None:
        return False
    below = missing.below is not None and value < missing.below
    return below or value in missing.values or (missing.above is not None and value > missing.above)


@st.composite
def missing_of(draw, dtype):
    """What may be missing in samples of a dtype: values that occur, or never do, and ends of a range."""
    if dtype.kind == "f":
        pool = [-99.0, 0.0, 2.0, 1024.0, math.inf, -math.inf, float(np.finfo(dtype).max)]
        ends = [-50.0, -1.0, 3.5, 40.0]
    else:
        limits = np.iinfo(dtype)
        pool = [int(limits.min), int(limits.max), 0, 1, 3, 7, int(limits.max) - 1]
        ends = [1, 2, 5, 90]
    values = tuple(draw(st.lists(st.sampled_from(pool), unique=True, max_size=3)))
    below = draw(st.none() | st.sampled_from(ends[:2]))
    above = draw(st.none() | st.sampled_from(ends[2:]))
    return Missing(values, below, above)


@st.composite
def recordings(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = (draw(st.integers(1, 400)), draw(st.sampled_from([1, 2, 3, 20])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype.kind == "f":
        samples = rng.integers(-100, 100, shape).astype(dtype)
        for trouble in draw(st.lists(st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 1024.0]), max_size=3)):
            samples[rng.random(shape) < draw(st.sampled_from([0.01, 0.5]))] = trouble
    else:
        limits = np.iinfo(dtype)
        low, high = draw(st.sampled_from([(0, 9), (limits.min, limits.max)]))
        samples = rng.integers(low, high, shape, dtype=dtype, endpoint=True)
    every = [draw(st.none() | missing_of(dtype)) for _ in range(shape[1])]
    missing = every if draw(st.booleans()) else [every[0]] * shape[1]
    for channel, each in enumerate(missing):
        listed = [value for value in each.values if value == value] if each is not None else []
        share = draw(st.sampled_from([0.0, 0.02, 0.9, 1.0]))
        for value in listed[:2]:
            samples[rng.random(shape[0]) < share, channel] = value
    return samples, missing


def columns_of(samples, missing):
    """Each channel's samples as a list of numbers, NaN where one is missing."""
    return [
        [math.nan if is_missing(value, each) else value for value in column.tolist()]
        for column, each in zip(samples.T, missing, strict=True)
    ]


def expected_bins(samples, missing, factor):
    """Envelope (bins, 2, C) by the definition."""
    found = []
    for column, each in zip(columns_of(samples, missing), missing, strict=True):
        nothing = (Missing() if each is None else each).fill(samples.dtype)
        pairs = [pair or (nothing, nothing) for pair in closed_bins(column, factor)]
        rows = [[low + 0, high + 0] for low, high in pairs]
        found.append(np.array(rows, samples.dtype))
    return np.stack(found, axis=2)


cuts = st.lists(st.integers(0, 200), max_size=5)


@settings(max_examples=250, deadline=None)
@given(recordings(), st.sampled_from([2, 5, 16, 64]), cuts)
def test_levels_pass_over_missing_values(recording, factor, sizes):
    samples, missing = recording
    values = MissingValues(samples.dtype, missing)
    level = run_in_blocks(level_reducer(samples.dtype, samples.shape[1], factor, values), samples, sizes)
    assert level.dtype == samples.dtype
    np.testing.assert_array_equal(level, expected_bins(samples, missing, factor))
    np.testing.assert_array_equal(level, columns_from_samples(samples, factor, values))


@settings(max_examples=150, deadline=None)
@given(recordings(), st.sampled_from([2, 4, 16]), st.sampled_from([2, 3, 4]), cuts)
def test_merged_bins_are_those_of_the_samples(recording, factor, ratio, sizes):
    samples, missing = recording
    values = MissingValues(samples.dtype, missing)
    level = columns_from_samples(samples, factor, values)
    merged = run_in_blocks(level_merger(samples.dtype, samples.shape[1], ratio, values), level, sizes)
    np.testing.assert_array_equal(merged, expected_bins(samples, missing, factor * ratio))
    np.testing.assert_array_equal(merged, columns_from_bins(level, ratio, values))


@settings(max_examples=150, deadline=None)
@given(recordings(), st.sampled_from([8, 64, 100]), cuts)
def test_moments_do_not_count_missing_values(recording, factor, sizes):
    samples, missing = recording
    values = MissingValues(samples.dtype, missing)
    found = run_in_blocks(moment_reducer(samples.dtype, samples.shape[1], factor, values), samples, sizes)
    expected = []
    is_exact = moments_dtype(samples.dtype) == np.dtype(np.int64)
    for column in columns_of(samples, missing):
        bins = [column[first : first + factor] for first in range(0, len(column), factor)]
        if is_exact:
            rows = [integer_moments([value for value in each if value == value]) for each in bins]
        else:
            rows = [float_moments([float(value) for value in each], factor) for each in bins]
        expected.append(rows)
    expected = np.moveaxis(np.array(expected), 0, 2).astype(moments_dtype(samples.dtype))
    assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


@settings(max_examples=60, deadline=None)
@given(recordings(), cuts)
def test_a_segments_reducer_makes_both(recording, sizes):
    samples, missing = recording
    values = MissingValues(samples.dtype, missing)
    reducer = SegmentReducer(samples.dtype, samples.shape[1], 16, moments_factor=64, missing=values)
    first, bins, moments = 0, [], []
    for size in [*sizes, len(samples)]:
        for into, rows in zip((bins, moments), reducer.add(samples[first : first + size]), strict=True):
            into.append(rows)
        first += size
    last = reducer.finish()
    np.testing.assert_array_equal(np.concatenate([*bins, last[0]]), expected_bins(samples, missing, 16))
    alone = run_in_blocks(moment_reducer(samples.dtype, samples.shape[1], 64, values), samples, [])
    assert np.concatenate([*moments, last[1]]).tobytes() == alone.tobytes()


@settings(max_examples=150, deadline=None)
@given(recordings(), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), min_size=1, max_size=6))
def test_hulls_of_spans_pass_over_missing_values(recording, spans):
    samples, missing = recording
    values = MissingValues(samples.dtype, missing)
    ends = np.array([[min(a, len(samples)), min(a + n, len(samples))] for a, n in spans])
    found = values.closed(hull_of_spans(samples, ends, values))
    for (first, last), hulls in zip(ends, found, strict=True):
        for column, each, pair in zip(columns_of(samples, missing), missing, hulls.T, strict=True):
            nothing = (Missing() if each is None else each).fill(samples.dtype)
            expected = hull(column[first:last]) or (nothing, nothing)
            np.testing.assert_array_equal(pair, np.array(expected, samples.dtype) + samples.dtype.type(0))


@settings(max_examples=60, deadline=None)
@given(recordings(), st.data())
def test_chosen_channels_keep_their_own(recording, data):
    samples, missing = recording
    width = samples.shape[1]
    chosen = np.array(data.draw(st.lists(st.integers(0, width - 1), min_size=1, max_size=4)), np.intp)
    values = MissingValues(samples.dtype, missing)
    np.testing.assert_array_equal(
        values.select(chosen).mask(samples[:, chosen]), values.mask(samples)[:, chosen]
    )
    np.testing.assert_array_equal(values.select(chosen).fill, values.fill[chosen])


@pytest.mark.parametrize("fill", [2**63 - 1, -(2**63), 2**53 + 1])
def test_64_bit_integers_are_told_apart_exactly(fill):
    samples = np.array([[fill], [fill - 1 if fill > 0 else fill + 1], [5]], np.int64)
    values = MissingValues(np.int64, [Missing((fill,))])
    assert values.mask(samples)[:, 0].tolist() == [True, False, False]
    assert columns_from_samples(samples, 2, values)[0, :, 0].tolist() == sorted([int(samples[1, 0]), 5])


def test_what_a_bin_with_nothing_holds():
    assert Missing((7, 8), below=0).fill(np.int16) == 7
    assert Missing(below=0).fill(np.int16) == -32768
    assert Missing(above=9).fill(np.uint16) == 65535
    assert Missing(below=1, above=9).fill(np.uint16) == 0
    assert math.isnan(Missing((7.0,)).fill(np.float32))
