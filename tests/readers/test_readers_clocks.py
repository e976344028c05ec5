"""What the numbers of a time axis count: units, epochs by size, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seriesview.readers.clocks import (
    ClockError,
    TimeSteps,
    TimeUnit,
    number_clock,
    parse_time_unit,
    stored_resolution,
)

T0 = 1_700_000_000
START = datetime.fromtimestamp(T0, UTC)


def clock_of(numbers: Any, unit: str | None = None, **options: Any) -> Any:
    return number_clock(np.asarray(numbers), None if unit is None else parse_time_unit(unit), **options)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float64])
@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_counts_since_1970_are_told_by_their_size(dtype: Any, unit: str, per_second: int) -> None:
    numbers = (T0 * per_second + np.arange(0, 10 * per_second, max(1, per_second // 100))).astype(dtype)
    clock = number_clock(numbers)
    assert clock.unit.name == f"unix {unit}"
    assert datetime.fromisoformat(clock.session_start) == START
    assert clock.decision.is_guess
    assert f"{unit} since 1970" in clock.decision.text
    expected = np.arange(0, 10 * per_second, max(1, per_second // 100)) / per_second
    np.testing.assert_allclose(clock.seconds(numbers), expected, atol=0 if dtype != np.float64 else 1e-6)
    # A unit that is given is one that is known: the date alone is a guess.
    assert number_clock(numbers, parse_time_unit(unit)).session_start == clock.session_start
    with pytest.raises(ClockError, match="more than 90 years"):
        number_clock(numbers, parse_time_unit("min"))


@given(
    st.integers(-(2**62), 2**62),
    st.lists(st.integers(0, 10**9), min_size=1),
    st.sampled_from([np.int64, np.uint64]),
)
def test_differences_of_integers_are_exact(zero: int, steps: list[int], dtype: Any) -> None:
    zero = abs(zero) if dtype is np.uint64 else zero
    numbers = np.array([zero + step for step in steps], dtype)
    assert TimeUnit("ns", 1, 10**9).seconds(numbers, zero).tolist() == [step / 10**9 for step in steps]
    before = np.array([zero], dtype)
    assert TimeUnit("ns", 1, 1).seconds(before, zero + steps[0]).tolist() == [-steps[0]]


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.float32])
def test_small_dtypes_do_not_overflow(dtype: Any) -> None:
    assert TimeUnit("days", 86400, 1).seconds(np.array([100, 101], dtype), 1).tolist() == [8553600, 8640000]


@pytest.mark.parametrize(
    ("numbers", "first"),
    [
        ([45352.25, 45352.5], "2024-03-01T06:00:00"),
        ([45352, 45353], "2024-03-01T00:00:00"),
        ([739312.25, 739312.5], "2024-03-01T06:00:00"),
    ],
)
def test_day_numbers_are_dates_where_the_name_says_so(numbers: list[float], first: str) -> None:
    clock = clock_of(numbers, is_date=True)
    assert (clock.session_start, clock.decision.is_guess) == (first, True)
    assert clock.seconds(np.array(numbers))[1] == pytest.approx((numbers[1] - numbers[0]) * 86400)
    zoned = clock_of(numbers, is_date=True, zone=ZoneInfo("Europe/Berlin"))
    assert zoned.session_start == first + "+01:00"
    assert clock_of(numbers).session_start is None


def test_other_counts_of_100_ns_are_told_by_their_size() -> None:
    filetime = int((START - datetime(1601, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 10
    assert datetime.fromisoformat(clock_of([filetime, filetime + 10]).session_start) == START
    ticks = 621_355_968_000_000_000 + T0 * 10**7
    assert clock_of([ticks, ticks + 10]).session_start == START.replace(tzinfo=None).isoformat()


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("seconds since 1970-01-01", "1970-01-01T00:00:10+00:00"),
        ("seconds since 1970-01-01T00:00:00Z", "1970-01-01T00:00:10+00:00"),
        ("Milliseconds since 2020-01-01 00:00:0.0", "2020-01-01T00:00:00.010000+00:00"),
        ("days since 2020-1-1 12:30 UTC", "2020-01-11T12:30:00+00:00"),
        ("hours since 2020-01-01 00:00:00 +5:30", "2020-01-01T10:00:00+05:30"),
        ("h since 2020-01-01 00:00:00 -0100", "2020-01-01T10:00:00-01:00"),
        ("unix", "1970-01-01T00:00:10+00:00"),
        ("unix ms", "1970-01-01T00:00:00.010000+00:00"),
        ("datenum", None),
    ],
)
def test_units_with_a_date(text: str, start: str | None) -> None:
    if start is None:
        with pytest.raises(ClockError, match="as datenum is"):
            clock_of([10, 11], text)
        return
    clock = clock_of([10, 11], text)
    assert (clock.session_start, clock.decision) == (start, None)


@pytest.mark.parametrize(
    ("text", "calendar", "message"),
    [
        ("furlongs", None, "is no unit of time; write s, ms"),
        ("months since 2020-01-01", None, "is no unit of time"),
        ("days since 2020-02-30", None, "no date that exists"),
        ("days since 1-1-1", None, "before the calendar of today"),
        ("days since 2020-01-01", "noleap", "calendar 'noleap' cannot be shown"),
    ],
)
def test_units_that_are_not_understood(text: str, calendar: str | None, message: str) -> None:
    with pytest.raises(ClockError, match=message):
        parse_time_unit(text, calendar)


def test_dates_before_the_calendar_of_today_need_its_name() -> None:
    unit = parse_time_unit("days since 1-1-1", "proleptic_gregorian")
    assert number_clock(np.array([730_000.0, 730_001.0]), unit).session_start == "1999-09-04T00:00:00+00:00"


@pytest.mark.parametrize(
    ("numbers", "unit", "message"),
    [
        ([5, 5, 5], None, "all times are 5, which tells no sample from another; set `sampling_frequency:`"),
        ([0, 2e6, 4e6, 6e6], None, r"2000000 s apart; use ms"),
        ([3.8e9, 3.8e9 + 1], None, r"cannot be seconds; use us or use seconds since 1904-01-01"),
        ([5e10, 5e10 + 1], None, "cannot be seconds"),
        ([5e9, 6e9], "s", "more than 90 years"),
        ([200_000, 200_001], "days since 1970-01-01", "is the year 2517"),
        ([1e300, 2e300], "days since 1970-01-01", "no year that there is"),
        ([-40_000, -39_999], "days since 1970-01-01", "is the year 1860"),
    ],
)
def test_times_that_cannot_be_are_refused(numbers: Any, unit: str | None, message: str) -> None:
    with pytest.raises(ClockError, match=message):
        clock_of(numbers, unit, hint="use {}".format)


def test_a_date_that_is_no_day_number_is_refused() -> None:
    with pytest.raises(ClockError, match="5 is no date that is understood; use excel"):
        clock_of([5, 6], is_date=True, hint="use {}".format)


def test_plain_seconds_count_from_their_own_zero() -> None:
    for numbers in ([0.0, 0.1], [12.5, 13.5], [-3, 4], [np.nan, 5.0, 6.0], []):
        clock = clock_of(numbers)
        assert (clock.unit.name, clock.zero, clock.session_start, clock.decision) == ("s", 0, None, None)
    assert clock_of([5, 5], are_samples=False).unit.name == "s"


def test_local_counts_as_a_clock_shows_them() -> None:
    unit = parse_time_unit("excel")
    shown = unit.nanoseconds(np.array([45352.25, 45352.5 + 1 / 86400]))
    expected = [datetime(2024, 3, 1, 6, tzinfo=UTC), datetime(2024, 3, 1, 12, 0, 1, tzinfo=UTC)]
    assert shown.tolist() == [int(date.timestamp()) * 10**9 for date in expected]
    nanoseconds = parse_time_unit("unix ns").nanoseconds(np.array([T0 * 10**9 + 1]))
    assert nanoseconds.tolist() == [T0 * 10**9 + 1]


def decision_of(times: Any, resolution: float = 0.0, block: int = 7) -> str | None:
    steps = TimeSteps()
    for first in range(0, len(times), block):
        steps.add(np.asarray(times[first : first + block], np.float64))
    decision = steps.decision(resolution)
    return None if decision is None else decision.text


def test_times_that_cannot_tell_samples_apart_are_said_so() -> None:
    exact = T0 + np.arange(1000) / 100
    assert decision_of(exact) is None
    assert decision_of([1.0]) is None
    assert "steps of 1 s, and 100 samples share one" in str(decision_of(np.floor(exact)))
    assert "told in steps" in str(decision_of([3.0, 3.0, 3.0]))
    single = exact.astype(np.float32)
    resolution = stored_resolution(single, TimeUnit("s", 1, 1))
    assert resolution == 128
    assert "steps of 128 s" in str(decision_of(single, resolution))
    close = (100_000 + np.arange(1000) / 100).astype(np.float32)
    assert "stored in steps of 0.00781 s, though samples are 0.01 s apart" in str(
        decision_of(close, stored_resolution(close, TimeUnit("s", 1, 1)))
    )
    # A few repeats, as a clock of 16 ms has them for samples that come by twos.
    assert decision_of([*range(100), 99]) is None
