"""Series whose levels hold means: their columns, spans and statistics, and whole builds of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from second_reader import SecondReader
from series_builder import store_series

from seriesview.series.series import open_series
from seriesview.store import open_store


def density(rng, lengths, channels=2):
    """Segments of a density with holes."""
    found = [rng.exponential(5, (length, channels)).astype(np.float32) for length in lengths]
    for samples in found:
        samples[rng.random(samples.shape) < 0.1] = np.nan
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(tmp_path_factory.mktemp("store"), "embedded")


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 300), st.integers(2, 130), st.integers(0, 299), st.booleans(), st.integers(0, 2**32))
def test_columns_are_the_means_of_their_samples(store, length, step, first, is_aligned, seed):
    rng = np.random.default_rng(seed)
    segments = density(rng, [17, length])
    uri = store_series(store, segments, kind="means")
    first = first % length
    if is_aligned:
        first, step = first // 16 * 16, -(-step // 16) * 16
    with open_series(uri, store) as series:
        found = series.window(1, first, step, 10_000)
    count = max(1, -(-(length - 1 - first) // step))
    assert found.shape == (count, 2, 2)
    for column in range(count):
        samples = segments[1][
            first + column * step : max(min(first + (column + 1) * step, length - 1), first + 1)
        ].astype(np.float64)
        is_there = ~np.isnan(samples)
        for channel in range(2):
            numbers = samples[is_there[:, channel], channel]
            mean = numbers.mean() if len(numbers) else np.nan
            np.testing.assert_allclose(found[column, :, channel], mean, rtol=1e-5)
    second = SecondReader(store.directory, uri)
    np.testing.assert_allclose(second.columns(1, first, step), found, rtol=1e-5)


def test_statistics_tell_the_extremes_of_the_samples_and_times_their_means(store):
    rng = np.random.default_rng(0)
    [samples] = density(rng, [500])
    with open_series(store_series(store, [samples], kind="means"), store) as series:
        found = series.statistics(0, 3, 400)
        np.testing.assert_array_equal(found["max"], np.nanmax(samples[3:401], axis=0))
        np.testing.assert_array_equal(found["min"], np.nanmin(samples[3:401], axis=0))
        columns = series.time_window(0.0, 50.0, 5)
    np.testing.assert_allclose(columns.envelope[0, 0], np.nanmean(samples[:100], axis=0), rtol=0.1)
    np.testing.assert_array_equal(columns.envelope[:, 0], columns.envelope[:, 1])
