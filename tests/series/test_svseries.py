"""The original package's API: programs written for it, its manifests, and what it did not accept."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest

import seriesview as sev
from seriesview.errors import FormatError, SeriesviewError
from seriesview.store import open_store


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "store"))
    return tmp_path / "store"


def make(x, y, **options):
    arguments = {
        "type": "continuous",
        "sampling_frequency": 100,
        "start_time": 0,
        "end_time": 1,
        "segment_duration": 0.3,
    }
    return sev.SVSeries.from_numpy(**(arguments | options), timestamps=x, values=y)


X = np.arange(100, dtype=np.float32) / 100


def test_a_program_for_the_original_runs_unchanged(directory, capfd):
    series = make(X, X**2)
    again = sev.SVSeries.from_uri(series.to_uri())
    t, v = again.get_samples(start=0.1, end=0.5)
    np.testing.assert_array_equal(t, X[10:50])
    np.testing.assert_array_equal(v, (X**2)[10:50])
    assert t.dtype == v.dtype == np.float32
    assert again.to_dict() == series.to_dict()
    assert again.type == "continuous"
    assert again.sampling_frequency == 100
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_open_ends_and_samples_on_the_edges(directory):
    series = make(X, X)
    assert len(series.get_samples()[0]) == 100
    np.testing.assert_array_equal(series.get_samples(start=0.5)[0], X[50:])
    np.testing.assert_array_equal(series.get_samples(end=0.5)[0], X[:50])
    assert [segment.num_samples for segment in series.segments] == [30, 30, 30, 10]
    for got in series.get_samples(start=7.0):
        assert got.shape == (0,)


def test_no_sample_is_lost_or_doubled_between_segments(directory):
    x = np.arange(0, 1000) * 0.1
    series = make(x, np.arange(1000.0), end_time=100.0, segment_duration=0.1)
    assert sum(segment.num_samples for segment in series.segments) == 1000
    np.testing.assert_array_equal(series.get_samples()[1], np.arange(1000.0))


def test_the_manifest_has_the_originals_keys_and_the_files_its_bytes(directory):
    document = make(X, X).to_dict()
    segment = document["segments"][0]
    assert {"type", "sampling_frequency", "segments"} <= document.keys()
    assert segment["timestamps_dtype"] == segment["values_dtype"] == "float32"
    assert (segment["start_time"], segment["end_time"], segment["num_samples"]) == (0.0, 0.3, 30)
    assert (segment["min_value"], segment["max_value"]) == (0.0, float(X[29]))
    for key in ("timestamps_uri", "values_uri"):
        digest = segment[key].removeprefix("sha1://")[:40]
        data = (directory / "sha1" / digest[:2] / digest[2:4] / digest[4:6] / digest).read_bytes()
        assert hashlib.sha1(data).hexdigest() == digest
        np.testing.assert_array_equal(np.frombuffer(data, "<f4"), X[:30])


def test_a_manifest_of_the_original_package_is_read(directory):
    store = open_store(directory)
    times, values = np.arange(4, dtype="<f8"), np.array([3, -1, 2, 5], "<i2")
    document = {
        "type": "discrete",
        "sampling_frequency": None,
        "segments": [
            {
                "start_time": 0.0,
                "end_time": 5.0,
                "num_samples": 4,
                "min_value": -1.0,
                "max_value": float("nan"),
                "timestamps_dtype": "float64",
                "timestamps_uri": store.put_bytes(times, name="timestamps.dat"),
                "values_dtype": "int16",
                "values_uri": store.put_bytes(values, name="values.dat"),
            }
        ],
    }
    uri = store.put_bytes(json.dumps(document).encode(), name="file.json")
    t, v = sev.SVSeries.from_uri(uri).get_samples(start=1, end=3)
    assert (t.tolist(), v.tolist()) == ([1.0, 2.0], [-1, 2])
    series = sev.open_series(uri)
    assert series.window(0, 0, 2, 10)[:, :, 0].tolist() == [[-1, 3], [2, 5]]
    assert series.values(0, 1, 3).tolist() == [[-1], [2]]
    assert series.times(0, 1, 3).tolist() == [1.0, 2.0]
    assert series.statistics(0, 0, 3)["mean"].tolist() == [9 / 4]
    assert series.time_window(0.5, 2.5, 1).envelope.tolist() == [[[-1], [2]]]


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint16", "float16", "float64", "bool"])
def test_more_dtypes_than_the_original(directory, dtype):
    values = (np.arange(100) % 2).astype(dtype)
    found = sev.SVSeries.from_uri(make(X.astype(np.float64), values).to_uri()).get_samples()[1]
    assert found.dtype == ("uint8" if dtype == "bool" else dtype)
    np.testing.assert_array_equal(found, values)


def test_several_values_a_sample_keep_their_shape(directory):
    values = np.arange(300, dtype=np.int16).reshape(100, 3)
    uri = make(X, values).to_uri()
    np.testing.assert_array_equal(sev.SVSeries.from_uri(uri).get_samples()[1], values)
    assert sev.SVSeries.from_uri(uri).get_samples(start=7.0)[1].shape == (0, 3)
    series = sev.open_series(uri)
    assert [channel.id for channel in series.channels] == ["0", "1", "2"]
    np.testing.assert_array_equal(series.window(1, 0, 29, 1)[0], [values[30], values[59]])


def test_columns_of_one_are_taken_for_flat_lists(directory):
    t, v = make(X[:, None], X[:, None]).get_samples(start=0.1, end=0.2)
    assert t.shape == v.shape == (10,)


def test_empty_segments_have_no_extremes(directory):
    series = make(X + 5, X, end_time=7, segment_duration=1)
    document = series.to_dict()
    assert [s["num_samples"] for s in document["segments"]] == [0, 0, 0, 0, 0, 100, 0]
    assert document["segments"][0]["min_value"] is None
    again = sev.SVSeries.from_uri(series.to_uri())
    assert len(again.get_samples()[0]) == 100
    assert sev.open_series(again.to_uri()).values(5, 0, 100).shape == (100, 1)


def test_samples_out_of_order_are_sorted(directory):
    series = sev.SVSeries(type="discrete", sampling_frequency=None)
    series.add_numpy_segment(
        start_time=0, end_time=9, timestamps=np.array([3.0, 1.0, 3.0]), values=np.array([1, 2, 3])
    )
    t, v = series.get_samples()
    assert (t.tolist(), v.tolist()) == ([1.0, 3.0, 3.0], [2, 1, 3])


def test_a_segment_of_its_own(directory):
    segment = sev.SVSeriesSegment.from_numpy(
        start_time=1, end_time=2, timestamps=np.array([1.5]), values=np.array([[1, 2]], np.int16)
    )
    again = sev.SVSeriesSegment.from_uri(segment.to_uri())
    assert again.to_dict() == segment.to_dict()
    assert (again.start_time, again.end_time, again.num_samples) == (1.0, 2.0, 1)
    assert (again.min_value, again.max_value, again.values_dtype) == (1, 2, "int16")
    assert again.get_samples()[1].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (X[:5], "for 100 timestamps"),
        (X.astype(np.complex64), "dtype complex64"),
        (np.array(["a"] * 100), "dtype <U1"),
    ],
)
def test_values_that_are_not_accepted(directory, values, message):
    with pytest.raises(FormatError, match=message):
        sev.SVSeriesSegment.from_numpy(start_time=0, end_time=1, timestamps=X, values=values)


def test_timestamps_that_are_not_finite(directory):
    with pytest.raises(FormatError, match="not finite"):
        sev.SVSeriesSegment.from_numpy(
            start_time=0, end_time=1, timestamps=np.array([0.0, np.nan]), values=np.zeros(2)
        )


def test_segments_that_do_not_go_together(directory):
    series = make(X, X)
    with pytest.raises(SeriesviewError, match="2 values a sample"):
        series.add_numpy_segment(start_time=2, end_time=3, timestamps=X + 2, values=np.ones((100, 2)))
    with pytest.raises(FormatError, match="series type"):
        sev.SVSeries(type="periodic", sampling_frequency=None)
    with pytest.raises(FormatError, match="not possible"):
        make(X, X, segment_duration=0)


def test_the_package_imports_nothing_heavy_by_itself():
    code = "import sys, seriesview; assert 'numpy' not in sys.modules; seriesview.open_series"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert set(sev.__all__) <= set(dir(sev))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sev.nothing  # noqa: B018
