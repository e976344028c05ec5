"""TDMS files, against what npTDMS writes and reads at once."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import nptdms
import numpy as np
import pytest
from large_recordings import read_through
from mutations import check_survives
from shared_recordings import shared_recordings

import seriesview
from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording
from seriesview.readers.adapters.tdms import TdmsReader
from seriesview.readers.registry import guess_reader

NOISE = np.random.default_rng(0).integers(-3000, 3000, (1000, 3)).astype(np.int16)
START = np.datetime64("2024-03-01T08:00:00.250000")
WAVE = {"wf_increment": 1e-5, "wf_start_offset": 0.0, "wf_start_time": START, "unit_string": "V"}


def stored(recording: Recording) -> np.ndarray[Any, Any]:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    for first in range(0, len(out), 333):
        recording.read_into(first, out[first : first + 333])
    return out


def physical(recording: Recording) -> np.ndarray[Any, Any]:
    return stored(recording) * [c.scale for c in recording.channels] + [c.offset for c in recording.channels]


def write(path: Path, *segments: list[Any], **words: Any) -> Path:
    with nptdms.TdmsWriter(str(path), **words) as writer:
        for segment in segments:
            writer.write_segment(segment)
    return path


def waves(first: int = 0, last: int = 1000, properties: dict[str, Any] = WAVE) -> list[Any]:
    return [nptdms.ChannelObject("dev", f"ai{c}", NOISE[first:last, c], properties) for c in range(3)]


def test_channels_of_one_clock_are_one_series(tmp_path: Path) -> None:
    other = nptdms.ChannelObject("dev", "slow", np.arange(10.0), {"wf_increment": 0.5})
    path = write(tmp_path / "a.tdms", [*waves(0, 400), other], waves(400, 1000), index_file=True)
    assert guess_reader(path).name == "tdms"
    assert [candidate.dataset for candidate in list_candidates(path)] == ["dev/ai0", "dev/slow"]
    for named in (path, tmp_path / "a.tdms_index"):
        with open_recording(named, None, ReadOptions(dataset="dev/ai0")) as recording:
            np.testing.assert_array_equal(stored(recording), NOISE)
            assert recording.sampling_frequency == 100_000
            assert recording.session_start == "2024-03-01T08:00:00.250000+00:00"
            assert [(c.label, c.unit) for c in recording.channels] == [(f"ai{c}", "V") for c in range(3)]
            assert [file.name for file in recording.files] == ["a.tdms_index"]


def scales(*kinds: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"NI_Number_Of_Scales": len(kinds), "NI_Scaling_Status": "unscaled"}
    for number, (kind, values) in enumerate(kinds):
        found[f"NI_Scale[{number}]_Scale_Type"] = kind
        found |= {f"NI_Scale[{number}]_{kind}_{name}": value for name, value in values.items()}
    return found


LINEAR = ("Linear", {"Slope": 0.5, "Y_Intercept": 3.0, "Input_Source": 0xFFFFFFFF})
SECOND = ("Linear", {"Slope": 2e-3, "Y_Intercept": 0.25, "Input_Source": 0})
POLYNOMIAL = (
    "Polynomial",
    {
        "Coefficients_Size": 3,
        "Coefficients[0]": 1.0,
        "Coefficients[1]": 2.0,
        "Coefficients[2]": 0.5,
        "Input_Source": 0xFFFFFFFF,
    },
)


@pytest.mark.parametrize(
    ("kinds", "dtype"), [((LINEAR,), "int16"), ((LINEAR, SECOND), "int16"), ((POLYNOMIAL,), "float64")]
)
def test_scaled_values_are_those_of_the_library(tmp_path: Path, kinds: tuple[Any, ...], dtype: str) -> None:
    path = write(tmp_path / "a.tdms", waves(properties={**WAVE, **scales(*kinds)}))
    with open_recording(path) as recording, nptdms.TdmsFile.open(path) as file:
        expected = np.column_stack([file["dev"][f"ai{c}"][:] for c in range(3)])
        assert recording.dtype == dtype
        np.testing.assert_allclose(physical(recording), expected, rtol=1e-12)


@pytest.mark.parametrize("path", shared_recordings("tdms"), ids=lambda path: path.name)
def test_recordings_of_others_are_what_the_library_reads(path: Path) -> None:
    for candidate in list_candidates(path):
        with (
            open_recording(path, None, ReadOptions(**candidate.options)) as recording,
            nptdms.TdmsFile.open(path) as file,
        ):
            (group,) = [each for each in file.groups() if str(candidate.dataset).startswith(each.name)]
            channel = group.channels()[0]
            np.testing.assert_array_equal(physical(recording)[:, 0], channel[:])
            assert recording.sampling_frequency == pytest.approx(1 / channel.properties["wf_increment"])
            start = str(recording.session_start).removesuffix("+00:00")
            assert np.datetime64(start) == channel.properties["wf_start_time"]


def test_dates_are_the_times_of_samples_without_a_rate(tmp_path: Path) -> None:
    dates = START + np.cumsum(np.arange(1000)).astype("timedelta64[ms]")
    channels = [nptdms.ChannelObject("log", "when", dates), nptdms.ChannelObject("log", "value", NOISE[:, 0])]
    path = write(tmp_path / "a.tdms", channels)
    (candidate,) = list_candidates(path)
    with open_recording(path, None, ReadOptions(**candidate.options)) as recording:
        assert recording.sampling_frequency is None
        np.testing.assert_array_equal(recording.timestamps(0, 1000), np.cumsum(np.arange(1000)) / 1000)
        assert recording.session_start == "2024-03-01T08:00:00.250000+00:00"


def test_texts_are_named_and_a_rate_is_asked_for(tmp_path: Path) -> None:
    channels = [nptdms.ChannelObject("g", "notes", ["a", "b"]), nptdms.ChannelObject("g", "x", NOISE[:, 0])]
    path = write(tmp_path / "a.tdms", channels)
    shown, texts = list_candidates(path)
    assert shown.options == {"dataset": "g", "sampling_frequency": None}
    assert "notes" in str(texts.problem)


def test_an_interrupted_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tdms", waves(0, 400), waves(400, 1000))
    path.write_bytes(path.read_bytes()[:-1500])
    with nptdms.TdmsFile.open(path) as file, open_recording(path) as recording:
        lengths = [len(file["dev"][f"ai{c}"]) for c in range(3)]
        assert recording.num_samples == min(lengths) < max(lengths)
        for column in range(3):
            np.testing.assert_array_equal(
                stored(recording)[:, column], file["dev"][f"ai{column}"][: min(lengths)]
            )
        assert any("interrupted" in decision.text for decision in recording.decisions)


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.tdms", waves())
    monkeypatch.setitem(sys.modules, "nptdms", None)
    with pytest.raises(ReaderError, match=r"pip install 'seriesview\[labview\]'"):
        list_candidates(path)


def test_damaged_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tdms", waves(0, 20), waves(20, 40))
    assert check_survives(TdmsReader(), path, path, 1000) > 20


def test_a_long_file_is_read_in_little_memory(tmp_path: Path) -> None:
    block = [nptdms.ChannelObject("g", f"c{c}", np.zeros(1 << 20, np.int16), WAVE) for c in range(4)]
    path = write(tmp_path / "a.tdms", *[block] * 50)
    samples, peak = read_through(path)
    assert samples == 50 << 20
    assert peak < 250 << 20


def test_a_workspace_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    built = seriesview.build_workspace(write(tmp_path / "a.tdms", waves()), store=tmp_path / "store")
    series = built.series["a"].open()
    np.testing.assert_array_equal(series.values(0, 100, 200), NOISE[100:200])


def daqmx(path: Path, scalers: list[tuple[int, int, int]], width: int, rows: bytes) -> Path:
    """A file of DAQmx with one channel; of each scaler its number, the number of its type, and its byte in a row."""

    def text(words: str) -> bytes:
        return struct.pack("<I", len(words)) + words.encode()

    index = (
        struct.pack("<I", 0x1269)
        + struct.pack("<IIQ", 0xFFFFFFFF, 1, len(rows) // width)
        + struct.pack("<I", len(scalers))
    )
    for number, kind, byte in scalers:
        index += struct.pack("<IIIII", kind, 0, byte, 0, number)
    index += struct.pack("<II", 1, width)
    nothing = struct.pack("<II", 0xFFFFFFFF, 0)
    objects = text("/") + nothing + text("/'g'") + nothing + text("/'g'/'ai0'") + index + struct.pack("<I", 0)
    metadata = struct.pack("<I", 3) + objects
    flags = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 7)
    head = b"TDSm" + struct.pack("<IIQQ", flags, 4713, len(metadata) + len(rows), len(metadata))
    path.write_bytes(head + metadata + rows)
    return path


@pytest.mark.parametrize("scalers", [[(0, 3, 0)], [(0, 3, 0), (1, 5, 2)]])
def test_raw_values_of_daqmx_without_a_scale_are_those_of_the_first_scaler(
    tmp_path: Path, scalers: list[tuple[int, int, int]]
) -> None:
    width = 2 if len(scalers) == 1 else 6
    values = np.random.default_rng(1).integers(-3000, 3000, (100, width // 2)).astype("<i2")
    path = daqmx(tmp_path / "a.tdms", scalers, width, values.tobytes())
    with nptdms.TdmsFile.open(path) as file:
        raw = file["g"]["ai0"].read_data(scaled=False)
        np.testing.assert_array_equal(raw[0] if isinstance(raw, dict) else raw, values[:, 0])
    (candidate,) = list_candidates(path)
    assert (candidate.dtype, candidate.problem) == ("int16", None)
    with open_recording(path, None, ReadOptions(sampling_frequency=100.0)) as recording:
        np.testing.assert_array_equal(stored(recording)[:, 0], values[:, 0])


@pytest.mark.parametrize(
    ("name", "values", "expected", "start"),
    [
        ("Time [ms]", np.cumsum(np.arange(1000)), np.cumsum(np.arange(1000)) / 1000, None),
        ("Time", 0.5 + np.arange(1000) * 0.25, 0.5 + np.arange(1000) * 0.25, None),
        ("Timestamp", 3792096000.5 + np.arange(1000), np.arange(1000.0), "2024-03-01T00:00:00.500000+00:00"),
        ("timestamp", 1709251200.0 + np.arange(1000), np.arange(1000.0), "2024-03-01T00:00:00+00:00"),
    ],
)
def test_numbers_called_like_times_are_the_times_of_samples_without_a_rate(
    tmp_path: Path, name: str, values: Any, expected: Any, start: str | None
) -> None:
    channels = [nptdms.ChannelObject("log", name, values), nptdms.ChannelObject("log", "value", NOISE[:, 0])]
    path = write(tmp_path / "a.tdms", channels)
    (candidate,) = list_candidates(path)
    assert candidate.dataset == "log"
    with open_recording(path, None, ReadOptions(**candidate.options)) as recording:
        assert [each.label for each in recording.channels] == ["value"]
        np.testing.assert_allclose(recording.timestamps(0, 1000), expected, atol=1e-6)
        assert recording.session_start == start
    named = ReadOptions(dataset="log", timestamps=name)
    with open_recording(path, None, named) as recording:
        np.testing.assert_allclose(recording.timestamps(10, 20), expected[10:20], atol=1e-6)


def test_the_beginning_of_labviews_clock_is_no_date(tmp_path: Path) -> None:
    properties = {**WAVE, "wf_start_time": np.datetime64("1904-01-01T00:00:00")}
    with open_recording(write(tmp_path / "a.tdms", waves(properties=properties))) as recording:
        assert recording.session_start is None


def test_warnings_of_the_library_are_said_and_not_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.tdms", waves(0, 500), waves(500, 1000))
    path.write_bytes(path.read_bytes()[:-200])
    with open_recording(path) as recording:
        assert any(each.text.startswith("nptdms: Last segment") for each in recording.decisions)
    assert "WARNING" not in "".join(capfd.readouterr())
