"""Parquet, Arrow and Feather tables: known by their signatures, read as text tables are, in the columns' own types."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest

from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording
from seriesview.readers.registry import guess_reader

T0 = 1_700_000_000
ROWS = 5000


def write(path: Path, table: Any, form: str) -> Path:
    if form == "parquet":
        parquet.write_table(table, path, row_group_size=700)
    elif form == "feather":
        feather.write_feather(table, path, compression="zstd")
    else:
        make = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
        with make(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=900)
    return path


def values(recording: Recording) -> Any:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    recording.read_into(0, out)
    return out


def opened(tmp_path: Path, columns: dict[str, Any], **options: Any) -> Recording:
    return open_recording(write(tmp_path / "a", pa.table(columns), "parquet"), options=ReadOptions(**options))


@pytest.mark.parametrize("form", ["parquet", "feather", "file", "stream"])
def test_every_form_is_known_by_its_content_and_reads_the_same(tmp_path: Path, form: str) -> None:
    count = np.arange(ROWS)
    table = pa.table(
        {
            "time": count / 50,
            "a (mV)": count.astype("i2"),
            "b (mV)": (count % 7).astype("i2"),
            "note": ["x"] * ROWS,
        }
    )
    path = write(tmp_path / "table.of_some_kind", table, form)
    assert guess_reader(path).name == "arrow"
    with open_recording(path) as recording:
        assert ([channel.label for channel in recording.channels], recording.unit) == (["a", "b"], "mV")
        assert recording.dtype == np.int16
        assert (values(recording) == np.column_stack([count, count % 7])).all()
        np.testing.assert_array_equal(recording.timestamps(0, ROWS), count / 50)
        assert [said.text for said in recording.decisions] == ["left out: note (text such as 'x')"]
    found = list_candidates(path)
    assert [(candidate.dataset, candidate.problem is None) for candidate in found] == [
        (None, True),
        ("note", False),
    ]


@pytest.mark.parametrize(
    ("array", "dtype", "expected"),
    [
        (pa.array([1, None, 3], pa.int32()), "float64", [1, np.nan, 3]),
        (pa.array([1, None, 3], pa.float32()), "float32", [1, np.nan, 3]),
        (pa.array([1, 2, 3], pa.uint64()), "uint64", [1, 2, 3]),
        (pa.array([1, 2, 3], pa.float16()), "float16", [1, 2, 3]),
        (pa.array([True, False, True]), "uint8", [1, 0, 1]),
        (pa.array([Decimal("1.25"), Decimal("2.5"), None]), "float64", [1.25, 2.5, np.nan]),
        (pa.array([1.5, 2.5, 2.5]).dictionary_encode(), "float64", [1.5, 2.5, 2.5]),
        (pa.array([2**60 + 1, 5, 6]), "int64", [2**60 + 1, 5, 6]),
    ],
)
def test_columns_keep_their_types(tmp_path: Path, array: Any, dtype: str, expected: list[Any]) -> None:
    recording = opened(tmp_path, {"v": array}, sampling_frequency=1.0)
    assert recording.dtype == dtype
    np.testing.assert_array_equal(values(recording)[:, 0], np.array(expected, dtype))


@pytest.mark.parametrize(
    ("type_", "start"),
    [
        (pa.timestamp("s"), "2023-11-14T22:13:20"),
        (pa.timestamp("ms"), "2023-11-14T22:13:20"),
        (pa.timestamp("us", "UTC"), "2023-11-14T22:13:20+00:00"),
        (pa.timestamp("ns", "America/New_York"), "2023-11-14T22:13:20+00:00"),
    ],
)
def test_timestamps_are_dates(tmp_path: Path, type_: Any, start: str) -> None:
    times = pa.array([datetime.datetime.fromtimestamp(T0 + i, datetime.UTC) for i in range(3)]).cast(type_)
    recording = opened(tmp_path, {"when": times, "v": [1, 2, 3]})
    assert (recording.session_start, recording.timestamps(0, 3).tolist()) == (start, [0, 1, 2])


def test_dates_days_times_and_durations(tmp_path: Path) -> None:
    days = pa.array([datetime.date(2024, 3, 14)] * 3)
    times = pa.array([datetime.time(8, 0, i) for i in range(3)])
    recording = opened(tmp_path, {"day": days, "at": times, "v": [1, 2, 3]})
    assert (recording.session_start, recording.timestamps(0, 3).tolist()) == (
        "2024-03-14T08:00:00",
        [0, 1, 2],
    )
    elapsed = pa.array([datetime.timedelta(seconds=i / 4) for i in range(3)])
    assert opened(tmp_path, {"elapsed": elapsed, "v": [1, 2, 3]}).timestamps(0, 3).tolist() == [0, 0.25, 0.5]
    numbers = pa.array([T0 * 1000 + i for i in range(3)])
    recording = opened(tmp_path, {"timestamp": numbers, "v": [1, 2, 3]})
    assert (recording.session_start, recording.timestamps(0, 3).tolist()) == (
        "2023-11-14T22:13:20+00:00",
        [0, 0.001, 0.002],
    )


def test_times_in_float32_that_cannot_tell_samples_apart_are_said_so(tmp_path: Path) -> None:
    times = (T0 + np.arange(1000) / 100).astype(np.float32)
    with pytest.raises(ReaderError, match="all times are 1700000000, which tells no sample from another"):
        opened(tmp_path, {"time": times[:4], "v": [1, 2, 3, 4]})
    far = (T0 + np.arange(3000)).astype(np.float32)
    recording = opened(tmp_path, {"time": far, "v": np.arange(3000)})
    assert any(
        "times are told in steps of 128 s" in said.text and said.is_guess for said in recording.decisions
    )


def test_indices_of_data_frames(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"v": [1, 2, 3]}, index=pandas.to_datetime([T0, T0 + 1, T0 + 2], unit="s"))
    frame.to_parquet(tmp_path / "dates.parquet")
    recording = open_recording(tmp_path / "dates.parquet")
    assert (recording.session_start, recording.timestamps(0, 3).tolist()) == (
        "2023-11-14T22:13:20",
        [0, 1, 2],
    )
    pandas.DataFrame({"v": [1, 2, 3]}, index=[5, 7, 9]).to_parquet(tmp_path / "rows.parquet")
    recording = open_recording(tmp_path / "rows.parquet", options=ReadOptions(sampling_frequency=1.0))
    assert [channel.label for channel in recording.channels] == ["v"]


def test_events_and_intervals(tmp_path: Path) -> None:
    recording = opened(tmp_path, {"time": [0.5, 0.25], "unit": [7, 3]}, type="event")
    assert [array.tolist() for array in recording.events()] == [[0.25, 0.5], [0, 1]]
    assert [channel.label for channel in recording.channels] == ["3", "7"]
    recording = opened(
        tmp_path, {"start": [0.5, 2.0], "end": [1.0, 3.0], "label": ["a", None]}, type="interval"
    )
    assert recording.intervals()[0].tolist() == [[0.5, 1], [2, 3]]
    assert list(recording.intervals()[2]) == ["", "a"]


@pytest.mark.parametrize("form", ["parquet", "file", "stream"])
def test_damaged_files_are_one_line(tmp_path: Path, form: str) -> None:
    table = pa.table({"time": np.arange(9000.0), "v": np.arange(9000)})
    whole = write(tmp_path / "whole", table, form).read_bytes()
    for size in (9, len(whole) // 2, len(whole) - 20):
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises(ReaderError) as caught:
            open_recording(tmp_path / "cut", "arrow")
        assert "\n" not in str(caught.value)


def test_nested_columns_are_left_out_by_name(tmp_path: Path) -> None:
    recording = opened(tmp_path, {"v": [1, 2], "wave": [[1, 2], [3]]}, sampling_frequency=1.0)
    assert "left out: wave (text such as '[1, 2]')" in recording.decisions[-1].text
