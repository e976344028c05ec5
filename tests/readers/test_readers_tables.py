# ruff: noqa: E501
"""Tables as programs and devices write them: each is read at once as it was meant, or refused with what to set."""

import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording

NAN = float("nan")
T0 = 1_700_000_000
FIRST = "2023-11-14T22:13:20"


@dataclass
class Case:
    """A table, and what it means: labels, first values, first times or the rate, session start, what is said."""

    text: str
    labels: list[str]
    values: list[list[float]]
    times: list[float] | None = None
    rate: float | None = None
    start: str | None = None
    said: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    encoding: str = "utf-8"
    dtype: str | None = None


def lines(head: str, row: Any, count: int = 30) -> str:
    return head + "".join(f"{row(i)}\n" for i in range(count))


def clock(i: int, pattern: str = "%Y-%m-%d %H:%M:%S", step: float = 1.0) -> str:
    return (datetime(2024, 3, 14, 8, 0) + timedelta(seconds=i * step)).strftime(pattern)


CASES: dict[str, Case] = {
    "excel_german": Case(
        lines("sep=;\r\nDatum;Uhrzeit;Temperatur (°C)\r\n", lambda i: f"14.03.2024;08:00:{i:02};20,{i % 7}\r"),
        ["Temperatur"], [[20.0], [20.1]], [0, 1], start="2024-03-14T08:00:00", encoding="cp1252",
    ),
    "excel_german_short_year": Case(
        lines("Datum;Wert\n", lambda i: f"14.03.24 08:00:{i:02};1,5"), ["Wert"], [[1.5]], [0, 1], start="2024-03-14T08:00:00",
    ),
    "excel_unicode_text": Case(
        lines("Time\tEMG\tNote\n", lambda i: f"{i / 10:.1f}\t{i}\t"), ["EMG"], [[0], [1]], [0, 0.1], encoding="utf-16",
        said=["left out: Note (nothing)"], dtype="int32",
    ),
    "excel_serials": Case(
        lines("Date,Value\n", lambda i: f"{45352.25 + i / 86400:.9f},{i}"), ["Value"], [[0], [1]],
        [0, 1], start="2024-03-01T06:00:00", said=["guessed: column Date: times such as 45352.25 are taken for day numbers of a spreadsheet"],
    ),
    "matlab_datenum": Case(
        lines("datenum,v\n", lambda i: f"{739312.25 + i / 86400:.10f},{i}"), ["v"], [[0], [1]], [0, 1],
        start="2024-03-01T06:00:00", said=["day numbers of MATLAB"],
    ),
    "matlab_datestr": Case(
        lines("t,v\n", lambda i: f"14-Mar-2024 08:00:{i:02},{i}"), ["v"], [[0], [1]], [0, 1], start="2024-03-14T08:00:00",
    ),
    "us_dates_with_a_day_behind_the_12th": Case(
        lines("Timestamp,Axis1\n", lambda i: f"3/{14 + i // 24}/2024 {i % 24}:00,{i}"), ["Axis1"], [[0], [1]], [0, 3600],
        start="2024-03-14T00:00:00", said=["dates such as 3/14/2024 0:00 are month/day/year"],
    ),
    "us_dates_with_halves_of_the_day": Case(
        lines("When,x\n", lambda i: f"3/5/2024 {11 + i // 60}:{i % 60:02}:00 {'PM' if i // 60 else 'AM'},{i}", 100),
        ["x"], [[0]], [0, 60], start="2024-03-05T11:00:00", options={"timestamps": "When (month/day/year)"},
    ),
    "british_dates_as_set": Case(
        lines("When,x\n", lambda i: f"03/05/2024 11:{i:02},{i}"), ["x"], [[0]], [0, 60], start="2024-05-03T11:00:00",
        options={"timestamps": "When (day/month/year)"},
    ),
    "short_years_first_as_set": Case(
        lines("when,v\n", lambda i: f"24-03-14 08:00:{i:02},{i}"), ["v"], [[0]], [0, 1], start="2024-03-14T08:00:00",
        options={"timestamps": "when (year/month/day)"},
    ),
    "us_dates_with_short_years": Case(
        lines("when,v\n", lambda i: f"3/14/24 8:00:{i:02} PM,{i}"), ["v"], [[0]], [0, 1], start="2024-03-14T20:00:00",
    ),
    "actigraph_header": Case(
        lines(
            "------------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.3 date format d.M.yyyy at 30 Hz -----------\n"
            "Serial Number: NEO1F16120038\nStart Time 08:00:00\nStart Date 14.03.2024\nEpoch Period (hh:mm:ss) 00:00:00\n"
            "Current Memory Address: 0\nCurrent Battery Voltage: 4.11     Mode = 12\n"
            "--------------------------------------------------\n"
            "Accelerometer X,Accelerometer Y,Accelerometer Z\n", lambda i: f"-0.0{i:02},0.5,1"),
        ["Accelerometer X", "Accelerometer Y", "Accelerometer Z"], [[0, 0.5, 1], [-0.001, 0.5, 1]], rate=30,
        options={"sampling_frequency": 30.0},
    ),
    "deeplabcut": Case(
        lines(
            "scorer,DLC_resnet50,DLC_resnet50,DLC_resnet50,DLC_resnet50,DLC_resnet50,DLC_resnet50\n"
            "bodyparts,nose,nose,nose,tail,tail,tail\ncoords,x,y,likelihood,x,y,likelihood\n",
            lambda i: f"{i},{i}.5,2.0,0.9,4.0,5.0,0.8"),
        ["nose x", "nose y", "nose likelihood", "tail x", "tail y", "tail likelihood"],
        [[0.5, 2, 0.9, 4, 5, 0.8], [1.5, 2, 0.9, 4, 5, 0.8]], rate=25, options={"sampling_frequency": 25.0},
    ),
    "counts_of_samples_below_the_names": Case(
        lines("ecg.acq\n0.5 msec/sample\nmilliSec\tCH1\tCH2\t\n\t30\t30\t\n", lambda i: f"{i / 2}\t{i}\t{i}.5\t"), ["CH1", "CH2"],
        [[0, 0.5], [1, 1.5]], [0, 0.0005],
        said=["guessed: the line below the names (30, 30) is left out", "guessed: column milliSec is taken for times (ms)"],
    ),
    "a_count_of_samples_of_one_channel": Case(
        lines("min,CH1,\n,30,\n", lambda i: f"{i / 60:.9f},{i},"), ["CH1"], [[0], [1]], [0, 1],
        said=["guessed: the line below the names (30) is left out"],
    ),
    "hours_and_minutes": Case(
        lines("time,v\n", lambda i: f"{i // 4:02}:{i % 4 * 15:02},{i}"), ["v"], [[0], [1]], [0, 900],
        said=["guessed: column time: times such as 00:00 are taken for hours and minutes"],
    ),
    "numbers_whose_unit_is_none_of_time_as_set": Case(
        lines("time (frames),v\n", lambda i: f"{i},{i}"), ["v"], [[0], [1]], [0, 0.001],
        options={"timestamps": "time (frames) (ms)"},
    ),
    "deeplabcut_of_one_part": Case(
        lines("scorer,D,D,D\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n", lambda i: f"{i},{i}.5,2.0,0.9"),
        ["x", "y", "likelihood"], [[0.5, 2, 0.9]], rate=25, options={"sampling_frequency": 25.0},
    ),
    "capitals_tell_months_from_minutes": Case(
        lines("hh,mm,ss,YYYY,MM,DD,v\n", lambda i: f"8,{i},0,2024,3,14,{i}"), ["v"], [[0], [1]], [0, 60],
        start="2024-03-14T08:00:00",
    ),
    "six_columns_and_milliseconds": Case(
        lines("year,month,day,hour,minute,second,millisecond,v\n", lambda i: f"2024,3,14,8,0,{i // 10},{i % 10 * 100},{i}"),
        ["v"], [[0], [1]], [0, 0.1], start="2024-03-14T08:00:00",
    ),
    "quoted_decimal_commas_of_three_digits": Case(
        lines('"Zeit","Wert"\n', lambda i: f'"0,{i:03}","1,{i:03}"'), ["Wert"], [[1.0], [1.001]], [0, 0.001],
        said=["guessed: the comma in numbers such as 0,000 is taken for a decimal comma"],
    ),
    "whole_numbers_that_may_be_milliseconds": Case(
        lines("time,v\n", lambda i: f"{i * 20},{i}"), ["v"], [[0]], [0, 20],
        said=["guessed: column time: its numbers are taken for seconds; set `timestamps: time (ms)` if"],
    ),
    "days_of_a_spreadsheet_as_set": Case(
        lines("time,v\n", lambda i: f"{45352.25 + i / 86400:.9f},{i}"), ["v"], [[0]], [0, 1], start="2024-03-01T06:00:00",
        options={"timestamps": "time (excel)"},
    ),
    "seconds_late_in_a_day_as_set": Case(
        lines("time,v\n", lambda i: f"{45352.25 + i / 1e5:.6f},{i}"), ["v"], [[0]], [45352.25, 45352.25001],
        options={"timestamps": "time (s)"},
    ),
    "seconds_late_in_a_day": Case(
        lines("time,v\n", lambda i: f"{45352.25 + i / 100:.6f},{i}"), ["v"], [[0]], [45352.25, 45352.26],
    ),
    "deeplabcut_of_two_animals": Case(
        lines(
            "scorer,D,D,D,D\nindividuals,a,a,b,b\nbodyparts,nose,nose,nose,nose\ncoords,x,y,x,y\n", lambda i: f"{i},1.5,2,3,{i}.5"),
        ["a x", "a y", "b x", "b y"], [[1.5, 2, 3, 0.5]], rate=25, options={"sampling_frequency": 25.0},
    ),
    "empatica_eda": Case(
        lines(f"{T0}.000000\n4.000000\n", lambda i: f"0.{i:02}"), ["0"], [[0.0], [0.01]], rate=4.0, start=f"{FIRST}+00:00",
        said=["guessed: the first two lines are taken for a start, 1700000000 s since 1970 (UTC), and a rate, 4 Hz"],
    ),
    "empatica_acc": Case(
        lines(f"{T0}.0, {T0}.0, {T0}.0\n32.0, 32.0, 32.0\n", lambda i: f"-{i},2,63"), ["0", "1", "2"], [[0, 2, 63], [-1, 2, 63]],
        rate=32.0, start=f"{FIRST}+00:00", dtype="int32",
    ),
    "empatica_ibi": Case(
        lines(f"{T0}.0, IBI\n", lambda i: f"{10 + i * 0.8:.6f},0.8"), ["IBI"], [[0.8]], [10, 10.8], start=f"{FIRST}+00:00",
        said=["guessed: the first column is taken for times after 1700000000 s"],
    ),
    "openbci": Case(
        lines(
            "%OpenBCI Raw EXG Data\n%Number of channels = 2\n%Sample Rate = 250 Hz\n%Board = OpenBCI_GUI$BoardCytonSerial\n"
            "Sample Index, EXG Channel 0, EXG Channel 1, Timestamp, Timestamp (Formatted)\n",
            lambda i: f"{i}.0, 1.5, -2.5, {T0 + i / 250:.6f}, 2024-03-14 08:00:00.{i * 4:03}"),
        ["Sample Index", "EXG Channel 0", "EXG Channel 1"], [[0, 1.5, -2.5]], [0, 0.004], start="2024-03-14T08:00:00",
        said=["left out: Timestamp (times too)"],
    ),
    "shimmer": Case(
        lines(
            '"sep=\\t"\nShimmer_A_Timestamp_Unix_CAL\tShimmer_A_Accel_LN_X_CAL\tShimmer_A_GSR_CAL\t\nms\tm/(s^2)\tkOhms\t\n',
            lambda i: f"{T0 * 1000 + i * 10}.0\t1.5\t{i}.25\t"),
        ["Shimmer_A_Accel_LN_X_CAL", "Shimmer_A_GSR_CAL"], [[1.5, 0.25]], [0, 0.01], start=f"{FIRST}+00:00",
        said=["ms since 1970 (UTC)"],
    ),
    "labview_lvm": Case(
        lines(
            "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\nDate\t2024/03/14\nTime\t08:00:00.1\n***End_of_Header***\t\n\t\n"
            "Channels\t2\t\t\nSamples\t30\t30\t\nDate\t2024/03/14\t2024/03/14\t\nY_Unit_Label\tVolts\tVolts\t\nX_Dimension\tTime\tTime\t\n"
            "X0\t0.0E+0\t0.0E+0\t\nDelta_X\t0.001\t0.001\t\n***End_of_Header***\t\t\t\nX_Value\tVoltage_0\tVoltage_1\tComment\n",
            lambda i: f"{i / 1000:.6f}\t0.5\t-{i}.5"),
        ["Voltage_0", "Voltage_1"], [[0.5, -0.5], [0.5, -1.5]], [0, 0.001], said=["guessed: column X_Value is taken for times"],
    ),
    "bpod_states": Case(
        lines("trial,timestamp,ITI,Go\n", lambda i: f"{i + 1},{i * 2.5},{'NaN' if i % 2 else 0.5},{i}"),
        ["trial", "ITI", "Go"], [[1, 0.5, 0], [2, NAN, 1]], [0, 2.5],
    ),
    "r_write_csv": Case(
        lines('"","time","x"\n', lambda i: f'"{i + 1}",{i / 2},{i % 3}'), ["x"], [[0], [1]], [0, 0.5], dtype="int32",
    ),
    "r_row_names": Case(
        lines('"","x","y"\n', lambda i: f'"Mazda {i}",{i},NA'), ["x"], [[0], [1]], rate=1, options={"sampling_frequency": 1.0},
        said=["left out: y (nothing)"],
    ),
    "r_write_table": Case(
        lines("x y\n", lambda i: f"{i + 1} {i}.5 2"), ["x", "y"], [[0.5, 2]], rate=1, options={"sampling_frequency": 1.0},
        said=["guessed: the header has 2 names for 3 columns"],
    ),
    "pandas_datetime_index": Case(
        lines(",x,y\n", lambda i: f"{clock(i, step=0.5, pattern='%Y-%m-%d %H:%M:%S.%f')},{i},2.5"), ["x", "y"], [[0, 2.5]],
        [0, 0.5], start="2024-03-14T08:00:00",
    ),
    "pandas_float_index": Case(
        lines(",x\n", lambda i: f"{i / 100},{i}"), ["x"], [[0], [1]], [0, 0.01],
        said=["guessed: the first column is taken for times (seconds), as its numbers rise"],
    ),
    "pandas_without_names": Case(
        lines(",0,1\n", lambda i: f"{i},{i}.5,2.5"), ["0", "1"], [[0.5, 2.5]], rate=1, options={"sampling_frequency": 1.0},
        said=["guessed: the line above the first numbers (0, 1...) is taken for the columns' names"],
    ),
    "pandas_without_names_and_index": Case(
        lines("0,1,2\n", lambda i: f"{i}.5,2.5,1.25"), ["0", "1", "2"], [[0.5, 2.5, 1.25]], rate=1,
        options={"sampling_frequency": 1.0}, said=["guessed: the line above the first numbers (0, 1, 2...) is taken"],
    ),
    "pandas_two_levels": Case(
        lines(",a,a,b\n,x,y,x\ntime,,,\n", lambda i: f"{i / 4},1,2,{i}"), ["a x", "a y", "b x"], [[1, 2, 0]], [0, 0.25], dtype="int32",
    ),
    "pandas_numbered_second_level": Case(
        lines(",a,a,b\n,0,1,0\n", lambda i: f"{i},1.5,{i}.5,2"), ["a 0", "a 1", "b 0"], [[1.5, 0.5, 2]], rate=1, options={"sampling_frequency": 1.0},
    ),
    "six_columns": Case(
        lines("year,month,day,hour,min,sec,v\n", lambda i: f"2024,3,14,8,{i // 20},{i % 20 * 3}.5,{i}"), ["v"], [[0], [1]],
        [0, 3], start="2024-03-14T08:00:00.500000",
    ),
    "seconds_of_the_day": Case(
        lines("date,time (s),v\n", lambda i: f"2024-03-14,{28800 + i / 2},{i}"), ["v"], [[0], [1]], [0, 0.5],
        start="2024-03-14T08:00:00", said=["column time (s) is taken for s since midnight"],
    ),
    "elapsed_seconds_beside_one_date": Case(
        lines("date,time,v\n", lambda i: f"2024-03-14,{i / 2},{i}"), ["v"], [[0], [1]], [0, 0.5], said=["left out: date"],
    ),
    "solid_dates": Case(
        lines("Date,v\n", lambda i: f"202403{i + 1:02},{i}"), ["v"], [[0], [1]], [0, 86400], start="2024-03-01T00:00:00",
        said=["numbers such as 20240301 are taken for dates"],
    ),
    "solid_dates_and_times": Case(
        lines("Date,Time,v\n", lambda i: f"20240314,1359{i:02},{i}"), ["v"], [[0], [1]], [0, 1], start="2024-03-14T13:59:00",
        said=["hours, minutes and seconds"],
    ),
    "date_and_hour": Case(
        lines("date,hour,v\n", lambda i: f"2024-03-{14 + i // 24},{i % 24},{i}"), ["v"], [[0], [1]], [0, 3600],
        start="2024-03-14T00:00:00", said=["guessed: hour: taken for the time of the day of column date"],
    ),
    "days_that_end_at_24": Case(
        lines("time,v\n", lambda i: f"2024-03-14 {i + 1:02}:00,{i}", 24), ["v"], [[0]], [0, 3600], start="2024-03-14T01:00:00",
    ),
    "hours_that_went_by": Case(lines("elapsed,v\n", lambda i: f"{i * 10}:00:00,{i}"), ["v"], [[0]], [0, 36000]),
    "bars": Case(lines("t|v\n", lambda i: f"{i}|{i}.5"), ["v"], [[0.5]], [0, 1]),
    "dates_of_some_rows": Case(
        lines("date,time,v\n", lambda i: f"{'' if i < 20 else '2024-03-14 08:00:00'},{i / 2},{i}"), ["v"], [[0]], [0, 0.5],
        said=["left out: date (dates or times)"],
    ),
    "wide_integers_beside_fractions": Case(
        lines("t,a,b\n", lambda i: f"{i},{2**53 + 2 * i},0.5"), ["a", "b"], [[2**53, 0.5]], [0, 1],
        said=["guessed: integers beyond 2^53 in a lose their last digits"],
    ),
    "iso_basic": Case(
        lines("time,v\n", lambda i: f"20240314T0800{i:02}Z,{i}"), ["v"], [[0]], [0, 1], start="2024-03-14T08:00:00+00:00",
    ),
    "colon_before_milliseconds": Case(
        lines("time,v\n", lambda i: f"08:00:00:{i * 10:03},{i}"), ["v"], [[0]], [0, 0.01],
    ),
    "minutes_and_seconds": Case(lines("time,v\n", lambda i: f"58:{i:02}.5,{i}"), ["v"], [[0]], [0, 1]),
    "month_names": Case(
        lines("logged at,v\n", lambda i: f'"Thu Mar 14, 2024 8:00:{i:02} AM",{i}'), ["v"], [[0]], [0, 1], start="2024-03-14T08:00:00",
    ),
    "temperature_called_t": Case(
        lines("date,T,min,max,sec\n", lambda i: f"{clock(i)},{20 + i % 5},{i},{i + 2},{i}"), ["T", "min", "max", "sec"],
        [[20, 0, 2, 0], [21, 1, 3, 1]], [0, 1], start="2024-03-14T08:00:00",
    ),
    "minima_at_a_given_rate": Case(
        lines("min,max\n", lambda i: f"{i},{i + 2}"), ["min", "max"], [[0, 2], [1, 3]], rate=2, options={"sampling_frequency": 2.0},
    ),
    "late_remarks": Case(
        lines("time,v,remark\n", lambda i: f"{i},{i % 7},{'started late' if i == 20_000 else ''}", 30_000), ["v"], [[0], [1]],
        [0, 1], said=["left out: remark (text such as 'started late')"], dtype="int32",
    ),
    "unix_seconds_of_a_logger": Case(
        lines("Epoch,v\n", lambda i: f"{T0 + 60 * i},{i}"), ["v"], [[0]], [0, 60], start=f"{FIRST}+00:00",
        said=["guessed: column Epoch: times such as 1700000000 are taken for s since 1970 (UTC)"],
    ),
    "unix_nanoseconds": Case(
        lines("ts,timestamp\n", lambda i: f"{i},{T0 * 10**9 + i * 33_333}"), ["ts"], [[0]], [0, 33_333e-9], start=f"{FIRST}+00:00",
        said=["ns since 1970"],
    ),
    "labview_seconds_as_set": Case(
        lines("time,v\n", lambda i: f"{T0 + 2_082_844_800 + i},{i}"), ["v"], [[0]], [0, 1], start=f"{FIRST}+00:00",
        options={"timestamps": "time (seconds since 1904-01-01)"},
    ),
    "preamble_of_the_same_width": Case(
        lines("subject,rat7,x\nfs,1000,Hz\ntime,a,b\n", lambda i: f"{i / 10},1,{i}"), ["a", "b"], [[1, 0]], [0, 0.1], dtype="int32",
    ),
    "preamble_as_set": Case(
        lines("1,2\n3,4\ntime,a\n", lambda i: f"{i / 10},{i}"), ["a"], [[0]], [0, 0.1], options={"header_lines": 3},
    ),
    "no_header_as_set": Case(
        lines("0,1\n", lambda i: f"{i}.5,1.5"), ["0", "1"], [[0, 1], [0.5, 1.5]], rate=1,
        options={"header_lines": 0, "sampling_frequency": 1.0},
    ),
    "words_for_nothing": Case(
        "t,v\n0,1\n1,-\n2,#N/A\n3,empty\n4,NULL\n5,n/a\n6,<NA>\n7,--\n8,2\n", ["v"],
        [[1], *[[NAN]] * 7, [2]], [0, 1, 2], dtype="float64",
    ),
    "quoted_decimal_commas": Case(
        lines('"Zeit","Wert"\n', lambda i: f'"{i}","{i},5"'), ["Wert"], [[0.5]], rate=1, options={"sampling_frequency": 1.0},
    ),
    "signs_in_front": Case(lines("t\tv\n", lambda i: f"+{i}\t+{i}"), ["v"], [[0], [1]], [0, 1], dtype="int32"),
    "a_rate_above_the_data_in_words": Case(
        lines("# fs = 100\n# unit = mV\ntime;ch1;ch2\n[s];[mV];[V]\n", lambda i: f"{i / 100};{i};2"), ["ch1", "ch2"], [[0, 2]], [0, 0.01],
    ),
}  # fmt: skip


