"""Text tables: how they are written, what their columns are, and the exactness of numbers and times."""

import csv as stdlib_csv
import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording

RATE: dict[str, Any] = {"sampling_frequency": 10.0}


def opened(directory: Path, text: str | bytes, name: str = "a.csv", **options: Any) -> Recording:
    path = directory / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return open_recording(path, options=ReadOptions(**options))


def values(recording: Recording) -> Any:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    recording.read_into(0, out)
    return out


def times(recording: Recording) -> list[float]:
    return recording.timestamps(0, recording.num_samples).tolist()


def labels(recording: Recording) -> list[str]:
    return [channel.label for channel in recording.channels]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1.5,-2\n3.25,4\n",
        "a;b\n1.5;-2\n3.25;4\n",
        "a;b\n1,5;-2\n3,25;4\n",
        "a\tb\n1.5\t-2\n3.25\t4\n",
        "a\tb\n1,5\t-2\n3,25\t4\n",
        "a b\n1.5  -2\n 3.25 4\n",
        "a, b\r\n1.5, -2\r\n3.25, 4\r\n",
        "a,b\r1.5,-2\r3.25,4\r",
        "\ufeffa,b\n1.5,-2\n3.25,4",
        '"a","b"\n"1.5","-2"\n"3.25","4"\n',
        '"a";"b"\n"1,5";"-2"\n"3,25";"4"\n',
        "# made by hand\n\na,b\n1.5,-2\n# in between, with comma\n\n3.25,4\n",
        "# by savetxt\n# a,b\n1.5,-2\n3.25,4\n",
        "% a;b\n1.5;-2\n3.25;4\n",
        "a,b,\n1.5,-2,\n3.25,4,\n",
        ",a,b\n0,1.5,-2\n1,3.25,4\n",
        "a,b\n0,1.5,-2\n1,3.25,4\n",
        "a,b,note\n1.5,-2,good\n3.25,4,bad\n",
    ],
)
def test_every_way_of_writing_a_table_reads_the_same(tmp_path: Path, text: str) -> None:
    recording = opened(tmp_path, text, **RATE)
    assert labels(recording) == ["a", "b"]
    assert values(recording).tolist() == [[1.5, -2], [3.25, 4]]


CELLS = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(allow_nan=False, width=64), st.just(""), st.just("NaN")
)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=30)
    ),
    delimiter=st.sampled_from([",", ";", "\t"]),
    quoting=st.sampled_from([stdlib_csv.QUOTE_MINIMAL, stdlib_csv.QUOTE_ALL]),
)
def test_numbers_are_those_that_python_reads(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[Any]], delimiter: str, quoting: Any
) -> None:
    stream = io.StringIO()
    writer = stdlib_csv.writer(stream, delimiter=delimiter, quoting=quoting)
    names = [f"v{i}" for i in range(len(rows[0]))]
    # A first row of numbers keeps a column of nothing but empty cells from looking like a table's end.
    rows = [[1] * len(names), *rows]
    writer.writerows([names, *rows])
    recording = opened(tmp_path_factory.mktemp("csv"), stream.getvalue(), **RATE)
    expected = np.array([[float(cell) if cell != "" else np.nan for cell in row] for row in rows])
    if all(isinstance(cell, int) for row in rows for cell in row):
        assert recording.dtype == np.int32
    else:
        assert recording.dtype == np.float64
    np.testing.assert_array_equal(values(recording), expected)


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (["1", "-2", "+3"], np.int32),
        (["1", "2147483647", "-2147483648"], np.int32),
        (["1", "2147483648"], np.int64),
        (["9223372036854775807", "-9223372036854775808"], np.int64),
        (["1", "9223372036854775808"], np.uint64),
        (["-1", "9223372036854775808"], np.float64),
        (["1", "18446744073709551616"], np.float64),
        (["1", "2.0"], np.float64),
        (["1", "1e3"], np.float64),
        (["1", "nan"], np.float64),
        (["inf", "-inf"], np.float64),
    ],
)
def test_integers_stay_integers(tmp_path: Path, cells: list[str], dtype: Any) -> None:
    recording = opened(tmp_path, "\n".join(cells), **RATE)
    assert recording.dtype == dtype
    convert = int if recording.dtype.kind in "iu" else float
    np.testing.assert_array_equal(values(recording)[:, 0], np.array([convert(cell) for cell in cells], dtype))


