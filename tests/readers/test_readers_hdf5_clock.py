"""Times of HDF5 and netCDF files: what xarray decodes; epochs, units, calendars, and when samples began."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray
from hdf5_files import SAMPLES, by_path, opened, refused, write
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.readers import ReadOptions, Recording, open_recording

T0 = 1_700_000_000
UNITS = {
    "days": 86400.0,
    "hours": 3600.0,
    "minutes": 60.0,
    "seconds": 1.0,
    "milliseconds": 1e-3,
    "microseconds": 1e-6,
}


def moments(recording: Recording) -> list[float]:
    """Seconds since 1970 of all samples."""
    start = datetime.fromisoformat(str(recording.session_start))
    zero = (start if start.tzinfo else start.replace(tzinfo=UTC)).timestamp()
    if recording.sampling_frequency is not None:
        steps = np.arange(recording.num_samples) / recording.sampling_frequency
        return [zero + recording.start_time + step for step in steps.tolist()]
    return [zero + time for time in recording.timestamps(0, recording.num_samples).tolist()]


@settings(deadline=None)
@given(
    unit=st.sampled_from(sorted(UNITS)),
    date=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
        lambda date: date.replace(microsecond=0)
    ),
    form=st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S +00:00", "%Y-%m-%d"]),
    steps=st.lists(st.integers(1, 1000), min_size=2, max_size=9),
    first=st.integers(0, 10_000),
    dtype=st.sampled_from(["i4", "i8", "f8"]),
    calendar=st.sampled_from([None, "standard", "gregorian", "proleptic_gregorian"]),
)
def test_times_are_what_xarray_decodes(
    tmp_path_factory: pytest.TempPathFactory,
    unit: str,
    date: datetime,
    form: str,
    steps: list[int],
    first: int,
    dtype: str,
    calendar: str | None,
) -> None:
    path = tmp_path_factory.mktemp("nc") / "a.nc"
    times = (first + np.cumsum(steps)).astype(dtype)
    attributes = {"units": f"{unit} since {date:{form}}"} | (
        {} if calendar is None else {"calendar": calendar}
    )
    dataset = xarray.Dataset({"x": ("time", np.arange(len(times)))}, {"time": ("time", times, attributes)})
    dataset.to_netcdf(path)
    with xarray.open_dataset(path) as decoded:
        theirs = decoded["time"].values.astype("datetime64[ns]").astype(np.int64)
    assert by_path(path)["/x"].options["timestamps"] == "/time"
    with opened(path, "x", timestamps="time") as recording:
        np.testing.assert_allclose(moments(recording), theirs / 1e9, rtol=0, atol=2e-6)


def timed(path: Path, times: Any, **attributes: Any) -> Path:
    def fill(file: h5py.File) -> None:
        file["x"], file["timestamps"] = np.zeros(len(times)), times
        file["timestamps"].attrs.update(attributes)

    return write(path, fill)


COUNT = np.arange(900)


@pytest.mark.parametrize(
    ("times", "attributes"),
    [
        (T0 + COUNT * 0.01, {}),
        (T0 * 10**3 + COUNT * 10, {}),
        (T0 * 10**6 + COUNT * 10_000, {}),
        (T0 * 10**9 + COUNT * 10**7, {}),
        ((T0 * 10**9 + COUNT * 10**7).astype("u8"), {}),
        (T0 * 1e3 + COUNT * 10.0, {"units": "ms"}),
        (COUNT * 10, {"units": "milliseconds since 2023-11-14 22:13:20"}),
        (COUNT * 10, {"units": "milliseconds since 2023-11-14T23:13:20+01:00"}),
        (COUNT, {"units": "seconds since 2023-11-14 22:13:20", "scale_factor": 0.01}),
    ],
)
def test_counts_since_1970_are_told_by_their_size(
    tmp_path: Path, times: Any, attributes: dict[str, Any]
) -> None:
    path = timed(tmp_path / "a.h5", times, **attributes)
    with opened(path, "x", timestamps="timestamps") as recording:
        np.testing.assert_allclose(moments(recording), T0 + COUNT * 0.01, rtol=0, atol=1e-6)
        if not str(attributes.get("units", "")).count("since"):
            assert any(decision.is_guess for decision in recording.decisions)
    events = opened(path, "timestamps", type="event")
    zero = datetime.fromisoformat(str(events.session_start)).timestamp()
    np.testing.assert_allclose(zero + events.events()[0], T0 + COUNT * 0.01, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("times", "attributes", "said"),
    [
        (COUNT, {"units": "days since 2000-01-01", "calendar": "noleap"}, "the calendar 'noleap'"),
        (COUNT, {"units": "days since 2000-01-01", "calendar": "360_day"}, "the calendar '360_day'"),
        (COUNT, {"units": "months since 2000-01-01"}, "no unit of time"),
        (COUNT, {"units": "samples"}, "'samples' is no unit of time"),
        (COUNT, {"units": "days since the flood"}, "no unit of time"),
        (COUNT, {"units": "days since 2000-13-01"}, "no date that exists"),
        (np.zeros(900), {}, "all times are 0"),
        (np.full(900, T0), {}, "all times are"),
        (COUNT * 10**13, {}, "cannot be seconds"),
        (COUNT + 1000, {"units": "days since 1600-01-01"}, "the year 1602"),
        (COUNT, {"units": "s", "scale_factor": np.nan}, "scale_factor is nan"),
    ],
)
def test_times_that_are_not_understood_are_refused(
    tmp_path: Path, times: Any, attributes: dict[str, Any], said: str
) -> None:
    message = refused(timed(tmp_path / "a.h5", times, **attributes), "x", timestamps="timestamps")
    assert "timestamps" in message
    assert said in message


def test_the_unit_of_times_can_be_configured(tmp_path: Path) -> None:
    path = timed(tmp_path / "a.h5", COUNT * 5, units="counts")
    assert "'counts' is no unit of time" in refused(path, "x", timestamps="timestamps")
    with opened(path, "x", timestamps="timestamps (ms)") as recording:
        assert recording.timestamps(0, 3).tolist() == [0, 0.005, 0.01]
    with opened(path, "x", timestamps="/timestamps (seconds since 2020-01-01)") as recording:
        assert recording.session_start == "2020-01-01T00:00:00+00:00"


def test_times_that_are_missing_are_not_times(tmp_path: Path) -> None:
    path = timed(tmp_path / "a.h5", np.array([0, 1, -1, 3]), units="s", _FillValue=-1)
    with opened(path, "x", timestamps="timestamps") as recording:
        np.testing.assert_array_equal(recording.timestamps(0, 4), [0, 1, np.nan, 3])


def test_the_unit_stands_at_the_times_or_around_them(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        for name in ("own", "around"):
            file[f"{name}/x"], file[f"{name}/t"] = SAMPLES, np.arange(20) * 10
        file["own/t"].attrs["TimeUnit"] = "ms"
        file["around"].attrs["time_unit"] = "ms"

    path = write(tmp_path / "a.h5", fill)
    for name in ("own", "around"):
        with opened(path, f"{name}/x", timestamps="t") as recording:
            assert recording.timestamps(1, 3).tolist() == [0.01, 0.02]


def test_coordinates_that_are_not_called_times(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["when"], file["aux"] = np.arange(20), np.arange(20.0)
        file["when"].attrs["units"] = "hours since 2020-01-01"
        file["when"].make_scale("when")
        file["aux"].attrs["standard_name"] = "time"
        file["by_scale"], file["by_name"] = np.zeros((20, 2)), np.zeros((2, 20))
        file["by_scale"].dims[0].attach_scale(file["when"])
        file["by_name"].attrs["coordinates"] = "lat aux"

    found = by_path(write(tmp_path / "a.nc", fill))
    assert found["/by_scale"].options == {"dataset": "/by_scale", "timestamps": "/when"}
    assert found["/by_name"].options == {"dataset": "/by_name", "order": "F", "timestamps": "/aux"}


def test_whole_numbers_without_a_unit_are_guessed(tmp_path: Path) -> None:
    with opened(timed(tmp_path / "a.h5", COUNT), "x", timestamps="timestamps") as recording:
        (decision,) = recording.decisions
        assert decision.is_guess
        assert "taken for seconds" in decision.text


def test_times_that_cannot_tell_samples_apart_are_said(tmp_path: Path) -> None:
    times = (1e6 + COUNT * 0.001).astype("f4")
    with opened(timed(tmp_path / "a.h5", times, units="s"), "x", timestamps="timestamps") as recording:
        assert any("steps of" in decision.text for decision in recording.decisions)


BEGUN = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attributes", "on_group", "begun"),
    [
        ({"start_time": "2023-11-14T22:13:20Z"}, False, 0),
        ({"StartTime": "2023-11-14 22:13:20+00:00"}, True, 0),
        ({"starttime": "2023-11-14T23:13:20.5+01:00"}, True, 0.5),
        ({"session_start_time": b"14-Nov-2023 22:13:20 UTC"}, True, 0),
        ({"t0": float(T0)}, False, 0),
        ({"start_time": T0 * 1000 + 250}, False, 0.25),
        ({"start_time": np.int64(T0) * 10**9}, True, 0),
        ({"starttime": 1_700_000_000_000.0, "starttime_unit": "ms"}, True, 0),
        ({"starttime": 60, "starttime_units": "minutes since 2023-11-14 21:13:20"}, True, 0),
    ],
)
def test_when_a_recording_with_a_rate_began(
    tmp_path: Path, attributes: dict[str, Any], on_group: bool, begun: float
) -> None:
    def fill(file: h5py.File) -> None:
        file["a/x"] = SAMPLES
        file["a/x"].attrs["fs"] = 10.0
        (file["a"] if on_group else file["a/x"]).attrs.update(attributes)

    with opened(write(tmp_path / "a.h5", fill)) as recording:
        expected = (BEGUN + timedelta(seconds=begun)).timestamp()
        np.testing.assert_allclose(moments(recording)[:2], [expected, expected + 0.1], rtol=0, atol=1e-6)
        assert any(decision.text.startswith("begun at") for decision in recording.decisions)


def test_a_beginning_within_the_recordings_own_time_or_none(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        for name, value in (("seconds", 12.5), ("words", "yesterday"), ("local", "2024-03-01 08:00:00")):
            file[name] = SAMPLES
            file[name].attrs.update(fs=10.0, start_time=value)

    path = write(tmp_path / "a.h5", fill)
    with opened(path, "seconds") as recording:
        assert (recording.start_time, recording.session_start) == (12.5, None)
    with opened(path, "words") as recording:
        assert (recording.start_time, recording.session_start) == (0, None)
        (guess,) = [decision.text for decision in recording.decisions if decision.is_guess]
        assert "set `session_start`" in guess
    with opened(path, "local") as recording:
        assert recording.session_start == "2024-03-01T08:00:00"
    with opened(path, "local", timezone="Europe/Berlin") as recording:
        assert recording.session_start == "2024-03-01T08:00:00+01:00"


@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
def test_numpy_arrays_of_times_count_alike(tmp_path: Path, factor: int) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.zeros(900), t=T0 * factor + COUNT * factor)
    with open_recording(path, options=ReadOptions(dataset="x", timestamps="t")) as recording:
        assert moments(recording) == [T0 + count for count in COUNT.tolist()]
        assert any(decision.is_guess for decision in recording.decisions)
    with open_recording(path, options=ReadOptions(dataset="t", type="event")) as recording:
        assert recording.events()[0].tolist() == COUNT.tolist()
    np.savez(path, x=np.zeros(900), t=COUNT)
    with open_recording(path, options=ReadOptions(dataset="x", timestamps="t (ms)")) as recording:
        assert recording.timestamps(0, 2).tolist() == [0, 0.001]
