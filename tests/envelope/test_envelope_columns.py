import itertools
import math

import numpy as np
import pytest
from envelope_oracles import (
    as_envelope_column,
    closed_bins,
    columns_between_samples,
    hull,
    sample_spans,
    source_factor,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.envelope.columns import (
    columns_from_bins,
    columns_from_samples,
    hull_of_spans,
    split_spans,
    unite_hulls,
)
from seriesview.envelope.ladder import zoom_ladder
from seriesview.envelope.reduce import LevelReducer
from seriesview.errors import RequestError

noise = np.random.default_rng(11)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(2, 90), st.sampled_from(["int16", "float32"]), st.integers(1, 6))
def test_columns_from_samples_are_closed(num_samples, samples_per_column, dtype, num_channels):
    samples = noise.normal(0, 99, (num_samples, num_channels)).astype(dtype)
    columns = columns_from_samples(samples, samples_per_column)
    for channel in range(num_channels):
        expected = as_envelope_column(closed_bins(samples[:, channel].tolist(), samples_per_column))
        assert columns[:, :, channel].tolist() == expected


@pytest.mark.parametrize("multiple", [1, 4, 5, 6, 7, 8, 10, 12, 14])
@pytest.mark.parametrize("num_samples", [1, 2, 16, 17, 5000])
def test_columns_from_bins_equal_columns_from_samples(multiple, num_samples):
    samples = noise.normal(0, 99, (num_samples, 3)).astype(np.int16)
    bins = columns_from_samples(samples, 16)
    assert np.array_equal(columns_from_bins(bins, multiple), columns_from_samples(samples, 16 * multiple))


@pytest.mark.parametrize("dtype", ["int8", "int16", "float16", "float64"])
@pytest.mark.parametrize(
    ("num_channels", "samples_per_column"), [(1, 65536), (1, 60001), (3, 20001), (4, 6001), (300, 2001)]
)
def test_columns_of_many_samples(dtype, num_channels, samples_per_column):
    samples = noise.normal(0, 30, (2 * samples_per_column + 5, num_channels)).astype(dtype)
    if samples.dtype.kind == "f":
        samples[noise.random(samples.shape) < 0.5] = np.nan
    columns = columns_from_samples(samples, samples_per_column)
    assert len(columns) == 3
    for index, column in enumerate(columns):
        inside = samples[index * samples_per_column : (index + 1) * samples_per_column + 1]
        np.testing.assert_array_equal(column[0], np.fmin.reduce(inside, axis=0))
        np.testing.assert_array_equal(column[1], np.fmax.reduce(inside, axis=0))


def test_columns_of_many_samples_that_come_in_blocks():
    samples = noise.integers(-99, 99, (150_000, 1)).astype(np.int16)
    reducer = LevelReducer(np.int16, 1, 60_001)
    blocks = [reducer.add(block) for block in np.array_split(samples, 7)]
    columns = np.concatenate([*blocks, reducer.finish()])
    assert np.array_equal(columns, columns_from_samples(samples, 60_001))


def test_columns_of_no_samples():
    assert columns_from_samples(np.zeros((0, 3), np.int16), 5).shape == (0, 2, 3)
    assert columns_from_bins(np.zeros((0, 2, 3), np.int16), 5).shape == (0, 2, 3)


def test_zooms_that_make_no_columns_are_refused():
    for function, rows in (
        (columns_from_samples, (4, 1)),
        (columns_from_bins, (4, 2, 1)),
    ):
        with pytest.raises(RequestError):
            function(np.zeros(rows), 0)


def test_columns_between_samples_hold_the_polyline():
    columns = columns_between_samples(np.array([[0], [4], [2]], np.int16), 4)
    assert columns[:, :, 0].tolist() == [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
        [3.5, 4],
        [3, 3.5],
        [2.5, 3],
        [2, 2.5],
    ]


def test_no_line_is_drawn_beside_a_missing_sample():
    columns = columns_between_samples(np.array([[1.0], [np.nan], [5.0]]), 3)[:, :, 0].tolist()
    assert [columns[0], columns[5]] == [[1, 1], [5, 5]]
    assert all(math.isnan(value) for column in columns[1:5] for value in column)