@pytest.mark.parametrize(
    ("odd", "dtype", "is_said"),
    [
        (str(2**64 - 1), np.uint64, False),
        (str(2**63), np.uint64, False),
        (str(-(2**63)), np.int64, False),
        (str(2**64), np.float64, True),
        ("", np.float64, True),
        ("0.5", np.float64, False),
        ("1e36", np.float64, False),
    ],
)
@pytest.mark.parametrize("is_last", [True, False])
def test_integers_of_64_bits_keep_their_digits_or_are_said_to_lose_them(
    tmp_path: Path, odd: str, dtype: Any, is_said: bool, is_last: bool
) -> None:
    count = 100_000
    cells = [f"{2**53 + 2 * i + 1},1" for i in range(count)]
    cells.insert(count if is_last else 0, f"{odd},1")
    recording = opened(tmp_path, "t,v,w\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells)))
    assert recording.dtype == dtype
    if np.dtype(dtype).kind in "iu":
        assert values(recording)[:, 0].tolist() == [int(cell.split(",")[0]) for cell in cells]
    said = [decision for decision in recording.decisions if "integers beyond 2^53 in v lose" in decision.text]
    assert len(said) == is_said
    assert all(decision.is_guess for decision in said)


def test_integers_become_floats_exactly_where_a_late_line_needs_it(tmp_path: Path) -> None:
    count = 400_000
    text = "".join(f"{i % 977},{i % 31}\n" for i in range(count)) + "0.5,\n"
    recording = opened(tmp_path, text, **RATE)
    read = values(recording)
    assert recording.dtype == np.float64
    assert (read[:count, 0] == np.arange(count) % 977).all()
    assert (read[:count, 1] == np.arange(count) % 31).all()
    assert read[count, 0] == 0.5
    assert np.isnan(read[count, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,x\n", "line 3, column b: 'x' is not a number"),
        ("# c\na,b\n\n1,2\n3,1_0\n", "line 5, column b: '1_0' is not a number"),
        ("a,b\n1,2\n3\n", "line 3 has 1 columns, but the table has 2"),
        ("a,b\n1,2\n3,4\n3,4,5\n6\n", "line 4 has 3 columns"),
        ("1,2\n3,0x10\n", "line 2, column 1: '0x10'"),
        ("", "no samples"),
        ("a,b\n", "no samples"),
        ("# nothing\n", "no samples"),
        ("name,colour\nx,red\ny,blue\n", "no column of numbers"),
        (
            "time,a\n10:00:06,1\n10:00:07,2\n2024-03-01 10:00:08,3\n",
            "line 4, column time: a time without a date among",
        ),
        (
            "time,a\n2024-03-01 10:00:08,3\n2024-03-01 10:00:09,3\n10:00:10,1\n",
            "line 4, column time: a time without",
        ),
    ],
)
def test_errors_name_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ReaderError, match=message):
        opened(tmp_path, text, **RATE)


def test_a_bad_cell_far_into_the_table_is_found_by_its_line(tmp_path: Path) -> None:
    lines = [f"{i},{i / 7}" for i in range(150_000)]
    lines[140_000] = "140000,oops"
    with pytest.raises(ReaderError, match="line 140001, column 1: 'oops'"):
        opened(tmp_path, "\n".join(lines), **RATE)


def test_a_last_line_cut_short_may_be_dropped(tmp_path: Path) -> None:
    text = "a,b\n1,2\n3,4\n5"
    with pytest.raises(ReaderError, match="line 4"):
        opened(tmp_path, text, **RATE)
    assert values(opened(tmp_path, text, **RATE, allow_truncated=True)).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("name", "factor"),
    [
        ("time", 1),
        ("Time (s)", 1),
        ("t", 1),
        ("timestamps", 1),
        ("time (ms)", 1e-3),
        ("Time [us]", 1e-6),
        ("time_ms", 1e-3),
        ("timestamp (ns)", 1e-9),
        ("ms", 1e-3),
        ("t [min]", 60),
    ],
)
def test_the_time_column_is_found_by_its_name_and_its_unit(tmp_path: Path, name: str, factor: float) -> None:
    recording = opened(tmp_path, f"hr (bpm),{name}\n60,1\n61,2\n62,4\n")
    assert recording.sampling_frequency is None
    assert times(recording) == pytest.approx([1 * factor, 2 * factor, 4 * factor], rel=1e-15)
    assert (labels(recording), recording.unit) == (["hr"], "bpm")