def opened(path: Path, text: bytes, **options: Any) -> Recording:
    path.write_bytes(text)
    return open_recording(path, options=ReadOptions(**options))


def said_by(recording: Recording) -> str:
    return "\n".join(("guessed: " if said.is_guess else "") + said.text for said in recording.decisions)


@pytest.mark.parametrize("name", CASES)
def test_tables_of_many_programs_are_read_as_they_were_meant(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    with opened(tmp_path / "a.csv", case.text.encode(case.encoding), **case.options) as recording:
        out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
        recording.read_into(0, out)
        assert [channel.label for channel in recording.channels] == case.labels
        np.testing.assert_array_equal(out[: len(case.values)], np.array(case.values))
        assert recording.sampling_frequency == case.rate
        if case.times is not None:
            got = recording.timestamps(0, recording.num_samples)
            np.testing.assert_allclose(got[: len(case.times)], case.times, atol=1e-4)
            # The steps are the same to the end.
            np.testing.assert_allclose(np.diff(got), case.times[1] - case.times[0], atol=1e-4)
        assert recording.session_start == case.start
        assert [words for words in case.said if words not in said_by(recording)] == []
        assert case.dtype is None or recording.dtype == case.dtype
        times = recording.timestamps(0, recording.num_samples) if case.times is not None else None
    # What the options say is what the file says too: nothing of it has to be given but what is missing.
    if not case.options:
        found = [found for found in list_candidates(tmp_path / "a.csv") if found.type]
        assert [each.problem for each in found] == [None]
        # The keys that are proposed mean what was found without them.
        with open_recording(tmp_path / "a.csv", options=ReadOptions(**found[0].options)) as recording:
            assert (recording.session_start, recording.sampling_frequency) == (case.start, case.rate)
            assert [channel.label for channel in recording.channels] == case.labels
            if times is not None:
                np.testing.assert_array_equal(recording.timestamps(0, recording.num_samples), times)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (lines("Date,v\n", lambda i: f"03/05/2024 11:{i:02},1"), {}, r"can mean two days; set `timestamps: Date \(day/month"),
        (lines("when,v\n", lambda i: f"24-03-14 08:00:{i:02},1"), {}, r"can mean two days; set .*\(year/month/day\)"),
        (lines("time,v\n", lambda i: f"2024-03-14 08:00:{i:02} CET,1"), {}, "column time holds text such as '2024-03-14 08:00:00 CET'"),
        (lines("time,v\n", lambda i: f"{'NaT' if i == 3 else clock(i)},1"), {}, r"line 5 \(row 3\) has no time"),
        (lines("T,v\n", lambda i: f"{20 + i / 10},1"), {}, "no column of times found; set `sampling_frequency:`"),
        ("t,v\n0,90%\n1,91%\n", {}, r"no column of numbers beside the times; there are v \(text such as '90%'\)"),
        ("time,v\n2024-03-14T08:00:00+01:00,1\n2024-03-14T08:00:01,2\n", {}, "line 3, .*without a zone .*set `timezone:`"),
        (lines("t,v\n", lambda i: f"3/{i % 9 + 1}/2024 8:00,1"), {}, r"line 2, column t: .* can mean two days"),
        (lines("time,v\n", lambda i: f"{T0 + 2_082_844_800 + i},{i}"), {}, r"set `timestamps: time \(seconds since 1904-01-01\)`"),
        (lines("time,v\n", lambda i: f"{3e10 + i},{i}"), {}, r"cannot be seconds; set `timestamps: time \(us\)`"),
        (lines("time,v\n", lambda i: f"{45352.25 + i / 86400:.9f},{i}"), {}, r"are days or seconds; set `timestamps: time \(excel\)` or `timestamps: time \(s\)`"),
        (lines("time,v\n", lambda i: f"{45352.25 + i / 24:.6f},{i}"), {}, r"are days or seconds; set `timestamps: time \(excel\)`"),
        (lines("t,v\n", lambda i: f"{739325.25 + i / 86400:.9f},{i}"), {}, r"are days or seconds; set `timestamps: t \(datenum\)`"),
        (lines("Time,v\n", lambda i: f"{0.25 + i / 1440:.9f},{i}"), {}, r"are days or seconds; set `timestamps: Time \(days\)`"),
        (lines("time (samples),v\n", lambda i: f"{i},{i}"), {}, r"'samples' is no unit of time; set `sampling_frequency:` \(Hz\)"),
        (lines("time (mm:ss),v\n", lambda i: f"{i // 60:02}:{i % 60:02},{i}"), {}, "'00:00' may be hours and minutes; write 00:00:00"),
        (lines("time,v\n", lambda i: f"00:{i}{'' if i == 22 else '.5'},{i}".replace(":", ":0" if i < 10 else ":")), {},
         "line 24, column time: '00:22' may be hours and minutes; write 00:00:22"),
        ('t,v\n0,"1,234"\n1,"2,000"\n2,"3,000"\n', {}, r"line 2, column v: '1,234' is not a number.* thousands"),
        (lines("time,v\n", lambda i: f"5,{i}"), {}, "all times are 5, which tells no sample from another; set `sampling_freq"),
        (lines("date,v\n", lambda i: f"2024-03-14,{i}"), {}, r"all times are the same, .*set `sampling_frequency:`"),
        (lines("time,v\n", lambda i: f"{i * 5e6},{i}"), {}, r"5000000 s apart; set `timestamps: time \(ms\)`"),
        (lines("time,v\n", lambda i: f"1850-03-14 08:00:{i:02},{i}"), {}, "is not in 1900 to 2200"),
        (lines("time (days since 1700-01-01),v\n", lambda i: f"{i},{i}"), {}, "as days since 1700-01-01.* is the year 1700"),
        (lines("date,v\n", lambda i: f"{i + 5},{i}"), {}, r"5 is no date that is understood; set `timestamps: date \(excel\)"),
        (lines("min,max\n", lambda i: f"{i % 5},{i}"), {}, "no column of times found; set `sampling_frequency:`"),
        ('t,v\n0,"1,234.50"\n1,"2,000.25"\n2,5\n', {}, r"line 2, column v: '1,234.50' is not a number.* thousands"),
        ("t;v\n0;1.234,5\n1;2,5\n2;2,5\n", {}, r"line 2, column v: '1.234,5' is not a number as it stands: write it without separators"),
        ("t,v\n0,bad\n1,2\n2,3\n", {}, "line 2, column v: 'bad' is not a number"),
        ("t,v\n0,1\n1,bad\n2,3\n", {}, "line 3, column v: 'bad' is not a number"),
        (lines("t,v\n", lambda i: f"{i},{'9' * 6000 if i == 7 else 1}"), {}, r"line 9, column v: '9+'... \(6000 characters\) is larger"),
        (lines("t,v\n", lambda i: f"{i},{'1e400' if i == 7 else 1}"), {}, "line 9, column v: '1e400' is larger than any"),
        ("a,b\n1,2\n3,4\n", {"dataset": "c"}, "no column 'c'; there are a, b"),
        ("t,a\n1,x\n3,y\n", {"dataset": "a"}, "column 'a' holds text such as 'x', not numbers"),
        ("t,v\n0,1\n", {"header_lines": 2}, "no samples"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused_with_what_to_set(
    tmp_path: Path, text: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ReaderError, match=message):
        opened(tmp_path / "a.csv", text.encode(), **options)


def test_a_column_decides_by_all_of_its_cells(tmp_path: Path) -> None:
    # Words at the beginning do not make a text of a column of numbers, nor numbers at the beginning one of a text.
    mostly_numbers = lines("t,v\n", lambda i: f"{i},{'init' if i < 5000 else i}", 50_000)
    with pytest.raises(ReaderError, match="line 2, column v: 'init' is not a number"):
        opened(tmp_path / "a.csv", mostly_numbers.encode())
    mostly_text = lines("t,v,code\n", lambda i: f"{i},1,{i if i < 5000 else 'A7'}", 50_000)
    recording = opened(tmp_path / "a.csv", mostly_text.encode())
    assert [channel.label for channel in recording.channels] == ["v"]
    assert "left out: code (text such as 'A7')" in said_by(recording)


def test_times_that_cannot_tell_samples_apart_are_said_so(tmp_path: Path) -> None:
    whole = lines("time,v\n", lambda i: f"{clock(i // 100)},{i}", 1000)
    recording = opened(tmp_path / "a.csv", whole.encode())
    assert "guessed: times are told in steps of 1 s, and 100 samples share one" in said_by(recording)
    exact = lines("time,v\n", lambda i: f"{clock(i, '%Y-%m-%d %H:%M:%S.%f', 0.01)},{i}", 1000)
    assert "told in steps" not in said_by(opened(tmp_path / "a.csv", exact.encode()))


@pytest.mark.parametrize("minutes", [1, 10, 30, 60, 120, 180])
@pytest.mark.parametrize("offset", [0, 60])
def test_an_hour_that_a_clock_shows_twice(tmp_path: Path, minutes: int, offset: int) -> None:

    begin = datetime(2023, 10, 28, 12, tzinfo=UTC) + timedelta(minutes=offset)
    true = [begin + timedelta(minutes=minutes * i) for i in range(24 * 60 // minutes)]
    shown = [time.astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%d %H:%M:%S") for time in true]
    text = "time,v\n" + "".join(f"{cell},1\n" for cell in shown)
    recording = opened(tmp_path / "a.csv", text.encode(), timezone="Europe/Berlin")
    expected = [(time - begin).total_seconds() for time in true]
    assert recording.timestamps(0, len(true)).tolist() == expected


@pytest.mark.parametrize(
    ("head", "kind", "is_said"),
    [("time,unit", "event", True), ("time (ms),unit", "event", False), ("start,end", "interval", True)],
)
def test_whole_numbers_of_events_that_are_taken_for_seconds_are_said(
    tmp_path: Path, head: str, kind: Any, is_said: bool
) -> None:
    recording = opened(
        tmp_path / "a.csv", lines(head + "\n", lambda i: f"{i * 2000},{i * 2000 + 500}").encode(), type=kind
    )
    name = head.split(",")[0]
    said = (
        f"guessed: column {name}: whole numbers without a unit are taken for seconds; call it `{name} (ms)`"
    )
    assert (said in said_by(recording)) == is_said
    exact = lines(head + "\n", lambda i: f"{i * 2000}.5,{i * 2000 + 500}").encode()
    assert "taken for seconds" not in said_by(opened(tmp_path / "a.csv", exact, type=kind))


def test_a_leap_second_is_a_second(tmp_path: Path) -> None:
    cells = ["2016-12-31T23:59:59.0Z", "2016-12-31T23:59:59.5Z", "2016-12-31T23:59:60.0Z", "2016-12-31T23:59:60.5Z",
             "2017-01-01T00:00:00.0Z", "2017-01-01T00:00:00.5Z"]  # fmt: skip
    recording = opened(tmp_path / "a.csv", ("time,v\n" + "".join(f"{cell},1\n" for cell in cells)).encode())
    assert recording.timestamps(0, 6).tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert "guessed: behind its leap second" in said_by(recording)
    # A second 60 that is none is a rounded one.
    rounded = "time,v\n2024-03-14 08:00:59.5,1\n2024-03-14 08:00:60.0,1\n2024-03-14 08:01:00.5,1\n"
    assert opened(tmp_path / "a.csv", rounded.encode()).timestamps(0, 3).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("kind", ["columns", "line", "digits", "zeros"])
def test_what_is_no_table_is_an_error_in_little_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        if kind == "columns":
            file.write(b",".join(b"%d" % i for i in range(300_000)) + b"\n")
            for _ in range(20):
                file.write(b"1.5," * 299_999 + b"1.5\n")
        elif kind == "line":
            # A hole, which takes no room on the disk, would be of bytes 0.
            for _ in range(64):
                file.write(b"1,2," * (1 << 18))
        elif kind == "digits":
            file.write(b"a,b\n" + b"1,2\n" * 1000 + b"1," + b"7" * (20 << 20) + b"\n")
        else:
            file.write(b"a,b\n" + b"1,2\n" * 1000)
            file.truncate(1 << 30)
    program = (
        "import pathlib, sys; from seriesview.readers import *; from seriesview.errors import ReaderError\n"
        "try: open_recording(sys.argv[1], 'csv', ReadOptions(sampling_frequency=1.0))\n"
        "except ReaderError as error: assert len(str(error)) < 400 and chr(10) not in str(error), error\n"
        "else: raise SystemExit('it was opened')\n"
        "print(pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < 300e6


NAMES = [
    "time",
    "date",
    "T",
    "min",
    "v",
    "Timestamp (ms)",
    "",
    "year",
    "month",
    "day",
    "hour",
    "start",
    "end",
    "label",
    "mV",
]
CELLS: list[Any] = [
    lambda random: str(random.randint(-5, 100)),
    lambda random: f"{random.random() * 100:.3f}",
    lambda random: f"2024-03-{random.randint(1, 31):02}",
    lambda random: f"08:{random.randint(0, 59):02}:{random.randint(0, 60):02}",
    lambda random: f"2024-03-14 08:00:{random.randint(0, 59):02}",
    lambda random: f"3/{random.randint(1, 31)}/2024",
    lambda random: str(1_700_000_000_000 + random.randint(0, 9999)),
    lambda random: random.choice(
        ["", "NaN", "abc", '"a, b"', "1,5", "é", "'", '"', "inf", "1e400", "20240314", "45352.5", "1.234.567"]
    ),
]


@settings(max_examples=150, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_any_text_is_a_table_or_one_line_that_says_why_not(
    tmp_path_factory: pytest.TempPathFactory, random: Any
) -> None:
    width, delimiter = random.randint(1, 6), random.choice(",,;\t |")
    rows = [
        random.choice(["# c", "sep=;", "Title", "a,b,c", "", "fs,1000"])
        for _ in range(random.choice([0, 0, 2]))
    ]
    rows += [
        delimiter.join(random.choice(NAMES) for _ in range(width)) for _ in range(random.choice([0, 1, 1, 2]))
    ]
    columns = [random.choice(CELLS) for _ in range(width)]
    for index in range(random.choice([0, 1, 2, 5, 40])):
        cells = [str(index) if random.random() < 0.3 else cell(random) for cell in columns]
        rows.append(delimiter.join(cells if random.random() < 0.99 else cells[1:]))
    path = tmp_path_factory.mktemp("any") / "a.csv"
    path.write_bytes(
        random.choice(["\n", "\r\n", "\r"]).join(rows).encode(random.choice(["utf-8", "latin-1", "utf-16"]))
    )
    messages = []
    for options in (
        {},
        {"sampling_frequency": 10.0},
        {"type": "event"},
        {"type": "interval"},
        {"timezone": "Europe/Berlin"},
    ):
        try:
            with open_recording(path, "csv", ReadOptions(**options)) as recording:
                if recording.type == "continuous":
                    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
                    recording.read_into(0, out)
                if recording.type == "continuous" and recording.sampling_frequency is None:
                    times = recording.timestamps(0, recording.num_samples)
                    assert np.isfinite(times).all()
                    assert (np.diff(times) >= 0).all()
        except ReaderError as error:
            messages.append(str(error))
    assert [message for message in messages if "\n" in message] == []
