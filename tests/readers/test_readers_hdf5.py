"""HDF5 files: samples, times, events and intervals, checked against what h5py reads."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from hdf5_files import SAMPLES, by_path, opened, read, refused, write
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.build.dataset import Dataset
from seriesview.build.plan import timeline_of
from seriesview.cli.inspect import command
from seriesview.errors import BuildError
from seriesview.layout.sample_file import SampleFile
from seriesview.readers import ReadOptions, list_candidates, open_recording


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_windows_are_what_h5py_reads(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(["i1", "<i2", ">i2", "<u4", ">f4", "<f8", "f2", "?"])))
    shape = data.draw(
        st.one_of(st.tuples(st.integers(2, 50)), st.tuples(st.integers(2, 50), st.integers(2, 6)))
    )
    samples = np.random.default_rng(shape[0]).integers(0, 100, shape).astype(dtype)
    options: dict[str, Any] = {}
    kind = data.draw(st.sampled_from(["contiguous", "chunked", "resized"]))
    if kind != "contiguous":
        options["chunks"] = tuple(data.draw(st.integers(1, length)) for length in shape)
        options["compression"] = data.draw(st.sampled_from([None, "gzip", "lzf"]))
        options["shuffle"] = data.draw(st.booleans())
        options["fletcher32"] = data.draw(st.booleans())
        options["maxshape"] = (None, *shape[1:])
    file_options = {
        "libver": data.draw(st.sampled_from(["earliest", "latest"])),
        "userblock_size": data.draw(st.sampled_from([0, 512, 2048])),
    }
    path = tmp_path_factory.mktemp("hdf5") / "a.h5"
    with h5py.File(path, "w", **file_options) as file:
        dataset = file.create_dataset("x", shape, dtype, **options)
        dataset[...] = samples
        if kind == "resized":
            dataset.resize(shape[0] + 7, axis=0)
    with h5py.File(path) as file:
        expected = file["x"][()].reshape(file["x"].shape[0], -1)
    order = data.draw(st.sampled_from(["C", "F"])) if len(shape) == 2 else "C"
    expected = expected if order == "C" else expected.T
    with opened(path, sampling_frequency=10.0, order=order) as recording:
        assert (recording.num_samples, recording.num_channels) == expected.shape
        assert recording.dtype == (np.uint8 if dtype.kind == "b" else dtype.newbyteorder("="))
        for _ in range(3):
            first = data.draw(st.integers(0, len(expected)))
            last = data.draw(st.integers(first, len(expected)))
            np.testing.assert_array_equal(read(recording, first, last), expected[first:last])
        if recording.layout is not None:
            with SampleFile(recording.layout) as by_range:
                np.testing.assert_array_equal(by_range.read(0, len(expected)), expected)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_timestamps_are_what_h5py_reads(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    count = data.draw(st.integers(2, 300))
    times = np.cumsum(np.random.default_rng(count).integers(1, 9, count))
    dtype = data.draw(st.sampled_from(["<f4", ">f8", "<i4", "u8"]))
    chunks = data.draw(st.sampled_from([None, (min(7, count),), (min(64, count),)]))
    path = tmp_path_factory.mktemp("hdf5") / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((count, 2))
        file.create_dataset("t", data=times.astype(dtype), chunks=chunks)
    with opened(path, "x", timestamps="t") as recording:
        assert recording.sampling_frequency is None
        for _ in range(3):
            first = data.draw(st.integers(0, count))
            last = data.draw(st.integers(first, count))
            found = recording.timestamps(first, last)
            assert found.dtype == np.float64
            assert found.tolist() == times[first:last].tolist()


def test_the_rate_is_found_around_the_dataset(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file.attrs["fs"] = 1.0
        for name in ("own", "text", "beside", "float32", "one"):
            file[f"group/{name}/x"] = SAMPLES
        file["group/own/x"].attrs["Sampling_Rate"] = np.int32(30000)
        file["group/text/x"].attrs["sfreq"] = "512"
        file["group/beside/FS"] = np.array([[250.0]])
        file["group/float32/fs"] = np.float32(1250.1)
        file["group/one"].attrs["rate"] = np.array([44100.0])
        file["group/none/inner/x"] = SAMPLES

    path = write(tmp_path / "a.h5", fill)
    rates = {"own": 30000, "text": 512, "beside": 250, "float32": 1250.1, "one": 44100, "none/inner": 1.0}
    for name, rate in rates.items():
        with opened(path, f"/group/{name}/x") as recording:
            assert recording.sampling_frequency == rate
        assert by_path(path)[f"/group/{name}/x"].sampling_frequency == rate
    with opened(path, "group/own/x/", sampling_frequency=7) as recording:
        assert (recording.sampling_frequency, type(recording.sampling_frequency)) == (7, float)


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_a_rate_that_is_none_is_asked_for(tmp_path: Path, rate: float) -> None:
    path = write(tmp_path / "a.h5", lambda file: file.create_dataset("x", data=SAMPLES).attrs.update(fs=rate))
    assert "sampling_frequency" in refused(path, "x")
    (candidate,) = list_candidates(path)
    assert (candidate.problem, candidate.sampling_frequency) == (None, None)
    assert candidate.options == {"dataset": "/x", "sampling_frequency": None}
    with opened(path, sampling_frequency=5.0) as recording:
        assert recording.sampling_frequency == 5


def test_unit_and_scaling_come_from_the_attributes_unless_configured(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["x"] = SAMPLES
        file["x"].attrs.update({"units": "mV", "scale_factor": np.float32(0.1), "add_offset": 2, "fs": 10})

    path = write(tmp_path / "a.h5", fill)
    with opened(path) as recording:
        assert (recording.unit, recording.scale, recording.offset) == ("mV", 0.1, 2)
        assert recording.channels[1].label == "1"
    with opened(
        path, unit="V", scale=3.0, offset=0.0, start_time=4.0, channel_labels=("a", "b")
    ) as recording:
        assert (recording.unit, recording.scale, recording.offset) == ("V", 3, 0)
        assert recording.start_time == 4
        assert [channel.label for channel in recording.channels] == ["a", "b"]
    assert "channels: 3 configured, but the dataset has 2" in refused(path, channels=3)
    assert "channel_labels: 1 given, but the dataset has 2" in refused(path, channel_labels=("a",))


def test_timestamps_are_found_beside_the_dataset_or_from_the_root(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["a/x"], file["a/t"], file["t"] = SAMPLES, np.arange(20.0), np.arange(20.0) * 2
        file["a/short"], file["a/flat"] = np.arange(19.0), np.zeros((20, 3))
        file["b/x"], file["b/Timestamps"] = SAMPLES, np.arange(20.0)

    path = write(tmp_path / "a.h5", fill)
    for name, last in (("t", 19), ("/t", 38), ("a/t", 19), ("b/Timestamps", 19)):
        with opened(path, "/a/x", timestamps=name) as recording:
            assert recording.timestamps(19, 20).tolist() == [last]
    with opened(path, "a/x", timestamps="t", type="discrete") as recording:
        assert recording.type == "discrete"
    assert by_path(path)["/b/x"].options["timestamps"] == "/b/Timestamps"
    assert "/b/Timestamps has as many values" in refused(path, "/b/x")
    assert "/b/Timestamps" not in by_path(path)
    assert "timestamps: /a/short: it holds 19 times, but there are 20 samples" in refused(
        path, "a/x", timestamps="short"
    )
    assert "(20, 3)" in refused(path, "a/x", timestamps="flat")
    assert "there are /a/short, /a/t" in refused(path, "a/x", timestamps="nothing")
    assert "timestamps: /b is a group" in refused(path, "a/x", timestamps="b")
    assert "discrete" in refused(path, "a/x", sampling_frequency=1.0, type="discrete")


def test_timestamps_in_other_units_become_seconds(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        for name, unit in (("ms", "milliseconds since 2020-01-01"), ("us", "us"), ("h", "hours"), ("s", "s")):
            file[f"{name}/x"], file[f"{name}/time"] = SAMPLES, np.arange(20) * 1000
            file[f"{name}/time"].attrs["units"] = unit

    path = write(tmp_path / "a.h5", fill)
    for name, seconds in (("ms", 1.0), ("us", 0.001), ("h", 3_600_000.0), ("s", 1000.0)):
        with opened(path, f"{name}/x", timestamps="time") as recording:
            assert recording.timestamps(1, 3).tolist() == [seconds, 2 * seconds]
        assert opened(path, f"{name}/time", type="event").events()[0][1] == seconds


@pytest.mark.parametrize(
    ("times", "message"),
    [([0.0, 1.0, np.nan, 3.0], "sample 2 has the time nan"), ([0.0, 2.0, 1.0, 3.0], "go back at sample 2")],
)
def test_timestamps_that_cannot_be_are_said(tmp_path: Path, times: list[float], message: str) -> None:
    def fill(file: h5py.File) -> None:
        file["x"], file["t"] = np.zeros(4), np.array(times)

    path = write(tmp_path / "a.h5", fill)
    options = ReadOptions(dataset="x", timestamps="t")
    with open_recording(path, options=options) as recording, pytest.raises(BuildError, match=message):
        timeline_of(recording, Dataset("x", str(path), None, options))
    found = json.loads(CliRunner().invoke(command, [str(path), "--json"]).output)["candidates"]
    assert message in found[0]["problem"]


def test_events_and_intervals(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["times"] = np.array([2, 1, 3], np.int32)
        file["row"], file["single"] = np.array([[2.0, 1.0, 3.0]]), np.array([4.0])
        file["spikes"] = np.array([[3.0, 1], [1.0, 0], [2.0, 1]])
        file["epochs"] = np.array([[4.0, 6.0], [1.0, 2.0]])
        file["turned"] = np.array([[4.0, 1.0, 3.0], [6.0, 2.0, 5.0]])
        file["none"], file["wide"] = np.zeros((0, 2)), np.zeros((5, 4))

    path = write(tmp_path / "a.h5", fill)
    for name in ("times", "row"):
        assert [each.tolist() for each in opened(path, name, type="event").events()] == [[1, 2, 3], [0, 0, 0]]
    assert opened(path, "single", type="event").events()[0].tolist() == [4.0]
    spikes = opened(path, "spikes", type="event", channel_labels=("a", "b"))
    assert [each.tolist() for each in spikes.events()] == [[1, 2, 3], [0, 1, 1]]
    assert [channel.label for channel in spikes.channels] == ["a", "b"]
    assert "channel_labels: 1 given" in refused(path, "spikes", type="event", channel_labels=("a",))
    bounds, indices, labels = opened(path, "epochs", type="interval").intervals()
    assert (bounds.tolist(), indices.tolist(), list(labels)) == ([[1, 2], [4, 6]], [0, 0], ["epochs"])
    assert opened(path, "turned", type="interval", order="F").intervals()[0].tolist() == [
        [1, 2],
        [3, 5],
        [4, 6],
    ]
    for kind in ("event", "interval"):
        assert opened(path, "none", type=kind).num_samples == 0
        assert "/wide: " in refused(path, "wide", type=kind)
    assert "/turned: " in refused(path, "turned", type="interval")
    assert "/times: " in refused(path, "times", type="interval")


def test_matlab_files(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        def variable(name: str, data: Any, kind: str, **attributes: Any) -> None:
            file[name] = data
            file[name].attrs.update({"MATLAB_class": np.bytes_(kind), **attributes})

        variable("data", np.arange(40.0).reshape(2, 20), "double")
        variable("t", np.arange(20.0)[np.newaxis], "double")
        variable("column", np.arange(20.0)[:, np.newaxis], "double")
        variable("events", np.arange(6.0)[np.newaxis], "double")
        variable("name", np.frombuffer(b"r\0a\0t\0", np.uint16).reshape(3, 1), "char", MATLAB_int_decode=2)
        variable("nothing", np.array([0, 0], np.uint64), "double", MATLAB_empty=np.uint8(1))
        variable("rec/fs", np.array([[100.0]]), "double")
        variable("rec/emg", np.arange(50.0)[np.newaxis], "double")
        file["#refs#/b"] = np.zeros(3)
        file.create_dataset("cells", data=[[file["#refs#/b"].ref]], dtype=h5py.ref_dtype)

    path = write(tmp_path / "a.mat", fill, userblock_size=512)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(128))
    found = by_path(path)
    assert found["/data"].shape == (20, 2)
    assert found["/data"].options == {"dataset": "/data", "order": "F", "timestamps": "/t"}
    for times in ("t", "column"):
        with opened(path, "data", order="F", timestamps=times) as recording:
            assert read(recording, 3, 4).tolist() == [[3.0, 23.0]]
            assert recording.timestamps(5, 7).tolist() == [5, 6]
    with opened(path, "rec/emg") as recording:
        assert (recording.num_samples, recording.num_channels) == (50, 1)
        assert recording.sampling_frequency == 100
        assert recording.layout is not None
    assert opened(path, "events", type="event").events()[0].tolist() == list(range(6))
    assert "text" in str(found["/name"].problem)
    assert "empty" in str(found["/nothing"].problem)
    assert "references" in str(found["/cells"].problem)
    for name in ("name", "nothing", "cells"):
        assert f"/{name}" in refused(path, name, sampling_frequency=1.0)


def test_netcdf_files(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["time"], file["channel"] = np.arange(20.0), np.array([3, 4])
        file["obs"] = np.zeros(20)
        file["obs"].make_scale("This is a netCDF dimension but not a netCDF variable.        20")
        for name in ("time", "channel"):
            file[name].make_scale(name)
        file["group/ecg"], file["group/hr"] = SAMPLES, np.arange(20.0)
        file["group/turned"] = SAMPLES.T
        for name, scales in (("ecg", ("time", "channel")), ("turned", ("channel", "time")), ("hr", ("obs",))):
            for axis, scale in enumerate(scales):
                file[f"group/{name}"].dims[axis].attach_scale(file[scale])

    path = write(tmp_path / "a.nc", fill)
    found = by_path(path)
    assert found["/group/ecg"].options == {"dataset": "/group/ecg", "timestamps": "/time"}
    assert found["/group/turned"].options == {"dataset": "/group/turned", "order": "F", "timestamps": "/time"}
    assert found["/group/hr"].options == {"dataset": "/group/hr", "sampling_frequency": None}
    assert "/time" not in found
    assert "dimension" in str(found["/channel"].problem)
    assert "dimension" in str(found["/obs"].problem)
    for name in ("ecg", "turned"):
        with open_recording(path, options=ReadOptions(**found[f"/group/{name}"].options)) as recording:
            np.testing.assert_array_equal(read(recording), SAMPLES)
