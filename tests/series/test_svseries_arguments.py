"""What people pass for a series put together in Python is what it means, or one clear error."""

import time
import warnings
from typing import Any

import numpy as np
import pytest

import seriesview as sev
from seriesview.errors import SeriesviewError
from seriesview.workspace.multi_panel_view import MultiPanelView

TIMES = np.arange(1000) / 100
VALUES = np.arange(2000.0).reshape(1000, 2)


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "store"))


def make(**options: Any) -> sev.SVSeries:
    arguments = {
        "type": "continuous",
        "sampling_frequency": 100,
        "start_time": 0,
        "end_time": 10,
        "segment_duration": 4,
        "timestamps": TIMES,
        "values": VALUES,
    }
    return sev.SVSeries.from_numpy(**(arguments | options))


@pytest.mark.parametrize(
    "options",
    [
        {"sampling_frequency": np.float32(100)},
        {"sampling_frequency": np.array(100)},
        {"end_time": np.uint64(10), "segment_duration": np.uint8(4)},
        {"timestamps": TIMES.tolist(), "values": VALUES.tolist()},
        {"timestamps": TIMES.astype(object)},
        {"timestamps": TIMES.astype(np.longdouble)},
        {"timestamps": TIMES.astype(">f8"), "values": VALUES.astype(">f8")},
        {"timestamps": TIMES[::-1], "values": VALUES[::-1]},
        {"timestamps": np.ma.masked_less(TIMES, -1), "values": np.ma.masked_less(VALUES, -1)},
        {"type": np.str_("continuous")},
    ],
)
def test_numbers_of_every_kind(options):
    assert make(**options).to_uri() == make().to_uri()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling_frequency": "100"}, "is no rate"),
        ({"sampling_frequency": 0}, "is no rate"),
        ({"sampling_frequency": -5}, "is no rate"),
        ({"sampling_frequency": True}, "is no rate"),
        ({"sampling_frequency": np.nan}, "is no rate"),
        ({"sampling_frequency": np.array([100.0])}, "is no rate"),
        ({"start_time": np.nan}, "start_time: a time"),
        ({"end_time": None}, "end_time: a time"),
        ({"end_time": np.inf}, "end_time: a time"),
        ({"end_time": -1}, "the end comes before the start"),
        ({"end_time": 1e12, "segment_duration": 1}, "more than 100000"),
        ({"end_time": 1e300}, "more than 100000"),
        ({"segment_duration": 1e-9}, "more than 100000"),
        ({"segment_duration": None}, "segment_duration: a time"),
        ({"timestamps": np.where(TIMES == 5, np.nan, TIMES)}, "not finite"),
        ({"timestamps": np.where(TIMES == 5, np.inf, TIMES)}, "not finite"),
        ({"timestamps": np.ma.masked_equal(TIMES, 5)}, "timestamps are masked"),
        ({"timestamps": TIMES.astype(str)}, "numbers of seconds"),
        ({"timestamps": TIMES + 1j}, "numbers of seconds"),
        ({"timestamps": TIMES > 5}, "numbers of seconds"),
        ({"timestamps": np.datetime64("2020-01-01") + (TIMES * 1000).astype("m8[ms]")}, "timedelta64"),
        ({"timestamps": (TIMES * 1000).astype("m8[ms]")}, "timedelta64"),
        ({"timestamps": np.arange(1000, dtype=np.uint64) + 2**60}, "beyond"),
        ({"timestamps": (t for t in TIMES)}, "not all numbers"),
        ({"timestamps": [object()] * 1000}, "not all numbers"),
        ({"timestamps": 5.0}, "one time a sample"),
        ({"timestamps": np.zeros((1000, 2))}, "one time a sample"),
        ({"values": np.ma.masked_greater(VALUES, 5)}, "values are masked"),
        ({"values": [[1], [1, 2]] * 500}, "no array of numbers"),
        ({"values": VALUES.astype(object)}, "dtype object"),
        ({"values": None}, "dtype object"),
        ({"values": VALUES.T}, "for 1000 timestamps"),
        ({"values": np.zeros((1000, 0))}, "at least one value"),
    ],
)
def test_what_means_nothing_is_one_error(options, message):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SeriesviewError, match=message) as problem:
            make(**options)
    assert "\n" not in str(problem.value)


