"""Numbers, durations and ticks as people read them."""

import pytest

from seriesview.pictures import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.195, "0.195"),
        (1234.5, "1234"),
        (-2.5, "-2.5"),
        (1e-9, "1e-09"),
        (3e7, "3e+07"),
        (100, "100"),
    ],
)
def test_numbers(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5e-6, "5 us"),
        (0.25, "250 ms"),
        (12.5, "12.5 s"),
        (72, "1 min 12 s"),
        (7384, "2 h 3 min"),
        (200000, "2 d 7 h"),
    ],
)
def test_durations(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("start", "end", "labels"),
    [
        (0, 72, ["0 s", "20 s", "40 s", "60 s"]),
        (10, 10.01, ["10.000 s", "10.005 s", "10.010 s"]),
        (0, 3600, ["0:00:00", "0:20:00", "0:40:00", "1:00:00"]),
        (0, 200, ["0:00:00", "0:01:00", "0:02:00", "0:03:00"]),
        (0, 30 * 86400, ["0 d", "10 d", "20 d", "30 d"]),
        (86400, 86400 + 7200, ["1 d 0:00", "1 d 0:30", "1 d 1:00", "1 d 1:30", "1 d 2:00"]),
    ],
)
def test_time_ticks(start, end, labels):
    assert words.time_ticks(start, end, 4)[1] == labels


def test_ticks_are_multiples_inside_the_range():
    assert words.ticks(-0.35, 1.02, 5) == pytest.approx([0, 0.5, 1.0])
    assert words.ticks(5, 5, 3) == [5.0]


@pytest.mark.parametrize(("value", "text"), [(0.0005, "500 uV"), (0.002, "2 mV"), (0.5, "0.5 volts")])
def test_volts_are_written_small(value, text):
    assert " ".join(words.quantity(value, "volts")) == text
