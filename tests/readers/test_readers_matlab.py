"""MATLAB files of levels 4 and 5: those that scipy writes, and those of MATLAB that come with scipy's tests."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from large_recordings import read_through
from mutations import check_survives
from read_recordings import stored

import seriesview
from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, list_candidates, open_recording
from seriesview.readers.matlab.reader import MatlabReader
from seriesview.readers.registry import guess_reader

OF_MATLAB = sorted((Path(scipy.io.__file__).parent / "matlab" / "tests" / "data").glob("*.mat"))
SAMPLES = np.random.default_rng(0).normal(0, 1, (500, 3))


@pytest.mark.parametrize(
    "words", [{"format": "4"}, {"format": "5"}, {"format": "5", "do_compression": True}], ids=str
)
def test_variables_of_either_level(tmp_path: Path, words: dict[str, Any]) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(
        path, {"emg": SAMPLES, "lfp": SAMPLES.T.astype(np.float32), "Fs": 250.0, "label": "text"}, **words
    )
    assert guess_reader(path).name == "matlab"
    found = {candidate.dataset: candidate for candidate in list_candidates(path)}
    assert {name for name, candidate in found.items() if candidate.problem is None} == {"emg", "lfp"}
    assert "only arrays of numbers" in str(found["label"].problem)
    assert found["lfp"].options == {"dataset": "lfp", "order": "F"}
    with open_recording(path, None, ReadOptions(dataset="lfp", order="F")) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES.astype(np.float32))
        assert recording.sampling_frequency == 250
        assert [decision.text for decision in recording.decisions] == ["250 Hz: the variable Fs"]


def test_fields_of_structures_by_their_path(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(
        path, {"data": {"emg": SAMPLES, "srate": 100, "inner": {"x": np.arange(5.0)}, "who": "me"}}
    )
    found = {candidate.dataset: candidate.problem for candidate in list_candidates(path)}
    assert {name for name, problem in found.items() if problem is None} == {"data.emg", "data.inner.x"}
    assert "text" in str(found["data.who"])
    with open_recording(path, None, ReadOptions(dataset="data.emg")) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)
        assert recording.sampling_frequency == 100


def test_times_beside_samples_are_theirs(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    times = np.sort(np.random.default_rng(1).uniform(0, 10, 500))
    scipy.io.savemat(path, {"emg": SAMPLES, "t": times})
    (candidate,) = list_candidates(path)
    assert candidate.options == {"dataset": "emg", "timestamps": "t"}
    with open_recording(path, None, ReadOptions(**candidate.options)) as recording:
        np.testing.assert_array_equal(recording.timestamps(0, 500), times)
    with open_recording(path, None, ReadOptions(dataset="emg", timestamps="t (ms)")) as recording:
        np.testing.assert_allclose(recording.timestamps(0, 500), times / 1000)


def test_events_and_intervals(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"spikes": [0.5, 1.5, 1.0], "trials": np.array([[0.0, 1.0], [2.0, 3.5]])})
    with open_recording(path, None, ReadOptions(dataset="spikes", type="event")) as events:
        assert events.events()[0].tolist() == [0.5, 1.0, 1.5]
    with open_recording(path, None, ReadOptions(dataset="trials", type="interval")) as intervals:
        assert intervals.intervals()[0].tolist() == [[0.0, 1.0], [2.0, 3.5]]


def test_what_cannot_be_shown_says_why(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(
        path,
        {
            "volume": np.zeros((2, 3, 4)),
            "spectrum": np.ones((3, 2)) * 1j,
            "cells": np.array([1, "a"], object),
            "EEG": {"data": SAMPLES, "setname": "x"},
            "none": np.zeros((0, 3)),
        },
    )
    problems = {candidate.dataset: str(candidate.problem) for candidate in list_candidates(path)}
    assert "3 dimensions" in problems["volume"]
    assert "EEGLAB" in problems["EEG"]
    assert "only arrays of numbers" in problems["cells"]
    assert "empty" in problems["none"]
    with pytest.raises(ReaderError, match="complex"):
        open_recording(path, None, ReadOptions(dataset="spectrum", sampling_frequency=1))
    with pytest.raises(ReaderError, match="there is no variable 'nothing'"):
        open_recording(path, None, ReadOptions(dataset="nothing"))


def test_files_of_eeglab_and_others_are_left_to_others(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"EEG": {"data": SAMPLES}})
    (tmp_path / "a.mat").rename(tmp_path / "a.set")
    np.zeros(100).tofile(tmp_path / "b.mat")
    (tmp_path / "c.mat").write_text("1 2 3\n4 5 6\n")
    assert not any(MatlabReader().can_read(path) for path in tmp_path.iterdir())


@pytest.mark.parametrize("path", OF_MATLAB, ids=lambda path: path.name)
def test_files_of_matlab_are_read_or_refused(path: Path) -> None:
    reader = MatlabReader()
    if not reader.can_read(path):
        assert "hdf5" in path.name or path.name.startswith("bad_")
        return
    for candidate in reader.candidates(path):
        if candidate.problem is not None:
            continue
        options = ReadOptions(**{**candidate.options, "sampling_frequency": 1.0, "timestamps": None})
        if path.name.startswith("corrupted"):
            with pytest.raises(ReaderError, match="damaged"):
                reader.open(path, options)
            continue
        with reader.open(path, options) as recording:
            values = stored(recording)
        first, *fields = str(candidate.dataset).split(".")
        name, _, cell = first.partition("{")
        expected: Any = scipy.io.loadmat(path)[name]
        if cell:
            expected = expected.ravel(order="F")[int(cell.removesuffix("}")) - 1]
        for field in fields:
            expected = expected[0, 0][field]
        is_turned = len(expected) == 1 or candidate.options.get("order") == "F"
        np.testing.assert_array_equal(values, expected.T if is_turned else expected)


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    variants: list[dict[str, Any]] = [{"format": "4"}, {"do_compression": False}, {"do_compression": True}]
    for words in variants:
        held: dict[str, Any] = {"x": SAMPLES[:20], "fs": 100.0}
        if "format" not in words:
            held["s"] = {"y": [1, 2], "inner": {"z": [1.5, 2.5]}}
        scipy.io.savemat(path, held, **words)
        assert check_survives(MatlabReader(), path, path, 700) > 20


def test_two_gigabytes_are_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    rows = 1 << 27
    path.write_bytes(struct.pack("<5i", 0, rows, 2, 0, 2) + b"x\0")
    os.truncate(path, 22 + rows * 16)
    samples, peak = read_through(path, sampling_frequency=1000.0)
    assert samples == rows
    assert peak < 250 << 20


def test_a_workspace_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scipy.io.savemat(tmp_path / "a.mat", {"emg": SAMPLES, "fs": 50.0})
    built = seriesview.build_workspace(tmp_path / "a.mat", store=tmp_path / "store")
    series = built.series["a"].open()
    np.testing.assert_array_equal(series.values(0, 100, 200), SAMPLES[100:200])
    assert "link" in built.store.get_json(built.series["a"].uri)["values"]


@pytest.mark.parametrize(("do_compression", "count"), [(False, 200), (True, 200), (True, 2)])
def test_trials_of_fieldtrip_are_cells_with_their_own_times(
    tmp_path: Path, do_compression: bool, count: int
) -> None:
    trials = [np.random.default_rng(each).normal(size=(4, count + each)) for each in range(2)]
    cells, times, names = np.empty((1, 2), object), np.empty((1, 2), object), np.empty((4, 1), object)
    for each, trial in enumerate(trials):
        cells[0, each], times[0, each] = trial, np.arange(trial.shape[1])[None] / 500 - 0.2 + each
    names[:, 0] = ["Fz", "Cz", "Pz", "Oz"]
    data = {"fsample": 500.0, "trial": cells, "time": times, "label": names}
    scipy.io.savemat(tmp_path / "a.mat", {"data": data}, do_compression=do_compression)
    shown = {each.dataset: each for each in list_candidates(tmp_path / "a.mat") if each.problem is None}
    assert list(shown) == ["data.trial{1}", "data.trial{2}"]
    for each, trial in enumerate(trials):
        options = ReadOptions(**shown[f"data.trial{{{each + 1}}}"].options)
        with open_recording(tmp_path / "a.mat", None, options) as recording:
            out = np.empty((recording.num_samples, recording.num_channels))
            recording.read_into(0, out)
            np.testing.assert_array_equal(out, trial.T)
            np.testing.assert_allclose(recording.timestamps(0, 2), np.arange(2) / 500 - 0.2 + each)


def test_cells_without_numbers_are_told_as_cells(tmp_path: Path) -> None:
    words = np.empty((2, 1), object)
    words[:, 0] = ["a", "b"]
    scipy.io.savemat(tmp_path / "a.mat", {"words": words})
    (candidate,) = list_candidates(tmp_path / "a.mat")
    assert "a cell array" in str(candidate.problem)