def test_a_flat_line_stays_flat_and_neighbours_touch():
    samples = np.array([[0.1], [0.1], [1 / 3], [-7.7]])
    columns = columns_between_samples(samples, 7)[:, :, 0]
    assert (columns[:7] == 0.1).all()
    assert all(max(a[0], b[0]) <= min(a[1], b[1]) for a, b in itertools.pairwise(columns))


times_and_edges = st.tuples(
    st.lists(st.integers(0, 60), min_size=1, max_size=200).map(sorted),
    st.lists(st.integers(-5, 65), min_size=2, max_size=30).map(sorted),
)


@settings(max_examples=100, deadline=None)
@given(times_and_edges, st.sampled_from(["int16", "float64"]), st.sampled_from([2, 4, 16]))
def test_columns_at_times_hold_the_samples_from_edge_to_edge(data, dtype, factor):
    times, edges = (np.array(values, float) for values in data)
    samples = noise.normal(0, 99, (len(times), 2)).astype(dtype)
    spans = sample_spans(times, edges)
    columns, counts = hull_of_spans(samples, spans), spans[:, 1] - spans[:, 0]
    bins = columns_from_samples(samples, factor)
    before, whole, behind = split_spans(spans, factor)
    assert (whole[:, 1] <= len(bins)).all()
    united = unite_hulls(
        hull_of_spans(samples, before), hull_of_spans(bins, whole), hull_of_spans(samples, behind)
    )
    assert united.tobytes() == columns.tobytes()
    for column in range(len(edges) - 1):
        inside = [i for i, time in enumerate(times) if edges[column] <= time <= edges[column + 1]]
        assert counts[column] == len(inside)
        assert (before[column, 1] - before[column, 0]) + (
            behind[column, 1] - behind[column, 0]
        ) <= 2 * factor + 1
        for channel in range(2):
            expected = hull([samples[i, channel].item() for i in inside])
            if expected is not None:
                assert tuple(columns[column, :, channel].tolist()) == expected


def test_columns_without_samples_are_empty_hulls():
    spans = sample_spans(np.array([1.0]), np.array([2.0, 3.0]))
    assert hull_of_spans(np.array([[5]], np.int16), spans)[0, :, 0].tolist() == [32767, -32768]
    assert np.isnan(hull_of_spans(np.array([[5.0]]), spans)).all()


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([(16, 4), (64, 4), (10, 10), (8, 2), (7, 3), (2, 4)]),
    st.integers(1, 5),
    st.integers(1, 10**7),
)
def test_the_ladder_climbs_by_a_quarter_at_most(base_ratio, num_levels, num_samples):
    base, ratio = base_ratio
    factors = tuple(base * ratio**index for index in range(num_levels))
    ladder = zoom_ladder(factors, num_samples)
    assert ladder[: min(4, len(ladder))] == (1, 2, 3, 4)[: len(ladder)]
    assert all(a < b <= 1.25 * a for a, b in itertools.pairwise(ladder) if a >= 4)
    assert ladder[-1] >= num_samples
    assert all(rung < num_samples for rung in ladder[:-1])
    for rung in ladder:
        source = source_factor(rung, factors)
        assert rung % source == 0
        assert (source == 1) == (rung < 4 * base)
        assert not any(factor > source and rung % factor == 0 for factor in factors if rung >= 4 * base)


def test_the_default_ladder():
    ladder = zoom_ladder((16, 64), 2000)
    assert ladder == (
        *(1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56),
        *(
            64,
            80,
            96,
            112,
            128,
            160,
            192,
            224,
            256,
            320,
            384,
            448,
            512,
            640,
            768,
            896,
            1024,
            1280,
            1536,
            1792,
            2048,
        ),
    )


def test_without_samples_the_ladder_starts_at_the_base():
    assert zoom_ladder((16, 64), 100, has_samples=False) == (16, 32, 48, 64, 80, 96, 112)
    assert [source_factor(zoom, (16, 64), has_samples=False) for zoom in (16, 48, 64, 17)] == [
        16,
        16,
        64,
        None,
    ]


def test_short_series_have_a_ladder_of_samples():
    assert zoom_ladder((), 9) == (1, 2, 3, 4, 5, 6, 7, 8, 10)
    assert zoom_ladder((), 1) == (1,)
    assert source_factor(10, ()) == 1
