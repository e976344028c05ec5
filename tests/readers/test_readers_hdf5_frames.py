"""Frames of all channels in one dimension: unfolded where the file or the configuration says how, else asked for."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hdf5_files import by_path, opened, read, refused, write

FRAMES = np.random.default_rng(4).integers(0, 4096, (50, 6)).astype(np.uint16)


def brainwave_3(sign: int = 1, **how: Any) -> Any:
    def fill(file: h5py.File) -> None:
        file.create_dataset("3BData/Raw", data=FRAMES.ravel(), **how)
        for name, value in (
            ("BitDepth", 12),
            ("MaxVolt", 4125.0),
            ("MinVolt", -4125.0),
            ("SignalInversion", float(sign)),
            ("SamplingRate", 7702.5),
            ("NRecFrames", 50),
        ):
            file[f"3BRecInfo/3BRecVars/{name}"] = [value]
        places = np.array([(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)], [("Row", "i2"), ("Col", "i2")])
        file["3BRecInfo/3BMeaStreams/Raw/Chs"] = places
        file["3BRecInfo/3BMeaChip/NCols"], file["3BRecInfo/3BMeaChip/NRows"] = [64], [64]

    return fill


@pytest.mark.parametrize("how", [{}, {"chunks": (70,)}, {"chunks": (70,), "compression": "gzip"}])
@pytest.mark.parametrize("sign", [1, -1])
def test_brainwave_files_are_unfolded(tmp_path: Path, how: dict[str, Any], sign: int) -> None:
    path = write(tmp_path / "a.brw", brainwave_3(sign, **how))
    candidate = by_path(path)["/3BData/Raw"]
    assert (candidate.shape, candidate.sampling_frequency, candidate.problem) == ((50, 6), 7702.5, None)
    with opened(path, "3BData/Raw") as recording:
        np.testing.assert_array_equal(read(recording), FRAMES)
        np.testing.assert_array_equal(read(recording, 13, 31), FRAMES[13:31])
        assert recording.sampling_frequency == 7702.5
        assert [channel.label for channel in recording.channels][:2] == ["1,1", "1,2"]
        physical = FRAMES * recording.scale + recording.offset
        step = 8250 / 4096
        np.testing.assert_allclose(physical, sign * (FRAMES * step - 4125.0))
        assert recording.unit == "uV"
        assert (recording.layout is not None) == (not how)


def test_brainwave_4_files_are_unfolded(tmp_path: Path) -> None:
    settings = {
        "TimeConverter": {"FrameRate": 20000.0},
        "ValueConverter": {
            "MaxAnalogValue": 4125.0,
            "MinAnalogValue": -4125.0,
            "MaxDigitalValue": 4095.0,
            "MinDigitalValue": 0.0,
        },
    }

    def fill(file: h5py.File) -> None:
        file["ExperimentSettings"] = [json.dumps(settings)]
        file["Well_A1/Raw"], file["Well_A1/StoredChIdxs"] = FRAMES.ravel(), [7, 8, 9, 10, 11, 12]

    with opened(write(tmp_path / "a.brw", fill), "Well_A1/Raw") as recording:
        np.testing.assert_array_equal(read(recording), FRAMES)
        np.testing.assert_allclose(recording.scale * 4095 + recording.offset, 4125)
        assert (recording.sampling_frequency, recording.channels[0].label) == (20_000, "7")


def test_what_tells_of_brainwaves_samples_is_none_of_them(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.brw", lambda file: (brainwave_3()(file), file.create_dataset("TOC", data=[1, 2, 3]))
    )
    found = by_path(path)
    assert [name for name, each in found.items() if each.problem is None] == ["/3BData/Raw"]
    assert found["/3BData/Raw"].role == "spike-band"
    with opened(path, "TOC", sampling_frequency=1.0) as recording:
        assert read(recording).ravel().tolist() == [1, 2, 3]


def test_brainwave_frames_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        brainwave_3()(file)
        del file["3BData/Raw"]
        file["3BData/Raw"] = FRAMES.ravel()[:-1]

    message = refused(write(tmp_path / "a.brw", fill), "3BData/Raw")
    assert "no whole frames of its 6 channels" in message
    assert "set `channels`" in message


@pytest.mark.parametrize("place", ["own", "group", "beside"])
def test_a_number_of_channels_beside_one_dimension_is_asked_about(tmp_path: Path, place: str) -> None:
    def fill(file: h5py.File) -> None:
        file["a/x"] = FRAMES.ravel()
        file["a/x"].attrs["fs"] = 100.0
        if place == "beside":
            file["a/n_channels"] = 6
        else:
            (file["a/x"] if place == "own" else file["a"]).attrs["NumChannels"] = 6

    path = write(tmp_path / "a.h5", fill)
    message = refused(path, "a/x")
    assert "set `channels: 6`" in message
    candidate = by_path(path)["/a/x"]
    assert (candidate.options["channels"], candidate.problem is None) == (None, False)
    with opened(path, "a/x", channels=6) as recording:
        np.testing.assert_array_equal(read(recording), FRAMES)
        assert "as configured" in recording.decisions[0].text
    with opened(path, "a/x", channels=1) as recording:
        np.testing.assert_array_equal(read(recording), FRAMES.reshape(-1, 1))
    assert "channels: 7 configured, but the dataset has 1" in refused(path, "a/x", channels=7)