def test_an_infinite_duration_is_one_segment():
    series = make(segment_duration=np.inf)
    assert [segment.num_samples for segment in series.segments] == [1000]


def test_that_no_sample_lies_in_the_time_that_is_given_is_said():
    with pytest.warns(UserWarning, match=r"none of the 1000 samples lies in 0\.0 <= t < 10\.0"):
        make(timestamps=TIMES + 100)


def test_samples_outside_of_their_segment_are_refused():
    series = make()
    for times in (TIMES + 5, TIMES - 1):
        with pytest.raises(SeriesviewError, match="leave out the samples outside"):
            series.add_numpy_segment(start_time=0, end_time=10, timestamps=times, values=VALUES)
    series = sev.SVSeries(type="continuous", sampling_frequency=None)
    series.add_numpy_segment(start_time=0, end_time=TIMES[-1], timestamps=TIMES, values=VALUES)
    assert series.get_samples(start=TIMES[-1])[0].tolist() == [TIMES[-1]]


def test_many_short_segments_cost_what_the_samples_cost():
    times = np.sort(np.random.default_rng(0).uniform(0, 10, 500))
    begin = time.process_time()
    series = make(timestamps=times, values=np.arange(500), segment_duration=0.01)
    assert time.process_time() - begin < 30
    for segment in series.segments:
        inside = (segment.start_time <= times) & (times < segment.end_time)
        assert segment.num_samples == inside.sum()
    np.testing.assert_array_equal(series.get_samples()[1], np.arange(500))


@pytest.mark.parametrize("segment", [5, None, {}, VALUES])
def test_what_is_no_segment_is_refused(segment):
    with pytest.raises(SeriesviewError, match="a segment is expected"):
        make().add_segment(segment)


@pytest.mark.parametrize("start", [np.nan, "1", [1], None])
def test_times_that_are_asked_for(start):
    if start is None:
        assert len(make().get_samples(start)[0]) == 1000
    else:
        with pytest.raises(SeriesviewError, match="start: a time"):
            make().get_samples(start)


@pytest.mark.parametrize("series", ["sha1://x", None, VALUES, 5])
def test_panels_of_what_is_no_series_are_refused(series):
    with pytest.raises(SeriesviewError, match="an SVSeries is expected"):
        MultiPanelView().add_continuous_traces_panel(series, label="x")


def test_panels_that_are_asked_for_oddly():
    view = MultiPanelView()
    series = make()
    for label in (None, 5, ["x"]):
        with pytest.raises(SeriesviewError, match="label: a text"):
            view.add_continuous_traces_panel(series, label=label)
    view.add_probability_density_panel(
        series, label="p", bin_centers=(x for x in np.array([1, 2], np.uint64))
    )
    with pytest.raises(SeriesviewError, match="bin_centers"):
        view.add_probability_density_panel(series, label="p", bin_centers="12")
    assert view.panel(np.uint64(0)).data["bin_centers"] == [1.0, 2.0]
    for index in (1, -2, "0", None):
        with pytest.raises(SeriesviewError, match="index"):
            view.panel(index)


def test_segments_whose_values_no_dtype_holds_are_refused():
    series = make(values=np.full(1000, 2**62))
    series.add_numpy_segment(
        start_time=20, end_time=30, timestamps=TIMES + 20, values=np.full(1000, 2**63 + 1, np.uint64)
    )
    with pytest.raises(SeriesviewError, match="int64, uint64: no dtype"):
        series.to_uri()
    small = make(values=np.full(1000, 5))
    small.add_numpy_segment(start_time=20, end_time=30, timestamps=TIMES + 20, values=np.full(1000, 0.5))
    assert sev.open_series(small.to_uri()).values(0, 0, 2).tolist() == [[5.0], [5.0]]


def test_intervals_are_no_samples():
    with pytest.raises(SeriesviewError, match="one of continuous, discrete, event"):
        make(type="interval")
