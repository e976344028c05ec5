"""Flat binary files, checked against numpy arrays written with tofile."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording

DTYPES = [
    "int8",
    "int16",
    ">i2",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    ">u8",
    "float16",
    ">f4",
    "float64",
]


def options(**changes: Any) -> ReadOptions:
    return ReadOptions(**({"dtype": "int16", "channels": 2, "sampling_frequency": 100.0} | changes))


def read(recording: Recording, first: int, last: int) -> Any:
    out = np.empty((last - first, recording.num_channels), recording.dtype)
    recording.read_into(first, out)
    return out


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_samples_are_those_that_were_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(DTYPES)))
    num_channels, num_samples = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 50))
    offset, order = data.draw(st.integers(0, 9)), data.draw(st.sampled_from(["C", "F"]))
    raw = np.random.default_rng(num_samples).bytes(num_samples * num_channels * dtype.itemsize)
    samples = np.frombuffer(raw, dtype).reshape(num_samples, num_channels)
    path = tmp_path_factory.mktemp("flat") / "raw.dat"
    path.write_bytes(b"h" * offset + (samples if order == "C" else samples.T).tobytes())
    chosen = options(dtype=dtype.str, channels=num_channels, byte_offset=offset, order=order)
    with open_recording(path, options=chosen) as recording:
        assert (recording.num_samples, recording.num_channels) == samples.shape
        assert recording.dtype == dtype.newbyteorder("=")
        first = data.draw(st.integers(0, num_samples - 1))
        last = data.draw(st.integers(first, num_samples))
        expected = samples[first:last].astype(recording.dtype)
        np.testing.assert_array_equal(read(recording, first, last), expected)
        layout = recording.layout
        assert layout is not None
        assert layout.is_row_major == (order == "C" or num_channels == 1)


def test_booleans_are_read_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "raw.bin"
    np.array([[True, False], [False, True]]).tofile(path)
    with open_recording(path, options=options(dtype="bool")) as recording:
        assert recording.dtype == np.uint8
        assert read(recording, 0, 2).tolist() == [[1, 0], [0, 1]]


def test_what_the_configuration_says_is_in_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "raw.dat"
    np.zeros((4, 2), np.int16).tofile(path)
    chosen = options(unit="uV", scale=0.195, offset=-3.0, channel_labels=("left", "right"), start_time=5.0)
    with open_recording(path, "binary", chosen) as recording:
        assert (recording.unit, recording.scale, recording.offset) == ("uV", 0.195, -3.0)
        assert [channel.label for channel in recording.channels] == ["left", "right"]
        assert (recording.sampling_frequency, recording.start_time) == (100.0, 5.0)


def test_left_over_bytes_are_an_error_or_dropped(tmp_path: Path) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(bytes(range(23)))
    with pytest.raises(ReaderError, match="3 bytes are left over"):
        open_recording(path, options=options())
    with open_recording(path, options=options(allow_truncated=True)) as recording:
        assert recording.num_samples == 5
    with pytest.raises(ReaderError, match=r"3 bytes are left over.*order F"):
        open_recording(path, options=options(order="F", allow_truncated=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dtype": None, "channels": None}, "`dtype`, `channels`"),
        ({"dtype": "complex64"}, "dtype complex64 cannot be shown"),
        ({"dtype": "int12"}, "'int12' is no dtype"),
        ({"dtype": "S4"}, "cannot be shown"),
        ({"channels": 0}, "at least 1"),
        ({"byte_offset": -1}, "byte_offset"),
        ({"byte_offset": 400}, "no samples"),
        ({"sampling_frequency": None}, "sampling_frequency"),
        ({"sampling_frequency": 0.0}, "greater than zero"),
        ({"sampling_frequency": float("nan")}, "no rate"),
        ({"channel_labels": ("one",)}, "1 given, but the dataset has 2"),
        ({"type": "event"}, "continuous series only"),
        ({"timestamps": "times"}, "timestamps"),
    ],
)
def test_options_that_do_not_fit_are_errors(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "raw.dat"
    np.zeros((10, 2), np.int16).tofile(path)
    with pytest.raises(ReaderError, match=message) as error:
        open_recording(path, options=options(**changes))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_file_has_no_samples(tmp_path: Path) -> None:
    path = tmp_path / "raw.dat"
    path.touch()
    with pytest.raises(ReaderError, match="no samples"):
        open_recording(path, options=options())


def test_the_candidate_says_what_must_be_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(b"12")
    (candidate,) = list_candidates(path)
    assert candidate.problem is not None
    assert candidate.options == {
        "reader": "binary",
        "dtype": None,
        "channels": None,
        "sampling_frequency": None,
    }
