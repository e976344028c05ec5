"""What objects hold is shown as they say it: values, names, units, times and dates."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seriesview
from seriesview.errors import ReaderError
from seriesview.figures.show import figure_of
from seriesview.objects.finding import file_of, recordings_of
from seriesview.objects.held import Told
from seriesview.series.series import Series

RANDOM = np.random.default_rng(5)
TOKYO = datetime.timezone(datetime.timedelta(hours=9))


@pytest.fixture
def shown(tmp_path: Path):
    """Shows an object; gives its series by name."""

    def show(thing: Any, name: str = "data", **told: Any) -> dict[str, Series]:
        figure = figure_of(thing, name, Told(**told), tmp_path / "storage", None)
        workspace = seriesview.open_workspace(figure.to_uri(), tmp_path / "storage")
        return {entry: workspace.series(entry) for entry in workspace.names}

    return show


def samples(series: Series) -> np.ndarray:
    return np.concatenate(
        [series.values(k, 0, each.num_samples) for k, each in enumerate(series.manifest.segments)]
    )


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint16", ">i2", "int64", "uint64", "float16", ">f4", "float64"]
)
def test_arrays_of_every_dtype(shown, dtype: str) -> None:
    array = (
        (RANDOM.normal(0, 50, (5000, 3)) > 0)
        if dtype == "bool"
        else RANDOM.integers(0, 100, (5000, 3)).astype(dtype)
    )
    (series,) = shown(
        array, sampling_frequency=1000, unit="uV", scale=0.5, offset=-1, channel_labels=["a", "b", "c"]
    ).values()
    assert np.array_equal(samples(series), array)
    assert series.manifest.dtype == ("uint8" if dtype == "bool" else np.dtype(dtype).name)
    assert [channel.label for channel in series.channels] == ["a", "b", "c"]
    manifest = series.manifest
    assert (manifest.unit, manifest.scale, manifest.offset, manifest.sampling_frequency) == (
        "uV",
        0.5,
        -1,
        1000,
    )
    envelope = series.window(0, 0, 64, 50)
    for column in range(50):
        stretch = array[64 * column : 64 * column + 65]
        assert np.array_equal(envelope[column, 0], stretch.min(0))
        assert np.array_equal(envelope[column, 1], stretch.max(0))


def test_arrays_whose_time_is_not_clear_are_asked_for(shown) -> None:
    array = RANDOM.normal(size=(4, 3000))
    with pytest.raises(ReaderError, match=r"time_axis=0 or time_axis=1"):
        shown(array, sampling_frequency=100)
    (series,) = shown(array, sampling_frequency=100, time_axis=1).values()
    assert np.array_equal(samples(series), array.T)
    with pytest.raises(ReaderError, match="sampling_frequency="):
        shown(array[0])
    for odd in (np.zeros((2, 2, 2)), np.zeros((5, 2), complex), np.array(["a"]), np.zeros((0, 2)), object()):
        with pytest.raises(ReaderError):
            shown(odd, sampling_frequency=10)
    with pytest.raises(ReaderError, match="not both"):
        shown(array[0], sampling_frequency=10, times=np.arange(3000))
    with pytest.raises(ReaderError, match="2999 times for 3000 samples"):
        shown(array[0], times=np.arange(2999))


def test_lists_masked_arrays_and_times_that_are_given(shown) -> None:
    (series,) = shown([1.0, 2.0, 4.0], times=[0.0, 0.5, 7.0]).values()
    assert samples(series)[:, 0].tolist() == [1.0, 2.0, 4.0]
    assert series.manifest.segments[0].start_time == 0.0
    masked = np.ma.masked_array([1.0, 2.0, 3.0], [False, True, False])
    (series,) = shown(masked, sampling_frequency=1).values()
    assert np.array_equal(samples(series)[:, 0], [1, np.nan, 3], equal_nan=True)
    with pytest.raises(ReaderError, match="masked values"):
        shown(np.ma.masked_array([1, 2], [False, True]), sampling_frequency=1)
    dates = np.array("2024-03-31T01:59:59.5", "datetime64[us]") + np.arange(100) * np.timedelta64(
        10_000, "us"
    )
    (series,) = shown(np.arange(100), times=dates).values()
    assert series.manifest.session_start == "2024-03-31T01:59:59.500000"
    assert series.manifest.sampling_frequency == pytest.approx(100)


def test_pandas(shown) -> None:
    import pandas

    index = pandas.date_range("2024-10-27 00:30", periods=6000, freq="10ms", tz="Europe/Berlin")
    frame = pandas.DataFrame(
        {
            "eeg": RANDOM.normal(size=6000),
            "n": RANDOM.integers(0, 9, 6000),
            "eog": RANDOM.normal(size=6000),
            "who": "x",
        },
        index,
    )
    found = shown(frame, name="night")
    floats, integers = found["night (float64)"], found["night (int64)"]
    assert [channel.label for channel in floats.channels] == ["eeg", "eog"]
    assert np.array_equal(samples(floats), frame[["eeg", "eog"]].to_numpy())
    assert np.array_equal(samples(integers)[:, 0], frame["n"].to_numpy())
    assert floats.manifest.session_start == "2024-10-26T22:30:00+00:00"
    assert floats.manifest.sampling_frequency == pytest.approx(100)
    plain = pandas.Series(RANDOM.normal(size=500), name="pulse")
    with pytest.raises(ReaderError, match="sampling_frequency="):
        shown(plain)
    (series,) = shown(plain, sampling_frequency=50).values()
    assert series.channels[0].label == "pulse"
    nullable = pandas.DataFrame({"time": np.arange(4) / 2, "v": pandas.array([1, None, 3, 4], "Int64")})
    (series,) = shown(nullable).values()
    assert np.array_equal(samples(series)[:, 0], [1, np.nan, 3, 4], equal_nan=True)
    with pytest.raises(ReaderError, match="no column of numbers"):
        shown(pandas.DataFrame({"a": ["x", "y"]}), sampling_frequency=1)


def test_polars_and_arrow(shown) -> None:
    import polars
    import pyarrow

    start = datetime.datetime(2024, 1, 1, 9, tzinfo=TOKYO)
    when = polars.datetime_range(
        start, start + datetime.timedelta(seconds=9.99), "10ms", eager=True, time_zone="Asia/Tokyo"
    )
    frame = polars.DataFrame({"when": when, "x": RANDOM.normal(size=1000), "y": RANDOM.normal(size=1000)})
    for table in (frame, frame.to_arrow()):
        (series,) = shown(table).values()
        assert [channel.label for channel in series.channels] == ["x", "y"]
        assert np.array_equal(samples(series), frame[["x", "y"]].to_numpy())
        assert series.manifest.session_start == "2024-01-01T00:00:00+00:00"
        assert series.manifest.sampling_frequency == pytest.approx(100)
    (series,) = shown(polars.Series("z", [1, 2, None, 4]), sampling_frequency=2).values()
    assert np.array_equal(samples(series)[:, 0], [1, 2, np.nan, 4], equal_nan=True)
    assert isinstance(frame.to_arrow(), pyarrow.Table)


def test_xarray(shown) -> None:
    import xarray

    array = xarray.DataArray(
        RANDOM.normal(size=(2, 3000, 3)).astype("f4"),
        dims=("side", "time", "place"),
        coords={
            "side": ["left", "right"],
            "time": ("time", np.arange(3000.0), {"units": "ms"}),
            "place": [0.5, 1, 2],
        },
        attrs={"units": "m/s", "long_name": "Wind"},
        name="wind",
    )
    (series,) = shown(array).values()
    assert np.array_equal(samples(series), array.transpose("time", "side", "place").values.reshape(3000, 6))
    assert [channel.label for channel in series.channels][:2] == ["left 0.5", "left 1"]
    assert (series.manifest.unit, series.manifest.label) == ("m/s", "Wind")
    assert series.manifest.sampling_frequency == pytest.approx(1000)
    both = xarray.Dataset({"wind": array, "flat": ("place", [1.0, 2, 3])})
    assert list(shown(both)) == ["wind"]
    with pytest.raises(ReaderError, match="no unit of time"):
        shown(array.assign_coords(time=("time", np.arange(3000.0), {"units": "furlongs"})))


def test_spikeinterface(shown) -> None:
    import spikeinterface.core as core

    traces = [RANDOM.integers(-900, 900, (4000, 4)).astype("int16") for _ in range(2)]
    recording = core.NumpyRecording(traces, 20_000, channel_ids=["a", "b", "c", "d"])
    recording.set_channel_gains([0.1, 0.2, 0.3, 0.4])
    recording.set_channel_offsets([0, 1, 2, 3])
    recording.set_property("location", np.array([[0.0, 0], [0, 20], [16, 0], [16, 20]]))
    found = shown(recording, name="rec")
    assert list(found) == ["rec (segment 0)", "rec (segment 1)"]
    for series, stored in zip(found.values(), traces, strict=True):
        assert np.array_equal(samples(series), stored)
        assert series.manifest.dtype == "int16"
        assert [channel.id for channel in series.channels] == ["a", "b", "c", "d"]
        assert [(channel.scale, channel.offset) for channel in series.channels][1] == (0.2, 1)
        assert [(channel.x, channel.y) for channel in series.channels][3] == (16, 20)
        assert series.manifest.unit == "uV"
        assert series.manifest.sampling_frequency == 20_000
    trains = {7: np.array([5, 50, 3000]), 9: np.array([100])}
    sorting = core.NumpySorting.from_unit_dict([trains], 1000)
    (units,) = shown(sorting).values()
    assert [channel.label for channel in units.channels] == ["7", "9"]
    assert units.manifest.num_samples == 4


def test_mne(shown) -> None:
    import mne

    values = RANDOM.normal(0, 1e-5, (3, 2000))
    raw = mne.io.RawArray(
        values,
        mne.create_info(["Fz", "Cz", "STI"], 250.0, ["eeg", "eeg", "stim"]),
        first_samp=500,
        verbose=False,
    )
    raw.set_meas_date(datetime.datetime(2023, 5, 1, 12, tzinfo=datetime.UTC))
    raw.set_annotations(mne.Annotations([1.0, 3.0], [0.5, 0.0], ["spindle", "blink"]))
    found = shown(raw, name="raw")
    series = found["raw"]
    assert np.array_equal(samples(series), values.T)
    assert (series.channels[0].label, series.channels[0].unit) == ("Fz", "V")
    assert series.manifest.session_start.startswith("2023-05-01T12:00:00")
    assert series.manifest.segments[0].start_time == 2.0
    marks = found["raw annotations"]
    # Onsets were given from the first sample that was kept, which comes 2 s after the date.
    segment = marks.manifest.segments[0]
    assert (segment.start_time, segment.end_time) == (3.0, 5.0)
    assert marks.manifest.intervals.labels == ("blink", "spindle")


def test_pynwb_in_memory_and_in_a_file(shown, tmp_path: Path) -> None:
    import pynwb

    start = datetime.datetime(2022, 2, 2, 8, tzinfo=datetime.UTC)
    data = RANDOM.integers(-100, 100, (3000, 2)).astype("int16")
    file = pynwb.NWBFile("s", "id", start)
    made = pynwb.TimeSeries(name="lfp", data=data, unit="V", conversion=1e-6, rate=500.0, starting_time=3.0)
    file.add_acquisition(made)
    (series,) = shown(made, name="lfp").values()
    assert np.array_equal(samples(series), data)
    assert (series.manifest.unit, series.manifest.scale) == ("V", 1e-6)
    assert series.manifest.segments[0].start_time == 3.0
    assert series.manifest.session_start.startswith("2022-02-02T08:00:00")
    with pynwb.NWBHDF5IO(tmp_path / "s.nwb", "w") as out:
        out.write(file)
    with pynwb.NWBHDF5IO(tmp_path / "s.nwb", "r") as opened:
        (series,) = shown(opened.read().acquisition["lfp"]).values()
        assert np.array_equal(samples(series), data)
        assert series.manifest.segments[0].start_time == 3.0


def test_several_by_name_lie_on_one_axis(shown) -> None:
    found = shown({"fast": RANDOM.normal(size=4000), "slow": RANDOM.normal(size=40)}, sampling_frequency=100)
    assert list(found) == ["fast", "slow"]
    with pytest.raises(ReaderError, match="empty dict"):
        shown({})


def test_nothing_is_imported_that_the_user_has_not(tmp_path: Path) -> None:
    script = (
        "import sys, numpy as np\n"
        "from seriesview.figures.show import figure_of\n"
        "from seriesview.objects.held import Told\n"
        f"figure_of(np.zeros((3000, 2)), 'x', Told(10.0), {str(tmp_path)!r}, None)\n"
        "others = ('pandas', 'polars', 'xarray', 'spikeinterface', 'mne', 'pynwb')\n"
        "print([name for name in others if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_given_is_dropped_in_silence(shown, tmp_path: Path) -> None:
    array = RANDOM.normal(size=(100, 2))
    with pytest.raises(ReaderError, match="start_time: its samples have times"):
        shown(array, times=np.arange(100.0), start_time=5)
    for pair in ({1: array, "1": array * 2}, {"a/b": array, "a//b": array * 2}):
        with pytest.raises(ReaderError, match="two series are called"):
            shown(pair, sampling_frequency=10)
    np.save(tmp_path / "walk.npy", array)
    for given in ({"times": np.arange(100.0)}, {"time_axis": 1}):
        with pytest.raises(ReaderError, match="objects in memory alone"):
            shown(tmp_path / "walk.npy", sampling_frequency=10, **given)
    with pytest.raises(ReaderError, match="as a dict, by name"):
        shown([[1.0, 2.0], [3.0]], sampling_frequency=10)


def test_time_of_xarray_is_its_dates_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    import xarray

    start = np.datetime64("2024-01-01", "ns")
    leads = xarray.DataArray(
        RANDOM.normal(size=(3, 50)),
        dims=("lead", "time"),
        coords={
            "lead": np.arange(3) * np.timedelta64(1, "h"),
            "time": start + np.arange(50) * np.timedelta64(1, "s"),
        },
    )
    (held,) = recordings_of(leads, "wind", Told())
    assert (held.num_samples, held.num_channels, held.session_start) == (50, 3, "2024-01-01T00:00:00.000000")
    data = xarray.Dataset({"x": ("time", np.arange(50.0)), "who": ("time", ["a"] * 50)})
    (held,) = recordings_of(data, "d", Told(10.0))
    assert [said.text for said in held.decisions] == ["left out, no numbers: 'who' (<U1)"]
    odd = leads.isel(lead=0, drop=True).assign_coords(time=("time", np.arange(50.0), {"units": 5}))
    with pytest.raises(ReaderError, match="'5', which is no unit of time"):
        recordings_of(odd, "wind", Told())


def test_labels_of_spikeinterface_channels(shown) -> None:
    import spikeinterface.core as core

    recording = core.NumpyRecording([RANDOM.integers(0, 9, (400, 2)).astype("int16")], 100)
    recording.set_channel_gains([0.5, 2])
    (series,) = shown(recording, channel_labels=["deep", "shallow"]).values()
    assert [(each.id, each.label, each.scale) for each in series.channels] == [
        ("0", "deep", 0.5),
        ("1", "shallow", 2),
    ]


@pytest.mark.parametrize("is_dated", [False, True])
def test_annotations_of_mne_lie_where_their_samples_are(shown, is_dated: bool) -> None:
    import mne

    raw = mne.io.RawArray(
        np.zeros((1, 2000)), mne.create_info(1, 250.0, "eeg"), first_samp=500, verbose=False
    )
    if is_dated:
        raw.set_meas_date(datetime.datetime(2023, 5, 1, tzinfo=datetime.UTC))
    raw.set_annotations(mne.Annotations([1.0, 3.0], [0.5, 0.0], ["spindle", "blink"]))
    found = shown(raw, name="raw")
    assert found["raw"].manifest.segments[0].start_time == 2.0
    segment = found["raw annotations"].manifest.segments[0]
    assert (segment.start_time, segment.end_time) == (3.0, 5.0)


def test_series_of_an_nwb_file_are_read_from_the_file(tmp_path: Path) -> None:
    import pynwb

    file = pynwb.NWBFile("s", "id", datetime.datetime(2022, 2, 2, 8, tzinfo=datetime.UTC))
    lfp = pynwb.TimeSeries(name="lfp", data=np.arange(3000), unit="V", rate=500.0)
    file.add_acquisition(lfp)
    file.add_acquisition(pynwb.TimeSeries(name="late", data=lfp, unit="V", rate=500.0, starting_time=9.0))
    with pynwb.NWBHDF5IO(tmp_path / "s.nwb", "w") as out:
        out.write(file)
    with pynwb.NWBHDF5IO(tmp_path / "s.nwb", "r") as opened:
        read = opened.read().acquisition
        assert file_of(read["lfp"]) == (tmp_path / "s.nwb", "/acquisition/lfp")
        # It has the samples of the other, at times of its own.
        assert file_of(read["late"]) is None
        (late,) = recordings_of(read["late"], "late", Told())
        assert (late.start_time, late.num_samples) == (9.0, 3000)


def test_columns_keep_their_dtype_and_lose_no_value(shown) -> None:
    import pandas
    import polars

    when = pandas.date_range("2024-01-01", periods=4, freq="s")
    for kind in ("Int8", "UInt16", "Float32"):
        frame = pandas.DataFrame({"v": pandas.array([1, 2, 3, 4], dtype=kind)}, index=when)
        (series,) = shown(frame).values()
        assert series.manifest.dtype == kind.lower()
        assert samples(series)[:, 0].tolist() == [1, 2, 3, 4]
    seconds = np.arange(4.0)
    marks = polars.DataFrame({"time": seconds, "v": [True, None, False, True]})
    large = polars.DataFrame({"time": seconds, "v": [2**60 + 1, None, 3, 4]})
    for table in (marks, marks.to_arrow()):
        (series,) = shown(table).values()
        assert np.array_equal(samples(series)[:, 0], [1, np.nan, 0, 1], equal_nan=True)
    for table in (large, large.to_arrow()):
        with pytest.raises(ReaderError, match=r"above 2\*\*53 beside missing ones"):
            shown(table)


def test_durations_are_times_of_tables(shown) -> None:
    import pandas
    import polars

    steps = pandas.timedelta_range("1s", periods=100, freq="10ms")
    values = RANDOM.normal(size=100)
    for table in (
        pandas.DataFrame({"time": steps, "x": values}),
        polars.DataFrame({"time": steps.to_numpy(), "x": values}),
        polars.DataFrame({"time": steps.to_numpy(), "x": values}).to_arrow(),
    ):
        (series,) = shown(table).values()
        assert (series.manifest.sampling_frequency, series.manifest.segments[0].start_time) == (100, 1)
        assert [channel.label for channel in series.channels] == ["x"]


def test_times_that_are_given_keep_their_zone(shown) -> None:
    import pandas

    values = RANDOM.normal(size=10)
    index = pandas.date_range("2024-01-01T09:00", periods=10, freq="s", tz="Asia/Tokyo")
    for times in (index, index.to_series(), [each.to_pydatetime() for each in index]):
        (series,) = shown(values, times=times).values()
        assert series.manifest.session_start == "2024-01-01T00:00:00+00:00"
        assert series.manifest.sampling_frequency == 1
    (series,) = shown(values, times=[each.to_pydatetime().replace(tzinfo=None) for each in index]).values()
    assert series.manifest.session_start == "2024-01-01T09:00:00"
    with pytest.raises(ReaderError, match=r"to_timestamp\(\)"):
        shown(pandas.Series(values, pandas.period_range("2024-01", periods=10, freq="D")))


def test_words_of_another_kind_are_refused(shown) -> None:
    values = RANDOM.normal(size=10)
    for given in ({"scale": "x"}, {"scale": [1]}, {"offset": np.nan}, {"start_time": "a"}, {"unit": 5}):
        with pytest.raises(ReaderError, match=f"{next(iter(given))} is .* is expected"):
            shown(values, sampling_frequency=10, **given)
    with pytest.raises(ReaderError, match=r"isoformat\(\)"):
        shown(values, sampling_frequency=10, session_start=datetime.datetime(2024, 1, 1))


def test_several_paths_are_shown_and_none_beside_objects(shown, tmp_path: Path) -> None:
    paths = [tmp_path / "one.npy", tmp_path / "two.npy"]
    for path in paths:
        np.save(path, RANDOM.normal(size=50))
    assert list(shown(paths, sampling_frequency=10)) == ["one", "two"]
    with pytest.raises(ReaderError, match="paths as a list"):
        shown({"x": np.zeros(50), "y": paths[0]}, sampling_frequency=10)


def test_panels_go_by_labels_and_one_label_is_not_given_to_several(shown, tmp_path: Path) -> None:
    figure = figure_of(np.zeros(3000), "temp", Told(10.0, label="Temperature"), tmp_path / "storage", None)
    (view,) = figure.data["views"]
    assert [(panel["label"], panel["data"]["series"]) for panel in view["panels"]] == [
        ("Temperature", "temp")
    ]
    assert figure.label == "Temperature"
    found = shown({"a": np.zeros(300), "b": np.zeros(300)}, sampling_frequency=10, label="Both")
    assert [series.manifest.label for series in found.values()] == ["a", "b"]


def test_what_would_mean_nothing_is_refused(shown) -> None:
    import mne
    import xarray

    array = np.zeros(300)
    with pytest.raises(ReaderError, match="scale"):
        shown(array, sampling_frequency=10, scale=0)
    with pytest.raises(ReaderError, match="a name is expected"):
        shown({"": array}, sampling_frequency=10)
    with pytest.raises(ReaderError, match="no dimension is called time"):
        shown(xarray.DataArray(np.zeros((3, 5000)), dims=("a", "b")), sampling_frequency=10)
    with pytest.raises(ReaderError, match="2 dimensions"):
        shown(xarray.DataArray(np.zeros((5000, 3)), dims=("a", "b")), sampling_frequency=10, time_axis=2)
    raw = mne.io.RawArray(np.zeros((1, 300)), mne.create_info(1, 10.0), verbose=False)
    with pytest.raises(ReaderError, match="sampling_frequency"):
        shown(raw, sampling_frequency=20)
