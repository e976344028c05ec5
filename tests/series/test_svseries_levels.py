"""Large series put together in Python have levels, which change no picture; large files are read by range."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from closed_port import CLOSED_PORT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import seriesview
from seriesview.errors import IntegrityError
from seriesview.series import segment_files, svseries_levels
from seriesview.store import open_store


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "storage"))
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))
    monkeypatch.setattr(svseries_levels, "MOST_VALUES", 2000)
    monkeypatch.setattr(segment_files, "WHOLE_BYTES", 1000)
    return tmp_path / "storage"


def make(lengths: list[int], channels: int, dtype: str, seed: int) -> tuple[seriesview.SVSeries, Any, Any]:
    """A series of segments a while apart, and its times and values by segment."""
    random = np.random.default_rng(seed)
    series = seriesview.SVSeries(type="continuous", sampling_frequency=100)
    times, values = [], []
    for number, length in enumerate(lengths):
        times.append(1000 * number + np.sort(np.round(random.uniform(0, 500, length), 1)))
        rows = random.normal(0, 100, (length, channels)).astype(dtype)
        if np.dtype(dtype).kind == "f":
            rows[random.uniform(size=rows.shape) < 0.05] = np.nan
        values.append(rows)
        series.add_numpy_segment(
            start_time=1000 * number, end_time=1000 * number + 501, timestamps=times[-1], values=rows
        )
    return series, times, values


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(0, 3000), min_size=1, max_size=3),
    channels=st.integers(2, 6),
    dtype=st.sampled_from(["int16", "float32", "float64"]),
    columns=st.integers(1, 50),
    seed=st.integers(0, 1000),
)
def test_pictures_are_those_of_the_samples(
    directory: Path, lengths: list[int], channels: int, dtype: str, columns: int, seed: int
) -> None:
    series, times, values = make(lengths, channels, dtype, seed)
    uri = series.to_uri()
    is_large = sum(lengths) * channels > 2000
    with seriesview.open_series(uri, open_store(directory, "embedded")) as opened:
        assert bool(opened.manifest.levels) == (is_large and sum(lengths) > 1024)
        start, end = 100.0, 1000.0 * len(lengths)
        found = opened.time_window(start, end, columns)
        edges = start + (end - start) * np.arange(columns + 1) / columns
        everything, rows = np.concatenate(times), np.concatenate(values)
        for column in range(columns):
            inside = rows[(edges[column] <= everything) & (everything <= edges[column + 1])]
            assert found.counts is not None
            assert found.envelope is not None
            assert found.counts[column] == len(inside)
            for channel in range(channels if len(inside) else 0):
                numbers = inside[:, channel]
                numbers = numbers[~np.isnan(numbers)] if numbers.dtype.kind == "f" else numbers
                low, high = found.envelope[column, :, channel]
                if len(numbers):
                    assert (low, high) == (numbers.min(), numbers.max())
                else:
                    assert np.isnan([low, high]).all()
        for number, length in enumerate(lengths):
            middle = length // 2
            np.testing.assert_array_equal(opened.values(number, middle, length), values[number][middle:])
            np.testing.assert_array_equal(opened.times(number, middle, length), times[number][middle:])


def test_its_manifest_is_still_the_originals(directory: Path) -> None:
    series, times, values = make([2000, 1500], 3, "float32", 1)
    document = series.to_dict()
    assert [level["factor"] for level in document["levels"]]
    for segment in document["segments"]:
        assert segment["values_uri"].startswith("sha1://")
        assert segment["timestamps_dtype"] == "float64"
    again = seriesview.SVSeries.from_uri(series.to_uri())
    assert again.to_dict() == document
    np.testing.assert_array_equal(again.segments[1].get_samples()[1], values[1])
    again.add_numpy_segment(start_time=5000, end_time=5001, timestamps=[5000.5], values=[[1.0, 2.0, 3.0]])
    assert again.to_dict()["levels"] != document["levels"]
    del times


def test_a_small_one_and_events_have_none(directory: Path) -> None:
    series, _, _ = make([300], 3, "float32", 1)
    assert "levels" not in {key for key, value in series.to_dict().items() if value}
    events = seriesview.SVSeries(type="event", sampling_frequency=None)
    times = np.arange(5000.0)
    events.add_numpy_segment(start_time=0, end_time=5000, timestamps=times, values=times)
    assert not events.to_dict().get("levels")


def test_damage_in_a_large_file_is_noticed(directory: Path) -> None:
    series, _, _ = make([2000], 3, "float32", 1)
    uri = series.to_uri()
    store = open_store(directory, "embedded")
    path = store.path(series.segments[0].info.values_uri or "")
    with seriesview.open_series(uri, store) as opened:
        opened.values(0, 10, 20)
        content = bytearray(path.read_bytes())
        content[50] ^= 1
        path.chmod(0o644)
        path.write_bytes(bytes(content))
        with pytest.raises(IntegrityError):
            opened.values(0, 10, 20)
        path.write_bytes(bytes(content[:-4]))
        with pytest.raises(IntegrityError):
            opened.values(0, 10, 20)