def test_the_time_column_can_be_named(tmp_path: Path) -> None:
    text = "stamp,x,y\n10,1,2\n20,3,4\n"
    assert times(opened(tmp_path, text, timestamps="stamp")) == [10, 20]
    assert times(opened(tmp_path, text, timestamps="Stamp (ms)")) == [0.01, 0.02]
    assert labels(opened(tmp_path, text, timestamps="stamp", dataset="y")) == ["y"]
    with pytest.raises(ReaderError, match=r"no column 'when'; there are stamp, x, y"):
        opened(tmp_path, text, timestamps="when")
    with pytest.raises(ReaderError, match="no unit of time"):
        opened(tmp_path, text, timestamps="stamp (furlong)")
    with pytest.raises(ReaderError, match=r"no column of times.*stamp, x, y"):
        opened(tmp_path, text)
    with pytest.raises(ReaderError, match=r"no column 'z'"):
        opened(tmp_path, text, timestamps="stamp", dataset="z")


def test_a_configured_rate_wins_over_a_column_of_times(tmp_path: Path) -> None:
    text = "time,x\n5,1\n6.1,2\n"
    recording = opened(tmp_path, text, sampling_frequency=1.0)
    assert (recording.sampling_frequency, recording.start_time, labels(recording)) == (1.0, 5.0, ["x"])
    assert opened(tmp_path, text, sampling_frequency=1.0, timestamps="time").sampling_frequency is None
    assert opened(tmp_path, text, sampling_frequency=1.0, type="discrete").sampling_frequency is None


def test_repeated_times_are_fine_and_others_are_errors_that_name_lines(tmp_path: Path) -> None:
    assert times(opened(tmp_path, "t,x\n1,0\n1,0\n2,0\n")) == [1, 1, 2]
    with pytest.raises(ReaderError, match=r"goes back from 2.5 s in line 3 to 2.0 s in line 5 \(row 2\)"):
        opened(tmp_path, "t,x\n1,0\n2.5,0\n# c\n2,0\n")
    for cell in ("", "nan", "inf"):
        with pytest.raises(ReaderError, match=r"line 3 \(row 1\) has no time"):
            opened(tmp_path, f"t,x\n1,0\n{cell},0\n")


def test_times_that_go_back_between_blocks_are_found(tmp_path: Path) -> None:
    lines = [f"{i}.000000000000,1" for i in range(100_000)]
    for at in range(40_000, 100_000):
        lines[at] = f"{at - 2}.000000000000,1"
    with pytest.raises(ReaderError, match=r"from 39999.0 s in line 40001 to 39998.0 s in line 40002"):
        opened(tmp_path, "t,x\n" + "\n".join(lines))


WALL_CLOCK = [
    ("2016-11-24 13:58:58.081000", "2016-11-24 13:58:58.097", 0.016),
    ("2016-11-24T13:58:58Z", "2016-11-24T13:58:59.5Z", 1.5),
    ("2016-11-24T13:58:58+01:00", "2016-11-24T12:58:59Z", 1.0),
    ("2016/11/24 13:58", "2016/11/24 13:59", 60.0),
    ("2016-02-29 23:59:59,999", "2016-03-01 00:00:00,001", 0.002),
    ("13:58:58.081", "13:58:58.1", 0.019),
    ("23:59:59", "00:00:01", 2.0),
    ("24.11.2016 13:58:58,5", "24.11.2016 13:58:59", 0.5),
    ("24.11.2016 9:58", "24.11.2016 10:01", 180.0),
    ("1.2.2016 9:58:00", "31.3.2016 9:58:00", 59 * 86400.0),
    ("2016-11-24 9:58:58 AM", "2016-11-24 12:00:58 PM", 7320.0),
    ("2016-11-24 12:30:00 am", "2016-11-24 01:30:00 pm", 46800.0),
    ("2016-11-24", "2016-11-26", 172800.0),
    ("0 days 23:59:59.500000000", "1 days 00:00:00.000000000", 0.5),
    ("9 days, 23:00:00", "11 days, 01:00:00", 93600.0),
    ("2016-11-24 13:58:58.123456789", "2016-11-24 13:58:58.123456999", 1e-9 * 999),
]


