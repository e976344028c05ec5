"""Timestamps to segments and rates, against brute force over all timestamps at once."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.build.timeline import Timeline, analyse_timestamps
from seriesview.errors import BuildError

Floats = npt.NDArray[np.float64]


def in_blocks(times: list[float] | Floats, size: int = 1000) -> Callable[[], Iterator[Floats]]:
    array = np.asarray(times, np.float64)

    def blocks() -> Iterator[Floats]:
        for first in range(0, len(array), size):
            yield array[first : first + size].copy()

    return blocks


def lengths(timeline: Timeline) -> list[int]:
    return [segment.num_samples for segment in timeline.segments]


@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from([0.1, 1.0, 25.0, 29.97, 117.0, 1000.0, 1250.0, 30000.0, 24414.0625]),
    start=st.sampled_from([0.0, -3.5, 12.25, 1.48e6]),
    counts=st.lists(st.integers(50, 700), min_size=1, max_size=4),
    gaps=st.lists(st.integers(8, 5000), min_size=4, max_size=4),
    block=st.integers(1, 400),
)
def test_even_timestamps_become_a_rate_and_their_gaps_segments(
    rate: float, start: float, counts: list[int], gaps: list[int], block: int
) -> None:
    pieces, begin = [], 0
    for count, gap in zip(counts, gaps, strict=False):
        pieces.append(start + np.arange(begin, begin + count) / rate)
        begin += count + gap
    timeline = analyse_timestamps(in_blocks(np.concatenate(pieces), block))
    assert timeline.sampling_frequency == pytest.approx(rate, rel=1e-6)
    assert lengths(timeline) == counts
    assert [segment.start_time for segment in timeline.segments] == [piece[0] for piece in pieces]
    assert [segment.first_sample for segment in timeline.segments] == [
        sum(counts[:i]) for i in range(len(counts))
    ]
    for segment in timeline.segments:
        assert segment.end_time == pytest.approx(segment.start_time + segment.num_samples / rate)


@settings(max_examples=80, deadline=None)
@given(
    steps=st.lists(
        st.sampled_from([0.0, 0.01, 0.5, 0.9, 1.0, 1.0, 1.0, 1.1, 2.0, 3.0, 40.0]), min_size=0, max_size=60
    ),
    max_gap=st.sampled_from([0.95, 1.5, 10.0]),
    block=st.integers(1, 20),
)
def test_configured_gaps_split_exactly_where_they_are_exceeded(
    steps: list[float], max_gap: float, block: int
) -> None:
    times = np.cumsum([5.0, *steps])
    expected = [1]
    for before, after in pairwise(times):
        if after - before > max_gap:
            expected.append(1)
        else:
            expected[-1] += 1
    timeline = analyse_timestamps(in_blocks(times, block), max_gap_seconds=max_gap)
    assert lengths(timeline) == expected
    check_regularity(timeline, times)


def check_regularity(timeline: Timeline, times: Floats, max_time_shift: float = 1e-3) -> None:
    """With a rate every timestamp is within half a sample, and the allowed shift, of its place."""
    if timeline.sampling_frequency is None:
        assert timeline.largest_deviation == 0
        return
    worst = 0.0
    for segment in timeline.segments:
        for index in range(segment.num_samples):
            place = segment.start_time + index / timeline.sampling_frequency
            worst = max(worst, abs(times[segment.first_sample + index] - place))
    assert worst <= min(0.5 / timeline.sampling_frequency, max_time_shift) * (1 + 1e-9) + 8 * math.ulp(
        times[-1]
    )
    assert timeline.largest_deviation == pytest.approx(worst, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    jitter=st.floats(0, 0.45),
    rate=st.sampled_from([0.01, 1.0, 250.0, 30_000.0]),
    block=st.integers(1, 3000),
)
def test_jitter_is_regular_below_half_a_sample_and_the_allowed_shift(
    seed: int, jitter: float, rate: float, block: int
) -> None:
    random = np.random.default_rng(seed)
    times = (np.arange(1000) + random.uniform(-jitter, jitter, 1000)) / rate
    even = analyse_timestamps(in_blocks(times, block), max_time_shift=math.inf)
    assert even.sampling_frequency == pytest.approx(rate, rel=2e-4)
    assert lengths(even) == [1000]
    check_regularity(even, times, math.inf)
    timeline = analyse_timestamps(in_blocks(times, block))
    check_regularity(timeline, times)
    # Even times have the same segments whether or not a rate takes their place.
    assert lengths(timeline) == lengths(even)
    if jitter / rate <= 4e-4:
        assert timeline.sampling_frequency == even.sampling_frequency
    if np.ptp(times - np.arange(1000) / even.sampling_frequency) > 2.1e-3:
        assert timeline.sampling_frequency is None
        assert timeline.near_rate == pytest.approx(even.sampling_frequency)
        assert timeline.near_deviation > 1e-3


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.sampled_from([0.0, 0.999, 1.0, 1.0, 1.0, 1.0, 1.0005, 1.3, 2.0, 50.0]), max_size=60),
    scale=st.sampled_from([1e-3, 0.1, 86400.0]),
    max_time_shift=st.sampled_from([0.0, 1e-5, 1e-3, 0.3, 1e5]),
    max_gap=st.one_of(st.none(), st.just(1.5)),
    block=st.integers(1, 70),
)
def test_no_sample_is_moved_further_than_allowed(
    steps: list[float], scale: float, max_time_shift: float, max_gap: float | None, block: int
) -> None:
    times = np.cumsum([5.0, *steps]) * scale
    limit = None if max_gap is None else max_gap * scale
    timeline = analyse_timestamps(in_blocks(times, block), limit, max_time_shift=max_time_shift)
    assert sum(lengths(timeline)) == len(times)
    check_regularity(timeline, times, max_time_shift)


def test_daily_readings_stay_where_they_were() -> None:
    hours = np.random.default_rng(4).integers(8, 18, 60)
    times = np.arange(60) * 86400.0 + hours * 3600.0
    timeline = analyse_timestamps(in_blocks(times))
    assert timeline.sampling_frequency is None
    assert lengths(timeline) == [60]
    assert (timeline.near_rate or 0) * 86400 == pytest.approx(1, rel=0.01)
    assert timeline.near_deviation > 3600
    gap = np.where(np.arange(60) < 30, times, times + 40 * 86400)
    assert lengths(analyse_timestamps(in_blocks(gap))) == [30, 30]
    assert analyse_timestamps(in_blocks(times), max_time_shift=1e5).sampling_frequency is not None


@pytest.mark.parametrize(
    ("digits", "rate", "is_regular"), [(3, 300.0, True), (3, 60.0, True), (2, 60.0, False)]
)
def test_times_written_with_few_digits(digits: int, rate: float, is_regular: bool) -> None:
    times = np.round(np.arange(5000) / rate, digits)
    timeline = analyse_timestamps(in_blocks(times))
    assert (timeline.sampling_frequency is not None) == is_regular
    assert timeline.sampling_frequency or timeline.near_rate == pytest.approx(rate, rel=1e-6)


def test_a_missing_sample_in_a_slow_recording_is_a_gap_and_no_shift() -> None:
    times = np.delete(np.arange(300.0), [120])
    timeline = analyse_timestamps(in_blocks(times))
    assert (timeline.sampling_frequency, lengths(timeline)) == (1.0, [120, 179])
    assert timeline.largest_deviation == 0


def test_rates_come_out_round_where_the_timestamps_allow_it() -> None:
    for rate in (30000.0, 1250.0, 117.0, 24414.0625, 0.5):
        assert analyse_timestamps(in_blocks(np.arange(5000) / rate)).sampling_frequency == rate
    rounded = np.round(np.arange(100_000) / 60, 3)
    assert analyse_timestamps(in_blocks(rounded)).sampling_frequency == pytest.approx(60, rel=1e-7)


def test_a_single_missing_sample_begins_a_segment() -> None:
    times = np.delete(np.arange(3000) / 1000, [500, 1700, 1701])
    timeline = analyse_timestamps(in_blocks(times))
    assert timeline.sampling_frequency == 1000
    assert lengths(timeline) == [500, 1199, 1298]


def test_uneven_timestamps_stay_as_they_are() -> None:
    random = np.random.default_rng(4)
    times = np.cumsum(random.exponential(0.1, 20_000))
    times[10_000:] += 3600
    timeline = analyse_timestamps(in_blocks(times))
    assert timeline.sampling_frequency is None
    assert lengths(timeline) == [10_000, 10_000]
    assert timeline.segments[0].start_time == times[0]
    assert timeline.segments[1].end_time == times[-1]


def test_segments_of_different_rates_are_not_regular() -> None:
    times = np.concatenate([np.arange(1000) / 100, 1000 + np.arange(1000) / 130])
    assert analyse_timestamps(in_blocks(times), max_gap_seconds=10).sampling_frequency is None


def test_repeats_are_kept() -> None:
    times = np.repeat(np.arange(0, 50, 0.016), [1, 2, 3, 1, 2] * 625)
    timeline = analyse_timestamps(in_blocks(times))
    assert timeline.sampling_frequency is None
    assert lengths(timeline) == [len(times)]
    assert lengths(analyse_timestamps(in_blocks([2.0] * 10))) == [10]


def test_only_the_given_rate_is_tried() -> None:
    times = np.arange(1000) / 100
    assert analyse_timestamps(in_blocks(times), given_rate=100.0).sampling_frequency == 100
    assert analyse_timestamps(in_blocks(times), given_rate=90.0).sampling_frequency is None


def test_one_sample_has_no_rate_of_its_own() -> None:
    timeline = analyse_timestamps(in_blocks([7.5]))
    assert timeline.sampling_frequency is None
    assert [(s.start_time, s.end_time, s.num_samples) for s in timeline.segments] == [(7.5, 7.5, 1)]
    assert analyse_timestamps(in_blocks([7.5]), given_rate=10.0).segments[0].end_time == 7.6


def test_more_intervals_than_are_kept_still_give_the_median() -> None:
    times = np.arange(600_000) / 30_000
    times[400_000:] += 1.0
    timeline = analyse_timestamps(in_blocks(times, 70_001))
    assert timeline.sampling_frequency == 30_000
    assert lengths(timeline) == [400_000, 200_000]


@pytest.mark.parametrize("block", [1, 3, 100])
@pytest.mark.parametrize("index", [0, 1, 3, 5, 6])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_missing_times_are_errors_that_name_the_sample(block: int, index: int, bad: float) -> None:
    times = np.arange(7.0)
    times[index] = bad
    with pytest.raises(BuildError, match=rf"sample {index} has the time (nan|inf)"):
        analyse_timestamps(in_blocks(times, block))


@pytest.mark.parametrize("block", [1, 3, 100])
@pytest.mark.parametrize("index", [1, 3, 6])
def test_times_that_go_back_are_errors_that_name_the_sample_and_both_values(block: int, index: int) -> None:
    times = np.arange(7.0) + 0.25
    times[index:] -= 1.5
    message = rf"go back at sample {index}: {index - 1.25} s after {index - 0.75} s"
    with pytest.raises(BuildError, match=message):
        analyse_timestamps(in_blocks(times, block))


def test_no_timestamps_are_an_error() -> None:
    with pytest.raises(BuildError, match="no samples"):
        analyse_timestamps(in_blocks([]))


@pytest.mark.parametrize("missing", [1, 2, 3])
@pytest.mark.parametrize("at", [1, 500, 998])
def test_a_single_gap_is_a_jump_however_short(missing: int, at: int) -> None:
    times = np.arange(1000) / 250.0
    times[at:] += missing / 250.0
    timeline = analyse_timestamps(lambda: [times])
    assert timeline.sampling_frequency == 250.0
    assert [segment.num_samples for segment in timeline.segments] == [at, 1000 - at]
