"""Errors name the dataset, its file and what is in it, each once, as facts."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from seriesview.build.dataset import Dataset, naming_dataset
from seriesview.build.findings import find_all
from seriesview.build.opening import opened_recording
from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions
from seriesview.readers.hdf5.file import naming
from seriesview.readers.registry import choose_reader
from seriesview.store import open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "a; b: c.h5"
    with h5py.File(file, "w") as hdf5:
        hdf5["words"] = ["a", "b"]
        hdf5["numbers"] = np.zeros(50)
    return file


def dataset_of(path: Path, name: str) -> Dataset:
    return Dataset("probe", str(path), None, ReadOptions(dataset=name, sampling_frequency=10.0))


def test_an_error_of_a_recording_names_dataset_file_and_object(path: Path, tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", "embedded")
    with pytest.raises(ReaderError) as error, opened_recording(dataset_of(path, "/words"), store):
        pass
    assert error.value.where == ("dataset probe", str(path), "/words")
    assert (error.value.facts["dataset"], error.value.facts["path"]) == ("probe", str(path))


def test_places_are_named_once_however_often_they_are_put_before(path: Path) -> None:
    dataset = dataset_of(path, "/words")
    with (
        pytest.raises(ReaderError) as error,
        naming_dataset(dataset),
        naming_dataset(dataset),
        naming(path, "/words"),
        naming(path, "/words"),
    ):
        raise ReaderError("no numbers", file=path)
    assert error.value.where == ("dataset probe", str(path), "/words")


def test_what_cannot_be_shown_of_a_file_is_said_without_its_path(path: Path) -> None:
    problems = [found.problem for found in find_all(path, choose_reader(path)) if found.problem]
    assert problems
    assert not any(str(path).lower() in problem.lower() for problem in problems)
