"""Levels of means, by blocks of any size, against means of everything at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from series_builder import bins_of_means

from seriesview.envelope.means import MeanMerger, MeanReducer
from seriesview.errors import BuildError


def in_blocks(rng, reducer, rows):
    """All bins of rows that are given in blocks."""
    found, row = [], 0
    while row < len(rows):
        block = int(rng.integers(0, 40))
        found.append(reducer.add(rows[row : row + block]))
        row += block
    return np.concatenate([*found, reducer.finish()])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=3),
    st.integers(2, 20),
    st.integers(2, 5),
    st.sampled_from(["float32", "float64"]),
    st.integers(0, 2**32),
)
def test_blocks_of_any_size_make_the_bins_of_the_whole_segment(lengths, factor, ratio, dtype, seed):
    rng = np.random.default_rng(seed)
    reducer, merger = MeanReducer(dtype, 3, factor), MeanMerger(dtype, 3, ratio)
    for length in lengths:
        samples = rng.exponential(5, (length, 3)).astype(dtype)
        samples[rng.random(samples.shape) < rng.choice([0, 0.1, 0.9])] = np.nan
        bins = in_blocks(rng, reducer, samples)
        np.testing.assert_allclose(bins, bins_of_means(samples, factor), rtol=1e-6)
        merged = in_blocks(rng, merger, bins)
        np.testing.assert_allclose(merged, bins_of_means(samples, factor * ratio), rtol=1e-5)


def test_integers_have_no_means():
    with pytest.raises(BuildError):
        MeanReducer("int16", 1, 16)
