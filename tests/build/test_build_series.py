"""Series manifests from artifacts: the configuration's words over the file's."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import dataset_from_config, without_descriptions
from seriesview.build.series import build_series
from seriesview.errors import BuildError
from seriesview.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "kachery", "embedded")


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "raw.dat"
    np.arange(6000, dtype="int16").reshape(-1, 3).tofile(path)
    return {
        "path": str(path),
        "reader": "binary",
        "dtype": "int16",
        "channels": 3,
        "sampling_frequency": 100,
    }


def series(config: dict[str, Any], store: Store, directory: Path) -> dict[str, Any]:
    artifacts = build_artifacts(
        dataset_from_config("raw", without_descriptions(config)), Job(store, directory / "ledger.jsonl")
    )
    return build_series(dataset_from_config("raw", config), artifacts, store)


def test_the_configuration_describes_the_series(config: dict[str, Any], store: Store, tmp_path: Path) -> None:
    config |= {
        "label": "Muscle",
        "unit": "uV",
        "scale": 0.195,
        "offset": 2,
        "channel_labels": ["a", "b", "c"],
    }
    config |= {"session_start": "2024-07-01T10:00:00", "timezone": "Europe/Berlin"}
    result = series(config, store, tmp_path)
    manifest = result["manifest"]
    assert store.get_json(result["uri"]) == manifest
    assert (manifest["label"], manifest["unit"], manifest["scale"], manifest["offset"]) == (
        "Muscle",
        "uV",
        0.195,
        2.0,
    )
    assert [channel["label"] for channel in manifest["channels"]] == ["a", "b", "c"]
    assert manifest["session_start"] == "2024-07-01T10:00:00+02:00"
    assert set(result) == {"name", "described_with", "uri", "manifest", "source", "timing"}


def test_a_series_without_a_label_has_its_datasets_name(
    config: dict[str, Any], store: Store, tmp_path: Path
) -> None:
    assert series(config, store, tmp_path)["manifest"]["label"] == "raw"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"channel_labels": ["a"]}, "dataset raw: channel_labels: 1 labels for 3 channels"),
        ({"session_start": "noon"}, "dataset raw: session_start: 'noon' is not a date"),
        (
            {"session_start": "1824-07-01T10:00:00Z"},
            "dataset raw: session_start: .* begin in the year 1824, which cannot be; write another",
        ),
        (
            {"session_start": "2024-07-01T10:00:00Z", "start_time": 1e12},
            "dataset raw: session_start: .* begin 1e.12 s after 2024-07-01T10:00:00.00:00, which cannot be",
        ),
        (
            {"session_start": "2024-07-01T10:00:00", "start_time": 1_719_828_000.5},
            "times count from 1970 already .the first is 1719828000.500000 s., .* leave `session_start` out",
        ),
        (
            {"session_start": "2024-07-01T10:00:00", "timezone": "Mars/Base"},
            "dataset raw: timezone: 'Mars/Base'",
        ),
    ],
)
def test_descriptions_that_do_not_fit_are_named(
    config: dict[str, Any], store: Store, tmp_path: Path, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(BuildError, match=message):
        series(config | more, store, tmp_path)


def test_a_local_time_stays_one(config: dict[str, Any], store: Store, tmp_path: Path) -> None:
    result = series(config | {"session_start": "2024-07-01 10:00"}, store, tmp_path)
    assert result["manifest"]["session_start"] == "2024-07-01T10:00:00"


def test_times_that_count_from_1970_are_not_added_to_a_files_session_start(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "session.nwb"
    with h5py.File(path, "w") as file:
        file.attrs["nwb_version"] = "2.6.0"
        file["session_start_time"] = "2023-11-14T17:13:20-05:00"
        times = file.create_group("acquisition/probe")
        times.attrs["neurodata_type"] = "TimeSeries"
        times["data"] = np.arange(900, dtype="i2")
        times["data"].attrs["unit"] = "V"
        times["timestamps"] = 1_700_000_000 + np.arange(900) / 100
    config = {"path": str(path), "dataset": "/acquisition/probe"}
    manifest = series(config, store, tmp_path)["manifest"]
    assert manifest["session_start"] == "2023-11-14T17:13:20-05:00"
    assert manifest["segments"][0]["start_time"] == pytest.approx(0, abs=1e-6)
    assert any("are taken for s since 1970 (UTC)" in note for note in manifest["notes"])


def test_new_words_give_the_same_artifacts(config: dict[str, Any], store: Store, tmp_path: Path) -> None:
    first = series(config, store, tmp_path)["manifest"]
    second = series(config | {"label": "other", "unit": "mV", "scale": 3.0}, store, tmp_path)["manifest"]
    for key in ("levels", "moments", "values", "segments"):
        assert first[key] == second[key]
