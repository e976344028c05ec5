import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.envelope.counts import (
    count_bin_widths,
    count_level,
    merge_counts,
    num_count_bins,
)
from seriesview.errors import BuildError

events = st.lists(st.tuples(st.floats(0, 100), st.integers(0, 3)), max_size=150).map(sorted)


def split(pairs):
    return np.array([time for time, _ in pairs], float), np.array(
        [channel for _, channel in pairs], np.uint32
    )


@settings(max_examples=80, deadline=None)
@given(events, st.sampled_from([0.25, 1.0, 4.0]))
def test_counts_are_half_open_and_merge_exactly(pairs, width):
    times, channels = split(pairs)
    level = count_level(times, channels, 4, 0.0, width, num_count_bins(100, width))
    assert level.dtype == np.uint32
    assert level.sum() == len(pairs)
    for index, row in enumerate(level.tolist()):
        inside = [channel for time, channel in pairs if index * width <= time < (index + 1) * width]
        assert row == [inside.count(channel) for channel in range(4)]
    coarse = count_level(times, channels, 4, 0.0, 4 * width, num_count_bins(100, 4 * width))
    assert np.array_equal(merge_counts(level), coarse)


def test_events_outside_the_bins_are_not_counted():
    times, channels = np.array([-0.1, 0.0, 1.9, 2.0]), np.zeros(4, np.uint32)
    assert count_level(times, channels, 1, 0.0, 1.0, 2)[:, 0].tolist() == [1, 1]


def test_a_channel_out_of_range_is_refused():
    with pytest.raises(BuildError, match="channel"):
        count_level(np.array([0.0]), np.array([5]), 5, 0.0, 1.0, 1)


@pytest.mark.parametrize(
    ("duration", "num_events", "num_channels"), [(3600, 10**6, 1), (3600, 10**6, 400), (1, 5000, 2)]
)
def test_count_levels_cost_less_than_the_events(duration, num_events, num_channels):
    widths = count_bin_widths(duration, num_events, num_channels)
    bins = [num_count_bins(duration, width) for width in widths]
    assert bins[0] * num_channels * 2 <= num_events
    assert bins[-1] <= 1024
    assert all(count > 1024 for count in bins[:-1])
    assert all(b == 4 * a for a, b in itertools.pairwise(widths))


def test_few_events_need_no_count_levels():
    assert count_bin_widths(10, 1024, 1) == ()
    assert count_bin_widths(0, 5000, 1) == ()
    assert len(merge_counts(np.zeros((0, 3), np.uint32))) == 0