@pytest.mark.parametrize(("first", "second", "later"), WALL_CLOCK)
def test_wall_clock_times_count_from_the_first(tmp_path: Path, first: str, second: str, later: float) -> None:
    recording = opened(tmp_path, f"datetime;hr\n{first};1\n{second};2\n")
    # The zero is a whole microsecond, as ISO 8601 dates have in Python.
    assert times(recording)[1] == pytest.approx(later, abs=1e-12)
    assert values(recording).tolist() == [[1], [2]]


@settings(max_examples=60, deadline=None)
@given(
    stamps=st.lists(st.integers(0, 10**15), min_size=1, max_size=20),
    pattern=st.sampled_from(
        ["{0:%Y-%m-%d %H:%M:%S.%f}", "{0:%Y-%m-%dT%H:%M:%S}.{1:03}+0530", "{0:%Y/%m/%d %H:%M:%S}"]
    ),
)
def test_wall_clock_times_are_those_that_python_reads(
    tmp_path_factory: pytest.TempPathFactory, stamps: list[int], pattern: str
) -> None:
    dates = [datetime(1990, 1, 1) + timedelta(microseconds=stamp) for stamp in sorted(stamps)]
    text = [pattern.format(date, date.microsecond // 1000) for date in dates]
    resolution = 1 if "%f" in pattern else 1000 if "{1" in pattern else 10**6
    rounded = [date.replace(microsecond=date.microsecond // resolution * resolution) for date in dates]
    table = "time,x\n" + "".join(f"{cell},1\n" for cell in text)
    if len(dates) > 1 and rounded[0] == rounded[-1]:
        with pytest.raises(ReaderError, match="all times are the same"):
            opened(tmp_path_factory.mktemp("csv"), table)
        return
    recording = opened(tmp_path_factory.mktemp("csv"), table)
    assert times(recording) == [(date - rounded[0]) / timedelta(seconds=1) for date in rounded]
    expected = rounded[0].isoformat() + ("+05:30" if "+0530" in pattern else "")
    assert recording.session_start == expected


def test_a_zone_gives_the_session_its_start(tmp_path: Path) -> None:
    text = "datetime,hr\n2016-11-24 13:58:58.081000,326\n2016-11-24 13:58:58.097000,327\n"
    # A local time without a zone is told as it was recorded.
    assert opened(tmp_path, text).session_start == "2016-11-24T13:58:58.081000"
    assert opened(tmp_path, text, timezone="UTC").session_start == "2016-11-24T13:58:58.081000+00:00"
    recording = opened(tmp_path, text, timezone="Europe/Amsterdam")
    assert recording.session_start == "2016-11-24T13:58:58.081000+01:00"
    chosen = opened(tmp_path, text, session_start="2020-01-01T00:00:00Z", timezone="UTC")
    assert chosen.session_start == "2020-01-01T00:00:00Z"
    regular = opened(tmp_path, text, timezone="UTC", sampling_frequency=60.0)
    assert (regular.session_start, regular.start_time) == ("2016-11-24T13:58:58.081000+00:00", 0.0)
    with pytest.raises(ReaderError, match="'Mars/Base' is not known"):
        opened(tmp_path, text, timezone="Mars/Base")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("step", [7, 600])
def test_a_year_of_local_times_never_jumps(tmp_path: Path, zone: str, step: int) -> None:
    """Local times around both changes of the clock, in order of true time, give back true time."""
    chosen = ZoneInfo(zone)
    stamps: list[int] = []
    hour = 3600
    start = int(datetime(2021, 1, 1, tzinfo=UTC).timestamp())
    for at in range(start, start + 365 * 24 * hour, hour):
        before, after = (datetime.fromtimestamp(t, chosen).utcoffset() for t in (at, at + hour))
        if before != after:
            stamps.extend(range(at - 2 * hour, at + 4 * hour, step))
    stamps = stamps or list(range(start, start + 3 * hour, step))
    cells = [datetime.fromtimestamp(t, chosen).strftime("%Y-%m-%d %H:%M:%S") for t in stamps]
    recording = opened(tmp_path, "time,x\n" + "".join(f"{cell},1\n" for cell in cells), timezone=zone)
    assert times(recording) == [float(t - stamps[0]) for t in stamps]
    assert recording.session_start is not None
    assert datetime.fromisoformat(recording.session_start).timestamp() == stamps[0]


def test_times_that_a_zone_never_showed_are_errors(tmp_path: Path) -> None:
    text = "time,x\n2021-03-28 01:59:00,1\n2021-03-28 02:30:00,1\n"
    with pytest.raises(
        ReaderError, match="line 3, column time: 2021-03-28 02:30:00 never was in Europe/Berlin"
    ):
        opened(tmp_path, text, timezone="Europe/Berlin")


@pytest.mark.parametrize(
    "cell",
    [
        *("2021-02-29 00:00:00", "2021-13-01 00:00:00", "2021-01-01 25:00:00", "2021-01-01 13:00 PM"),
        *("31.02.2021 10:00", "02/03/2021 10:00", "tomorrow"),
    ],
)
def test_dates_that_do_not_exist_are_errors(tmp_path: Path, cell: str) -> None:
    with pytest.raises(ReaderError, match=f"line 3, column time: '{cell}' is no"):
        opened(tmp_path, f"time,x\n2021-01-01 00:00:00,1\n{cell},1\n")


def test_a_column_of_wall_clock_times_needs_no_name(tmp_path: Path) -> None:
    recording = opened(tmp_path, "2021-01-01 00:00:00;3,5\n2021-01-01 00:00:02;4,5\n")
    assert times(recording) == [0, 2]
    assert values(recording).tolist() == [[3.5], [4.5]]


def test_units_in_a_second_header_line(tmp_path: Path) -> None:
    recording = opened(tmp_path, "Time,Channel A,Channel B\n(ms),(mV),(V)\n\n0,1.5,2\n1,1.25,3\n")
    assert times(recording) == [0, 0.001]
    assert [(channel.label, channel.unit) for channel in recording.channels] == [
        ("Channel A", "mV"),
        ("Channel B", "V"),
    ]


def test_a_second_header_line_of_units_needs_no_brackets(tmp_path: Path) -> None:
    recording = opened(
        tmp_path, "'Elapsed time','MLII','V5'\n'seconds','mV','mV'\n0.000,-0.1,2\n0.004,1.25,3\n"
    )
    assert times(recording) == [0, 0.004]
    assert (labels(recording), recording.unit) == (["MLII", "V5"], "mV")
    named = opened(tmp_path, "# fs 100\ntime;x;y\nms;uV;\n0;1;2\n10;2;3\n")
    assert times(named) == [0, 0.01]
    assert [(channel.label, channel.unit) for channel in named.channels] == [("x", "uV"), ("y", None)]
    # A first line of data that lacks its values is no header.
    missing = opened(tmp_path, "time,x\nNA,NA\n0,1\n", timestamps=None, sampling_frequency=1.0)
    assert missing.num_samples == 2
    # Neither is one of a table of nothing but texts.
    (tmp_path / "b.csv").write_text("name,note\na,b\nc,d\n")
    assert [candidate.shape[0] for candidate in list_candidates(tmp_path / "b.csv")] == [2, 2, 2]


def test_a_clock_that_was_put_back_is_told_from_a_table_that_is_not_sorted(tmp_path: Path) -> None:
    text = "time,x\n2023-10-29 02:59:00,1\n2023-10-29 02:00:00,2\n"
    with pytest.raises(ReaderError, match=r"goes back .* in line 3.*; sort the table .*, or set `timezone:`"):
        opened(tmp_path, text)
    assert times(opened(tmp_path, text, timezone="Europe/Berlin")) == [0, 60]


def test_dates_that_can_mean_two_days_are_said_to_be_no_times(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("when,x\n02/03/2021 10:00,1\n02/03/2021 10:01,2\n")
    problems = [candidate.problem or "" for candidate in list_candidates(tmp_path / "a.csv")]
    assert any("write times like 2016-11-24 13:58:58.081" in problem for problem in problems)


def test_events_and_their_channels(tmp_path: Path) -> None:
    text = "time (ms),unit\n30,10\n10,9\n20,10\n"
    recording = opened(tmp_path, text, type="event")
    assert [array.tolist() for array in recording.events()] == [[0.01, 0.02, 0.03], [0, 1, 1]]
    assert labels(recording) == ["9", "10"]
    assert opened(tmp_path, "0.5\n0.25\n", type="event").events()[0].tolist() == [0.25, 0.5]
    headless = opened(tmp_path, "0.5,A\n0.25,B\n", type="event")
    assert (headless.events()[1].tolist(), labels(headless)) == ([1, 0], ["A", "B"])
    with pytest.raises(ReaderError, match="line 2, column t: there is no time"):
        opened(tmp_path, "t,channel\n,1\n0,1\n", type="event")


def test_intervals_and_their_labels(tmp_path: Path) -> None:
    recording = opened(tmp_path, "start,end,label\n5,6,rest\n1,2,run\n3,4,rest\n", type="interval")
    bounds, indices, names = recording.intervals()
    assert bounds.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert [names[index] for index in indices] == ["run", "rest", "rest"]
    bids = opened(tmp_path, "onset\tduration\ttrial_type\n1.5\t2\tgo, left\n", "events.tsv", type="interval")
    assert (bids.intervals()[0].tolist(), list(bids.intervals()[2])) == ([[1.5, 3.5]], ["go, left"])
    clock = opened(
        tmp_path,
        "start,stop,name\n2021-01-01 00:00:10,2021-01-01 00:00:20,a\n2021-01-01 00:01:00,2021-01-01 00:02:00,b\n",
        type="interval",
        timezone="UTC",
    )
    assert clock.intervals()[0].tolist() == [[0, 10], [50, 110]]
    assert clock.session_start == "2021-01-01T00:00:10+00:00"
    with pytest.raises(ReaderError, match="start and end"):
        opened(tmp_path, "a,b\n1,2\n", type="interval")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = "Zeit (s);Länge (µm)\r\n" + "".join(f"{i};{i},5\r\n" for i in range(300_000))
    recording = opened(tmp_path, text.encode(encoding))
    assert (labels(recording), recording.unit) == (["Länge"], "µm")
    assert (values(recording)[:, 0] == np.arange(300_000) + 0.5).all()


def test_texts_that_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(b"a\0b")
    with pytest.raises(ReaderError, match="not a text file"):
        open_recording(tmp_path / "b.csv", "csv", ReadOptions(**RATE))
    (tmp_path / "c.csv").write_bytes(b"1,2\n" * 400_000 + b"1,\x002\n")
    with pytest.raises(ReaderError, match="not a text file: line 400001 has a byte 0"):
        open_recording(tmp_path / "c.csv", "csv", ReadOptions(**RATE))


def test_candidates_say_what_the_columns_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("timer,x (mV),note\n0,1,a\n1,2,b\n")
    series, note = list_candidates(path)
    assert (series.shape, series.unit, series.options) == ((2, 1), "mV", {"timestamps": "timer (s)"})
    assert note.problem is not None
    assert note.dataset == "note"
    path.write_text("start,end,label\n1,2,a\n")
    assert list_candidates(path)[0].type == "interval"
    path.write_text("1\n2\n")
    assert list_candidates(path)[0].options == {"sampling_frequency": None}


def test_a_large_table_does_not_fill_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    row = ",".join(["1.5"] * 64) + "\n"
    with path.open("w") as file:
        file.write(",".join(f"c{i}" for i in range(64)) + "\n")
        for _ in range(100):
            file.write(row * 2000)
    program = (
        "import pathlib, sys; from seriesview.readers import *; import numpy as np\n"
        "r = open_recording(sys.argv[1], options=ReadOptions(sampling_frequency=1.0))\n"
        "out = np.empty((10, 64)); r.read_into(199_990, out); assert (out == 1.5).all() and r.num_samples == 200_000\n"
        "print(pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    # Decoded, the table is 102 MB.
    assert int(done.stdout) * 1024 < 150e6


HEARTPY = find_spec("heartpy")


@pytest.mark.skipif(HEARTPY is None, reason="heartpy is not installed")
def test_the_heart_recordings_open() -> None:
    assert HEARTPY is not None
    assert HEARTPY.origin is not None
    data = Path(HEARTPY.origin).parent / "data"
    plain = open_recording(data / "data.csv", options=ReadOptions(sampling_frequency=100.0))
    assert (plain.num_samples, plain.num_channels, plain.dtype) == (2483, 1, np.int32)
    assert values(plain)[:3, 0].tolist() == [530, 518, 506]
    timer = open_recording(data / "data2.csv", options=ReadOptions(timestamps="timer (ms)"))
    assert (timer.num_samples, labels(timer)) == (15000, ["hr"])
    assert times(timer)[:2] == pytest.approx([0, 0.00854790319355], rel=1e-15)
    clock = open_recording(data / "data3.csv", options=ReadOptions(timezone="Europe/Amsterdam"))
    assert (clock.num_samples, labels(clock)) == (68476, ["hr"])
    assert times(clock)[:4] == [0, 0.016, 0.016, 0.031]
    assert clock.session_start == "2016-11-24T13:58:58.081000+01:00"
