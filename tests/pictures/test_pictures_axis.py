"""The time axis and the envelope of each column, against what the samples themselves say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.pictures.axis import covered, make_axis
from seriesview.pictures.traces import polyline_hull, read_envelope, read_rms


def brute_polyline(values, left, right):
    """Extremes of the polyline on [left, right], from its corners inside and its two cut ends."""
    corners = [left, *range(math.ceil(left), math.floor(right) + 1), right]
    heights = []
    for corner in corners:
        below = int(corner)
        above = min(below + 1, len(values) - 1)
        height = values[below] if corner == below else None
        if height is None:
            height = values[below] * (above - corner) + values[above] * (corner - below)
        heights.append(height)
    return min(heights), max(heights)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(-50, 50), min_size=1, max_size=30),
    cuts=st.lists(st.floats(0, 1), min_size=2, max_size=12),
)
def test_polyline_hull_is_the_extremes_of_the_polyline(values, cuts):
    samples = np.array(values, dtype=float)
    edges = np.sort(np.array(cuts)) * (len(values) - 1)
    found = polyline_hull(samples[:, None], edges)
    for column in range(len(edges) - 1):
        low, high = brute_polyline(samples, edges[column], edges[column + 1])
        np.testing.assert_allclose(found[column, :, 0], [low, high], atol=1e-9)


@pytest.mark.parametrize(("columns", "with_samples"), [(40, True), (40, False), (7, True), (300, True)])
def test_columns_of_bins_are_exactly_the_samples_extremes(make, columns, with_samples):
    rng = np.random.default_rng(3)
    samples = rng.integers(-3000, 3000, (20011, 3)).astype(np.int16)
    series = make.sampled([(5.0, samples)], 1000.0, factors=(16, 64), with_samples=with_samples, scale=-0.5)
    axis = make_axis(series, 5.0, 25.011, columns)
    assert axis.samples_per_column * columns >= 20011
    assert axis.columns >= 8 / 9 * columns - 1
    found = read_envelope(series, axis, ["c0", "c2"])
    for column in range(axis.columns):
        first = column * axis.samples_per_column
        piece = samples[first : first + axis.samples_per_column + 1, [0, 2]] * -0.5
        if len(piece) > 1:
            np.testing.assert_array_equal(found[column], [piece.min(axis=0), piece.max(axis=0)])


def test_a_stretch_begins_on_the_grid_less_than_a_column_early(make):
    samples = np.arange(100_000, dtype=np.int32)[:, None]
    series = make.sampled([(0.0, samples)], 1000.0, factors=(64, 256))
    axis = make_axis(series, 10.5, 90.0, 30)
    assert 10.5 - axis.seconds_per_column < axis.start <= 10.5
    assert axis.end >= 90.0
    first = round(axis.start * 1000)
    assert first % axis.samples_per_column == 0
    found = read_envelope(series, axis, ["c0"])
    assert (found[0, 0, 0], found[0, 1, 0]) == (first, first + axis.samples_per_column)


def test_gaps_hold_nothing_and_segments_lie_at_their_times(make):
    segments = [(0.0, np.full((5000, 1), 1.0)), (20.0, np.full((5000, 1), 2.0))]
    series = make.sampled(segments, 1000.0, factors=(64,))
    axis = make_axis(series, 0.0, 25.0, 50)
    found = read_envelope(series, axis, ["c0"])[:, 1, 0]
    inside = covered(series, axis)
    times = axis.start + (np.arange(axis.columns) + 0.5) * axis.seconds_per_column
    assert np.isnan(found[~inside]).all()
    clear = np.abs(times - 5.0) > 1
    np.testing.assert_array_equal(found[(times < 5) & clear], 1.0)
    assert not inside[(times > 6) & (times < 19)].any()
    np.testing.assert_array_equal(found[(times > 21) & (times < 24)], 2.0)


def test_close_up_every_column_of_a_short_series_is_drawn(make):
    samples = np.array([[0.0], [10.0], [np.nan], [4.0], [8.0]])
    series = make.sampled([(1.0, samples)], 2.0)
    axis = make_axis(series, 1.0, 3.5, 50)
    assert (axis.columns, axis.samples_per_column) == (50, 0)
    found = read_envelope(series, axis, ["c0"])[:, :, 0]
    np.testing.assert_allclose(found[0], [0.0, 1.0])
    np.testing.assert_allclose(found[9], [9.0, 10.0])
    assert np.isnan(found[11:29]).all()
    np.testing.assert_allclose(found[30], [4.0, 4.4])
    assert np.isnan(found[41:]).all()


def test_many_tiny_segments_share_columns(make):
    segments = [(float(n), np.array([[n]], dtype=np.int16)) for n in range(200)]
    series = make.sampled(segments, 1000.0)
    axis = make_axis(series, 0.0, 200.0, 10)
    found = read_envelope(series, axis, ["c0"])
    assert np.nanmin(found) == 0
    assert np.nanmax(found) == 199


def test_rms_of_columns(make):
    samples = np.concatenate([np.full((4096, 1), 3), np.full((4096, 1), -7)]).astype(np.int16)
    series = make.sampled([(0.0, samples)], 1000.0, factors=(64,), scale=2.0)
    axis = make_axis(series, 0.0, 8.192, 8)
    rms = read_rms(series, axis, ["c0"])[:, 0]
    np.testing.assert_allclose(rms[:3], 6.0)
    np.testing.assert_allclose(rms[-3:], 14.0)
