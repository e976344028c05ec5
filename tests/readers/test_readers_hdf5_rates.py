"""Rates of HDF5 files: in the unit that they have, of the datasets that they can be meant for, or asked for."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from hdf5_files import SAMPLES, by_path, opened, refused, write

from seriesview.cli.inspect import command as inspect

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("attributes", "rate", "is_guess"),
    [
        ({"sampling_rate": 30, "sampling_rate_unit": "kHz"}, 30_000, False),
        ({"SamplingRate": 30.0, "SamplingRateUnits": "kHz"}, 30_000, False),
        ({"sampling_frequency": 1, "sampling_frequency_unit": "MHz"}, 1e6, False),
        ({"sampling_frequency": 500, "sampling_frequency_unit": "mHz"}, 0.5, False),
        ({"rate": 30, "rate_unit": "1/ms"}, 30_000, False),
        ({"rate": 30, "rate_units": "samples per second"}, 30, False),
        ({"sampling_rate_khz": 30}, 30_000, False),
        ({"SamplingRateHz": 250}, 250, False),
        ({"fs_Hz": 250}, 250, False),
        ({"sampling_rate": "30 kHz"}, 30_000, False),
        ({"sfreq": "512"}, 512, False),
        ({"fs": np.float32(1250.1)}, 1250.1, False),
        ({"sample_interval_us": 50}, 20_000, False),
        ({"SamplingInterval": 0.05, "TimeUnit": "ms"}, 20_000, False),
        ({"sampling_interval": 50, "sampling_interval_unit": "us"}, 20_000, False),
        ({"sampling_period": 0.001, "time_unit": "s"}, 1000, False),
        ({"dt": "2 ms"}, 500, False),
        ({"dt": np.float32(0.1), "dt_unit": "ms"}, 10_000, False),
        ({"dt": 0.001}, 1000, True),
        ({"wf_increment": 0.0005}, 2000, True),
        ({"fs": 1000, "dt": 0.001}, 1000, False),
        ({"sampling_rate": 1000, "rate": 30}, 1000, False),
    ],
)
@pytest.mark.parametrize("on_group", [False, True])
def test_rates_have_units(
    tmp_path: Path, attributes: dict[str, Any], rate: float, is_guess: bool, on_group: bool
) -> None:
    def fill(file: h5py.File) -> None:
        file["a/x"] = SAMPLES
        (file["a"] if on_group else file["a/x"]).attrs.update(attributes)

    path = write(tmp_path / "a.h5", fill)
    with opened(path) as recording:
        assert recording.sampling_frequency == rate
        assert [decision.is_guess for decision in recording.decisions] == [is_guess]
    assert by_path(path)["/a/x"].sampling_frequency == rate


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"sampling_rate": 30, "sampling_rate_unit": "per tick"}, "30 per tick"),
        ({"sampling_rate": 30, "TimeUnit": "ms"}, "times are in ms"),
        ({"dt": 5, "dt_unit": "samples"}, "5 samples"),
        ({"dt": 0}, "is 0"),
        ({"fs": 1000, "dt": 0.5}, "differ"),
        ({"fs": 1000, "sampling_rate": 30000}, "differ"),
    ],
)
def test_rates_that_are_not_clear_are_asked_for(
    tmp_path: Path, attributes: dict[str, Any], said: str
) -> None:
    path = write(
        tmp_path / "a.h5", lambda file: file.create_dataset("x", data=SAMPLES).attrs.update(attributes)
    )
    message = refused(path, "x")
    assert said in message
    assert "set `sampling_frequency` (Hz)" in message
    (candidate,) = json.loads(CliRunner().invoke(inspect, [str(path), "--json"]).output)["candidates"]
    assert said in candidate["problem"]
    assert candidate["options"] == {"dataset": "/x", "sampling_frequency": None}
    with opened(path, "x", sampling_frequency=7.0) as recording:
        assert recording.sampling_frequency == 7


def test_a_rate_beside_the_samples_has_a_unit_too(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["khz/x"], file["khz/fs"] = SAMPLES, 30.0
        file["khz/fs"].attrs["unit"] = "kHz"
        file["named/x"], file["named/sampling_rate_khz"] = SAMPLES, 30.0
        file["interval/x"], file["interval/dt_ms"] = SAMPLES, np.array([[0.5]])

    path = write(tmp_path / "a.h5", fill)
    for name, rate in (("khz", 30_000), ("named", 30_000), ("interval", 2000)):
        with opened(path, f"{name}/x") as recording:
            assert recording.sampling_frequency == rate


SIGNAL = RANDOM.normal(size=30_000)


@pytest.mark.parametrize(
    ("datasets", "meant"),
    [
        ({"voltage": SIGNAL, "onsets": [0.5, 1.25, 3.0, 7.5, 9.0]}, ["voltage"]),
        ({"voltage": SIGNAL, "marks": [0.5, 1.25, 3.0, 7.5, 9.0]}, ["voltage"]),
        ({"marks": [0.5, 1.25, 3.0, 7.5, 9.0]}, []),
        ({"voltage": SIGNAL, "when": np.cumsum(RANDOM.random(2000))}, ["voltage"]),
        ({"voltage": SIGNAL, "spikeTimes": RANDOM.random(500)}, ["voltage"]),
        ({"voltage": SIGNAL, "places": RANDOM.random((32, 2))}, ["voltage"]),
        ({"voltage": SIGNAL, "eeg": RANDOM.normal(size=1000)}, []),
        ({"voltage": SIGNAL.reshape(-1, 2), "eeg": RANDOM.normal(size=(2, 1000))}, []),
        ({"voltage": SIGNAL, "current": SIGNAL}, ["voltage", "current"]),
        ({"voltage": SIGNAL, "current": SIGNAL[:-1]}, ["voltage", "current"]),
        ({"sweep1": SIGNAL, "sweep2": SIGNAL[:20_000]}, ["sweep1", "sweep2"]),
        ({"probe/raw": SIGNAL, "camera/x": RANDOM.normal(size=600)}, []),
        ({"short": [0.5, 1.0, 0.25]}, ["short"]),
    ],
)
def test_a_rate_of_the_whole_file_is_that_of_datasets_that_can_have_it(
    tmp_path: Path, datasets: dict[str, Any], meant: list[str]
) -> None:
    def fill(file: h5py.File) -> None:
        file.attrs["sampling_rate"] = 30_000
        for name, values in datasets.items():
            file[name] = values

    path = write(tmp_path / "a.h5", fill)
    for name in datasets:
        candidate = by_path(path)[f"/{name}"]
        if name in meant:
            assert (candidate.sampling_frequency, candidate.problem) == (30_000, None)
            opened(path, name).close()
        else:
            assert candidate.options["sampling_frequency"] is None
            assert "may not be that of these" in str(candidate.problem)
            assert "set `sampling_frequency` (Hz)" in refused(path, name)
        opened(path, name, sampling_frequency=5.0).close()


def test_a_rate_of_ones_own_is_not_doubted(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file.attrs["sampling_rate"] = 30_000
        file["voltage"], file["eeg"] = SIGNAL, SIGNAL[:1000]
        file["eeg"].attrs["sampling_rate"] = 1000
        file["camera/x"], file["camera/fps"] = SIGNAL[:500], 60.0

    path = write(tmp_path / "a.h5", fill)
    for name, rate in (("voltage", 30_000), ("eeg", 1000), ("camera/x", 60)):
        with opened(path, name) as recording:
            assert recording.sampling_frequency == rate


@pytest.mark.parametrize(
    ("times", "is_clear"),
    [
        (np.arange(30_000) / 30_000, True),
        (np.arange(30_000), True),
        (np.arange(30_000.0) + 7, True),
        (np.arange(30_000) / 100, False),
    ],
)
def test_times_that_contradict_the_rate_of_the_file(tmp_path: Path, times: Any, is_clear: bool) -> None:
    def fill(file: h5py.File) -> None:
        file.attrs["sampling_rate"] = 30_000
        file["voltage"], file["t"] = SIGNAL, times

    path = write(tmp_path / "a.h5", fill)
    if is_clear:
        opened(path, "voltage").close()
    else:
        assert "/t says 100 Hz" in refused(path, "voltage")
        opened(path, "voltage", timestamps="t").close()
